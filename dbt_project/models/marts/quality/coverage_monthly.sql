with submissions as (
    select
        submissions.*,
        progress.state
    from {{ source('ledger', 'submissions') }} as submissions
    inner join {{ source('ledger', 'progress') }} as progress
        on submissions.seq = progress.submission_seq
),

as_of as (
    select max(received_on) as day
    from {{ source('ledger', 'submissions') }}
),

taken as (
    select *
    from submissions
    where
        state not in ('refused', 'held', 'withdrawn')
        and withdraws is null
),

spans as (
    select
        form,
        date_trunc('month', min(period_from)::timestamp) as first_month,
        date_trunc('month', max(period_from)::timestamp)
        + interval '1 month' - interval '1 day' as last_day
    from taken
    group by form
),

-- A quarter counts in its last month.
periods as (
    select
        spans.form,
        lengths.period,
        started.at::date as period_from,
        (started.at + lengths.length - interval '1 day')::date as period_to
    from spans
    cross join (
        values
        ('day', interval '1 day'),
        ('month', interval '1 month'),
        ('quarter', interval '3 months')
    ) as lengths (period, length)
    cross join
        lateral generate_series(
            date_trunc(lengths.period, spans.first_month),
            spans.last_day,
            lengths.length
        ) as started (at)
    where started.at + lengths.length - interval '1 day' <= spans.last_day
),

duties as (
    select *
    from {{ ref('submission_regulation') }}
    where mandatory = 'true'
),

subjects as (
    select * from {{ ref('subjects') }}
),

expected as (
    select
        periods.form,
        duties.report_code,
        subjects.code as subject,
        coalesce(subjects.region, '000000000') as region,
        periods.period_from,
        periods.period_to
    from periods
    inner join duties
        on
            periods.form = duties.form
            and periods.period = duties.period
            and periods.period_to >= duties.valid_from
            and periods.period_to <= coalesce(duties.valid_to, 'infinity')
    inner join subjects
        on
            duties.subject_kind = subjects.kind
            and periods.period_from >= subjects.active_from
            and periods.period_to <= coalesce(subjects.active_to, 'infinity')
    cross join as_of
    where periods.period_to < as_of.day
),

-- Stacked and grouped rather than joined: linear whatever the planner thinks.
expected_and_arrived as (
    select
        form,
        report_code,
        subject,
        period_from,
        period_to,
        region,
        null::boolean as has_records,
        true as is_expected
    from expected
    union all
    select
        form,
        report_code,
        subject,
        period_from,
        period_to,
        null as region,
        not nil_report as has_records,
        false as is_expected
    from taken
),

answers as (
    select
        form,
        date_trunc('month', period_to)::date as month,
        max(region) as region,
        bool_or(has_records) as has_records
    from expected_and_arrived
    group by form, report_code, subject, period_from, period_to
    having bool_or(is_expected)
),

coverage_monthly as (
    select
        month,
        form,
        region,
        count(*) as n_expected,
        count(*) filter (where has_records) as n_received,
        count(*) filter (where not has_records) as n_nil,
        count(*) filter (where has_records is null) as n_missing
    from answers
    group by month, form, region
)

select * from coverage_monthly
