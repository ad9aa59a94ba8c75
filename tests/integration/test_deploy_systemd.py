"""The systemd unit as it is shipped: systemd takes it, and it is as closed as promised."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command
from vwmon import config
from vwmon.store import database
from vwmon.store.checked import LastCheck

UNIT = ROOT / "deploy" / "vwmon.service"
NIGHT, TIMER = ROOT / "deploy" / "vwmon-night.service", ROOT / "deploy" / "vwmon-night.timer"
UNITS = (UNIT, NIGHT)
MOST_EXPOSED = 1.5
EXEC = re.compile("^ExecStart=.*$", re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")


@pytest.fixture(params=UNITS, ids=lambda unit: unit.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit, with a program in it that is there."""
    shipped = Path(request.param)
    text = shipped.read_text(encoding="utf-8")
    assert EXEC.findall(text)
    here = tmp_path / shipped.name
    here.write_text(EXEC.sub("ExecStart=/bin/true", text), encoding="utf-8")
    return here


def complaints(unit: Path) -> list[str]:
    """Give what systemd finds wrong with a unit."""
    ran = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    return [line for line in ran.stderr.splitlines() if "vwmon" in line]


@pytest.mark.hazard("T17")
def test_systemd_finds_nothing_wrong_with_it(unit: Path) -> None:
    """No unknown key, no value it would ignore."""
    assert complaints(unit) == []


@pytest.mark.hazard("T17")
def test_it_is_as_closed_as_promised(unit: Path) -> None:
    """By systemd's own measure, where a bare unit has 9 and more."""
    analyse = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    ran = subprocess.run(analyse, capture_output=True, text=True, check=False)
    found = re.search(rf"Overall exposure level for {unit.name}: ([0-9.]+)", ran.stdout)
    assert found, ran.stdout + ran.stderr
    assert float(found[1]) <= MOST_EXPOSED


def settings_of(unit: Path) -> ConfigParser:
    """Read a unit; of a key that is there twice the last stays."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys as they are written
    parser.read(unit)
    return parser


@pytest.mark.hazard("H16")
def test_the_nightly_unit_does_what_the_guide_says(tmp_path: Path, vwmon: Command) -> None:
    """Its commands, as they are written, check a database, keep what that comes to, and copy it to a folder."""
    path, folder = tmp_path / "ward.db", tmp_path / "backups"
    folder.mkdir()
    database.create(path).close()
    here = NIGHT.read_text(encoding="utf-8").replace("/var/backups/vwmon", str(folder))
    here = here.replace(f"--config {config.SYSTEM_FILE}", f"--db {path}")
    commands = [line.removeprefix("ExecStart=").lstrip("-").split() for line in EXEC.findall(here)]
    assert [command[0] for command in commands] == ["/opt/vwmon/bin/vwmon"] * 2
    for command in commands:
        assert vwmon(*command[1:]).exit_code == 0
    assert LastCheck(path)() is not None
    assert len(list(folder.glob("ward.db.backup-*Z"))) == 1
    timer = settings_of(TIMER)["Timer"]
    assert (timer["OnCalendar"], timer["Persistent"]) == ("*-*-* 03:30", "true")
    assert complaints(TIMER) == []


def test_it_fits_the_settings() -> None:
    """It starts a command that there is, and keeps the database where the default configuration looks for it."""
    parser = settings_of(UNIT)
    service = parser["Service"]
    assert service["ExecStart"].split()[1:] == ["run", "--config", str(config.SYSTEM_FILE)]
    assert config.Store().path.parent == Path("/var/lib") / service["StateDirectory"]
    assert f"{service['User']}.service" == config.CREDENTIALS.name
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) == 30
    assert service["Restart"] == "always"
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
