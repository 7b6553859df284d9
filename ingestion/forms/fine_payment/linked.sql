-- The decision that is paid, its protocol, and the other payments, so that a condition names plain columns. A decision
-- cancelled after the payment has no fine any more; what was paid and refunded stands. Of the same kind those before
-- count, of the other kind all: the last payments are the ones too many, and a refund makes room for them.
select
    record.*,
    decision.decision_date,
    decision.body as decision_body,
    decision.fine_kzt as decision_fine_kzt,
    decision.is_reduced as decision_is_reduced,
    protocol.committed_at::date as protocol_committed_on,
    coalesce(
        decision.penalty_type = 'fine' or decision.outcome = 'cancelled',
        false
    ) as decision_has_fine,
    coalesce(others.paid_kzt, 0) as other_paid_kzt,
    coalesce(others.refunded_kzt, 0) as other_refunded_kzt
from record
left join live_administrative_decision as decision
    on record.decision_no = decision.decision_no
left join live_administrative_offence as protocol
    on decision.protocol_no = protocol.protocol_no
left join lateral (
    select
        sum(other.amount_kzt) filter (where not other.is_refund) as paid_kzt,
        sum(other.amount_kzt) filter (where other.is_refund) as refunded_kzt
    from live_fine_payment as other
    where
        other.decision_no = record.decision_no
        and other.payment_no <> record.payment_no
        and (
            other.is_refund <> record.is_refund
            or (other.paid_date, other.payment_no)
            < (record.paid_date, record.payment_no)
        )
) as others on true
