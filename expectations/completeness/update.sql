-- Looks again at the cells that a changed catalogue has changed, that ran out of time, or that something happened to
-- since the last look.
with moved as materialized (
    select distinct
        submission.subject,
        submission.form,
        submission.report_code,
        submission.period_from,
        submission.period_to
    from ledger.events as event
    inner join ledger.submissions as submission on event.submission_seq = submission.seq
    where event.seq > %(since)s and event.seq <= %(up_to)s
),

touched as materialized (
    select cell_id from quality.calendar
    where changed_in = %(look)s
    union
    select cell_id from quality.calendar
    where state = 'expected' and deadline_at < %(now)s
    union
    select calendar.cell_id
    from quality.calendar as calendar
    inner join moved
        on
            calendar.subject = moved.subject
            and calendar.form = moved.form
            and calendar.period_from = moved.period_from
            and calendar.period_to = moved.period_to
            and calendar.report_code is not distinct from moved.report_code
),

cell as materialized (
    select
        calendar.cell_id,
        calendar.subject,
        calendar.form,
        calendar.report_code,
        calendar.period_from,
        calendar.period_to,
        calendar.deadline_at
    from quality.calendar as calendar
    inner join touched on calendar.cell_id = touched.cell_id
),

answered as (
{answers}
)

update quality.calendar set
    state = answered.state,
    has_records = answered.has_records,
    first_received_at = answered.first_received_at,
    hours_late = null,
    packages = answered.packages,
    packages_refused = answered.packages_refused,
    packages_held = answered.packages_held,
    changed_in = %(look)s
from answered
where
    calendar.cell_id = answered.cell_id
    and (
        calendar.state, calendar.has_records, calendar.first_received_at,
        calendar.packages, calendar.packages_refused, calendar.packages_held
    ) is distinct from (
        answered.state, answered.has_records, answered.first_received_at,
        answered.packages, answered.packages_refused, answered.packages_held
    )
