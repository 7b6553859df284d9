"""What follows among records: which corrections stand, and which links between forms are broken on a day.

Here belongs a plain reading of the rules 6xx over everything that was sent, independent of the warehouse's own: the
truth that its verdicts are held to. A link looks at whether other records are sound in themselves, never at verdicts
about links. Keep out what a record breaks by itself (``flaws``).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ingestion.contract import Catalogue
from ingestion.demo.model import Package, Record, Values
from ingestion.demo.persons import VICTIMS_YOUNGER_THAN, is_younger

Broken = tuple[str, str, str]
"""A rule, its field, and the severity it has on the day."""
OFFENCE, DECISION, VERDICT = "criminal_offence", "pretrial_decision", "criminal_verdict"
NO_DAY = date(9999, 12, 31)


@dataclass(slots=True, eq=False)
class Version:
    """One record as received: its place, whether it is sound, and whether a later version took its place."""

    record: Record
    package: Package
    line: int
    own_error: bool
    rule: str | None = None
    kept: bool = False

    @property
    def values(self) -> Values:
        return self.record.values

    @property
    def form(self) -> str:
        return self.package.form.name

    @property
    def sender(self) -> str:
        return self.package.subject.code

    @property
    def received(self) -> date:
        return self.package.arrives or NO_DAY

    @property
    def is_sound(self) -> bool:
        return not self.own_error and self.rule is None and not self.kept


Key = tuple[str, tuple[str, ...]]


class Known:
    """Everything received by a day: versions by key, settled; and the live record of each key."""

    def __init__(self, catalogue: Catalogue, packages: Iterable[Package], today: date) -> None:
        self.catalogue, self.today = catalogue, today
        self.versions: dict[Key, list[Version]] = defaultdict(list)
        for package in packages:
            if package.arrives is not None and package.arrives < today:
                for index, record in enumerate(package.records):
                    if not record.spoilt:
                        version = Version(record, package, package.line_of(index), self._breaks_error(record))
                        key = tuple(record.values[name] for name in package.form.natural_key)
                        self.versions[package.form.name, key].append(version)
        for versions in self.versions.values():
            versions.sort(key=lambda v: (v.package.period, v.package.sequence, v.line, v.received))
        self._settle()

    def _breaks_error(self, record: Record) -> bool:
        return any(int(rule[4:]) < 600 and self.catalogue.rules[rule].is_error for rule, _ in record.broken)

    def _settle(self) -> None:
        """Settle decisions first, since a transfer lets another body correct; then annulments of parents, children
        first, until nothing changes (GEN-603)."""
        self.received_by: dict[str, set[str]] = defaultdict(set)
        for form in (DECISION, None):
            for key, versions in self.versions.items():
                if form is None or key[0] == form:
                    self._settle_key(key, versions)
            for (name, number), versions in self.versions.items():
                if form and name == DECISION:
                    bodies = {v.values["transfer_body"] for v in versions if v.is_sound} - {""}
                    self.received_by[number[0]] |= bodies
        while self._keep_annulments():
            pass
        self.live = {key: last for key, versions in self.versions.items() if (last := _live(versions))}
        self.by: dict[tuple[str, str, str], list[Version]] = defaultdict(list)
        for (form, _), version in self.live.items():
            for name in MEETING:
                if value := version.values.get(name):
                    self.by[form, name, value].append(version)

    def _settle_key(self, key: Key, versions: Sequence[Version]) -> None:
        owner = repairable = None
        for version in versions:
            action, sender = version.values["action"], version.sender
            version.rule = None
            if version.own_error or version.kept:
                repairable = sender if action == "I" and owner is None else repairable
            elif action == "I":
                if owner is None:
                    owner, repairable = sender, None
                else:
                    version.rule = "GEN-601"
            elif owner is None and (action != "M" or repairable is None):
                version.rule = "GEN-602"
            elif not self._may_correct(key, owner or repairable or sender, sender):
                version.rule = "GEN-604"
            elif action == "D":
                owner = repairable = None
            else:
                owner, repairable = owner or repairable, None

    def _may_correct(self, key: Key, owner: str, sender: str) -> bool:
        holder = self.catalogue.subjects[owner]
        of_case = self.received_by.get(key[1][0], set()) if self._is_of_case(key[0]) else set()
        return sender == owner or sender in (holder.parent, holder.covered_by) or sender in of_case

    def _is_of_case(self, form: str) -> bool:
        return self.catalogue.forms[form].natural_key[0] == "erdr_number"

    def _keep_annulments(self) -> bool:
        named = {
            (child.parent_form, tuple(live.values[own] for own, _ in child.parent_link))
            for (name, _), versions in self.versions.items()
            if (child := self.catalogue.forms[name]).parent_form and (live := _live(versions))
        }
        found = [
            (key, versions)
            for key, versions in self.versions.items()
            if key in named and any(v.values["action"] == "D" and v.is_sound for v in versions)
        ]
        for key, versions in found:
            for version in versions:
                version.kept = version.kept or version.values["action"] == "D"
            self._settle_key(key, versions)
        return bool(found)

    def one(self, form: str, *key: str) -> Values | None:
        version = self.live.get((form, key))
        return version.values if version else None

    def about(self, form: str, name: str, value: str) -> list[Values]:
        """The live records of a form with this value of a field."""
        return [version.values for version in self.by.get((form, name, value), ())]

    def column(self, code_list: str, column: str) -> Mapping[str, str]:
        return {code.code: code.row.get(column, "") for code in self.catalogue.code_lists[code_list]}


def _live(versions: Sequence[Version]) -> Version | None:
    sound = [version for version in versions if version.is_sound]
    return sound[-1] if sound and sound[-1].values["action"] != "D" else None


def broken_links(known: Known) -> dict[tuple[Package, int], list[Broken]]:
    """What each record breaks among others today; of a key only from its last accepted version on."""
    reader = _Reader(known)
    found: dict[tuple[Package, int], list[Broken]] = {}
    for versions in known.versions.values():
        judged = [(version, reader.broken(version)) for version in versions]
        accepted = [
            place
            for place, (version, links) in enumerate(judged)
            if version.is_sound and all(severity != "error" for _, _, severity in links)
        ]
        for place, (version, links) in enumerate(judged):
            if place >= max(accepted, default=-1):
                rules = [(version.rule, "action", "error")] if version.rule else []
                if rules or links:
                    found[version.package, version.line] = rules + links
    return found


def cleared(known: Known, broken: Mapping[tuple[Package, int], Sequence[Broken]]) -> set[tuple[Package, int]]:
    """Records whose errors a later accepted version clears."""
    found = set()
    for versions in known.versions.values():
        accepted = [
            place
            for place, version in enumerate(versions)
            if version.is_sound
            and all(severity != "error" for _, _, severity in broken.get((version.package, version.line), ()))
        ]
        for version in versions[: max(accepted, default=0)]:
            found.add((version.package, version.line))
    return found


class _Reader:
    """The rules of each form over one version."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.effects = known.column("pretrial_decision_type", "effect")
        self.awards = known.column("civil_outcome", "award")
        self.closing = {
            code for code, effect in known.column("execution_event", "effect").items() if effect == "closed"
        }
        self.chapters = known.column("criminal_article", "chapter")
        self.from_14 = known.column("criminal_article", "age_14_parts")
        self.subject_of = known.column("court", "subject")
        self.rules: dict[str, Callable[[Version], Iterator[tuple[str, str, bool]]]] = {
            OFFENCE: self._offence,
            DECISION: self._decision,
            "suspect": self._suspect,
            "victim": self._victim,
            VERDICT: self._verdict,
            "sentence_execution": self._sentence,
            "civil_case": self._higher_instance,
            "administrative_court_case": self._higher_instance,
            "enforcement_proceeding": self._enforcement,
            "administrative_offence": self._protocol,
            "administrative_decision": self._penalty,
            "fine_payment": self._payment,
        }

    def broken(self, version: Version) -> list[Broken]:
        if not version.is_sound:
            return [("GEN-603", "action", "error")] if version.kept and not version.own_error else []
        if version.values["action"] == "D" or version.form not in self.rules:
            return []
        found = [*self._general(version), *self.rules[version.form](version)]
        return [(rule[:7], name, self._severity(rule, version)) for rule, name, holds in found if not holds]

    def _severity(self, rule: str, version: Version) -> str:
        """The severity today: some rules wait for the other record first."""
        days, is_error = SEVERITY.get(rule, (None, True))
        if days is not None:
            is_error = version.received + timedelta(days=days + 1) <= self.known.today
        return "error" if is_error else "warning"

    def _due(self, day: str, days: int) -> bool:
        return date.fromisoformat(day[:10]) + timedelta(days=days + 1) <= self.known.today

    def _general(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        form, values, subject = version.package.form, version.values, version.package.subject
        if form.place_field and subject.region and values[form.place_field]:
            yield "GEN-605", form.place_field, values[form.place_field][:2] == subject.region[:2]
        for name in ("registering_body", "decision_body", "execution_body", "executor", "body"):
            if values.get(name):
                yield "GEN-606", name, self._speaks_for(subject.code, values[name])
        if form.name in (*PERSONS, VERDICT) and values["iin"]:
            known = [v for name in PERSONS for v in self.known.about(name, "iin", values["iin"])]
            stated = ({v[name] for v in known} - {""} for name in ("birth_date", "sex"))
            yield "IDN-601", "iin", all(len(values_of_one) <= 1 for values_of_one in stated)
        if form.name != DECISION and values.get("court"):
            yield "GEN-606", "court", self.subject_of[values["court"]] == subject.code

    def _speaks_for(self, sender: str, body: str) -> bool:
        registry = self.known.catalogue.subjects
        above = registry.get(body)
        if above and above.covered_by == sender:
            return True
        while above and above.code != sender:
            above = registry.get(above.parent or "")
        return above is not None

    def _offence(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        number, known = values["erdr_number"], self.known
        decisions = sorted(known.about(DECISION, "erdr_number", number), key=lambda d: int(d["decision_no"]))
        if values["offence_stage"] == "completed" and self.chapters[values["article"]] in ("1", "2", "6"):
            has_victim = bool(known.about("victim", "erdr_number", number))
            yield "CRO-601", "erdr_number", has_victim or not self._due(values["registered_at"], 30)
        if decisions and self.effects[decisions[-1]["decision_type"]] == "court":
            yield "CRO-602", "erdr_number", bool(known.about("suspect", "erdr_number", number))
        if values["action"] == "M":
            earlier = [v for v in known.versions[OFFENCE, (number,)] if v.is_sound]
            before = earlier[earlier.index(version) - 1].values["severity"] if earlier.index(version) else ""
            is_requalified = any(
                d["decision_type"] == "requalified" and d["decision_date"] <= version.package.period.isoformat()
                for d in decisions
            )
            is_stated = values["correction_reason"] in ("law_changed", "court_act")
            yield "CRO-603", "erdr_number", values["severity"] >= before or is_requalified or is_stated

    def _decision(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        offence = self.known.one(OFFENCE, values["erdr_number"])
        yield "PTD-601", "erdr_number", offence is not None
        others = self.known.about(DECISION, "erdr_number", values["erdr_number"])
        number = int(values["decision_no"])
        earlier = [d for d in others if int(d["decision_no"]) < number]
        later = [d for d in others if int(d["decision_no"]) > number]
        yield "PTD-603", "decision_date", all(d["decision_date"] <= values["decision_date"] for d in earlier)
        last = max((int(d["decision_no"]) for d in earlier), default=0)
        yield "PTD-603/gap", "decision_no", last == number - 1
        previous = next((d["decision_type"] for d in earlier if int(d["decision_no"]) == number - 1), None)
        if previous or number == 1:
            effect = self.effects[previous] if previous else "none"
            kind = values["decision_type"]
            follows = effect not in ("closed", "court") or kind in ("resumed", "returned")
            resumes = kind != "resumed" or effect in ("paused", "closed")
            yield "PTD-604", "decision_type", follows and resumes and (kind != "returned" or effect == "court")
        if offence:
            yield "PTD-602", "decision_date", values["decision_date"] >= offence["registered_at"][:10]
            if values["decision_type"] == "requalified" and self._due(values["decision_date"], 30):
                is_later = any(d["decision_type"] == "requalified" for d in later)
                yield "PTD-606", "article", is_later or _same(values, offence, "article", "article_part")

    def _suspect(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        offence = self.known.one(OFFENCE, values["erdr_number"])
        yield "SUS-601", "erdr_number", offence is not None
        articles = {d["article"] for d in self.known.about(DECISION, "erdr_number", values["erdr_number"])}
        if offence is None:
            return
        committed = date.fromisoformat(offence["committed_date"])
        dates = [day for day in (values["status_date"], values["detained_date"]) if day]
        yield "SUS-602", "status_date", all(day >= offence["committed_date"] for day in dates)
        if values["birth_date"]:
            listed = self.from_14[values["article"]]
            least = 14 if listed == "all" or values["article_part"] in (listed.split(";") if listed else ()) else 16
            yield "SUS-603", "birth_date", not is_younger(values["birth_date"], least, committed)
            is_minor = is_younger(values["birth_date"], 18, committed)
            yield "SUS-604", "is_minor", (values["is_minor"] == "true") == is_minor
        yield "SUS-605", "article", values["article"] in articles | {offence["article"]}

    def _victim(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        offence = self.known.one(OFFENCE, values["erdr_number"])
        yield "VIC-601", "erdr_number", offence is not None
        if offence is None:
            return
        article = offence["article"]
        others = self.known.about("victim", "erdr_number", values["erdr_number"])
        harms = {v["harm_kind"] for v in others if v["victim_no"] != values["victim_no"]} | {values["harm_kind"]}
        if offence["offence_stage"] == "completed" and article in ("99", "100", "101", "102", "103", "104"):
            yield "VIC-602", "harm_kind", "death" in harms
        if values["harm_kind"] == "death":
            may_kill = any(first <= int(article.split("-")[0]) <= last for first, last in DEADLY_ARTICLES)
            yield "VIC-602/death", "harm_kind", may_kill or self.chapters[article] == "18"
        if article == "120" and values["sex"]:
            yield "VIC-603", "sex", values["sex"] == "2"
        if values["birth_date"]:
            committed = date.fromisoformat(offence["committed_date"])
            if article in VICTIMS_YOUNGER_THAN:
                age = VICTIMS_YOUNGER_THAN[article]
                yield "VIC-604", "birth_date", is_younger(values["birth_date"], age, committed)
            is_minor = is_younger(values["birth_date"], 18, committed)
            yield "VIC-607", "is_minor", (values["is_minor"] == "true") == is_minor

    def _verdict(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        known, number = self.known, values["erdr_number"]
        suspect = known.one("suspect", number, values["person_no"])
        yield "CRV-601", "erdr_number", suspect is not None
        if suspect:
            yield "CRV-603", "iin", not (values["iin"] and suspect["iin"]) or values["iin"] == suspect["iin"]
            yield "CRV-605", "article", _same(values, suspect, "article", "article_part")
        about = [v for v in known.about(VERDICT, "erdr_number", number) if v["person_no"] == values["person_no"]]
        if values["instance"] == "first":
            yield (
                "CRV-602",
                "erdr_number",
                any(
                    self.effects[d["decision_type"]] == "court"
                    and d["court"] == values["court"]
                    and d["decision_date"] <= values["received_date"]
                    for d in known.about(DECISION, "erdr_number", number)
                ),
            )
            yield "CRV-606", "case_no", values["outcome"] not in SETTLING or not self._stands(values, about)
        else:
            yield (
                "CRV-604",
                "erdr_number",
                any(v["instance"] == "first" and v["decision_date"] < values["decision_date"] for v in about),
            )

    @staticmethod
    def _stands(values: Values, about: Sequence[Values]) -> bool:
        """Whether an earlier verdict of a first instance stands, quashed by none."""
        quashed = [v["decision_date"] for v in about if v["outcome"] == "quashed"]
        return any(
            v["instance"] == "first"
            and v["case_no"] != values["case_no"]
            and v["outcome"] in SETTLING
            and (v["decision_date"], v["case_no"]) < (values["decision_date"], values["case_no"])
            and not any(v["decision_date"] <= day <= values["decision_date"] for day in quashed)
            for v in about
        )

    def _sentence(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        verdict = self.known.one(VERDICT, values["case_no"], values["person_no"])
        yield "SEN-601", "case_no", verdict is not None and bool(verdict["punishment_type"])
        earlier = [
            e
            for e in self.known.about("sentence_execution", "case_no", values["case_no"])
            if e["person_no"] == values["person_no"] and int(e["event_no"]) < int(values["event_no"])
        ]
        rises = all(e["event_date"] <= values["event_date"] for e in earlier)
        is_closed = any(e["execution_event"] in self.closing for e in earlier)
        in_force = verdict["in_force_date"] if verdict else ""
        yield "SEN-602", "event_date", rises and not is_closed and values["event_date"] >= in_force
        if values["fine_paid_kzt"] and verdict and verdict["fine_kzt"]:
            paid = sum(Decimal(e["fine_paid_kzt"] or 0) for e in (*earlier, values))
            yield "SEN-603", "fine_paid_kzt", paid <= Decimal(verdict["fine_kzt"])
        if values["execution_event"] == "amnesty" and verdict:
            offence = self.known.one(OFFENCE, verdict["erdr_number"])
            is_before = offence is None or offence["committed_date"] < "2026-07-01"
            is_covered = verdict["severity"] in ("0", "1", "2") and values["event_date"] >= "2026-07-01"
            yield "SEN-605", "execution_event", is_covered and is_before

    def _higher_instance(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        if values["parent_case_no"]:
            lower = self.known.one(version.form, values["parent_case_no"])
            decided = lower["decision_date"] if lower else ""
            rule = "CIV-601" if version.form == "civil_case" else "APC-601"
            yield rule, "parent_case_no", bool(decided) and decided <= values["received_date"]

    def _enforcement(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        known, due = self.known, Decimal(values["due_kzt"] or 0)
        limit = None
        if case_no := values["source_case_no"]:
            cases = [c for f in ("civil_case", "administrative_court_case") if (c := known.one(f, case_no))]
            verdicts = known.about(VERDICT, "case_no", case_no)
            dates = [c["decision_date"] for c in (*cases, *verdicts) if c["decision_date"]]
            yield "ENF-601", "source_case_no", any(day <= values["doc_date"] for day in dates)
            awarded = [self._awarded(act, values) for act in (*cases, *verdicts)]
            limit = max((amount for amount in awarded if amount is not None), default=None)
        if number := values["source_decision_no"]:
            decision = known.one("administrative_decision", number)
            is_fine = decision is not None and decision["penalty_type"] == "fine"
            dated = decision["decision_date"] if decision else ""
            yield "ENF-602", "source_decision_no", is_fine and dated <= values["doc_date"]
            if decision and decision["fine_kzt"]:
                payments = known.about("fine_payment", "decision_no", number)
                paid = _paid(p for p in payments if p["paid_date"] < values["opened_date"])
                limit = Decimal(decision["fine_kzt"]) - paid
        if due and limit is not None:
            yield "ENF-603", "due_kzt", due <= limit + Decimal("0.01")
        if not values["closed_date"]:
            same = [
                p
                for p in known.about("enforcement_proceeding", "enforcement_doc_no", values["enforcement_doc_no"])
                if not p["closed_date"] and _same(p, values, "enforcement_doc_kind", "doc_date")
                if (p["opened_date"], p["proceeding_no"]) < (values["opened_date"], values["proceeding_no"])
            ]
            yield "ENF-604", "enforcement_doc_no", not same

    def _awarded(self, act: Values, proceeding: Values) -> Decimal | None:
        """What a court act gives to recover from the debtor of a proceeding; None where it does not say."""
        if "person_no" in act:
            debtor = proceeding["debtor_iin"]
            other = bool(act["iin"] and debtor and act["iin"] != debtor)
            silent = act["instance"] != "first" and not act["punishment_type"]
            return None if other or silent else _total(act, "fine_kzt", "damages_awarded_kzt")
        if "proceeding_kind" not in act:
            return Decimal(act["award_kzt"]) if act["award_kzt"] else None
        if not act["award_kzt"] and self.awards.get(act["outcome"]) != "zero":
            return None
        return _total(act, "award_kzt", "state_fee_kzt")

    def _protocol(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        has_decision = bool(self.known.about("administrative_decision", "protocol_no", values["protocol_no"]))
        yield "ADO-601", "protocol_no", has_decision or not self._due(values["registered_at"], 60)

    def _penalty(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        protocol = self.known.one("administrative_offence", values["protocol_no"])
        yield "ADD-601", "protocol_no", protocol is not None
        if protocol:
            committed = protocol["committed_at"][:10]
            yield "ADD-602", "decision_date", values["decision_date"] >= committed
            if values["penalty_type"] == "arrest" and protocol["birth_date"]:
                day = date.fromisoformat(committed)
                yield "ADD-604", "penalty_type", not is_younger(protocol["birth_date"], 18, day)
        others = self.known.about("administrative_decision", "protocol_no", values["protocol_no"])
        place = values["decision_date"], values["decision_no"]
        penalised = any(d["outcome"] == "penalty" and (d["decision_date"], d["decision_no"]) < place for d in others)
        yield "ADD-603", "protocol_no", values["outcome"] != "penalty" or not penalised
        if values["fine_kzt"] and self._due(values["pay_due_date"], 30):
            number = values["decision_no"]
            is_cancelled = any(d["outcome"] == "cancelled" and d["decision_date"] > place[0] for d in others)
            is_enforced = bool(self.known.about("enforcement_proceeding", "source_decision_no", number))
            yield "ADD-605", "pay_due_date", is_cancelled or is_enforced or self._is_paid(values)

    def _is_paid(self, decision: Values) -> bool:
        """In full, or by half where the decision allows it and the payment came within the term (demonstration)."""
        payments = self.known.about("fine_payment", "decision_no", decision["decision_no"])
        paid, fine = _paid(payments), Decimal(decision["fine_kzt"])
        reduced_on = min((p["paid_date"] for p in payments if _same(p, REDUCED, *REDUCED)), default=None)
        last = date.fromisoformat(decision["decision_date"]) + timedelta(days=REDUCED_TERM_DAYS)
        is_in_term = reduced_on is not None and reduced_on <= last.isoformat()
        return paid >= fine or (decision["is_reduced"] == "true" and is_in_term and paid >= fine / 2 - 1)

    def _payment(self, version: Version) -> Iterator[tuple[str, str, bool]]:
        values = version.values
        decision = self.known.one("administrative_decision", values["decision_no"])
        has_fine = decision is not None and bool(decision["fine_kzt"])
        yield "FPY-601", "decision_no", has_fine
        if decision is None or not has_fine:
            return
        earliest = decision["decision_date"]
        if values["is_reduced"] == "true":
            protocol = self.known.one("administrative_offence", decision["protocol_no"])
            earliest = protocol["committed_at"][:10] if protocol else ""
        yield "FPY-602", "paid_date", values["paid_date"] >= earliest
        payments = {p["payment_no"]: p for p in self.known.about("fine_payment", "decision_no", values["decision_no"])}
        payments[values["payment_no"]] = values
        paid = _paid(payments.values())
        fine = Decimal(decision["fine_kzt"])
        yield "FPY-603", "amount_kzt", 0 <= paid <= fine
        if values["is_reduced"] == "true":
            is_half = abs(Decimal(values["amount_kzt"]) - fine / 2) <= 1
            last = (date.fromisoformat(decision["decision_date"]) + timedelta(days=REDUCED_TERM_DAYS)).isoformat()
            is_in_term = values["paid_date"] <= last
            yield "FPY-604", "is_reduced", is_half and is_in_term and decision["is_reduced"] == "true"


PERSONS = ("suspect", "victim", "administrative_offence")
"""Forms that state a date of birth and a sex."""
MEETING = ("iin", "erdr_number", "case_no", "protocol_no", "decision_no", "enforcement_doc_no", "source_decision_no")
REDUCED = {"is_reduced": "true", "is_refund": "false"}
REDUCED_TERM_DAYS = 15
SETTLING = ("convicted", "convicted_released", "acquitted", "discontinued")
DEADLY_ARTICLES = (
    *((99, 106), (110, 110), (114, 125), (128, 128), (146, 146), (156, 156), (191, 194), (249, 292)),
    *((304, 304), (306, 306), (317, 317), (319, 320), (344, 360)),
)
SEVERITY: Mapping[str, tuple[int | None, bool]] = {
    **dict.fromkeys(("PTD-601", "SUS-601", "VIC-601", "SEN-601", "ADD-601", "FPY-601", "PTD-603/gap"), (10, False)),
    **dict.fromkeys(("CRV-601", "CRV-602", "CIV-601", "APC-601", "ENF-601", "ENF-602"), (30, False)),
    **dict.fromkeys(
        ("IDN-601", "GEN-605", "CRO-601", "CRO-603", "PTD-606", "SUS-605", "VIC-602/death", "VIC-603"), (None, False)
    ),
    **dict.fromkeys(("CRV-605", "SEN-605", "ENF-603", "ADO-601", "ADD-605", "FPY-604"), (None, False)),
}
"""Days after receipt until a rule is an error, or None and whether it is one from the start; errors are not listed."""


def _same(one: Values, other: Values, *names: str) -> bool:
    return all(one[name] == other[name] for name in names)


def _paid(payments: Iterable[Values]) -> Decimal:
    """The sum of payments less refunds."""
    return sum((Decimal(p["amount_kzt"]) * (-1 if p["is_refund"] == "true" else 1) for p in payments), Decimal(0))


def _total(values: Values, *names: str) -> Decimal:
    return sum((Decimal(values[name] or 0) for name in names), Decimal(0))
