"""Sins against the rules of a cell of a subject's own report; what it is compared with is ``test_reconciliation``."""

from tests.sins import Sin

LAND = "000000000"
PROTOCOLS = {"report_code": "1-AD", "measure": "protocols", "criminal_article": "", "severity": ""}
CASES = {"report_code": "CR-1", "measure": "received"}
SUM = {"measure": "suspects", "report_code": "1-E", "severity": "3"}
MORE = {"measure": "interrupted", "report_code": "1-E", "severity": "3"}


def months(first: str, last: str, cumulative: str = "false") -> dict[str, str]:
    return {"period_start": f"2026-{first}", "period_end": f"2026-{last}", "is_cumulative": cumulative}


def cell(of: dict[str, str], territory: str, value: str) -> dict[str, str]:
    return of | {"territory": territory, "criminal_article": "188", "value": value}


AGGREGATE_REPORT: list[Sin] = [
    ("AGR-301", {"measure": "received"}, CASES),
    ("AGR-302", {"value": "0.01"}, {"measure": "damage_kzt", "value": "0.01"}),
    ("AGR-303", {"territory": "759999999"}, {"territory": LAND}),
    (
        "AGR-303",
        {"territory": "101000000", "period_start": "2022-01-01", "period_end": "2022-06-07"},
        {"territory": "101000000", "period_start": "2022-01-01", "period_end": "2022-06-08"},
    ),
    (
        "AGR-303",
        {"territory": "100000000", "period_start": "2022-01-01", "period_end": "2022-06-07"},
        {"territory": "100000000", "period_start": "2022-01-01", "period_end": "2022-06-08"},
    ),
    ("AGR-401", {"period_start": "2025-01-01"}, None),
    ("AGR-401", {"period_start": "2026-10-01"}, None),
    ("AGR-401", months("01-02", "09-30", "true"), None),
    ("AGR-401", months("08-01", "09-30"), months("07-01", "09-30")),
    ("AGR-401", months("09-01", "09-29"), months("09-01", "09-30")),
    ("AGR-402", {"administrative_article": "440"}, PROTOCOLS | {"administrative_article": "440"}),
    ("AGR-402", PROTOCOLS | {"severity": "2"}, PROTOCOLS),
    ("AGR-402", CASES | {"report_code": "EN-1", "severity": "", "criminal_article": "188"}, CASES),
    (
        "AGR-501",
        [cell(SUM, LAND, "4")],
        [cell(SUM, "710000000", "3"), cell(SUM, "750000000", "2")],
    ),
    (
        "AGR-501",
        [],
        [cell(MORE, LAND, "5"), cell(MORE, "710000000", "3"), cell(MORE, "750000000", "2")],
    ),
]
