-- The packages tried: received between the days, and judged.
insert into trial_submission (submission_seq, form, subject, received_on)
select
    submission.seq,
    submission.form,
    submission.subject,
    submission.received_on
from ledger.submissions as submission
inner join ledger.progress as progress on submission.seq = progress.submission_seq
where
    submission.received_on between %(first)s and %(last)s
    and submission.form = any(%(forms)s)
    and progress.state = 'judged'
