"""What is wrong with patients' devices and what they send: one small check for each rule of the technical lane.

A check says that there is a fault, or that there is none; where nothing is known it says nothing, and what was found
stands: silence never clears. What follows is alerts.faults', what silence itself means the scorer's.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Final, NamedTuple

from alerts.faults import Finding
from alerts.model import SILENCE, SYSTEM_STAY
from alerts.policy import RULES
from devices.profiles import SLEEPERS
from devices.readings import MARK_CLOCK_AHEAD
from vwmon.beside import Beside
from vwmon.durations import DAY_MS, MINUTE_MS
from vwmon.provenance import ELSEWHERE
from vwmon.store import kit as stored
from vwmon.store.findings import Key
from vwmon.store.kit import Heard, Missing, Said, Tried
from vwmon.store.sqlite import Connection

WITHOUT_VALUE: Final = frozenset(
    {"value_missing", "value_not_a_number", "value_not_finite", "value_invalid", "value_zero"}
)
UNASSIGNED: Final = "unassigned"
OFFLINE: Final = "offline"
UNASSIGNED_WITHIN_MS: Final = 3_600_000  # a device that has been quiet for longer sends no longer
BEHIND_APART_MS: Final = 5 * MINUTE_MS  # what comes in one go is one: a spool that is emptied is no clock
BEHIND_TIMES: Final = 3
BEHIND_MOST_MS: Final = DAY_MS  # what is older when it comes is a recording, or a clock that was never set


class Behind(NamedTuple):
    """When a reading came, and how old it then was."""

    received_ms: int
    by_ms: int


@dataclass(slots=True)
class Series:
    """One vital of one device: its last reading, since when and how often its value is the same, what was refused.

    `behind` are its last readings that came some time apart, each as old as the first of them.
    """

    vital: str
    seq: int = 0
    value: float | None = None
    clock_ahead: bool | None = None
    observed_ms: int = 0
    received_ms: int = 0
    same_since_ms: int = 0
    same: int = 0
    behind: list[Behind] = field(default_factory=list)
    refused: list[Tried] = field(default_factory=list)

    def hear(self, heard: Heard) -> None:
        """Take what came since the last look; of what was there at the beginning it is not known how long it is so."""
        if not self.seq and heard.marks is None:
            self.same, self.same_since_ms = 0, heard.observed_ms
        elif heard.low == heard.high == self.value:
            self.same += heard.readings
        else:
            self.same, self.same_since_ms = 1, heard.observed_ms
        self.seq, self.value = heard.seq, heard.value
        self.observed_ms, self.received_ms = heard.observed_ms, heard.received_ms
        self.clock_ahead = None if heard.marks is None else bool(heard.marks & MARK_CLOCK_AHEAD)
        self.behind = [] if heard.marks is None else _behind(self.behind, heard)
        self.refused = [tried for tried in self.refused if tried.seq > heard.seq]


def _behind(before: list[Behind], heard: Heard) -> list[Behind]:
    """Give a run of readings that came equally old, with the one that came now; none when it is not old."""
    now = Behind(heard.received_ms, heard.received_ms - heard.observed_ms)
    if not _limit_ms() < now.by_ms <= BEHIND_MOST_MS:
        return []
    if not before or abs(now.by_ms - before[0].by_ms) > _limit_ms():
        return [now]
    return before if now.received_ms - before[-1].received_ms < BEHIND_APART_MS else [*before, now][-BEHIND_TIMES:]


def _limit_ms() -> float:
    return RULES["clock_behind"].limit_on * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One device of a stay, with all that is known of it at a moment."""

    said: Said
    series: tuple[Series, ...]
    missing: tuple[Missing, ...]
    now_ms: int
    sleeps: bool

    @property
    def heard_ms(self) -> int:
        """Give when its last reading was received; 0 when none ever was."""
        return max((series.received_ms for series in self.series), default=0)


