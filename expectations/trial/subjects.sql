-- By subject and form: packages tried, and records that newly break some rule.
with newly as (
    select distinct
        broken.submission_seq,
        broken.line
    from trial_broken as broken
    where not exists (
        select from quality.violations as v
        where
            v.submission_seq = broken.submission_seq
            and v.line = broken.line
            and v.rule = broken.rule
            and (v.cleared_seq is null or not ({links}))
    )
)

select
    tried.subject,
    tried.form,
    count(distinct tried.submission_seq),
    count(newly.line)
from trial_submission as tried
left join newly on tried.submission_seq = newly.submission_seq
group by 1, 2
order by 1, 2
