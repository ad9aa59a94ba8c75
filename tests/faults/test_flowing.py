"""Bad lines (F13), load (F17) and a long soak (F30): each row is really under way, and finds what is planted."""

import math
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from tests.faults.fed import Fed
from tests.faults.held import HOUR_S, Held, mib_per_hour
from tests.faults.line import Line
from tests.faults.rows import load, network, soak
from tests.faults.rows.clocks import DAY
from tests.faults.test_carried import one_of, short
from vwmon.clock import Clock
from vwmon.intake import link

LEAKS_MEMORY = """\
from vwmon.watch import Watch
turn, kept = Watch.turn, []
def leaking(self):
    kept.append(bytearray(b"x" * 16_000_000))
    return turn(self)
Watch.turn = leaking
"""


class Spent(Fed):
    """Devices that have said all they have to say after a few messages."""

    def _feed(self) -> None:
        self.give(soak.RECEIPTS * 2)
        self._given += soak.RECEIPTS * 2


class Trickling(Fed):
    """Devices that say something now and then, and have its receipt long before they say more."""

    def _feed(self) -> None:
        while not self._over.is_set():
            self.give(1)
            self._given += 1
            self._over.wait(0.5)


def holding(memory_mib: float, at_s: float) -> Held:
    """What a daemon held of memory at a time."""
    return Held(memory_mib=memory_mib, files=20, wal_mib=1.0, at_s=at_s)


@pytest.mark.parametrize("runs", [4, 20, 60, 400])
def test_both_lines_are_half_open_once_in_every_spell_and_under_the_real_keepalive_in_the_last(runs: int) -> None:
    """F13: a release sees twenty at each end at least."""
    every = network.spells(short(Path("of-no-use"), runs))
    assert sum(spell.trial.runs for spell in every) == runs
    assert len(every) >= runs // network.REAL_FROM
    assert all(len(network.BOTH) <= spell.trial.runs <= network.A_SPELL for spell in every)
    real = [spell.keepalive_s == link.KEEPALIVE_S for spell in every]
    assert real == [False] * (len(every) - 1) + [runs >= network.REAL_FROM]
    assert len({spell.trial.seed for spell in every}) == len({spell.trial.folder for spell in every}) == len(every)


@pytest.mark.slow
def test_a_line_is_held_up_for_longer_than_the_keepalive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F13: of a client that is harmed by the silence of a line that stands the end is told."""
    longest = 2.0 * network.SHORT_S
    held_up = network.Kind(ruin=Line.hold, mend=Line.release, lasts_s=(longest, longest))
    monkeypatch.setattr(network, "KINDS", {"held up": held_up})
    monkeypatch.setattr(network, "WAYS", [("held up", who) for who in network.BOTH])
    tally = network.disturbed(short(tmp_path, 4))
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    assert "2 times held up for longer than the keepalive" in tally.said


@pytest.mark.slow
def test_lines_of_a_ward_in_which_nobody_falls_ill_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F13, however few the messages."""
    monkeypatch.setattr(network, "ILL_H", 1_000.0)
    assert one_of(network.disturbed(short(tmp_path, 3)), "it says nothing of alerts")


@pytest.mark.slow
def test_a_flood_that_is_refused_is_no_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F17: readings of the day after tomorrow."""
    monkeypatch.setattr(load, "flood_ms", lambda _runs: -2 * DAY)
    assert one_of(load.loaded(short(tmp_path, 2)), "readings are refused")


@pytest.mark.parametrize("runs", [6, 20])
def test_a_flood_is_never_of_the_future(runs: int) -> None:
    """F17: not even when live readings are scored as late as they may be."""
    flooded = round(runs * load.LONGEST_S * load.TEN_TIMES_A_SECOND)
    now_ms = Clock().now_ms()
    crowd = load.Crowd.of(load.fleet(7), now_ms, runs)
    last = next(islice(crowd.flood, flooded, None))
    assert last.at_ms < now_ms


@pytest.mark.parametrize(
    ("waits_s", "says"),
    [
        ([0.1] * 200 + [load.GIVEN_UP_S], ["a live reading is not scored within 60 s"]),
        ([0.1] * 199, ["only 199 of 200 live readings"]),
        ([0.1] * 197 + [6.0] * 3, ["a live reading is scored only after 6 s"]),
        ([0.1] * 199 + [6.0], []),
    ],
    ids=["given up", "ended early", "late", "as promised"],
)
def test_a_live_reading_that_is_never_scored_is_found_however_many_are(waits_s: list[float], says: list[str]) -> None:
    """F17: it lies above 99 % of them, and still is one."""
    assert load.judged(waits_s, max(len(waits_s), 200)) == says


@pytest.mark.slow
@pytest.mark.parametrize(
    ("devices", "says"),
    [(Spent, "before line reset: nothing is receipted"), (Trickling, "line reset: no reading was under way")],
)
def test_a_fault_that_hits_a_ward_with_nothing_under_way_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: type[Fed], says: str
) -> None:
    """F30: devices that have said everything, and that say too little."""
    monkeypatch.setattr(soak, "Fed", devices)
    monkeypatch.setattr(soak, "AGAIN_S", 10.0)
    monkeypatch.setattr(soak, "KINDS", {"line reset": soak.KINDS["line reset"]})
    assert one_of(soak.soaked(short(tmp_path, 3), round_s=1.0), says)


@pytest.mark.slow
def test_a_daemon_whose_memory_grows_without_end_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F30."""
    monkeypatch.setattr(soak, "LONG", 8)
    monkeypatch.setattr(soak, "SETTLED_S", 0.0)
    monkeypatch.setattr(soak, "GROWTH", 100.0)
    monkeypatch.setattr(soak, "KINDS", {"line reset": soak.KINDS["line reset"]})
    assert one_of(soak.soaked(short(tmp_path, 8), LEAKS_MEMORY, round_s=1.0), "memory grows by")


@pytest.mark.parametrize(("hours", "grows"), [(0.4, 8.0), (1.5, 1.2)])
def test_the_longer_a_soak_the_less_growth_goes_by_as_chance(hours: float, grows: float) -> None:
    """F30: neither the ups and downs of a daemon nor what it held at the last moment are growth."""
    times = [number * 15.0 for number in range(round(hours * 240))]
    level = [holding(80.0 + 0.7 * math.sin(at_s / 30), at_s) for at_s in times]
    assert not soak.grown(level)
    rising = [holding(one.memory_mib + grows * one.at_s / HOUR_S, one.at_s) for one in level]
    assert mib_per_hour(rising) == pytest.approx(grows, abs=0.5)
    assert soak.grown(rising)


def test_growth_that_nobody_could_have_seen_is_not_taken_for_none() -> None:
    """F30."""
    assert soak.grown([holding(80.0, 0.0), holding(80.0, 15.0)]) == ["too few looks to tell how memory grows"]


def test_the_daemon_of_a_long_trial_lives_through_its_second_half() -> None:
    """F30: in a short one it is killed after every dozen of faults, and in the first half of a long one."""
    for runs, killed in ((12, {11}), (240, set(range(11, 120, soak.EVERY)))):
        kinds = [soak.kind(number, runs, Random(7)) for number in range(runs)]
        assert {number for number, name in enumerate(kinds) if name == soak.KILLED} == killed
