-- Fails if a month between the first and the last one lacks the row of a
-- region or of the country: "nothing happened" must not look like "no data".
{{ config(meta={'dagster': {'ref': {'name': 'criminal_offences_monthly'}}}) }}
with figures as (
    select
        'criminal' as sphere,
        month,
        region
    from {{ ref('criminal_offences_monthly') }}
    where level <> 'cell'
    union all
    select
        'administrative' as sphere,
        month,
        region
    from {{ ref('administrative_offences_monthly') }}
    where level <> 'cell'
    union all
    select
        'civil' as sphere,
        month,
        region
    from {{ ref('civil_cases_monthly') }}
    where level <> 'cell'
),

spans as (
    select
        sphere,
        generate_series(
            min(month)::timestamp, max(month)::timestamp, interval '1 month'
        )::date as month
    from figures
    group by sphere
),

regions as (
    select code as region from {{ ref('region') }}
    union all
    select null as region
),

due as (
    select *
    from spans
    cross join regions
)

select due.*
from due
left join figures
    on
        due.sphere = figures.sphere
        and due.month = figures.month
        and coalesce(due.region, '') = coalesce(figures.region, '')
where figures.month is null
