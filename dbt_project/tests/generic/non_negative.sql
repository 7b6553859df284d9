{# Fails if one of `columns` is below zero. #}
{% test non_negative(model, columns) %}
    select *
    from {{ model }}
    where least({{ columns | join(', ') }}) < 0
{% endtest %}
