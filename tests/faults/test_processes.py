"""The rows of daemons that stand still and of threads that fail: each thread is among them, and each finds a fault.

What is planted is done to the daemon's process before it starts.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults import complete, daemon
from tests.faults.matrix import Trial
from tests.faults.rows import processes, threads
from tests.faults.rows.threads import FAILING
from tests.integration.broker import free_port
from vwmon import config
from vwmon.clock import Clock
from vwmon.daemon import Daemon
from vwmon.service import Service
from vwmon.store import database

Works = Mapping[str, Callable[[], None]]
SCORING, OUTSIDE = list(FAILING).index("scoring"), list(FAILING).index("outside")
STOPS, SCORES_NO_MORE = processes.ORDER.index("stops"), processes.ORDER.index("scores no more")
ONE_MORE = """\
from vwmon.daemon import Daemon
watch_over = Daemon._watch_over
def with_one_more(self, stop, works, look):
    watch_over(self, stop, {**works, "counting": self._over.wait}, look)
Daemon._watch_over = with_one_more
"""
FORGIVES = """\
from vwmon.daemon import Daemon
guarded = Daemon._guarded
def forgiving(self, name, work):
    def again():
        try:
            work()
        except RuntimeError:
            self._over.wait()
    guarded(self, name, again)
Daemon._guarded = forgiving
"""
CALLS_IT_WELL = """\
from vwmon.daemon import Daemon, ThreadEndedError, log
from contextlib import suppress
run = Daemon.run
def well(self, stop):
    with suppress(ThreadEndedError):
        run(self, stop)
Daemon.run, log.exception = well, lambda *_: None
"""
WAITS_FOR_ALL = """\
from vwmon import daemon, outside
daemon.FAILED_S, daemon.GONE_S, outside.TIMEOUT_S = 30, 60, 9
"""
NEVER_ENDS = """\
import threading
from vwmon import daemon
daemon.STOPPED_S = 3
threading.Thread(target=threading.Event().wait, name="notifier").start()
"""
RECEIPTS_TOO_MUCH = """\
from vwmon import ingest
sort = ingest.sort
def careless(packets, prefix):
    kept = sort(packets, prefix)
    del kept.arrivals[1:]
    return kept
ingest.sort = careless
"""
ALWAYS_WELL = """\
from vwmon.daemon import _Pulse
_Pulse.beats = lambda self, turns: True
Outside._reason = lambda self: None
"""
FED_BY_ANOTHER = """\
import os, time
from vwmon.service import Service
parent = os.getpid()
if os.fork() == 0:
    while os.getppid() == parent:
        Service().alive()
        time.sleep(0.1)
    os._exit(0)
"""


def trial(folder: Path, seed: int) -> Trial:
    """A trial of one run; the seed says what is done."""
    return Trial(folder=folder, runs=1, seed=seed)


def test_every_thread_of_the_daemon_is_let_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row has a place for each thread of a daemon that has all of them: whatever makes threads makes one here."""
    settings = daemon.CONFIG.format(port=free_port(), more=complete.EVERYTHING.format(metrics=free_port()))
    complete.keep_address(tmp_path / "ping.url", "http://127.0.0.1:9/")
    complete.keep_address(tmp_path / "team.urls", "json://127.0.0.1:9/")
    database.create(tmp_path / "vwmon.db").close()
    made: dict[str, Works] = {}
    for name, method in list(vars(Daemon).items()):
        if getattr(method, "__annotations__", {}).get("return") == Works:
            monkeypatch.setattr(Daemon, name, _kept(made, name, method))
    seen: list[str] = []
    watch_over = Daemon._watch_over

    def watched(self: Daemon, stop: threading.Event, works: Works, look: Callable[[], None]) -> None:
        seen.extend(works)
        watch_over(self, stop, works, look)

    monkeypatch.setattr(Daemon, "_watch_over", watched)
    stop = threading.Event()
    stop.set()
    Daemon(config.parse(settings, tmp_path / "vwmon.toml"), Clock(), Service({})).run(stop)
    assert set(seen) == set(FAILING)
    assert made
    assert all(made.values()), "a setting that brings a thread is not in complete.EVERYTHING"


def _kept(made: dict[str, Works], name: str, method: Callable[..., Works]) -> Callable[..., Works]:
    def keeping(*arguments: Any) -> Works:  # noqa: ANN401 -- as the method
        made[name] = method(*arguments)
        return made[name]

    return keeping


@pytest.mark.slow
@pytest.mark.parametrize(
    ("thread", "planted", "found"),
    [
        (SCORING, ONE_MORE, {"counting: a thread that no row lets fail"}),
        (OUTSIDE, FORGIVES, {"outside: the process lives on"}),
        (
            SCORING,
            CALLS_IT_WELL,
            {
                "scoring: ended as if all were well",
                "scoring: the log does not name it",
                "scoring: the log does not tell the error",
            },
        ),
    ],
)
def test_a_thread_that_fails_and_is_not_told_of_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, thread: int, planted: str, found: set[str]
) -> None:
    """One that nobody lets fail, one that the daemon lives on without, and one that ends it without a word."""
    monkeypatch.setattr(threads, "LIVES_ON_S", 8)
    tally = threads.failed(trial(tmp_path, thread), planted)
    assert set(tally.broken) == found


@pytest.mark.slow
def test_a_process_that_waits_for_somebody_outside_before_it_ends_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ping that has no answer holds up the end."""
    monkeypatch.setattr(threads, "UNANSWERED", 1.0)
    tally = threads.failed(trial(tmp_path, SCORING), WAITS_FOR_ALL)
    assert [what.rpartition(" ended ")[0] for what in tally.broken] == ["scoring:"]


@pytest.mark.slow
def test_a_process_that_python_would_not_let_end_is_gone_all_the_same(tmp_path: Path) -> None:
    """As where a library began a thread for which there was no memory: Python waits for it for ever."""
    tally = threads.failed(trial(tmp_path, SCORING), NEVER_ENDS)
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())


@pytest.mark.slow
def test_a_reading_that_gets_lost_while_threads_fail_is_found(tmp_path: Path) -> None:
    """It had its receipt."""
    assert threads.failed(trial(tmp_path, SCORING), RECEIPTS_TOO_MUCH).lost > 0


@pytest.mark.slow
def test_a_daemon_that_is_stopped_comes_out_clean(tmp_path: Path) -> None:
    """Once, for a moment."""
    tally = processes.stands_still(trial(tmp_path, STOPS))
    assert (tally.runs, tally.lost, tally.doubled, tally.broken) == (1, 0, 0, ())


@pytest.mark.slow
def test_a_watchdog_that_another_process_feeds_is_found(tmp_path: Path) -> None:
    """While the daemon is stopped."""
    tally = processes.stands_still(trial(tmp_path, STOPS), FED_BY_ANOTHER)
    assert [what.partition(" times")[0].rstrip("0123456789 ") for what in tally.broken] == [
        "stops: its watchdog is fed"
    ]


@pytest.mark.slow(60)
def test_a_daemon_that_says_that_all_is_well_while_it_scores_no_more_is_found(tmp_path: Path) -> None:
    """To the service manager, and to whoever is pinged outside."""
    broken = processes.stands_still(trial(tmp_path, SCORES_NO_MORE), ALWAYS_WELL).broken
    assert [what.partition(" times")[0].rstrip("0123456789 ") for what in broken] == [
        "scores no more: its watchdog is fed",
        "scores no more: the outside is pinged",
    ]
