"""What assets are given: the database, the folder of all state, the catalogue and dbt."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dagster_dbt import DbtCliResource

from ingestion import warehouse
from ingestion.contract import Catalogue, load_catalogue
from orchestration import dbt
from orchestration.setup import prepare


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The warehouse as the environment names it (``ZANSTAT_HOME``, ``ZANSTAT_DATABASE_URL``)."""

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue()

    @property
    def home(self) -> Path:
        return warehouse.home()

    @property
    def docs(self) -> Path:
        """Where Data Docs are."""
        return self.home / "data_docs"

    def page(self, name: str) -> dict[str, dg.MetadataValue[Any]]:
        """Metadata: the page of Data Docs of the last run of a suite, where there is one."""
        path = self.docs / name / "index.html"
        return {"data_docs": dg.MetadataValue.path(path)} if path.exists() else {}

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """A connection in autocommit; every transaction is stated where it is needed."""
        with warehouse.connect(autocommit=True) as connection:
            yield connection

    @contextmanager
    def ready(self) -> Iterator[psycopg.Connection]:
        """The same, with the database brought up to the catalogue first."""
        with self.connect() as connection:
            prepare(connection, self.catalogue, self.home)
            yield connection


def dbt_resource() -> DbtCliResource:
    """dbt as installed beside this Python."""
    return DbtCliResource(
        project_dir=str(dbt.PROJECT), profiles_dir=str(dbt.PROJECT), dbt_executable=str(dbt.EXECUTABLE)
    )
