select
    report,
    kato as territory,
    article,
    severity,
    damage_kzt as value,
    submission_seq,
    line
from live_criminal_offence
where
    registered_at::date between period_start and period_end
    and damage_kzt is not null
