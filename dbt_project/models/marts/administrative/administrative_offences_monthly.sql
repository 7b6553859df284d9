{{ config(alias='offences_monthly') }}

with offences as (
    select * from {{ ref('administrative_offences') }}
),

regions as (
    select * from {{ ref('region') }}
),

events as (
    select
        registered_month as month,
        region,
        kato as district,
        article,
        protocol_origin,
        1 as registered
    from offences
),

{{ monthly_cells(
    cell=['region', 'district', 'article', 'protocol_origin'],
    measures=['registered'],
    counted='registered'
) }},

rolled_up as (
    select
        month,
        case grouping(region, district)
            when 0 then 'cell'
            when 1 then 'region'
            else 'total'
        end as level,
        region,
        district,
        article,
        protocol_origin,
        sum(registered)::bigint as registered,
        sum(registered_ytd)::bigint as registered_ytd,
        sum(registered_ytd_prev1)::bigint as registered_ytd_prev1,
        sum(registered_ytd_prev2)::bigint as registered_ytd_prev2,
        sum(registered_prev_year)::bigint as registered_prev_year
    from compared
    group by grouping sets (
        (month, region, district, article, protocol_origin),
        (month, region),
        (month)
    )
),

-- A cell is shown while there is anything to show or to compare with.
shown as (
    select *
    from rolled_up
    where
        level <> 'cell'
        or (
            district is not null
            and greatest(
                registered_ytd,
                registered_ytd_prev1,
                registered_ytd_prev2
            ) > 0
        )
),

populations as (
    select
        code as region,
        sum(population) as population
    from regions
    group by grouping sets ((code), ())
),

coverage as (
    {{ coverage_of('administrative_offence') }}
),

offences_monthly as (
    select
        shown.*,
        case
            when shown.level <> 'cell'
                then round(
                    shown.registered * 10000 / populations.population, 4
                )
        end as per_10000,
        coalesce(coverage.n_expected, 0) as n_expected,
        coalesce(coverage.n_received, 0) as n_received,
        coalesce(coverage.n_nil, 0) as n_nil,
        coalesce(coverage.n_missing, 0) as n_missing
    from shown
    left join populations
        on coalesce(shown.region, '') = coalesce(populations.region, '')
    left join coverage
        on
            shown.month = coverage.month
            and coalesce(shown.region, '') = coalesce(coverage.region, '')
)

select * from offences_monthly
