from datetime import timedelta
from pathlib import Path
import pytest
from tests.conftest import Store
from tests.packages import NOW, pack, records
pytestmark = pytest.mark.server

def test_smoke(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "a", store.catalogue, "criminal_offence", records("criminal_offence", 20)))
    store.quarantine("criminal_offence")
    print(store.measure())
    print(store.query("select tally, form, subject, month, counts from quality.tallies"))
    print(store.measure(NOW + timedelta(days=100)))
