-- What came of each row of "cell". The first package that was neither refused nor held decides whether it is in time;
-- a refused one counts only where it came from the subject itself. A withdrawn package never came.
select
    cell.*,
    came.has_records,
    came.first_received_at,
    came.packages,
    came.packages_refused,
    came.packages_held,
    case
        when came.first_received_at > cell.deadline_at then 'late'
        when came.has_records then 'received'
        when came.packages > 0 then 'nil'
        when cell.deadline_at >= %(now)s then 'expected'
        when came.packages_held > 0 then 'held'
        when came.packages_refused > 0 then 'refused'
        else 'missing'
    end as state
from cell
cross join lateral (
    select
        min(sent.received_at) filter (where sent.is_taken) as first_received_at,
        bool_or(not sent.nil_report) filter (where sent.is_taken) as has_records,
        count(*) filter (where sent.is_taken) as packages,
        count(*) filter (where sent.state = 'refused' and sent.inbox_folder = cell.subject) as packages_refused,
        count(*) filter (where sent.state = 'held') as packages_held
    from (
        select
            submission.received_at,
            submission.nil_report,
            submission.inbox_folder,
            progress.state,
            progress.state in ('received', 'loaded', 'judged', 'nil') and submission.withdraws is null as is_taken
        from ledger.submissions as submission
        inner join ledger.progress as progress on submission.seq = progress.submission_seq
        where
            submission.subject = cell.subject
            and submission.form = cell.form
            and submission.period_from = cell.period_from
            and submission.period_to = cell.period_to
            and submission.report_code is not distinct from cell.report_code
    ) as sent
) as came
