-- The verdict that is executed and what was executed before, so that a condition names plain columns.
select
    record.*,
    verdict.punishment_type is not null as verdict_has_punishment,
    verdict.in_force_date as verdict_in_force_date,
    verdict.fine_kzt as verdict_fine_kzt,
    verdict.severity as verdict_severity,
    offence.committed_date as offence_committed_date,
    court_of_case.subject as court_subject_of_case,
    earlier.event_date as earlier_event_date,
    coalesce(earlier.is_closed, false) as is_closed_before,
    coalesce(earlier.fine_paid_kzt, 0) as earlier_fine_paid_kzt
from record
left join live_criminal_verdict as verdict
    on
        record.case_no = verdict.case_no
        and record.person_no = verdict.person_no
left join live_criminal_offence as offence
    on verdict.erdr_number = offence.erdr_number
left join reference.court as court_of_case
    on substr(record.case_no, 1, 4) = court_of_case.code
left join lateral (
    select
        max(event.event_date) as event_date,
        bool_or(event_code.effect = 'closed') as is_closed,
        sum(event.fine_paid_kzt) as fine_paid_kzt
    from live_sentence_execution as event
    left join reference.execution_event as event_code
        on event.execution_event = event_code.code
    where
        event.case_no = record.case_no
        and event.person_no = record.person_no
        and event.event_no < record.event_no
) as earlier on true
