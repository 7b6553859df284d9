"""The whole vocabulary: what a form, a field, a rule and the registry of subjects are, read from data.

Here belong frozen dataclasses and their reading from ``forms/``, ``classifiers/`` and ``registry/``.
Keep out anything that turns them into something else (tables, suites, receipts): each room has its own
pure function for that.
"""

import csv
import hashlib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

CATALOGUE_ROOT = Path(__file__).parent
LANGUAGES = ("kk", "ru", "en")
BETWEEN_RECORDS = {"column_list", "max_per_hour", "totals"}
RECEIVED, REGISTERED = "received", "registered"
CAUSES = ("law", "classifier", "practice")
"""Of a break of a series (SER-810)."""

Text = Mapping[str, str]
"""One sentence or label in the three languages: ``{"kk": ..., "ru": ..., "en": ...}``."""


class CatalogueError(ValueError):
    """The catalogue's data contradict themselves; says which file, row and what to correct."""


@dataclass(frozen=True)
class Field:
    """One field of a form (a row of ``fields.csv``).

    ``required`` is ``yes``, ``no`` or ``if:<rule>``; ``minimum`` and ``maximum`` are texts in the notation of
    ``type`` and include the bound; ``versions`` names the form versions that have the field (empty: all).
    """

    name: str
    type: str
    required: str
    code_list: str | None
    pattern: str | None
    minimum: str | None
    maximum: str | None
    pii: str
    label: Text
    description: str
    versions: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.type == "string"

    @property
    def is_temporal(self) -> bool:
        return self.type in ("date", "timestamp")

    @property
    def is_direct_identifier(self) -> bool:
        """A personal identifier (IIN): it never leaves ``raw`` and is replaced by a keyed token."""
        return self.pii == "direct"

    @property
    def scale(self) -> int:
        """Decimals allowed after the point; 0 for everything but ``decimal(p,s)``."""
        return int(self.type.rstrip(")").split(",")[1]) if self.type.startswith("decimal") else 0

    @property
    def precision(self) -> int:
        """Digits allowed in all; only for ``decimal(p,s)``."""
        return int(self.type.removeprefix("decimal(").split(",")[0])


@dataclass(frozen=True)
class Rule:
    """One numbered rule, or one version of it (a row of ``rules.csv``).

    ``holds`` is a PostgreSQL condition over one row of ``checked.<form>``, stated positively; null passes.
    It is empty for rules that are read off the fields (GEN), between rows, between forms or of packages (PKG).
    Rows with one code and different dates of validity are versions of a rule; which of them a record meets is
    decided by the date that ``in_force_by`` names.
    """

    code: str
    form: str
    level: str
    dimension: str
    severity: str
    law_ref: str
    fields: tuple[str, ...]
    statement: str
    parameters: Mapping[str, Any]
    message: Text
    valid_from: date
    valid_to: date | None
    source: str
    holds: str | None

    @property
    def number(self) -> int:
        return int(self.code.split("-")[1])

    @property
    def is_link(self) -> bool:
        """Whether it is judged between forms, over ``linked.sql`` (6xx with a condition; series and reports apart)."""
        return self.level == "cross_form" and 600 <= self.number < 700 and self.holds is not None

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    @property
    def is_watched(self) -> bool:
        """Whether it is about what came over time, and not about a record: of the calendar or of a series."""
        return self.level in ("calendar", "series")

    @property
    def in_force_by(self) -> str:
        """The date by which a record meets this version: ``received`` (unless the parameters say otherwise: the
        day of receipt of its package, so that a backlog is judged as on its own night), ``registered`` (the
        registered date of the form) or a date field of the record."""
        return str(self.parameters.get("in_force_by", RECEIVED))

    def in_force(self, day: date, since: date | None = None) -> bool:
        """Whether it is in force on a day, or on some day from ``since`` to it."""
        return self.valid_from <= day and (self.valid_to is None or (since or day) <= self.valid_to)

    def concerns(self, form: str) -> bool:
        named = self.form == "*" or form in self.form.split("|")
        return named and form not in self.parameters.get("exempt_forms", ())


