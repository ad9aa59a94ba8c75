"""docs/data-quality.md says what its script counts, and each artefact that a README names meets the fate it should."""

import importlib.util
import re
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from shutil import copytree
from types import ModuleType
from typing import Any

import pytest

from devices import acceptance
from devices.acceptance import Stamp
from devices.readings import MARK_CLOCK_AHEAD
from tests.conftest import ROOT
from tests.golden.wards import Ward
from vwmon.cli import doubted
from vwmon.store import database, listing
from vwmon.store import readings as stored

SCRIPT, PAGE = "scripts/data_quality.py", "docs/data-quality.md"
ZERO, SLIP, IMPOSSIBLE = "value_zero", "unit_slip", "value_impossible"
SCORED, STORED, ROWS = "scored", "stored, not scored", "rows"
HOUR = 3_600_000

# By recording and its rows as the page names them: every fate and doubt that they may meet. Written here by hand.
EXPECTED: dict[str, dict[str, set[str]]] = {
    "cinc2009_hypotension": {
        "mean pressure of 15 or less: a line flushed or open": {ZERO, IMPOSSIBLE},
        "mean pressure of 16 to 49, or above 180": {STORED, "questioned"},
    },
    "cinc2012_mortality": {
        "pressure 0": {ZERO},
        "pressure below 0": {IMPOSSIBLE},
        "temperature -17.8": {IMPOSSIBLE},
        "temperature 0": {ZERO},
        "heart rate 0": {ZERO},
        "heart rate above 200": {SCORED, "questioned"},
        "weight 0": {ZERO},
        "weight of 1 to 19, or above 300": {STORED, "questioned", "jumped"},
        "weight a tenth away from the one before": {STORED, "questioned", "jumped"},
        "urine above 4000 (to 11,000 in this half)": {STORED, "questioned"},
        "mean pressures for one moment": {
            IMPOSSIBLE,
            ZERO,
            SLIP,
            STORED,
            "questioned",
            "repeated",
            "contradicted",
        },
        "SpO2 0": {ZERO},
        "respiratory rate 0": {ZERO},
        "coma score below 15": {SCORED},
    },
    "cinc2019_sepsis": {
        "FiO2 0": {ZERO},
        "FiO2 above 1, or above 0 and below 0.2": {IMPOSSIBLE},
        "temperature 50": {IMPOSSIBLE},
        "temperature of 21 to 29.9, or 45.1 to 49.9": {SCORED, "questioned", "jumped"},
        "heart rate below 30 or above 200": {SCORED, "questioned"},
        "respiratory rate below 4 or above 60": {SCORED, "questioned"},
        "SpO2 below 70": {SCORED, "questioned"},
        "systolic pressure of 20 to 30": {SLIP},
        "systolic pressure of 31 to 69, or above 250": {SCORED, "questioned"},
    },
    "exam_stress": {
        "heart rate above 200: motion": {SCORED, "questioned"},
        "heart rate of 150 to 200 in people who sit": {SCORED},
        "skin temperature below 20: off the wrist": {STORED, "questioned"},
        "skin temperature of 20 and more": {STORED},
        "first heart rate after more than a day without one": {SCORED},
    },
    "mimic2_numerics": {
        "0 of any vital": {ZERO},
        "two heart rates for one moment": {SCORED, "questioned", "repeated", "disagrees"},
        "a cuff's pressure beside the line's": {SCORED},
    },
    "mimic4demo": {
        "heart or respiratory rate 0": {ZERO},
        "mean pressure of 15 or less, or above 330": {IMPOSSIBLE, ZERO, SLIP},
        "mean pressure of 16 to 49, or 181 to 330": {STORED, "questioned", "contradicted"},
        "temperature above 50": {SLIP},
        "SpO2 below 70": {SCORED, "questioned"},
        "a line's and a cuff's systolic pressure for one moment": {SCORED, "questioned", "repeated", "contradicted"},
        "FiO2 below 0.2": {IMPOSSIBLE, ZERO},
        "verbal score 1": {STORED},
        "weight a tenth away from the one before": {STORED, "jumped"},
    },
    "stress_predict": {
        "every respiratory rate: estimated from the pulse wave": {SCORED},
        "every heart rate": {SCORED},
    },
    "tihm_home": {
        "skin temperature of 50 and more": {SLIP, IMPOSSIBLE},
        "every body temperature: 34.9 to 37.9 in this half": {SCORED, "jumped"},
        "systolic pressure within 10 min of the one before": {SCORED},
        "first systolic pressure after more than a day without one": {SCORED},
    },
    "welltory_home": {
        "a day's heart rates, steps and sleep": {STORED},
        "a day's lowest heart rate below 30": {STORED},
        "diastolic pressure below 40": {STORED, "questioned"},
        "systolic pressure below 70": {SCORED, "questioned"},
    },
}
LARGE = {"cinc2012_mortality": 30, "cinc2019_sepsis": 45}
# What every row of some kind must have met, not only some of them.
EVERY = {
    ("exam_stress", "heart rate above 200: motion"): "questioned",
    ("mimic4demo", "SpO2 below 70"): "questioned",
    ("mimic4demo", "temperature above 50"): SLIP,
    ("mimic4demo", "weight a tenth away from the one before"): "jumped",
    ("cinc2012_mortality", "heart rate above 200"): "questioned",
    ("cinc2019_sepsis", "SpO2 below 70"): "questioned",
    ("cinc2009_hypotension", "mean pressure of 16 to 49, or above 180"): "questioned",
}

