with submissions as (
    select * from {{ source('ledger', 'submissions') }}
),

progress as (
    select * from {{ source('ledger', 'progress') }}
),

subjects as (
    select * from {{ ref('subjects') }}
),

-- A refused package says nothing reliable of itself: it is its folder's.
sent as (
    select
        submissions.seq as submission_seq,
        submissions.form,
        submissions.report_code,
        submissions.period_from,
        submissions.period_to,
        submissions.records_declared,
        submissions.rejection_rule,
        progress.state,
        case
            when progress.state = 'refused' then submissions.inbox_folder
            else submissions.subject
        end as subject,
        date_trunc(
            'month',
            coalesce(submissions.period_to, submissions.received_on)::timestamp
        )::date as month
    from submissions
    inner join progress on submissions.seq = progress.submission_seq
),

packages as (
    select sent.*
    from sent
    inner join subjects on sent.subject = subjects.code
)

select * from packages
