"""The rows of power cuts, of memory and of what cannot be written: done once, and each finds a fault planted for it."""

import random
from pathlib import Path

import pytest

from tests.faults.matrix import CannotHereError, Profile, Tally, Trial
from tests.faults.recorded import SECTOR, Call, Disk
from tests.faults.rows import ROWS, barred, cuts, disk, memory, power

SLOPPY = """
from vwmon.store import database
well = database._set_journal

def sloppy(db):
    well(db)
    db.execute("pragma synchronous = off")

database._set_journal = sloppy
"""
SAYS_SO_ANYHOW = """
from types import SimpleNamespace
from vwmon.scorer import Scorer
from vwmon.store.log import LogWriter

def heedless(owner, name, instead):
    done = getattr(owner, name)
    def tried(self, *given):
        try:
            return done(self, *given)
        except Exception:
            return instead
    setattr(owner, name, tried)

heedless(LogWriter, "append", SimpleNamespace(last_seq=0))
heedless(LogWriter, "merge", None)
heedless(Scorer, "cycle", 0)
"""
GOES_ON_IN_A_COPY = """
import shutil, tempfile
from pathlib import Path
from vwmon.store import database
opened, elsewhere = database.open_writer, tempfile.TemporaryDirectory()

def somewhere(path):
    db = opened(path)
    try:
        db.execute("update log set last_seq = last_seq")
    except Exception:
        return opened(Path(shutil.copyfile(path, Path(elsewhere.name) / path.name)))
    return db

database.open_writer = somewhere
"""
LIVES_ON_WITHOUT_A_THREAD = """
from vwmon import surroundings
from vwmon.daemon import Daemon

surroundings.CHECKS = tuple(one for one in surroundings.CHECKS if one.__name__ != "_disk")

def unnoticed(self, _name, work):
    try:
        work()
    except Exception:
        self._over.wait()

Daemon._guarded = unnoticed
"""
ACKNOWLEDGES_ANYHOW = (
    LIVES_ON_WITHOUT_A_THREAD
    + """
from vwmon import ingest, merging
append = merging.MergingLog.append

def heedless(self, *given):
    try:
        return append(self, *given)
    except Exception:
        return ingest.NOTHING

merging.MergingLog.append = heedless
"""
)
WAITS_FOR_MEMORY = """
import resource, threading
from vwmon.store.log import LogWriter
append = LogWriter.append

def patient(self, *given, **named):
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        threading.Event().wait()
    return append(self, *given, **named)

LogWriter.append = patient
"""
SCORES_NOTHING = """
import resource, threading
from vwmon.scorer import Scorer
cycle = Scorer.cycle

def patient(self, *given, **named):
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        threading.Event().wait()
    return cycle(self, *given, **named)

Scorer.cycle = patient
"""


def done(name: str, folder: Path) -> Tally:
    """Do a row as often as a smoke test does; skip where this machine cannot."""
    row = ROWS[name]
    try:
        tally: Tally = row.do(Trial(folder=folder, runs=row.runs[Profile.SMOKE], seed=7))
    except CannotHereError as reason:
        pytest.skip(str(reason))
    return tally


@pytest.mark.hazard("H1")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["F6", "F18"])
def test_what_a_machine_does_to_a_store_loses_nothing(name: str, tmp_path: Path) -> None:
    """Real files and processes, a few times; the numbers that prove something are those of the profiles."""
    tally = done(name, tmp_path)
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert tally.runs > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["F5", "F7", "F9"])
def test_what_a_disk_does_to_a_store_loses_nothing(name: str, tmp_path: Path) -> None:
    """A disk of its own, mounted by root where the machine lets it."""
    tally = done(name, tmp_path)
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert tally.runs > 0


@pytest.mark.hazard("H15")
@pytest.mark.slow
@pytest.mark.parametrize("pragma", ["synchronous = off", "synchronous = normal"])
def test_a_store_that_does_not_sync_is_found_by_the_model_of_power_cuts(pragma: str, tmp_path: Path) -> None:
    """Killing the process would not show it: what the system holds outlives a kill."""
    assert power.cut(Trial(folder=tmp_path, runs=60, seed=7), pragma).lost > 0


@pytest.mark.slow
def test_a_store_that_does_not_sync_is_found_by_cuts_of_a_file_system(tmp_path: Path) -> None:
    """The daemon itself, with the fault planted in it."""
    try:
        tally = cuts.cut(Trial(folder=tmp_path, runs=3, seed=7), SLOPPY)
    except CannotHereError as reason:
        pytest.skip(str(reason))
    assert tally.lost > 0