class Kit:
    """The devices of the ward as they were heard so far; one thread uses it.

    A look judges the devices of which something has changed since the last one, and those on which time tells: of all
    others it would find what it found before, and what is known is no news.
    """

    def __init__(
        self,
        db: Connection,
        cursor: int,
        *,
        sleeping: Collection[str] = (),
        zone: Callable[[str], str] = lambda _ward: ELSEWHERE,
    ) -> None:
        """Read back the last of every series; `sleeping` are more profiles that leave without a goodbye.

        `zone` names the time zone of a ward.
        """
        self._db, self._sleeping = db, SLEEPERS.union(sleeping)
        self._beside = Beside(db, zone)
        self._series: dict[tuple[int, int], Series] = {}
        self._of_device: dict[int, list[Series]] = {}
        self._said: list[Said] = []
        self._held: dict[tuple[int, str], Said] = {}
        self._missing: Mapping[int, Sequence[Missing]] = {}
        self._changed: set[int] = set()
        self._timed: set[int] = set()
        self._names = stored.names(db)
        self._take(stored.latest(db, cursor), stored.tried(db, 0, cursor))
        self._looked_seq = cursor

    def look(self, now_ms: int, cursor: int, standing: Mapping[Key, Finding]) -> dict[int, list[Finding]]:
        """Give what is found of each stay's devices, and of those that are nobody's; the log is scored to `cursor`."""
        self._hear(cursor)
        self._follow_devices()
        judged = [said for said in self._said if said.device_no in self._changed or said.device_no in self._timed]
        self._changed.clear()
        found: dict[int, list[Finding]] = {}
        for said in judged:
            if said.stay_no is not None:
                seen = self._seen(said, now_ms)
                found.setdefault(said.stay_no, []).extend(one for check in CHECKS for one in check(seen))
        for stay_no, over in _gone(self._held, self._missing, standing, now_ms):
            found.setdefault(stay_no, []).append(over)
        for stay_no, awaited in self._beside.look(self._series, self._names, standing, now_ms):
            found.setdefault(stay_no, []).append(awaited)
        found[SYSTEM_STAY] = [one for said in judged for one in _unassigned(self._seen(said, now_ms))]
        return found

    def _seen(self, said: Said, now_ms: int) -> Seen:
        return Seen(
            said=said,
            series=tuple(self._of_device.get(said.device_no, ())),
            missing=tuple(self._missing.get(said.device_no, ())),
            now_ms=now_ms,
            sleeps=said.profile in self._sleeping,
        )

    def _hear(self, cursor: int) -> None:
        after = self._looked_seq
        merged = stored.merged_seq(self._db) > after
        came = stored.latest(self._db, cursor, after) if merged else stored.heard(self._db, after, cursor)
        self._take(came, stored.tried(self._db, after, cursor))
        self._looked_seq = cursor

    def _take(self, came: Iterable[Heard], tried: Iterable[Tried]) -> None:
        for heard in came:
            series = self._of(heard.device_no, heard.vital_no)
            if heard.seq > series.seq:
                series.hear(heard)
        for one in tried:
            series = self._of(one.device_no, one.vital_no)
            if one.seq > series.seq:
                series.refused.append(one)

    def _of(self, device_no: int, vital_no: int) -> Series:
        """Give a series that something came of."""
        self._changed.add(device_no)
        known = self._series.get((device_no, vital_no))
        if known is not None:
            return known
        if vital_no not in self._names:
            self._names = stored.names(self._db)
        series = self._series[device_no, vital_no] = Series(vital=self._names[vital_no])
        self._of_device.setdefault(device_no, []).append(series)
        return series

    def _follow_devices(self) -> None:
        """Take what devices say of themselves and whose they are, and what is missing of their counts."""
        before, self._said = self._said, stored.devices(self._db, self._said)
        self._missing = stored.missing(self._db)
        news = [(old, said) for old, said in zip_longest(before, self._said) if old is not said]
        # Whose they were first: two devices of one pass may have changed places.
        for old, _ in news:
            if old is not None and old.stay_no is not None:
                self._held.pop((old.stay_no, old.device))
        for _, said in news:
            if said.stay_no is not None:
                self._held[said.stay_no, said.device] = said
        self._changed.update(said.device_no for _, said in news)
        self._timed = {said.device_no for said in self._said if said.stay_no is None or said.status == OFFLINE}
        self._timed |= self._missing.keys()


def _disconnected(seen: Seen) -> Iterator[Finding]:
    """A device whose Will the broker has spoken; one that said goodbye, or sleeps between readings, is only silent."""
    said, since_ms = seen.said, seen.said.status_since_ms
    if said.status is None or since_ms is None:
        return
    if said.status == "online" or said.status_clean or seen.sleeps:
        yield _over("device_disconnected", said.device, since_ms)
    elif seen.heard_ms > since_ms:
        yield _over("device_disconnected", said.device, seen.heard_ms)
    else:
        yield from _lasting("device_disconnected", said.device, since_ms, seen)


def _battery(seen: Seen) -> Iterator[Finding]:
    said, rule = seen.said, RULES["battery_low"]
    if said.battery_percent is None or said.battery_ms is None:
        return
    if said.battery_percent <= rule.limit_on:
        figures = {"device": said.device, "percent": said.battery_percent}
        yield _on(rule.name, said.device, said.battery_ms, said.battery_ms, **figures)
    elif said.battery_percent >= rule.limit_off:
        yield _over(rule.name, said.device, said.battery_ms)


def _refused(seen: Seen) -> Iterator[Finding]:
    """Several results in a row that could not be used: nothing measured, or something that cannot be."""
    for series in seen.series:
        without = bool(series.refused) and series.refused[-1].reason in WITHOUT_VALUE
        for rule, mine in (("sensor_off", without), ("implausible", not without)):
            what = f"{seen.said.device} {series.vital}"
            if mine and len(series.refused) >= RULES[rule].limit_on:
                first, last = series.refused[0], series.refused[-1]
                figures = {"vital": series.vital, "count": len(series.refused), "sent": last.sent}
                at_ms = series.refused[int(RULES[rule].limit_on) - 1].received_ms
                yield _on(rule, what, first.received_ms, at_ms, device=seen.said.device, **figures)
            elif not series.refused and series.seq:
                yield _over(rule, what, series.received_ms)


