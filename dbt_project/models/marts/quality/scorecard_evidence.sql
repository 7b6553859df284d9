{{ config(materialized='view') }}

with failures as (
    select * from {{ ref('int_quality__failures') }}
),

evidence as (
    select
        month,
        subject,
        dimension,
        level,
        form,
        rule,
        severity,
        submission_seq,
        finding_id,
        count(distinct unit) as n
    from failures
    group by
        month,
        subject,
        dimension,
        level,
        form,
        rule,
        severity,
        submission_seq,
        finding_id
)

select * from evidence
