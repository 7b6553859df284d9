-- Live decisions that end or interrupt an investigation, by their effect.
select
    changed.subject,
    date_trunc('month', changed.decision_date)::date as month,
    decision.effect as code,
    sum(changed.live) as n
from changed
inner join reference.pretrial_decision_type as decision on changed.decision_type = decision.code
where decision.effect in ('court', 'closed', 'paused')
group by 1, 2, 3
