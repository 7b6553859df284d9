-- The records that are quarantined now and would not be under the draft, or the other way.
insert into trial_moved (submission_seq, line, was, will)
with judged as (
    select
        settled.submission_seq,
        settled.line,
        found.is_open as was,
        not settled.cleared and (settled.rule is not null or coalesce(turned.is_broken, found.is_broken))
        or found.is_held as will
    from trial_settled as settled
    left join trial_turned as turned
        on settled.submission_seq = turned.submission_seq and settled.line = turned.line
    cross join lateral (
        select
            coalesce(bool_or(v.severity = 'error' and v.cleared_seq is null), false) as is_open,
            coalesce(bool_or({breaks}), false) as is_broken,
            -- What others say of the record, not it itself nor its versions, is not tried: it stays as it stands.
            coalesce(
                bool_or(
                    v.severity = 'error' and v.cleared_seq is null and v.rule <> all(%(rules)s) and not ({breaks})
                ), false
            ) as is_held
        from quality.violations as v
        where v.submission_seq = settled.submission_seq and v.line = settled.line
    ) as found
)

select
    submission_seq,
    line,
    was,
    will
from judged
where was <> will
