-- The number of the protocol names the territory.
select
    decision.report,
    coalesce(district.code, substr(decision.protocol_no, 3, 2) || '0000000') as territory,
    decision.article,
    null as severity,
    decision.fine_kzt as value,
    decision.submission_seq,
    decision.line
from live_administrative_decision as decision
left join reference.district as district on substr(decision.protocol_no, 3, 4) = district.kato4
where
    decision.decision_date between decision.period_start and decision.period_end
    and decision.penalty_type = 'fine'
