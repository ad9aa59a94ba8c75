"""Simulated patients: believable courses, the same for the same seed, with faults that are what they are called."""

import itertools
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from devices.payloads import decode
from devices.readings import MARK_QUESTIONED, Message
from devices.said import Request
from devices.simulator import courses, faults
from devices.simulator.courses import COURSES, USUAL, resting, shift, swing, truth
from devices.simulator.faults import FAULTS, Draft
from devices.simulator.fleet import PARTS, Fleet, Timed
from devices.simulator.live import AT_ONCE, Repeats, play

START_MS = 1_795_338_900_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def read(timed: Timed) -> Message:
    """Decode a message as the ward would on its arrival."""
    return decode(timed.payload, device=timed.device, received_ms=timed.at_ms)


def values(message: Message) -> dict[str, float]:
    """A message's values by vital."""
    return {reading.vital: reading.value for reading in message.readings if reading.value is not None}


def hourly(course: str, hours: int, seed: int = 1) -> list[dict[str, float]]:
    """One patient's values, hour by hour."""
    fleet = Fleet(patients=1, courses=(course,), seed=seed, spot_minutes=60)
    return [values(read(timed)) for timed in fleet.messages(START_MS, until_ms=START_MS + hours * HOUR_MS)]


@pytest.mark.parametrize("course", COURSES)
def test_every_message_of_every_course_has_all_seven_parts_and_nothing_in_doubt(course: str) -> None:
    """Each is read whole: nothing refused, no mark, id and sequence in order."""
    fleet = Fleet(patients=3, courses=(course,), spot_minutes=30)
    seqs: dict[str, list[int | None]] = defaultdict(list)
    for timed in fleet.messages(START_MS, until_ms=START_MS + 5 * DAY_MS):
        message = read(timed)
        assert not message.refused
        assert set(PARTS) <= {reading.vital for reading in message.readings}
        assert all(reading.marks == 0 and reading.raw_unit is None for reading in message.readings)
        assert 0 <= timed.at_ms - message.readings[0].observed_ms < 1000
        assert 0 <= (message.battery_percent or 0) <= 100
        seqs[timed.device].append(message.seq)
    assert all(found == list(range(1, len(found) + 1)) for found in seqs.values())
    assert all(len(found) == 240 for found in seqs.values())


@pytest.mark.parametrize("seed", range(20))
def test_a_stable_patient_is_well_all_the_time(seed: int) -> None:
    """Every value in the range that NEWS2 scores 0, or 1 for one of them at most."""
    normal = {
        "respiratory_rate": (12, 20),
        "spo2": (96, 100),
        "systolic_bp": (111, 219),
        "heart_rate": (51, 90),
        "temperature": (36.1, 38.0),
        "oxygen": (0, 0),
        "consciousness": (0, 0),
    }
    for round_ in hourly("stable", 72, seed):
        outside = [name for name, (low, high) in normal.items() if not low <= round_[name] <= high]
        assert len(outside) <= 1
        assert not {"oxygen", "consciousness"} & set(outside)


