"""Every target stands all that a hunt begins with, and all that was once too much; no atheris is needed for that."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.poison import NOW_MS
from tests.fuzz import __main__ as fuzz
from tests.fuzz import report, target
from tests.fuzz.messages import ANSWERS, FORMATS
from tests.fuzz.report import Hunt
from tests.fuzz.target import SlowError
from tests.fuzz.targets import TARGETS
from vwmon import ingest
from vwmon.intake.protocol import Packet
from vwmon.store import database
from vwmon.store.log import LogWriter

FOUND = [(name, file) for name in TARGETS for file in target.found(name)]


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_stands_what_a_hunt_begins_with(name: str) -> None:
    """Real forms, mutated ones and poison: each is read or refused by a documented error, in little time."""
    seeds = target.corpus(name, TARGETS)
    assert len(seeds) >= 3
    for seed in seeds:
        assert target.within_time(TARGETS[name].take, seed) <= target.SLOWEST_S


@pytest.mark.hazard("T8")
@pytest.mark.parametrize(("name", "file"), FOUND, ids=lambda one: getattr(one, "name", one))
def test_what_was_found_once_is_stood_ever_after(name: str, file: Path) -> None:
    """Each input led to an error that nobody had foreseen, to a value that cannot be stored, or to a lost message.

    `take` raises for all of these, so what comes back has been read, or refused by an error that is documented.
    """
    assert target.within_time(TARGETS[name].take, file.read_bytes()) <= target.SLOWEST_S


@pytest.mark.hazard("T8")
def test_no_payload_that_is_known_stops_what_stores_it(tmp_path: Path) -> None:
    """Each goes the daemon's way, one batch after another, into a database: as readings, or set aside with a reason."""
    with closing(database.create(tmp_path / "x.db")) as db:
        log = LogWriter(db)
        for number, sent in enumerate(target.corpus("payloads", TARGETS)):
            kept = ingest.sort([packet(sent, number)], "vwmon")
            log.append(kept.arrivals, kept.quarantined, NOW_MS)
            assert len(kept.arrivals) + len(kept.quarantined) + len(kept.confirmed) == 1


def packet(sent: bytes, number: int) -> Packet:
    """Give a payload of the corpus as it comes from the broker."""
    kind, body = target.choice(sent, FORMATS)
    topic = f"vwmon/resp/dev-1/{'answers' if kind == ANSWERS else 'readings'}"
    content_type = "" if kind == ANSWERS else kind
    return Packet(
        topic=topic, payload=body, received_ms=NOW_MS + number, content_type=content_type, retain=False, mid=1
    )


def test_every_input_that_was_found_belongs_to_a_target() -> None:
    """One in a folder of no target's name would be taken by nobody."""
    assert {folder.name for folder in target.FOUND.iterdir()} <= set(TARGETS)
    assert len(FOUND) >= 25


def test_an_input_that_takes_too_long_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little of it there is."""
    monkeypatch.setattr(target, "SLOWEST_S", -1.0)
    with pytest.raises(SlowError, match="3 bytes"):
        target.within_time(lambda _: None, b"abc")


def test_the_words_of_the_fuzzer_are_read() -> None:
    """A clean end, an error of Python, and a death without a word."""
    clean = "#9\tINITED cov: 12 ft: 3\n#99\tDONE   cov: 31 ft: 5\nstat::number_of_executed_units: 99\n"
    assert report.hunt_of(clean, 60, 0) == Hunt(seconds=60, inputs=99, edges=31)
    raised = "#9\tNEW cov: 12\n\n === Uncaught Python exception: ===\nKeyError: 'a'\nTraceback\n" + clean[-38:]
    assert report.hunt_of(raised, 60, 77).found == "KeyError: 'a'"
    assert report.hunt_of("==1== ERROR: libFuzzer: out-of-memory\nrest", 60, 71).found.endswith("out-of-memory")
    assert report.hunt_of("", 60, -9).found == "nothing was said"


def test_the_page_has_a_row_for_every_target_and_the_figures_that_are_kept() -> None:
    """Also for one that was never hunted, so that nobody takes silence for a result."""
    written = fuzz.PAGE.read_text(encoding="utf-8")
    assert written == report.page(TARGETS, report.kept(fuzz.FIGURES))
    assert report.page(TARGETS, {}).count(report.UNDONE) == len(TARGETS)
    assert str(ROOT) not in written
