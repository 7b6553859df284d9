-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    number_region.kato2 as number_region,
    number_district.kato4 as number_district,
    article_code.chapter as article_chapter,
    article_code.parts as article_parts,
    article_code.code is not null
    and record.committed_date >= article_code.valid_from
    and record.committed_date
    <= coalesce(article_code.valid_to, 'infinity'::date) as article_valid,
    graded_article.article is not null as article_graded,
    grading.severity as graded_severity,
    (
        district.code is not null
        and (
            district.validity_precision <> 'exact'
            or greatest(record.committed_date, record.registered_at::date)
            >= district.valid_from
        )
        and record.committed_date
        <= coalesce(district.valid_to, 'infinity'::date)
    ) is true as kato_valid,
    record.latitude between region.lat_min - 0.05 and region.lat_max + 0.05
    and record.longitude
    between region.lon_min - 0.05 and region.lon_max + 0.05 as point_in_region,
    place.is_public as place_is_public
from record
left join reference.region as number_region
    on substr(record.erdr_number, 3, 2) || '0000000' = number_region.code
left join (select distinct kato4 from reference.district) as number_district
    on substr(record.erdr_number, 3, 4) = number_district.kato4
left join reference.criminal_article as article_code
    on record.article = article_code.code
left join
    (
        select distinct article from reference.criminal_article_severity
    ) as graded_article
    on record.article = graded_article.article
left join reference.criminal_article_severity as grading
    on record.article = grading.article
    and coalesce(record.article_part, '') = coalesce(grading.part, '')
    and record.committed_date
    between grading.valid_from and coalesce(grading.valid_to, 'infinity'::date)
left join reference.district as district on record.kato = district.code
left join reference.region as region
    on substr(record.kato, 1, 2) || '0000000' = region.code
left join reference.place_type as place on record.place_type = place.code
