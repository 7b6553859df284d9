"""The tables of the warehouse outside dbt: fixed ones (``schema.sql``) and those that follow from a form.

Here belong pure functions from a ``Form`` to DDL, and ``create``, which brings a database up to the catalogue.
Keep out rows: loading is ``load``, registration is ``ledger``.
"""

import json
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from ingestion.contract import Catalogue, Field, Form

SCHEMA_SQL = Path(__file__).with_name("schema.sql")
ANALYST_SCHEMAS = ("criminal", "civil", "administrative", "quality", "reference")
POSTGRES_TYPES = {"string": "text", "integer": "bigint", "date": "date", "timestamp": "timestamp", "boolean": "boolean"}


class CatalogueConflict(Exception):
    """The database has a column the catalogue types otherwise; says what to do."""


def postgres_type(field: Field) -> str:
    """The column type of a field: amounts stay exact decimals, local times have no zone."""
    return POSTGRES_TYPES.get(field.type) or field.type.replace("decimal", "numeric")


def raw_columns(form: Form, version: str | None = None) -> dict[str, str]:
    """Column -> type of ``raw.<form>``, in order; of one version where given. Direct identifiers have a token."""
    fields = form.columns if version is None else form.fields_of(version)
    columns = {"submission_seq": "bigint", "line": "integer"}
    columns |= {field.name: postgres_type(field) for field in fields}
    tokens = {f"{field.name}_token": "text" for field in fields if field.is_direct_identifier}
    if tokens:
        columns |= tokens | {"token_key_id": "text"}
    return columns | {"record_key": "text", "flags": "text[]", "form_version": "text", "received_on": "date"}


def raw_table(form: Form) -> str:
    """DDL of ``raw.<form>``: every column of every version of the form, partitioned by day of receipt."""
    columns = ",\n    ".join(
        f"{name} {kind}{'' if name not in NOT_NULL else ' not null'}" for name, kind in raw_columns(form).items()
    )
    return (
        f"create table if not exists raw.{form.name} (\n    {columns}\n) partition by range (received_on);\n"
        f"create index if not exists {form.name}_record_key on raw.{form.name} (record_key);\n"
        f"create index if not exists {form.name}_submission on raw.{form.name} using brin (submission_seq) "
        "with (pages_per_range = 16);"
        + "".join(
            f"\ncreate index if not exists {form.name}_{name} on raw.{form.name} using hash ({name});"
            for name in sorted(meeting_columns(form))
            if name != "record_key"
        )
    )


def meeting_columns(form: Form) -> set[str]:
    """The columns of ``raw.<form>`` by which its records meet others; a key of one field is ``record_key``."""
    named = {name for columns in form.links.values() for name in columns} | set(form.peers)
    return {meeting_column(form, name) for name in named}


def meeting_column(form: Form, name: str) -> str:
    """The indexed column that holds a field of ``links`` or ``peers``."""
    return "record_key" if form.natural_key == (name,) else name


NOT_NULL = ("submission_seq", "line", "record_key", "form_version", "received_on")


def partition_name(form: Form, day: date) -> str:
    """The month of ``raw.<form>`` that holds a day of receipt."""
    return f"raw.{form.name}_{day:%Y_%m}"