def test_what_was_synced_is_there_after_every_cut_and_the_rest_in_any_part() -> None:
    """By sectors: all of them, none, or some; a name is there or not until its folder is synced."""
    disk, chance = Disk({"/d/a": b"0" * SECTOR}), random.Random(7)
    disk.play(Call(name="pwrite64", path="/d/a", at=0, text=b"1" * SECTOR))
    disk.play(Call(name="fdatasync", path="/d/a"))
    disk.play(Call(name="openat", path="/d/b"))
    disk.play(Call(name="pwrite64", path="/d/a", at=0, text=b"2" * 3 * SECTOR))
    found = [disk.cut(chance) for _ in range(200)]
    assert {each["/d/a"][:SECTOR] for each in found} == {b"1" * SECTOR, b"2" * SECTOR}
    assert {len(each["/d/a"]) // SECTOR for each in found} == {1, 2, 3}
    assert any(each["/d/a"][SECTOR:] == bytes(SECTOR) + b"2" * SECTOR for each in found)
    assert {"/d/b" in each for each in found} == {True, False}
    disk.play(Call(name="fsync", path="/d"))
    assert all("/d/b" in disk.cut(chance) for _ in range(50))


def test_a_name_that_was_removed_may_be_back_until_the_folder_is_synced() -> None:
    """And what was cut off its end may be back until the file is."""
    disk, chance = Disk({"/d/a": b"0" * SECTOR}), random.Random(7)
    disk.play(Call(name="ftruncate", path="/d/a", at=10))
    assert {len(disk.cut(chance)["/d/a"]) for _ in range(50)} == {10, SECTOR}
    disk.play(Call(name="unlink", path="/d/a"))
    assert {"/d/a" in disk.cut(chance) for _ in range(50)} == {True, False}
    disk.play(Call(name="fsync", path="/d"))
    assert disk.cut(chance) == {}


@pytest.mark.parametrize(
    ("way", "planted", "says"),
    [
        ("quota", SAYS_SO_ANYHOW, "quota: it went on in silence"),
        ("mode", GOES_ON_IN_A_COPY, "mode: it began where it may not write"),
    ],
    ids=["says so anyhow", "goes on in a copy"],
)
def test_a_writer_that_makes_nothing_of_being_barred_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, planted: str, says: str
) -> None:
    """F9: what it says is stored is nowhere that anybody looks."""
    monkeypatch.setattr(barred, "WAYS", {way: barred.WAYS[way]})
    try:
        tally = barred.barred(Trial(folder=tmp_path, runs=1, seed=7), planted)
    except CannotHereError as reason:
        pytest.skip(str(reason))
    assert says in tally.broken


def filled(folder: Path, patched: pytest.MonkeyPatch, way: str, planted: str = "") -> Tally:
    """Fill a disk in one way; skip where this machine cannot."""
    patched.setattr(disk, "WAYS", (way,))
    patched.setattr(disk, "TOLD_S", 5)
    patched.setattr(disk, "AGAIN_S", 5)
    for name in ("RECEIPTED_S", "SCORED_S"):
        patched.setattr(f"tests.faults.daemon.{name}", 5)
    try:
        return disk.full(Trial(folder=folder, runs=1, seed=7), planted)
    except CannotHereError as reason:
        pytest.skip(str(reason))


@pytest.mark.slow
def test_a_daemon_that_says_nothing_of_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F7: it lives, and neither ends nor stores anything when there is room."""
    tally = filled(tmp_path, monkeypatch, disk.DAEMON, LIVES_ON_WITHOUT_A_THREAD)
    assert "a daemon: waited 5 s in vain until it ends or raises its alarm" in tally.broken
    assert "a daemon: with room: waited 5 s in vain until readings are receipted again" in tally.broken


@pytest.mark.slow
def test_a_receipt_for_what_a_full_disk_did_not_take_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F7."""
    assert filled(tmp_path, monkeypatch, disk.DAEMON, ACKNOWLEDGES_ANYHOW).lost > 0


def test_a_disk_that_is_full_before_the_database_grows_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F7: of a database that was to find no room."""
    monkeypatch.setattr(disk, "SOONER", "wal_autocheckpoint = 4000")
    tally = filled(tmp_path, monkeypatch, disk.DATABASE)
    assert tally.broken == ("the database: it was not that which had no room",)


@pytest.mark.slow
@pytest.mark.parametrize("planted", [WAITS_FOR_MEMORY, SCORES_NOTHING])
def test_a_daemon_that_waits_for_memory_and_does_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """F18: it lives, and nobody would start it again."""
    monkeypatch.setattr(memory, "TRIED_S", 5)
    monkeypatch.setattr(memory, "SPARE_KIB", (1 << 20,))
    with pytest.raises(AssertionError, match="in vain until it ends, or works on"):
        memory.starved(Trial(folder=tmp_path, runs=1, seed=7), planted)
