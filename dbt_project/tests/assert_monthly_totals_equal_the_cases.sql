-- Fails if a month's cases filed or decided differ from the mart of records,
-- or the total row differs from the sum of the regions.
{{ config(meta={'dagster': {'ref': {'name': 'civil_cases_monthly'}}}) }}
with cases as (
    select * from {{ ref('civil_cases') }}
),

filed as (
    select
        date_trunc('month', received_date)::date as month,
        count(*) as filed
    from cases
    group by date_trunc('month', received_date)
),

decided as (
    select
        date_trunc('month', decision_date)::date as month,
        count(*) as decided
    from cases
    where decision_date is not null
    group by date_trunc('month', decision_date)
),

summed as (
    select
        month,
        sum(filed) filter (where level = 'total') as filed,
        sum(decided) filter (where level = 'total') as decided,
        sum(filed) filter (where level = 'region') as filed_in_regions,
        sum(decided) filter (where level = 'region') as decided_in_regions
    from {{ ref('civil_cases_monthly') }}
    group by month
)

select summed.*
from summed
full join filed
    on summed.month = filed.month
full join decided
    on summed.month = decided.month
where
    summed.filed is distinct from coalesce(filed.filed, 0)
    or summed.decided is distinct from coalesce(decided.decided, 0)
    or summed.filed_in_regions is distinct from summed.filed
    or summed.decided_in_regions is distinct from summed.decided
