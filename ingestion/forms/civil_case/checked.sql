-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    category_code.is_monetary as category_is_monetary,
    outcome_code.award as outcome_award,
    outcome_code.instance as outcome_instance
from record
left join reference.civil_category as category_code
    on record.category = category_code.code
left join reference.civil_outcome as outcome_code
    on record.outcome = outcome_code.code
