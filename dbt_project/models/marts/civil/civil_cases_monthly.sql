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

months as (
    select
        generate_series(
            min(month)::timestamp, max(month)::timestamp, interval '1 month'
        )::date as month
    from events
),

cells as (
    select distinct
        region,
        court,
        category
    from events
    union all
    select
        code as region,
        null as court,
        null as category
    from regions
),

every_cell_in_every_month as (
    select * from events
    union all
    select
        months.month,
        cells.region,
        cells.court,
        cells.category,
        0 as filed,
        0 as decided,
        0 as disposition_days
    from months
    cross join cells
),

counted as (
    select
        month,
        region,
        court,
        category,
        sum(filed) as filed,
        sum(decided) as decided,
        sum(disposition_days) as disposition_days
    from every_cell_in_every_month
    group by month, region, court, category
),

cumulated as (
    select
        *,
        sum(filed - decided) over cell as pending_end,
        lag(filed, 12) over cell as filed_prev_year,
        sum(filed) over (
            partition by region, court, category, date_part('year', month)
            order by month
        ) as filed_ytd
    from counted
    window cell as (
        partition by region, court, category
        order by month
    )
),

compared as (
    select
        *,
        lag(filed_ytd, 12) over cell as filed_ytd_prev1,
        lag(filed_ytd, 24) over cell as filed_ytd_prev2
    from cumulated
    window cell as (
        partition by region, court, category
        order by month
    )
),

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
