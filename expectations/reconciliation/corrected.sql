-- How many records were replaced or annulled between two reports, where the later one states less.
update quality.reconciliation as reconciled
set corrected = explained.corrected
from (
    select
        fallen.cell_id,
        count(distinct record.record_key) as corrected
    from quality.reconciliation as fallen
    inner join measure
        on
            fallen.measure = measure.measure
            and fallen.report_code = measure.report_code
            and measure.form = %(form)s
    inner join ledger.submissions as previous on fallen.previous_seq = previous.seq
    inner join report on fallen.submission_seq = report.submission_seq and fallen.subject = report.body
        and fallen.period_start = report.period_start and fallen.period_end = report.period_end
    left join (
        select
            record.record_key,
            sent.received_at,
            reach.report
        from raw.{form} as record
        inner join ledger.submissions as sent on record.submission_seq = sent.seq
        inner join ledger.progress as progress on record.submission_seq = progress.submission_seq
        inner join reach on sent.subject = reach.subject
        where
            record.action in ('M', 'D')
            and progress.judged_seq is not null
            and {stands}
    ) as record
        on
            report.report = record.report
            and record.received_at > previous.received_at
            and record.received_at <= report.received_at
    where fallen.reported < fallen.previous
    group by 1
) as explained
where reconciled.cell_id = explained.cell_id
