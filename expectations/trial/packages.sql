-- Packages of whose records some would be quarantined or released, also of other days.
with moved as (
    select
        submission_seq,
        count(*) filter (where will) as quarantined,
        count(*) filter (where was) as released
    from trial_moved
    group by 1
)

select
    package.submission_seq,
    package.subject,
    package.form,
    package.verdict,
    package.records_unreadable,
    package.records_quarantined,
    package.records_accepted,
    moved.quarantined,
    moved.released
from moved
inner join quality.submissions as package on moved.submission_seq = package.submission_seq
order by 1
