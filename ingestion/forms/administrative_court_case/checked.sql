-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    court_code.kind as court_kind
from record
left join reference.court as court_code on record.court = court_code.code
