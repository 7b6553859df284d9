"""Drafts of the catalogue, to be tried before they are signed: read, put into a copy, verified like any other.

Here belongs making a ``Catalogue`` of a draft, and sentences about what is wrong with it. Keep out what a draft would
change (``dryrun``).
"""

import csv
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

from ingestion.contract import Catalogue, CatalogueError, load_catalogue

PARTS = ("forms", "classifiers", "registry")
RULE = re.compile(r"[A-Z]{3}-[0-9]{3}")
SEVERITIES = ("refuse", "error", "warning")
REGULATION = "registry/submission_regulation.csv"

Row = dict[str, str]


class DraftError(ValueError):
    """A draft cannot be tried; says which file and row, what is wrong and what to do."""


def read_catalogue(folder: Path) -> Catalogue:
    """A whole draft catalogue: a folder like ``ingestion/``. Raises ``DraftError``."""
    missing = [part for part in PARTS if not (folder / part).is_dir()]
    if missing:
        raise DraftError(f"{folder}: a catalogue is a folder with {', '.join(PARTS)}; missing: {', '.join(missing)}")
    try:
        return load_catalogue(folder)
    except (ValueError, KeyError, OSError) as error:
        raise DraftError(f"{folder}: {_said(error)}") from None


def with_rules(catalogue: Catalogue, file: Path, folder: Path, since: date | None = None) -> Catalogue:
    """The catalogue with the rows of a draft ``rules.csv``, written into the empty ``folder`` and read again.

    A row whose rule has a version that begins the same day replaces it; another day adds a version, and the one before
    it ends the day before. A column the file does not have keeps its value, ``valid_from`` that of the newest version;
    a new rule needs every column. ``since`` lets versions that begin later begin on that day. Raises ``DraftError``.
    """
    _copy(catalogue, folder)
    columns, drafted = _rows(file)
    known = _header(folder / "forms/_all/rules.csv")
    _expect(file, columns, known, ("rule",))
    numbers: dict[str, list[int]] = {}
    for number, row in drafted:
        where = f"{file.name} row {number}"
        _put(catalogue, folder, row, where, known, since)
        numbers.setdefault(row["rule"], []).append(number)
    try:
        return load_catalogue(folder)
    except (ValueError, KeyError) as error:
        said = _said(error)
        rows = [n for rule, of_rule in numbers.items() if rule in said for n in of_rule]
        where = f"{file.name} row {', '.join(map(str, rows))}" if rows else file.name
        raise DraftError(f"{where}: {said}") from None


def with_regulation(catalogue: Catalogue, file: Path, folder: Path) -> Catalogue:
    """The catalogue with another submission regulation in place of its own. Raises ``DraftError``."""
    _copy(catalogue, folder)
    columns, rows = _rows(file)
    known = _header(folder / REGULATION)
    _expect(file, columns, known, tuple(known))
    for number, row in rows:
        where = f"{file.name} row {number}"
        if row["form"] not in catalogue.forms:
            raise DraftError(f"{where}: form '{row['form']}' is not known; known: {', '.join(catalogue.forms)}")
        for name in ("valid_from", "valid_to"):
            _check_day(row[name], where, name, may_be_empty=name == "valid_to")
    shutil.copyfile(file, folder / REGULATION)
    try:
        return load_catalogue(folder)
    except (ValueError, KeyError) as error:
        raise DraftError(f"{file.name}: {_said(error)}") from None


def _copy(catalogue: Catalogue, folder: Path) -> None:
    for part in PARTS:
        shutil.copytree(catalogue.root / part, folder / part)


