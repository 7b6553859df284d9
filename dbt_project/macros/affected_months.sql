{#
    The months of a form in which a cell of the calendar changed since a mart
    was last built; `since` is the mart, its newest changed_in the last look at
    the calendar that it shows.
#}
{% macro affected_months(since) %}
    select distinct
        form,
        month
    from {{ source('quality', 'calendar') }}
    where changed_in > (select coalesce(max(changed_in), 0) from {{ since }})
{% endmacro %}


{#
    Incremental strategy: takes away the affected months of a form whole, then
    puts in what they are now, so that a region without cells is gone too.
#}
{% macro get_incremental_replace_months_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = arg_dict['dest_columns']
        | map(attribute='quoted') | join(', ') %}
    delete from {{ target }}
    where (form, month) in ({{ affected_months(target) }});

    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }};
{% endmacro %}