@pytest.mark.parametrize(
    ("course", "hours", "ends"),
    [
        (
            "respiratory-decline",
            26,
            {"respiratory_rate": (25, 40), "spo2": (85, 93), "oxygen": (2, 6), "consciousness": (1, 1)},
        ),
        (
            "sepsis",
            26,
            {"heart_rate": (111, 145), "systolic_bp": (70, 100), "respiratory_rate": (21, 34), "consciousness": (1, 2)},
        ),
        (
            "heart-failure",
            98,
            {"respiratory_rate": (21, 32), "spo2": (88, 94), "heart_rate": (86, 120), "oxygen": (2, 2)},
        ),
        (
            "post-operative-bleed",
            12,
            {"heart_rate": (111, 150), "systolic_bp": (70, 105), "respiratory_rate": (21, 34), "consciousness": (2, 2)},
        ),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_course_begins_well_and_ends_ill(
    course: str, hours: int, ends: dict[str, tuple[float, float]], seed: int
) -> None:
    """From an unremarkable first hour to the picture that its name promises."""
    rounds = hourly(course, hours, seed)
    assert rounds[0]["consciousness"] == rounds[0]["oxygen"] == 0
    assert rounds[0]["spo2"] >= 95
    for name, (low, high) in ends.items():
        assert low <= rounds[-1][name] <= high, name


def test_a_failing_heart_shows_on_the_scales_first() -> None:
    """A weight once a day, up by 2 kg or more in three days, when breathing has hardly changed."""
    weights = [round_["weight"] for round_ in hourly("heart-failure", 96) if "weight" in round_]
    assert len(weights) in {4, 5}
    assert weights[3] - weights[0] >= 1.7
    assert sorted(weights) == weights


def test_the_same_seed_is_the_same_bytes_and_another_is_not() -> None:
    """Whatever else is drawn meanwhile."""
    fleet = Fleet(patients=4, faults=tuple(FAULTS), seed=7)
    first = list(fleet.messages(START_MS, until_ms=START_MS + DAY_MS))
    assert first == list(Fleet(patients=4, faults=tuple(FAULTS), seed=7).messages(START_MS, until_ms=START_MS + DAY_MS))
    assert first != list(Fleet(patients=4, faults=tuple(FAULTS), seed=8).messages(START_MS, until_ms=START_MS + DAY_MS))


def test_a_patient_does_not_depend_on_how_many_others_there_are() -> None:
    """The third of three is the third of thirty."""
    few, many = (
        [
            timed
            for timed in Fleet(patients=count).messages(START_MS, until_ms=START_MS + DAY_MS)
            if timed.device == "sim-003"
        ]
        for count in (3, 30)
    )
    assert few == many


def test_runs_that_begin_at_other_times_have_other_ids() -> None:
    """A second run on the same ward is not taken for a repeat of the first."""
    one, two = (
        {read(timed).id for timed in Fleet(patients=1).messages(start, until_ms=start + DAY_MS)}
        for start in (START_MS, START_MS + 1)
    )
    assert not one & two


def test_messages_come_in_the_order_of_sending() -> None:
    """Over all devices, with late ones in their late place."""
    fleet = Fleet(patients=20, faults=("repeats",))
    times = [timed.at_ms for timed in itertools.islice(fleet.messages(START_MS), 3000)]
    assert times == sorted(times)
    assert times[0] >= START_MS


def test_courses_are_given_out_in_turn_and_the_pace_shortens_them() -> None:
    """Twelve patients on the usual four courses are three on each; at pace 12 a day is two hours."""
    fleet = Fleet(patients=12, pace=12.0, spot_minutes=10)
    assert Counter(fleet.course(device).name for device in fleet.devices()) == dict.fromkeys(USUAL, 3)
    last = [read(timed) for timed in fleet.messages(START_MS, until_ms=START_MS + 3 * HOUR_MS)][-12:]
    assert sum(values(message)["consciousness"] > 0 for message in last) == 6


def test_onsets_are_spread_over_the_hours_given() -> None:
    """Nobody falls ill before the beginning, and not all at once."""
    fleet = Fleet(patients=8, courses=("sepsis",), onset_hours=48, spot_minutes=60)
    begun: dict[str, int] = {}
    for timed in fleet.messages(START_MS, until_ms=START_MS + 3 * DAY_MS):
        if values(read(timed))["temperature"] >= 38.5:
            begun.setdefault(timed.device, timed.at_ms)
    assert len(begun) == 8
    assert max(begun.values()) - min(begun.values()) > 12 * HOUR_MS


@pytest.mark.parametrize(
    "wrong",
    [
        {"patients": 0},
        {"courses": ()},
        {"spot_minutes": 0},
        {"pace": 0},
        {"courses": ("plague",)},
        {"faults": ("fire",)},
    ],
)
def test_a_fleet_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """When it is made, not at the first message."""
    with pytest.raises((ValueError, KeyError)):
        Fleet(**{"patients": 1, **wrong})


def test_the_step_may_be_given_in_place_of_the_round() -> None:
    """For load: a message every 50 ms."""
    sent = list(Fleet(patients=2).messages(START_MS, step_ms=50, until_ms=START_MS + 1000))
    assert len(sent) == 40


def drafts(count: int) -> list[Draft]:
    """Make a device's messages, a quarter of an hour apart."""
    return [
        Draft(START_MS + number * 900_000, number, START_MS + number * 900_000, 80, (("heart_rate", 72), ("spo2", 97)))
        for number in range(count)
    ]


def test_gaps_lose_spells_and_change_nothing_else() -> None:
    """Several in a row are missing now and then; what comes is as it was."""
    sent = drafts(1000)
    got = list(faults.gaps(sent, Random(1)))
    assert 400 < len(got) < 900
    assert all(draft == sent[draft.seq] for draft in got)
    missing = [b.seq - a.seq - 1 for a, b in itertools.pairwise(got)]
    assert set(missing) - {0} <= set(range(3, 60))


def test_repeats_send_everything_some_twice_and_some_late() -> None:
    """Nothing is lost, the observed time stays, and the order is that of sending."""
    sent = drafts(1000)
    got = list(faults.repeats(sent, Random(1)))
    assert {draft.seq for draft in got} == set(range(1000))
    assert 1050 < len(got) < 1150
    assert all(draft.values == sent[draft.seq].values for draft in got)
    assert all(draft.observed_ms == sent[draft.seq].observed_ms for draft in got)
    assert sorted(draft.at_ms for draft in got) == [draft.at_ms for draft in got]
    late = [draft for draft in got if draft.at_ms != draft.observed_ms]
    assert 100 < len(late) < 200
    assert max(draft.at_ms - draft.observed_ms for draft in late) <= 120 * 60_000


def test_what_is_late_at_the_end_still_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when every message of a short stream is late."""
    monkeypatch.setattr(faults, "LATE_CHANCE", 1.0)
    got = list(faults.repeats(drafts(10), Random(1)))
    assert {draft.seq for draft in got} == set(range(10))
    assert [draft.at_ms for draft in got] == sorted(draft.at_ms for draft in got)


def test_artefacts_spoil_one_value_and_the_ward_sees_it() -> None:
    """Each spoiled value is refused or questioned: none passes for a good reading."""
    fleet = Fleet(patients=4, faults=("artefacts",))
    sent = Fleet(patients=4).messages(START_MS, until_ms=START_MS + 4 * DAY_MS)
    clean = {(timed.device, read(timed).seq): read(timed) for timed in sent}
    spoiled = 0
    for timed in fleet.messages(START_MS, until_ms=START_MS + 4 * DAY_MS):
        message = read(timed)
        if message.readings != clean[timed.device, message.seq].readings:
            spoiled += 1
            marked = [reading for reading in message.readings if reading.marks == MARK_QUESTIONED]
            assert len(message.refused) + len(marked) == 1
    assert spoiled > 40


def test_shifts_are_straight_between_waypoints_and_held_after() -> None:
    """Nothing before the onset."""
    waypoints = ((0.0, 0.0), (10.0, 5.0), (20.0, -5.0))
    assert [shift(waypoints, hour) for hour in (-3, 0, 5, 10, 12, 15, 20, 99)] == [0, 0, 2.5, 5, 3, 0, -5, -5]
    assert shift((), 5) == 0


def test_the_day_swings_and_comes_back() -> None:
    """Lowest in the small hours, highest twelve hours on, and only for what swings."""
    assert swing("heart_rate", 4) == -3
    assert swing("heart_rate", 16) == pytest.approx(3)
    assert swing("spo2", 16) == 0


def test_the_truth_is_in_the_tables_words() -> None:
    """Letters for consciousness, litres for oxygen, and no patient outside the resting ranges."""
    for seed in range(50):
        rest = resting(Random(seed))
        assert all(low <= rest[name] <= high for name, (_, _, low, high) in courses.RESTING.items())
    late = truth(COURSES["respiratory-decline"], rest, 23, 12)
    assert (late["consciousness"], late["oxygen"]) == ("C", 4.0)


class Outlet:
    """Keeps what is sent, and what the clock said then."""

    def __init__(self, stop_after: int = 10**9) -> None:
        """Stop once so many were sent."""
        self.batches: list[list[tuple[str, bytes, str]]] = []
        self.stop = threading.Event()
        self._stop_after = stop_after

    def enqueue_all(self, messages: Iterable[tuple[str, bytes, str]]) -> None:
        """Keep a batch."""
        self.batches.append(list(messages))
        if sum(map(len, self.batches)) >= self._stop_after:
            self.stop.set()


class Clock:
    """A clock that moves by `step_ms` whenever it is asked."""

    def __init__(self, step_ms: int) -> None:
        """Begin at the start."""
        self._now_ms = START_MS
        self._step_ms = step_ms

    def now_ms(self) -> int:
        """Tell the time and move."""
        self._now_ms += self._step_ms
        return self._now_ms


def test_messages_are_sent_when_the_clock_has_reached_them() -> None:
    """All of them, in order, with the ids that they give themselves; those due together in one batch."""
    messages = list(Fleet(patients=5).messages(START_MS, until_ms=START_MS + DAY_MS))
    outlet = Outlet()
    told: list[int] = []
    sent = play(messages, outlet, Clock(HOUR_MS).now_ms, 1e9, stop=outlet.stop, told=told.append)
    flat = [one for batch in outlet.batches for one in batch]
    assert sent == len(messages) == len(flat) == told[-1]
    assert [(device, payload) for device, payload, _ in flat] == [(timed.device, timed.payload) for timed in messages]
    assert all(json.loads(payload)["id"] == named for _, payload, named in flat)
    assert told == sorted(told)


def test_batches_are_never_large() -> None:
    """However far behind the clock is, the disk gets them in pieces."""
    messages = list(Fleet(patients=40).messages(START_MS, until_ms=START_MS + DAY_MS))
    outlet = Outlet()
    play(messages, outlet, lambda: START_MS + 2 * DAY_MS, 1.0, stop=outlet.stop, told=lambda _: None)
    assert max(map(len, outlet.batches)) == AT_ONCE


def test_a_stop_ends_the_wait() -> None:
    """At once, however far the next message is; what was due is sent."""
    outlet = Outlet(stop_after=10)
    messages = Fleet(patients=5).messages(START_MS)
    sent = play(messages, outlet, Clock(HOUR_MS).now_ms, 1e9, stop=outlet.stop, told=lambda _: None)
    assert 10 <= sent <= AT_ONCE
    stopped = threading.Event()
    stopped.set()
    assert play(Fleet(patients=1).messages(START_MS), outlet, lambda: 0, 1.0, stop=stopped, told=lambda _: None) == 0


class _Kept:
    """An outlet that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, str]] = []

    def enqueue_all(self, messages: Iterable[tuple[str, bytes, str]]) -> None:
        """Keep messages."""
        self.sent += messages


