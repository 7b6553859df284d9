-- The reports that were judged (or are nil) and not reconciled, and whether everything their figures follow from is judged.
with recursive report as (
    select
        submission.seq,
        submission.received_on,
        submission.received_at,
        submission.subject,
        submission.report_code
    from ledger.submissions as submission
    inner join ledger.progress as progress on submission.seq = progress.submission_seq
    where
        submission.form = 'aggregate_report'
        and submission.received_on <= %(day)s
        and progress.state in ('judged', 'nil')
        and not exists (
            select from ledger.events as event
            where event.submission_seq = submission.seq and event.kind = 'reconciled'
        )
),

below (seq, subject) as (
    select
        seq,
        subject
    from report
    union
    select
        below.seq,
        child.code
    from below
    inner join reference.subjects as child on below.subject = child.parent
)

select
    report.seq,
    report.received_on,
    not exists (
        select from below
        inner join ledger.submissions as sent on below.subject = sent.subject
        inner join ledger.progress as progress on sent.seq = progress.submission_seq
        inner join unnest(%(reports)s::text[], %(forms)s::text[]) as used (report_code, form)
            on sent.form = used.form and used.report_code = report.report_code
        where
            below.seq = report.seq
            and sent.received_at <= report.received_at
            and progress.state in ('received', 'loaded')
    ) as is_ready
from report
order by report.seq
