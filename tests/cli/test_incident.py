"""`vwmon incident export`: everything about one patient and period, once, in a folder that is whole, and on record."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.db.test_retention import NAME, lived
from tests.db.test_scorer import MINUTE, T0
from vwmon.cli import incident_files
from vwmon.cli.render import utc
from vwmon.clock import Clock
from vwmon.durations import DAY_MS
from vwmon.errors import StoreBusy, StoreCorrupt
from vwmon.store import configured, database
from vwmon.store.configured import Configured

FROM, TO = T0 + 20 * MINUTE, T0 + 70 * MINUTE
EXPORT = ("incident", "export", "p1", "--from", utc(FROM), "--to", utc(TO), "--reason", "case 17, for the board")
PERIOD = {"readings.jsonl": "time", "scores.jsonl": "at"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ward with two patients, of whom the first left."""
    ward = lived(tmp_path_factory.mktemp("ward") / "ward.db")
    with database.atomic(ward.db):
        for number, since_ms in enumerate((FROM - 2 * MINUTE, FROM + MINUTE, TO + MINUTE)):
            configured.keep(ward.db, Configured(since_ms, f"hash-{number}", {"one": str(number)}))
    yield ward.path
    ward.db.close()


def read(file: Path) -> list[dict[str, Any]]:
    """Read the records of a file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.hazard("H17")
def test_settings_that_began_by_a_clock_that_was_put_back_are_in_use_too(tmp_path: Path) -> None:
    """When those before them ended is then not known, and they are not left out."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        for since_ms in (5000, 2000, 7000):
            configured.keep(db, Configured(since_ms, "", {}))
        for period, began in {(5000, 6000): [5000, 2000], (2000, 3000): [2000], (7000, 8000): [5000, 7000]}.items():
            assert [one.since_ms for one in configured.in_use(db, *period)] == began, period


