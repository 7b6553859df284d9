-- One row an offence: its last decision of the period that discontinued it. The ERDR number names the territory.
select distinct on (decision.report, decision.erdr_number)
    decision.report,
    coalesce(district.code, substr(decision.erdr_number, 3, 2) || '0000000') as territory,
    decision.article,
    decision.severity,
    1 as value,
    decision.submission_seq,
    decision.line
from live_pretrial_decision as decision
left join reference.district as district on substr(decision.erdr_number, 3, 4) = district.kato4
where
    decision.decision_date between decision.period_start and decision.period_end
    and starts_with(decision.decision_type, 'discontinued_')
order by decision.report, decision.erdr_number, decision.decision_date desc, decision.decision_no desc
