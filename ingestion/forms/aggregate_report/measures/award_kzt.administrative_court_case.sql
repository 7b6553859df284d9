select
    court_case.report,
    coalesce(court.district, court.region) as territory,
    null as article,
    null as severity,
    court_case.award_kzt as value,
    court_case.submission_seq,
    court_case.line
from live_administrative_court_case as court_case
left join reference.court as court on court_case.court = court.code
where
    court_case.decision_date between court_case.period_start and court_case.period_end
    and court_case.award_kzt is not null