@dataclass(frozen=True)
class FormVersion:
    """One version of a form and the days of ``period.to`` it is valid for."""

    version: str
    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Form:
    """One form: a folder of data. ``fields`` and ``rules`` hold those of all its versions.

    ``parent_link`` pairs each field that points to the parent record with the field of ``parent_form`` it points to;
    together the latter are the parent's natural key, in its order. ``links`` names the values by which its records meet
    those of other forms (name -> fields); ``peers`` are fields by whose values records meet without going further.
    """

    name: str
    sphere: str
    title: Text
    description: str
    law_ref: str
    prefix: str
    submitter_kinds: tuple[str, ...]
    natural_key: tuple[str, ...]
    parent_form: str | None
    parent_link: tuple[tuple[str, str], ...]
    links: Mapping[str, tuple[str, ...]]
    peers: tuple[str, ...]
    place_field: str | None
    event_date_field: str
    registered_date_field: str
    control_total_fields: tuple[str, ...]
    versions: tuple[FormVersion, ...]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    checked_sql: str | None
    linked_sql: str | None

    def fields_of(self, version: str) -> tuple[Field, ...]:
        """The fields of one version, in column order."""
        return tuple(f for f in self.fields if not f.versions or version in f.versions)

    @cached_property
    def columns(self) -> tuple[Field, ...]:
        """The fields of all versions together, each name once: the columns of ``raw.<form>``."""
        return tuple({f.name: f for f in reversed(self.fields)}[name] for name in dict.fromkeys(self.field_names))

    @property
    def field_names(self) -> list[str]:
        return [f.name for f in self.fields]

    def column(self, name: str) -> Field:
        return next(f for f in self.columns if f.name == name)


@dataclass(frozen=True)
class Code:
    """One code of a code list with its validity (both bounds included)."""

    code: str
    valid_from: date
    valid_to: date | None
    precision: str
    successor: str | None
    label: Text
    row: Mapping[str, str]


@dataclass(frozen=True)
class Subject:
    """A submitting body of the registry (demonstration data)."""

    code: str
    kind: str
    region: str | None
    parent: str | None
    active_from: date
    active_to: date | None
    covered_by: str | None
    name: Text

    def active(self, start: date, end: date) -> bool:
        return self.active_from <= start and (self.active_to is None or end <= self.active_to)


@dataclass(frozen=True)
class Duty:
    """A row of the submission regulation: which kind of subject owes which form for which period."""

    form: str
    subject_kind: str
    period: str
    deadline: str
    working_days: bool
    mandatory: bool
    nil_required: bool
    valid_from: date
    valid_to: date | None
    report_code: str | None

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Break:
    """A row of the register of breaks: from ``period_from`` on, figures of a form (of one ``subject``, else of all) are
    not comparable with those before, by its ``cause``: law, classifier or practice."""

    form: str
    subject: str | None
    period_from: date
    cause: str


