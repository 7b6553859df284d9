with packages as (
    select * from {{ ref('int_quality__packages') }}
),

-- A rule as the newest catalogue has it; one that the catalogue has dropped
-- as it had it last.
rules as (
    select distinct on (rule)
        rule,
        dimension,
        level
    from {{ source('quality', 'rules') }}
    order by
        rule asc, current desc, catalogue_version desc, valid_from desc
),

records as (
    select
        packages.subject,
        packages.month,
        packages.form,
        violations.rule,
        violations.severity,
        'record' as level,
        violations.submission_seq,
        null::bigint as finding_id,
        concat_ws(':', violations.submission_seq, violations.line) as unit
    from {{ source('quality', 'violations') }} as violations
    inner join packages
        on violations.submission_seq = packages.submission_seq
    where violations.cleared_seq is null
),

not_taken as (
    select
        packages.subject,
        packages.month,
        packages.form,
        packages.rejection_rule as rule,
        'refuse' as severity,
        'package' as level,
        packages.submission_seq,
        null::bigint as finding_id,
        packages.submission_seq::text as unit
    from packages
    where packages.state in ('refused', 'held')
),

about_packages as (
    select
        packages.subject,
        packages.month,
        packages.form,
        findings.rule,
        findings.severity,
        'package' as level,
        findings.submission_seq,
        findings.finding_id,
        findings.submission_seq::text as unit
    from {{ source('quality', 'findings') }} as findings
    inner join packages
        on findings.submission_seq = packages.submission_seq
    where findings.cleared_seq is null
),

-- What was due is told apart by form, period and report code (the item).
without_a_package as (
    select
        findings.subject,
        date_trunc(
            'month', coalesce(findings.period_to, findings.found_at)::timestamp
        )::date as month,
        findings.form,
        findings.rule,
        findings.severity,
        case rules.level
            when 'calendar' then 'due'
            when 'series' then 'series'
            else 'record'
        end as level,
        null::bigint as submission_seq,
        findings.finding_id,
        case rules.level
            when 'calendar'
                then concat_ws(
                    '|',
                    findings.form,
                    findings.period_from,
                    findings.period_to,
                    nullif(findings.item, '')
                )
            when 'series' then concat_ws('|', findings.rule, findings.form)
            else concat_ws(':', 'finding', findings.finding_id)
        end as unit
    from {{ source('quality', 'findings') }} as findings
    inner join {{ ref('subjects') }} as subjects
        on findings.subject = subjects.code
    inner join rules on findings.rule = rules.rule
    where
        findings.submission_seq is null
        and findings.cleared_at is null
),

stacked as (
    select * from records
    union all
    select * from not_taken
    union all
    select * from about_packages
    union all
    select * from without_a_package
),

failures as (
    select
        stacked.*,
        rules.dimension
    from stacked
    inner join rules on stacked.rule = rules.rule
)

select * from failures
