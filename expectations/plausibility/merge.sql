-- Add what changed to the tallies, cell by cell.
insert into quality.tallies (tally, form, subject, month, counts)
select
    cell.tally,
    cell.form,
    cell.subject,
    cell.month,
    summed.counts
from (
    select
        tally,
        form,
        subject,
        month,
        jsonb_object_agg(code, n) as counts
    from fresh
    group by 1, 2, 3, 4
) as cell
left join quality.tallies as known
    on
        cell.tally = known.tally
        and cell.form = known.form
        and cell.subject = known.subject
        and cell.month = known.month
cross join lateral (
    select coalesce(jsonb_object_agg(key, n) filter (where n <> 0), '{}') as counts
    from (
        select
            key,
            sum(value::integer) as n
        from (
            select * from jsonb_each_text(cell.counts)
            union all
            select * from jsonb_each_text(known.counts)
        ) as part
        group by 1
    ) as part
) as summed
on conflict (tally, form, subject, month) do update set counts = excluded.counts
