-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    recovery.is_monetary as recovery_is_monetary,
    close_ground_code.recovered as close_ground_recovered
from record
left join reference.recovery_kind as recovery
    on record.recovery_kind = recovery.code
left join reference.enforcement_close_ground as close_ground_code
    on record.close_ground = close_ground_code.code
