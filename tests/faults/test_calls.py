"""Faults at single calls, tested: each is really done, and what is said too early, or goes on in silence, is found."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest

from alerts import store
from tests.faults import subject, traced
from tests.faults.matrix import CannotHereError, Tally, Trial
from tests.faults.rows import calls
from vwmon.store.arrivals import Appended, Arrival, Quarantined
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import DatabaseError

FEW = 15  # runs: three of each kind of call

Row = Callable[[Trial, calls.Subject], Tally]


def writes_twice(path: Path) -> None:
    """Say before each of two writes that it comes."""
    with path.open("wb", buffering=0) as file:
        for word in ("one", "two"):
            print(word, flush=True)  # noqa: T201 -- its word
            os.pwrite(file.fileno(), word.encode(), 0)


def hasty(path: Path, seed: int, start_ms: int, count: int, *pragmas: str) -> None:
    """Say that everything is stored, and then store it."""
    print(count, flush=True)  # noqa: T201 -- its word, too early
    subject.work(path, seed, start_ms, count, *pragmas)


def stubborn(path: Path, seed: int, start_ms: int, count: int, *pragmas: str) -> None:
    """Try a commit that failed once more, in the same process."""
    append = LogWriter.append

    def again(self: LogWriter, arrivals: Sequence[Arrival], quarantined: Sequence[Quarantined], at_ms: int) -> Appended:
        with suppress(DatabaseError):
            return append(self, arrivals, quarantined, at_ms)
        return append(self, arrivals, quarantined, at_ms)

    vars(subject)["LogWriter"] = type("Stubborn", (LogWriter,), {"append": again})
    subject.work(path, seed, start_ms, count, *pragmas)


def tells_nobody(path: Path, seed: int, start_ms: int, count: int, *pragmas: str) -> None:
    """Write alerts, and not who is to be told of them."""
    vars(store)["_notify"] = lambda *_: None
    subject.work(path, seed, start_ms, count, *pragmas)


def done(folder: Path, *inject: str) -> traced.Ended:
    """Write twice with a fault in it; skip where nothing may be traced."""
    try:
        return traced.done(folder, ("-e", "trace=pwrite64", *inject), writes_twice, folder / "file")
    except CannotHereError as reason:
        pytest.skip(str(reason))


def row_done(row: Row, folder: Path, do: calls.Subject) -> Tally:
    """Do it a few times; skip where nothing may be traced."""
    try:
        return row(Trial(folder=folder, runs=FEW, seed=7), do)
    except CannotHereError as reason:
        pytest.skip(str(reason))


def test_the_call_that_is_asked_for_ends_as_asked_and_no_other(tmp_path: Path) -> None:
    """Killed at its second write, it has done its first; refused there, it says why."""
    killed = done(tmp_path, "-e", "inject=pwrite64:signal=KILL:when=2")
    assert (killed.code, killed.said.split()) == (-SIGKILL, ["one", "two"])
    assert (tmp_path / "file").read_bytes() == b"one"
    refused = done(tmp_path, "-e", "inject=pwrite64:error=EIO:when=2")
    assert refused.code == 1
    assert "Input/output error" in refused.complained
    whole = done(tmp_path)
    assert (whole.code, (tmp_path / "file").read_bytes()) == (0, b"two")


def test_without_the_program_that_traces_it_cannot_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is told, and is no clean run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotHereError, match="strace is not installed"):
        traced.done(tmp_path, ("-e", "trace=pwrite64"), writes_twice, tmp_path / "file")


@pytest.mark.hazard("H15")
@pytest.mark.slow
def test_a_kill_at_a_call_loses_nothing_that_was_said_to_be_stored(tmp_path: Path) -> None:
    """Three of each kind of call that there is so often, in a ward in which people fall ill."""
    tally = row_done(calls.killed, tmp_path, subject.work)
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert tally.runs >= len(traced.CALLS)


@pytest.mark.hazard("H15")
@pytest.mark.slow
def test_an_error_at_a_call_loses_nothing_that_was_said_to_be_stored(tmp_path: Path) -> None:
    """Nor does want of space, whatever comes of the process; once there is none, it goes on."""
    tally = row_done(calls.refused, tmp_path, subject.work)
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert tally.runs >= len(traced.CALLS)


@pytest.mark.slow
def test_what_goes_on_in_the_same_process_after_a_sync_that_failed_is_found(tmp_path: Path) -> None:
    """The disk has said that it did not keep something; what is there may be of memory only."""
    tally = row_done(calls.refused, tmp_path, stubborn)
    assert any(what.endswith("it went on in silence") for what in tally.broken)


@pytest.mark.slow
def test_an_alert_that_nobody_is_told_of_is_found(tmp_path: Path) -> None:
    """By what is written beside it, and by what a check of the database says."""
    broken = row_done(calls.killed, tmp_path, tells_nobody).broken
    assert any("not the same people told as undisturbed" in what for what in broken)
    assert any("whoever is to be told of an alert that asks is written down: 3" in what for what in broken)


@pytest.mark.hazard("H15")
@pytest.mark.slow
def test_what_says_that_a_reading_is_stored_before_it_is_gets_found(tmp_path: Path) -> None:
    """It is lost at the first kill."""
    assert row_done(calls.killed, tmp_path, hasty).lost > 0
