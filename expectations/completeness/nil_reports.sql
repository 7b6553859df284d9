-- CAL-704: nil reports that came, that records have since been dated into, or that contradicted records before; each
-- with the accepted records of the subject that are registered in its period.
with moved as materialized (
    select distinct submission_seq from ledger.events
    where seq > %(since)s and seq <= %(up_to)s
),

nil_report as not materialized (
    select
        submission.seq,
        submission.subject,
        submission.report_code,
        submission.period_from,
        submission.period_to
    from ledger.submissions as submission
    inner join ledger.progress as progress on submission.seq = progress.submission_seq
    where submission.form = %(form)s and submission.nil_report and progress.state = 'nil'
),

sent as materialized (
    select
        submission.seq,
        submission.subject,
        submission.report_code,
        submission.received_on
    from moved
    inner join ledger.submissions as submission on moved.submission_seq = submission.seq
    where
        submission.form = %(form)s
        and not submission.nil_report
        and exists (
            select from nil_report
            where nil_report.subject = submission.subject and nil_report.period_from <= submission.period_to
        )
),

dated as materialized (
    select distinct
        sent.subject,
        sent.report_code,
        record.{registered}::date as day
    from sent
    inner join raw.{form} as record on sent.seq = record.submission_seq
    where
        record.received_on >= (select min(received_on) from sent)
        and record.received_on <= (select max(received_on) from sent)
),

candidate as (
    select
        nil_report.subject,
        nil_report.report_code,
        nil_report.period_from,
        nil_report.period_to
    from moved
    inner join nil_report on moved.submission_seq = nil_report.seq
    union
    select
        nil_report.subject,
        nil_report.report_code,
        nil_report.period_from,
        nil_report.period_to
    from dated
    inner join nil_report
        on
            dated.subject = nil_report.subject
            and dated.report_code is not distinct from nil_report.report_code
            and dated.day between nil_report.period_from and nil_report.period_to
    union
    select
        subject,
        nullif(item, '') as report_code,
        period_from,
        period_to
    from quality.findings
    where rule = 'CAL-704' and form = %(form)s and submission_seq is null and cleared_at is null
),

accepted as (
    select
        candidate.subject,
        candidate.report_code,
        candidate.period_from,
        candidate.period_to,
        record.record_key,
        record.action,
        record.{registered}::date between candidate.period_from and candidate.period_to as is_within,
        row_number() over (
            partition by candidate.subject, candidate.report_code, candidate.period_from, record.record_key
            order by package.period_to desc, package.sequence desc, record.line desc, package.seq desc
        ) as place
    from candidate
    inner join ledger.submissions as package
        on
            candidate.subject = package.subject
            and package.form = %(form)s
            and candidate.report_code is not distinct from package.report_code
            and package.period_to >= candidate.period_from
    inner join ledger.progress as progress
        on package.seq = progress.submission_seq and progress.judged_seq is not null
    inner join raw.{form} as record
        on package.seq = record.submission_seq and package.received_on = record.received_on
    where not exists (
        select from quality.violations as violation
        where
            violation.submission_seq = record.submission_seq
            and violation.line = record.line
            and violation.severity = 'error'
            and violation.cleared_seq is null
    )
)

insert into quality.calendar_measures (rule, subject, form, period_from, period_to, item, records)
select
    'CAL-704',
    candidate.subject,
    %(form)s,
    candidate.period_from,
    candidate.period_to,
    coalesce(candidate.report_code, ''),
    case
        when exists (
            select from nil_report
            where
                nil_report.subject = candidate.subject
                and nil_report.report_code is not distinct from candidate.report_code
                and nil_report.period_from = candidate.period_from
                and nil_report.period_to = candidate.period_to
        )
            then count(accepted.record_key)
        else 0
    end
from candidate
left join accepted
    on
        candidate.subject = accepted.subject
        and candidate.report_code is not distinct from accepted.report_code
        and candidate.period_from = accepted.period_from
        and candidate.period_to = accepted.period_to
        and accepted.place = 1
        and accepted.is_within
        and accepted.action is distinct from 'D'
group by candidate.subject, candidate.report_code, candidate.period_from, candidate.period_to
