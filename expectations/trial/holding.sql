-- What breaks a changed rule between forms under the draft today: not what a later version has replaced.
insert into trial_broken (submission_seq, line, rule, field, severity)
select
    unmet.submission_seq,
    unmet.line,
    unmet.rule,
    unmet.field,
    unmet.severity
from unmet
left join trial_settled as settled on unmet.submission_seq = settled.submission_seq and unmet.line = settled.line
where unmet.severity is not null and settled.cleared is not true
