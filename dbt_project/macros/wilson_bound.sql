{#
    A bound of the share of failing units that `failing` of `n` speak for: the
    Wilson score interval. sign '-' gives the lower bound, '+' the upper one.
    How sure it is, is var scorecard_z: 1.96 is 95 %. Null without units.
#}
{% macro wilson_bound(failing, n, sign) %}
    (
        {{ failing }} + {{ var('scorecard_z') }} ^ 2 / 2.0
        {{ sign }} {{ var('scorecard_z') }} * sqrt(
            greatest(
                {{ failing }} * ({{ n }} - {{ failing }})
                / nullif({{ n }}, 0)::numeric
                + {{ var('scorecard_z') }} ^ 2 / 4.0,
                0
            )
        )
    ) / ({{ n }} + {{ var('scorecard_z') }} ^ 2)
{% endmacro %}
