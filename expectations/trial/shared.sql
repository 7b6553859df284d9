-- Keys of the records that turned, of which there is another record, or one that is not simply new.
select distinct record.record_key
from raw.{form} as record
inner join trial_submission as tried
    on record.submission_seq = tried.submission_seq and record.received_on = tried.received_on
inner join trial_turned as turned on record.submission_seq = turned.submission_seq and record.line = turned.line
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
