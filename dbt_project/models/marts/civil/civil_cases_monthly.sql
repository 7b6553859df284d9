{{ config(alias='cases_monthly') }}

with cases as (
    select * from {{ ref('civil_cases') }}
),

regions as (
    select * from {{ ref('region') }}
),

events as (
    select
        date_trunc('month', received_date)::date as month,
        region,
        court,
        category,
        1 as filed,
        0 as decided,
        0 as disposition_days
    from cases
    union all
    select
        date_trunc('month', decision_date)::date as month,
        region,
        court,
        category,
        0 as filed,
        1 as decided,
        disposition_days
    from cases
    where decision_date is not null
),

{{ monthly_cells(
    cell=['region', 'court', 'category'],
    measures=['filed', 'decided', 'disposition_days'],
    counted='filed',
    balances={'pending_end': 'filed - decided'}
) }},

rolled_up as (
    select
        month,
        case grouping(region, court)
            when 0 then 'cell'
            when 1 then 'region'
            else 'total'
        end as level,
        region,
        court,
        category,
        sum(filed)::bigint as filed,
        sum(decided)::bigint as decided,
        sum(pending_end)::bigint as pending_end,
        round(sum(decided) / nullif(sum(filed), 0), 4) as clearance_rate,
        round(sum(disposition_days) / nullif(sum(decided), 0), 2)
            as disposition_time_days,
        sum(filed_ytd)::bigint as filed_ytd,
        sum(filed_ytd_prev1)::bigint as filed_ytd_prev1,
        sum(filed_ytd_prev2)::bigint as filed_ytd_prev2,
        sum(filed_prev_year)::bigint as filed_prev_year
    from compared
    group by grouping sets (
        (month, region, court, category),
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
            court is not null
            and greatest(
                decided,
                pending_end,
                filed_ytd,
                filed_ytd_prev1,
                filed_ytd_prev2
            ) > 0
        )
),

coverage as (
    {{ coverage_of('civil_case') }}
),

cases_monthly as (
    select
        shown.*,
        coalesce(coverage.n_expected, 0) as n_expected,
        coalesce(coverage.n_received, 0) as n_received,
        coalesce(coverage.n_nil, 0) as n_nil,
        coalesce(coverage.n_missing, 0) as n_missing
    from shown
    left join coverage
        on
            shown.month = coverage.month
            and coalesce(shown.region, '') = coalesce(coverage.region, '')
)

select * from cases_monthly
