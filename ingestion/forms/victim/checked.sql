-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    relation.is_domestic as relation_is_domestic
from record
left join reference.relation_to_suspect as relation
    on record.relation_to_suspect = relation.code
