select
    victim.report,
    coalesce(district.code, substr(victim.erdr_number, 3, 2) || '0000000') as territory,
    null as article,
    null as severity,
    1 as value,
    victim.submission_seq,
    victim.line
from live_victim as victim
left join reference.district as district on substr(victim.erdr_number, 3, 4) = district.kato4
where
    victim.recognised_date between victim.period_start and victim.period_end
    and victim.victim_kind = 'natural'
