with source as (
    {{ accepted_records('civil_case') }}
),

renamed as (
    select
        record_key,
        action,
        correction_reason,
        court,
        case_no,
        instance,
        parent_case_no,
        received_date,
        accepted_date,
        proceeding_kind,
        category,
        plaintiff_kind,
        defendant_kind,
        claim_kzt,
        state_fee_kzt,
        first_hearing_date,
        decision_date,
        outcome,
        award_kzt,
        used_mediation,
        suspended_days,
        in_force_date,
        is_appealed,
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
