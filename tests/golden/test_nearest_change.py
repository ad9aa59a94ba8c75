"""The nearest change that would have kept an alert quiet, against a brute force that replays changed recordings.

The twin shares the engine and nothing else: it writes the recording with one value changed, replays it up to the moment
and looks at who was asked. Its steps, ranges and order are written down here.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from vwmon import recordings
from vwmon import replay as engine
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.store import database

pytestmark = pytest.mark.usefixtures("at_once")  # what a wait changes has tests of its own
MINUTE = 60_000
START_MS = round(recordings.DEFAULT_START.timestamp() * 1000)
PARTS = ("respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature")
STEP = {"respiratory_rate": 1, "spo2": 1, "systolic_bp": 1, "heart_rate": 1, "temperature": 0.1}
POSSIBLE = {
    "respiratory_rate": (1, 120),
    "spo2": (2, 100),
    "systolic_bp": (31, 399),
    "heart_rate": (1, 350),
    "temperature": (10.1, 49.9),
}
USUAL = {"respiratory_rate": 56, "spo2": 30, "systolic_bp": 180, "heart_rate": 170, "temperature": 150}  # in steps
WORDS: dict[str, list[Any]] = {"oxygen": [0, 1], "consciousness": ["A", "C", "V", "P", "U"]}
ASKED = """select alert_event.at_ms, level_after, alert_event.evidence ->> 'at_ms'
    from alert_event join alert using (alert_no)
    where lane = 'clinical' and kind in ('raised', 'worsened', 'outgrew', 'expired', 'relapsed', 'revived')
    order by event_no"""


@dataclass(frozen=True)
class Row:
    """One reading of a recording of one patient."""

    minute: int
    vital: str
    value: Any


@dataclass(frozen=True)
class Changed:
    """One reading changed, and how far."""

    row: int
    value: Any
    rank: tuple[float, ...]


def rows(*messages: tuple[int, dict[str, Any]]) -> list[Row]:
    """Write a recording of one patient."""
    return [Row(minute, vital, value) for minute, values in messages for vital, value in values.items()]


WELL = {
    "respiratory_rate": 16,
    "spo2": 97,
    "oxygen": 0,
    "systolic_bp": 125,
    "heart_rate": 75,
    "consciousness": "A",
    "temperature": 36.8,
}
STORIES: dict[str, tuple[list[Row], int, tuple[str, Any] | None]] = {
    "five points of three vitals, measured one after the other": (
        rows((0, WELL), (60, {"spo2": 93}), (90, {"respiratory_rate": 21}), (120, {"heart_rate": 91})),
        1,
        ("heart_rate", 90),
    ),
    "a single three that has to go, whatever else is changed": (
        rows((0, WELL), (30, {"spo2": 95, "heart_rate": 95}), (60, {"respiratory_rate": 27})),
        1,
        ("respiratory_rate", 24),
    ),
    "a nearer change would have raised the alert at this moment instead of before": (
        rows((0, WELL), (10, {"heart_rate": 131}), (50, {"spo2": 91, "temperature": 38.1})),
        2,
        ("temperature", 38.0),
    ),
    "back after it had settled": (
        rows((0, WELL | {"spo2": 91}), (10, WELL), (50, WELL), (60, {"respiratory_rate": 26, "spo2": 95})),
        2,
        ("respiratory_rate", 24),
    ),
    "oxygen counts as one step, and so does a word": (
        rows((0, WELL), (30, {"oxygen": 2, "spo2": 90, "heart_rate": 90})),
        1,
        ("spo2", 92),
    ),
    "new confusion alone": (rows((0, WELL), (30, {"consciousness": "V"})), 1, ("consciousness", "A")),
    "of two readings of one moment the other would have counted": (
        rows((0, WELL), (30, {"heart_rate": 135}), (30, {"heart_rate": 136, "respiratory_rate": 22})),
        1,
        None,
    ),
    "two single threes": (rows((0, WELL), (30, {"spo2": 90, "respiratory_rate": 26})), 1, None),
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("twin") / "empty.db"
    database.create(path).close()
    return path


def replayed(story: Sequence[Row], empty: Path, name: str) -> Path:
    """Replay a recording into a database of its own."""
    file, path = empty.with_name(f"{name}.csv"), empty.with_name(f"{name}.db")
    path.unlink(missing_ok=True)
    lines = [f"P1,{row.minute * 60},{row.vital},{row.value}," for row in story]
    file.write_text("\n".join(["patient,time,vital,value,unit", *lines, ""]), encoding="utf-8")
    shutil.copy(empty, path)
    versions = Provenance(config_hash="", plans=plans.load_all())
    engine.into(path, list(recordings.read(file)), "twin", versions, lambda _done, _of: None)
    return path


def asked(path: Path) -> tuple[list[tuple[int, int, int]], int]:
    """Read who was asked when and for what level, and the level that asks at the end."""
    with closing(database.open_reader(path)) as db:
        level = db.execute("select max(level) from alert where lane = 'clinical' and state in ('new', 'reraised')")
        return db.execute(ASKED).fetchall(), level.fetchone()[0] or 0


def quiet(story: Sequence[Row], change: Changed, empty: Path, number: int) -> bool:
    """Say whether the recording with that change, cut at the moment, asks for nothing new and has it not standing."""
    before, _ = asked(empty.with_name("true.db"))
    at_ms, level, _ = before[number - 1]
    cut = [
        replace(row, value=change.value) if at == change.row else row
        for at, row in enumerate(story)
        if START_MS + row.minute * MINUTE <= at_ms
    ]
    news, standing = asked(replayed(cut, empty, "changed"))
    known = {(at, moment): level for at, level, moment in before[: number - 1]}
    return standing < level and all(level <= known.get((at, moment), 0) for at, level, moment in news)


def every_change(story: Sequence[Row], at_minute: int) -> Iterator[Changed]:
    """Yield each change of each reading that was the last of its vital by a minute, with its rank."""
    for number, row in enumerate(story):
        last = max(one.minute for one in story if one.vital == row.vital and one.minute <= at_minute)
        if row.minute != last:
            continue
        part = PARTS.index(row.vital)
        if row.vital in WORDS:
            words = WORDS[row.vital]
            here = words.index(min(row.value, 1)) if row.vital == "oxygen" else words.index(row.value)
            for there, word in enumerate(words):
                away = abs(there - here)
                if away:
                    yield Changed(number, word, (away, away / (len(words) - 1), -row.minute, part))
            continue
        low, high = POSSIBLE[row.vital]
        step = STEP[row.vital]
        here = round(row.value / step)
        for there in range(round(low / step), round(high / step) + 1):
            away = abs(there - here)
            if away:
                yield Changed(number, round(there * step, 1), (away, away / USUAL[row.vital], -row.minute, part))


@pytest.mark.parametrize("name", [name for name, (_, _, found) in STORIES.items() if found is not None])
def test_the_nearest_change_is_quiet_and_nothing_nearer_is(vwmon: Command, empty: Path, name: str) -> None:
    """Every nearer change of every reading of the set was replayed, and asked for someone all the same."""
    story, number, expected = STORIES[name]
    path = replayed(story, empty, "true")
    found, minute = explained(vwmon, path, number)
    assert expected == (found["part"], found["instead"])
    ranked = sorted(every_change(story, minute), key=lambda change: change.rank)
    first = next(change for change in ranked if quiet(story, change, empty, number))
    assert (story[first.row].vital, first.value, first.rank[0]) == (*expected, found["steps"])


def explained(vwmon: Command, path: Path, number: int) -> tuple[dict[str, Any], int]:
    """Ask for the explanation of the clinical alert; give the change, and the minute of the moment."""
    listed = json.loads(vwmon("alerts", "--db", path, "--lane", "clinical", "--json").stdout)
    (alert_id,) = {row["id"] for row in listed}
    result = vwmon("explain", alert_id, "--number", number, "--db", path, "--json")
    assert result.exit_code == 0, result.stdout
    record = json.loads(result.stdout)
    at = datetime.fromisoformat(record["event"]["observed_at"])
    return record["nearest"], (round(at.timestamp() * 1000) - START_MS) // MINUTE


def edges(story: Sequence[Row], minute: int) -> list[Changed]:
    """Give the changes to the first and last value of every band of the chart, as the chart was printed."""
    printed: dict[str, list[Any]] = {
        "respiratory_rate": [1, 8, 9, 11, 12, 20, 21, 24, 25, 120],
        "spo2": [2, 91, 92, 93, 94, 95, 96, 100],
        "systolic_bp": [31, 90, 91, 100, 101, 110, 111, 219, 220, 399],
        "heart_rate": [1, 40, 41, 50, 51, 90, 91, 110, 111, 130, 131, 350],
        "temperature": [10.1, 35.0, 35.1, 36.0, 36.1, 38.0, 38.1, 39.0, 39.1, 49.9],
    }
    return [c for c in every_change(story, minute) if c.value in printed.get(story[c.row].vital, [c.value])]


@pytest.mark.parametrize("name", [name for name, (_, _, found) in STORIES.items() if found is None])
def test_where_no_change_is_quiet_none_is_named(vwmon: Command, empty: Path, name: str) -> None:
    """The first and the last value of every band of every reading was replayed, and each asked for someone."""
    story, number, _ = STORIES[name]
    path = replayed(story, empty, "true")
    found, minute = explained(vwmon, path, number)
    assert found["found"] is False
    assert [change for change in edges(story, minute) if quiet(story, change, empty, number)] == []


@pytest.mark.slow
def test_where_no_change_is_quiet_every_value_for_thirty_steps_asks(vwmon: Command, empty: Path) -> None:
    """The same for each value of each reading that is no further away."""
    story, number, _ = STORIES["two single threes"]
    found, minute = explained(vwmon, replayed(story, empty, "true"), number)
    assert found["found"] is False
    tried = [change for change in every_change(story, minute) if change.rank[0] <= 30]
    assert len(tried) > 200
    assert [change for change in tried if quiet(story, change, empty, number)] == []
