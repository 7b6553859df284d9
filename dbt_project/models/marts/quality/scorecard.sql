{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['subject', 'month'],
    on_schema_change='fail',
    indexes=[
        {'columns': ['subject', 'month', 'dimension'], 'unique': True},
        {'columns': ['month', 'dimension']},
    ]
) }}

with packages as (
    select * from {{ ref('int_quality__packages') }}
),

failures as (
    select * from {{ ref('int_quality__failures') }}
),

findings as (
    select
        findings.subject,
        date_trunc(
            'month', coalesce(findings.period_to, findings.found_at)::timestamp
        )::date as month,
        greatest(findings.found_at, findings.cleared_at) as changed_at
    from {{ source('quality', 'findings') }} as findings
    inner join {{ ref('subjects') }} as subjects
        on findings.subject = subjects.code
    where findings.submission_seq is null
),

{% if is_incremental() -%}
    watermark as (
        select
            coalesce(max(as_of_seq), 0) as seq,
            coalesce(max(as_of_at), '-infinity') as at
        from {{ this }}
    ),

    -- Something happened to a package of theirs, or to a finding.
    touched as materialized (
        select
            packages.subject,
            packages.month
        from packages
        where
            packages.submission_seq = any(array(
                select events.submission_seq
                from {{ source('ledger', 'events') }} as events
                where events.seq > (select watermark.seq from watermark)
                union
                select violations.submission_seq
                from {{ source('quality', 'violations') }} as violations
                where
                    violations.found_seq
                    > (select watermark.seq from watermark)
                union
                select violations.submission_seq
                from {{ source('quality', 'violations') }} as violations
                where
                    violations.cleared_seq
                    > (select watermark.seq from watermark)
            ))
        union
        select
            findings.subject,
            findings.month
        from findings
        where findings.changed_at >= (select watermark.at from watermark)
    ),
{%- else -%}
    touched as materialized (
        select
            subject,
            month
        from packages
        union
        select
            subject,
            month
        from findings
    ),
{%- endif %}

touched_packages as materialized (
    select
        packages.*,
        greatest(
            (
                select max(events.seq) as seq
                from {{ source('ledger', 'events') }} as events
                where events.submission_seq = packages.submission_seq
            ),
            (
                select max(greatest(broken.found_seq, broken.cleared_seq))
                from {{ source('quality', 'violations') }} as broken
                where broken.submission_seq = packages.submission_seq
            )
        ) as changed_seq
    from packages
    inner join touched
        on
            packages.subject = touched.subject
            and packages.month = touched.month
),

touched_failures as materialized (
    select failures.*
    from failures
    inner join touched
        on
            failures.subject = touched.subject
            and failures.month = touched.month
),

as_of as (
    select
        touched.subject,
        touched.month,
        (
            select max(touched_packages.changed_seq)
            from touched_packages
            where
                touched_packages.subject = touched.subject
                and touched_packages.month = touched.month
        ) as as_of_seq,
        (
            select max(findings.changed_at)
            from findings
            where
                findings.subject = touched.subject
                and findings.month = touched.month
        ) as as_of_at
    from touched
),

sent as (
    select
        subject,
        month,
        count(*) as n_packages,
        coalesce(
            sum(records_declared) filter (where state = 'judged'), 0
        )::bigint as n_records
    from touched_packages
    group by subject, month
),

answered as (
    select distinct
        subject,
        month,
        concat_ws('|', form, period_from, period_to, report_code) as unit
    from touched_packages
    where state not in ('refused', 'held')
),

-- What a rule of plausibility can be asked of: the forms sent.
series as (
    select distinct
        touched_packages.subject,
        touched_packages.month,
        rules.dimension,
        concat_ws('|', rules.rule, touched_packages.form) as unit
    from touched_packages
    inner join {{ source('quality', 'rules') }} as rules
        on
            rules.form = '*'
            or touched_packages.form = any(string_to_array(rules.form, '|'))
    where
        rules.current
        and rules.rule like 'SER-%'
        and touched_packages.state not in ('refused', 'held')
),

