"""The shipped unit, unchanged, under a real systemd: the daemon lives with every restriction, and nothing else does."""

import json
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration import under_systemd
from tests.integration.broker import Broker, running_broker, wait_until
from tests.integration.told_daemon import BETTER, SICK, device
from tests.integration.under_systemd import UID, Manager

UNIT = (ROOT / "deploy" / "vwmon.service").read_text(encoding="utf-8")
NIGHT = (ROOT / "deploy" / "vwmon-night.service").read_text(encoding="utf-8")
CONFIG = """\
[mqtt]
host = "127.0.0.1"
port = {port}
[[wards]]
id = "resp"
name = "Respiratory"
"""
VWMON = "/opt/vwmon/bin/vwmon"
# What an intruder who runs in the daemon's place would try: each is a line of Python that must fail.
TRIES = {
    "write_etc": "open('/etc/vwmon/new', 'w')",
    "write_program": "open('/opt/vwmon/bin/vwmon', 'a')",
    "write_what_anybody_may": "open('/opt/vwmon/open', 'a')",
    "read_key_of_root": "open('/etc/vwmon/vwmon.key')",
    "list_homes": "__import__('os').listdir('/home')",
    "see_other_processes": "open('/proc/1/status')",
    "write_and_run_memory": "__import__('mmap').mmap(-1, 4096, prot=7)",
    "packets": "__import__('socket').socket(17, 3)",
    "netlink": "__import__('socket').socket(16, 3)",
    "outside": "__import__('socket').create_connection(('{address}', {port}), 5)",
    "lend_its_rights": "__import__('os').chmod(__import__('shutil').copy('/bin/true', '/var/lib/vwmon'), 0o4755)",
    "user_namespace": "exit(bool(__import__('ctypes').CDLL(None).unshare(0x10000000)))",
    "personality": "exit(__import__('ctypes').CDLL(None).personality(0x0040000) == -1)",
    "become_root": "__import__('os').setuid(0)",
    "real_time": "__import__('os').sched_setscheduler(0, 1, __import__('os').sched_param(1))",
    "device": "open('/dev/kmsg', 'rb')",
    "kernel": "open('/proc/sys/kernel/hostname', 'w')",
}
# Each in a process of its own: what the unit forbids is an error, and never the end of the process.
PROBE = """\
import json, subprocess, sys
def ended(code):
    return subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL).returncode
with open("/var/lib/vwmon/probe.json", "w") as found:
    json.dump({name: ended(code) for name, code in %r.items()}, found)
"""
STARTED = ("ExecStart=", "Type=", "Restart", "WatchdogSec=", "Timeout")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(under_systemd.missing()), reason=under_systemd.missing() or "-"),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker, on the loopback of the machine."""
    with running_broker(tmp_path, persistence=False, more="set_tcp_nodelay true") as running:
        yield running


@pytest.fixture
def outside() -> Iterator[tuple[str, int]]:
    """Somebody who listens at an address of this machine that is not its loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        try:
            route.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but its loopback")
        address = route.getsockname()[0]
    with socket.create_server((address, 0)) as listener:
        yield listener.getsockname()


@pytest.fixture
def manager(tmp_path: Path, broker: Broker, outside: tuple[str, int]) -> Iterator[Manager]:
    """A systemd with the shipped unit, and with one that is as restricted and tries what it must not."""
    restrictions = "\n".join(line for line in UNIT.splitlines() if not line.startswith(STARTED))
    probe = "[Service]\nType=oneshot\nExecStart=/opt/vwmon/bin/python /opt/vwmon/bin/probe.py\n"
    units = {
        "vwmon.service": UNIT,
        "vwmon-night.service": NIGHT,
        "vwmon.service.d/watchdog.conf": "[Service]\nWatchdogSec=5\n",
        "probe.service": restrictions.replace("[Service]\n", probe),
        "free.service": f"{probe}StateDirectory=vwmon\n",
    }
    address, port = outside
    tries = {name: code.format(address=address, port=port) for name, code in TRIES.items()}
    one = Manager(tmp_path / "systemd", CONFIG.format(port=broker.port), units, {"probe.py": PROBE % tries})
    with one.running():
        yield one


