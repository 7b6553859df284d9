"""What the rules between forms look at, tonight or for a trial: records that changed, and everything they may change.

Here belong the records that arrived or changed standing, those whose day has come, all that share a link value with
them (a life course: an offence, its decisions, suspects, verdict ...), and which of all these are sound and live.
Keep out what rules say about them. Everything is kept in temporary tables of the connection:

- ``known_<form>``: every judged version of every record reached; ``reached`` numbers the round, -1 for records that
  are only peers (they share a person with a record looked at) and are not judged themselves;
- ``sound_<form>``: those that break no error rule of their own nor GEN-601, 602, 604, whatever other rules between
  forms say of them; ``is_kept`` marks an annulment that does not count (GEN-603);
- ``live_<form>``: of each record the last sound version, unless it annuls.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import psycopg

from expectations import corrections
from expectations.corrections import KEPT, LINKS, RULES, Place
from ingestion.contract import Catalogue, Form
from ingestion.tables import meeting_column

PEER = -1
ORDER = "period_to, package_sequence, line, submission_seq"
STANDING_EVENTS = ("judged", "restated", "reconciled", "linked", "withdrawn")

Key = tuple[str, str]
"""A form and a record key."""


@dataclass(frozen=True)
class Scope:
    """``forms`` have records to judge, received from ``days[0]`` to ``days[1]``. ``seen`` is the last event looked at,
    ``head`` the last that says how records stand; ``kept`` are the keys whose annulments do not count, ``was_kept``
    those of which it was so."""

    forms: tuple[Form, ...]
    seen: int
    head: int
    records: int = 0
    days: tuple[date, date] | None = None
    kept: frozenset[Key] = field(default_factory=frozenset)
    was_kept: frozenset[Key] = field(default_factory=frozenset)


def head(connection: psycopg.Connection) -> int:
    """The last ledger event that says how records stand."""
    row = connection.execute(
        "select seq from ledger.events where kind = any(%s) order by seq desc limit 1", [list(STANDING_EVENTS)]
    ).fetchone()
    return row[0] if row else 0


def _seen(connection: psycopg.Connection) -> int:
    row = connection.execute("select coalesce(max(seq), 0) from ledger.events").fetchone()
    return row[0] if row else 0


def gather(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    today: date,
    submissions: Mapping[str, Sequence[int]] | None = None,
) -> Scope:
    """Fill the temporary tables; costs what arrived and what hangs on it. Where ``submissions`` (form -> numbers) are
    given, their records are looked at instead of what changed since the last time; only temporary tables are touched
    then."""
    forms = list(catalogue.forms.values())
    seen, last = _seen(connection), head(connection)
    _create(connection, forms)
    judged, changed = (submissions, {}) if submissions is not None else _changed(connection, today)
    if not _seed(connection, forms, judged, changed):
        return Scope((), seen, last)
    if submissions is None:
        connection.execute("analyze ledger.progress")  # what was judged since it was loaded
    connection.execute("set local default_statistics_target = 10")  # enough to tell a night from a handful
    _follow(connection, forms)
    _add_peers(connection, forms)
    for form in forms:
        connection.execute(f"delete from known_{form.name} where submission_state = 'withdrawn'")
        connection.execute(f"analyze known_{form.name}")
        _find_unsound(connection, form)
    kept, was_kept = _keep(connection, catalogue)
    for form in forms:
        _show_sound(connection, form)
    counted = {form.name: _count(connection, form) for form in forms}
    looked_at = [days for records, *days in counted.values() if records]
    return Scope(
        forms=tuple(form for form in forms if counted[form.name][0]),
        seen=seen,
        head=last,
        records=sum(records for records, *_ in counted.values()),
        days=(min(first for first, _ in looked_at), max(end for _, end in looked_at)) if looked_at else None,
        kept=kept,
        was_kept=was_kept,
    )


def drop(connection: psycopg.Connection, forms: Iterable[Form]) -> None:
    """Take the temporary tables away."""
    names = [f"{kind}_{form.name}" for form in forms for kind in ("known", "unsound")]
    connection.execute(f"drop table if exists {', '.join(names)}, reached, link_value cascade")


def _create(connection: psycopg.Connection, forms: Sequence[Form]) -> None:
    connection.execute(
        "create temporary table reached (form text, record_key text, round integer, primary key (form, record_key));"
        "create temporary table link_value (name text, value text, round integer, primary key (name, value))"
    )
    for form in forms:
        connection.execute(
            f"create temporary table known_{form.name} as select *, 0 as reached from checked.{form.name} limit 0"
        )
        connection.execute(
            f"alter table known_{form.name} add column is_sound boolean default true, "
            "add column is_kept boolean default false, add column is_live boolean default true"
        )


# Who is looked at


def _changed(connection: psycopg.Connection, today: date) -> tuple[dict[str, list[int]], dict[str, list[Place]]]:
    """By form: submissions judged or withdrawn since the last time; records that changed standing, and those due."""
    row = connection.execute("select event_seq from ledger.linked").fetchone()
    since = row[0] if row else 0
    judged: dict[str, list[int]] = defaultdict(list)
    for name, seq in connection.execute(
        "select s.form, s.seq from ledger.progress p join ledger.submissions s on s.seq = p.submission_seq "
        "where p.judged_seq > %(since)s or p.withdrawn_seq > %(since)s",
        {"since": since},
    ):
        judged[name].append(seq)
    changed: dict[str, list[Place]] = defaultdict(list)
    for name, seq, line in connection.execute(
        "select s.form, v.submission_seq, v.line from quality.violations v "
        "join ledger.submissions s on s.seq = v.submission_seq "
        "join ledger.progress p on p.submission_seq = v.submission_seq "
        f"where p.judged_seq <= %(since)s and v.severity = 'error' and not ({LINKS}) "
        "and (v.found_seq > %(since)s or v.cleared_seq > %(since)s) "
        "union select s.form, u.submission_seq, u.line from quality.unmet_links u "
        "join ledger.submissions s on s.seq = u.submission_seq where u.changes_on <= %(today)s",
        {"since": since, "today": today},
    ):
        changed[name].append((seq, line))
    return judged, changed


def _seed(
    connection: psycopg.Connection,
    forms: Sequence[Form],
    judged: Mapping[str, Sequence[int]],
    changed: Mapping[str, Sequence[Place]],
) -> int:
    """Round 0: the records of these submissions, and these records."""
    named = {form.name for form in forms}
    reached = 0
    for name in named & judged.keys():
        seqs = list(judged[name])
        reached += connection.execute(
            f"insert into reached select distinct '{name}', record_key, 0 from raw.{name} "
            "where submission_seq = any(%s) and submission_seq between %s and %s and received_on between "
            "(select min(received_on) from ledger.submissions where seq = any(%s)) and "
            "(select max(received_on) from ledger.submissions where seq = any(%s)) "
            "and replace(record_key, '|', '') <> ''",
            [seqs, min(seqs), max(seqs), seqs, seqs],
        ).rowcount
    for name in named & changed.keys():
        places = changed[name]
        reached += connection.execute(
            f"insert into reached select distinct '{name}', record.record_key, 0 from raw.{name} as record "
            "join unnest(%s::bigint[], %s::integer[]) as place (submission_seq, line) using (submission_seq, line) "
            "where record.submission_seq between %s and %s and replace(record.record_key, '|', '') <> '' "
            "on conflict do nothing",
            [
                [seq for seq, _ in places],
                [line for _, line in places],
                min(seq for seq, _ in places),
                max(seq for seq, _ in places),
            ],
        ).rowcount
    return reached


def _follow(connection: psycopg.Connection, forms: Sequence[Form]) -> None:
    """Round by round: the values by which the records reached meet others, and the records that have these values.

    A person is followed once, from what changed: whoever shares it is judged, with the life course it stands in.
    """
    number = 0
    while _load(connection, forms, number):
        for form in forms:
            for name, columns in form.links.items():
                for column in columns:
                    connection.execute(
                        f"insert into link_value select distinct '{name}', {column}::text, {number} "
                        f"from known_{form.name} where reached = {number} and {column} is not null "
                        "on conflict do nothing"
                    )
        connection.execute("analyze link_value")
        for form in forms:
            for name, columns in form.links.items():
                for column in columns:
                    _reach(
                        connection,
                        form,
                        column,
                        f"select value from link_value where name = '{name}' and round = {number}",
                        number + 1,
                    )
        if number == 0:
            _meet(connection, forms, of=0, round_=1)
        number += 1


def _add_peers(connection: psycopg.Connection, forms: Sequence[Form]) -> None:
    """Records that share a person with a record looked at: they say what is known of the person."""
    _meet(connection, forms, of=None, round_=PEER)
    _load(connection, forms, PEER)


def _meet(connection: psycopg.Connection, forms: Sequence[Form], of: int | None, round_: int) -> None:
    fields = sorted({name for form in forms for name in form.peers})
    for name in fields:
        sharing = [form for form in forms if name in form.peers]
        known = " union ".join(
            f"select {name} from known_{form.name}" + ("" if of is None else f" where reached = {of}")
            for form in sharing
        )
        connection.execute(f"create temporary table person on commit drop as select {name} from ({known}) as known")
        connection.execute(f"delete from person where {name} is null")
        connection.execute("analyze person")
        for form in sharing:
            _reach(connection, form, name, f"select {name} from person", round_)
        connection.execute("drop table person")


def _reach(connection: psycopg.Connection, form: Form, column: str, values: str, round_: int) -> None:
    connection.execute(
        f"insert into reached select distinct '{form.name}', record_key, {round_} from raw.{form.name} as record "
        f"where {meeting_column(form, column)} in ({values}) and not exists (select from reached "
        f"where reached.form = '{form.name}' and reached.record_key = record.record_key)"
    )


def _load(connection: psycopg.Connection, forms: Sequence[Form], number: int) -> int:
    """Every judged version of the records reached in a round, and the withdrawn ones, which lead to others and then go;
    returns how many records."""
    connection.execute("analyze reached")
    of_round: dict[str, int] = dict(
        connection.execute("select form, count(*) from reached where round = %s group by 1", [number]).fetchall()
    )
    for form in forms:
        if form.name in of_round:
            connection.execute(
                f"insert into known_{form.name} select record.*, {number} from checked.{form.name} as record "
                f"where record.record_key in (select record_key from reached "
                f"where form = '{form.name}' and round = {number}) "
                "and record.submission_state in ('judged', 'withdrawn')"
            )
    return sum(of_round.values())


# How they stand


def _find_unsound(connection: psycopg.Connection, form: Form) -> None:
    """Versions that break an error rule of their own (ever) or stand against others of their key (now)."""
    connection.execute(
        f"""
        create temporary table unsound_{form.name} as
        select distinct v.submission_seq, v.line, false as is_kept
        from quality.violations as v
        join known_{form.name} as known using (submission_seq, line)
        where v.severity = 'error' and not ({LINKS}) and (v.rule <> all(%s) or v.cleared_seq is null)
        """,
        [list(RULES)],
    )
    connection.execute(f"create index on unsound_{form.name} (submission_seq, line)")


def _keep(connection: psycopg.Connection, catalogue: Catalogue) -> tuple[frozenset[Key], frozenset[Key]]:
    """Settle which annulments count: one of a record with live child records does not (GEN-603), so the record stays
    live, and the children with it. Begins with none kept and adds until nothing changes: children first, and no
    annulment is kept but for a live child. Returns the keys that are kept, and those that were before.

    More kept annulments never make a record less live, so the outcome does not depend on the order of looking. The
    keys settled here, and those of which a verdict between versions was cleared by a later version, get their soundness
    from the settling itself.
    """
    children, annulled = _children(connection, catalogue)
    settled = _outcomes(connection, catalogue, annulled, frozenset())
    settled_kept = _outcomes(connection, catalogue, annulled, annulled)
    kept: set[Key] = set()

    def is_live(child: Key, place: Place) -> bool:
        return child not in annulled or _live((settled_kept if child in kept else settled)[child]) == place

    while added := {
        parent
        for parent, named_by in children.items()
        if parent not in kept and any(is_live(child, place) for child, place in named_by)
    }:
        kept |= added
    was_kept = _kept_before(connection, catalogue)
    doubtful = annulled | was_kept | _cleared_between_versions(connection, catalogue)
    for (name, _), versions in _outcomes(connection, catalogue, doubtful, kept).items():
        _restand(connection, name, versions)
    return frozenset(kept), frozenset(was_kept)


Outcome = list[tuple[corrections.Version, corrections.Settled]]


def _outcomes(
    connection: psycopg.Connection, catalogue: Catalogue, keys: Iterable[Key], kept: Iterable[Key]
) -> dict[Key, Outcome]:
    of_form: dict[str, set[str]] = defaultdict(set)
    for name, key in keys:
        of_form[name].add(key)
    kept = set(kept)
    return {
        (name, key): versions
        for name, of_name in of_form.items()
        for key, versions in corrections.outcomes(
            connection, catalogue, catalogue.forms[name], sorted(of_name), {k for n, k in kept if n == name}
        ).items()
    }


def _is_sound(version: corrections.Version, settled: corrections.Settled) -> bool:
    return settled.rule is None and not version.broken and not version.kept


def _live(versions: Outcome) -> Place | None:
    sound = [v for v, settled in versions if _is_sound(v, settled)]
    return (sound[-1].submission_seq, sound[-1].line) if sound and sound[-1].action != "D" else None


def _children(
    connection: psycopg.Connection, catalogue: Catalogue
) -> tuple[dict[Key, set[tuple[Key, Place]]], set[Key]]:
    """Records that some version annuls -> their child records, each with the version that names the parent; and every
    record among both that some version annuls. A child that none annuls is live by what is written down."""
    children: dict[Key, set[tuple[Key, Place]]] = defaultdict(set)
    annulled: set[Key] = set()
    for child in catalogue.forms.values():
        parent = catalogue.forms.get(child.parent_form or "")
        if parent is None:
            continue
        named = ", ".join(f"child.{own}" for own, _ in child.parent_link)
        rows = connection.execute(
            f"""
            select parent.record_key, child.record_key, child.submission_seq, child.line, child.is_annulled
            from (
                select distinct record_key from known_{parent.name} where action = 'D' and reached <> {PEER}
            ) as parent
            join (
                select known.*, bool_or(known.action = 'D') over of_key as is_annulled,
                    lead(known.line) over of_key is null as is_last
                from known_{child.name} as known
                left join unsound_{child.name} as unsound using (submission_seq, line)
                where unsound.line is null
                window of_key as (
                    partition by known.record_key order by {ORDER}
                    rows between unbounded preceding and unbounded following
                )
            ) as child on concat_ws('|', {named}) = parent.record_key
            where (child.is_last or child.is_annulled) and child.action <> 'D'
            """
        )
        for parent_key, child_key, seq, line, is_annulled in rows:
            children[parent.name, parent_key].add(((child.name, child_key), (seq, line)))
            annulled.add((parent.name, parent_key))
            if is_annulled:
                annulled.add((child.name, child_key))
    return children, annulled


def _kept_before(connection: psycopg.Connection, catalogue: Catalogue) -> set[Key]:
    return {
        (form.name, key)
        for form in catalogue.forms.values()
        for (key,) in connection.execute(
            f"select distinct known.record_key from known_{form.name} as known "
            "join quality.unmet_links as unmet using (submission_seq, line) "
            f"where unmet.rule = '{KEPT}' and known.reached <> {PEER}"
        )
    }


def _cleared_between_versions(connection: psycopg.Connection, catalogue: Catalogue) -> set[Key]:
    return {
        (form.name, key)
        for form in catalogue.forms.values()
        for (key,) in connection.execute(
            f"select distinct known.record_key from known_{form.name} as known "
            "join quality.violations as v using (submission_seq, line) "
            "where v.rule = any(%s) and v.cleared_seq is not null",
            [list(RULES)],
        )
    }


def _restand(connection: psycopg.Connection, form: str, versions: Outcome) -> None:
    places = [(v.submission_seq, v.line, v.kept and not v.broken) for v, s in versions if not _is_sound(v, s)]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"delete from unsound_{form} where submission_seq = %s and line = %s",
            [(v.submission_seq, v.line) for v, _ in versions],
        )
        cursor.executemany(f"insert into unsound_{form} values (%s, %s, %s)", places)


def _show_sound(connection: psycopg.Connection, form: Form) -> None:
    """Most records have one version, which is sound and live: the others are marked.

    The indexes come first: a transaction may not use one that it made over rows it had updated in place.
    """
    known = f"known_{form.name}"
    for column in {name for columns in form.links.values() for name in columns}:
        connection.execute(f"create index on {known} ({column}) where is_live")
    connection.execute(
        f"update {known} as known set is_sound = unsound.is_kept, is_kept = unsound.is_kept, is_live = false "
        f"from unsound_{form.name} as unsound "
        "where (known.submission_seq, known.line) = (unsound.submission_seq, unsound.line)"
    )
    connection.execute(
        f"""
        update {known} as known set is_live = false
        from (
            select submission_seq, line,
                row_number() over (partition by record_key order by {_descending()}) as from_end
            from {known}
            where is_sound and not is_kept
            and record_key in (select record_key from {known} group by record_key having count(*) > 1)
        ) as version
        where version.from_end > 1 and (known.submission_seq, known.line) = (version.submission_seq, version.line)
        """
    )
    connection.execute(f"update {known} set is_live = false where action = 'D' and is_live")
    connection.execute(
        f"create temporary view sound_{form.name} as select * from {known} where is_sound;"
        f"create temporary view live_{form.name} as select * from {known} where is_live"
    )


def _descending() -> str:
    return ", ".join(f"{column} desc" for column in ORDER.split(", "))


def _count(connection: psycopg.Connection, form: Form) -> tuple[int, date, date]:
    row = connection.execute(
        f"select count(*), min(received_on), max(received_on) from sound_{form.name} where reached <> {PEER}"
    ).fetchone()
    assert row
    return row[0], row[1], row[2]
