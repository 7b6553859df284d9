-- The records of a form whose standing changed since the tallies were last brought up: what each adds to live and to
-- accepted records. A record that is not remembered counts as live since its submission was judged.
create temporary table touched on commit drop as
select
    record.record_key,
    record.submission_seq,
    record.line
from raw.{form} as record
inner join happened on record.submission_seq = happened.submission_seq
where
    {arrived}
    and happened.is_new
    and (
        record.action is distinct from 'I'
        or record.record_key in (select record_key from raw.standings where form = '{form}')
    )
union
select
    record.record_key,
    record.submission_seq,
    record.line
from happened
inner join quality.violations as violation
    on happened.submission_seq = violation.submission_seq and violation.severity = 'error'
inner join raw.{form} as record
    on violation.submission_seq = record.submission_seq and violation.line = record.line
where {within}
union
select
    record.record_key,
    record.submission_seq,
    record.line
from raw.{form} as record
inner join happened on record.submission_seq = happened.submission_seq and happened.is_withdrawn
where {within};

-- How every version of these keys stands now. An empty key names no record, so its versions are none of one another.
create temporary table standing on commit drop as
with version as (
    select
        record.record_key,
        record.submission_seq,
        record.line,
        record.action,
        {severity} as severity,
        sent.period_to,
        sent.sequence
    from raw.{form} as record
    inner join ledger.submissions as sent on record.submission_seq = sent.seq
    inner join ledger.progress as progress
        on record.submission_seq = progress.submission_seq and progress.judged_seq is not null
    where
        record.record_key = any(array(select record_key from touched where replace(record_key, '|', '') <> ''))
        and {stands}
),

ordered as (
    select
        submission_seq,
        line,
        action <> 'D' and lead(line) over followed is null as live,
        action = 'D' or (action = 'M' and severity < lag(severity) over followed) as retracts
    from version
    window followed as (partition by record_key order by period_to, sequence, line, submission_seq)
)

select
    record.record_key,
    record.submission_seq,
    record.line,
    ordered.line is not null as accepted,
    coalesce(ordered.live, false) as live,
    coalesce(ordered.retracts, false) as retracts
from (
    select
        record_key,
        submission_seq,
        line
    from raw.{form}
    where record_key = any(array(select record_key from touched where replace(record_key, '|', '') <> ''))
    union
    select * from touched
) as record
inner join ledger.progress as progress
    on
        record.submission_seq = progress.submission_seq
        and (
            progress.judged_seq is not null
            or progress.submission_seq in (select submission_seq from happened where is_withdrawn)
        )
left join ordered on record.submission_seq = ordered.submission_seq and record.line = ordered.line;

analyze touched, standing;

-- What a version adds is known before its record is read: most of those touched change nothing, and of those without a
-- key each would be sought among all of them.
create temporary table changed on commit drop as
with altered as materialized (
    select *
    from (
        select
            standing.record_key,
            standing.submission_seq,
            standing.line,
            standing.live::integer - coalesce(before.live, progress.judged_seq <= %(since)s, true)::integer as live,
            standing.accepted::integer - coalesce(before.accepted, progress.judged_seq <= %(since)s, true)::integer as accepted,
            standing.retracts::integer - coalesce(before.retracts, false)::integer as retracts
        from standing
        inner join ledger.progress as progress on standing.submission_seq = progress.submission_seq
        left join raw.standings as before
            on standing.submission_seq = before.submission_seq and standing.line = before.line
    ) as compared
    where live <> 0 or accepted <> 0 or retracts <> 0
)

select
    record.*,
    sent.subject,
    sent.period_to,
    altered.live,
    altered.accepted,
    altered.retracts
from altered
inner join raw.{form} as record
    on
        altered.record_key = record.record_key
        and altered.submission_seq = record.submission_seq
        and altered.line = record.line
inner join ledger.submissions as sent on record.submission_seq = sent.seq
union all
select
    record.*,
    happened.subject,
    happened.period_to,
    1,
    1,
    0
from raw.{form} as record
inner join happened on record.submission_seq = happened.submission_seq
where
    {arrived}
    and happened.is_new
    and not exists (
        select from standing
        where standing.submission_seq = record.submission_seq and standing.line = record.line
    );

insert into raw.standings (submission_seq, line, form, record_key, live, accepted, retracts)
select
    submission_seq,
    line,
    '{form}',
    record_key,
    live,
    accepted,
    retracts
from standing
on conflict (submission_seq, line) do update
set live = excluded.live, accepted = excluded.accepted, retracts = excluded.retracts
where
    (standings.live, standings.accepted, standings.retracts)
    is distinct from (excluded.live, excluded.accepted, excluded.retracts)
