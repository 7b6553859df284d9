-- The share of events on the last day of their month, over the twelve months that end with a quarter.
create temporary table target on commit drop as
select distinct
    form,
    subject,
    (quarter + make_interval(months => 3 * later - 9))::date as period_from,
    (quarter + make_interval(months => 3 * later + 3))::date - 1 as period_to
from due
cross join generate_series(0, 3) as later
where tally = 'days' and quarter + make_interval(months => 3 * later + 2) <= %(last)s::date;

select
    target.form,
    target.subject,
    target.period_from,
    target.period_to,
    '' as item,
    sum(counted.last) / sum(counted.n) as value,
    null::numeric as lower,
    %(ser_803_max_share)s::numeric as upper,
    sum(counted.n) as n
from target
inner join quality.tallies as tallies
    on
        tallies.tally = 'days'
        and target.form = tallies.form
        and target.subject = tallies.subject
        and tallies.month between target.period_from and target.period_to
cross join lateral (
    select
        coalesce((tallies.counts ->> 'last')::numeric, 0) as last,
        coalesce((tallies.counts ->> 'last')::numeric, 0) + coalesce((tallies.counts ->> 'other')::numeric, 0) as n
) as counted
group by 1, 2, 3, 4
having sum(counted.n) >= %(ser_803_min_records)s
