-- The records that break a rule of their own under the draft and do not now, or the other way. What the draft does not
-- change stays as it was written down, whether a later version cleared it or not.
insert into trial_turned (submission_seq, line, form, is_broken)
with own as (
    select
        v.submission_seq,
        v.line,
        exists (
            select from trial_changed as changed
            where changed.form = tried.form and changed.rule = v.rule
        ) as is_changed
    from quality.violations as v
    inner join trial_submission as tried on v.submission_seq = tried.submission_seq
    where {breaks} and v.rule <> 'GEN-101'
),

now as (
    select distinct
        submission_seq,
        line
    from own
),

draft as (
    select
        submission_seq,
        line
    from own
    where not is_changed
    union
    select
        submission_seq,
        line
    from trial_broken
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
