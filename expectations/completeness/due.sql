-- What is owed: every row of the regulation for a period, by every subject of the kind that is active in all of it.
select
    subject.code as subject,
    coalesce(subject.region, '000000000') as region,
    duty.form,
    duty.report_code,
    duty.period,
    duty.period_from,
    duty.period_to,
    duty.deadline_at,
    duty.working_days,
    duty.nil_required,
    duty.is_watched
from unnest(
    %(form)s::text[], %(report_code)s::text[], %(subject_kind)s::text[], %(period)s::text[], %(period_from)s::date[],
    %(period_to)s::date[], %(deadline_at)s::timestamptz[], %(working_days)s::boolean[], %(nil_required)s::boolean[],
    %(is_watched)s::boolean[]
) as duty (
    form, report_code, subject_kind, period, period_from,
    period_to, deadline_at, working_days, nil_required,
    is_watched
)
inner join unnest(
    %(code)s::text[], %(kind)s::text[], %(region)s::text[], %(active_from)s::date[], %(active_to)s::date[]
) as subject (code, kind, region, active_from, active_to)
    on
        duty.subject_kind = subject.kind
        and duty.period_from >= subject.active_from
        and duty.period_to <= coalesce(subject.active_to, 'infinity')
