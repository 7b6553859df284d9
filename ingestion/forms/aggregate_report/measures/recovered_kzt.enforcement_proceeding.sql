select
    report,
    kato as territory,
    null as article,
    null as severity,
    recovered_kzt as value,
    submission_seq,
    line
from live_enforcement_proceeding
where
    closed_date between period_start and period_end
    and recovered_kzt is not null
