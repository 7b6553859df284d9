-- By changed rule: records that break it now and under the draft, and what becomes of them. Of rules between forms only
-- what is open counts: what was found and cleared since is met.
with now as (
    select distinct
        tried.form,
        v.rule,
        v.submission_seq,
        v.line
    from quality.violations as v
    inner join trial_submission as tried on v.submission_seq = tried.submission_seq
    inner join trial_changed as changed on tried.form = changed.form and v.rule = changed.rule
    where v.cleared_seq is null or not ({links})
),

draft as (
    select distinct
        tried.form,
        broken.rule,
        broken.submission_seq,
        broken.line
    from trial_broken as broken
    inner join trial_submission as tried on broken.submission_seq = tried.submission_seq
)

select
    coalesce(now.form, draft.form) as form,
    coalesce(now.rule, draft.rule) as rule,
    count(now.line) as now,
    count(draft.line) as draft,
    count(*) filter (where now.line is null) as newly,
    count(*) filter (where draft.line is null) as no_longer,
    count(*) filter (where draft.line is not null and moved.will) as quarantined,
    count(*) filter (where now.line is not null and moved.was) as released
from now
full join draft
    on
        now.form = draft.form
        and now.rule = draft.rule
        and now.submission_seq = draft.submission_seq
        and now.line = draft.line
left join trial_moved as moved
    on
        coalesce(now.submission_seq, draft.submission_seq) = moved.submission_seq
        and coalesce(now.line, draft.line) = moved.line
group by 1, 2
