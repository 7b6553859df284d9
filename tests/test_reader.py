"""What the reader makes of bytes: every physical line accounted for, every text typed or flagged.

Here belong ``ingestion.reader`` and the refusals it raises. Keep out whole packages (``test_refusals``).
"""

import codecs
import csv
import gzip
import re
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion import reader
from ingestion.contract import Catalogue, Field, load_catalogue
from ingestion.manifest import Payload, Refusal
from tests.packages import csv_bytes, jsonl_bytes, record, records

CATALOGUE = load_catalogue()
LIMITS = CATALOGUE.rules["PKG-114"].parameters
CRIMINAL = CATALOGUE.forms["criminal_offence"]
NAMES = [field.name for field in CRIMINAL.fields]
THREE = CRIMINAL.fields[:3]
HEADER = ",".join(field.name for field in THREE).encode()


def take_apart(
    content: bytes, fields: Sequence[Field] = CRIMINAL.fields, limits: Any = LIMITS, **declared: str
) -> reader.Structured:
    facts = {"format": "csv", "encoding": "utf-8", "compression": "none"} | declared
    payload = Payload("records.csv", bytes=len(content), sha256="", records=0, control_totals={}, **facts)
    return reader.structure(content, payload, fields, limits)


def refusal(content: bytes, **how: Any) -> str:
    with pytest.raises(Refusal) as refused:
        take_apart(content, **how)
    return str(CATALOGUE.rules[refused.value.rule].parameters["rejection_code"])


def flags(form: str = "criminal_offence", *rows: dict[str, str]) -> list[list[str] | None]:
    """The flags of each record, as the reader leaves them."""
    declared = CATALOGUE.forms[form]
    cells = take_apart(jsonl_bytes(rows), declared.fields, format="jsonl").cells
    cells = cells.select(pl.lit(1, dtype=pl.Int64).alias("submission_seq"), pl.all())
    parts = reader.type_records(cells, declared, declared.versions[0].version, CATALOGUE, slice_rows=2)
    return [None if f is None else sorted(f) for part in parts for f in part["flags"].to_list()]


def flags_of(name: str, text: str, form: str = "criminal_offence") -> list[str]:
    (found,) = flags(form, record(form, 1, **{name: text}))
    return found or []


# Physical lines


def physical_lines(body: bytes) -> list[bytes]:
    """The lines after the header, ended by LF or CRLF; the last one may have no end."""
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


PIECES = st.sampled_from(
    ["a", "ж", ",", ",", ",", '"', '"', '""', "\r", "\r\n", "\n", " ", "#", "'", "\\", "\u2028", ""]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
@example('a,"b\n,c\n')
@example('a,b,c\n"",b,c\n\n\n')
@example("a,b,c\r\r\n")
@example('"a""b",",",c\n"a"b,c,d')
def test_every_physical_line_is_a_record_or_unreadable(text: str) -> None:
    body = text.encode()
    structured = take_apart(HEADER + b"\n" + body, THREE)
    lines = physical_lines(body)
    assert structured.records == len(lines)
    numbers = sorted([*structured.cells["line"], *(line.line for line in structured.unreadable)])
    assert numbers == list(range(2, len(lines) + 2))
    for line in structured.unreadable:
        assert line.content == lines[line.line - 2]
    for number, *cells in structured.cells.iter_rows():
        (expected,) = csv.reader([lines[number - 2].decode()], strict=True)
        assert [cell or "" for cell in cells] == expected


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_accounted_for(body: bytes) -> None:
    content = HEADER + b"\n" + body
    if b"\0" in body or body.decode(errors="replace").encode() != body:
        assert refusal(content, fields=THREE) == "R15"
    else:
        assert take_apart(content, THREE).records == len(physical_lines(body))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])),
            min_size=3,
            max_size=3,
        ).filter(any),
        min_size=1,
        max_size=20,
    )
)
def test_what_a_csv_writer_wrote_is_read_back(rows: list[list[str]]) -> None:
    names = [field.name for field in THREE]
    content = csv_bytes(names, [dict(zip(names, row, strict=True)) for row in rows])
    structured = take_apart(content, THREE)
    assert structured.unreadable == ()
    assert [[cell or "" for cell in row[1:]] for row in structured.cells.iter_rows()] == rows


