-- One row an offence whose last decision of the period, of whatever kind, paused the investigation.
with latest as (
    select distinct on (report, erdr_number) *
    from live_pretrial_decision
    where decision_date between period_start and period_end
    order by report, erdr_number, decision_date desc, decision_no desc
)

select
    latest.report,
    coalesce(district.code, substr(latest.erdr_number, 3, 2) || '0000000') as territory,
    latest.article,
    latest.severity,
    1 as value,
    latest.submission_seq,
    latest.line
from latest
inner join reference.pretrial_decision_type as kind on latest.decision_type = kind.code
left join reference.district as district on substr(latest.erdr_number, 3, 4) = district.kato4
where kind.effect = 'paused'
