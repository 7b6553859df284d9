with source as (
    {{ accepted_records('administrative_offence') }}
),

renamed as (
    select
        record_key,
        action,
        correction_reason,
        protocol_no,
        protocol_origin,
        registered_at,
        committed_at,
        body,
        article,
        article_part,
        kato,
        latitude,
        longitude,
        offender_kind,
        iin_token,
        token_key_id,
        no_iin_reason,
        bin,
        date_part('year', age(committed_at, birth_date))::integer
            as age_years,
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
        package_sequence,
        judged_seq,
        greatest(judged_seq, cleared_seq) as known_seq,
        case
            when cleared_seq > judged_seq
                then (
                    select events.at
                    from {{ source('ledger', 'events') }} as events
                    where events.seq = source.cleared_seq
                )
            else judged_at
        end as known_from
    from source
)

select * from renamed