def _frozen(seen: Seen) -> Iterator[Finding]:
    rule = RULES["frozen"]
    for series in (series for series in seen.series if series.vital in rule.vitals):
        what = f"{seen.said.device} {series.vital}"
        if series.same == 1:
            yield _over(rule.name, what, series.received_ms)
        elif series.same >= rule.limit_on and series.observed_ms - series.same_since_ms >= rule.on_delay_ms:
            figures = {"vital": series.vital, "value": series.value, "count": series.same}
            yield _on(rule.name, what, series.same_since_ms, series.received_ms, device=seen.said.device, **figures)


def _clock(seen: Seen) -> Iterator[Finding]:
    last = max(seen.series, key=lambda series: series.seq, default=None)
    if last is None or last.clock_ahead is None:
        return
    device = seen.said.device
    if last.clock_ahead:
        figures = {"minutes": RULES["clock_skew"].limit_on}
        yield _on("clock_skew", device, last.received_ms, last.received_ms, device=device, **figures)
    else:
        yield _over("clock_skew", device, last.received_ms)


def _late(seen: Seen) -> Iterator[Finding]:
    """Readings that come equally old every time: a clock that is behind, or a way that takes that long.

    A spool that is emptied has another age each time. What comes within the limit ends it, of whatever vital.
    """
    last = max(seen.series, key=lambda series: series.seq, default=None)
    if last is None or last.clock_ahead is None:
        return
    rule, device = RULES["clock_behind"].name, seen.said.device
    if len(last.behind) == BEHIND_TIMES:
        first, now = last.behind[0], last.behind[-1]
        yield _on(rule, device, first.received_ms, now.received_ms, device=device, minutes=now.by_ms // MINUTE_MS)
    elif not last.behind and last.received_ms - last.observed_ms <= _limit_ms():
        yield _over(rule, device, last.received_ms)


def _numbering(seen: Seen) -> Iterator[Finding]:
    """Each gap of a device's count is an item of its own, so that a new one is news while an old one lasts."""
    for gap in seen.missing:
        if gap.noticed_ms >= (seen.said.from_ms or 0):
            yield from _lasting("sequence_gap", _gap(seen.said, gap), gap.noticed_ms, seen, count=gap.messages)


CHECKS: Final[tuple[Callable[[Seen], Iterator[Finding]], ...]] = (
    _disconnected,
    _battery,
    _refused,
    _frozen,
    _clock,
    _late,
    _numbering,
)


def _gone(
    held: Mapping[tuple[int, str], Said],
    missing: Mapping[int, Sequence[Missing]],
    standing: Mapping[Key, Finding],
    now_ms: int,
) -> Iterator[tuple[int, Finding]]:
    """End what was found of a device that the stay no longer has, and of messages that have come after all."""
    for (stay_no, rule, what), finding in standing.items():
        if stay_no == SYSTEM_STAY or rule == SILENCE:
            continue
        said = held.get((stay_no, str(finding.figures.get("device"))))
        if said is None or (rule == "sequence_gap" and what not in map(partial(_gap, said), missing.get(said[0], ()))):
            yield stay_no, _over(rule, what, now_ms)


def _gap(said: Said, gap: Missing) -> str:
    return f"{said.device} {gap.first}-{gap.last}"


def _unassigned(seen: Seen) -> Iterator[Finding]:
    """A device that sends and is nobody's: what it measures is of a person whom nobody scores.

    What it still had to say when it was returned is no such thing; and one that sends no longer is a spare.
    """
    said, now_ms = seen.said, seen.now_ms
    if said.stay_no is not None or now_ms - seen.heard_ms > UNASSIGNED_WITHIN_MS:
        yield _over(UNASSIGNED, said.device, now_ms)
    elif seen.heard_ms - (said.freed_ms or 0) > RULES[UNASSIGNED].on_delay_ms:
        yield _on(UNASSIGNED, said.device, seen.heard_ms, now_ms, device=said.device)


def _lasting(rule: str, what: str, since_ms: int, seen: Seen, **figures: object) -> Iterator[Finding]:
    """Give a fault once it has lasted its on-delay, as of then."""
    counts_ms = since_ms + RULES[rule].on_delay_ms
    if seen.now_ms >= counts_ms:
        yield _on(rule, what, since_ms, counts_ms, device=seen.said.device, **figures)


def _on(rule: str, what: str, since_ms: int, at_ms: int, **figures: object) -> Finding:
    return Finding(rule=rule, what=what, since_ms=since_ms, at_ms=at_ms, figures=figures)


def _over(rule: str, what: str, at_ms: int) -> Finding:
    return Finding(rule=rule, what=what, since_ms=None, at_ms=at_ms)
