-- Add what changed to the tallies.
insert into quality.tallies (tally, form, subject, month, counts)
select
    tally,
    form,
    subject,
    month,
    coalesce(jsonb_object_agg(code, n) filter (where n <> 0), '{}')
from (
    select
        tally,
        form,
        subject,
        month,
        code,
        sum(n) as n
    from (
        select * from fresh
        union all
        select
            tallies.tally,
            tallies.form,
            tallies.subject,
            tallies.month,
            counted.key,
            counted.value::bigint
        from quality.tallies as tallies
        inner join (select distinct tally, form, subject, month from fresh) as cell
            on
                tallies.tally = cell.tally
                and tallies.form = cell.form
                and tallies.subject = cell.subject
                and tallies.month = cell.month
        cross join lateral jsonb_each_text(tallies.counts) as counted
    ) as part
    group by 1, 2, 3, 4, 5
) as summed
group by 1, 2, 3, 4
on conflict (tally, form, subject, month) do update set counts = excluded.counts
