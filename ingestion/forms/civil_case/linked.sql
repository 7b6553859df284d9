-- The case of the lower court, so that a condition names plain columns.
select
    record.*,
    court_of_parent.subject as court_subject_of_parent,
    coalesce(lower_court.decision_date <= record.received_date, false)
        as follows_lower_court
from record
left join reference.court as court_of_parent
    on substr(record.parent_case_no, 1, 4) = court_of_parent.code
left join live_civil_case as lower_court
    on
        record.parent_case_no = lower_court.case_no
        and record.instance <> lower_court.instance
        and lower_court.instance <> 'cassation'
