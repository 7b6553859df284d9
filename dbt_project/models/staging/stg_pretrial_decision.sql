with source as (
    {{ accepted_records('pretrial_decision') }}
),

renamed as (
    select
        record_key,
        action,
        correction_reason,
        erdr_number,
        decision_no,
        decision_type,
        decision_date,
        decision_body,
        legal_ground,
        article,
        article_part,
        severity,
        suspects_count,
        damage_established_kzt,
        damage_recovered_kzt,
        investigation_days,
        court,
        transfer_body,
        linked_erdr_number,
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
