"""Corrections: the same records count whatever order their packages arrive in (GEN-601, 602, 604).

``settle`` is tested by itself; the rest runs through the whole warehouse. Keep out the marts.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest

from expectations.corrections import Version, settle
from tests.conftest import Store
from tests.packages import DAY, NOW, Values, pack, record

FORM = "criminal_offence"

# The rule by itself


def versions(*actions: str) -> list[Version]:
    """``I``, ``M``, ``D``; small letters are broken records, a digit behind is the sender (0 unless given)."""
    return [
        Version(n, 2, action[0].upper(), f"S-{action[1:] or 0}", action[0].islower())
        for n, action in enumerate(actions)
    ]


def standing(*actions: str, helpers: Sequence[tuple[str, str]] = ()) -> list[str | None]:
    """Of each version: the rule it breaks, 'cleared' or None (open: an accepted one, or its own errors)."""

    def may_correct(owner: str, sender: str) -> bool:
        return owner == sender or (owner, sender) in helpers

    settled = settle(versions(*actions), may_correct)
    return [
        "cleared" if s.cleared and (s.rule or a[0].islower()) else s.rule for s, a in zip(settled, actions, strict=True)
    ]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["I"], [None]),
        (["I", "I"], [None, "GEN-601"]),
        (["I", "M", "D"], [None, None, None]),
        (["M"], ["GEN-602"]),
        (["D"], ["GEN-602"]),
        (["I", "D", "M"], [None, None, "GEN-602"]),
        (["I", "D", "I"], [None, None, None]),
        (["I", "D", "D"], [None, None, "GEN-602"]),
        (["i", "M"], ["cleared", None]),
        (["i", "D"], [None, "GEN-602"]),
        (["i", "m", "M"], ["cleared", "cleared", None]),
        (["i", "M", "I"], ["cleared", None, "GEN-601"]),
        (["i", "I"], ["cleared", None]),
        (["m", "M"], [None, "GEN-602"]),
        (["I", "m"], [None, None]),
        (["I", "m", "M"], [None, "cleared", None]),
        (["I", "I", "M"], [None, "cleared", None]),
        (["M", "I"], ["cleared", None]),
        (["I", "M1"], [None, "GEN-604"]),
        (["I", "D1"], [None, "GEN-604"]),
        (["i", "M1"], [None, "GEN-604"]),
        (["I", "M1", "M"], [None, "cleared", None]),
    ],
)
def test_what_becomes_of_the_versions_of_a_key(actions: list[str], expected: list[str | None]) -> None:
    assert standing(*actions) == expected


def test_who_answers_for_the_owner_may_correct_and_does_not_become_the_owner() -> None:
    assert standing("I", "M1", "M", "D2", helpers=[("S-0", "S-1")]) == [None, None, None, "GEN-604"]


def test_at_most_one_record_is_live_whatever_is_sent() -> None:
    for actions in product(("I", "i", "M", "m", "D", "d", "I1", "M1"), repeat=4):
        accepted = [
            action
            for action, settled in zip(actions, settle(versions(*actions), str.__eq__), strict=True)
            if settled.rule is None and not action[0].islower()
        ]
        live = 0
        for action in accepted:
            assert action[0] == "I" or live or action[0] == "M"
            live += {"I": 1, "M": 0, "D": -1}[action[0]]
            live = 1 if action[0] == "M" else live
            assert live in (0, 1)


# Through the warehouse

HISTORIES = [
    ("I", "M", "D"),
    ("i", "M", "D"),
    ("I", "I", "M"),
    ("i", "m", "M"),
    ("I", "D", "I"),
    ("I", "D", "m", "M"),
    ("I", "m", "M", "D"),
    ("D", "M", "i", "I"),
    ("I", "M", "I", "M"),
]
"""What a key's versions are, in the order of their periods; small letters break an error rule."""


@pytest.mark.server
def test_the_order_of_arrival_does_not_decide(store: Store, tmp_path: Path) -> None:
    """Every order of arrival of every history, one key each: all keys of a history end up the same."""
    plans = [(history, order) for history in HISTORIES for order in permutations(range(len(history)))]
    longest = max(map(len, HISTORIES))
    first = DAY - timedelta(days=longest)
    for night in range(longest):
        for place in range(longest):
            rows = [
                version(number, action=history[place], place=place)
                for number, (history, order) in enumerate(plans)
                if place < len(history) and order.index(place) == night
            ]
            name = f"{night}-{place}"
            path = pack(
                tmp_path / name,
                store.catalogue,
                FORM,
                rows,
                day=first + timedelta(days=place),
                sequence=night + 1,
            )
            store.submit(path)
        store.quarantine(FORM, at=NOW + timedelta(days=night))
    found: dict[tuple[str, ...], dict[frozenset[tuple[object, ...]], list[tuple[int, ...]]]] = {}
    standing = standings(store)
    for number, (history, order) in enumerate(plans):
        outcome = frozenset(standing[record(FORM, number)["erdr_number"]])
        found.setdefault(history, defaultdict(list))[outcome].append(order)
    differing = {history: outcomes for history, outcomes in found.items() if len(outcomes) > 1}
    assert differing == {}
    for history, (outcome,) in ((history, list(outcomes)) for history, outcomes in found.items()):
        settled = settle(versions(*history), str.__eq__)
        own = ["GEN-201" if action.islower() else "" for action in history]
        expected = ["" if s.cleared else s.rule or error for s, error in zip(settled, own, strict=True)]
        assert [rules for _, _, rules in sorted(outcome, key=str)] == expected, history
    assert store.verify() == []