@dataclass(frozen=True)
class Catalogue:
    """Everything the authorised body decides: forms, rules, code lists, registry, regulation.

    ``version`` is the declared version and a digest of all data files, so that a judgement names exactly what
    it was judged by.
    """

    version: str
    root: Path
    forms: Mapping[str, Form]
    general_rules: tuple[Rule, ...]
    code_lists: Mapping[str, tuple[Code, ...]]
    subjects: Mapping[str, Subject]
    duties: tuple[Duty, ...]
    closed_periods: Mapping[str, date] = field(default_factory=dict)
    watched_from: Mapping[str, date] = field(default_factory=dict)
    series_breaks: tuple[Break, ...] = ()

    def rules_of(self, form: Form, day: date | None = None, since: date | None = None) -> list[Rule]:
        """Versions of rules that concern a form (general ones first); where a ``day`` of receipt is given, those that
        a record received on it (or from ``since`` to it) may meet."""
        rules = [r for r in (*self.general_rules, *form.rules) if r.concerns(form.name)]
        known = set(form.field_names)
        rules = [r for r in rules if not r.code.startswith("IDN") or set(r.fields) <= known]
        return [r for r in rules if day is None or r.in_force_by != RECEIVED or r.in_force(day, since)]

    @cached_property
    def versions(self) -> Mapping[str, tuple[Rule, ...]]:
        """Every rule of the catalogue by its code: its versions, oldest first."""
        found: dict[str, list[Rule]] = {}
        for rule in (*self.general_rules, *(r for form in self.forms.values() for r in form.rules)):
            found.setdefault(rule.code, []).append(rule)
        return {code: tuple(sorted(rules, key=lambda r: r.valid_from)) for code, rules in found.items()}

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The newest version of every rule; ``rule`` says which was in force on a day."""
        return {code: versions[-1] for code, versions in self.versions.items()}

    def rule(self, code: str, day: date) -> Rule:
        """The version of a rule in force on a day; where none was, the last before it, or else the first."""
        versions = self.versions[code]
        begun = [rule for rule in versions if rule.valid_from <= day]
        return begun[-1] if begun else versions[0]

    def duties_of(self, form: str, subject_kind: str, day: date) -> list[Duty]:
        return [d for d in self.duties if (d.form, d.subject_kind) == (form, subject_kind) and d.in_force(day)]


def load_catalogue(root: Path | None = None) -> Catalogue:
    """Read the catalogue from ``root`` (default: ``ZANSTAT_CATALOGUE`` or the one shipped with the code).

    ``root`` holds ``forms/``, ``classifiers/`` and ``registry/``. Raises ``CatalogueError`` when a form names a
    field, list or key that is not there.
    """
    root = root or Path(os.environ.get("ZANSTAT_CATALOGUE", CATALOGUE_ROOT))
    declared = tomllib.loads((root / "forms/_all/catalogue.toml").read_text())["version"]
    general = _rules(root / "forms/_all/rules.csv")
    forms = {
        folder.name: _form(folder) for folder in sorted((root / "forms").iterdir()) if (folder / "form.toml").exists()
    }
    catalogue = Catalogue(
        version=f"{declared}+{_digest(root)[:12]}",
        root=root,
        forms=forms,
        general_rules=general,
        code_lists={path.stem: _codes(path) for path in sorted((root / "classifiers").glob("*.csv"))},
        subjects={s.code: s for s in map(_subject, _rows(root / "registry/subjects.csv"))},
        duties=tuple(map(_duty, _rows(root / "registry/submission_regulation.csv"))),
        closed_periods={
            row["form"]: date.fromisoformat(row["closed_to"]) for row in _rows(root / "registry/closed_periods.csv")
        },
        watched_from={
            row["form"]: date.fromisoformat(row["watched_from"]) for row in _rows(root / "registry/watched_forms.csv")
        },
        series_breaks=tuple(map(_break, _rows(root / "registry/series_breaks.csv"))),
    )
    _verify(catalogue)
    _verify_breaks(catalogue)
    for versions in catalogue.versions.values():
        _verify_versions(versions, catalogue)
    return catalogue


def _verify_breaks(catalogue: Catalogue) -> None:
    for broken in catalogue.series_breaks:
        known = broken.form in catalogue.forms and (broken.subject is None or broken.subject in catalogue.subjects)
        if not known or broken.cause not in CAUSES:
            raise CatalogueError(
                f"registry/series_breaks.csv: {broken.form}, {broken.subject}, {broken.cause}: name a form, a subject "
                f"or none, and one of {', '.join(CAUSES)}"
            )


def _verify(catalogue: Catalogue) -> None:
    for form in catalogue.forms.values():
        names = set(form.field_names)
        for f in form.fields:
            if f.code_list and f.code_list not in catalogue.code_lists:
                raise CatalogueError(f"forms/{form.name}/fields.csv: {f.name}: no classifiers/{f.code_list}.csv")
            if form.column(f.name).type != f.type:
                raise CatalogueError(
                    f"forms/{form.name}/fields.csv: {f.name}: all versions of a field must have one type; "
                    "give the changed field a new name"
                )
        parents = (own for own, _ in form.parent_link)
        links = (*(name for columns in form.links.values() for name in columns), *form.peers)
        for key in (*form.natural_key, *form.control_total_fields, form.registered_date_field, *parents, *links):
            if key not in names:
                raise CatalogueError(f"forms/{form.name}/form.toml: '{key}' is not a field of fields.csv")
        _verify_parent(form, catalogue)
        missing = {"action", "correction_reason"} - names
        if missing:
            raise CatalogueError(f"forms/{form.name}/fields.csv: every form has the fields {sorted(missing)}")
        for rule in form.rules:
            unknown = [name for name in rule.fields if name not in names]
            if unknown:
                raise CatalogueError(f"forms/{form.name}/rules.csv: {rule.code}: unknown fields {unknown}")
            if rule.number < 500 and not rule.holds:
                raise CatalogueError(f"forms/{form.name}/rules.csv: {rule.code}: say in 'holds' what must be true")
            between = 500 <= rule.number < 600 and not rule.is_watched
            if between and not rule.parameters.keys() & BETWEEN_RECORDS:
                raise CatalogueError(
                    f"forms/{form.name}/rules.csv: {rule.code}: a rule between records of a package names one of "
                    f"{', '.join(sorted(BETWEEN_RECORDS))} in its parameters"
                )


def _verify_parent(form: Form, catalogue: Catalogue) -> None:
    """The link holds the parent's natural key, field by field; a catalogue may hold a form without its parent."""
    where = f"forms/{form.name}/form.toml"
    if (form.parent_form is None) != (not form.parent_link):
        raise CatalogueError(f"{where}: parent_form and parent_link go together")
    parent = catalogue.forms.get(form.parent_form or "")
    if parent is None:
        return
    if tuple(theirs for _, theirs in form.parent_link) != parent.natural_key:
        raise CatalogueError(f"{where}: parent_link must hold the natural key of {parent.name}, in its order")
    for own, theirs in form.parent_link:
        if form.column(own).type != parent.column(theirs).type:
            raise CatalogueError(f"{where}: '{own}' has not the type of '{theirs}' of {parent.name}")


