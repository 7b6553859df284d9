-- Whether the protocol was decided on, so that a condition names plain columns.
select
    record.*,
    exists (
        select from live_administrative_decision as decision
        where decision.protocol_no = record.protocol_no
    ) as is_decided
from record