def test_a_device_that_is_asked_measures_what_is_wanted_again() -> None:
    """As its patient is at that moment, under an id of its own; the same request gets the same answer."""
    fleet, outlet = Fleet(patients=2, courses=("sepsis",)), _Kept()
    repeats = Repeats(fleet, START_MS, lambda: START_MS + 3 * HOUR_MS)
    repeats("sim-002", Request(id="7", request="repeat", vitals=["spo2"]))
    assert outlet.sent == []
    repeats.outlet = outlet
    for _ in range(2):
        repeats("sim-002", Request(id="7", request="repeat", vitals=["spo2", "heart_rate"]))
    (device, payload, name), again = outlet.sent
    assert again == (device, payload, name)
    said = read(Timed(START_MS, device, payload))
    assert (device, said.id, name) == ("sim-002", name, f"{START_MS:x}-asked-7")
    assert values(said).keys() == {"spo2", "heart_rate"}


def test_a_request_that_is_none_of_the_fleets_is_left_alone() -> None:
    """Another device of the ward, and a question that no simulated device knows."""
    outlet = _Kept()
    repeats = Repeats(Fleet(patients=1), START_MS, lambda: START_MS + HOUR_MS)
    repeats.outlet = outlet
    repeats("oximeter", Request(id="7", request="repeat"))
    repeats("sim-001", Request(id="8", request="dance"))
    assert outlet.sent == []
    repeats("sim-001", Request(id="9", request="repeat"))
    assert len(read(Timed(START_MS + HOUR_MS, *outlet.sent[0][:2])).readings) == len(PARTS)
