-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    grading.severity as graded_severity
from record
left join reference.criminal_article_severity as grading
    on record.article = grading.article
    and coalesce(record.article_part, '') = coalesce(grading.part, '')
    and record.decision_date
    between grading.valid_from and coalesce(grading.valid_to, 'infinity'::date)
