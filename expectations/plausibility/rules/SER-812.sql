-- For how many days a recording device has been silent, against how long a device so active is silent by chance. A device is
-- given up after a while; it is named by the day on which the silence began.
create temporary table target on commit drop as
select
    form,
    subject,
    period_from,
    period_to
from quality.plausibility
where rule = 'SER-812';

with silent as (
    select
        form,
        subject,
        device_no,
        max(day) as last_day,
        %(today)s::date - %(ser_812_lag_days)s - max(day) as days
    from quality.device_days
    where day > %(today)s::date - %(ser_812_forget_days)s and day < %(today)s::date and n > 0
    group by 1, 2, 3
    having %(today)s::date - %(ser_812_lag_days)s - max(day) >= %(ser_812_silent_days)s
),

activity as (
    select
        silent.*,
        count(*) as active
    from silent
    inner join quality.device_days as active
        on
            silent.form = active.form
            and silent.subject = active.subject
            and silent.device_no = active.device_no
            and active.day > silent.last_day - 30
            and active.day <= silent.last_day
            and active.n > 0
    group by 1, 2, 3, 4, 5
    having count(*) >= %(ser_812_active_days)s
)

select
    form,
    subject,
    last_day + 1 as period_from,
    null::date as period_to,
    device_no as item,
    days as value,
    null::numeric as lower,
    greatest(
        %(ser_812_silent_days)s,
        ceil(ln(%(ser_812_max_chance)s) / ln(1 - (active + 1) / 32.0))
    ) - 1 as upper,
    active as n
from activity
