-- The headline figures of a period as they stood after the first night on which it was closed.
insert into quality.closed_figures (form, subject, month, figure, value, base, n)
select
    headline.form,
    headline.subject,
    headline.month,
    headline.figure,
    headline.value,
    headline.base,
    headline.n
from headline
inner join unnest(%(closed_forms)s::text[], %(closed_to)s::date[]) as closed (form, day) on headline.form = closed.form
where
    (headline.month + interval '1 month')::date - 1 <= closed.day
    and headline.month > coalesce(
        (select max(known.month) from quality.closed_figures as known where known.form = headline.form), '-infinity'
    )
