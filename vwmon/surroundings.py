"""What can be wrong with the whole service: one small check for each rule of the system lane.

A check says that there is a fault, or that there is none; where it cannot tell it says nothing, and what was found
stands, also over a restart. What follows is alerts.faults'.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from alerts.faults import Finding
from alerts.model import SYSTEM_STAY
from vwmon import config
from vwmon.certificates import Ending
from vwmon.intake.protocol import LinkState
from vwmon.store import canary
from vwmon.store.canary import State
from vwmon.store.checked import Checked
from vwmon.store.findings import Key
from vwmon.store.monitor import Monitor

BROKER, SILENT, LAG, CLOCK_JUMP = "broker", "silent", "lag", "clock_jump"
DISK, NOTIFIER, DEAD, QUARANTINE, HANDOVER = "disk", "notifier", "dead", "quarantine", "handover"
UNACCOUNTED, UNRAISED, RECOUNT, NOT_WATCHING = "unaccounted", "unraised", "recount", "not_watching"
SESSION: Final = "session"
DAMAGED: Final = "damaged"
CERTIFICATE: Final = "certificate"
BROKER_GONE_MS: Final = 60_000
STEADY_FOR_MS: Final = 600_000  # a clock that has not jumped for so long is no longer news
HOUR_MS: Final = 3_600_000
MB: Final = 1_000_000
ROOM_AGAIN: Final = 1.2  # times the least room: the limit of a file that grows and shrinks is not crossed all day


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known of the service at one moment; None is what could not be found out.

    `heard_ms` is when the last usable message came in this run, `before` what the daemon before this one last said,
    `jumped_ms` how far the machine's clock has gone ahead of steady time since the last look, `held_ms` how far it is
    behind the ward's time. `lost` is how much of what was
    received in this run is not accounted for, `lost_ms` when that was last found to be more; `unraised` how many scores
    ask for an alert of level 3 and have none. `amiss` is how many moments came to something else when they were counted
    anew, `amiss_ms` when that was last found. `canary` is how the made-up readings go round, where any do,
    `checked` what the last check of the whole database came to. `certificates` are all that the way to the broker
    stands on.
    """

    now_ms: int
    started_ms: int
    link: LinkState
    heard_ms: int | None
    stays: int
    lag_ms: int
    before: Monitor | None
    jumped_ms: int = 0
    held_ms: int = 0
    free_bytes: int | None = None
    unreached_since_ms: int | None = None
    unaccepted_since_ms: int | None = None
    refused_in_hour: int = 0
    lost: int = 0
    lost_ms: int | None = None
    unraised: int = 0
    amiss: int = 0
    amiss_ms: int | None = None
    canary: State | None = None
    checked: Checked | None = None
    certificates: tuple[Ending, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One look, by the limits of the configuration, beside what stands already."""

    look: Look
    limits: config.Monitor
    standing: Mapping[Key, Finding]

    def stands(self, rule: str) -> Finding | None:
        """Give what was found by a rule and is not over."""
        return self.standing.get((SYSTEM_STAY, rule, ""))


def found(look: Look, limits: config.Monitor, standing: Mapping[Key, Finding]) -> list[Finding]:
    """Give what is wrong with the service and what no longer is."""
    judged = Judged(look=look, limits=limits, standing=standing)
    checked = [finding for check in CHECKS if (finding := check(judged)) is not None]
    return [*checked, *_certificates(judged)]


def _broker(judged: Judged) -> Finding | None:
    """Not connected for a minute; whether a broker is back is known from a connection alone, not from a new start."""
    link = judged.look.link
    if link.connected:
        return _over(BROKER, link.since_ms)
    counts_ms = link.since_ms + BROKER_GONE_MS
    return _on(BROKER, link.since_ms, counts_ms) if judged.look.now_ms > counts_ms else None


def _silent(judged: Judged) -> Finding | None:
    """No reading from anyone, while there is someone to read from."""
    look, after_ms = judged.look, judged.limits.silent_after_ms
    if not look.stays:
        return _over(SILENT, look.now_ms)
    heard_ms = look.started_ms if look.heard_ms is None else look.heard_ms
    if look.now_ms - heard_ms > after_ms:
        return _on(SILENT, heard_ms, heard_ms + after_ms)
    return None if look.heard_ms is None else _over(SILENT, look.heard_ms)


def _lag(judged: Judged) -> Finding | None:
    look, limit_ms = judged.look, judged.limits.lag_after_ms
    if look.lag_ms > limit_ms:
        return _on(LAG, look.now_ms - look.lag_ms, look.now_ms)
    return _over(LAG, look.now_ms) if look.lag_ms <= limit_ms // 2 else None


def _clock_jump(judged: Judged) -> Finding | None:
    look, stands = judged.look, judged.stands(CLOCK_JUMP)
    if abs(look.jumped_ms) > judged.limits.clock_jump_ms:
        return _on(CLOCK_JUMP, look.now_ms, look.now_ms, by_ms=look.jumped_ms)
    if look.held_ms > judged.limits.clock_jump_ms:
        return _on(CLOCK_JUMP, look.now_ms, look.now_ms, by_ms=-look.held_ms)
    steady = stands is not None and look.now_ms - (stands.since_ms or 0) > STEADY_FOR_MS
    return _over(CLOCK_JUMP, look.now_ms) if steady else None


def _jumped_ms(judged: Judged) -> int:
    """Give when the clock jumped, where that is news: what was before is older by it than by steady time."""
    look, stands = judged.look, judged.stands(CLOCK_JUMP)
    if abs(look.jumped_ms) > judged.limits.clock_jump_ms:
        return look.now_ms
    return 0 if stands is None else stands.since_ms or 0


def _disk(judged: Judged) -> Finding | None:
    look, least = judged.look, judged.limits.disk_free_mb * MB
    if look.free_bytes is None:
        return None
    if look.free_bytes < least:
        return _on(DISK, look.now_ms, look.now_ms, free_mb=look.free_bytes // MB)
    return _over(DISK, look.now_ms) if look.free_bytes >= least * ROOM_AGAIN else None


def _notifier(judged: Judged) -> Finding | None:
    """Somebody had to be told, and nobody could be reached."""
    look = judged.look
    if look.unreached_since_ms is None:
        return _over(NOTIFIER, look.now_ms)
    return _on(NOTIFIER, look.unreached_since_ms, look.now_ms, reached="nobody")


def _dead(judged: Judged) -> Finding | None:
    """Nobody watched between the last word of the daemon before and the start of this one, stopped or not."""
    look, before = judged.look, judged.look.before
    if judged.stands(DEAD) is not None:
        return _over(DEAD, look.started_ms)
    if before is None or before.mode != "live" or not look.stays:
        return None
    last_ms = before.stopped_ms or before.cycle_ms or before.started_ms
    if look.started_ms - last_ms <= judged.limits.unwatched_after_ms:
        return None
    return _on(DEAD, last_ms, look.started_ms, until_ms=look.started_ms)


def _quarantine(judged: Judged) -> Finding | None:
    look, most = judged.look, judged.limits.quarantined_per_hour
    if look.refused_in_hour >= most:
        return _on(QUARANTINE, look.now_ms, look.now_ms, in_hour=look.refused_in_hour)
    return _over(QUARANTINE, look.now_ms) if look.refused_in_hour <= most // 2 else None


def _handover(judged: Judged) -> Finding | None:
    due_ms = judged.look.unaccepted_since_ms
    return _over(HANDOVER, judged.look.now_ms) if due_ms is None else _on(HANDOVER, due_ms, due_ms)


def _unaccounted(judged: Judged) -> Finding | None:
    """More was received than became anything."""
    return _of_an_hour(judged, UNACCOUNTED, judged.look.lost_ms, lost=judged.look.lost)


def _unraised(judged: Judged) -> Finding | None:
    look = judged.look
    if look.unraised:
        return _on(UNRAISED, look.now_ms, look.now_ms, scores=look.unraised)
    return _over(UNRAISED, look.now_ms)


def _session(judged: Judged) -> Finding | None:
    """The broker did not know us where it should have."""
    return _of_an_hour(judged, SESSION, judged.look.link.lost_ms)


def _recount(judged: Judged) -> Finding | None:
    """Readings come to another score than the stored one, or to an alert that is not there."""
    return _of_an_hour(judged, RECOUNT, judged.look.amiss_ms, moments=judged.look.amiss)


def _of_an_hour(judged: Judged, rule: str, found_ms: int | None, **figures: object) -> Finding | None:
    """Give what nothing brings back: it is over when no more of it is found for an hour."""
    look, stands = judged.look, judged.stands(rule)
    if found_ms is not None and look.now_ms - found_ms <= HOUR_MS:
        return _on(rule, found_ms, found_ms, **figures)
    quiet = stands is not None and look.now_ms - max(stands.since_ms or 0, look.started_ms) > HOUR_MS
    return _over(rule, look.now_ms) if quiet else None


def _not_watching(judged: Judged) -> Finding | None:
    """A made-up reading did not come all the way round; that there is no canary any more ends it too."""
    look = judged.look
    trouble = canary.trouble(look.canary, look.now_ms, _jumped_ms(judged))
    if trouble is not None and look.canary is not None:
        return _on(NOT_WATCHING, look.canary.since_ms, look.now_ms, link=trouble)
    came = look.canary is None or look.canary.came_ms is not None
    return _over(NOT_WATCHING, look.now_ms) if came else None


def _damaged(judged: Judged) -> Finding | None:
    """What the last check of the whole database found; only another check ends it."""
    checked = judged.look.checked
    if checked is None:
        return None
    if checked.failed:
        return _on(DAMAGED, checked.at_ms, judged.look.now_ms, check=checked.failed[0])
    return _over(DAMAGED, judged.look.now_ms)


def _certificates(judged: Judged) -> Iterator[Finding]:
    """Each that ends soon is a fault by itself, over when it is there no longer: the next one may end soon too.

    What the broker shows is not known before it was reached; until then what was found of it stands.
    """
    look, soon_ms = judged.look, judged.look.now_ms + judged.limits.certificate_warns_ms
    untold = [one.whose for one in look.certificates if one.ends_ms is None]
    ending = {_named(one): one for one in look.certificates if one.ends_ms is not None and one.ends_ms <= soon_ms}
    for what, one in ending.items():
        figures = {"whose": one.whose, "file": str(one.file or ""), "until_ms": one.ends_ms}
        yield Finding(rule=CERTIFICATE, what=what, since_ms=look.now_ms, at_ms=look.now_ms, figures=figures)
    for _, rule, what in judged.standing:
        if rule == CERTIFICATE and what not in ending and what.partition(" ")[0] not in untold:
            yield Finding(rule=CERTIFICATE, what=what, since_ms=None, at_ms=look.now_ms)


def _named(one: Ending) -> str:
    """Name a certificate so that the one that takes its place is another."""
    return f"{one.whose} {one.ends_ms}"


CHECKS: Final[tuple[Callable[[Judged], Finding | None], ...]] = (
    _broker,
    _silent,
    _lag,
    _clock_jump,
    _disk,
    _notifier,
    _dead,
    _quarantine,
    _handover,
    _unaccounted,
    _unraised,
    _session,
    _recount,
    _not_watching,
    _damaged,
)


def _on(rule: str, since_ms: int, at_ms: int, **figures: object) -> Finding:
    return Finding(rule=rule, since_ms=since_ms, at_ms=at_ms, figures=figures)


def _over(rule: str, at_ms: int) -> Finding:
    return Finding(rule=rule, since_ms=None, at_ms=at_ms)
