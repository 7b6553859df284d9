"""Bytes to typed records, and what could not be read: every physical line is accounted for.

Two steps. ``structure`` takes one payload apart into text cells and unreadable lines, refusing files that are
damaged as a whole (PKG-101, 114..118). ``type_records`` turns the text cells of many packages at once into
typed columns and judges there what only the text can tell: types, characters, patterns, placeholders
(GEN-102..105, 202, 303) and repetition inside a package (5xx); its findings are left in ``flags``.
Keep out the database, and rules about values (those are SQL conditions, see ``expectations``).
"""

import codecs
import csv
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from ingestion.contract import Catalogue, Field, Form, Rule
from ingestion.manifest import Payload, Refusal

CODECS = {"utf-8": "utf-8-sig", "kz1048": "kz1048", "windows-1251": "cp1251"}
QUOTED = r'"(?:[^"]|"")*"'
VALUE = rf'(?:{QUOTED}|[^",]*)'
WELL_FORMED = rf"\A{VALUE}(?:,{VALUE})*\z"
NEWLINE, COMMA, QUOTE, RETURN = b'\n,"\r'
NO_MARKS = bytes(set(range(256)) - {NEWLINE, COMMA})
BLOCK = 1 << 24
LINE = "line"
SLICE_ROWS = 50_000
IDENTIFIER_DIGITS = 9  # GEN-202
SUBMISSION = "submission_seq"
LONGEST_KEY = 1000


@dataclass(frozen=True)
class Unreadable:
    """A physical line of which no record could be made (GEN-101); ``content`` is the line as it came."""

    line: int
    reason: str
    content: bytes


@dataclass(frozen=True)
class Structured:
    """A payload taken apart: ``cells`` has ``line`` and one text column a field (null = empty)."""

    cells: pl.DataFrame
    unreadable: tuple[Unreadable, ...]

    @property
    def records(self) -> int:
        return self.cells.height + len(self.unreadable)


def structure(content: bytes, payload: Payload, fields: Sequence[Field], limits: Mapping[str, Any]) -> Structured:
    """Take a payload apart into cells and unreadable lines.

    ``limits`` are the parameters of PKG-114 (``max_bytes``, ``max_ratio``). Raises ``Refusal``.
    """
    (outcome,) = structure_all([(content, payload)], fields, limits)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def structure_all(
    payloads: Iterable[tuple[bytes, Payload]],
    fields: Sequence[Field],
    limits: Mapping[str, Any],
    wanted: Sequence[str] | None = None,
) -> list[Structured | Refusal]:
    """Take payloads of one form version apart as ``structure`` does, each or its refusal in its place.

    ``wanted`` names the fields whose cells are needed (all unless given); every line is looked at all the same.
    Plain CSV files are read in one call: on 25 records, a call of polars costs more than all that is done in it.
    """
    names = [field.name for field in fields]
    wanted = names if wanted is None else wanted
    outcomes: list[Structured | Refusal | None] = []
    plain: dict[bytes, list[tuple[int, bytes, int]]] = {}
    for place, (content, payload) in enumerate(payloads):
        outcomes.append(None)
        try:
            text = _text(content, payload, limits)
            if payload.format != "csv":
                outcomes[place] = _jsonl_cells(text, payload.name, names, wanted)
                continue
            text = text.replace(b"\r\n", b"\n") if b"\r" in text else text  # one byte is looked for much faster
            head = text[: text.find(b"\n")] if b"\n" in text else text
            width = len(_header(head, payload.name, names))
            if (lines := _plain_lines(text, width)) is None:
                outcomes[place] = _csv_cells(text, width, wanted)
            else:
                plain.setdefault(head, []).append((place, text, lines))
        except Refusal as refusal:
            outcomes[place] = refusal
    for alike in plain.values():
        structured = _plain_cells([text for _, text, _ in alike], [lines for *_, lines in alike], wanted)
        for (place, *_), one in zip(alike, structured, strict=True):
            outcomes[place] = one
    return [outcome for outcome in outcomes if outcome is not None]


