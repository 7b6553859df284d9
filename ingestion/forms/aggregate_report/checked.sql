-- Joins each code list once, so that a condition names plain columns (a lookup inside a condition costs a scan).
select
    record.*,
    measure_code.reports as measure_reports,
    measure_code.value_type as measure_value_type,
    (
        (
            record.period_end >= region.valid_from
            and record.period_end
            <= coalesce(region.valid_to, 'infinity'::date)
        )
        or (
            (
                district.validity_precision <> 'exact'
                or record.period_end >= district.valid_from
            )
            and record.period_end
            <= coalesce(district.valid_to, 'infinity'::date)
        )
    ) is true as territory_valid
from record
left join reference.report_measure as measure_code
    on record.measure = measure_code.code
left join reference.region as region on record.territory = region.code
left join reference.district as district on record.territory = district.code
