-- Accepted records by the month in which they were sent: all, and those that annul a record or lower its severity.
select
    subject,
    date_trunc('month', period_to)::date as month,
    'sent' as code,
    sum(accepted) as n
from changed
group by 1, 2
union all
select
    subject,
    date_trunc('month', period_to)::date,
    'retracted',
    sum(retracts)
from changed
group by 1, 2
