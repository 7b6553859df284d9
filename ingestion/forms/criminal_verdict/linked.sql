-- The person tried, as investigated and as tried before, so that a condition names plain columns.
select
    record.*,
    suspect.record_key is not null as suspect_exists,
    suspect.iin as suspect_iin,
    suspect.article as suspect_article,
    suspect.article_part as suspect_article_part,
    offence.registering_body as offence_registering_body,
    exists (
        select from live_pretrial_decision as decision
        inner join reference.pretrial_decision_type as decision_type
            on decision.decision_type = decision_type.code
        where
            decision.erdr_number = record.erdr_number
            and decision_type.effect = 'court'
            and decision.court = record.court
            and decision.decision_date <= record.received_date
    ) as is_sent_to_court,
    exists (
        select from live_criminal_verdict as lower_court
        where
            lower_court.erdr_number = record.erdr_number
            and lower_court.person_no = record.person_no
            and lower_court.instance = 'first'
            and lower_court.decision_date < record.decision_date
    ) as follows_first_instance,
    array(
        select earlier.outcome
        from live_criminal_verdict as earlier
        where
            earlier.erdr_number = record.erdr_number
            and earlier.person_no = record.person_no
            and earlier.instance = 'first'
            and earlier.record_key <> record.record_key
            and (earlier.decision_date, earlier.case_no)
            < (record.decision_date, record.case_no)
            and not exists (
                select from live_criminal_verdict as higher_court
                where
                    higher_court.erdr_number = record.erdr_number
                    and higher_court.person_no = record.person_no
                    and higher_court.outcome = 'quashed'
                    and higher_court.decision_date
                    between earlier.decision_date and record.decision_date
            )
    ) as standing_outcomes
from record
left join live_suspect as suspect
    on
        record.erdr_number = suspect.erdr_number
        and record.person_no = suspect.person_no
left join live_criminal_offence as offence
    on record.erdr_number = offence.erdr_number
