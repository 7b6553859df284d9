-- Fails if a figure from January differs from the sum of the months of the
-- year so far, or the same period of a year before from what it was then.
{{ config(meta={'dagster': {'ref': {'name': 'criminal_offences_monthly'}}}) }}
with figures as (
    select
        'criminal' as sphere,
        month,
        region,
        registered as figure,
        registered_ytd as ytd,
        registered_ytd_prev1 as ytd_prev1,
        registered_ytd_prev2 as ytd_prev2,
        registered_prev_year as prev_year
    from {{ ref('criminal_offences_monthly') }}
    where level <> 'cell'
    union all
    select
        'administrative' as sphere,
        month,
        region,
        registered as figure,
        registered_ytd as ytd,
        registered_ytd_prev1 as ytd_prev1,
        registered_ytd_prev2 as ytd_prev2,
        registered_prev_year as prev_year
    from {{ ref('administrative_offences_monthly') }}
    where level <> 'cell'
    union all
    select
        'civil' as sphere,
        month,
        region,
        filed as figure,
        filed_ytd as ytd,
        filed_ytd_prev1 as ytd_prev1,
        filed_ytd_prev2 as ytd_prev2,
        filed_prev_year as prev_year
    from {{ ref('civil_cases_monthly') }}
    where level <> 'cell'
),

recounted as (
    select
        figures.*,
        year_before.ytd as ytd_then,
        year_before.ytd_prev1 as ytd_prev1_then,
        year_before.figure as figure_then,
        (
            select sum(earlier.figure)
            from figures as earlier
            where
                earlier.sphere = figures.sphere
                and earlier.region is not distinct from figures.region
                and earlier.month <= figures.month
                and earlier.month >= date_trunc('year', figures.month)
        ) as ytd_recounted
    from figures
    left join figures as year_before
        on
            figures.sphere = year_before.sphere
            and figures.region is not distinct from year_before.region
            and figures.month = year_before.month + interval '1 year'
)

select *
from recounted
where
    ytd is distinct from ytd_recounted
    or ytd_prev1 is distinct from ytd_then
    or ytd_prev2 is distinct from ytd_prev1_then
    or prev_year is distinct from figure_then