def _verify_versions(versions: tuple[Rule, ...], catalogue: Catalogue) -> None:
    """Versions of a rule follow one another, and every record they concern has the date that chooses between them."""
    for earlier, later in pairwise(versions):
        if earlier.form != later.form and {earlier.form, later.form} & catalogue.forms.keys():
            raise CatalogueError(
                f"forms/*/rules.csv: a rule has a number of its own: {later.code} is of {earlier.form} and {later.form}"
            )
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise CatalogueError(
                f"rules.csv: {later.code}: the versions of {earlier.valid_from} and {later.valid_from} overlap: "
                "end the earlier by its valid_to before the later begins"
            )
        if earlier.in_force_by != later.in_force_by:
            raise CatalogueError(f"rules.csv: {later.code}: all versions of a rule have one in_force_by")
    rule = versions[-1]
    if rule.in_force_by == RECEIVED:
        return
    if not all(version.holds for version in versions):
        raise CatalogueError(f"rules.csv: {rule.code}: only a rule with 'holds' can be met by {rule.in_force_by}")
    for form in catalogue.forms.values():
        fields = {f.name for f in form.fields if f.is_temporal} | {REGISTERED}
        if rule in catalogue.rules_of(form) and rule.in_force_by not in fields:
            raise CatalogueError(f"rules.csv: {rule.code}: in_force_by {rule.in_force_by} is no date of {form.name}")


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    paths = (p for folder in ("forms", "classifiers", "registry") for p in (root / folder).rglob("*") if p.is_file())
    for path in sorted(paths):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _text(row: Mapping[str, str], stem: str) -> Text:
    return {language: row[f"{stem}_{language}"] for language in LANGUAGES}


