-- The offence that a person is suspected of, so that a condition names plain columns.
select
    record.*,
    offence.record_key is not null as offence_exists,
    offence.committed_date as offence_committed_date,
    offence.article as offence_article,
    array(
        select decision.article
        from live_pretrial_decision as decision
        where decision.erdr_number = record.erdr_number
    ) as decision_articles,
    coalesce(
        article_code.age_14_parts = 'all'
        or record.article_part
        = any(string_to_array(article_code.age_14_parts, ';')),
        false
    ) as article_from_14
from record
left join live_criminal_offence as offence
    on record.erdr_number = offence.erdr_number
left join reference.criminal_article as article_code
    on record.article = article_code.code
