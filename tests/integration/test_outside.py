"""Somebody outside who is told that the ward is watched: by a daemon as a process, stopped, without a broker, resumed.

The daemon's clock is fast; the pings are real posts to a server on this machine.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.at_work import at_work
from tests.conftest import Command
from tests.integration.broker import Broker, running_broker, wait_until
from tests.integration.test_faults_daemon import PROGRAM
from tests.integration.webhook import ELSEWHERE, REFUSE, SILENT, TAKE, Webhook, listening
from vwmon import config, outside
from vwmon.clock import Clock, ScaledClock
from vwmon.config import Settings
from vwmon.errors import ConfigError
from vwmon.outside import Outside
from vwmon.store import database, monitor, pings
from vwmon.store.pings import Pings
from vwmon.store.sqlite import Connection

SPEED = 10.0  # a minute in six seconds
EVERY_MS = 10_000
WELL = ("/hush-hush", "monitoring")
CONFIG = """\
[store]
path = "ward.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[monitor]
ping_url_file = "ping.url"
ping_every = "10s"
{more}
[[wards]]
id = "resp"
name = "Respiratory"
"""


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """One who waits for pings."""
    with listening() as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as running:
        yield running


def configured(folder: Path, hook: Webhook, port: int = 1883, more: str = "") -> Path:
    """Write a configuration and the address, and make a database."""
    file = folder / "vwmon.toml"
    file.write_text(CONFIG.format(port=port, more=more), encoding="utf-8")
    address = folder / "ping.url"
    address.write_text(f"# who calls the ward manager\n{hook.ping_url}\n", encoding="utf-8")
    address.chmod(0o600)
    database.create(folder / "ward.db").close()
    return file


@contextmanager
def running(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the daemon on a fast clock that begins now; nothing of it is left running."""
    program = [sys.executable, "-c", PROGRAM, str(file), str(Clock().now_ms()), str(SPEED)]
    with file.with_name("daemon.log").open("ab") as log:
        daemon = subprocess.Popen(program, stdout=log, stderr=log)
    try:
        yield daemon
    finally:
        daemon.kill()
        daemon.wait()


def said(file: Path) -> Pings:
    """Read what the daemon wrote of its pings; nothing before it began."""
    with closing(database.open_reader(file.with_name("ward.db"))) as db:
        return pings.read(db) or Pings(answered_ms=None, tried_ms=None, trouble=None)