def _day(value: str) -> date | None:
    return date.fromisoformat(value) if value else None


def _list(value: str) -> tuple[str, ...]:
    return tuple(filter(None, value.split("|")))


def _form(folder: Path) -> Form:
    head = tomllib.loads((folder / "form.toml").read_text(encoding="utf-8"))
    checked, linked = folder / "checked.sql", folder / "linked.sql"
    versions = tuple(FormVersion(v["version"], v["valid_from"], v.get("valid_to")) for v in head["versions"])
    return Form(
        name=folder.name,
        sphere=head["sphere"],
        title=head["title"],
        description=head["description"],
        law_ref=head["law_ref"],
        prefix=head["rule_prefix"],
        submitter_kinds=tuple(head["submitter_kinds"]),
        natural_key=tuple(head["natural_key"]),
        parent_form=head.get("parent_form"),
        parent_link=tuple(map(_link, head.get("parent_link", ()))),
        links={name: tuple(columns) for name, columns in head.get("links", {}).items()},
        peers=tuple(head.get("peers", ())),
        place_field=head.get("place_field"),
        event_date_field=head["event_date_field"],
        registered_date_field=head["registered_date_field"],
        control_total_fields=tuple(head.get("control_total_fields", ())),
        versions=versions,
        fields=tuple(map(_field, _rows(folder / "fields.csv"))),
        rules=_rules(folder / "rules.csv", form=folder.name),
        checked_sql=checked.read_text(encoding="utf-8") if checked.exists() else None,
        linked_sql=linked.read_text(encoding="utf-8") if linked.exists() else None,
    )


def _link(text: str) -> tuple[str, str]:
    own, _, parents = text.partition("=")
    return own, parents or own


def _field(row: Mapping[str, str]) -> Field:
    return Field(
        name=row["field"],
        type=row["type"],
        required=row["required"],
        code_list=row["code_list"] or None,
        pattern=row["pattern"] or None,
        minimum=row["min"] or None,
        maximum=row["max"] or None,
        pii=row["pii"],
        label=_text(row, "label"),
        description=row["description_en"],
        versions=_list(row["versions"]),
    )


def _rules(path: Path, form: str | None = None) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            code=row["rule"],
            form=form or row["form"],
            level=row["level"],
            dimension=row["dimension"],
            severity=row["severity"],
            law_ref=row["law_ref"],
            fields=_list(row["fields"]),
            statement=row["statement_en"],
            parameters=json.loads(row["parameters"] or "{}"),
            message=_text(row, "message"),
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=_day(row["valid_to"]),
            source=row["source"],
            holds=row["holds"] or None,
        )
        for row in _rows(path)
    )


def _codes(path: Path) -> tuple[Code, ...]:
    return tuple(
        Code(
            code=row["code"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=_day(row["valid_to"]),
            precision=row.get("validity_precision") or "exact",
            successor=row.get("successor") or None,
            label={language: row.get(f"label_{language}", "") for language in LANGUAGES},
            row=row,
        )
        for row in _rows(path)
    )


def _subject(row: Mapping[str, str]) -> Subject:
    return Subject(
        code=row["code"],
        kind=row["kind"],
        region=row["region"] or None,
        parent=row["parent"] or None,
        active_from=date.fromisoformat(row["active_from"]),
        active_to=_day(row["active_to"]),
        covered_by=row["covered_by"] or None,
        name=_text(row, "name"),
    )


def _duty(row: Mapping[str, str]) -> Duty:
    return Duty(
        form=row["form"],
        subject_kind=row["subject_kind"],
        period=row["period"],
        deadline=row["deadline"],
        working_days=row["working_days"] == "true",
        mandatory=row["mandatory"] == "true",
        nil_required=row["nil_required"] == "true",
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=_day(row["valid_to"]),
        report_code=row["report_code"] or None,
    )


def _break(row: Mapping[str, str]) -> Break:
    return Break(row["form"], row["subject"] or None, date.fromisoformat(row["period_from"]), row["cause"])
