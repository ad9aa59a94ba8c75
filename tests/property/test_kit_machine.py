"""Kit going round as one machine: whatever is given, taken, swapped or written off, no reading goes to a wrong stay.

VWMON_WALKS says how many walks to take; without it, 10,000. A walk that fails is told by its seed.
"""

import os
from collections.abc import Iterator

import numpy as np
import pytest

from tests.property.kit_ward import DEVICES, MOMENTS, PATIENTS, RATES, T0, Ward, in_memory, walk_of
from vwmon.attribution import NOBODY
from vwmon.cli import register_rows
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.roster import Roster
from vwmon.scorer import Scorer
from vwmon.store import kit, listing, registers
from vwmon.store.listing import Wanted
from vwmon.store.sqlite import Connection
from vwmon.store.verify import RULES

WALKS = int(os.environ.get("VWMON_WALKS", "10000"))
STEPS, SCORED_WALKS, LOOKED_AT = 12, 120, 10
DEVICE = np.repeat(np.arange(1, len(DEVICES) + 1), MOMENTS)
MOMENT_MS = np.tile(T0 + np.arange(MOMENTS), len(DEVICES))
NOBODY_YET = Roster(stays=(), assignments=frozenset(), plans={})


@pytest.fixture(scope="module")
def memory() -> Iterator[Connection]:
    """A database in memory, which every walk begins by emptying."""
    db = in_memory()
    yield db
    db.close()


@pytest.mark.hazard("H4")
@pytest.mark.slow(75)
def test_no_reading_is_given_to_a_stay_that_had_not_the_device_then(memory: Connection) -> None:
    """At every moment every device is whose the table says it is, and nothing that was sent is lost.

    After every step of a tenth of the walks, and at the end of all.
    """
    for seed in range(WALKS):
        ward = Ward(memory)
        try:
            for step in walk_of(seed, STEPS):
                ward.do(step)
                if seed % LOOKED_AT == 0:
                    _is_as_in_the_table(ward)
            _is_as_in_the_table(ward)
            _is_listed_as_in_the_table(ward)
        except AssertionError as error:
            raise AssertionError(f"walk {seed}: {error}") from error


@pytest.mark.hazard("H4")
def test_what_the_scorer_has_scored_of_each_stay_is_what_the_table_says(memory: Connection) -> None:
    """Live, after every step: readings late or early, before or after the kit changed hands, over restarts."""
    versions = Provenance(config_hash="test", plans=plans.load_all())
    for seed in range(SCORED_WALKS):
        ward = Ward(memory)
        scorer = Scorer(memory, versions, T0)
        for step in walk_of(-1 - seed, STEPS):
            ward.do(step)
            if step.flag:
                scorer = Scorer(memory, versions, T0 + ward.now)
            while scorer.cycle(T0 + ward.now):
                pass
            scored = memory.execute("select stay_no, at_ms, total_min from score order by 1, 2").fetchall()
            assert scored == list(_scores(ward)), f"walk {-1 - seed}"


def _scores(ward: Ward) -> Iterator[tuple[int, int, int]]:
    """Score the moments of each stay by the readings that the table says are its own; the same again is no news."""
    own = {(ward.table.owner[device][at] or 0, at) for device, at in ward.sent}
    last: dict[int, int] = {}
    for stay, at in sorted(own):
        points = at % len(RATES)
        if stay and points != last.get(stay):
            yield stay, T0 + at, points
        last[stay] = points


def _is_as_in_the_table(ward: Ward) -> None:
    """Hold the intervals that the scorer searches, and what is out, against the table."""
    roster = NOBODY_YET.renewed(registers.stays(ward.db), registers.assignments(ward.db))
    rows = roster.intervals().rows(DEVICE, MOMENT_MS)
    first = ward.db.execute("select min(stay_no) from stay").fetchone()[0]
    expected = [NOBODY if stay is None else stay - 1 for name in DEVICES for stay in ward.table.owner[name]]
    wrong = np.flatnonzero(rows != expected)[:3]
    told = [(DEVICES[DEVICE[n] - 1], int(MOMENT_MS[n] - T0), int(rows[n]), expected[n]) for n in wrong]
    assert not told, f"device, moment, whose it is, whose it was: {told}"
    assert first == 1
    out = {(stay_no, one.device) for stay_no, several in kit.still_out(ward.db).items() for one in several}
    assert out == ward.table.out(), "what is out"


def _is_listed_as_in_the_table(ward: Ward) -> None:
    """Hold what the screens list, and what a check of the database says, against the table."""
    owner = {(device, T0 + at): ward.table.owner[device][at] for device, at in ward.sent}
    listed = listing.readings(ward.db, Wanted(limit=1000))
    assert {(row.device, row.observed_ms): row.stay_no for row in listed} == owner, "the readings listed"
    assert len(listed) == len(ward.sent), "as many readings as were sent"
    stray = listing.readings(ward.db, Wanted(limit=1000, owner="nobody"))
    assert {(row.device, row.observed_ms) for row in stray} == {key for key, stay in owner.items() if stay is None}
    for patient in PATIENTS:
        mine = listing.readings(ward.db, Wanted(limit=1000, owner="patient", patient=patient))
        stays = {number for number, (who, _, _) in enumerate(ward.table.stays, 1) if who == patient}
        assert {(row.device, row.observed_ms) for row in mine} == {key for key, stay in owner.items() if stay in stays}
    known = register_rows.read(ward.db)
    for stay_no in known.stays:
        times = [at_ms for (_, at_ms), stay in owner.items() if stay == stay_no]
        last = [one.observed_ms for one in register_rows.latest_of(ward.db, stay_no, known)]
        assert max(last, default=None) == max(times, default=None), "the last reading on a patient's page"
    for rule in ("no device belongs to two stays at once", "no device stays with a patient who left"):
        assert ward.db.execute(RULES[rule]).fetchone() == (0,), rule
