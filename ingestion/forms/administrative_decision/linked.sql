-- The protocol, the other decisions on it, and what became of the fine, so that a condition names plain columns. Of two
-- penalties the later is the one too many.
select
    record.*,
    protocol.record_key is not null as protocol_exists,
    protocol.committed_at::date as protocol_committed_on,
    protocol.birth_date as protocol_birth_date,
    coalesce(paid.amount_kzt, 0) as paid_kzt,
    coalesce(paid.reduced_on, 'infinity'::date) as reduced_paid_on,
    exists (
        select from live_administrative_decision as earlier
        where
            earlier.protocol_no = record.protocol_no
            and earlier.outcome = 'penalty'
            and (earlier.decision_date, earlier.decision_no)
            < (record.decision_date, record.decision_no)
            and earlier.decision_no <> record.decision_no
    ) as is_penalised_before,
    exists (
        select from live_administrative_decision as later
        where
            later.protocol_no = record.protocol_no
            and later.outcome = 'cancelled'
            and later.decision_date > record.decision_date
            and later.decision_no <> record.decision_no
    ) as is_cancelled_later,
    exists (
        select from live_enforcement_proceeding as proceeding
        where proceeding.source_decision_no = record.decision_no
    ) as is_enforced
from record
left join live_administrative_offence as protocol
    on record.protocol_no = protocol.protocol_no
left join lateral (
    select
        sum(
            case
                when payment.is_refund then -payment.amount_kzt
                else payment.amount_kzt
            end
        ) as amount_kzt,
        min(payment.paid_date) filter (
            where payment.is_reduced and not payment.is_refund
        ) as reduced_on
    from live_fine_payment as payment
    where payment.decision_no = record.decision_no
) as paid on true
