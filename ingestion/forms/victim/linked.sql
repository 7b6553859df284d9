-- The offence that a person suffered from, so that a condition names plain columns.
select
    record.*,
    offence.record_key is not null as offence_exists,
    offence.committed_date as offence_committed_date,
    offence.offence_stage,
    offence.article as offence_article,
    offence.article_chapter as offence_article_chapter,
    split_part(offence.article, '-', 1)::integer as offence_article_number,
    (record.harm_kind = 'death')::integer
    + (
        select count(*) from live_victim as other
        where
            other.erdr_number = record.erdr_number
            and other.record_key <> record.record_key
            and other.harm_kind = 'death'
    ) as deaths
from record
left join live_criminal_offence as offence
    on record.erdr_number = offence.erdr_number