def _text(content: bytes, payload: Payload, limits: Mapping[str, Any]) -> bytes:
    """The payload decompressed, within the limits, as UTF-8."""
    if payload.compression == "gzip":
        content = _gunzip(content, limits)
    if len(content) > limits["max_bytes"]:
        raise Refusal("PKG-114", f"{payload.name} is larger than {limits['max_bytes']} bytes")
    return _as_utf8(content, payload)


def _gunzip(content: bytes, limits: Mapping[str, Any]) -> bytes:
    allowed = min(limits["max_bytes"], max(len(content), 1) * limits["max_ratio"])
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(content, allowed + 1)
    except zlib.error:
        raise Refusal("PKG-101", "the gzip file is damaged") from None
    if len(text) > allowed:
        raise Refusal("PKG-114", "the gzip file expands beyond the limit of size or ratio")
    if not stream.eof:
        raise Refusal("PKG-101", "the gzip file is cut off")
    if stream.unused_data:
        raise Refusal("PKG-101", "bytes follow the end of the gzip file")
    return text


def _as_utf8(content: bytes, payload: Payload) -> bytes:
    if b"\0" in content:
        raise Refusal("PKG-115", f"{payload.name} holds NUL bytes: it is not {payload.encoding} text")
    if content.isascii():
        return content
    decoder = codecs.getincrementaldecoder(CODECS[payload.encoding])()
    blocks, recode = [], payload.encoding != "utf-8"
    try:
        for start in range(0, len(content), BLOCK):
            end = start + BLOCK
            text = decoder.decode(content[start:end], final=end >= len(content))
            if recode:
                blocks.append(text.encode("utf-8"))
    except UnicodeDecodeError:
        raise Refusal("PKG-115", f"{payload.name} is not {payload.encoding} near byte {start}") from None
    return b"".join(blocks) if recode else content.removeprefix(codecs.BOM_UTF8)


def _plain_lines(content: bytes, width: int) -> int | None:
    """How many lines follow the header of a CSV file whose every line has ``width`` values for sure; else None.
    Without quotes and stray CR, commas and line ends are all its structure, and it can be compared as a whole."""
    if width < 2 or b'"' in content or b"\r" in content:  # one value a line: a blank line would look like a record
        return None
    marks = content.translate(None, NO_MARKS)
    if not content.endswith(b"\n"):
        marks += b"\n"
    lines = len(marks) // width
    return lines - 1 if marks == (b"," * (width - 1) + b"\n") * lines else None


def _plain_cells(contents: list[bytes], lines: list[int], wanted: Sequence[str]) -> Iterator[Structured]:
    """The cells of plain CSV files with one header, read as one file."""
    whole = contents[0]
    if len(contents) > 1:
        ended = [content if content.endswith(b"\n") else content + b"\n" for content in contents]
        whole = b"".join([ended[0], *(content[content.find(b"\n") + 1 :] for content in ended[1:])])
    cells = _cells(whole, np.concatenate([np.arange(2, number + 2, dtype=np.int32) for number in lines]), wanted)
    start = 0
    for number in lines:
        yield Structured(cells.slice(start, number), ())
        start += number


