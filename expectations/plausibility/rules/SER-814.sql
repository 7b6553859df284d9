-- The share of offences solved: decisions of effect court among those of a quarter that end or interrupt an investigation,
-- against the same share of the quarters before it.
create temporary table target on commit drop as
select distinct
    form,
    subject,
    (quarter + make_interval(months => 3 * later))::date as period_from,
    (quarter + make_interval(months => 3 * later + 3))::date - 1 as period_to
from due
cross join generate_series(0, %(ser_814_quarters)s) as later
where tally = 'outcomes' and quarter + make_interval(months => 3 * later + 2) <= %(last)s::date;

create temporary table solved on commit drop as
select
    tallies.form,
    tallies.subject,
    date_trunc('quarter', tallies.month)::date as quarter,
    coalesce(sum(counted.value::numeric) filter (where counted.key = 'court'), 0) / sum(counted.value::numeric) as share,
    sum(counted.value::numeric) as n
from quality.tallies as tallies
inner join (select form, subject, min(period_from) as since from target group by 1, 2) as wanted
    on tallies.form = wanted.form and tallies.subject = wanted.subject
cross join lateral jsonb_each_text(tallies.counts) as counted
where
    tallies.tally = 'outcomes'
    and tallies.month >= wanted.since - make_interval(months => 3 * %(ser_814_quarters)s)
group by 1, 2, 3
having sum(counted.value::numeric) >= %(ser_814_min_records)s;

with past as (
    select
        target.*,
        solved.share
    from target
    inner join solved
        on
            target.form = solved.form
            and target.subject = solved.subject
            and solved.quarter < target.period_from
            and solved.quarter >= target.period_from - make_interval(months => 3 * %(ser_814_quarters)s)
),

middle as (
    select
        form,
        subject,
        period_from,
        period_to,
        percentile_cont(0.5) within group (order by share) as median,
        count(*) as quarters
    from past
    group by 1, 2, 3, 4
    having count(*) >= %(ser_814_min_quarters)s
),

spread as (
    select
        middle.form,
        middle.subject,
        middle.period_from,
        middle.period_to,
        middle.median,
        1.4826 * percentile_cont(0.5) within group (order by abs(past.share - middle.median)) as deviation
    from middle
    inner join past
        on
            middle.form = past.form
            and middle.subject = past.subject
            and middle.period_from = past.period_from
    group by 1, 2, 3, 4, 5
)

select
    spread.form,
    spread.subject,
    spread.period_from,
    spread.period_to,
    '' as item,
    solved.share as value,
    greatest(median - %(ser_814_k)s * greatest(spread.deviation, usual.deviation), 0) as lower,
    least(median + %(ser_814_k)s * greatest(spread.deviation, usual.deviation), 1) as upper,
    solved.n
from spread
inner join solved
    on
        spread.form = solved.form
        and spread.subject = solved.subject
        and spread.period_from = solved.quarter
cross join lateral (
    select sqrt(median * (1 - median) / solved.n + %(ser_814_scatter)s ^ 2) as deviation
) as usual