each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow(LARGE[name])) if name in LARGE else name for name in EXPECTED]
)


@cache
def script(path: Path = ROOT / SCRIPT) -> ModuleType:
    """Load the script as a module."""
    spec = importlib.util.spec_from_file_location("data_quality", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def counted(recordings: Path) -> Callable[[str], Any]:
    """Count a recording by its name, once."""

    @cache
    def count(name: str) -> Any:  # noqa: ANN401 -- Counted, of the script
        return script().counted(recordings / name)

    return count


def figures(name: str) -> str:
    """Give what the page has of a recording."""
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name}: written by {SCRIPT} -->\n(.*?)<!-- end of {name} -->\n", page, re.DOTALL)
    assert found is not None
    return found[1]


@each
def test_the_page_has_what_the_script_counts(counted: Callable[[str], Any], name: str) -> None:
    """Every figure; after a change of a limit the page is to be written again."""
    assert figures(name) == "\n".join(script().lines_of(counted(name))) + "\n"


@each
def test_each_artefact_meets_the_fate_that_it_should(counted: Callable[[str], Any], name: str) -> None:
    """Every artefact has rows, none of them has another fate or doubt, and each of those named does occur."""
    found = {one.rows: dict(fates) for one, fates in counted(name).artefacts.items()}
    met = {rows: {fate for fate, count in fates.items() if count and fate != ROWS} for rows, fates in found.items()}
    assert met == EXPECTED[name]
    for rows, fates in found.items():
        kept = sum(count for fate, count in fates.items() if fate in {ZERO, SLIP, IMPOSSIBLE, SCORED, STORED})
        assert fates[ROWS] == kept > 0
        if (name, rows) in EVERY:
            assert fates[EVERY[name, rows]] == fates[ROWS]


@each
def test_every_row_of_a_recording_has_one_fate(counted: Callable[[str], Any], recordings: Path, name: str) -> None:
    """Quarantined, scored or stored: none is lost, and none is in two places. The README's count is ours."""
    whole = counted(name).whole
    readme = (recordings / name / "README.md").read_text(encoding="utf-8")
    said = re.search(r"patients, ([\d,]+) readings", readme)
    assert said is not None
    assert whole[ROWS] == int(said[1].replace(",", ""))
    assert whole[ROWS] == sum(whole[fate] for fate in (ZERO, SLIP, IMPOSSIBLE, SCORED, STORED))


def test_the_artefacts_are_those_of_the_readmes(recordings: Path) -> None:
    """In their own words, of every recording that there is; one that is added has to be looked at."""
    assert script().ARTEFACTS.keys() == EXPECTED.keys() == {file.parent.name for file in recordings.glob("*/README.md")}
    for name, artefacts in script().ARTEFACTS.items():
        readme = (recordings / name / "README.md").read_text(encoding="utf-8")
        assert [one.says for one in artefacts if one.says not in readme] == []


@pytest.mark.parametrize("ward", ["mimic2_numerics", "mimic4demo", "tihm_home"], indirect=True)
def test_a_replayed_ward_shows_the_doubts_that_the_page_counts(ward: Ward, counted: Callable[[str], Any]) -> None:
    """By the way of the screens, out of the database: the same readings, each by the same doubts."""
    whole, shown = counted(ward.name).whole, dict.fromkeys(("jumped", "disagrees", "contradicted", "repeated"), 0)
    with closing(database.open_reader(ward.path)) as db:
        names = stored.vitals(db)
        for device_no in stored.device_numbers(db).values():
            moments = {(names[row[2]], row[3]) for row in stored.history(db, [device_no])}
            for one in doubted.of_device(db, device_no, moments):
                for kind, _ in one.said:
                    shown[kind] = shown.get(kind, 0) + 1
        refused = [one.reason for one in listing.refusals(db, "", "", 0, 100_000)]
    assert shown == {kind: whole[kind] for kind in shown}
    assert shown.get("questioned", 0) == whole["questioned"]
    assert {reason: refused.count(reason) for reason in {ZERO, SLIP, IMPOSSIBLE}} == {
        reason: whole[reason] for reason in (ZERO, SLIP, IMPOSSIBLE)
    }


def test_a_time_in_the_wrong_zone_is_not_believed_when_it_is_ahead() -> None:
    """Summer time sent as UTC is an hour ahead of its receipt; an hour behind looks like a reading that came late."""
    received_ms = 1_795_338_900_000
    assert acceptance.believed(received_ms + HOUR, received_ms, "") == Stamp(received_ms, MARK_CLOCK_AHEAD)
    assert acceptance.believed(received_ms - HOUR, received_ms, "") == Stamp(received_ms - HOUR, 0)


def test_the_script_writes_the_figures_into_the_page(recordings: Path, tmp_path: Path) -> None:
    """Those of the recordings named, in their place; the rest of the page stays as it is."""
    copytree(ROOT / "docs", tmp_path / "docs", ignore=lambda _folder, names: {*names} - {"data-quality.md"})
    (tmp_path / "scripts").mkdir()
    copied = tmp_path / SCRIPT
    for file in (copied, copied.with_suffix(".toml")):
        file.write_bytes((ROOT / "scripts" / file.name).read_bytes())
    page = tmp_path / PAGE
    whole = page.read_text(encoding="utf-8")
    page.write_text(whole.replace(figures("tihm_home"), "old\n"), encoding="utf-8")
    assert script(copied).main(["--write", str(recordings / "tihm_home")]) == 0
    assert page.read_text(encoding="utf-8") == whole
