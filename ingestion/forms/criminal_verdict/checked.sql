-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    outcome_code.instance as outcome_instance,
    punishment.for_crime as punishment_for_crime,
    punishment.for_misdemeanour as punishment_for_misdemeanour,
    grading.max_imprisonment_years::integer as max_imprisonment_years,
    graded_part.allows_life as article_allows_life
from record
left join reference.verdict_outcome as outcome_code
    on record.outcome = outcome_code.code
left join reference.punishment_type as punishment
    on record.punishment_type = punishment.code
left join reference.criminal_article_severity as grading
    on record.article = grading.article
    and coalesce(record.article_part, '') = coalesce(grading.part, '')
    and record.decision_date
    between grading.valid_from and coalesce(grading.valid_to, 'infinity'::date)
left join
    (
        select
            article,
            part,
            bool_and(life = '1') as allows_life
        from reference.criminal_article_severity
        group by article, part
    ) as graded_part
    on record.article = graded_part.article
    and coalesce(record.article_part, '') = coalesce(graded_part.part, '')
