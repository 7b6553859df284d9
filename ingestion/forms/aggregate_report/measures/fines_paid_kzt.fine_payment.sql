-- The treasury sends payments; they are the figure of the body whose decision was paid.
select
    payment.report,
    coalesce(district.code, substr(decision.protocol_no, 3, 2) || '0000000') as territory,
    decision.article,
    null as severity,
    case when payment.is_refund then - payment.amount_kzt else payment.amount_kzt end as value,
    payment.submission_seq,
    payment.line
from known_fine_payment as payment
inner join live_administrative_decision as decision
    on payment.report = decision.report and payment.decision_no = decision.decision_no
left join reference.district as district on substr(decision.protocol_no, 3, 4) = district.kato4
where payment.paid_date between payment.period_start and payment.period_end
