select
    report,
    kato as territory,
    article,
    null as severity,
    1 as value,
    submission_seq,
    line
from live_administrative_offence
where registered_at::date between period_start and period_end
