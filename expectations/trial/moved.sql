-- The records that are quarantined now and would not be under the draft, or the other way.
insert into trial_moved (submission_seq, line, was, will)
with judged as (
    select
        settled.submission_seq,
        settled.line,
        found.is_open as was,
        not settled.cleared and (
            settled.rule is not null
            or coalesce(turned.is_broken, found.is_broken)
            or coalesce(turned.is_unlinked, links.is_unlinked)
            or links.is_kept
        ) as will
    from trial_settled as settled
    left join trial_turned as turned
        on settled.submission_seq = turned.submission_seq and settled.line = turned.line
    cross join lateral (
        select
            coalesce(bool_or(v.severity = 'error' and v.cleared_seq is null), false) as is_open,
            coalesce(bool_or({breaks}), false) as is_broken
        from quality.violations as v
        where v.submission_seq = settled.submission_seq and v.line = settled.line
    ) as found
    cross join lateral (
        select
            coalesce(bool_or(unmet_link.rule <> 'GEN-603'), false) as is_unlinked,
            coalesce(bool_or(unmet_link.rule = 'GEN-603'), false) as is_kept
        from quality.unmet_links as unmet_link
        where
            unmet_link.submission_seq = settled.submission_seq
            and unmet_link.line = settled.line
            and unmet_link.severity = 'error'
    ) as links
)

select
    submission_seq,
    line,
    was,
    will
from judged
where was <> will
