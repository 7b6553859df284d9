"""The rule catalogue as a page a person reads: a pure function from the catalogue to Markdown, in one language.

Here belongs the page alone; the rules are data (``ingestion/forms``), and analysts have them in
``quality.rules``. What a rule asks is stated in English; what to do when it is broken, in all three languages.
"""

from collections.abc import Iterator
from pathlib import Path

from ingestion.contract import LANGUAGES, Catalogue, Form, Rule

WORDS = {
    "title": {"kk": "Ережелер каталогы", "ru": "Каталог правил", "en": "Rule catalogue"},
    "general": {"kk": "Барлық нысандар", "ru": "Все формы", "en": "All forms"},
    "rule": {"kk": "Ереже", "ru": "Правило", "en": "Rule"},
    "fields": {"kk": "Өрістер", "ru": "Поля", "en": "Fields"},
    "severity": {"kk": "Салдары", "ru": "Последствие", "en": "Severity"},
    "dimension": {"kk": "Сапа өлшемі", "ru": "Измерение качества", "en": "Dimension"},
    "message": {"kk": "Не істеу керек", "ru": "Что сделать", "en": "What must hold, and what to do"},
    "law": {"kk": "Құқықтық негізі", "ru": "Правовое основание", "en": "Law"},
    "refuse": {"kk": "пакет қабылданбайды", "ru": "пакет не принимается", "en": "package refused or held"},
    "error": {"kk": "қате: карантин", "ru": "ошибка: карантин", "en": "error: quarantined"},
    "warning": {"kk": "ескерту", "ru": "предупреждение", "en": "warning: let through"},
    "until": {"kk": "дейін", "ru": "по", "en": "until"},
    "from": {"kk": "бастап", "ru": "с", "en": "from"},
}
NOTE = {
    "en": "Made from `ingestion/forms` by `zanstat rulebook`; edit the forms, not this page. Thresholds, deadlines and "
    "code lists in words are demonstration values. The Kazakh and Russian words of this page are to be reviewed.",
    "ru": "Страница составлена из `ingestion/forms` командой `zanstat rulebook`. Пороги, сроки и словесные справочники "
    "приведены для демонстрации. Русские и казахские формулировки подлежат проверке.",
    "kk": "Бұл бет `ingestion/forms` деректерінен `zanstat rulebook` командасымен жасалған. Шектер, мерзімдер және "
    "сөзбен берілген анықтамалықтар көрсету үшін келтірілген. Қазақша және орысша тұжырымдар тексеруге жатады.",
}
ORDINARY_START = "2015-01-01"  # the form versions of today are valid from here


def pages(catalogue: Catalogue, folder: Path) -> dict[Path, str]:
    """``rules.<language>.md`` in ``folder`` for each language, with its text."""
    return {folder / f"rules.{language}.md": page(catalogue, language) for language in LANGUAGES}


def page(catalogue: Catalogue, language: str) -> str:
    """Every rule of the catalogue: those of all forms first, then form by form."""
    lines = [f"# {WORDS['title'][language]}", "", NOTE[language], ""]
    lines += _section(WORDS["general"][language], catalogue.general_rules, catalogue, language)
    for form in catalogue.forms.values():
        lines += _section(_title(form, language), form.rules, catalogue, language)
    return "\n".join(lines)


def _title(form: Form, language: str) -> str:
    return f"{form.title[language]} (`{form.name}`)"


def _section(title: str, rules: tuple[Rule, ...], catalogue: Catalogue, language: str) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    columns = ("rule", "fields", "severity", "dimension", "message", "law")
    yield f"| {' | '.join(WORDS[column][language] for column in columns)} |"
    yield f"|{'---|' * len(columns)}"
    dimensions = {code.code: code.label[language] for code in catalogue.code_lists["quality_dimension"]}
    for rule in rules:
        message = rule.message[language]
        cells = (
            rule.code + _validity(rule, language),
            ", ".join(f"`{name}`" for name in rule.fields),
            WORDS[rule.severity][language],
            dimensions[rule.dimension],
            f"{rule.statement} *{message}*" if language == "en" else message,
            rule.law_ref,
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _validity(rule: Rule, language: str) -> str:
    start = f" {WORDS['from'][language]} {rule.valid_from}" if str(rule.valid_from) != ORDINARY_START else ""
    return start + (f" {WORDS['until'][language]} {rule.valid_to}" if rule.valid_to else "")