def version(number: int, *, action: str, place: int) -> Values:
    """A version whose damage tells its place in the history; a broken one has no place of the act."""
    broken = {"kato": ""} if action.islower() else {}
    dates = {
        "registered_at": "2026-10-09T10:00:00",
        "kui_registered_at": "2026-10-09T09:00:00",
        "committed_date": "2026-10-08",
    }
    return record(FORM, number, action=action.upper(), damage_kzt=f"{1000 + place}.00", **dates, **broken)


def standings(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Key -> of each version: period, action, the error rules still open."""
    rows = store.query(
        "select r.record_key, c.period_to, r.action, coalesce((select string_agg(distinct v.rule, ' ' order by v.rule) "
        "  from quality.violations v where v.submission_seq = r.submission_seq and v.line = r.line "
        "  and v.severity = 'error' and v.cleared_seq is null), '') "
        f"from raw.{FORM} r join ledger.submissions c on c.seq = r.submission_seq"
    )
    found: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for key, *rest in rows:
        found[key].append(tuple(rest))
    return found


class Office:
    """Sends one record a package and runs the night."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.sent = store, folder, 0

    def send(
        self, *, form: str = FORM, sender: str = "MVD-75", day: int = 0, sequence: int = 1, **changes: Any
    ) -> None:
        self.sent += 1
        rows = [record(form, 1, **changes)]
        path = pack(
            self.folder / str(self.sent),
            self.store.catalogue,
            form,
            rows,
            sender=sender,
            day=DAY - timedelta(days=10 - day),
            sequence=sequence,
        )
        self.store.submit(path)

    def night(self, form: str = FORM) -> None:
        self.store.quarantine(form)

    def open_rules(self) -> list[tuple[str, str]]:
        """(sender, rule) of every open error."""
        return self.store.query(
            "select s.subject, v.rule from quality.violations v join ledger.submissions s on s.seq = v.submission_seq "
            "where v.severity = 'error' and v.cleared_seq is null order by s.period_to, s.subject, v.rule"
        )


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Office:
    return Office(store, tmp_path / "office")


OLD: dict[str, Any] = {
    "registered_at": "2026-10-04T10:00:00",
    "kui_registered_at": "2026-10-04T09:00:00",
    "committed_date": "2026-10-03",
}


def test_a_correction_waits_for_its_record_and_is_released(office: Office) -> None:
    office.send(action="M", day=1, damage_kzt="5.00")
    office.night()
    assert office.open_rules() == [("MVD-75", "GEN-602")]
    office.store.receipts()
    office.send(action="I", day=0, **OLD)
    office.night()
    assert office.open_rules() == []
    assert office.store.verdicts() == ["accepted", "accepted"]
    assert office.store.query("select kind from ledger.events where submission_seq = 1 order by seq")[-1] == "restated"
    assert office.store.receipts() == 2
    assert office.store.verify() == []


def test_a_second_new_record_is_quarantined_wherever_it_comes_from(office: Office) -> None:
    office.send(day=0, **OLD)
    office.send(day=1, sender="MVD-71", damage_kzt="7.00", **OLD)
    office.night()
    assert office.open_rules() == [("MVD-71", "GEN-601")]
    assert sorted(office.store.verdicts()) == ["accepted", "quarantined"]


def test_only_who_answers_for_the_owner_may_correct(office: Office) -> None:
    office.send(day=0, sender="MVD-7511", **OLD)
    office.send(action="M", day=1, sender="MVD-75", damage_kzt="1.00")
    office.send(action="M", day=2, sender="MVD-71", damage_kzt="2.00")
    office.send(action="D", day=3, sender="MVD-7513", damage_kzt="3.00")
    office.night()
    assert office.open_rules() == [("MVD-71", "GEN-604"), ("MVD-7513", "GEN-604")]


def test_the_body_that_covers_a_closed_one_may_correct_its_records(office: Office) -> None:
    old: dict[str, Any] = {
        "registered_at": "2025-06-30T10:00:00",
        "kui_registered_at": "2025-06-30T09:00:00",
        "committed_date": "2025-06-29",
        "erdr_number": "257111010000001",
        "kui_number": "257111800000001",
    }
    path = pack(
        office.folder / "old",
        office.store.catalogue,
        FORM,
        [record(FORM, 1, **old)],
        sender="AC-71",
        day=DAY.replace(year=2025, month=6, day=30),
    )
    office.store.submit(path)
    office.send(action="M", sender="KNB-00", **old)
    office.night()
    assert office.open_rules() == []


def test_the_body_a_case_was_transferred_to_may_correct_it(office: Office) -> None:
    office.send(day=0, **OLD)
    office.night()
    office.send(
        form="pretrial_decision",
        day=1,
        decision_type="transferred",
        transfer_body="MVD-71",
        court="",
        suspects_count="0",
        decision_date="2026-10-05",
    )
    office.night("pretrial_decision")
    office.send(action="M", day=2, sender="MVD-71", damage_kzt="2.00")
    office.send(action="M", day=3, sender="MVD-35", damage_kzt="3.00")
    office.night()
    assert office.open_rules() == [("MVD-35", "GEN-604")]


TRANSFER: dict[str, Any] = {
    "form": "pretrial_decision",
    "decision_type": "transferred",
    "court": "",
    "suspects_count": "0",
    "decision_date": "2026-10-05",
}


def test_a_transfer_that_comes_after_the_correction_releases_it(office: Office) -> None:
    """Forms are judged in turn and packages come as they please: the transfer settles the case anew."""
    office.send(day=0, **OLD)
    office.send(action="M", day=2, sender="MVD-71", damage_kzt="2.00")
    office.night()
    assert office.open_rules() == [("MVD-71", "GEN-604")]
    office.send(day=1, transfer_body="MVD-71", **TRANSFER)
    office.night("pretrial_decision")
    assert office.open_rules() == []
    restated = "select s.subject from ledger.events e join ledger.submissions s on s.seq = e.submission_seq "
    assert office.store.query(restated + "where e.kind = 'restated'") == ["MVD-71"]
    assert office.store.judge("pretrial_decision").restated == ()
    assert office.store.verify() == []


def test_a_transfer_that_is_quarantined_later_gives_no_right_any_more(office: Office) -> None:
    """An older decision of the same number makes the transfer a second one: what stood on it is quarantined again."""
    office.send(day=0, **OLD)
    office.send(day=2, transfer_body="MVD-71", **TRANSFER)
    office.send(action="M", day=3, sender="MVD-71", damage_kzt="2.00")
    office.night()
    office.night("pretrial_decision")
    assert office.open_rules() == []
    office.send(day=1, **(TRANSFER | {"decision_type": "discontinued_other", "legal_ground": "35(1)"}))
    office.night("pretrial_decision")
    assert ("MVD-71", "GEN-604") in office.open_rules()


def test_who_received_a_case_may_transfer_it_further(office: Office) -> None:
    """Whatever order the decisions are judged in: the second transfer before the first."""
    office.send(day=0, **OLD)
    office.send(day=1, **(TRANSFER | {"decision_no": "1"}), transfer_body="MVD-71")
    office.send(action="M", day=3, sender="MVD-35", damage_kzt="2.00")
    office.send(action="M", day=2, sender="MVD-71", **(TRANSFER | {"decision_no": "1"}), transfer_body="MVD-35")
    office.night()
    office.night("pretrial_decision")
    assert office.open_rules() == []


def test_the_correction_of_a_quarantined_record_clears_it(office: Office) -> None:
    office.send(day=0, kato="", **OLD)
    office.night()
    assert office.store.verdicts() == ["quarantined"]
    office.send(action="M", day=1)
    office.night()
    assert office.open_rules() == []
    assert office.store.verdicts() == ["accepted", "accepted"]
    cleared = office.store.query(
        "select rule, cleared_seq > found_seq from quality.violations where submission_seq = 1 and severity = 'error'"
    )
    assert cleared == [("GEN-201", True)]


def test_what_a_late_annulment_uncovers_is_open_again(office: Office) -> None:
    """I, broken M, M: the last clears the second. A late D in between leaves the last without a record."""
    office.send(day=0, **OLD)
    office.send(action="M", day=2, kato="")
    office.send(action="M", day=3, damage_kzt="9.00")
    office.night()
    assert office.open_rules() == []
    office.send(action="D", day=1)
    office.night()
    assert office.open_rules() == [("MVD-75", "GEN-201"), ("MVD-75", "GEN-602")]
    assert {seq for seq, *_ in office.store.violations()} == {2, 3}


def test_within_a_period_the_sequence_decides(office: Office) -> None:
    office.send(action="D", day=0, sequence=3)
    office.send(action="M", day=0, sequence=2)
    office.send(action="I", day=0, sequence=1, **OLD)
    office.night()
    assert office.open_rules() == []
