{#
    The keys of records that something happened to since a mart was last built:
    their submission was judged, or a violation of theirs was found, cleared or
    escalated.
    `since` is the mart; its newest as_of_seq is the last ledger event that it
    shows. `affected_by` maps a form to the expression that makes the mart's
    record key out of that form's.

    Reads what arrived, not history: the days of receipt bound the scan.
#}
{% macro affected_keys(affected_by, since) %}
    {%- for form, key in affected_by.items() %}
    {%- if not loop.first %}
    union
    {%- endif %}
    select {{ key }} as record_key
    from (
        with watermark as materialized (
            select coalesce(max(as_of_seq), 0) as seq from {{ since }}
        ),

        judged as materialized (
            select
                submissions.seq as submission_seq,
                submissions.received_on
            from {{ source('ledger', 'progress') }} as progress
            inner join {{ source('ledger', 'submissions') }} as submissions
                on progress.submission_seq = submissions.seq
            where
                submissions.form = '{{ form }}'
                and progress.judged_seq > (select seq from watermark)
        ),

        reviewed as materialized (
            select
                violations.submission_seq,
                violations.line,
                submissions.received_on
            from {{ source('quality', 'violations') }} as violations
            inner join {{ source('ledger', 'submissions') }} as submissions
                on violations.submission_seq = submissions.seq
            where
                submissions.form = '{{ form }}'
                and (
                    violations.found_seq > (select seq from watermark)
                    or violations.cleared_seq > (select seq from watermark)
                    or violations.escalated_seq > (select seq from watermark)
                )
        )

        select records.record_key
        from {{ source('raw', form) }} as records
        inner join judged
            on records.submission_seq = judged.submission_seq
        where
            records.received_on >= (select min(received_on) from judged)
            and records.received_on <= (select max(received_on) from judged)
        union
        select records.record_key
        from {{ source('raw', form) }} as records
        inner join reviewed
            on
                records.submission_seq = reviewed.submission_seq
                and records.line = reviewed.line
        where
            records.received_on >= (select min(received_on) from reviewed)
            and records.received_on <= (select max(received_on) from reviewed)
    ) as {{ form }}_keys
    {%- endfor %}
{% endmacro %}


{#
    Incremental strategy: takes away every row of an affected key, then puts in
    what is live now. Deleting only the keys that come back (delete+insert)
    would leave the annulled and the quarantined behind.
#}
{% macro get_incremental_replace_affected_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set dest_columns = arg_dict['dest_columns'] -%}
    {%- set columns = dest_columns | map(attribute='quoted') | join(', ') -%}
    {%- set affected_by = config.get('meta')['affected_by'] %}
    delete from {{ target }}
    where record_key = any(array(
        {{ affected_keys(affected_by, target) }}
    ));

    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }};
{% endmacro %}
