{#
    A code list as a table: every column is text unless +column_types names
    another type; valid_from and valid_to, the validity of a code, are dates.
    dbt infers types from the values, and '0106' would become 106.
#}
{% materialization seed, adapter='postgres' %}

    {%- set types = config.model.config.column_types -%}
    {%- for column in load_agate_table().column_names -%}
        {%- if column not in types -%}
            {%- set is_validity = column in ('valid_from', 'valid_to') -%}
            {%- do types.update({column: 'date' if is_validity else 'text'}) -%}
        {%- endif -%}
    {%- endfor -%}

    {{ return(dbt.materialization_seed_default()) }}

{% endmaterialization %}


{% macro postgres__create_csv_table(model, agate_table) %}

    {%- set types = config.model.config.column_types -%}
    {%- set sql -%}
        create table {{ this.render() }} (
            {%- for column in agate_table.column_names %}
            {{ column }} {{ types[column] }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    {%- endset -%}
    {%- call statement('_') -%}{{ sql }}{%- endcall -%}
    {{ return(sql) }}

{% endmacro %}


{#
    The views of schema `checked` stand on these tables, so a list is emptied
    and filled again, never dropped, not even by --full-refresh. A column the
    list has gained is added; one it has lost stays, and stays empty.
#}
{% macro postgres__reset_csv_table(
    model, full_refresh, old_relation, agate_table
) %}

    {%- set present = adapter.get_columns_in_relation(old_relation)
        | map(attribute='name') | list -%}
    {%- set types = config.model.config.column_types -%}
    {%- for column in agate_table.column_names if column not in present -%}
        {%- call statement('add_' ~ column) -%}
            alter table {{ old_relation.render() }}
            add column {{ column }} {{ types[column] }}
        {%- endcall -%}
    {%- endfor -%}

    {% do adapter.truncate_relation(old_relation) %}
    {{ return('truncate table ' ~ old_relation.render()) }}

{% endmacro %}
