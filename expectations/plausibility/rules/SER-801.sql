-- The number of records of a month, against what its history makes likely at the least.
create temporary table target on commit drop as
select
    form,
    subject,
    month as period_from,
    (month + interval '1 month')::date - 1 as period_to
from due_month;

select
    form,
    subject,
    month as period_from,
    (month + interval '1 month')::date - 1 as period_to,
    '' as item,
    n as value,
    greatest(median - %(ser_801_k)s * deviation, 0) as lower,
    null::numeric as upper,
    months as n
from baseline
where median >= %(ser_801_min_median)s
