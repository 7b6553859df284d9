-- Days on which each recording device has live records.
insert into quality.device_days (form, subject, device_no, day, n)
select
    '{form}',
    subject,
    device_no,
    committed_at::date,
    sum(live)
from changed
where device_no is not null and committed_at is not null
group by 1, 2, 3, 4
having sum(live) <> 0
on conflict (subject, device_no, day, form) do update set n = device_days.n + excluded.n
