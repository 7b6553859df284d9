{#
    A view that keeps its columns is replaced in place. dbt's own way drops the
    old view and with it every view that stands on it, so that building one
    model alone would take its followers away.
#}
{% materialization view, adapter='postgres' %}

    {%- set existing = load_cached_relation(this) -%}
    {%- set replaceable = false -%}
    {%- if existing is not none and existing.is_view -%}
        {%- set before = adapter.get_columns_in_relation(existing) -%}
        {%- set after = adapter.get_column_schema_from_query(
            get_empty_subquery_sql(sql)
        ) -%}
        {%- set replaceable =
            before | map(attribute='name') | list
            == after | map(attribute='name') | list -%}
    {%- endif -%}

    {%- if not replaceable -%}
        {{ return(dbt.materialization_view_default()) }}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement('main') -%}
        create or replace view {{ this }} as (
            {{ sql }}
        )
    {%- endcall %}

    {% do persist_docs(existing, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [existing]}) }}

{% endmaterialization %}
