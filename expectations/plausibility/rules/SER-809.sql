-- What corrections after closing made of a headline figure, as a share in the subject's favour: fewer offences registered,
-- more solved, fewer cases pending. Beside each effect, for how many periods running it favoured the subject.
create temporary table target on commit drop as
select distinct
    due.form,
    due.subject,
    (due.month + make_interval(months => later))::date as period_from,
    (due.month + make_interval(months => later + 1))::date - 1 as period_to
from due
cross join generate_series(0, %(ser_809_run)s - 1) as later
where
    due.tally in ('records', 'outcomes', 'decided')
    and (due.form, (due.month + make_interval(months => later))::date) in (
        select form, month from quality.closed_figures
    );

with effect as (
    select
        closed.form,
        closed.subject,
        closed.month,
        closed.figure,
        closed.n,
        case closed.figure when 'solved' then 1 else -1 end
        * (coalesce(headline.value, case closed.figure when 'solved' then closed.value else 0 end) - closed.value)
        / closed.base as value
    from quality.closed_figures as closed
    left join headline
        on
            closed.form = headline.form
            and closed.subject = headline.subject
            and closed.month = headline.month
            and closed.figure = headline.figure
    where
        closed.n >= %(ser_809_min_records)s
        and closed.base > 0
        and (closed.form, closed.subject) in (select form, subject from target)
),

running as (
    select
        effect.*,
        count(*) filter (where value > %(ser_809_min_effect)s) over recent as favoured
    from effect
    window recent as (
        partition by form, subject, figure order by month
        range between make_interval(months => %(ser_809_run)s - 1) preceding and current row
    )
),

measured as (
    select
        form,
        subject,
        month,
        figure as item,
        value,
        -%(ser_809_max_effect)s - %(ser_809_k)s * sqrt(%(ser_809_correction_share)s / n) as lower,
        %(ser_809_max_effect)s + %(ser_809_k)s * sqrt(%(ser_809_correction_share)s / n) as upper,
        n
    from running
    union all
    select
        form,
        subject,
        month,
        figure || ' running',
        favoured,
        null,
        %(ser_809_run)s - 1,
        n
    from running
)

select
    target.form,
    target.subject,
    target.period_from,
    target.period_to,
    measured.item,
    measured.value,
    measured.lower,
    measured.upper,
    measured.n
from target
inner join measured
    on
        target.form = measured.form
        and target.subject = measured.subject
        and target.period_from = measured.month
