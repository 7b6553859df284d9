"""Rules between forms are tried too: what dry-run says of them happens when packages are judged under the draft.

Here belong drafts of rules 6xx with a condition. Keep out rules of records (``test_dryrun``) and what rules between
forms mean (``test_links``).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from expectations import dryrun
from expectations.draft import DraftError
from ingestion.contract import Catalogue
from orchestration import trying
from orchestration.setup import prepare
from tests.catalogues import changed, new_rule, rewritten, rule, rules_of, without_rule
from tests.conftest import Store, warehouse_like
from tests.life_course import Changes, course, submit
from tests.packages import DAY, NOW, pack, record
from tests.test_dryrun import Case, Trial, compare, spied

pytestmark = pytest.mark.server

FORMS = ("criminal_offence", "pretrial_decision", "suspect", "victim", "criminal_verdict")
NIGHTS = (0, 5, 12)
LAST = DAY + timedelta(days=NIGHTS[-1])
OPEN = "cleared_seq is null"

REPLACED = {"action": "M", "correction_reason": "error_fixed", "day": "2026-08-01"}
ANNULLED = {"action": "D", "correction_reason": "duplicate", "day": "2026-08-01"}
EARLY = {"detained_date": "2026-06-30"}  # before the offence was committed: SUS-602
OTHER = {"article": "189"}  # than the offence has: SUS-605
ELSEWHERE = {"kato": "711110000"}  # than its sender: GEN-605
BROKEN = {"sex": ""}  # an error of its own

HISTORY: list[tuple[Changes, dict[str, int]]] = [
    ({}, {"offence": 0, "victim": 0, "suspect": 0, "requalified": 0, "to_court": 0, "verdict": 1}),
    ({}, {"requalified": 0, "to_court": 1}),
    ({}, {"suspect": 0, "victim": 1}),
    ({"suspect": EARLY, "suspect_2": REPLACED}, {"offence": 0, "victim": 0, "suspect": 0, "suspect_2": 1}),
    ({"suspect_2": REPLACED | EARLY}, {"offence": 0, "victim": 0, "suspect": 0, "suspect_2": 1}),
    ({"suspect": BROKEN, "suspect_2": REPLACED | EARLY}, {"offence": 0, "victim": 0, "suspect": 0, "suspect_2": 1}),
    ({"suspect": BROKEN, "suspect_2": REPLACED | OTHER}, {"offence": 0, "victim": 0, "suspect": 0, "suspect_2": 1}),
    ({"suspect": OTHER, "suspect_2": REPLACED}, {"offence": 0, "victim": 0, "suspect": 0, "suspect_2": 1}),
    ({"suspect_2": REPLACED | OTHER}, {"offence": 0, "victim": 0, "suspect": 0, "suspect_2": 1}),
    ({}, {"offence": 0, "suspect": 0}),
    ({"offence": ELSEWHERE, "offence_2": ANNULLED}, {"offence": 0, "victim": 0, "suspect": 0, "offence_2": 1}),
    ({"requalified": {"article_part": "1"}}, {"offence": 0, "victim": 0, "requalified": 0, "verdict": 1}),
    ({}, {"suspect": 2, "requalified": 2}),
    ({"suspect": EARLY}, {"offence": 1, "victim": 0, "suspect": 0}),
    ({"offence": ELSEWHERE}, {"offence": 1, "victim": 1}),
    (
        {"suspect": OTHER, "suspect_2": REPLACED | OTHER},
        {"offence": 0, "victim": 0, "suspect": 0, "suspect_2": 1},
    ),
]
"""Life courses: their changes, and the night on which each record comes."""


def history(store: Store, folder: Path) -> None:
    sent: Counter[Any] = Counter()
    courses = [course(number, changes) for number, (changes, _) in enumerate(HISTORY, start=1)]
    for night, days in enumerate(NIGHTS):
        arriving = [
            {what: made[what] for what, when in plan.items() if when == night}
            for made, (_, plan) in zip(courses, HISTORY, strict=True)
        ]
        submit(store, folder / str(night), arriving, sent)
        store.night(NOW + timedelta(days=days), FORMS)


@pytest.fixture(scope="module")
def trial(template: str, tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("trial")
    with warehouse_like(template, folder / "home", catalogue) as store:
        history(store, folder / "sent")
        yield Trial(store, DAY, LAST)


def later(form: str, code: str, catalogue: Catalogue, days: int) -> Callable[[Path], None]:
    """A rule that gives other days."""
    return rule(rules_of(form), code, parameters={**catalogue.rules[code].parameters, "after_days": days})


def stricter(catalogue: Catalogue) -> Case:
    return Case(
        (
            later("pretrial_decision", "PTD-601", catalogue, 3),
            rule(rules_of("suspect"), "SUS-605", severity="error"),
            rule(rules_of("pretrial_decision"), "PTD-606", severity="error"),
            rule(rules_of("_all"), "GEN-605", severity="error"),
            new_rule(
                rules_of("victim"),
                "VIC-603",
                rule="VIC-699",
                severity="error",
                fields="occupation|erdr_number",
                holds="not offence_exists or right(erdr_number, 1) not in ('1', '4')",
            ),
        ),
        frozenset({"PTD-601", "SUS-605", "PTD-606", "GEN-605", "VIC-699"}),
    )


def moved_to_the_region_of_elsewhere(subjects: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row | {"region": "710000000"} if row["code"] == "MVD-75" else row for row in subjects]


def laxer(catalogue: Catalogue) -> Case:
    return Case(
        (
            later("suspect", "SUS-601", catalogue, 30),
            later("criminal_offence", "CRO-601", catalogue, 150),
            rule(rules_of("suspect"), "SUS-602", valid_to=str(DAY)),
            without_rule(rules_of("criminal_verdict"), "CRV-601"),
            rewritten("registry/subjects.csv", moved_to_the_region_of_elsewhere),
        ),
        frozenset({"SUS-601", "CRO-601", "SUS-602", "CRV-601", "GEN-605"}),
    )


@pytest.mark.parametrize("case_of", [stricter, laxer])
def test_what_is_predicted_happens(
    trial: Trial, template: str, tmp_path: Path, catalogue: Catalogue, case_of: Callable[[Catalogue], Case]
) -> None:
    """The same packages on the same nights under the draft in a second warehouse: the same records are held, the same
    violations are open, and every package has the verdict that dry-run named."""
    case = case_of(catalogue)
    drafted = changed(tmp_path / "draft", catalogue, *case.changes)
    before = trial.contents()
    outcome = trial.of(drafted, records=1000)
    assert trial.contents() == before, "dry-run touched something"
    assert (outcome.linked_on, outcome.not_tried) == (LAST, ())
    with warehouse_like(template, tmp_path / "home", drafted) as other:
        prepare(other.connection, drafted, other.home)
        history(other, tmp_path / "sent")
        compare(trial.store, other, outcome, case.rules, OPEN)


def test_days_that_the_draft_does_not_concern_add_nothing(trial: Trial, tmp_path: Path, catalogue: Catalogue) -> None:
    """A rule that ends after the first night and one that is graver then: the other nights alone move the same records,
    though theirs stand on those of the first, and move some of them."""
    after = DAY + timedelta(days=1)
    drafted = changed(
        tmp_path / "draft",
        catalogue,
        rule(rules_of("suspect"), "SUS-602", valid_to=str(DAY)),
        rule(rules_of("suspect"), "SUS-605", valid_to=str(DAY)),
        new_rule(rules_of("suspect"), "SUS-605", valid_from=str(after), valid_to="", severity="error"),
    )
    whole, rest = (Trial(trial.store, first, LAST).of(drafted) for first in (DAY, after))
    assert whole.packages == rest.packages
    assert sum(p.quarantined for p in rest.packages) > 0 < sum(p.released for p in rest.packages)
    assert Trial(trial.store, DAY, DAY).of(drafted).packages == ()


def test_nothing_is_written_but_temporary_tables(trial: Trial, tmp_path: Path, catalogue: Catalogue) -> None:
    drafted = changed(tmp_path / "draft", catalogue, *stricter(catalogue).changes)
    said = spied(trial, drafted)
    assert any(query.startswith("insert into known_") for query, _, _ in said), "nothing was gathered"
    assert {written for _, _, written in said} == {0}
    since = next(i for i, (query, *_) in enumerate(said) if query == "set transaction read only")
    assert all(read_only == "on" for _, read_only, _ in said[since:])
    assert any("insert into unmet" in query for query, *_ in said[since:])


def test_the_day_is_that_of_the_last_judgement(store: Store, tmp_path: Path, catalogue: Catalogue) -> None:
    """A night on which nothing arrives and a warning escalates: the draft is tried as of that day."""
    longer = changed(tmp_path / "longer", catalogue, later("pretrial_decision", "PTD-601", catalogue, 11))
    trial = Trial(store, DAY, DAY)
    assert [n.rule for n in trial.of(longer).not_tried] == ["PTD-601"], "never judged"
    store.submit(pack(tmp_path / "d", catalogue, "pretrial_decision", [record("pretrial_decision", 1)]))
    store.quarantine("pretrial_decision")
    for days, released in ((0, 0), (11, 1)):
        store.link(NOW + timedelta(days=days))
        outcome = trial.of(longer)
        assert outcome.linked_on == DAY + timedelta(days=days)
        trying.show(outcome, Console(file=(shown := StringIO()), width=200))
        assert f"rules between forms as of {outcome.linked_on}" in shown.getvalue()
        assert [(r.rule, r.now, r.draft, r.released) for r in outcome.rules] == [("PTD-601", 1, 1, released)]
        assert [(p.verdict_now, p.verdict_draft) for p in outcome.packages] == [("quarantined", "accepted")] * released


def test_what_is_not_followed_is_said(trial: Trial, tmp_path: Path, catalogue: Catalogue) -> None:
    drafted = changed(
        tmp_path / "draft",
        catalogue,
        rule(rules_of("criminal_offence"), "CRO-411", severity="error", holds="damage_kzt <= 1000"),
        rule(rules_of("_all"), "GEN-603", severity="warning"),
    )
    said = {n.rule: n.why for n in trial.of(drafted).not_tried}
    assert said.keys() == {"6xx", "GEN-603"}
    assert "records of criminal_offence as they were judged" in said["6xx"]
    assert "annulments" in said["GEN-603"]


@pytest.mark.parametrize(
    ("holds", "said"),
    [
        ("offence_colour = 'red'", 'over suspect: column "offence_colour" does not exist; name columns of linked.sql'),
        ("(action || erdr_number)::int > 1", "over suspect: InvalidTextRepresentation"),
        ("status_date > {shade}", "suspect: a rule between forms names a parameter that it does not have: 'shade'"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_named_without_a_value(
    trial: Trial, tmp_path: Path, catalogue: Catalogue, holds: str, said: str
) -> None:
    drafted = changed(tmp_path / "draft", catalogue, rule(rules_of("suspect"), "SUS-602", holds=holds))
    with pytest.raises(DraftError, match=said) as told:
        trial.of(drafted)
    assert "26751101" not in str(told.value)
    assert dryrun.TEMPORARY.keys().isdisjoint(trial.contents()["relations"])
