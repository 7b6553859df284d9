-- Live records by article and month of registration.
select
    subject,
    date_trunc('month', {registered})::date as month,
    article as code,
    sum(live) as n
from changed
where article is not null
group by 1, 2, 3
