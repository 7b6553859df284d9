-- The first records that newly break a rule.
select distinct
    broken.submission_seq,
    broken.line,
    broken.rule,
    broken.field,
    broken.severity
from trial_broken as broken
where not exists (
    select from quality.violations as v
    where
        v.submission_seq = broken.submission_seq
        and v.line = broken.line
        and v.rule = broken.rule
        and (v.cleared_seq is null or not ({links}))
)
order by 1, 2, 3, 4
limit %s
