"""Rules between forms of the civil and administrative spheres: what days and the order of arrival do to them (6xx).

Here belong escalation, whose day it is, who owes what is missing, and which of two is the one too many. Keep out what
breaks each rule (``links_civil``).
"""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Store
from tests.life_course import Course, course, keys, submit
from tests.links_civil import FULL, opened, paid
from tests.packages import DAY, NOW

pytestmark = pytest.mark.server

FORMS = (
    "civil_case",
    "administrative_court_case",
    "enforcement_proceeding",
    "administrative_offence",
    "administrative_decision",
    "fine_payment",
)


def parts(made: Course, *names: str) -> Course:
    return {name: made[name] for name in names}


def at(day: date) -> datetime:
    return NOW + (day - DAY)


def standing(store: Store, made: Course) -> dict[str, tuple[str, str]]:
    """What a record is in the course -> the rule between forms that is open against it, and its severity."""
    return {
        what: found[0]
        for what, (form, key) in keys(store, made).items()
        if (
            found := store.query(
                "select v.rule, v.severity from quality.violations v "
                f"join raw.{form} r using (submission_seq, line) "
                "where r.record_key = %s and v.cleared_seq is null and substr(v.rule, 5, 1) = '6'",
                key,
            )
        )
    }


def missing(store: Store) -> dict[str, tuple[str, date]]:
    rows = store.query("select rule, owed_by, escalates_on from quality.missing_links")
    assert len(rows) == len({rule for rule, _, _ in rows})
    return {rule: (owed_by, escalates_on) for rule, owed_by, escalates_on in rows}


def test_what_the_other_spheres_lack_escalates_on_its_day_and_is_released(store: Store, tmp_path: Path) -> None:
    decision = {"decision_no": "269000000000000001"}
    made = course(1, {"penalty": {"pay_due_date": "2027-06-01"}, "payment": decision})
    waiting = {
        "penalty": "ADD-601", "payment": "FPY-601", "case_appeal": "CIV-601", "dispute_appeal": "APC-601",
        "fine_enforced": "ENF-601", "penalty_enforced": "ENF-602",
    }  # fmt: skip
    sent: Counter[Any] = Counter()
    submit(store, tmp_path / "waiting", [parts(made, *waiting)], sent)
    early, late = {"penalty", "payment"}, set(waiting) - {"penalty", "payment"}

    def expected(errors: set[str]) -> dict[str, tuple[str, str]]:
        return {what: (rule, "error" if what in errors else "warning") for what, rule in waiting.items()}

    for day, errors in ((0, set()), (10, set()), (11, early), (30, early), (31, early | late)):
        store.night(NOW + timedelta(days=day), FORMS)
        assert standing(store, made) == expected(errors), day
        if day == 0:
            soon, later = DAY + timedelta(days=11), DAY + timedelta(days=31)
            assert missing(store) == {
                "ADD-601": ("MVD-75", soon),
                "FPY-601": ("QAZ-00", soon),
                "CIV-601": ("SUD-7511", later),
                "APC-601": ("SUD-7594", later),
                "ENF-601": ("SUD-7511", later),
                "ENF-602": ("PSI-75", later),
            }
    others = parts(course(2, {"penalty": decision}), "protocol", "penalty")
    lacking = parts(made, "protocol", "verdict", "case", "dispute", "unpaid_protocol", "unpaid_penalty")
    submit(store, tmp_path / "lacking", [others, lacking], sent)
    store.night(NOW + timedelta(days=32), (*FORMS, "criminal_verdict"))
    assert standing(store, parts(made, *waiting)) == {}
    assert store.verify() == []


def test_what_is_due_is_judged_when_its_day_comes_without_any_package(store: Store, tmp_path: Path) -> None:
    registered, due = date(2026, 10, 1), date(2026, 11, 1)
    when = {"registered_at": f"{registered}T10:00:00", "committed_at": f"{registered}T09:00:00"}
    decision = {"decision_date": f"{registered}", "in_force_date": "2026-10-11", "pay_due_date": f"{due}"}
    made = course(1, {"protocol": when, "unpaid_protocol": when, "unpaid_penalty": decision})
    sent: Counter[Any] = Counter()
    submit(store, tmp_path / "now", [parts(made, "protocol", "unpaid_protocol", "unpaid_penalty")], sent)
    store.night(NOW, FORMS)
    store.night(at(registered + timedelta(days=60)), FORMS)
    assert standing(store, made) == {}
    assert missing(store) == {}
    store.night(at(registered + timedelta(days=61)), FORMS)
    assert standing(store, made) == {"protocol": ("ADO-601", "warning")}
    assert due + timedelta(days=30) == registered + timedelta(days=61)
    store.night(at(due + timedelta(days=31)), FORMS)
    assert standing(store, made) == {"protocol": ("ADO-601", "warning"), "unpaid_penalty": ("ADD-605", "warning")}
    assert missing(store) == {"ADO-601": ("MVD-75", None), "ADD-605": ("MVD-75", None)}
    assert store.verdicts() == ["accepted"] * len(store.verdicts())
    payment = {"decision_no": made["unpaid_penalty"][1]["decision_no"], "paid_date": "2026-11-25"}
    later = {"decision_date": "2026-10-02", "in_force_date": "2026-10-12", "pay_due_date": "2026-12-01"}
    late = parts(course(1, {"penalty": later, "payment": FULL | payment}), "penalty", "payment")
    submit(store, tmp_path / "late", [late], sent)
    store.night(at(due + timedelta(days=32)), FORMS)
    assert standing(store, made | late) == {}


def test_of_two_the_later_is_the_one_too_many_in_any_order_of_arrival(store: Store, tmp_path: Path) -> None:
    twice = {
        "penalty_2": {"decision_no": "269000000000000001", "decision_date": "2026-07-18"},
        "case_enforced_2": opened(1),
        "payment_2": paid(1) | {"amount_kzt": "10812.51"},
    }
    made = course(1, twice)
    everything = ("case", "protocol", "penalty", "payment", "case_enforced", *twice)
    sent: Counter[Any] = Counter()
    submit(store, tmp_path / "later", [parts(made, *twice)], sent)
    store.night(NOW, FORMS)
    submit(store, tmp_path / "earlier", [parts(made, *(set(everything) - set(twice)))], sent)
    store.night(NOW + timedelta(days=1), FORMS)
    expected = {what: (rule, "error") for what, rule in zip(twice, ("ADD-603", "ENF-604", "FPY-603"), strict=True)}
    assert standing(store, parts(made, *everything)) == expected
