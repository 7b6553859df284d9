-- What was sent about an offence, so that a condition names plain columns.
select
    record.*,
    lag(record.severity) over versions as previous_severity,
    latest_decision.effect as latest_decision_effect,
    (
        select count(*) from live_victim as victim
        where victim.erdr_number = record.erdr_number
    ) as victims,
    (
        select count(*) from live_suspect as suspect
        where suspect.erdr_number = record.erdr_number
    ) as suspects,
    exists (
        select from live_pretrial_decision as decision
        where
            decision.erdr_number = record.erdr_number
            and decision.decision_type = 'requalified'
            and decision.decision_date <= record.period_to
    ) as is_requalified
from record
left join lateral (
    select decision_type.effect
    from live_pretrial_decision as decision
    inner join reference.pretrial_decision_type as decision_type
        on decision.decision_type = decision_type.code
    where decision.erdr_number = record.erdr_number
    order by decision.decision_no desc
    limit 1
) as latest_decision on true
window versions as (
    partition by record.record_key
    order by
        record.period_to,
        record.package_sequence,
        record.line,
        record.submission_seq
)