def watched(manager: Manager) -> None:
    """Make a database with a patient, as its user, and start the daemon; it is ready when this returns."""
    manager.run("install", "-d", "-o", "vwmon", "-g", "vwmon", "-m", "2770", "/var/lib/vwmon")
    for words in (
        ("db", "migrate"),
        ("patients", "admit", "P1", "--ward", "resp", "--born", "1951-03-17"),
        ("devices", "add", "oximeter"),
        ("devices", "assign", "oximeter", "P1"),
    ):
        as_vwmon(manager, *words)
    manager.run("systemctl", "start", "vwmon.service")


def restarted(manager: Manager, times: int) -> bool:
    """Say whether the daemon was started again so many times."""
    return manager.shown("vwmon", "NRestarts") == str(times)


def as_vwmon(manager: Manager, *words: str) -> str:
    """Run a command as the daemon's user."""
    return manager.run("env", "-i", "setpriv", "--reuid=vwmon", "--regid=vwmon", "--clear-groups", VWMON, *words)


def test_the_daemon_watches_under_every_restriction_and_comes_back(manager: Manager, broker: Broker) -> None:
    """Ready, it raises an alert; killed, or held still until the watchdog is not fed, it is started again."""
    watched(manager)
    status = manager.run("cat", f"/proc/{manager.shown('vwmon', 'MainPID')}/status")
    said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert said["Uid"].split()[0] == str(UID)
    assert (said["CapEff"], said["CapBnd"]) == ("0" * 16, "0" * 16)
    assert (said["NoNewPrivs"], said["Seccomp"]) == ("1", "2")
    with device(broker.port) as oximeter:
        oximeter.sends(*SICK)
        wait_until(lambda: bool(json.loads(as_vwmon(manager, "alerts", "--json"))), "the alert is on the list")
        for number, how in enumerate(("KILL", "STOP"), start=1):
            manager.run("systemctl", "kill", "--kill-whom=main", f"--signal={how}", "vwmon.service")
            wait_until(partial(restarted, manager, number), f"it is started again after {how}", deadline_s=90)
            wait_until(lambda: manager.says("is-active", "vwmon") == "active", "it is ready again", deadline_s=90)
        oximeter.sends(*BETTER)


@pytest.mark.hazard("H16")
def test_each_night_the_database_is_checked_and_copied_beside_the_daemon(manager: Manager) -> None:
    """Under every restriction of the shipped unit, while the daemon is at work."""
    watched(manager)
    manager.run("install", "-d", "-o", "vwmon", "-g", "vwmon", "-m", "0700", "/var/backups/vwmon")
    manager.run("systemctl", "start", "vwmon-night.service")
    assert json.loads(manager.run("cat", "/var/lib/vwmon/vwmon.db.checked"))["failed"] == []
    copy = manager.run("find", "/var/backups/vwmon", "-name", "vwmon.db.backup-*Z")
    assert json.loads(as_vwmon(manager, "patients", "--db", copy, "--json"))[0]["patient"] == "P1"


def test_whoever_takes_over_the_daemon_gets_nowhere(manager: Manager) -> None:
    """What the unit forbids is refused, each thing by itself and not killed for; without it all can be done."""
    manager.run("install", "-m", "666", "/dev/null", "/opt/vwmon/open")
    assert tried(manager, "free.service") == dict.fromkeys(TRIES, 0)
    manager.run("rm", "-r", "/var/lib/vwmon")
    assert tried(manager, "probe.service") == dict.fromkeys(TRIES, 1)
    left = manager.run("stat", "--format=%a %U %G", "/var/lib/vwmon", "/var/lib/vwmon/probe.json")
    assert left.splitlines() == ["2770 vwmon vwmon", "660 vwmon vwmon"]


def tried(manager: Manager, unit: str) -> dict[str, int]:
    """Run a service that tries; give how each try ended."""
    manager.run("systemctl", "start", unit)
    found: dict[str, int] = json.loads(manager.run("cat", "/var/lib/vwmon/probe.json"))
    return found
