select
    report,
    kato as territory,
    null as article,
    null as severity,
    1 as value,
    submission_seq,
    line
from live_enforcement_proceeding
where
    closed_date between period_start and period_end
    and close_ground = 'executed'
