select
    report,
    kato as territory,
    null as article,
    null as severity,
    due_kzt as value,
    submission_seq,
    line
from live_enforcement_proceeding
where
    opened_date between period_start and period_end
    and due_kzt is not null