def test_a_stray_quote_spoils_its_own_line_only() -> None:
    structured = take_apart(HEADER + b'\na,b,c\na,"b,c\na,b,c\na,b"b,c\na,b,c\n', THREE)
    assert [line.line for line in structured.unreadable] == [3, 5]
    assert structured.cells["line"].to_list() == [2, 4, 6]


def test_short_long_and_blank_lines_are_unreadable_and_kept_as_they_came() -> None:
    structured = take_apart(HEADER + b"\na,b\na,b,c,d\n\na,b,c", THREE)
    assert [(line.line, line.content) for line in structured.unreadable] == [
        (2, b"a,b"),
        (3, b"a,b,c,d"),
        (4, b""),
    ]
    assert structured.cells.rows() == [(5, "a", "b", "c")]


def test_a_line_longer_than_a_block_is_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BLOCK", 16)
    body = b"a,b,c\n" * 5 + b"a," + b"x" * 100 + b",c\n" + b'a,"b,c\n' + b"a,b,c\n" * 5
    structured = take_apart(HEADER + b"\n" + body, THREE)
    assert [line.line for line in structured.unreadable] == [8]
    assert structured.cells["line"].to_list() == [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13]


def test_crlf_bom_and_the_order_of_columns_make_no_difference() -> None:
    rows = records("criminal_offence", 3)
    plain = take_apart(csv_bytes(NAMES, rows))
    for other in (
        csv_bytes(NAMES, rows, newline="\r\n"),
        codecs.BOM_UTF8 + csv_bytes(NAMES, rows),
        csv_bytes(NAMES[::-1], rows),
        csv_bytes(NAMES, rows).rstrip(b"\n"),
    ):
        structured = take_apart(other)
        assert structured.cells.equals(plain.cells)
        assert structured.unreadable == ()


def test_a_header_without_records_has_none() -> None:
    assert take_apart(HEADER, THREE).records == 0
    assert take_apart(HEADER + b"\n", THREE).records == 0


# Encodings and compression


@pytest.mark.parametrize(("encoding", "codec"), [("kz1048", "kz1048"), ("windows-1251", "cp1251")])
def test_a_declared_encoding_is_read(encoding: str, codec: str) -> None:
    text = "ғылым" if encoding == "kz1048" else "наука"
    content = csv_bytes(NAMES, [record("criminal_offence", 1, place_type=text)]).decode().encode(codec)
    assert take_apart(content, encoding=encoding).cells["place_type"].to_list() == [text]
    assert refusal(content) == "R15"


def test_utf16_nul_and_broken_utf8_are_another_encoding() -> None:
    content = csv_bytes(NAMES, records("criminal_offence", 2))
    assert refusal(content.decode().encode("utf-16")) == "R15"
    assert refusal(content + b"\0") == "R15"
    assert refusal(content + b"\xff") == "R15"
    assert refusal(content + "ж".encode()[:1]) == "R15"


def test_bytes_split_between_two_blocks_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BLOCK", 7)
    structured = take_apart(HEADER + "\nжжжжж,бб,ввв\n".encode(), THREE)
    assert structured.cells.rows() == [(2, "жжжжж", "бб", "ввв")]


def test_lines_that_end_in_cr_only_are_refused() -> None:
    assert refusal(csv_bytes(NAMES, records("criminal_offence", 3), newline="\r")) == "R01"


def test_a_carriage_return_inside_a_line_makes_it_unreadable() -> None:
    structured = take_apart(HEADER + b"\na,b\r,c\na,b,c\n", THREE)
    assert [line.content for line in structured.unreadable] == [b"a,b\r,c"]
    assert structured.cells.rows() == [(3, "a", "b", "c")]


def test_damaged_gzip_is_refused() -> None:
    packed = gzip.compress(csv_bytes(NAMES, records("criminal_offence", 20)))
    assert take_apart(packed, compression="gzip").records == 20
    flipped = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
    for damaged in (packed[:-9], packed[:-1], packed + b"more", packed + packed, flipped, b"no gzip", b""):
        assert refusal(damaged, compression="gzip") == "R01"


def test_a_gzip_bomb_is_stopped_at_the_ratio() -> None:
    assert refusal(gzip.compress(b"0" * 50_000_000), compression="gzip") == "R14"
    assert refusal(b"x" * 1001, limits={"max_bytes": 1000, "max_ratio": 200}) == "R14"


