-- The first records that newly break a rule.
select distinct
    broken.submission_seq,
    broken.line,
    broken.rule,
    broken.field,
    broken.severity
from trial_broken as broken
where not exists (
    select from quality.violations as violation
    where
        violation.submission_seq = broken.submission_seq
        and violation.line = broken.line
        and violation.rule = broken.rule
)
order by 1, 2, 3, 4
limit %s
