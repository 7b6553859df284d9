-- Values of each coded field whose list has the codes that say nothing: how many say something, and how many do not.
select
    changed.subject,
    date_trunc('month', changed.{registered})::date as month,
    coded.field || case when coded.code = any(%(vague_codes)s) then ' vague' else ' told' end as code,
    sum(changed.live) as n
from changed
cross join lateral (values {coded}) as coded (field, code)
where coded.code is not null
group by 1, 2, 3
