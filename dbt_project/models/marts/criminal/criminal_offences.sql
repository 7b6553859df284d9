{% set affected_by = {
    'criminal_offence': 'record_key',
    'pretrial_decision': "split_part(record_key, '|', 1)",
} %}

{{ config(
    alias='offences',
    materialized='incremental',
    incremental_strategy='replace_affected',
    on_schema_change='fail',
    meta={'affected_by': affected_by},
    indexes=[
        {'columns': ['record_key'], 'unique': True},
        {'columns': ['registered_month', 'region']},
        {'columns': ['as_of_seq']},
    ]
) }}

with live_offences as (
    select *
    from {{ ref('int_criminal_offence__versions') }}
    where
        is_live
        {% if is_incremental() %}
            and record_key = any(array(
                {{ affected_keys(affected_by, this) }}
            ))
        {% endif %}
),

decisions as (
    select *
    from {{ ref('pretrial_decisions') }}
    {% if is_incremental() %}
        where erdr_number in (select erdr_number from live_offences)
    {% endif %}
),

latest_decisions as (
    select distinct on (erdr_number)
        erdr_number,
        decision_date,
        as_of_seq,
        decision_effect = 'court' or decision_type = 'discontinued_other'
            as is_clearing
    from decisions
    order by erdr_number asc, decision_no desc
),

offences as (
    select
        live_offences.record_key,
        live_offences.erdr_number,
        live_offences.registered_at,
        date_trunc('month', live_offences.registered_at)::date
            as registered_month,
        live_offences.registering_body,
        live_offences.kui_number,
        live_offences.kui_registered_at,
        live_offences.committed_date,
        live_offences.committed_time,
        live_offences.time_of_day,
        live_offences.article,
        live_offences.article_part,
        live_offences.severity,
        live_offences.transgression,
        live_offences.offence_stage,
        left(live_offences.kato, 2) || '0000000' as region,
        live_offences.kato,
        live_offences.place_type,
        live_offences.is_public_place,
        live_offences.latitude,
        live_offences.longitude,
        live_offences.damage_kzt,
        live_offences.is_domestic_violence,
        coalesce(latest_decisions.is_clearing, false) as is_cleared,
        case
            when latest_decisions.is_clearing
                then latest_decisions.decision_date
        end as cleared_date,
        live_offences.submission_seq,
        live_offences.line,
        live_offences.subject,
        live_offences.received_on,
        live_offences.period_from,
        live_offences.period_to,
        live_offences.known_from,
        greatest(live_offences.known_seq, latest_decisions.as_of_seq)
            as as_of_seq
    from live_offences
    left join latest_decisions
        on live_offences.erdr_number = latest_decisions.erdr_number
)

select * from offences
