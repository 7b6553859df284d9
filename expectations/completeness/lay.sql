-- Lays down the cells that are due and not yet in the calendar, each with what has come of it so far: a row is written
-- once. How many were laid down, and of how many something has come already.
with due as (
{due}
),

cell as (
    select * from due
    where not exists (
        select from quality.calendar as known
        where
            known.subject = due.subject
            and known.form = due.form
            and known.period_from = due.period_from
            and known.period_to = due.period_to
            and known.report_code is not distinct from due.report_code
    )
),

answered as (
{answers}
),

laid as (
    insert into quality.calendar (
        subject, region, form, report_code, period, period_from, period_to, deadline_at, working_days, nil_required,
        is_watched, catalogue_version, generated_at, state, has_records, first_received_at, packages, packages_refused,
        packages_held, changed_in
    )
    select
        subject,
        region,
        form,
        report_code,
        period,
        period_from,
        period_to,
        deadline_at,
        working_days,
        nil_required,
        is_watched,
        %(catalogue_version)s,
        %(now)s,
        state,
        has_records,
        first_received_at,
        packages,
        packages_refused,
        packages_held,
        %(look)s
    from answered
    returning state <> 'expected' or packages + packages_refused + packages_held > 0 as is_answered
)

select
    count(*),
    count(*) filter (where is_answered)
from laid
