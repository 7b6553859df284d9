-- The offence that a decision is about, so that a condition names plain columns.
select
    record.*,
    offence.record_key is not null as offence_exists
from record
left join live_criminal_offence as offence
    on record.erdr_number = offence.erdr_number
