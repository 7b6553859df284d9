with source as (
    {{ accepted_records('criminal_offence') }}
),

renamed as (
    select
        record_key,
        action,
        correction_reason,
        erdr_number,
        registered_at,
        registering_body,
        kui_number,
        kui_registered_at,
        committed_date,
        committed_time,
        time_of_day,
        article,
        article_part,
        severity,
        transgression,
        offence_stage,
        kato,
        place_type,
        is_public_place,
        latitude,
        longitude,
        damage_kzt,
        is_domestic_violence,
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
