"""The systemd unit as it is shipped: systemd takes it, and it is as closed as promised."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.conftest import ROOT
from vwmon import config

UNIT = ROOT / "deploy" / "vwmon.service"
MOST_EXPOSED = 1.5

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program in it that is there."""
    text = UNIT.read_text(encoding="utf-8")
    command = re.compile("^ExecStart=.*$", re.MULTILINE)
    assert len(command.findall(text)) == 1
    here = tmp_path / "vwmon.service"
    here.write_text(command.sub("ExecStart=/bin/true", text), encoding="utf-8")
    return here


@pytest.mark.hazard("T17")
def test_systemd_finds_nothing_wrong_with_it(unit: Path) -> None:
    """No unknown key, no value it would ignore."""
    ran = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in ran.stderr.splitlines() if "vwmon" in line]
    assert complaints == []


@pytest.mark.hazard("T17")
def test_it_is_as_closed_as_promised(unit: Path) -> None:
    """By systemd's own measure, where a bare unit has 9 and more."""
    analyse = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    ran = subprocess.run(analyse, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for vwmon.service: ([0-9.]+)", ran.stdout)
    assert found, ran.stdout + ran.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_it_fits_the_settings() -> None:
    """It starts a command that there is, and keeps the database where the default configuration looks for it."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys as they are written
    parser.read(UNIT)
    service = parser["Service"]
    assert service["ExecStart"].split()[1:] == ["run", "--config", str(config.SYSTEM_FILE)]
    assert config.Store().path.parent == Path("/var/lib") / service["StateDirectory"]
    assert f"{service['User']}.service" == config.CREDENTIALS.name
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) == 30
    assert service["Restart"] == "always"
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
