-- The cells to measure: those that changed, and those whose month or quarter has ended since the last measuring.
create temporary table due on commit drop as
select distinct
    tally,
    form,
    subject,
    month,
    date_trunc('quarter', month)::date as quarter
from fresh
where month <= %(last)s::date
union
select
    tally,
    form,
    subject,
    month,
    date_trunc('quarter', month)::date
from quality.tallies
where
    %(before)s::date < %(last)s::date
    and month >= date_trunc('quarter', %(before)s::date + interval '1 month')
    and month <= %(last)s::date;

-- Months of the number of records, and the months that have them in their history. A series goes on when nothing comes.
create temporary table due_month on commit drop as
select
    due.form,
    due.subject,
    (due.month + make_interval(months => later))::date as month
from (select form, subject, month from due where tally = 'records') as due
cross join (
    select generate_series(0, %(ser_801_months)s) as later
    union
    select 12 * generate_series(1, %(ser_801_years)s)
) as reach
where due.month + make_interval(months => later) <= %(last)s::date
union
select
    series.form,
    series.subject,
    month::date
from (select distinct form, subject from quality.tallies where tally = 'records') as series
cross join
    generate_series(%(before)s::date + interval '1 month', %(last)s::date, interval '1 month') as month;

analyze due, due_month;

-- What the number of records of a month is held against: its history since the series began, months without any included.
create temporary table baseline on commit drop as
with series as (
    select
        tallies.form,
        tallies.subject,
        min(tallies.month) as began
    from quality.tallies as tallies
    inner join (select distinct form, subject from due_month) as due
        on tallies.form = due.form and tallies.subject = due.subject
    where tallies.tally = 'records' and tallies.counts ? 'n'
    group by 1, 2
),

past as (
    select
        due_month.form,
        due_month.subject,
        due_month.month,
        coalesce((tallies.counts ->> 'n')::bigint, 0) as n
    from due_month
    inner join series on due_month.form = series.form and due_month.subject = series.subject
    cross join (
        select generate_series(1, %(ser_801_months)s) as ago
        union
        select 12 * generate_series(1, %(ser_801_years)s)
    ) as reach
    left join quality.tallies as tallies
        on
            tallies.tally = 'records'
            and due_month.form = tallies.form
            and due_month.subject = tallies.subject
            and tallies.month = (due_month.month - make_interval(months => ago))::date
    where due_month.month - make_interval(months => ago) >= series.began
),

middle as (
    select
        form,
        subject,
        month,
        percentile_cont(0.5) within group (order by n) as median,
        count(*) as months
    from past
    group by 1, 2, 3
),

spread as (
    select
        past.form,
        past.subject,
        past.month,
        percentile_cont(0.5) within group (order by abs(past.n - middle.median)) as mad
    from past
    inner join middle
        on past.form = middle.form and past.subject = middle.subject and past.month = middle.month
    group by 1, 2, 3
)

select
    middle.form,
    middle.subject,
    middle.month,
    middle.months,
    middle.median::numeric as median,
    greatest(least(1.4826 * spread.mad, %(ser_801_max_spread)s * usual.deviation), usual.deviation)::numeric as deviation,
    coalesce((tallies.counts ->> 'n')::bigint, 0) as n
from middle
inner join spread
    on middle.form = spread.form and middle.subject = spread.subject and middle.month = spread.month
cross join lateral (
    select sqrt(middle.median + (%(ser_801_scatter)s * middle.median) ^ 2) as deviation
) as usual
left join quality.tallies as tallies
    on
        tallies.tally = 'records'
        and middle.form = tallies.form
        and middle.subject = tallies.subject
        and middle.month = tallies.month
left join reference.subjects as subject on middle.subject = subject.code
where
    middle.months >= %(ser_801_min_months)s
    and (subject.active_to is null or subject.active_to::text = '' or subject.active_to::date > middle.month)
