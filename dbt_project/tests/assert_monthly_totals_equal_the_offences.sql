-- Fails if a month's total row, the sum of its regions, or the sum of its
-- cells differs from the number of offences in the mart of records.
{{ config(meta={'dagster': {'ref': {'name': 'criminal_offences_monthly'}}}) }}
with counted as (
    select
        'criminal' as sphere,
        registered_month as month,
        count(*) as registered
    from {{ ref('criminal_offences') }}
    group by registered_month
    union all
    select
        'administrative' as sphere,
        registered_month as month,
        count(*) as registered
    from {{ ref('administrative_offences') }}
    group by registered_month
),

monthly as (
    select
        'criminal' as sphere,
        month,
        level,
        registered
    from {{ ref('criminal_offences_monthly') }}
    union all
    select
        'administrative' as sphere,
        month,
        level,
        registered
    from {{ ref('administrative_offences_monthly') }}
),

summed as (
    select
        sphere,
        month,
        coalesce(sum(registered) filter (where level = 'total'), 0) as total,
        coalesce(sum(registered) filter (where level = 'region'), 0) as regions,
        coalesce(sum(registered) filter (where level = 'cell'), 0) as cells
    from monthly
    group by sphere, month
)

select
    summed.*,
    counted.registered
from summed
full join counted
    on
        summed.sphere = counted.sphere
        and summed.month = counted.month
where
    summed.total is distinct from coalesce(counted.registered, 0)
    or summed.regions is distinct from summed.total
    or summed.cells is distinct from summed.total
