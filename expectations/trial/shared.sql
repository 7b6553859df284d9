-- Keys of the records that turned or do not meet a rule between forms, of which there is another record, or one that is
-- not simply new.
select distinct record.record_key
from raw.{form} as record
inner join trial_submission as tried
    on record.submission_seq = tried.submission_seq and record.received_on = tried.received_on
inner join (
    select
        submission_seq,
        line
    from trial_turned
    union
    select
        submission_seq,
        line
    from unmet
) as turned on record.submission_seq = turned.submission_seq and record.line = turned.line
where
    replace(record.record_key, '|', '') <> ''
    and (
        record.action is distinct from 'I'
        or exists (
            select from raw.{form} as other
            where
                other.record_key = record.record_key
                and (other.submission_seq <> record.submission_seq or other.line <> record.line)
        )
    )
