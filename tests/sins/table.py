"""Every sin by its form."""

from tests.sins import Sin, administrative, civil, criminal, reports

SINS: dict[str, list[Sin]] = {
    "criminal_offence": criminal.CRIMINAL_OFFENCE,
    "pretrial_decision": criminal.PRETRIAL_DECISION,
    "suspect": criminal.SUSPECT,
    "victim": criminal.VICTIM,
    "criminal_verdict": criminal.CRIMINAL_VERDICT,
    "sentence_execution": criminal.SENTENCE_EXECUTION,
    "civil_case": civil.CIVIL_CASE,
    "administrative_court_case": civil.ADMINISTRATIVE_COURT_CASE,
    "enforcement_proceeding": civil.ENFORCEMENT_PROCEEDING,
    "administrative_offence": administrative.ADMINISTRATIVE_OFFENCE,
    "administrative_decision": administrative.ADMINISTRATIVE_DECISION,
    "fine_payment": administrative.FINE_PAYMENT,
    "aggregate_report": reports.AGGREGATE_REPORT,
}