def _rows(file: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """The header, and the rows with the number of the line on which each begins."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            return list(reader.fieldnames or ()), list(_numbered(reader, file))
    except UnicodeDecodeError:
        raise DraftError(f"{file.name}: save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise DraftError(f"{file.name} line {reader.line_num}: {error}") from None


def _numbered(reader: "csv.DictReader[str]", file: Path) -> Iterator[tuple[int, Row]]:
    for number, row in enumerate(reader, start=2):
        if None in row or None in row.values():
            raise DraftError(f"{file.name} row {number}: it has not as many values as the header")
        yield number, row


def _header(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines))


def _expect(file: Path, columns: list[str], known: list[str], needed: tuple[str, ...]) -> None:
    unknown = [name for name in columns if name not in known]
    missing = [name for name in needed if name not in columns]
    if unknown or missing or len(columns) != len(set(columns)):
        fault = f"unknown: {', '.join(unknown)}" if unknown else f"missing: {', '.join(missing) or 'a column is twice'}"
        raise DraftError(f"{file.name} row 1: the columns are {', '.join(known)}; {fault}")


def _put(catalogue: Catalogue, folder: Path, draft: Row, where: str, known: list[str], since: date | None) -> None:
    """Put one drafted row into the file of the copy that holds its rule."""
    code = draft["rule"]
    if not RULE.fullmatch(code):
        raise DraftError(f"{where}: rule '{code}' is no number of a rule; write it like CRO-404")
    path = folder / _file_of(catalogue, draft, where)
    given = _read(path)
    versions = [row for row in given if row["rule"] == code]
    newest = max(versions, key=lambda row: row["valid_from"], default=None)
    if newest is None and (missing := [name for name in known if name not in draft]):
        raise DraftError(f"{where}: {code} is a new rule and needs every column; missing: {', '.join(missing)}")
    columns = _header(path)
    row = {name: value for name, value in {**(newest or {}), **draft}.items() if name in columns}
    _check_row(catalogue, row, where, form=path.parent.name)
    if since and date.fromisoformat(row["valid_from"]) > since:
        row["valid_from"] = since.isoformat()
    day = date.fromisoformat(row["valid_from"])
    for version in versions:
        begins, ends = date.fromisoformat(version["valid_from"]), version["valid_to"]
        if begins < day and (not ends or date.fromisoformat(ends) >= day):
            version["valid_to"] = (day - timedelta(days=1)).isoformat()
    others = [other for other in given if (other["rule"], other["valid_from"]) != (code, row["valid_from"])]
    place = max((i for i, other in enumerate(others) if other["rule"] <= code), default=-1) + 1
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*others[:place], row, *others[place:]])


def _file_of(catalogue: Catalogue, draft: Row, where: str) -> str:
    """The file of the catalogue that holds a rule, or would hold it."""
    known = catalogue.versions.get(draft["rule"])
    form = known[0].form if known else draft.get("form", "")
    if known and draft.get("form", form) != form:
        raise DraftError(f"{where}: {draft['rule']} is a rule of form '{form}'; a rule keeps its form")
    if known or form in catalogue.forms:
        own = known is None or any(known[0] in f.rules for f in catalogue.forms.values())
        return f"forms/{form if own else '_all'}/rules.csv"
    names = form.split("|")
    if form != "*" and any(name not in catalogue.forms for name in names):
        raise DraftError(f"{where}: form '{form}' is not known; write '*' or one of: {', '.join(catalogue.forms)}")
    return "forms/_all/rules.csv"


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _check_row(catalogue: Catalogue, row: Mapping[str, str], where: str, *, form: str) -> None:
    code = row["rule"]
    if row["severity"] not in SEVERITIES:
        raise DraftError(f"{where}: {code}: severity '{row['severity']}' is none of {', '.join(SEVERITIES)}")
    for name in ("valid_from", "valid_to"):
        _check_day(row[name], f"{where}: {code}", name, may_be_empty=name == "valid_to")
    try:
        parameters = json.loads(row["parameters"] or "{}")
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise DraftError(f"{where}: {code}: parameters is no JSON object; write {{}} for none")
    if not row["fields"]:
        raise DraftError(f"{where}: {code}: name in 'fields' what the rule reads, joined by |")
    if form in catalogue.forms:
        unknown = [name for name in row["fields"].split("|") if name not in catalogue.forms[form].field_names]
        if unknown:
            raise DraftError(f"{where}: {code}: {form} has no field {', '.join(unknown)}")


def _check_day(value: str, where: str, name: str, *, may_be_empty: bool) -> None:
    if not value and may_be_empty:
        return
    try:
        date.fromisoformat(value)
    except ValueError:
        raise DraftError(f"{where}: {name} '{value}' is no day; write it like 2027-01-01") from None


def _said(error: Exception) -> str:
    if isinstance(error, CatalogueError):
        return str(error)
    if isinstance(error, KeyError):
        return f"there is no column {error}"
    return str(error)
