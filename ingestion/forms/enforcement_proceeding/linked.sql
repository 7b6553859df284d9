-- The court act or the decision that is enforced, so that a condition names plain columns. An act that does not say its
-- amount (a judgment left unchanged) bounds nothing; of several persons in a verdict the debtor counts. A proceeding on
-- a decision since cancelled stands if it was closed for that. Of two open proceedings the later is the one too many.
select
    record.*,
    court_of_case.subject as court_subject_of_case,
    decision.body as decision_body,
    coalesce(court_act.decision_date <= record.doc_date, false)
        as follows_court_act,
    coalesce(
        decision.decision_date <= record.doc_date
        and (
            decision.penalty_type = 'fine'
            or (
                decision.outcome = 'cancelled'
                and record.close_ground = 'document_cancelled'
            )
        ),
        false
    ) as follows_fine,
    case
        when record.source_decision_no is null then court_act.amount_kzt
        else decision.fine_kzt - coalesce(paid.amount_kzt, 0)
    end as source_kzt,
    exists (
        select from live_enforcement_proceeding as earlier
        where
            earlier.enforcement_doc_no = record.enforcement_doc_no
            and earlier.enforcement_doc_kind = record.enforcement_doc_kind
            and earlier.doc_date = record.doc_date
            and earlier.closed_date is null
            and (earlier.opened_date, earlier.proceeding_no)
            < (record.opened_date, record.proceeding_no)
            and earlier.proceeding_no <> record.proceeding_no
    ) as is_open_before
from record
left join reference.court as court_of_case
    on substr(record.source_case_no, 1, 4) = court_of_case.code
left join live_administrative_decision as decision
    on record.source_decision_no = decision.decision_no
left join lateral (
    select
        min(act.decision_date) as decision_date,
        max(act.amount_kzt) filter (
            where coalesce(act.iin = record.debtor_iin, true)
        ) as amount_kzt
    from (
        select
            civil.decision_date,
            null as iin,
            coalesce(
                civil.award_kzt,
                case civil.outcome_award when 'zero' then 0 end
            ) + coalesce(civil.state_fee_kzt, 0) as amount_kzt
        from live_civil_case as civil
        where civil.case_no = record.source_case_no
        union all
        select
            public.decision_date,
            null as iin,
            public.award_kzt as amount_kzt
        from live_administrative_court_case as public
        where public.case_no = record.source_case_no
        union all
        select
            verdict.decision_date,
            verdict.iin,
            case
                when
                    verdict.instance = 'first'
                    or verdict.punishment_type is not null
                    then
                        coalesce(verdict.fine_kzt, 0)
                        + coalesce(verdict.damages_awarded_kzt, 0)
            end as amount_kzt
        from live_criminal_verdict as verdict
        where verdict.case_no = record.source_case_no
    ) as act
) as court_act on true
left join lateral (
    select
        sum(
            case
                when payment.is_refund then -payment.amount_kzt
                else payment.amount_kzt
            end
        ) as amount_kzt
    from live_fine_payment as payment
    where
        payment.decision_no = record.source_decision_no
        and payment.paid_date < record.opened_date
) as paid on true
