-- Versions of records that a later accepted version took the place of, and the moment it was received. Order of
-- versions: end of period, sequence, line, ledger; the order of arrival does not decide.
create temporary table superseded_{form} on commit drop as
with versions as (
    select
        record.record_key,
        record.submission_seq,
        record.line,
        sent.period_to,
        sent.sequence,
        case when {stands} then sent.received_at end as accepted_at
    from raw.{form} as record
    inner join ledger.submissions as sent on record.submission_seq = sent.seq
    inner join ledger.progress as progress
        on record.submission_seq = progress.submission_seq and progress.judged_seq is not null
    where record.record_key in (
        select correction.record_key from raw.{form} as correction
        where correction.action is distinct from 'I'
        union
        select broken.record_key from raw.{form} as broken
        inner join quality.violations as violation
            on broken.submission_seq = violation.submission_seq and broken.line = violation.line
        where violation.severity = 'error'
    )
),

followed as (
    select
        submission_seq,
        line,
        min(accepted_at) over (
            partition by record_key
            order by period_to, sequence, line, submission_seq
            rows between 1 following and unbounded following
        ) as superseded_at
    from versions
)

select * from followed where superseded_at is not null;

create index on superseded_{form} (submission_seq, line);

analyze superseded_{form}
