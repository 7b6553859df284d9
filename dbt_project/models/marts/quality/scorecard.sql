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

-- Stacked and grouped rather than joined, here and below: linear whatever the
-- planner thinks.
happened as (
    select
        subject,
        month,
        null::bigint as n_records,
        false as is_package,
        null::bigint as changed_seq,
        null::timestamptz as changed_at
    from touched
    union all
    select
        subject,
        month,
        case when state = 'judged' then records_declared end as n_records,
        true as is_package,
        changed_seq,
        null as changed_at
    from touched_packages
    union all
    select
        findings.subject,
        findings.month,
        null as n_records,
        false as is_package,
        null as changed_seq,
        findings.changed_at
    from findings
    inner join touched
        on
            findings.subject = touched.subject
            and findings.month = touched.month
),

sent as (
    select
        subject,
        month,
        coalesce(sum(n_records), 0)::bigint as n_records,
        count(*) filter (where is_package) as n_packages,
        max(changed_seq) as as_of_seq,
        max(changed_at) as as_of_at
    from happened
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

-- Units looked at, and those of them that fail, each once. A cell that a
-- report lacks is a unit because it fails.
measured as (
    select
        sent.subject,
        sent.month,
        dimensions.code as dimension,
        'record' as level,
        sent.n_records as n_units,
        0 as n_failing,
        sent.as_of_seq,
        sent.as_of_at
    from sent
    cross join {{ ref('quality_dimension') }} as dimensions
    union all
    select
        sent.subject,
        sent.month,
        dimensions.code as dimension,
        'package' as level,
        sent.n_packages as n_units,
        0 as n_failing,
        null as as_of_seq,
        null as as_of_at
    from sent
    cross join {{ ref('quality_dimension') }} as dimensions
    union all
    select
        subject,
        month,
        dimension,
        'due' as level,
        count(distinct unit) as n_units,
        0 as n_failing,
        null as as_of_seq,
        null as as_of_at
    from due_units
    group by subject, month, dimension
    union all
    select
        subject,
        month,
        dimension,
        'series' as level,
        count(distinct unit) as n_units,
        0 as n_failing,
        null as as_of_seq,
        null as as_of_at
    from series_units
    group by subject, month, dimension
    union all
    select
        subject,
        month,
        dimension,
        level,
        count(distinct unit) filter (
            where level = 'record' and submission_seq is null
        ) as n_units,
        count(distinct unit) as n_failing,
        null as as_of_seq,
        null as as_of_at
    from touched_failures
    group by subject, month, dimension, level
),

summed as (
    select
        month,
        subject,
        dimension,
        {% for level, name in (
            ('record', 'records'), ('package', 'packages'),
            ('due', 'due'), ('series', 'series'),
        ) -%}
            coalesce(
                sum(n_units) filter (where level = '{{ level }}'), 0
            )::bigint
                as n_{{ name }},
            coalesce(
                sum(n_failing) filter (where level = '{{ level }}'), 0
            )::bigint
                as n_{{ name }}_failing,
        {% endfor -%}
        max(as_of_seq) as as_of_seq,
        max(as_of_at) as as_of_at
    from measured
    group by month, subject, dimension
),

counted as (
    select
        summed.*,
        subjects.kind as subject_kind,
        subjects.region
    from summed
    inner join {{ ref('subjects') }} as subjects
        on summed.subject = subjects.code
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
