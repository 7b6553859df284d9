{% set affected_by = {'administrative_offence': 'record_key'} %}

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
    from {{ ref('int_administrative_offence__versions') }}
    where
        is_live
        {% if is_incremental() %}
            and record_key = any(array(
                {{ affected_keys(affected_by, this) }}
            ))
        {% endif %}
),

offences as (
    select
        record_key,
        protocol_no,
        protocol_origin,
        registered_at,
        date_trunc('month', registered_at)::date as registered_month,
        committed_at,
        body,
        article,
        article_part,
        left(kato, 2) || '0000000' as region,
        kato,
        latitude,
        longitude,
        offender_kind,
        iin_token is not null as has_iin,
        no_iin_reason,
        bin,
        age_years,
        sex,
        device_no,
        device_certificate_until,
        measured_speed,
        speed_limit,
        submission_seq,
        line,
        subject,
        received_on,
        period_from,
        period_to,
        known_from,
        known_seq as as_of_seq
    from live_offences
)

select * from offences
