-- Packages and records tried.
select
    count(*),
    coalesce(sum(progress.records_read - progress.records_unreadable), 0)::bigint
from trial_submission as tried
inner join ledger.progress as progress on tried.submission_seq = progress.submission_seq
