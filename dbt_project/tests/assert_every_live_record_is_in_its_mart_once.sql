-- Fails if a mart of records built by increments is not what a full build
-- would make: a live record is missing, or one is there that is not live.
{{ config(meta={'dagster': {'ref': {'name': 'criminal_offences'}}}) }}
{% set marts = {
    'criminal_offences': 'int_criminal_offence__versions',
    'pretrial_decisions': 'int_pretrial_decision__versions',
    'civil_cases': 'int_civil_case__versions',
    'administrative_offences': 'int_administrative_offence__versions',
} %}

{% for mart, versions in marts.items() %}
    {% if not loop.first %}
        union all
    {% endif %}
    (
        select
            '{{ mart }}' as mart,
            record_key,
            submission_seq,
            line
        from {{ ref(versions) }}
        where is_live
        except
        select
            '{{ mart }}' as mart,
            record_key,
            submission_seq,
            line
        from {{ ref(mart) }}
    )
    union all
    (
        select
            '{{ mart }}' as mart,
            record_key,
            submission_seq,
            line
        from {{ ref(mart) }}
        except
        select
            '{{ mart }}' as mart,
            record_key,
            submission_seq,
            line
        from {{ ref(versions) }}
        where is_live
    )
{% endfor %}
