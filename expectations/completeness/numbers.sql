-- CRO-502: numbers missing between those received of one year, territory and body, in the sequences that grew of late;
-- a gap is as old as the first number beyond it (a frame that begins at each row would cost the square of the rows). The finding is for the body that opened the sequence.
with touched as materialized (
    select distinct {group} as numbered
    from raw.criminal_offence
    where received_on >= %(recent)s and erdr_number ~ '^[0-9]{{15}}$'
),

number as materialized (
    select
        touched.numbered,
        record.record_key,
        min(record.received_on) as received_on,
        min(record.submission_seq) as submission_seq
    from touched
    inner join raw.criminal_offence as record
        on
            record.record_key >= rpad(touched.numbered, 15, '0')
            and record.record_key <= rpad(touched.numbered, 15, '9')
    inner join ledger.progress as progress
        on record.submission_seq = progress.submission_seq and progress.state in ('received', 'loaded', 'judged')
    where record.record_key ~ '^[0-9]{{15}}$'
    group by touched.numbered, record.record_key
),

neighbours as (
    select
        numbered,
        submission_seq,
        record_key::bigint - lag(record_key::bigint) over (partition by numbered order by record_key) - 1 as missing,
        min(received_on) over (partition by numbered order by record_key desc) as known_on
    from number
),

sequences as (
    select
        numbered,
        min(submission_seq) as opened_by,
        coalesce(sum(missing), 0) as missing,
        max(%(today)s - known_on) filter (where missing > 0) as days
    from neighbours
    group by numbered
)

insert into quality.calendar_measures (rule, subject, form, item, records, days)
select
    'CRO-502',
    submission.subject,
    submission.form,
    sequences.numbered,
    sequences.missing,
    sequences.days
from sequences
inner join ledger.submissions as submission on sequences.opened_by = submission.seq
