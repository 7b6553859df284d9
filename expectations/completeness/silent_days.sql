-- CAL-706: days without records in the months that something came for, with the median of the same weekday in the month.
-- A day that is owed and unanswered is unknown, not silent: its records are null, and CAL-701 speaks of it.
with touched as materialized (
    select distinct
        submission.subject,
        submission.form,
        date_trunc('month', submission.period_from::timestamp)::date as month
    from ledger.events as event
    inner join ledger.submissions as submission on event.submission_seq = submission.seq
    where event.seq > %(since)s and event.seq <= %(up_to)s and submission.period_from = submission.period_to
),

sent as materialized (
    select
        touched.subject,
        touched.form,
        touched.month,
        submission.period_from as day,
        sum(submission.records_declared) as records
    from touched
    inner join ledger.submissions as submission
        on
            touched.subject = submission.subject
            and touched.form = submission.form
            and submission.period_from >= touched.month
            and submission.period_from < touched.month + interval '1 month'
            and submission.period_from = submission.period_to
    inner join ledger.progress as progress
        on submission.seq = progress.submission_seq and progress.state in ('received', 'loaded', 'judged', 'nil')
    group by touched.subject, touched.form, touched.month, submission.period_from
),

span as (
    select
        subject,
        form,
        month,
        min(day) as first_day,
        max(day) as last_day
    from sent
    group by subject, form, month
),

days as materialized (
    select
        touched.subject,
        touched.form,
        touched.month,
        series.day::date as day,
        case
            when sent.records is not null then sent.records
            when series.day between span.first_day and span.last_day and cell.cell_id is null then 0
        end as records
    from touched
    cross join
        lateral generate_series(
            touched.month::timestamp, touched.month + interval '1 month' - interval '1 day', interval '1 day'
        ) as series (day)
    left join span
        on touched.subject = span.subject and touched.form = span.form and touched.month = span.month
    left join sent
        on touched.subject = sent.subject and touched.form = sent.form and series.day = sent.day
    left join quality.calendar as cell
        on
            touched.subject = cell.subject
            and touched.form = cell.form
            and series.day::date = cell.period_from
            and series.day::date = cell.period_to
),

medians as (
    select
        subject,
        form,
        month,
        extract(isodow from day) as weekday,
        percentile_cont(0.5) within group (order by records) as median
    from days
    group by subject, form, month, extract(isodow from day)
)

insert into quality.calendar_measures (rule, subject, form, period_from, period_to, records, median)
select
    'CAL-706',
    days.subject,
    days.form,
    days.day,
    days.day,
    days.records,
    medians.median
from days
inner join medians
    on
        days.subject = medians.subject
        and days.form = medians.form
        and days.month = medians.month
        and extract(isodow from days.day) = medians.weekday
where
    days.records = 0
    or exists (
        select from quality.findings as finding
        where
            finding.rule = 'CAL-706'
            and finding.submission_seq is null
            and finding.cleared_at is null
            and finding.subject = days.subject
            and finding.form = days.form
            and finding.period_from = days.day
    )
