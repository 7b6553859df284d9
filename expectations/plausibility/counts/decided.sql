-- Live cases by the month of the decision.
select
    subject,
    date_trunc('month', decision_date)::date as month,
    'n' as code,
    sum(live) as n
from changed
where decision_date is not null
group by 1, 2
