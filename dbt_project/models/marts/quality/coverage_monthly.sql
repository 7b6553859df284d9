{{ config(
    materialized='incremental',
    incremental_strategy='replace_months',
    on_schema_change='fail',
) }}

with cells as (
    select * from {{ source('quality', 'calendar') }}
    {% if is_incremental() %}
        where (form, month) in ({{ affected_months(this) }})
    {% endif %}
),

-- Not due yet and not answered: neither expected nor missing.
counted as (
    select *
    from cells
    where state <> 'expected'
),

coverage_monthly as (
    select
        month,
        form,
        region,
        count(*) as n_expected,
        count(*) filter (where has_records) as n_received,
        count(*) filter (where not has_records) as n_nil,
        count(*) filter (where has_records is null) as n_missing,
        max(changed_in) as changed_in
    from counted
    group by month, form, region
)

select * from coverage_monthly
