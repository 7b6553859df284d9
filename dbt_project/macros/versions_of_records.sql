{#
    Every accepted version of every record of a form, in the order that decides
    which one counts: end of the period, sequence of the package, line, ledger.
    Order of arrival does not decide: a late older version becomes history.
#}
{% macro versions_of_records(staged) %}
    select
        *,
        row_number() over in_order as version_no,
        row_number() over in_reverse = 1 as is_current,
        row_number() over in_reverse = 1 and action <> 'D' as is_live,
        case
            when row_number() over in_reverse > 1
                then greatest(
                    known_from,
                    min(known_from) over (
                        in_order
                        rows between 1 following and unbounded following
                    )
                )
        end as known_to
    from {{ staged }}
    window
        in_order as (
            partition by record_key
            order by period_to, package_sequence, line, submission_seq
        ),
        in_reverse as (
            partition by record_key
            order by
                period_to desc,
                package_sequence desc,
                line desc,
                submission_seq desc
        )
{% endmacro %}
