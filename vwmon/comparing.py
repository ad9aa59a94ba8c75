"""What was stored of a stay against what its log makes of it again: to the bit, and every difference with its place.

Pure. Why the two differ is not known here: a database that was altered and a program of another version look alike.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from alerts.model import Event
from alerts.queries import utc
from vwmon.scoring.charts import PARTS
from vwmon.sources import Sources, measured
from vwmon.store.account import Account, Kept, Versions
from vwmon.store.scores import ScoreRow, unpack

PACKED = ("points_min", "points_max", "present")
UNCOMPARED = frozenset({"provenance_no", "event_no"})  # numbers of this database: the versions are compared as such
DIGITS = 10 ** len(PARTS)  # what is packed is below it
TIMES = "_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as the log makes it: where, and both values."""

    where: str
    stored: Any
    recomputed: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One kind of thing compared: how many there are, and every difference."""

    item: str
    count: int
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Tell whether all of it is the same to the bit."""
        return not self.differences


def compare(account: Account, told: Kept, alert_no: int, now: Versions) -> list[Compared]:
    """Compare one alert with the stay's scores and the readings that it stood on."""
    stored, sources = account.kept, Sources(account)
    events = stored.events_of(alert_no)
    found = [
        _compared("alert", 1, _alert(stored, told, alert_no)),
        _compared("history", len(events), _history(events, told.events_of(alert_no))),
        _compared("versions", len(stored.made_by), _versions(account, now)),
    ]
    if account.stay is None:
        return found  # the history of faults does not say when each was over
    return [
        _compared("readings", len(account.rows), _readings(account, sources, events)),
        _compared("scores", len(stored.scores), _scores(stored.scores, told.scores, sources)),
        _compared("conditions", len(stored.conditions), _conditions(stored, told)),
        *found,
    ]


def _compared(item: str, count: int, differences: Iterable[Difference]) -> Compared:
    return Compared(item=item, count=count, differences=tuple(differences))


def _readings(account: Account, sources: Sources, events: Iterable[Event]) -> Iterator[Difference]:
    """Find what an event says it stood on and the log does not have; each once, however many events say so."""
    if account.stay is not None and account.dropped_before_ms > account.stay.admitted_ms:
        yield Difference(
            where="the log", stored="every reading", recomputed=f"none before {utc(account.dropped_before_ms)}"
        )
    seen = set()
    for event in filter(measured, events):
        for part, found in sources.behind(event.evidence).items():
            at_ms = event.evidence["at_ms"] - event.evidence["ages_ms"][part]
            if found or (part, at_ms) in seen:
                continue
            seen.add((part, at_ms))
            there = sources.at(part, at_ms)
            said = [f"{source.value:g} (reading {source.seq})" for source in there]
            yield Difference(
                where=f"{part} at {utc(at_ms)}",
                stored=event.evidence["values"][part],
                recomputed=", ".join(said) or "no such reading",
            )


def _scores(stored: Sequence[ScoreRow], told: Sequence[ScoreRow], sources: Sources) -> Iterator[Difference]:
    """Compare the stored history of scores; where points differ, the reading that they are made of is named."""
    kept, again = ({row.at_ms: row for row in rows} for rows in (stored, told))
    for at_ms in sorted(kept.keys() | again.keys()):
        one, other = kept.get(at_ms), again.get(at_ms)
        where = f"score at {utc(at_ms)}"
        if one is None or other is None:
            yield Difference(where=where + _made_of(sources, at_ms), stored=_there(one), recomputed=_there(other))
            continue
        for column in ScoreRow._fields:
            ours, theirs = getattr(one, column), getattr(other, column)
            if column in UNCOMPARED or ours == theirs:
                continue
            if column in PACKED and 0 <= ours < DIGITS:
                yield from _packed(f"{where}, {column}", one.at_ms, (ours, theirs), sources)
            else:
                yield _differing(where, column, ours, theirs)