def stopped(daemon: "subprocess.Popen[bytes]") -> bool:
    """Tell whether the kernel has stopped a process."""
    return Path(f"/proc/{daemon.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"


def three_pings_later() -> None:
    """Let as much of the daemon's time pass as three pings take."""
    clock = ScaledClock(0, SPEED)
    wait_until(lambda: clock.now_ms() > 3 * EVERY_MS, "three pings would have been due")


@pytest.mark.hazard("H20")
def test_it_is_pinged_while_all_is_well_and_not_while_the_daemon_is_stopped(
    tmp_path: Path, broker: Broker, hook: Webhook
) -> None:
    """Again and again, the same address and words; none from a daemon that is stopped; again when it goes on."""
    file = configured(tmp_path, hook, broker.port)
    with running(file) as daemon:
        wait_until(lambda: len(hook.pings) >= 3, "it was pinged three times")
        os.kill(daemon.pid, signal.SIGSTOP)
        wait_until(lambda: stopped(daemon), "the daemon is stopped")
        before = len(hook.pings)
        three_pings_later()
        assert len(hook.pings) <= before + 1, "one that was under way may arrive"
        before = len(hook.pings)
        os.kill(daemon.pid, signal.SIGCONT)
        wait_until(lambda: len(hook.pings) >= before + 2, "it is pinged again")
    assert set(hook.pings) == {WELL}
    assert "hush-hush" not in file.with_name("daemon.log").read_text(encoding="utf-8")


@pytest.mark.hazard("H20")
def test_it_is_not_pinged_without_a_broker_and_is_again_with_one(tmp_path: Path, broker: Broker, hook: Webhook) -> None:
    """What nobody can send readings to is no watched ward, however well the daemon is."""
    file = configured(tmp_path, hook, broker.port)
    with running(file):
        wait_until(lambda: len(hook.pings) >= 1, "it was pinged")
        broker.kill()
        wait_until(lambda: said(file).trouble == f"withheld: {outside.NO_BROKER}", "it is no longer pinged")
        before = len(hook.pings)
        three_pings_later()
        assert len(hook.pings) == before
        broker.start()
        wait_until(lambda: len(hook.pings) >= before + 2, "it is pinged again")
    assert set(hook.pings) == {WELL}


def test_pings_that_fail_leave_the_daemon_at_work(tmp_path: Path, broker: Broker, hook: Webhook) -> None:
    """Refused, gone, then there again; the status says so, and names no address."""
    file = configured(tmp_path, hook, broker.port)
    hook.answer = REFUSE
    with running(file) as daemon:
        wait_until(lambda: (said(file).trouble or "") == "answered with 503", "the refusal is written")
        hook.stop()
        wait_until(lambda: said(file).trouble == "Connection refused", "that it is gone is written")
        shown = json.loads(Command()("status", "--config", file, "--json").stdout)
        assert (shown["outside_is_told"], shown["ping_answered_at"]) == (True, None)
        assert shown["ping_trouble"] == "Connection refused"
        hook.answer = TAKE
        hook.start()
        wait_until(lambda: said(file).answered_ms is not None, "an answer came")
        assert (said(file).trouble, daemon.poll()) == (None, None)
    log = file.with_name("daemon.log").read_text(encoding="utf-8")
    assert ("ping_failed" in log, "hush-hush" in log) == (True, False)


class Bench:
    """One who pings by hand, on a clock of its own, from a database in which a daemon said that all is well."""

    def __init__(self, folder: Path, hook: Webhook, db: Connection, more: str = "") -> None:
        """Write down that all is well."""
        self.at_ms, self.alive, self.db = 1_795_000_000_000, True, db
        self.settings = config.load(configured_only(folder, hook, more))
        self.beat()
        self.outside = Outside(db, self.settings, lambda: self.alive, self)  # type: ignore[arg-type]  # a clock

    def now_ms(self) -> int:
        """Tell the time."""
        return self.at_ms

    def steady_ms(self) -> int:
        """Tell the time."""
        return self.at_ms

    def beat(self, **changed: Any) -> None:  # noqa: ANN401 -- fields of Monitor
        """Say how the daemon is."""
        with database.atomic(self.db):
            monitor.beat(self.db, at_work(self.at_ms, **changed))

    def after(self, seconds: float, **changed: Any) -> Pings:  # noqa: ANN401 -- as above
        """Let time pass, with the daemon at work unless it is said otherwise; take a turn, and give what came of it."""
        self.at_ms += round(seconds * 1000)
        self.beat(**changed)
        self.outside.turn()
        found = pings.read(self.db)
        assert found is not None
        return found


def configured_only(folder: Path, hook: Webhook, more: str) -> Path:
    """Write a configuration into a folder of its own."""
    place = folder / "configured"
    place.mkdir()
    return configured(place, hook, more=more)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A new database."""
    with closing(database.create(tmp_path / "bench.db")) as opened:
        yield opened


def test_one_that_does_not_answer_is_tried_again_sooner(tmp_path: Path, hook: Webhook, db: Connection) -> None:
    """Every ten seconds at most; a redirection is no answer, wherever it leads to."""
    bench = Bench(tmp_path, hook, db, "ping_fail = false")
    hook.answer = ELSEWHERE
    assert bench.after(0).trouble == "answered with 302"
    assert len(hook.pings) == 1
    hook.answer = TAKE
    assert bench.after(9).answered_ms is None
    assert bench.after(1) == Pings(answered_ms=bench.at_ms, tried_ms=bench.at_ms, trouble=None)
    assert [path for path, _ in hook.pings] == ["/hush-hush", "/hush-hush"]


@pytest.mark.hazard("H20")
@pytest.mark.parametrize(
    ("changed", "alive", "why"),
    [
        ({"broker_connected": False}, True, outside.NO_BROKER),
        ({"stopped_ms": 1_795_000_000_000}, True, "NOT MONITORING: the daemon was stopped"),
        ({"cycle_ms": 1_794_999_960_000}, True, "NOT MONITORING: nothing has been scored for"),
        ({}, False, outside.STUCK),
    ],
)
def test_what_is_not_trusted_is_not_pinged(
    tmp_path: Path, hook: Webhook, db: Connection, *, changed: dict[str, Any], alive: bool, why: str
) -> None:
    """The reason is kept; and the ping is made as soon as all is well."""
    bench = Bench(tmp_path, hook, db)
    bench.alive = alive
    assert (bench.after(0, **changed).trouble or "").startswith(f"withheld: {why}")
    assert hook.pings == []
    bench.alive = True
    assert bench.after(1).trouble is None
    assert hook.pings == [WELL]


def test_an_alert_that_nobody_can_be_told_of_is_not_kept_from_the_outside(
    tmp_path: Path, hook: Webhook, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When every way to tell people has failed, the silence of the pings is the last one."""
    monkeypatch.setattr("vwmon.store.outbox.unreachable", lambda _db, now_ms: now_ms)
    bench = Bench(tmp_path, hook, db)
    assert bench.after(0).trouble == f"withheld: {outside.NOBODY_REACHED}"
    assert hook.pings == []


def test_a_fault_is_told_at_once_where_the_address_knows_faults(tmp_path: Path, hook: Webhook, db: Connection) -> None:
    """Below the address, with the reason, as often as a ping would be; only where that was configured."""
    bench = Bench(tmp_path, hook, db, "ping_fail = true")
    for _ in range(15):
        bench.after(1, broker_connected=False)
    assert hook.pings == [("/hush-hush/fail", outside.NO_BROKER)] * 2


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("https://x.org/ping/uuid", "https://x.org/ping/uuid/fail"),
        ("https://x.org/ping/uuid/", "https://x.org/ping/uuid/fail"),
        ("https://x.org/push?token=a/b", "https://x.org/push/fail?token=a/b"),
    ],
)
def test_a_fault_is_told_below_the_path(url: str, below: str) -> None:
    """Whatever follows the path stays behind it."""
    assert outside._below(url, outside.FAIL) == below


