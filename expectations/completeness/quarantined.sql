-- CAL-707: packages with records in quarantine, and the days that the oldest of these has waited for its correction.
insert into quality.calendar_measures (rule, subject, form, period_from, period_to, item, records, days)
select
    'CAL-707',
    submission.subject,
    submission.form,
    submission.period_from,
    submission.period_to,
    submission.seq::text,
    quarantined.records,
    %(today)s - (event.at at time zone 'Asia/Almaty')::date
from (
    select
        submission_seq,
        count(distinct line) as records,
        min(coalesce(escalated_seq, found_seq)) as quarantined_seq
    from quality.violations
    where severity = 'error' and cleared_seq is null and rule <> 'GEN-101'
    group by submission_seq
) as quarantined
inner join ledger.events as event on quarantined.quarantined_seq = event.seq
inner join ledger.submissions as submission on quarantined.submission_seq = submission.seq
