"""Bringing a database up to the catalogue: tables, code lists, views. Safe to repeat, quick when nothing changed."""

from pathlib import Path

import psycopg

from ingestion import tables
from ingestion.contract import Catalogue
from orchestration import dbt


def prepare(connection: psycopg.Connection, catalogue: Catalogue, home: Path) -> bool:
    """Create what is missing; returns whether the catalogue changed since the last time."""
    current = f"catalogue {catalogue.version}"
    tables.create(connection, catalogue)
    row = connection.execute("select obj_description('reference'::regnamespace)").fetchone()
    if row and row[0] == current:
        return False
    dbt.seed(catalogue, home)
    tables.index_code_lists(connection, catalogue)
    tables.create_views(connection, catalogue)
    connection.execute("comment on schema reference is '" + current.replace("'", "") + "'")
    return True
