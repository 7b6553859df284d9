-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    event_code.punishments as event_punishments
from record
left join reference.execution_event as event_code
    on record.execution_event = event_code.code
