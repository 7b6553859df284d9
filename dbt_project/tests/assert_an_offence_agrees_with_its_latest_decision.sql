-- Fails if the clearance of an offence is not what its latest decision says:
-- the two marts were built while records were being judged (decision 0010).
{{ config(meta={'dagster': {'ref': {'name': 'criminal_offences'}}}) }}
with latest_decisions as (
    select distinct on (erdr_number)
        erdr_number,
        case
            when
                decision_effect = 'court'
                or decision_type = 'discontinued_other'
                then decision_date
        end as cleared_date
    from {{ ref('pretrial_decisions') }}
    order by erdr_number asc, decision_no desc
)

select
    offences.record_key,
    offences.cleared_date,
    latest_decisions.cleared_date as decided_date
from {{ ref('criminal_offences') }} as offences
left join latest_decisions
    on offences.erdr_number = latest_decisions.erdr_number
where
    offences.cleared_date is distinct from latest_decisions.cleared_date
    or offences.is_cleared <> (offences.cleared_date is not null)
