-- Two independent reports of the same quarter and region, each added up over the bodies of the region. A region's
-- figure is the cell of the region, or the total of a body that belongs to it.
with live as (
    select distinct on (cell.record_key)
        cell.*
    from raw.aggregate_report as cell
    inner join ledger.submissions as sent on cell.submission_seq = sent.seq
    inner join ledger.progress as progress on cell.submission_seq = progress.submission_seq
    where
        progress.judged_seq is not null
        and not exists (
            select from quality.violations as violation
            where
                violation.submission_seq = cell.submission_seq
                and violation.line = cell.line
                and violation.severity = 'error'
                and violation.cleared_seq is null
        )
    order by cell.record_key, sent.period_to desc, sent.sequence desc, cell.line desc, cell.submission_seq desc
),

cell as (
    select distinct on (source.place, live.body, territory.region, live.period_start, live.period_end)
        source.place,
        live.body,
        territory.region,
        live.period_start,
        live.period_end,
        live.is_cumulative,
        live.value
    from live
    inner join unnest(%(reports)s::text[], %(measures)s::text[]) with ordinality as source (report_code, measure, place)
        on live.report_code = source.report_code and live.measure = source.measure
    left join reference.subjects as subject on live.body = subject.code
    cross join lateral (
        select case when live.territory = '000000000' then subject.region else live.territory end as region
    ) as territory
    where
        live.action <> 'D'
        and live.criminal_article is null
        and live.severity is null
        and right(territory.region, 7) = '0000000'
    order by
        source.place, live.body, territory.region, live.period_start, live.period_end, live.territory desc
),

quarter as (
    select
        place,
        body,
        region,
        date_trunc('quarter', period_end)::date as starts,
        (date_trunc('quarter', period_end) + interval '3 months' - interval '1 day')::date as ends
    from cell
    group by 1, 2, 3, 4, 5
),

stated as (
    select
        quarter.*,
        coalesce(
            (
                select year_to_date.value - coalesce(before.value, 0)
                from cell as year_to_date
                left join cell as before
                    on
                        year_to_date.place = before.place
                        and year_to_date.body = before.body
                        and year_to_date.region = before.region
                        and year_to_date.period_start = before.period_start
                        and before.is_cumulative
                        and before.period_end = quarter.starts - 1
                where
                    year_to_date.place = quarter.place
                    and year_to_date.body = quarter.body
                    and year_to_date.region = quarter.region
                    and year_to_date.is_cumulative
                    and year_to_date.period_end = quarter.ends
                    and (before.value is not null or extract(quarter from quarter.ends) = 1)
            ),
            (
                select sum(part.value)
                from cell as part
                where
                    part.place = quarter.place
                    and part.body = quarter.body
                    and part.region = quarter.region
                    and not part.is_cumulative
                    and part.period_start >= quarter.starts
                    and part.period_end <= quarter.ends
                having sum(part.period_end - part.period_start + 1) = quarter.ends - quarter.starts + 1
            )
        ) as value
    from quarter
),

compared as (
    select
        region,
        starts,
        ends,
        sum(value) filter (where place = 1) as one,
        sum(value) filter (where place = 2) as other
    from stated
    where ends + %(lag_days)s <= %(today)s
    group by 1, 2, 3
)

select
    region,
    starts,
    ends,
    one::text,
    other::text
from compared
where abs(one - other) > %(tolerance)s * greatest(one, other)
order by 1, 2