def _csv_cells(content: bytes, width: int, wanted: Sequence[str]) -> Structured:
    """The cells of a CSV file each of whose lines must be looked at."""
    start = content.find(b"\n") + 1 or len(content)
    lines = content.count(b"\n", start) + (len(content) > start and not content.endswith(b"\n"))
    misshapen = _misshapen(content, start, width)
    unreadable = tuple(Unreadable(row + 2, reason, content[a:b]) for row, a, b, reason in misshapen)
    if len(unreadable) == lines:
        return Structured(_empty(wanted), unreadable)
    if misshapen:
        edges = [0, *(edge for _, a, b, _ in misshapen for edge in (a, b + 1)), len(content)]
        content = b"".join(content[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
    numbers = np.delete(np.arange(2, lines + 2, dtype=np.int32), [row for row, *_ in misshapen])
    cells = _cells(content, numbers, wanted)
    if b'""' in content:
        cells = cells.with_columns(pl.col(list(wanted)).replace("", None))
    return Structured(cells, unreadable)


def _cells(content: bytes, numbers: np.ndarray[Any, np.dtype[np.int32]], wanted: Sequence[str]) -> pl.DataFrame:
    """``wanted`` columns of a CSV file whose every line is a record; ``numbers`` are those of its lines."""
    cells = pl.read_csv(content, has_header=True, infer_schema=False, eol_char="\n", columns=list(wanted))
    if cells.height != len(numbers):
        raise AssertionError(f"{len(numbers)} well-formed lines gave {cells.height} records")
    return pl.DataFrame([pl.Series(LINE, numbers), *(cells[name] for name in wanted)])


def _misshapen(content: bytes, start: int, width: int) -> list[tuple[int, int, int, str]]:
    """Lines from ``start`` on that are no record of ``width`` values: (row, first byte, end, reason). A quote is
    bounded to its physical line, so that one stray quote spoils one record."""
    found: list[tuple[int, int, int, str]] = []
    row = 0
    while start < len(content):
        end = len(content) if start + BLOCK >= len(content) else content.rfind(b"\n", start, start + BLOCK) + 1
        if end <= start:  # a line longer than a block
            end = content.find(b"\n", start) + 1 or len(content)
        block = np.frombuffer(content, dtype=np.uint8, count=end - start, offset=start)
        ends = np.flatnonzero(block == NEWLINE)
        if not len(ends) or ends[-1] != len(block) - 1:
            ends = np.append(ends, len(block))
        starts = np.concatenate(([0], ends[:-1] + 1))
        values = np.add.reduceat(block == COMMA, starts, dtype=np.int32) + 1
        quoted = np.add.reduceat(block == QUOTE, starts, dtype=np.int32) > 0
        returns = np.add.reduceat(block == RETURN, starts, dtype=np.int32) > 0
        suspects = np.flatnonzero((values != width) | quoted | returns | (starts == ends))
        spans = [(start + int(starts[at]), start + int(ends[at])) for at in suspects]
        sound = _are_records([content[first:last] for first, last in spans], width)
        found += [
            (row + int(suspects[i]), *spans[i], _reason(content[slice(*spans[i])], width))
            for i in np.flatnonzero(~sound)
        ]
        row += len(ends)
        start = end
    return found


def _are_records(lines: list[bytes], width: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which lines are well-formed CSV of ``width`` values."""
    text = pl.DataFrame({"text": pl.Series(lines, dtype=pl.Binary).cast(pl.String)})
    values = pl.col("text").str.replace_all(QUOTED, "").str.count_matches(",", literal=True) + 1
    one_line = (pl.col("text") != "") & ~pl.col("text").str.contains("\r", literal=True)
    sound = one_line & pl.col("text").str.contains(WELL_FORMED) & (values == width)
    return text.select(sound).to_series().to_numpy().astype(bool)


def _reason(line: bytes, width: int) -> str:
    """Why a line is no record of ``width`` values, without its values."""
    if b'"' in line and not re.search(WELL_FORMED.replace("\\z", "\\Z").encode(), line):
        return "a quote is not closed on its line or stands inside a value"
    if b"\r" in line:
        return "a carriage return stands inside the line"
    return f"{re.sub(QUOTED.encode(), b'', line).count(b',') + bool(line)} values instead of {width}"


def _header(line: bytes, name: str, fields: list[str]) -> list[str]:
    if b"\r" in line:
        raise Refusal("PKG-101", f"{name}: lines end in CR only; end them in LF or CRLF")
    try:
        columns = next(csv.reader(io.StringIO(line.decode("utf-8")), strict=True), [])
    except csv.Error:
        raise Refusal("PKG-101", f"{name} line 1: the header cannot be read") from None
    unknown = [c for c in columns if c not in fields]
    missing = [f for f in fields if f not in columns]
    if unknown and not set(columns) & set(fields):
        raise Refusal("PKG-116", f"{name} line 1: there is no header with the fields of the form")
    if missing:
        raise Refusal("PKG-116", f"{name} line 1: missing: {', '.join(missing)}")
    if unknown:
        raise Refusal(
            "PKG-117",
            f"{name} line 1: {len(unknown)} unknown column(s), the first in place {columns.index(unknown[0]) + 1}",
        )
    if len(columns) != len(set(columns)):
        twice = sorted({c for c in columns if columns.count(c) > 1})
        raise Refusal("PKG-118", f"{name} line 1: repeated: {', '.join(twice)}")
    return columns


def _empty(fields: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={LINE: pl.Int32, **dict.fromkeys(fields, pl.String)})


def _jsonl_cells(content: bytes, name: str, fields: list[str], wanted: Sequence[str]) -> Structured:
    known = set(fields)
    rows: list[dict[str, Any]] = []
    unreadable = []
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(
                line, object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_no_constant
            )
            cells = {key: _cell(value) for key, value in row.items()} if isinstance(row, dict) else None
        except (ValueError, RecursionError):
            cells = None
        if cells is None:
            unreadable.append(Unreadable(number, "not one JSON object of plain values", line))
        elif unknown := cells.keys() - known:
            raise Refusal("PKG-117", f"{name} line {number}: {len(unknown)} unknown key(s)")
        else:
            rows.append({LINE: number, **cells})
    return Structured(pl.DataFrame(rows, schema=_empty(wanted).schema), tuple(unreadable))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("duplicate key")
    return keys


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _cell(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value.encode("utf-8")  # a lone surrogate is no text
        if "\0" in value:  # PostgreSQL has no NUL in text
            raise ValueError("NUL in a value")
        return value
    raise ValueError("nested value")


def control_totals(structured: Sequence[Structured], form: Form) -> list[dict[str, Decimal | None]]:
    """Exact sums over records with action I or M (PKG-120) of each payload; None where a value or a line could not
    be read. The cells must hold ``action`` and the ``control_total_fields`` of the form."""
    if not structured or not form.control_total_fields:
        return [{} for _ in structured]
    names = ("action", *form.control_total_fields)
    places = np.repeat(np.arange(len(structured), dtype=np.uint32), [one.cells.height for one in structured])
    together = [pl.concat([one.cells[name] for one in structured]) for name in names]
    sums = []
    for name in form.control_total_fields:
        field, value = form.column(name), pl.col(name)
        fitting = value.str.contains(TYPE_PATTERNS["decimal"](field))
        sums.append((value.is_not_null() & ~fitting).sum().alias(f"{name}.bad"))
        sums.append(pl.when(fitting).then(value).cast(pl.Decimal(38, field.scale), strict=False).sum().alias(name))
    counted = pl.DataFrame([pl.Series("place", places), *together]).filter(pl.col("action").is_in(["I", "M"]))
    read = {row["place"]: row for row in counted.group_by("place").agg(sums).iter_rows(named=True)}
    nothing = dict.fromkeys([*form.control_total_fields, *(f"{name}.bad" for name in form.control_total_fields)], 0)
    return [
        {
            name: None if row[f"{name}.bad"] or one.unreadable else Decimal(row[name] or 0)
            for name in form.control_total_fields
        }
        for one, row in ((one, read.get(place, nothing)) for place, one in enumerate(structured))
    ]


def _decimal_pattern(field: Field) -> str:
    fraction = rf"(?:\.[0-9]{{1,{field.scale}}})?" if field.scale else ""
    return rf"^-?[0-9]{{1,{field.precision - field.scale}}}{fraction}$"


YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"  # PostgreSQL has no year 0
TYPE_PATTERNS: dict[str, Any] = {
    "date": lambda _: rf"^{YEAR}-[0-9]{{2}}-[0-9]{{2}}$",
    "timestamp": lambda _: rf"^{YEAR}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-5][0-9]$",
    "integer": lambda _: r"^[0-9]{1,18}$",
    "boolean": lambda _: r"^(?:true|false)$",
    "decimal": _decimal_pattern,
}


def _typed(field: Field) -> pl.Expr:
    """The typed column; null where the text does not fit the type (GEN-102)."""
    kind = field.type.split("(")[0]
    value = pl.col(field.name)
    if kind == "string":
        return value
    fitting = pl.when(value.str.contains(TYPE_PATTERNS[kind](field))).then(value)
    casts = {
        "date": lambda v: v.str.to_date("%Y-%m-%d", strict=False),
        "timestamp": lambda v: v.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False),
        "integer": lambda v: v.cast(pl.Int64, strict=False),
        "boolean": lambda v: v == "true",
        "decimal": lambda v: v.cast(pl.Decimal(field.precision, field.scale), strict=False),
    }
    typed: pl.Expr = casts[kind](fitting)
    return typed.alias(field.name)


def type_records(
    cells: pl.DataFrame,
    form: Form,
    version: str,
    catalogue: Catalogue,
    day: date | None = None,
    slice_rows: int = SLICE_ROWS,
) -> Iterator[pl.DataFrame]:
    """Typed records of whole packages of one form version, in slices of at most ``slice_rows`` records.

    In: ``submission_seq``, ``line`` and one text column a field. Out: the same rows with the fields typed,
    plus ``record_key`` (the natural key joined by ``|``) and ``flags`` (list of ``RULE:field``, null when
    clean). Packages must be complete, since 5xx rules look at all records of a package. ``day`` is the day of
    receipt of these packages: their texts are judged by the versions of rules in force then (the newest unless given).
    """
    fields = form.fields_of(version)
    rules = {rule.code: rule for rule in catalogue.rules_of(form, day)}
    repeated = _repetitions(cells, form, fields, rules, catalogue)
    for offset in range(0, cells.height, slice_rows):
        part = cells.slice(offset, slice_rows)
        typed = part.select(SUBMISSION, LINE, *map(_typed, fields))
        record_key = pl.concat_str(
            [pl.col(key).cast(pl.String).fill_null("") for key in form.natural_key], separator="|"
        )
        flags = _text_findings(part, typed, fields, rules, catalogue)
        flags |= {flag: mask.slice(offset, slice_rows) for flag, mask in repeated.items()}
        keyed = typed.with_columns(record_key.alias("record_key"), _flag_lists(flags, part.height))
        yield keyed.with_columns(_bounded(keyed["record_key"]))


def _bounded(keys: pl.Series) -> pl.Series:
    """Keys that fit into an index of PostgreSQL (2,704 bytes); a longer one by its digest."""
    long = keys.str.len_bytes() > LONGEST_KEY
    if not long.any():
        return keys
    digests = {key: hashlib.sha256(key.encode()).hexdigest() for key in keys.filter(long).unique()}
    return keys.replace({key: f"sha256:{digest}" for key, digest in digests.items()})


def _text_findings(
    cells: pl.DataFrame, typed: pl.DataFrame, fields: Sequence[Field], rules: Mapping[str, Rule], catalogue: Catalogue
) -> dict[str, pl.Series]:
    found: dict[str, pl.Series] = {}
    for field in fields:
        text = cells[field.name]
        if text.null_count() == len(text):
            continue
        if not field.is_text:
            unread = typed[field.name].is_null() & text.is_not_null()
            if not unread.any():
                continue  # what fits its type has no stray characters
            found[f"GEN-102:{field.name}"] = unread
        distinct = text.unique() if text.head(1000).n_unique() < 500 else text
        for code, broken in _text_conditions(field, rules, catalogue).items():
            mask = pl.DataFrame([distinct.alias("text")]).select(broken.fill_null(value=False)).to_series()
            if mask.any():
                offending = distinct.filter(mask).unique()
                found[f"{code}:{field.name}"] = text.is_in(offending.implode()).fill_null(value=False)
    return found


def _text_conditions(field: Field, rules: Mapping[str, Rule], catalogue: Catalogue) -> dict[str, pl.Expr]:
    """Rule -> expression over the column ``text`` that is true where a text breaks it; only rules there are. A code of
    the field's own list (``none`` of a preventive measure) is a value and no placeholder."""
    text = pl.col("text")
    conditions: dict[str, pl.Expr] = {}
    for code in ("GEN-103", "GEN-104"):
        if rule := rules.get(code):
            conditions[code] = text.str.contains(_rust(rule.parameters["regex"]))
    if (rule := rules.get("GEN-202")) and field.is_text and field.name not in rule.parameters["exempt_fields"]:
        codes = {code.code for code in catalogue.code_lists.get(field.code_list or "", ())}
        conditions["GEN-202"] = text.str.to_lowercase().is_in(sorted(set(rule.parameters["placeholders"]) - codes))
        if _digits(field) >= IDENTIFIER_DIGITS:
            conditions["GEN-202"] |= text.str.contains(rule.parameters["regex"])
    if field.pattern:
        if rule := rules.get("GEN-105"):
            conditions["GEN-105"] = ~text.str.contains(_rust(rule.parameters["regex"]))
        if "GEN-303" in rules:
            whole = field.pattern.removeprefix("^").removesuffix("$")
            conditions["GEN-303"] = ~text.str.contains(rf"\A(?:{whole})\z")
    return conditions


def _rust(pattern: str) -> str:
    """JSON's ``\\uXXXX`` escapes as the regex engine of polars writes them."""
    return re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", pattern)


def _digits(field: Field) -> int:
    """How many digits a pattern of nothing but digits demands at least; 0 for any other pattern."""
    one = r"\[[0-9]-[0-9]\](?:\{([0-9]+)(?:,[0-9]+)?\})?"
    if not re.fullmatch(rf"\^(?:{one})+\$", field.pattern or ""):
        return 0
    return sum(int(least or 1) for least in re.findall(one, field.pattern or ""))


def _repetitions(
    cells: pl.DataFrame, form: Form, fields: Sequence[Field], rules: Mapping[str, Rule], catalogue: Catalogue
) -> dict[str, pl.Series]:
    """Rules between the records of a package (5xx). Empty cells are not equal, except those of a key field that may
    be empty (GEN-501: no article means all articles), and in GEN-502: the empty cells of two records that agree in
    everything else agree too (correction_reason is empty in every new one)."""
    by_name = {field.name: field for field in fields}
    found: dict[str, pl.Series] = {}
    for rule in rules.values():
        if not 500 <= rule.number < 600 or rule.is_watched:
            continue
        match rule.code:
            case "GEN-501":
                columns = list(form.natural_key)
                filled = [name for name in columns if by_name[name].required != "no"]
            case "GEN-502":
                columns, filled = [name for name in by_name if name not in form.natural_key], []
            case _ if "totals" in rule.parameters:
                columns = ["action", *form.natural_key, rule.fields[0]]
            case _:
                columns = filled = list(rule.parameters.get("column_list", rule.fields))
        # Nearly all columns of GEN-502 are compared as sent: typing them all once more would cost a second per million.
        as_sent = rule.code == "GEN-502"
        typed = cells.select(SUBMISSION, *(pl.col(n) if as_sent else _typed(by_name[n]) for n in columns))
        if "max_per_hour" in rule.parameters:
            device, moment = columns
            mask = _crowded(typed, device, moment, rule.parameters["max_per_hour"])
        elif "totals" in rule.parameters:
            mask = _unbalanced(typed, form, rule, catalogue)
        else:
            mask = _repeated(typed, columns, filled)
        if mask.any():
            found[f"{rule.code}:{rule.fields[0]}"] = mask
    return found


def _crowded(records: pl.DataFrame, device: str, moment: str, limit: int) -> pl.Series:
    per_hour = pl.len().over(SUBMISSION, device, pl.col(moment).dt.truncate("1h"))
    filled = pl.col(device).is_not_null() & pl.col(moment).is_not_null()
    return records.select(filled & (per_hour > limit)).to_series()


def _unbalanced(records: pl.DataFrame, form: Form, rule: Rule, catalogue: Catalogue) -> pl.Series:
    """Total cells of a report that differ from the sum of their parts (AGR-501), among the new cells of a package.

    Of each field of ``totals`` the total has the mark in ``whole`` (none: it is empty) and the parts any other value.
    A sum above the total is always wrong; one below it only where no part can be missing: all codes of the field's
    list are given, or it has no list. ``enclosed_by`` first digits name the part that already holds another.
    """
    amount, new = rule.fields[0], records.with_row_index("row").filter(pl.col("action") == "I")
    wrong = []
    for name in rule.parameters["totals"]:
        cell = [SUBMISSION, *(key for key in form.natural_key if key != name)]
        mark = rule.parameters["whole"].get(name)
        is_total = pl.col(name).is_null() if mark is None else pl.col(name) == mark
        parts = new.filter(~is_total).unique([*cell, name], keep="first")
        if digits := rule.parameters["enclosed_by"].get(name):
            around = pl.col(name).str.slice(0, digits).str.pad_end(len(mark), "0")
            given = parts.select(*cell, name)
            inner = parts.filter(pl.col(name) != around).with_columns(around.alias("around"))
            held = inner.join(given, left_on=[*cell, "around"], right_on=[*cell, name], how="semi", nulls_equal=True)
            parts = parts.filter(~pl.col("row").is_in(held["row"].implode()))
        sums = parts.group_by(cell).agg(
            pl.col(amount).sum().alias("sum"),
            pl.col(amount).is_null().any().alias("unread"),
            pl.len().alias("given"),
        )
        codes = {code.code for code in catalogue.code_lists.get(form.column(name).code_list or "", ())}
        below = (pl.col("given") >= len(codes)) & (pl.col("sum") < pl.col(amount))
        totals = new.filter(is_total).join(sums, on=cell, nulls_equal=True)
        wrong.append(totals.filter(~pl.col("unread") & ((pl.col("sum") > pl.col(amount)) | below))["row"])
    return pl.int_range(records.height, eager=True).is_in(pl.concat(wrong).implode())


def _repeated(records: pl.DataFrame, columns: list[str], must_be_filled: list[str]) -> pl.Series:
    """Records that agree with another of their package in all ``columns`` and have none of ``must_be_filled`` empty."""
    rows = records.select(pl.all_horizontal(pl.col(SUBMISSION, *must_be_filled).is_not_null())).to_series().arg_true()
    # Nearly every record is told apart by one column; of the rest the fingerprints are compared, then the cells.
    telling = max(columns, key=lambda name: records[name].head(1000).n_unique())
    for compared in ([telling], columns):
        fingerprints = records.select(SUBMISSION, *compared)[rows].select(pl.struct(pl.all()).hash()).to_series()
        if fingerprints.n_unique() == len(fingerprints):  # whether any repeats is cheaper to know than which
            return pl.repeat(value=False, n=records.height, eager=True)
        rows = rows.filter(fingerprints.is_duplicated())
    rows = rows.filter(records.select(SUBMISSION, *columns)[rows].is_duplicated())
    return pl.repeat(value=False, n=records.height, eager=True).scatter(rows, values=True)


def _flag_lists(flags: Mapping[str, pl.Series], height: int) -> pl.Series:
    """One list of flags a record, null when it has none."""
    if not flags:
        return pl.Series("flags", [None], dtype=pl.List(pl.String)).new_from_index(0, height)
    masks = pl.DataFrame([mask.alias(flag) for flag, mask in flags.items()])
    rows = masks.select(pl.any_horizontal(pl.all())).to_series().arg_true()
    lists = masks[rows].select(
        pl.concat_list(
            pl.when(pl.col(flag)).then(pl.lit(flag)).otherwise(None) for flag in masks.columns
        ).list.drop_nulls()
    )
    sparse = pl.DataFrame({"row": rows.cast(pl.UInt32), "flags": lists.to_series()})
    every = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return every.join(sparse, on="row", how="left", maintain_order="left")["flags"]