-- Units that were looked at and failed, each once.
failing as (
    select
        subject,
        month,
        dimension,
        count(distinct unit) filter (where level = 'record')
            as n_records_failing,
        count(distinct unit) filter (
            where level = 'record' and submission_seq is null
        ) as n_records_missing,
        count(distinct unit) filter (where level = 'package')
            as n_packages_failing,
        count(distinct unit) filter (where level = 'due') as n_due_failing,
        count(distinct unit) filter (where level = 'series')
            as n_series_failing
    from touched_failures
    group by subject, month, dimension
),

-- An answered period concerns every dimension, a finding only its own.
due_units as (
    select
        answered.subject,
        answered.month,
        dimensions.code as dimension,
        answered.unit
    from answered
    cross join {{ ref('quality_dimension') }} as dimensions
    union all
    select
        subject,
        month,
        dimension,
        unit
    from touched_failures
    where level = 'due'
),

due as (
    select
        subject,
        month,
        dimension,
        count(distinct unit) as n_due
    from due_units
    group by subject, month, dimension
),

series_units as (
    select
        subject,
        month,
        dimension,
        unit
    from series
    union all
    select
        subject,
        month,
        dimension,
        unit
    from touched_failures
    where level = 'series'
),

asked as (
    select
        subject,
        month,
        dimension,
        count(distinct unit) as n_series
    from series_units
    group by subject, month, dimension
),

counted as (
    select
        as_of.month,
        as_of.subject,
        subjects.kind as subject_kind,
        subjects.region,
        dimensions.code as dimension,
        coalesce(sent.n_records, 0)
        + coalesce(failing.n_records_missing, 0) as n_records,
        coalesce(failing.n_records_failing, 0) as n_records_failing,
        coalesce(sent.n_packages, 0) as n_packages,
        coalesce(failing.n_packages_failing, 0) as n_packages_failing,
        coalesce(due.n_due, 0) as n_due,
        coalesce(failing.n_due_failing, 0) as n_due_failing,
        coalesce(asked.n_series, 0) as n_series,
        coalesce(failing.n_series_failing, 0) as n_series_failing,
        as_of.as_of_seq,
        as_of.as_of_at
    from as_of
    inner join {{ ref('subjects') }} as subjects
        on as_of.subject = subjects.code
    cross join {{ ref('quality_dimension') }} as dimensions
    left join sent
        on
            as_of.subject = sent.subject
            and as_of.month = sent.month
    left join failing
        on
            as_of.subject = failing.subject
            and as_of.month = failing.month
            and dimensions.code = failing.dimension
    left join due
        on
            as_of.subject = due.subject
            and as_of.month = due.month
            and dimensions.code = due.dimension
    left join asked
        on
            as_of.subject = asked.subject
            and as_of.month = asked.month
            and dimensions.code = asked.dimension
),

-- The level that speaks most clearly against the subject decides.
scorecard as (
    select
        counted.month,
        counted.subject,
        counted.subject_kind,
        counted.region,
        counted.dimension,
        deciding.level,
        deciding.n_units,
        deciding.n_failing,
        round(deciding.n_failing / deciding.n_units::numeric, 6)
            as share_failing,
        deciding.failing_low,
        round(
            {{ wilson_bound('deciding.n_failing', 'deciding.n_units', '+') }},
            6
        ) as failing_high,
        round(100 * (1 - deciding.failing_low), 2) as score,
        counted.n_records,
        counted.n_records_failing,
        counted.n_packages,
        counted.n_packages_failing,
        counted.n_due,
        counted.n_due_failing,
        counted.n_series,
        counted.n_series_failing,
        counted.as_of_seq,
        counted.as_of_at
    from counted
    left join lateral (
        select
            levels.level,
            levels.n_units,
            levels.n_failing,
            round(
                {{ wilson_bound('levels.n_failing', 'levels.n_units', '-') }},
                6
            ) as failing_low
        from (
            values
            (1, 'record', counted.n_records, counted.n_records_failing),
            (2, 'package', counted.n_packages, counted.n_packages_failing),
            (3, 'due', counted.n_due, counted.n_due_failing),
            (4, 'series', counted.n_series, counted.n_series_failing)
        ) as levels (place, level, n_units, n_failing)
        where levels.n_units > 0
        order by failing_low desc, levels.place asc
        limit 1
    ) as deciding on true
)

select * from scorecard
