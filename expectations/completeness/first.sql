-- When the first package of each form came that was not refused.
select
    form.name,
    (
        select min(submission.received_at)
        from ledger.submissions as submission
        where
            submission.form = form.name
            and submission.received_on = earliest.received_on
            and (submission.rejection_code is null or submission.rejection_code in ('R10', 'R26'))
    ) as first_received_at
from unnest(%(forms)s::text[]) as form (name)
left join lateral (
    select submission.received_on
    from ledger.submissions as submission
    where
        submission.form = form.name
        and (submission.rejection_code is null or submission.rejection_code in ('R10', 'R26'))
    order by submission.received_on
    limit 1
) as earliest on true
