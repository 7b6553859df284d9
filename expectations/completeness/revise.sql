-- A changed catalogue against the cells generated before: only cells not due yet follow it, and each change is noted.
with due as materialized (
{due}
),

compared as materialized (
    select
        cell.cell_id,
        cell.deadline_at as deadline_before,
        due.*,
        coalesce(due.subject, cell.subject) as who,
        coalesce(due.form, cell.form) as what,
        coalesce(due.report_code, cell.report_code) as report,
        coalesce(due.period_from, cell.period_from) as starts,
        coalesce(due.period_to, cell.period_to) as ends,
        case
            when cell.cell_id is null and due.deadline_at > %(now)s then 'added'
            when cell.deadline_at > %(now)s and due.subject is null and cell.state = 'expected' then 'withdrawn'
            when
                cell.deadline_at > %(now)s and due.deadline_at > %(now)s
                and (cell.deadline_at, cell.region, cell.working_days, cell.nil_required)
                is distinct from (due.deadline_at, due.region, due.working_days, due.nil_required)
                then 'amended'
        end as change
    from due
    full join (
        select * from quality.calendar
        where (form, period) in (select * from unnest(%(forms)s::text[], %(periods)s::text[]))
        and period_from >= %(first)s
    ) as cell
        on
            due.subject = cell.subject
            and due.form = cell.form
            and due.period_from = cell.period_from
            and due.period_to = cell.period_to
            and coalesce(due.report_code, '') = coalesce(cell.report_code, '')
),

added as (
    insert into quality.calendar (
        subject, region, form, report_code, period, period_from, period_to, deadline_at, working_days, nil_required,
        is_watched, catalogue_version, generated_at, changed_in
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
        %(look)s
    from compared
    where change = 'added'
),

amended as (
    update quality.calendar set
        region = compared.region,
        deadline_at = compared.deadline_at,
        working_days = compared.working_days,
        nil_required = compared.nil_required,
        catalogue_version = %(catalogue_version)s,
        changed_in = %(look)s
    from compared
    where calendar.cell_id = compared.cell_id and compared.change = 'amended'
),

withdrawn as (
    delete from quality.calendar
    using compared
    where calendar.cell_id = compared.cell_id and compared.change = 'withdrawn'
)

insert into quality.calendar_changes
select
    %(look)s,
    change,
    who,
    what,
    report,
    starts,
    ends,
    deadline_before,
    deadline_at
from compared
where change is not null
returning change
