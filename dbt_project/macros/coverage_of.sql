{#
    How complete the reporting of a form is, by month and region of the sender,
    and by month alone (region null): the denominators of a monthly mart.
#}
{% macro coverage_of(form) %}
    select
        month,
        region,
        sum(n_expected)::bigint as n_expected,
        sum(n_received)::bigint as n_received,
        sum(n_nil)::bigint as n_nil,
        sum(n_missing)::bigint as n_missing
    from {{ ref('coverage_monthly') }}
    where form = '{{ form }}'
    group by grouping sets ((month, region), (month))
{% endmacro %}
