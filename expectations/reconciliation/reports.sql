-- Each body's report of a period as far as a submission speaks of it; a nil report speaks of its subject's whole period.
create temporary table report on commit drop as
with stated as (
    select
        cell.submission_seq,
        cell.body,
        cell.report_code,
        cell.period_start,
        cell.period_end,
        bool_or(cell.is_cumulative) as is_cumulative
    from raw.aggregate_report as cell
    where
        cell.submission_seq = any(%(submissions)s)
        and {sound_cell}
    group by 1, 2, 3, 4, 5
    union all
    select
        nil.seq,
        nil.subject,
        nil.report_code,
        case
            when code.is_cumulative::text = 'true' then date_trunc('year', nil.period_to)::date
            else nil.period_from
        end,
        nil.period_to,
        code.is_cumulative::text = 'true'
    from ledger.submissions as nil
    inner join reference.report_code as code on nil.report_code = code.code
    where nil.seq = any(%(submissions)s) and nil.nil_report
)

select
    row_number() over (order by stated.submission_seq, stated.body, stated.period_start, stated.period_end) as report,
    stated.*,
    submission.received_at,
    (stated.period_end + 1)::timestamp at time zone 'Asia/Almaty' as ended_at
from stated
inner join ledger.submissions as submission on stated.submission_seq = submission.seq;

-- The bodies whose records make up a report's figures: the reporting one and all below it.
create temporary table reach on commit drop as
with recursive below as (
    select
        report,
        body as subject
    from report
    union
    select
        below.report,
        child.code
    from below
    inner join reference.subjects as child on below.subject = child.parent
)

select * from below;

create temporary table measure (
    measure text, report_code text, value_type text, form text
) on commit drop;

create temporary table figure (
    report bigint, measure text, territory text, article text, severity text, value numeric, records bigint
) on commit drop;

analyze report, reach