def test_settings_that_cannot_be_read_are_a_damaged_database(tmp_path: Path) -> None:
    """An export without them would not say that they are missing."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        configured.keep(db, Configured(FROM, "", {}))
        db.execute("update configured set settings = '{'")
        with pytest.raises(StoreCorrupt, match="cannot be read"):
            configured.in_use(db, FROM, TO)


@pytest.mark.hazard("H27")
def test_all_of_the_period_and_nobody_else_s_is_in_a_folder_that_is_whole(
    vwmon: Command, path: Path, tmp_path: Path
) -> None:
    """As many readings, scores and events as are stored; sums that hold; closed to others; noted with who and why."""
    done = vwmon(*EXPORT, "--into", tmp_path / "out", "--db", path)
    assert done.exit_code == 0
    files = {file.name: read(file) for file in (tmp_path / "out").glob("*.jsonl")}
    with closing(database.open_reader(path)) as db:
        readings, scored = (
            db.execute(sql, [FROM, TO]).fetchone()[0]
            for sql in (
                """select count(*) from reading join device using (device_no) where device = 'of-p1'
                    and observed_ms between ? and ?""",
                "select count(*) from score join stay using (stay_no) where patient = 'p1' and at_ms between ? and ?",
            )
        )
        noted = db.execute("select what from register_log where what like 'incident-export%'").fetchall()
    assert (len(files["readings.jsonl"]), len(files["scores.jsonl"])) == (readings, scored)
    assert readings > 0
    assert {row["patient"] for row in files["readings.jsonl"]} == {"p1"}
    assert {row["id"] for row in files["alerts.jsonl"]} == {row["alert"] for row in files["history.jsonl"]}
    assert "acknowledged" in {row["kind"] for row in files["history.jsonl"]}
    assert [row["equal"] for row in files["made_again.jsonl"]] == [True] * len(files["alerts.jsonl"])
    (about,) = files["about.jsonl"]
    assert (about["history"]["sound"], about["reason"]) == (True, "case 17, for the board")
    assert all(version["config_hash"] for version in about["made_by"])
    assert [row["settings"] for row in files["configured.jsonl"]] == [{"one": "0"}, {"one": "1"}]
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "out", check=True)
    assert {file.stat().st_mode & 0o077 for file in [tmp_path / "out", *(tmp_path / "out").iterdir()]} == {0}
    assert noted[-1] == (f"incident-export {utc(FROM)} to {utc(TO)}: case 17, for the board",)


@pytest.mark.hazard("H22")
def test_who_the_person_is_goes_along_only_when_that_is_said(vwmon: Command, path: Path, tmp_path: Path) -> None:
    """And then the journal says that it did."""
    for name, more in (("without", ()), ("with", ("--identity",))):
        assert vwmon(*EXPORT, *more, "--into", tmp_path / name, "--db", path).exit_code == 0
    held = {folder: b"".join(f.read_bytes() for f in (tmp_path / folder).iterdir()) for folder in ("without", "with")}
    assert [NAME.encode() in held[folder] for folder in ("without", "with")] == [False, True]
    assert b"1950-01-01" not in held["without"]
    with closing(database.open_reader(path)) as db:
        (last,) = db.execute("select what from register_log order by entry_no desc limit 1").fetchone()
    assert " with identity: " in last


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"p1": "p9"}, 3),
        ({utc(FROM): "2020-01-01T00:00:00Z", utc(TO): "2020-01-02T00:00:00Z"}, 3),
        ({utc(FROM): utc(TO)}, 2),
        ({"case 17, for the board": " "}, 2),
    ],
)
def test_what_cannot_be_exported_leaves_nothing(
    vwmon: Command, path: Path, tmp_path: Path, changed: dict[str, str], code: int
) -> None:
    """Somebody who is not there, then or ever; a period that is none; no reason."""
    arguments = [changed.get(word or "", word) for word in EXPORT]
    assert vwmon(*arguments, "--into", tmp_path / "out", "--db", path).exit_code == code
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_written_to(vwmon: Command, path: Path, tmp_path: Path) -> None:
    """It may be another incident's."""
    (tmp_path / "out").mkdir()
    assert vwmon(*EXPORT, "--into", tmp_path / "out", "--db", path).exit_code == 5
    assert vwmon(*EXPORT, "--into", tmp_path / "no" / "out", "--db", path).exit_code == 3
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.hazard("H22")
def test_a_child_s_birthdays_go_along_with_who_it_is_only(vwmon: Command, tmp_path: Path) -> None:
    """And what was asked of its own goes along always, for it decides what was overdue."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    born = utc(Clock().now_ms() - 2000 * DAY_MS)[:10]
    admit = ("C1", "--ward", "resp", "--born", born, "--pathway", "children", "--from", utc(FROM), "--db", path)
    assert vwmon("patients", "admit", *admit).exit_code == 0
    own = ("--schedule", "spo2", "--valid-for", "2h", "--overdue-after", "3h", "--reason", "unstable")
    assert vwmon("patients", "plan", "C1", *own, "--db", path).exit_code == 0
    export = ("incident", "export", "C1", "--from", utc(FROM), "--reason", "case 18", "--db", path)
    for name, more in (("without", ()), ("with", ("--identity",))):
        assert vwmon(*export, *more, "--into", tmp_path / name).exit_code == 0
    (without,), (whole,) = (read(tmp_path / name / "stays.jsonl") for name in ("without", "with"))
    assert ("age_bands" in without, "age_bands" in whole) == (False, True)
    assert [one["reason"] for one in without["schedules"]] == ["unstable"]


def test_what_could_not_be_noted_leaves_no_folder(
    vwmon: Command, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is not kept, though the folder stands already under its name."""

    @contextmanager
    def unkept(_db: object) -> Iterator[None]:
        yield
        raise StoreBusy("somebody else is writing")

    monkeypatch.setattr(incident_files, "atomic", unkept)
    done = vwmon(*EXPORT, "--into", tmp_path / "out", "--db", path)
    assert (done.exit_code, "somebody else" in done.stderr) == (1, True), done.output
    assert list(tmp_path.iterdir()) == []
