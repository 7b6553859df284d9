"""A whole night on small packages of every form. Keep out single rules and refusals."""

from pathlib import Path

import pytest

from tests.conftest import Store
from tests.packages import FORMS, SENDER, pack, records

pytestmark = pytest.mark.server


def test_valid_records_of_every_form_are_accepted_whole(store: Store, tmp_path: Path) -> None:
    for form in FORMS:
        store.submit(pack(tmp_path / form, store.catalogue, form, records(form, 5)))
    store.night()
    assert store.violations() == set()
    assert store.verdicts() == ["accepted"] * 4
    assert store.query("select distinct records_accepted from quality.submissions") == [5]
    assert store.verify() == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("kind", "encoding", "zipped"),
    [
        ("csv.gz", "utf-8", False),
        ("jsonl", "utf-8", True),
        ("jsonl.gz", "utf-8", False),
        ("csv", "kz1048", True),
    ],
)
def test_every_way_of_writing_gives_the_same_raw_records(
    store: Store, tmp_path: Path, form: str, kind: str, encoding: str, zipped: bool
) -> None:
    sent = records(form, 3)
    ways = {"plain": pack(tmp_path / "plain", store.catalogue, form, sent)}
    ways["other"] = pack(
        tmp_path / "other",
        store.catalogue,
        form,
        sent,
        sequence=2,
        kind=kind,
        encoding=encoding,
        zipped=zipped,
    )
    for path in ways.values():
        store.submit(path, SENDER[form])
    store.receive()
    store.load(form)
    columns = ", ".join(field.name for field in store.catalogue.forms[form].columns)
    first, second = (
        store.query(f"select {columns}, record_key from raw.{form} where submission_seq = %s order by line", seq)
        for seq in sorted(store.query("select seq from ledger.submissions"))
    )
    assert len(first) == 3
    assert first == second
