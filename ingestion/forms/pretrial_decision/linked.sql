-- The offence that a decision is about, and the decisions before it, so that a condition names plain columns.
select
    record.*,
    offence.record_key is not null as offence_exists,
    offence.registered_at as offence_registered_at,
    offence.registering_body as offence_registering_body,
    offence.article as offence_article,
    offence.article_part as offence_article_part,
    earlier.decision_date as earlier_decision_date,
    record.decision_no = 1
    or coalesce(earlier.decision_no = record.decision_no - 1, false)
        as follows_number,
    case
        when record.decision_no = 1 then 'none' else previous_type.effect
    end as previous_effect,
    exists (
        select from live_pretrial_decision as later
        where
            later.erdr_number = record.erdr_number
            and later.decision_no > record.decision_no
            and later.decision_type = 'requalified'
    ) as is_requalified_later
from record
left join live_criminal_offence as offence
    on record.erdr_number = offence.erdr_number
left join lateral (
    select
        max(decision.decision_date) as decision_date,
        max(decision.decision_no) as decision_no
    from live_pretrial_decision as decision
    where
        decision.erdr_number = record.erdr_number
        and decision.decision_no < record.decision_no
) as earlier on true
left join live_pretrial_decision as previous
    on
        record.erdr_number = previous.erdr_number
        and record.decision_no - 1 = previous.decision_no
left join reference.pretrial_decision_type as previous_type
    on previous.decision_type = previous_type.code
