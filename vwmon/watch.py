"""The scoring thread's turn: score what is new; when the log is scored to its end, let time pass; and say so.

The heartbeat is written here and only after a completed turn, so that a screen or a watchdog that trusts it trusts the
scoring itself. What is scored and raised is the scorer's, what can be wrong around it vwmon.surroundings' and
vwmon.kit's.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alerts.chain import Anchor
from alerts.model import SYSTEM_STAY
from vwmon import config, surroundings
from vwmon.certificates import Ending
from vwmon.clock import Clock
from vwmon.errors import StoreError
from vwmon.intake.protocol import LinkState
from vwmon.kit import Kit
from vwmon.provenance import ELSEWHERE
from vwmon.reckoner import Reckoner
from vwmon.scorer import Scorer
from vwmon.store import anchors, canary, database, monitor, outbox, reckoning, watched
from vwmon.store.arrivals import Counts
from vwmon.store.checked import Checked
from vwmon.store.monitor import Monitor
from vwmon.store.sqlite import Connection
from vwmon.surroundings import HOUR_MS, Look

TICK_MS = 1_000
BEAT_MS = 5_000
KIT_MS = 5_000
ANCHOR_MS = 600_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the watch is told of, besides the log; `anchors` is the file in which the history of alerts is anchored.

    `zone` names the time zone of a ward.
    """

    clock: Clock
    link: Callable[[], LinkState]
    last_received_ms: Callable[[], int | None]
    software: str
    config_hash: str
    limits: config.Monitor = field(default_factory=config.Monitor)
    counts: Callable[[], Counts] = Counts
    free_bytes: Callable[[], int | None] = lambda: None
    anchors: Path | None = None
    zone: Callable[[str], str] = lambda _ward: ELSEWHERE
    checked: Callable[[], Checked | None] = lambda: None
    certificates: Callable[[], tuple[Ending, ...]] = tuple


