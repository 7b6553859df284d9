{# Fails if the `parts` of a row do not add up to its `whole`. #}
{% test sums_to(model, parts, whole) %}
    select *
    from {{ model }}
    where {{ parts | join(' + ') }} is distinct from {{ whole }}
{% endtest %}
