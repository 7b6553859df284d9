"""Which articles, parts and severities are in force on a day, and how often each occurs.

Keep out what the records say about an act.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

from ingestion.demo.world import Draw, World, in_force


class CriminalCode:
    """Articles, parts and severities in force on a day, drawn so that shares of articles and severities come
    out."""

    def __init__(self, world: World) -> None:
        self.rng = world.rng
        self.articles = {code.code: code for code in world.catalogue.code_lists["criminal_article"]}
        self.gradings = world.catalogue.code_lists["criminal_article_severity"]
        self.article_shares = world.shares("criminal_offence", "article_share")
        self.severity_shares = world.shares("criminal_offence", "severity_share")
        lists = (*self.articles.values(), *self.gradings)
        ends = {code.valid_to + timedelta(days=1) for code in lists if code.valid_to}
        self.changes = sorted({code.valid_from for code in lists} | ends)
        self.tables: dict[int, tuple[Draw, dict[tuple[str, str], str]]] = {}

    def _table(self, day: date) -> tuple[Draw, dict[tuple[str, str], str]]:
        era = bisect_right(self.changes, day)
        if era not in self.tables:
            graded: dict[tuple[str, str], str] = {}
            for code in self.gradings:
                article = self.articles.get(code.row["article"])
                if article is None or not (in_force(code, day) and in_force(article, day)):
                    continue
                if code.row["part"] or not article.row["parts"]:
                    graded[code.row["article"], code.row["part"]] = code.row["severity"]
            self.tables[era] = (Draw(self._weights(graded)), graded)
        return self.tables[era]

    def _weights(self, graded: Mapping[tuple[str, str], str]) -> dict[str, float]:
        weights: dict[str, float] = {}
        named = {article for key in self.article_shares for article in key.split(";")}
        for key, share in self.article_shares.items():
            group = {pair: s for pair, s in graded.items() if pair[0] in key.split(";")}
            weights |= self._spread(group, self.severity_shares, share)
        left = dict(self.severity_shares)
        for (article, part), severity in graded.items():
            left[severity] -= weights.get(f"{article}|{part}", 0.0)
        rest = {pair: s for pair, s in graded.items() if pair[0] not in named}
        positive = {severity: max(share, 0.002) for severity, share in left.items()}
        return weights | self._spread(rest, positive, self.article_shares["other"])

    @staticmethod
    def _spread(group: Mapping[tuple[str, str], str], shares: Mapping[str, float], total: float) -> dict[str, float]:
        size = Counter(group.values())
        whole = sum(shares[severity] for severity in size)
        return {f"{a}|{p}": total * shares[s] / size[s] / whole for (a, p), s in group.items()}

    def draw(self, day: date) -> tuple[str, str, str]:
        """Article, part (may be empty) and severity of an act committed on ``day``."""
        draw, graded = self._table(day)
        article, _, part = draw(self.rng).partition("|")
        return article, part, graded[article, part]

    def severity(self, article: str, part: str, day: date) -> str | None:
        return self._table(day)[1].get((article, part))

    def other_part(self, article: str, part: str, day: date) -> tuple[str, str] | None:
        """Another part of the article with its severity, if there is one on ``day``."""
        others = [(p, s) for (a, p), s in self._table(day)[1].items() if a == article and p != part]
        return self.rng.choice(others) if others else None

    def milder_part(self, article: str, severity: str, day: date) -> tuple[str, str] | None:
        """A part of the article that is a crime of lower severity, with its severity, if there is one on ``day``."""
        graded = self._table(day)[1].items()
        return next(((p, s) for (a, p), s in graded if a == article and "0" < s < severity), None)

    def longest(self, article: str, part: str, day: date) -> int:
        """Months of imprisonment the law allows for the pair, 0 for none (CRV-404)."""
        for code in self.gradings:
            if (code.row["article"], code.row["part"]) == (article, part) and in_force(code, day):
                return round(12 * float(code.row["max_imprisonment_years"] or 0))
        return 0

    def chapter(self, article: str) -> str:
        return self.articles[article].row["chapter"]

    def needs_damage(self, article: str) -> bool:
        return self.articles[article].row["chapter"] == "6" and article != "200"
