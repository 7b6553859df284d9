"""The page of the rule catalogue says what the catalogue says, in three languages."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from expectations import rulebook
from ingestion.contract import LANGUAGES, Catalogue

DOCS = Path(__file__).parent.parent / "docs"


def test_the_published_pages_are_those_of_the_catalogue(catalogue: Catalogue) -> None:
    for path, text in rulebook.pages(catalogue, DOCS).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is not current: run zanstat rulebook"


def test_every_rule_stands_on_every_page_with_what_to_do_and_its_article(catalogue: Catalogue) -> None:
    for language in LANGUAGES:
        lines = rulebook.page(catalogue, language).splitlines()
        for rule in catalogue.rules.values():
            (row,) = [line for line in lines if line.startswith(f"| {rule.code} ")]
            assert rule.message[language].replace("|", "\\|") in row
            assert rule.law_ref in row
            assert row.replace("\\|", "").count("|") == 7


def test_a_rule_that_ends_says_so(catalogue: Catalogue) -> None:
    rule = replace(catalogue.general_rules[0], valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31))
    page = rulebook.page(replace(catalogue, general_rules=(rule,)), "ru")
    assert f"{rule.code} с 2026-01-01 по 2026-12-31" in page