# Columns


def test_missing_unknown_and_repeated_columns_are_refused_each_with_its_code() -> None:
    rows = records("criminal_offence", 1)
    assert refusal(csv_bytes(NAMES[:-1], [{n: rows[0].get(n, "") for n in NAMES[:-1]}])) == "R16"
    assert refusal(csv_bytes([*NAMES, "surname"], rows)) == "R17"
    assert refusal(csv_bytes(NAMES, rows).replace(b"action,", b"action,kato,", 1)) == "R18"
    assert refusal(b"1,2,3\n4,5,6\n") == "R16"
    assert refusal(b"") == "R16"


def test_a_refusal_never_repeats_the_name_of_an_unknown_column() -> None:
    with pytest.raises(Refusal) as refused:
        take_apart(csv_bytes([*NAMES, "900514399017"], records("criminal_offence", 1)))
    assert "900514399017" not in str(refused.value)


# JSON Lines


@pytest.mark.parametrize(
    "line",
    [
        '{"action": "I", "action": "M"}',
        '{"action": {"a": 1}}',
        '{"action": ["I"]}',
        '{"latitude": NaN}',
        '{"latitude": -Infinity}',
        '["I"]',
        '"I"',
        "",
        "{",
        '{"action": "I"} {"action": "I"}',
        '{"kato": "\\ud800"}',
        '{"kato": "75\\u0000"}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_flat_json_object_is_unreadable(line: str) -> None:
    structured = take_apart(f'{{"action": "I"}}\n{line}\n{{"action": "D"}}\n'.encode(), format="jsonl")
    assert [(bad.line, bad.content.decode()) for bad in structured.unreadable] == [(2, line)]
    assert structured.cells["action"].to_list() == ["I", "D"]


def test_json_numbers_keep_their_digits() -> None:
    line = b'{"latitude": 43.250000, "damage_kzt": 1e3, "is_public_place": true, "committed_time": null, "kato": ""}\n'
    cells = take_apart(line, format="jsonl").cells
    assert cells.select("latitude", "damage_kzt", "is_public_place", "committed_time", "kato").rows() == [
        ("43.250000", "1e3", "true", None, None)
    ]


def test_an_unknown_key_refuses_the_file() -> None:
    assert refusal(b'{"action": "I", "line": "5"}\n', format="jsonl") == "R17"


# Types


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            ("committed_date", text)
            for text in (
                "31.02.2026",
                "2026-02-30",
                "2026-2-3",
                "20261013",
                "2026-13-01",
                "0000-01-01",
                "2026-10-13T00:00:00",
                "٢٠٢٦-10-13",
                " 2026-10-13",
                "2026-10-13\n",
                "+2026-10-13",
            )
        ),
        *(
            ("registered_at", text)
            for text in (
                "2026-10-14",
                "2026-10-14 10:00:00",
                "2026-10-14T10:00",
                "2026-10-14T24:00:00",
                "2026-10-14T23:59:60",
                "2026-10-14T10:00:00+05:00",
                "2026-10-14T10:00:00Z",
                "2026-10-14T10:00:00.5",
                "2026-02-29T10:00:00",
            )
        ),
        *(
            ("damage_kzt", text)
            for text in (
                "1e3",
                "1,000.00",
                "1 000",
                "1000,50",
                "+1",
                "1.234",
                ".5",
                "1.",
                "1_000",
                "१२",
                "12345678901234567.00",
                "--1",
                "NaN",
            )
        ),
        *(("is_public_place", text) for text in ("True", "1", "yes", "0", "ИСТИНА")),
    ],
)
def test_a_text_that_is_not_of_its_type_is_flagged_and_read_as_nothing(name: str, text: str) -> None:
    assert f"GEN-102:{name}" in flags_of(name, text)


@pytest.mark.parametrize("text", ["+1", "-1", "1.0", "1e2", "٣", "1" * 19, "1 "])
def test_an_integer_is_ascii_digits_alone(text: str) -> None:
    assert "GEN-102:suspects_count" in flags_of("suspects_count", text, "pretrial_decision")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("damage_kzt", "0"),
        ("damage_kzt", "-5.5"),
        ("damage_kzt", "1234567890123456.78"),
        ("latitude", "43.25"),
        ("committed_date", "2024-02-29"),
        ("registered_at", "2026-10-14T00:00:00"),
    ],
)
def test_a_text_of_its_type_is_not_flagged(name: str, text: str) -> None:
    assert not [flag for flag in flags_of(name, text) if flag.startswith("GEN-102")]


