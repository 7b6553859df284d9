{% set affected_by = {'pretrial_decision': 'record_key'} %}

{{ config(
    materialized='incremental',
    incremental_strategy='replace_affected',
    on_schema_change='fail',
    meta={'affected_by': affected_by},
    indexes=[
        {'columns': ['record_key'], 'unique': True},
        {'columns': ['erdr_number']},
        {'columns': ['as_of_seq']},
    ]
) }}

with live_decisions as (
    select *
    from {{ ref('int_pretrial_decision__versions') }}
    where
        is_live
        {% if is_incremental() %}
            and record_key = any(array(
                {{ affected_keys(affected_by, this) }}
            ))
        {% endif %}
),

decision_types as (
    select * from {{ ref('pretrial_decision_type') }}
),

decisions as (
    select
        live_decisions.record_key,
        live_decisions.erdr_number,
        live_decisions.decision_no,
        live_decisions.decision_type,
        decision_types.effect as decision_effect,
        live_decisions.decision_date,
        date_trunc('month', live_decisions.decision_date)::date
            as decision_month,
        live_decisions.decision_body,
        live_decisions.legal_ground,
        live_decisions.article,
        live_decisions.article_part,
        live_decisions.severity,
        live_decisions.suspects_count,
        live_decisions.damage_established_kzt,
        live_decisions.damage_recovered_kzt,
        live_decisions.investigation_days,
        live_decisions.court,
        live_decisions.transfer_body,
        live_decisions.linked_erdr_number,
        live_decisions.submission_seq,
        live_decisions.line,
        live_decisions.subject,
        live_decisions.received_on,
        live_decisions.period_from,
        live_decisions.period_to,
        live_decisions.known_from,
        live_decisions.known_seq as as_of_seq
    from live_decisions
    left join decision_types
        on live_decisions.decision_type = decision_types.code
)

select * from decisions
