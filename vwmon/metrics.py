"""The daemon's figures for Prometheus, on this machine only: read from the database whenever they are asked for.

A thread of its own. Nothing in a name or a label says of whom or of which device something is. The format and the
server are those of prometheus-client, which is an extra and imported only here.
"""

import importlib.util
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from vwmon.config import Settings
from vwmon.patients.plans import CANARY
from vwmon.store import canary, database, monitor, outbox, pings, reckoning, trust
from vwmon.store.canary import State
from vwmon.store.monitor import Monitor
from vwmon.store.pings import Pings
from vwmon.store.reckoning import Reckoning
from vwmon.store.sqlite import Connection

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LIBRARY = "prometheus_client"
NOT_INSTALLED = "monitor.metrics: figures need prometheus-client, which is not installed: pip install 'vwmon[metrics]'"
LOOK_S = 0.5
REQUEST_S = 5.0
FILES = ("", "-wal")
_OPEN = f"""select lane, level, count(*) from alert left join stay using (stay_no)
    where state <> 'closed' and coalesce(pathway, '') <> '{CANARY}' group by 1, 2"""  # noqa: S608 -- our own name
_STAYS = f"select count(*) from stay where discharged_ms is null and pathway <> '{CANARY}'"  # noqa: S608 -- as above
LANES, LEVELS = ("clinical", "technical", "system"), (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the database says at one moment."""

    now_ms: int
    daemon: Monitor | None
    doubt: str | None
    canary: State | None
    books: Reckoning | None
    pinged: Pings | None
    waiting: int
    oldest_ms: int | None
    unreached_ms: int | None
    stays: int
    alerts: dict[tuple[str, int], int]
    size: int

    def age(self, at_ms: int | None) -> float | None:
        """Give how long ago something was, in seconds."""
        return None if at_ms is None else max(self.now_ms - at_ms, 0) / 1000


Figure = Callable[[Seen], float | None]


def _of_daemon(read: Callable[[Monitor], float | None]) -> Figure:
    return lambda seen: None if seen.daemon is None else read(seen.daemon)


def _of_books(read: Callable[[Reckoning], float]) -> Figure:
    return lambda seen: None if seen.books is None else read(seen.books)


# What is not known has no sample: a rule finds out with absent().
GAUGES: Final[tuple[tuple[str, str, Figure], ...]] = (
    (
        "vwmon_trusted",
        "1 while vwmon status trusts the list, 0 while it does not.",
        lambda seen: float(seen.doubt is None),
    ),
    ("vwmon_broker_connected", "1 while the daemon has its broker.", _of_daemon(lambda said: said.broker_connected)),
    (
        "vwmon_cycle_age_seconds",
        "How long ago a scoring cycle was completed.",
        lambda seen: seen.age(None if seen.daemon is None else seen.daemon.cycle_ms),
    ),
    (
        "vwmon_last_received_age_seconds",
        "How long ago a reading was received.",
        lambda seen: seen.age(None if seen.daemon is None else seen.daemon.last_received_ms),
    ),
    (
        "vwmon_lag_seconds",
        "How long the oldest reading that is not scored has waited.",
        _of_daemon(lambda said: said.lag_seconds),
    ),
    ("vwmon_stays", "Stays that are open.", lambda seen: seen.stays),
    ("vwmon_unaccounted", "What was received and is not accounted for.", _of_books(lambda books: books.lost)),
    ("vwmon_breaches", "Scores that ask for an alert of level 3 now.", _of_books(lambda books: books.breaches)),
    ("vwmon_breaches_without_alert", "Those of them without one.", _of_books(lambda books: books.unraised)),
    ("vwmon_moments_recounted", "Moments counted anew in the last round.", _of_books(lambda books: books.recounted)),
    (
        "vwmon_moments_amiss",
        "Those of them that come to another score, or to an alert that is not there.",
        _of_books(lambda books: books.amiss),
    ),
    ("vwmon_notifications_waiting", "Notifications that nobody has been told of.", lambda seen: seen.waiting),
    (
        "vwmon_notifications_oldest_seconds",
        "How long the oldest of them has waited; none waits where there is no sample.",
        lambda seen: seen.age(seen.oldest_ms),
    ),
    (
        "vwmon_nobody_reachable",
        "1 while an alert asks and nobody could be told of it.",
        lambda seen: float(seen.unreached_ms is not None),
    ),
    (
        "vwmon_ping_age_seconds",
        "How long ago somebody outside answered a ping.",
        lambda seen: seen.age(None if seen.pinged is None else seen.pinged.answered_ms),
    ),
    (
        "vwmon_canary_age_seconds",
        "How long ago a made-up reading was sent that came all the way round.",
        lambda seen: seen.age(None if seen.canary is None else seen.canary.came_ms),
    ),
    ("vwmon_database_bytes", "Size of the database and of its write-ahead log.", lambda seen: seen.size),
)
COUNTERS: Final[tuple[tuple[str, str, Figure], ...]] = (
    ("vwmon_received_messages", "Messages taken from the broker.", _of_books(lambda books: books.messages)),
    ("vwmon_quarantined_messages", "Those of no use.", _of_books(lambda books: books.quarantined)),
    ("vwmon_received_readings", "Readings in the other messages.", _of_books(lambda books: books.readings)),
    ("vwmon_stored_readings", "Those that were stored.", _of_books(lambda books: books.stored)),
    ("vwmon_duplicate_readings", "Those that had been stored before.", _of_books(lambda books: books.duplicates)),
    ("vwmon_refused_readings", "Those that could not be used.", _of_books(lambda books: books.refused)),
)


class Figures:
    """What prometheus-client collects."""

    def __init__(self, db: Connection, path: Path, now_ms: Callable[[], int]) -> None:
        """Read from a connection of one's own; `path` is the file that is measured."""
        self._db, self._path, self._now_ms = db, path, now_ms

    def collect(self) -> Iterator["Metric"]:
        """Yield every figure that is known."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 -- an extra

        seen = self._seen()
        for family, several in ((GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS)):
            for name, told, figure in several:
                value = figure(seen)
                if value is not None:
                    yield family(name, told, value=float(value))
        alerts = GaugeMetricFamily("vwmon_alerts_open", "Alerts that are open.", labels=("lane", "level"))
        for lane in LANES:
            for level in LEVELS:
                alerts.add_metric((lane, str(level)), seen.alerts.get((lane, level), 0))
        yield alerts

    def _seen(self) -> Seen:
        db, now_ms = self._db, self._now_ms()
        queue = outbox.waiting(db)
        daemon = monitor.read(db)
        return Seen(
            now_ms=now_ms,
            daemon=daemon,
            doubt=trust.doubt(db, daemon, now_ms),
            canary=canary.read(db),
            books=reckoning.read(db),
            pinged=pings.read(db),
            waiting=queue.waiting,
            oldest_ms=queue.oldest_ms,
            unreached_ms=outbox.unreachable(db, now_ms),
            stays=db.execute(_STAYS).fetchone()[0],
            alerts={(lane, level): count for lane, level, count in db.execute(_OPEN)},
            size=sum(_size(self._path.with_name(self._path.name + end)) for end in FILES),
        )


class Metrics:
    """The server that answers with the figures; used by one thread."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        """Take the address, so that one that is in use is known at the start: OSError."""
        from prometheus_client import CollectorRegistry, make_wsgi_app  # noqa: PLC0415 -- an extra

        assert settings.monitor.metrics is not None  # noqa: S101 -- the caller asked
        self._server = WSGIServer(settings.monitor.metrics, _Quiet)
        self._db = database.open_reader(settings.store.path)
        registry = CollectorRegistry()
        registry.register(Figures(self._db, settings.store.path, now_ms))
        self._server.set_app(make_wsgi_app(registry))
        self._server.timeout = LOOK_S

    def run(self, over: threading.Event) -> None:
        """Answer one request after the other until it is over."""
        with closing(self._db), self._server:
            while not over.is_set():
                self._server.handle_request()


class _Quiet(WSGIRequestHandler):
    """One request, which may not take for ever and is not worth a line."""

    timeout = REQUEST_S

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- as in the library
        """Say nothing."""


def names() -> Iterable[str]:
    """Name every figure as Prometheus knows it."""
    counted = [f"{name}_total" for name, *_ in COUNTERS]
    return [*(name for name, *_ in GAUGES), *counted, "vwmon_alerts_open"]


def faults(settings: Settings) -> tuple[str, ...]:
    """Say why figures cannot be given."""
    wanted = settings.monitor.metrics is not None
    return (NOT_INSTALLED,) if wanted and importlib.util.find_spec(LIBRARY) is None else ()


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
