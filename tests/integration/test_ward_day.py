"""The benchmark of a day of a ward, on small wards: that it runs, and that its report is whole. No figure is judged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.integration.broker import mosquitto

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(mosquitto() is None, reason="install mosquitto: apt-get install mosquitto"),
]
SMALL = ("--patients", "120", "--hours", "1", "--speed", "1800", "--idle", "0.1")
PROMISED = {"growth", "lag_p99_s", "bytes_per_stay", "cpu_s_per_million"}
WARDS = [30, 120, 480]
GIVEN_UP_S = 600  # a reading that is lost is waited for


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the script prints: a line of JSON for each ward, and the last for all."""
    folder = tmp_path_factory.mktemp("ward_day")
    script = ROOT / "benchmarks" / "ward_day.py"
    # As it is called from a checkout, whatever is installed.
    surroundings = os.environ | {"PYTHONPATH": str(ROOT), "VWMON_CONFIG": str(_empty(folder))}
    ran = subprocess.run(
        [sys.executable, str(script), *SMALL, "--folder", str(folder)],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
        timeout=GIVEN_UP_S,
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_last_line_has_what_is_promised_as_numbers(said: list[dict[str, Any]]) -> None:
    """Growth, lag, memory of a stay and cost of a reading, beside the conditions of the run."""
    *_, last = said
    assert last.keys() >= PROMISED | {"patients", "hours", "speed", "cores"}
    assert all(isinstance(last[name], int | float) for name in PROMISED)


def test_a_quarter_and_four_times_the_ward_are_measured_beside_it(said: list[dict[str, Any]]) -> None:
    """How a cost grows shows on three sizes; each has a line of its own."""
    *wards, _ = said
    assert [ward["patients"] for ward in wards] == WARDS
    assert all(ward["timed"] > 0 and ward["work_lists"] > 0 for ward in wards)


def test_everything_published_is_stored_refused_or_a_repeat(said: list[dict[str, Any]]) -> None:
    """A benchmark that loses readings measures nothing; some are sent twice on purpose."""
    for figures in said:
        assert figures["published"] == figures["stored"] + figures["quarantined"] + figures["duplicates"]
        assert figures["stored"] > 0
        assert figures["duplicates"] > 0


def _empty(folder: Path) -> Path:
    path = folder / "empty.toml"
    path.touch()
    return path
