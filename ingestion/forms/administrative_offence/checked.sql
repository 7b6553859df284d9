-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    article_code.camera_detectable as article_camera_detectable,
    article_code.natural_only as article_natural_only,
    article_code.code is not null
    and record.committed_at::date >= article_code.valid_from
    and record.committed_at::date
    <= coalesce(article_code.valid_to, 'infinity'::date) as article_valid,
    (
        district.code is not null
        and (
            district.validity_precision <> 'exact'
            or greatest(record.committed_at::date, record.registered_at::date)
            >= district.valid_from
        )
        and record.committed_at::date
        <= coalesce(district.valid_to, 'infinity'::date)
    ) is true as kato_valid,
    record.latitude between region.lat_min - 0.05 and region.lat_max + 0.05
    and record.longitude
    between region.lon_min - 0.05 and region.lon_max + 0.05 as point_in_region
from record
left join reference.administrative_article as article_code
    on record.article = article_code.code
left join reference.district as district on record.kato = district.code
left join reference.region as region
    on substr(record.kato, 1, 2) || '0000000' = region.code
