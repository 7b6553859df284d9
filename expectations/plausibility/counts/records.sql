-- Live records by the month of registration.
select
    subject,
    date_trunc('month', {registered})::date as month,
    'n' as code,
    sum(live) as n
from changed
group by 1, 2
