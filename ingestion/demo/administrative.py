"""Administrative offences: protocols of officers and cameras."""

import hashlib
from collections import defaultdict
from datetime import date, timedelta

from ingestion.contract import Subject
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.workload import regional_weights, workload
from ingestion.demo.world import Draw, World

ROAD_ARTICLES = ("590", "594", "595", "596", "597", "599", "600", "602", "607", "612", "613", "615")
ROAD_CAMERA_ARTICLES = ("594", "595", "596", "597", "599", "600")
OTHER_ARTICLES = ("73", "73-3", "127", "434", "435", "436", "440", "441", "449", "492", "496", "505", "204")
BUSINESS_ARTICLES = ("272", "275", "278", "280", "282", "463", "505", "571", "434-2")


def protocols(plan: Plan, count: int) -> list[Record]:
    """Administrative offences of police, camera operators and other bodies, day by day."""
    world = plan.world
    weights = regional_weights(world, "administrative_offence", "administrative_offence")
    operators: dict[str | None, list[str]] = defaultdict(list)
    for subject in world.subjects:
        if subject.kind == "camera_operator":
            operators[subject.region].append(subject.code)
    origins = world.shares("administrative_offence", "origin_share")
    cameras = origins["camera_fixed"] + origins["camera_mobile"]
    total = sum(weights.values())
    for subject in world.subjects:
        if operators[subject.region] and subject.region and subject.code in weights:
            weights[subject.code] *= 1 - cameras
    region_share = world.shares("administrative_offence", "region_share")
    for region, codes in operators.items():
        share = region_share[region] * cameras if region else 0.05
        weights |= dict.fromkeys(codes, total * share / max(len(codes), 1))
    known = {code.code for code in world.catalogue.code_lists["administrative_article"]}
    maker = _Protocols(world, {region for region, codes in operators.items() if codes}, known)
    found = (
        plan.send(subject, "administrative_offence", day, maker.protocol(subject, day))
        for subject, day in workload(plan, "administrative_offence", count, weights)
    )
    return [record for record in found if record]


class _Protocols:
    """Makes administrative offences: who, where, what, by which device."""

    def __init__(self, world: World, covered: set[str | None], articles: set[str]) -> None:
        self.world = world
        self.covered = covered
        shares = world.shares("administrative_offence", "origin_share")
        camera = {name: share for name, share in shares.items() if name.startswith("camera")}
        self.cameras = Draw(camera)
        self.officers = Draw({name: share for name, share in shares.items() if name not in camera})
        self.any_origin = Draw(shares)
        self.articles = Draw(world.shares("administrative_offence", "article_share"))
        self.hours = Draw(world.shares("administrative_offence", "hour_share"))
        self.other_articles = [article for article in OTHER_ARTICLES if article in articles]
        self.business_articles = [article for article in BUSINESS_ARTICLES if article in articles]
        self.natural_only = {
            code.code
            for code in world.catalogue.code_lists["administrative_article"]
            if code.row["natural_only"] == "true"
        }

    def protocol(self, subject: Subject, day: date) -> Values:
        world, rng = self.world, self.world.rng
        origin = self._origin(subject)
        camera = origin.startswith("camera")
        lag = 0 if not camera and origin != "paper" else rng.choice((0, 0, 1, 1, 2, 3))
        hour = int(self.hours(rng))
        committed = world.clock(day - timedelta(days=lag), hour * 3600, hour * 3600 + 3599)
        start = (committed.hour * 3600 + committed.minute * 60 + committed.second) if lag == 0 else 0
        registered = world.clock(day, start)
        article, part, speeds = self._article(camera, subject)
        kato = world.place(subject)
        located = camera or world.chance(0.6)
        latitude, longitude = world.point(kato) if located else ("", "")
        device = f"DEMO-{subject.code.replace('-', '')}-{rng.randint(1, 40):03d}" if camera else ""
        valid_until = committed.date() + timedelta(days=rng.randint(20, 700))
        return {
            "action": "I",
            "correction_reason": "",
            "protocol_no": world.number(f"{day:%y}{kato[:2]}{digits(subject.code)}", 10),
            "protocol_origin": origin,
            "registered_at": registered.isoformat(),
            "committed_at": committed.isoformat(),
            "body": subject.code,
            "article": article,
            "article_part": part,
            "kato": kato,
            "latitude": latitude,
            "longitude": longitude,
            **self._offender(article, committed.date()),
            "device_no": device,
            "device_certificate_until": valid_until.isoformat() if camera else "",
            **speeds,
        }

    def _origin(self, subject: Subject) -> str:
        rng = self.world.rng
        if subject.kind == "camera_operator":
            return self.cameras(rng)
        if subject.kind == "prosecutor":
            return "prosecutor"
        if subject.kind != "police_department" or subject.region in self.covered:
            return self.officers(rng)
        return self.any_origin(rng)

    def _article(self, camera: bool, subject: Subject) -> tuple[str, str, Values]:
        rng = self.world.rng
        speeds = {"measured_speed": "", "speed_limit": ""}
        kind = self.articles(rng)
        if subject.kind in ("akimat", "state_revenue"):
            return rng.choice(self.business_articles), "1", speeds
        if kind == "592":
            part = rng.choices("1234", (60, 30, 8, 2))[0]
            low, high = {"1": (11, 20), "2": (21, 40), "3": (41, 60), "4": (61, 95)}[part]
            if camera:
                limit = rng.choice((60, 60, 60, 80, 90, 110))
                speeds = {"measured_speed": str(limit + rng.randint(low, high)), "speed_limit": str(limit)}
            return "592", part, speeds
        if kind == "601":
            return "601", rng.choice("12"), speeds
        if kind == "other_transport" or camera:
            return rng.choice(ROAD_CAMERA_ARTICLES if camera else ROAD_ARTICLES), rng.choice("123"), speeds
        return rng.choice(self.other_articles), rng.choice(("1", "1", "2", "")), speeds

    def _offender(self, article: str, day: date) -> Values:
        world, rng = self.world, self.world.rng
        empty = dict.fromkeys(("iin", "no_iin_reason", "bin", "birth_date", "sex"), "")
        kinds = ("natural", "official") if article in self.natural_only else ("natural", "small", "entrepreneur")
        kind = "natural" if world.chance(0.92) else rng.choice(kinds)
        if kind == "small":
            reason = {"no_iin_reason": "not_natural", "bin": world.organisation()}
            return {"offender_kind": rng.choice(("small", "medium", "large")), **empty, **reason}
        iin, birth_date, sex = world.person(day, youngest=22 if kind != "natural" else 16)
        if world.chance(0.02):
            return {
                "offender_kind": kind,
                **empty,
                "no_iin_reason": rng.choice(("foreign", "no_documents")),
                "sex": sex,
            }
        return {"offender_kind": kind, **empty, "iin": iin, "birth_date": birth_date, "sex": sex}


def digits(code: str) -> str:
    """Three digits for a body inside a protocol number, the same for the same body."""
    return f"{int.from_bytes(hashlib.sha256(code.encode()).digest()[:4], 'big') % 1000:03d}"
