"""F28: certificates of broker, device and daemon that are renewed under load, end within 30 days, and have ended.

That one of the broker's or the daemon's ends soon is told while all goes on. One that has ended lets nobody in, which
is told; once it is renewed all goes on, and nothing is lost. A minute without a broker is made a few seconds, so that
nobody waits for it.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

import trustme

from alerts.model import SYSTEM_STAY
from devices.client import Hub
from devices.connection import Tls
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, Flow, running_daemon, settled
from tests.faults.line import Line, running_line
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.ward import Load
from tests.integration.broker import LOOPBACK, Broker, running_broker, wait_until
from vwmon.clock import Clock
from vwmon.store import database, findings

MOST = 48_000
AT_ONCE, WAITING = 200, 100
RECEIPTS = 50
YEAR, WARNED_OF = timedelta(days=365), timedelta(days=29)
ENDS_SOON, ENDED = timedelta(seconds=20), timedelta(hours=-1)
TOLD_S = READY_S = 120
ASKS = "select id from alert where lane = 'system' and state in ('new', 'reraised')"
SOON = "from vwmon import surroundings; surroundings.BROKER_GONE_MS = 2_000"
TLS = """\
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
require_certificate true
use_identity_as_username true
"""
SETTINGS = """\
[mqtt.tls]
ca = "ca.pem"
cert = "daemon.pem"
key = "daemon.key"
"""


class Authority:
    """Who signs, and a folder in which every certificate has its file and its key."""

    def __init__(self, folder: Path) -> None:
        """Begin with certificates that last for a year."""
        self._folder, self._ca = folder, trustme.CA()
        self._ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        for name in ("broker", "daemon", "devices"):
            self.issue(name, YEAR)

    def issue(self, name: str, lasts: timedelta) -> None:
        """Put a new certificate and key in the place of those that somebody has."""
        now = datetime.fromtimestamp(Clock().now_ms() / 1000, UTC)
        made = self._ca.issue_cert(LOOPBACK, common_name=name, not_before=now - 2 * YEAR, not_after=now + lasts)
        key = self._folder / f"{name}.key"
        made.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        made.cert_chain_pems[0].write_to_path(str(self._folder / f"{name}.pem"))

    def tls(self, name: str) -> Tls:
        """Give what somebody trusts and shows."""
        return Tls(ca=self._folder / "ca.pem", cert=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")


@dataclass(kw_only=True)
class _Site:
    """A ward at work over TLS; its hub comes and goes as devices do that are given other certificates."""

    folder: Path
    authority: Authority
    broker: Broker
    daemon: Daemon
    lines: Sequence[Line]
    load: Load

    @contextmanager
    def devices(self) -> Iterator[tuple[Hub, Flow]]:
        """Let the devices connect with the certificate that they have now."""
        tls, spool = self.authority.tls("devices"), self.folder / "spool"
        with Hub(LOOPBACK, self.lines[1].port, ward.WARD, spool, client_id="d", resend_after=1.0, tls=tls) as hub:
            yield hub, Flow(hub, self.load, at_once=AT_ONCE, waiting=WAITING)

    def flows(self, what: str) -> list[str]:
        """Name what does not go on."""
        with self.devices() as (_, flow):
            try:
                flow.until_receipts(RECEIPTS)
            except AssertionError:
                return [f"{what}: nothing is receipted"]
        return []

    def renew_broker(self, lasts: timedelta) -> None:
        """Give the broker another certificate, which it takes up when it is started again."""
        self.authority.issue("broker", lasts)
        self.broker.stop()
        self.broker.start()

    def renew_daemon(self, lasts: timedelta) -> None:
        """Give the daemon another certificate, which it takes up when it is started again."""
        self.authority.issue("daemon", lasts)
        self.daemon.end(signal.SIGTERM)
        self.daemon.start()

    def call_again(self) -> None:
        """End every connection."""
        for line in self.lines:
            line.reset()

    def told(self, rule: str = "broker") -> bool:
        """Tell whether it stands on the list that there is no broker, or another fault of the service."""
        with closing(database.open_reader(self.daemon.path)) as db:
            stands = any(key[:2] == (SYSTEM_STAY, rule) for key in findings.standing(db))
            return stands and bool(db.execute(ASKS).fetchall())


def _comes(what: Callable[[], bool]) -> bool:
    try:
        wait_until(what, "", TOLD_S)
    except AssertionError:
        return False
    return True


def _broker_renewed(site: _Site) -> list[str]:
    with site.devices() as (_, flow):
        flow.give(AT_ONCE)
        site.renew_broker(YEAR)
    return site.flows("the broker's renewed")


def _ends_soon(site: _Site) -> list[str]:
    broken = []
    for whose, renewed in (("broker", site.renew_broker), ("daemon", site.renew_daemon)):
        renewed(WARNED_OF)
        broken += [] if _comes(partial(site.told, "certificate")) else [f"the {whose}'s ends soon: nobody is told"]
        broken += site.flows(f"the {whose}'s ends soon")
        renewed(YEAR)
        still = not _comes(lambda: not site.told("certificate"))
        broken += [f"the {whose}'s renewed: it is still said to end"] if still else []
    return broken


def _broker_ended(site: _Site) -> list[str]:
    site.renew_broker(ENDED)
    broken = [] if _comes(site.told) else ["the broker's has ended: nobody is told"]
    site.renew_broker(YEAR)
    broken += [] if _comes(lambda: not site.told()) else ["the broker's renewed: it is still said to be away"]
    return [*broken, *site.flows("the broker's renewed after its end")]


def _devices_ended(site: _Site) -> list[str]:
    site.authority.issue("devices", ENDED)
    with site.devices() as (hub, flow):
        flow.give(AT_ONCE)
        refused = _comes(lambda: hub.trouble is not None and "not connected" not in hub.trouble)
        broken = [] if refused and hub.pending() >= AT_ONCE else ["a device's has ended: it is let in"]
    site.authority.issue("devices", YEAR)
    return [*broken, *site.flows("a device's renewed after its end")]


def _daemons_ended(site: _Site) -> list[str]:
    ends_s = time.monotonic() + ENDS_SOON.total_seconds()
    site.renew_daemon(ENDS_SOON)
    broken = site.flows("the daemon's ends soon")
    Event().wait(max(0.0, ends_s - time.monotonic()))
    site.call_again()
    broken += [] if _comes(site.told) else ["the daemon's has ended: nobody is told"]
    site.renew_daemon(YEAR)
    return [*broken, *site.flows("the daemon's renewed after its end")]


KINDS: Sequence[Callable[[_Site], list[str]]] = (
    _broker_renewed,
    _ends_soon,
    _broker_ended,
    _devices_ended,
    _daemons_ended,
)


def ended(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Let each in turn end or be renewed while readings flow; compare with an undisturbed run."""
    folder, devices, start_ms = trial.folder, ward.fleet(trial.seed), ward.start_of(MOST)
    load, broken = Load(devices, start_ms, MOST), list[str]()
    ward.make(folder / "vwmon.db", start_ms, devices)
    authority = Authority(folder)
    with ExitStack() as running:
        broker = running.enter_context(running_broker(folder, more=TLS.format(folder=folder)))
        lines = [running.enter_context(running_line(broker.port)) for _ in range(2)]
        daemon = running.enter_context(
            running_daemon(folder, lines[0].port, more=SETTINGS, planted=f"{SOON}\n{planted}")
        )
        site = _Site(folder=folder, authority=authority, broker=broker, daemon=daemon, lines=lines, load=load)
        wait_until(daemon.connected, "the daemon has its broker", READY_S)
        for number in range(trial.runs):
            broken += KINDS[number % len(KINDS)](site)
        with site.devices() as (_, flow):
            broken += settled(flow, daemon)
    tally = ward.compared_live(folder / "vwmon.db", start_ms, devices, load.sent, trial.runs)
    return Tally(runs=tally.runs, lost=tally.lost, doubled=tally.doubled, broken=(*broken, *tally.broken))


ROWS = (
    Row(
        id="F28",
        fault="certificates renewed under load, that end within 30 days, and that have ended",
        do=ended,
        runs={Profile.SMOKE: 3, Profile.CI: 5, Profile.RELEASE: 40},
    ),
)
