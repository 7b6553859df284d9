-- The records that break an error rule between forms under the draft and do not now, or the other way. What the draft does
-- not change stays as it was written down; GEN-603 is told apart, since it decides which annulments count.
insert into trial_turned (submission_seq, line, form, is_unlinked)
with written as (
    select
        unmet_link.submission_seq,
        unmet_link.line,
        exists (
            select from trial_changed as changed
            where changed.form = tried.form and changed.rule = unmet_link.rule
        ) as is_changed
    from quality.unmet_links as unmet_link
    inner join trial_submission as tried on unmet_link.submission_seq = tried.submission_seq
    where unmet_link.severity = 'error' and unmet_link.rule <> 'GEN-603'
),

now as (
    select distinct
        submission_seq,
        line
    from written
),

draft as (
    select
        submission_seq,
        line
    from written
    where not is_changed
    union
    select
        submission_seq,
        line
    from unmet
    where severity = 'error'
)

select
    coalesce(draft.submission_seq, now.submission_seq),
    coalesce(draft.line, now.line),
    tried.form,
    draft.line is not null
from now
full join draft on now.submission_seq = draft.submission_seq and now.line = draft.line
inner join trial_submission as tried on coalesce(draft.submission_seq, now.submission_seq) = tried.submission_seq
where now.line is null or draft.line is null
on conflict (submission_seq, line) do update set is_unlinked = excluded.is_unlinked
