-- Live records by the month of the event: those on its last calendar day, and on any other.
select
    subject,
    date_trunc('month', {event})::date as month,
    case when extract(day from {event} + interval '1 day') = 1 then 'last' else 'other' end as code,
    sum(live) as n
from changed
group by 1, 2, 3
