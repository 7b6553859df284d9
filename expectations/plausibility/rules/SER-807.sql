-- The largest share of a quarter's points that one point holds. A bucket of points holds no less than each of its points,
-- so the share of the fullest bucket is the statistic unless it is too large: then the records tell the point itself.
create temporary table target on commit drop as
select distinct
    form,
    subject,
    quarter as period_from,
    (quarter + interval '3 months')::date - 1 as period_to
from due
where tally = 'points' and quarter + interval '2 months' <= %(last)s::date;

create temporary table bucket on commit drop as
select
    form,
    subject,
    period_from,
    period_to,
    max(n) / sum(n) as share,
    sum(n) as n
from (
    select
        target.form,
        target.subject,
        target.period_from,
        target.period_to,
        counted.key,
        sum(counted.value::numeric) as n
    from target
    inner join quality.tallies as tallies
        on
            tallies.tally = 'points'
            and target.form = tallies.form
            and target.subject = tallies.subject
            and tallies.month between target.period_from and target.period_to
    cross join lateral jsonb_each_text(tallies.counts) as counted
    group by 1, 2, 3, 4, 5
) as counted
group by 1, 2, 3, 4
having sum(n) >= %(ser_807_min_records)s;

select
    bucket.form,
    bucket.subject,
    bucket.period_from,
    bucket.period_to,
    '' as item,
    coalesce(fullest.n / bucket.n, bucket.share) as value,
    null::numeric as lower,
    %(ser_807_max_share)s::numeric as upper,
    bucket.n
from bucket
left join lateral (
    {fullest}
) as fullest on bucket.share > %(ser_807_max_share)s::numeric
