{#
    Every cell of a monthly mart in every month, with what it is compared with.
    Continues a `with` that has `events` (month, the columns of `cell`, the
    `measures`) and `regions`, and ends in the step `compared`.

    `cell` are the columns that make a cell, the region first: a region is there
    in every month whether anything happened in it or not. `counted` is the
    measure that is shown as year to date, beside the two years before and the
    same month of the year before. `balances` maps a column to what it is the
    running sum of.
#}
{% macro monthly_cells(cell, measures, counted, balances={}) %}
    {%- set columns = cell | join(', ') -%}
    months as (
        select
            generate_series(
                min(month)::timestamp, max(month)::timestamp, interval '1 month'
            )::date as month
        from events
    ),

    cells as (
        select distinct {{ columns }}
        from events
        union all
        select
            code as region
            {%- for column in cell[1:] %},
            null as {{ column }}
            {%- endfor %}
        from regions
    ),

    every_cell_in_every_month as (
        select
            month,
            {{ columns }},
            {{ measures | join(', ') }}
        from events
        union all
        select
            months.month
            {%- for column in cell %},
            cells.{{ column }}
            {%- endfor %}
            {%- for measure in measures %},
            0 as {{ measure }}
            {%- endfor %}
        from months
        cross join cells
    ),

    summed as (
        select
            month,
            {{ columns }}
            {%- for measure in measures %},
            sum({{ measure }}) as {{ measure }}
            {%- endfor %}
        from every_cell_in_every_month
        group by month, {{ columns }}
    ),

    cumulated as (
        select
            *,
            {%- for balance, of in balances.items() %}
            sum({{ of }}) over cell as {{ balance }},
            {%- endfor %}
            lag({{ counted }}, 12) over cell as {{ counted }}_prev_year,
            sum({{ counted }}) over (
                partition by {{ columns }}, date_part('year', month)
                order by month
            ) as {{ counted }}_ytd
        from summed
        window cell as (partition by {{ columns }} order by month)
    ),

    compared as (
        select
            *,
            lag({{ counted }}_ytd, 12) over cell as {{ counted }}_ytd_prev1,
            lag({{ counted }}_ytd, 24) over cell as {{ counted }}_ytd_prev2
        from cumulated
        window cell as (partition by {{ columns }} order by month)
    )
{%- endmacro %}
