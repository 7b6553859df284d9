with violations as (
    select * from {{ source('quality', 'violations') }}
),

submissions as (
    select * from {{ source('ledger', 'submissions') }}
),

-- The dimension of a rule as the newest catalogue has it; a rule that the
-- catalogue has dropped keeps the last one it had.
rules as (
    select distinct on (rule)
        rule,
        dimension
    from {{ source('quality', 'rules') }}
    order by
        rule asc, current desc, catalogue_version desc, valid_from desc
),

violations_daily as (
    select
        submissions.received_on,
        submissions.subject,
        submissions.form,
        violations.rule,
        violations.severity,
        coalesce(rules.dimension, 'unknown') as dimension,
        count(*) as n_violations,
        count(distinct row(violations.submission_seq, violations.line))
            as n_records,
        count(*) filter (where violations.cleared_seq is null) as n_open
    from violations
    inner join submissions
        on violations.submission_seq = submissions.seq
    left join rules
        on violations.rule = rules.rule
    group by
        submissions.received_on,
        submissions.subject,
        submissions.form,
        violations.rule,
        violations.severity,
        rules.dimension
)

select * from violations_daily
