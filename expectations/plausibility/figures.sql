-- The headline figures of a subject and month as the records stand now: registered offences, the share solved, and what
-- the month added to pending cases. base: what an effect on the figure is a share of; n: how many it is made of.
create or replace temporary view headline as
select
    form,
    subject,
    month,
    'registered' as figure,
    (counts ->> 'n')::numeric as value,
    (counts ->> 'n')::numeric as base,
    (counts ->> 'n')::numeric as n
from quality.tallies
where tally = 'records' and form = 'criminal_offence' and counts ? 'n'
union all
select
    form,
    subject,
    month,
    'solved',
    round(coalesce((counts ->> 'court')::numeric, 0) / ended.n, 6),
    1,
    ended.n
from quality.tallies
cross join lateral (select sum(value::numeric) as n from jsonb_each_text(counts)) as ended
where tally = 'outcomes' and ended.n > 0
union all
select
    form,
    subject,
    month,
    'pending',
    sum(added),
    sum(sum(added)) over (partition by form, subject order by month),
    sum(sum(added)) over (partition by form, subject order by month)
from (
    select
        form,
        subject,
        month,
        case when tally = 'records' then 1 else -1 end * coalesce((counts ->> 'n')::numeric, 0) as added
    from quality.tallies
    where tally in ('records', 'decided') and form in ('civil_case', 'administrative_court_case')
) as flow
group by 1, 2, 3
