"""A whole night on small packages of every form. Keep out single rules and refusals."""

from pathlib import Path

import pytest

from tests.conftest import Store
from tests.packages import FORMS, pack, records

pytestmark = pytest.mark.server


def test_valid_records_of_every_form_are_accepted_whole(store: Store, tmp_path: Path) -> None:
    for form in FORMS:
        store.submit(pack(tmp_path / form, store.catalogue, form, records(form, 5)))
    store.night()
    assert store.violations() == set()
    assert store.verdicts() == ["accepted"] * len(FORMS)
    assert store.query("select distinct records_accepted from quality.submissions") == [5]
    assert store.verify() == []


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
    store: Store, tmp_path: Path, kind: str, encoding: str, zipped: bool
) -> None:
    for form in FORMS:
        sent = records(form, 3)
        store.submit(pack(tmp_path / f"{form}-plain", store.catalogue, form, sent))
        how = {"kind": kind, "encoding": encoding, "zipped": zipped}
        store.submit(pack(tmp_path / f"{form}-other", store.catalogue, form, sent, sequence=2, **how))
    store.receive()
    for form in FORMS:
        store.load(form)
        columns = ", ".join(field.name for field in store.catalogue.forms[form].columns)
        first, second = (
            store.query(
                f"select {columns}, record_key from raw.{form} "
                "where submission_seq = (select seq from ledger.submissions where (form, sequence) = (%s, %s)) "
                "order by line",
                form,
                sequence,
            )
            for sequence in (1, 2)
        )
        assert len(first) == 3
        assert first == second
