-- The point that holds most live records of a form, a subject and a quarter.
select count(*) as n
from raw.{form} as record
inner join ledger.submissions as sent on record.submission_seq = sent.seq
inner join ledger.progress as progress
    on record.submission_seq = progress.submission_seq and progress.judged_seq is not null
left join raw.standings as standing
    on record.submission_seq = standing.submission_seq and record.line = standing.line
where
    bucket.form = '{form}'
    and sent.subject = bucket.subject
    and record.{registered} >= bucket.period_from
    and record.{registered} < bucket.period_to + 1
    and record.latitude is not null
    and record.longitude is not null
    and {by_hand}
    and coalesce(standing.live, true)
group by round(record.latitude, 5), round(record.longitude, 5)
