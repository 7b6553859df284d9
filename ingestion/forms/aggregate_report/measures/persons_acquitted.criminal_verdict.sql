select
    verdict.report,
    coalesce(court.district, court.region) as territory,
    verdict.article,
    verdict.severity,
    1 as value,
    verdict.submission_seq,
    verdict.line
from live_criminal_verdict as verdict
left join reference.court as court on verdict.court = court.code
where
    verdict.decision_date between verdict.period_start and verdict.period_end
    and verdict.instance = 'first'
    and verdict.outcome in ('acquitted')