@pytest.mark.parametrize(
    "content", ["", "ftp://x.org/a", "file:///etc/passwd", "https://", "https://a/1\nhttps://a/2", "https://x:y/"]
)
def test_an_address_that_cannot_be_pinged_is_refused_without_showing_it(
    vwmon: Command, tmp_path: Path, content: str
) -> None:
    """By the check and by the daemon; the file is named, and nothing of what is in it."""
    file = tmp_path / "ping.url"
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)
    settings = tmp_path / "vwmon.toml"
    settings.write_text('[monitor]\nping_url_file = "ping.url"\n', encoding="utf-8")
    done = vwmon("check-config", settings)
    assert (done.exit_code, done.stderr.count("\n")) == (8, 1)
    assert f"{file}: one address" in done.stderr
    with pytest.raises(ConfigError, match="one address"):
        outside.address(config.load(settings))


def test_an_address_that_everyone_may_read_is_refused_once(vwmon: Command, tmp_path: Path, hook: Webhook) -> None:
    """Whoever knows it can keep the ward looking watched."""
    file = configured_only(tmp_path, hook, "")
    file.with_name("ping.url").chmod(0o604)
    done = vwmon("check-config", file)
    assert (done.exit_code, done.stderr.count("may read this secret")) == (8, 1)


def test_one_that_never_answers_costs_one_timeout(
    tmp_path: Path, hook: Webhook, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn ends, and the next is no sooner than after any other failure."""
    monkeypatch.setattr(outside, "TIMEOUT_S", 0.05)
    hook.answer = SILENT
    bench = Bench(tmp_path, hook, db)
    assert bench.after(0).trouble == "no answer in time"
    assert bench.after(5).tried_ms == bench.at_ms - 5_000


def test_without_an_address_nobody_is_said_to_be_told(db: Connection) -> None:
    """Not even where somebody was told before."""
    assert outside.faults(Settings()) == ()
    with database.atomic(db):
        pings.begin(db)
        pings.answered(db, 7)
        pings.end(db)
    assert pings.read(db) is None
