-- Fails if the stock of a month is not the stock of the month before, plus
-- the cases filed, less the cases decided; or if the last stock differs from
-- the cases without a decision.
{{ config(meta={'dagster': {'ref': {'name': 'civil_cases_monthly'}}}) }}
with monthly as (
    select * from {{ ref('civil_cases_monthly') }}
),

followed as (
    select
        month,
        region,
        filed,
        decided,
        pending_end,
        coalesce(lag(pending_end) over in_order, 0) as pending_before,
        month = max(month) over () as is_last
    from monthly
    where level <> 'cell'
    window in_order as (partition by region order by month)
),

undecided as (
    select
        region,
        count(*) as pending
    from {{ ref('civil_cases') }}
    where decision_date is null
    group by grouping sets ((region), ())
)

select followed.*
from followed
left join undecided
    on coalesce(followed.region, '') = coalesce(undecided.region, '')
where
    followed.pending_end
    <> followed.pending_before + followed.filed - followed.decided
    or (
        followed.is_last
        and followed.pending_end <> coalesce(undecided.pending, 0)
    )