def _packed(where: str, at_ms: int, packed: tuple[int, int], sources: Sources) -> Iterator[Difference]:
    for part, ours, theirs in zip(sources.parts, *(unpack(one, len(sources.parts)) for one in packed), strict=True):
        if ours != theirs:
            source = sources.last(part, at_ms)
            named = "" if source is None else f" (reading {source.seq} of {utc(source.observed_ms)}: {source.value:g})"
            yield Difference(where=f"{where} of {part}{named}", stored=ours, recomputed=theirs)


def _made_of(sources: Sources, at_ms: int) -> str:
    found = sorted(source.seq for part in sources.parts for source in sources.at(part, at_ms))
    return f" (readings {', '.join(map(str, found))})" if found else ""


def _there(row: ScoreRow | None) -> str:
    return "no score" if row is None else f"{row.total_min} to {row.total_max}"


def _alert(stored: Kept, told: Kept, alert_no: int) -> Iterator[Difference]:
    one, other = stored.alerts[alert_no], told.alerts.get(alert_no)
    if other is None:
        yield Difference(where="alert", stored=one.id, recomputed="no alert")
        return
    yield from _fields("alert", asdict(replace(one, provenance_no=None)), asdict(replace(other, provenance_no=None)))


def _history(stored: Sequence[Event], told: Sequence[Event]) -> Iterator[Difference]:
    """Compare event by event; of a history that parts ways only the first event that does is compared in full."""
    for number, (one, again) in enumerate(zip(stored, told, strict=False), start=1):
        # Changes of before they were kept are none to compare.
        other = again if one.changes is not None else replace(again, changes=None)
        if one != other:
            yield from _fields(f"event {number} ({one.kind} at {utc(one.at_ms)})", asdict(one), asdict(other))
            return
    if len(stored) != len(told):
        rest = (max(stored, told, key=len))[min(len(stored), len(told))]
        yield Difference(
            where=f"events, from {rest.kind} at {utc(rest.at_ms)} on", stored=len(stored), recomputed=len(told)
        )


def _conditions(stored: Kept, told: Kept) -> Iterator[Difference]:
    for rule in sorted(stored.conditions.keys() | told.conditions.keys()):
        one, other = stored.conditions.get(rule), told.conditions.get(rule)
        if one is None or other is None:
            yield Difference(where=f"condition {rule}", stored=one is not None, recomputed=other is not None)
        elif one != other:
            yield from _fields(f"condition {rule}", asdict(one), asdict(other))


def _versions(account: Account, now: Versions) -> Iterator[Difference]:
    """Compare the versions but for the configuration, which takes no part in a patient's scores and alerts."""
    plans = {now.plan, "system"} if account.stay is None else {now.plan}
    for number in sorted(account.kept.made_by):
        one = account.versions.get(number)
        if one is None:
            yield Difference(where="versions", stored=f"number {number}, which is not there", recomputed=str(now))
            continue
        for name in ("software", "chart"):
            if getattr(one, name) != getattr(now, name):
                yield _differing("versions", name, getattr(one, name), getattr(now, name))
        if one.plan not in plans:
            yield _differing("versions", "plan", one.plan, now.plan)


def _fields(where: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    """Name the fields that differ, into mappings as deep as they go."""
    for name in dict.fromkeys([*one, *other]):
        ours, theirs = one.get(name), other.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            yield from _fields(f"{where}, {name}", ours, theirs)
        elif ours != theirs:
            yield _differing(where, name, ours, theirs)


def _differing(where: str, name: str, stored: Any, recomputed: Any) -> Difference:  # noqa: ANN401 -- of any column
    if name.endswith(TIMES) and isinstance(stored, int) and isinstance(recomputed, int):
        stored, recomputed = utc(stored), utc(recomputed)
    return Difference(where=f"{where}, {name.removesuffix(TIMES)}", stored=stored, recomputed=recomputed)
