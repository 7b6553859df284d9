{#
    The accepted records of a form: their submission is judged and no error of
    theirs is open. `known_seq` is the ledger event by which a record was
    accepted: its judgement, or the clearing of its last error. A warning that
    escalates is an error from then on: the record leaves, and what is cleared
    later makes it known anew from that day, as if it had never been there.
#}
{% macro accepted_records(form) %}
    select
        records.*,
        submissions.subject,
        submissions.period_from,
        submissions.period_to,
        submissions.sequence as package_sequence,
        progress.judged_seq,
        progress.judged_at,
        (
            select max(errors.cleared_seq)
            from {{ source('quality', 'violations') }} as errors
            where
                errors.submission_seq = records.submission_seq
                and errors.line = records.line
                and errors.severity = 'error'
        ) as cleared_seq
    from {{ source('raw', form) }} as records
    inner join {{ source('ledger', 'submissions') }} as submissions
        on records.submission_seq = submissions.seq
    inner join {{ source('ledger', 'progress') }} as progress
        on records.submission_seq = progress.submission_seq
    where
        progress.judged_seq is not null
        and not exists (
            select 1
            from {{ source('quality', 'violations') }} as errors
            where
                errors.submission_seq = records.submission_seq
                and errors.line = records.line
                and errors.severity = 'error'
                and errors.cleared_seq is null
        )
{% endmacro %}
