-- The share of values that say nothing, in each coded field of a quarter.
create temporary table target on commit drop as
select distinct
    form,
    subject,
    quarter as period_from,
    (quarter + interval '3 months')::date - 1 as period_to
from due
where tally = 'codes' and quarter + interval '2 months' <= %(last)s::date;

select
    target.form,
    target.subject,
    target.period_from,
    target.period_to,
    split_part(counted.key, ' ', 1) as item,
    coalesce(sum(counted.value::numeric) filter (where split_part(counted.key, ' ', 2) = 'vague'), 0)
    / sum(counted.value::numeric) as value,
    null::numeric as lower,
    %(ser_806_max_share)s::numeric as upper,
    sum(counted.value::numeric) as n
from target
inner join quality.tallies as tallies
    on
        tallies.tally = 'codes'
        and target.form = tallies.form
        and target.subject = tallies.subject
        and tallies.month between target.period_from and target.period_to
cross join lateral jsonb_each_text(tallies.counts) as counted
group by 1, 2, 3, 4, 5
having sum(counted.value::numeric) >= %(ser_806_min_records)s
