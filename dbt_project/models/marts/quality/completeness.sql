{{ config(materialized='view') }}

with calendar as (
    select * from {{ source('quality', 'calendar') }}
),

completeness as (
    select
        subject,
        region,
        form,
        report_code,
        period,
        period_from,
        period_to,
        month,
        deadline_at,
        working_days,
        nil_required,
        is_watched,
        state,
        state in ('missing', 'refused', 'held') as is_missing,
        has_records,
        first_received_at,
        hours_late,
        packages,
        packages_refused,
        packages_held
    from calendar
)

select * from completeness