class Watch:
    """One daemon's scoring, tick and heartbeat; used by one thread."""

    def __init__(self, db: Connection, scorer: Scorer, around: Surroundings) -> None:
        """Begin with nothing said yet; the first turn writes a heartbeat."""
        self._db, self._scorer, self._around = db, scorer, around
        self._started_ms = around.clock.now_ms()
        self._ahead_ms = around.clock.machine_ms() - around.clock.steady_ms()
        self._before = before = monitor.read(db)
        self._last_ms = (None, None) if before is None else (before.last_received_ms, before.last_observed_ms)
        self._looked_ms = self._ticked_ms = self._beaten_ms = self._kit_ms = 0
        self._kit: Kit | None = None
        self._linked = self._news = False
        self._reckoner = Reckoner(db, around.counts, scorer, self._started_ms, around.clock.steady_ms)
        self._reckoned = self._reckoner.reckon(self._started_ms)
        self._anchored: Anchor | None = None
        self._anchored_ms = 0
        self.latest: Monitor | None = None

    def turn(self) -> bool:
        """Score one batch; with nothing left to score, tick. Return whether there may be more at once.

        What is wrong around is looked at first: it may hold back what this turn would raise.
        """
        now_ms = self._around.clock.now_ms()
        if not 0 <= now_ms - self._looked_ms < TICK_MS:
            self._looked_ms = now_ms
            self._look_around(now_ms)
        scored = self._scorer.cycle(now_ms)
        if not scored and not 0 <= now_ms - self._ticked_ms < TICK_MS:
            self._ticked_ms = now_ms
            self._scorer.tick(now_ms)
            self._look_at_kit(now_ms)
        self._news = self._news or scored > 0
        if self._beat_is_due(now_ms):
            self._beat(now_ms)
        if now_ms - self._anchored_ms >= ANCHOR_MS:
            self._anchor(now_ms)
        return scored > 0

    def stopped(self) -> None:
        """Say that the ward is no longer watched, and that it is so on purpose."""
        now_ms = self._around.clock.now_ms()
        self._beat(now_ms, stopped=True)
        self._anchor(now_ms)

    def _beat_is_due(self, now_ms: int) -> bool:
        """Tell whether it is time: sooner when something was scored.

        At once when the broker comes or goes, or the machine's clock is set: what commands go by is then another.
        """
        every_ms = TICK_MS if self._news else BEAT_MS
        if not 0 <= now_ms - self._beaten_ms < every_ms or self._around.link().connected != self._linked:
            return True
        return self.latest is not None and abs(self._held_ms(now_ms) - self.latest.held_ms) > TICK_MS

    def _held_ms(self, now_ms: int) -> int:
        """Give how far the machine's clock is behind."""
        return now_ms - self._around.clock.machine_ms()

    def _look_around(self, now_ms: int) -> None:
        """Raise or lower what is wrong with the whole service."""
        limits = self._around.limits
        held_ms = self._held_ms(now_ms)
        ahead_ms = now_ms - held_ms - self._around.clock.steady_ms()
        books = self._reckoned = self._reckoner.reckon(now_ms)
        look = Look(
            now_ms=now_ms,
            started_ms=self._started_ms,
            link=self._around.link(),
            heard_ms=self._around.last_received_ms(),
            stays=self._scorer.stays,
            lag_ms=self._scorer.lag_ms(now_ms),
            before=self._before,
            jumped_ms=ahead_ms - self._ahead_ms,
            held_ms=held_ms,
            free_bytes=self._around.free_bytes(),
            unreached_since_ms=outbox.unreachable(self._db, now_ms),
            unaccepted_since_ms=watched.unaccepted_since_ms(self._db, now_ms),
            refused_in_hour=watched.refused_since(self._db, now_ms - HOUR_MS, limits.quarantined_per_hour),
            lost=books.lost,
            lost_ms=self._reckoner.lost_ms,
            unraised=books.unraised,
            amiss=books.amiss,
            amiss_ms=self._reckoner.amiss_ms,
            canary=canary.read(self._db),
            checked=self._around.checked(),
            certificates=self._around.certificates(),
        )
        self._ahead_ms = ahead_ms
        self._scorer.find(SYSTEM_STAY, surroundings.found(look, limits, self._scorer.standing), now_ms)
        if any(rule == surroundings.DEAD for _, rule, _ in self._scorer.standing):
            self._before = None

    def _look_at_kit(self, now_ms: int) -> None:
        """Raise or lower what is wrong with the devices; only for a log that is scored to its end."""
        if 0 <= now_ms - self._kit_ms < KIT_MS:
            return
        self._kit_ms = now_ms
        if self._kit is None:
            sleeping = self._around.limits.sleeping_profiles
            self._kit = Kit(self._db, self._scorer.cursor, sleeping=sleeping, zone=self._around.zone)
        for stay_no, found in self._kit.look(now_ms, self._scorer.cursor, self._scorer.standing).items():
            self._scorer.find(stay_no, found, now_ms)

    def _anchor(self, now_ms: int) -> None:
        """Say, in the journal and in the file, how far the history of alerts goes; nothing when it went no further."""
        anchor = anchors.taken(self._db, now_ms)
        self._anchored_ms, before = now_ms, self._anchored
        if before is not None and (anchor.count, anchor.head) == (before.count, before.head):
            return
        log.info("%s", anchors.said(anchor))
        file = self._around.anchors
        if file is not None:
            if before is None and file.exists():
                self._look_back(file)
            anchors.append(file, anchor, make=True)
        self._anchored = anchor

    def _look_back(self, file: Path) -> None:
        """Say at the start when the history of alerts lacks what was anchored before; the ward is watched anyway."""
        try:
            lost = anchors.unknown(self._db, anchors.read(file))
        except StoreError as error:
            log.warning("audit_file_cannot_be_read error=%s", error)
            return
        if lost:
            log.error("audit_head_unknown first=%d anchors=%d see=vwmon alerts log --verify", lost[0].count, len(lost))

    def _beat(self, now_ms: int, *, stopped: bool = False) -> None:
        link = self._around.link()
        received_ms, observed_ms = self._last_ms = self._came_last()
        self.latest = Monitor(
            mode="live",
            started_ms=self._started_ms,
            cycle_ms=now_ms,
            broker_connected=link.connected,
            broker_since_ms=link.since_ms,
            last_received_ms=received_ms,
            last_observed_ms=observed_ms,
            readings=self._scorer.readings,
            lag_seconds=self._scorer.lag_ms(now_ms) / 1000,
            software=self._around.software,
            config_hash=self._around.config_hash,
            stopped_ms=now_ms if stopped else None,
            held_ms=self._held_ms(now_ms),
        )
        with database.atomic(self._db):
            monitor.beat(self._db, self.latest)
            reckoning.write(self._db, self._reckoned)
        self._beaten_ms, self._linked, self._news = now_ms, link.connected, False

    def _came_last(self) -> tuple[int | None, int | None]:
        """Give when something came last and when it was observed; what a daemon before this one knew counts too."""
        known = zip((self._scorer.last_received_ms, self._scorer.last_observed_ms), self._last_ms, strict=True)
        received_ms, observed_ms = (max(filter(None, pair), default=None) for pair in known)
        return received_ms, observed_ms