# Text


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        ("GEN-103", "place_type", "str\u200beet"),
        ("GEN-103", "place_type", "str\teet"),
        ("GEN-103", "kato", "\ufeff751110000"),
        ("GEN-103", "place_type", "a\u0085b"),
        ("GEN-103", "place_type", "a\ufffdb"),
        ("GEN-103", "place_type", "a\u2028b"),
        ("GEN-104", "place_type", " street"),
        ("GEN-104", "place_type", "street "),
        ("GEN-104", "damage_kzt", " 5"),
        ("GEN-105", "registering_body", "МVD-75"),
        ("GEN-105", "kato", "７51110000"),
        ("GEN-105", "erdr_number", "٢" * 15),
        ("GEN-202", "place_type", "-"),
        ("GEN-202", "place_type", "N/A"),
        ("GEN-202", "article_part", "нет"),
        ("GEN-202", "kato", "Белгісіз"),
        ("GEN-202", "erdr_number", "7" * 15),
        ("GEN-202", "erdr_number", "123456789012345"),
        ("GEN-303", "kato", "75111000"),
        ("GEN-303", "kato", "751110000\n"),
        ("GEN-303", "kato", "x751110000"),
        ("GEN-303", "committed_time", "24:00"),
        ("GEN-303", "article_part", "02"),
    ],
)
def test_a_text_that_breaks_a_text_rule_is_flagged(rule: str, name: str, text: str) -> None:
    assert f"{rule}:{name}" in flags_of(name, text)


def test_a_valid_record_has_no_flags() -> None:
    assert flags("criminal_offence", record("criminal_offence")) == [None]


@pytest.mark.parametrize("field", CRIMINAL.fields, ids=lambda field: field.name)
def test_patterns_mean_to_the_reader_what_they_mean_to_python(field: Field) -> None:
    if not field.pattern:
        assert not [flag for flag in flags_of(field.name, "zz") if flag.startswith("GEN-303")]
        return
    for text in (
        "751110000",
        "MVD-75",
        "MVD-7511-12",
        "22:15",
        "188-1",
        "2-1",
        "0",
        "26" + "7" * 13,
        "x",
        "1\n",
    ):
        expected = re.fullmatch(field.pattern.removeprefix("^").removesuffix("$"), text) is None
        assert (f"GEN-303:{field.name}" in flags_of(field.name, text)) is expected, text


# Between the records of a package


def test_a_repeated_key_is_found_across_slices_and_not_between_packages() -> None:
    rows = [record("criminal_offence", n, damage_kzt=str(i)) for i, n in enumerate((1, 2, 3, 1))]
    found = flags("criminal_offence", *rows)
    assert [bool(f and "GEN-501:action" in f) for f in found] == [True, False, False, True]


def test_empty_keys_are_not_equal() -> None:
    rows = [record("criminal_offence", 1, erdr_number="", damage_kzt=str(n)) for n in range(3)]
    assert not [
        flag for found in flags("criminal_offence", *rows) for flag in found or [] if flag.startswith("GEN-501")
    ]


def test_records_that_agree_in_all_but_the_key_are_flagged() -> None:
    rows = [record("criminal_offence", n, kui_number="267511800000001") for n in (1, 2)]
    assert flags("criminal_offence", *rows) == [["CRO-501:kui_number", "GEN-502:action"]] * 2


def test_a_code_that_reads_like_a_placeholder_is_a_value() -> None:
    assert CATALOGUE.rules["GEN-202"].parameters["placeholders"].count("none") == 1
    suspects = [record("suspect", n, preventive_measure=text) for n, text in enumerate(("none", "null"))]
    assert flags("suspect", *suspects) == [None, ["GEN-202:preventive_measure"]]


def test_a_key_too_long_for_an_index_is_kept_apart_by_its_digest() -> None:
    rows = [record("criminal_offence", 1, erdr_number=digit * 5000) for digit in "12"]
    cells = take_apart(jsonl_bytes(rows), format="jsonl").cells
    cells = cells.select(pl.lit(1, dtype=pl.Int64).alias("submission_seq"), pl.all())
    (typed,) = reader.type_records(cells, CRIMINAL, "2026.1", CATALOGUE)
    assert typed["record_key"].n_unique() == 2
    assert typed["record_key"].str.len_bytes().max() == len("sha256:") + 64
    assert typed["erdr_number"].to_list() == ["1" * 5000, "2" * 5000]


