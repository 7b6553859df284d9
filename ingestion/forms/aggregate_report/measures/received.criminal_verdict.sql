-- One row a case, by its first person; records hold decided cases alone.
select distinct on (verdict.report, verdict.case_no)
    verdict.report,
    coalesce(court.district, court.region) as territory,
    verdict.article,
    verdict.severity,
    1 as value,
    verdict.submission_seq,
    verdict.line
from live_criminal_verdict as verdict
left join reference.court as court on verdict.court = court.code
where verdict.received_date between verdict.period_start and verdict.period_end
order by verdict.report, verdict.case_no, verdict.person_no