def partition(form: Form, day: date) -> str:
    """DDL of the month of ``raw.<form>`` that holds a day of receipt."""
    start = day.replace(day=1)
    end = date(start.year + start.month // 12, start.month % 12 + 1, 1)
    return (
        f"create table if not exists {partition_name(form, day)} partition of raw.{form.name} "
        f"for values from ('{start}') to ('{end}');"
    )


def checked_view(form: Form) -> str:
    """DDL of ``checked.<form>``."""
    return f"create view checked.{form.name} as\n{checked_query(form, f'raw.{form.name}')};"


def checked_query(form: Form, records: str) -> str:
    """Raw ``records`` (a table, or a query in brackets) with their package's facts and looked-up columns of code
    lists: what conditions are stated over."""
    lookups = form.checked_sql or "select record.* from record"
    return (
        f"with record as (\n"
        f"select raw_record.*, submission.received_at, submission.subject, submission.period_from,\n"
        f"    submission.received_at_local,\n"
        f"    submission.period_to, submission.sequence as package_sequence, progress.state as submission_state\n"
        f"from {records} as raw_record\n"
        f"join ledger.submissions as submission on submission.seq = raw_record.submission_seq\n"
        f"join ledger.progress as progress on progress.submission_seq = raw_record.submission_seq\n)\n{lookups}"
    )


def create(connection: psycopg.Connection, catalogue: Catalogue) -> None:
    """Create what is missing; safe to repeat. Needs ``reference`` (dbt seeds) to be filled for the checked views.

    Views are made anew in the same transaction, so that a reader sees the old one or the new one.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(510, 1)")
        connection.execute(SCHEMA_SQL.read_text(encoding="utf-8"))
        for form in catalogue.forms.values():
            connection.execute(raw_table(form))
            _add_columns(connection, form)
        _publish_rules(connection, catalogue)
        _grant(connection)


def create_views(connection: psycopg.Connection, catalogue: Catalogue) -> None:
    """(Re)create ``checked.<form>`` for every form; ``reference`` must be seeded."""
    with connection.transaction():
        drop_views(connection, catalogue)
        for form in catalogue.forms.values():
            connection.execute(checked_view(form))


def index_code_lists(connection: psycopg.Connection, catalogue: Catalogue) -> None:
    """Unique codes and fresh statistics for ``reference``: without them the planner sorts records to join lists."""
    for name, codes in catalogue.code_lists.items():
        if len({code.code for code in codes}) == len(codes):
            connection.execute(f"create unique index if not exists {name}_code on reference.{name} (code)")
        connection.execute(f"analyze reference.{name}")


def analyze_written(connection: psycopg.Connection) -> None:
    """Fresh statistics of the fixed tables that a night fills, before many read them: the planner took a night of
    violations for a handful and looped over it, so that a mart took minutes."""
    connection.execute(
        "analyze ledger.submissions, ledger.events, ledger.progress, "
        "quality.violations, quality.unmet_links, quality.findings, quality.calendar"
    )


def drop_views(connection: psycopg.Connection, catalogue: Catalogue) -> None:
    """Free ``reference`` for a list that changed its columns."""
    for form in catalogue.forms.values():
        connection.execute(f"drop view if exists checked.{form.name} cascade")


def _add_columns(connection: psycopg.Connection, form: Form) -> None:
    existing: dict[str, str] = dict(
        connection.execute(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            [f"raw.{form.name}"],
        ).fetchall()
    )
    for name, kind in raw_columns(form).items():
        if name not in existing:
            connection.execute(f"alter table raw.{form.name} add column {name} {kind}")
        elif kind.split("(")[0] not in existing[name]:
            raise CatalogueConflict(
                f"raw.{form.name}.{name} is {existing[name]} and the catalogue says {kind}: "
                "give the changed field a new name in a new form version"
            )


def _publish_rules(connection: psycopg.Connection, catalogue: Catalogue) -> None:
    rows = [
        (
            catalogue.version,
            rule.code,
            rule.form,
            rule.level,
            rule.dimension,
            rule.severity,
            rule.law_ref,
            "|".join(rule.fields),
            rule.statement,
            json.dumps(dict(rule.parameters)),
            rule.message["kk"],
            rule.message["ru"],
            rule.message["en"],
            rule.valid_from,
            rule.valid_to,
            rule.source,
        )
        for versions in catalogue.versions.values()
        for rule in versions
    ]
    connection.execute("update quality.rules set current = false where catalogue_version <> %s", [catalogue.version])
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.rules values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true) "
            "on conflict (catalogue_version, rule, form, valid_from) do update set current = true",
            rows,
        )


def _grant(connection: psycopg.Connection) -> None:
    if not connection.execute("select 1 from pg_roles where rolname = 'analyst'").fetchone():
        return
    for schema in ANALYST_SCHEMAS:
        name = sql.Identifier(schema)
        connection.execute(sql.SQL("grant usage on schema {} to analyst").format(name))
        connection.execute(sql.SQL("grant select on all tables in schema {} to analyst").format(name))
        connection.execute(
            sql.SQL("alter default privileges in schema {} grant select on tables to analyst").format(name)
        )