def test_a_device_that_records_too_much_an_hour_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = {
        "protocol_origin": "camera_fixed",
        "device_no": "DEMO-1",
        "device_certificate_until": "2027-01-01",
    }
    limited = CATALOGUE.rules["ADO-502"].parameters
    monkeypatch.setitem(limited, "max_per_hour", 2)
    times = ("09:00:00", "09:30:00", "09:59:59", "10:00:00")
    rows = [
        record("administrative_offence", n, committed_at=f"2026-10-14T{at}", **camera) for n, at in enumerate(times)
    ]
    found = flags("administrative_offence", *rows)
    assert ["ADO-502:device_no" in (f or []) for f in found] == [True, True, True, False]


def test_payloads_read_together_are_as_if_read_one_by_one() -> None:
    plain = csv_bytes(NAMES, records("criminal_offence", 3))
    head, _, body = plain.partition(b"\n")
    other_order = csv_bytes(NAMES[::-1], records("criminal_offence", 2, 40))
    facts = {"encoding": "utf-8", "compression": "none", "sha256": "", "records": 0, "control_totals": {}}
    sent = [
        plain,
        plain.replace(b"\n", b"\r\n"),
        plain.removesuffix(b"\n"),
        head,
        head + b"\n",
        other_order,
        plain.replace(b"street", b'"street, north"'),
        plain + b"one,two\n",
        plain + b"\n",
        plain.replace(b"\n", b"\r"),
        head + b",moon\n" + body,
        csv_bytes(NAMES, records("criminal_offence", 1, 50)),
    ]
    declared = [(content, Payload("records.csv", "csv", bytes=len(content), **facts)) for content in sent]
    lines = jsonl_bytes(records("criminal_offence", 2, 60))
    declared.insert(2, (lines, Payload("records.jsonl", "jsonl", bytes=len(lines), **facts)))

    def outcomes(payloads: Any, **how: Any) -> list[Any]:
        found = reader.structure_all(payloads, CRIMINAL.fields, LIMITS, **how)
        return [str(one) if isinstance(one, Refusal) else (one.cells.rows(), one.unreadable) for one in found]

    together = outcomes(declared)
    assert together == [outcome for one in declared for outcome in outcomes([one])]
    assert sum(isinstance(outcome, str) for outcome in together) == 2
    wanted = ["kato", "action"]
    for whole, part in zip(
        reader.structure_all(declared, CRIMINAL.fields, LIMITS),
        reader.structure_all(declared, CRIMINAL.fields, LIMITS, wanted),
        strict=True,
    ):
        if isinstance(whole, reader.Structured) and isinstance(part, reader.Structured):
            assert part.cells.rows() == whole.cells.select("line", *wanted).rows()
            assert part.unreadable == whole.unreadable


def test_control_totals_of_packages_read_together_are_their_own() -> None:
    amounts = [["0.10", "0.20"], [], ["5.00"], ["1e3"]]
    sent = [
        take_apart(csv_bytes(NAMES, [record("criminal_offence", n, damage_kzt=a) for n, a in enumerate(of_package)]))
        for of_package in amounts
    ]
    totals = [total["damage_kzt"] for total in reader.control_totals(sent, CRIMINAL)]
    assert [None if total is None else str(total) for total in totals] == ["0.30", "0", "5.00", None]


def test_control_totals_count_new_and_replacing_records_exactly(catalogue: Catalogue) -> None:
    amounts = {"I": "0.10", "M": "0.20", "D": "5.00"}
    rows = [
        record("criminal_offence", n, action=action, damage_kzt=amount)
        for n, (action, amount) in enumerate(amounts.items())
    ]
    (totals,) = reader.control_totals([take_apart(csv_bytes(NAMES, rows))], CRIMINAL)
    assert str(totals["damage_kzt"]) == "0.30"
    spoilt = take_apart(csv_bytes(NAMES, [*rows, record("criminal_offence", 9, damage_kzt="1e3")]))
    assert reader.control_totals([spoilt], CRIMINAL) == [{"damage_kzt": None}]
