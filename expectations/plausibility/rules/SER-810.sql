-- How far the mix of articles of a quarter lies from that of the four before it: Jensen-Shannon distance, base 2, from 0 to
-- 1. What chance alone makes of so few records is allowed on top, by the chi-square of two samples.
-- A quarter that is compared across an entered break has its distance and no bound; so has one measured before the
-- break was entered, or before it was taken back.
create temporary table target on commit drop as
with quarter as (
    select
        form,
        subject,
        (quarter + make_interval(months => 3 * later))::date as period_from,
        (quarter + make_interval(months => 3 * later + 3))::date - 1 as period_to,
        null::boolean as had_break
    from due
    cross join generate_series(0, %(ser_810_quarters)s) as later
    where tally = 'articles' and quarter + make_interval(months => 3 * later + 2) <= %(last)s::date
    union all
    select
        form,
        subject,
        period_from,
        period_to,
        upper is null
    from quality.plausibility
    where rule = 'SER-810'
),

compared as (
    select
        quarter.*,
        exists (
            select
            from unnest(%(break_forms)s::text[], %(break_subjects)s::text[], %(breaks_from)s::date[])
                as break (form, subject, day)
            where
                break.form = quarter.form
                and coalesce(break.subject, quarter.subject) = quarter.subject
                and break.day > quarter.period_from - make_interval(months => 3 * %(ser_810_quarters)s)
                and break.day <= quarter.period_to
        ) as has_break
    from quarter
)

select distinct
    form,
    subject,
    period_from,
    period_to,
    has_break
from compared
where has_break is distinct from had_break;

with counted as (
    select
        target.form,
        target.subject,
        target.period_from,
        target.period_to,
        target.has_break,
        counted.key as article,
        coalesce(sum(counted.value::float) filter (where tallies.month >= target.period_from), 0) as now,
        coalesce(sum(counted.value::float) filter (where tallies.month < target.period_from), 0) as before
    from target
    inner join quality.tallies as tallies
        on
            tallies.tally = 'articles'
            and target.form = tallies.form
            and target.subject = tallies.subject
            and tallies.month >= target.period_from - make_interval(months => 3 * %(ser_810_quarters)s)
            and tallies.month <= target.period_to
    cross join lateral jsonb_each_text(tallies.counts) as counted
    group by 1, 2, 3, 4, 5, 6
),

share as (
    select
        counted.*,
        sum(now) over body as now_n,
        sum(before) over body as before_n,
        now / nullif(sum(now) over body, 0) as p,
        before / nullif(sum(before) over body, 0) as q
    from counted
    window body as (partition by form, subject, period_from)
),

compared as (
    select
        form,
        subject,
        period_from,
        period_to,
        has_break,
        now_n,
        sqrt(greatest(sum(
            case when p > 0 then p * ln(2 * p / (p + q)) else 0 end
            + case when q > 0 then q * ln(2 * q / (p + q)) else 0 end
        ) / (2 * ln(2::float)), 0)) as distance,
        (count(*) - 1) / 8.0 * (1 / now_n + 1 / before_n) / ln(2::float) as chance
    from share
    where now_n >= %(ser_810_min_records)s and before_n >= %(ser_810_min_records)s
    group by 1, 2, 3, 4, 5, now_n, before_n
)

select
    form,
    subject,
    period_from,
    period_to,
    '' as item,
    distance as value,
    null::numeric as lower,
    case when not has_break then sqrt(%(ser_810_max_distance)s ^ 2 + chance) end as upper,
    now_n as n
from compared
