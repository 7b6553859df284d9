-- The share of records sent in a quarter that annul a record or lower its severity, against that of the subject's peers.
-- What chance alone makes of so few records is allowed on top.
create temporary table target on commit drop as
select distinct
    due.form,
    peer.code as subject,
    due.quarter as period_from,
    (due.quarter + interval '3 months')::date - 1 as period_to
from due
inner join reference.subjects as subject on due.subject = subject.code
inner join reference.subjects as peer on subject.kind = peer.kind
where due.tally = 'retractions' and due.quarter + interval '2 months' <= %(last)s::date;

with share as (
    select
        target.form,
        target.subject,
        subject.kind,
        target.period_from,
        target.period_to,
        coalesce(sum((tallies.counts ->> 'retracted')::numeric), 0) / sum((tallies.counts ->> 'sent')::numeric) as value,
        sum((tallies.counts ->> 'sent')::numeric) as n
    from target
    inner join reference.subjects as subject on target.subject = subject.code
    inner join quality.tallies as tallies
        on
            tallies.tally = 'retractions'
            and target.form = tallies.form
            and target.subject = tallies.subject
            and tallies.month between target.period_from and target.period_to
    group by 1, 2, 3, 4, 5
    having sum((tallies.counts ->> 'sent')::numeric) >= %(ser_808_min_records)s
),

peers as (
    select
        form,
        kind,
        period_from,
        percentile_cont(0.5) within group (order by value)::numeric as median,
        count(*) as bodies
    from share
    group by 1, 2, 3
),

allowed as (
    select
        share.*,
        case
            when peers.bodies >= %(ser_808_min_peers)s
                then least(greatest(%(ser_808_max_ratio)s * peers.median, %(ser_808_min_share)s), %(ser_808_max_share)s)
            else %(ser_808_max_share)s
        end as most
    from share
    inner join peers
        on share.form = peers.form and share.kind = peers.kind and share.period_from = peers.period_from
)

select
    form,
    subject,
    period_from,
    period_to,
    '' as item,
    value,
    null::numeric as lower,
    most + %(ser_808_k)s * sqrt(most / n) as upper,
    n
from allowed
