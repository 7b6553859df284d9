{% set affected_by = {'civil_case': 'record_key'} %}

{{ config(
    alias='cases',
    materialized='incremental',
    incremental_strategy='replace_affected',
    on_schema_change='fail',
    meta={'affected_by': affected_by},
    indexes=[
        {'columns': ['record_key'], 'unique': True},
        {'columns': ['received_date', 'region']},
        {'columns': ['as_of_seq']},
    ]
) }}

with live_cases as (
    select *
    from {{ ref('int_civil_case__versions') }}
    where
        is_live
        {% if is_incremental() %}
            and record_key = any(array(
                {{ affected_keys(affected_by, this) }}
            ))
        {% endif %}
),

courts as (
    select * from {{ ref('court') }}
),

cases as (
    select
        live_cases.record_key,
        live_cases.court,
        coalesce(courts.region, '000000000') as region,
        live_cases.case_no,
        live_cases.instance,
        live_cases.parent_case_no,
        live_cases.received_date,
        live_cases.accepted_date,
        live_cases.proceeding_kind,
        live_cases.category,
        live_cases.plaintiff_kind,
        live_cases.defendant_kind,
        live_cases.claim_kzt,
        live_cases.state_fee_kzt,
        live_cases.first_hearing_date,
        live_cases.decision_date,
        live_cases.outcome,
        live_cases.award_kzt,
        live_cases.used_mediation,
        live_cases.suspended_days,
        (
            live_cases.decision_date
            - live_cases.received_date
            - live_cases.suspended_days
        )::bigint as disposition_days,
        live_cases.in_force_date,
        live_cases.is_appealed,
        live_cases.submission_seq,
        live_cases.line,
        live_cases.subject,
        live_cases.received_on,
        live_cases.period_from,
        live_cases.period_to,
        live_cases.known_from,
        live_cases.known_seq as as_of_seq
    from live_cases
    left join courts
        on live_cases.court = courts.code
)

select * from cases
