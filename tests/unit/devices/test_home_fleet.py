"""People at home: who sends how often, bodies whose vitals move together, and faults that are seen in what is sent."""

import csv
import gzip
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from statistics import correlation, mean
from types import MappingProxyType
from typing import Any

import pytest

from devices.payloads import decode
from devices.readings import MARK_CLOCK_AHEAD, Message
from devices.simulator import faults, recording, shares, tables
from devices.simulator.archetypes import ARCHETYPES, SATURDAY, moments
from devices.simulator.bodies import Body, home_body
from devices.simulator.courses import COURSES
from devices.simulator.faults import FAULTS, SUMMARIES, SWAPPED, Draft
from devices.simulator.fleet import KNOWN_FAULTS, Fleet, Said, Timed
from tests.conftest import ROOT

MONDAY_MS = 978_307_200_000  # 2001-01-01T00:00:00Z
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EVERYTHING = ("respiratory_rate", "spo2", "systolic_bp", "heart_rate", "temperature")


def only(
    archetype: str,
    patients: int = 1,
    course: str = "stable",
    faults: tuple[str, ...] = (),
    shares: Mapping[str, float] = MappingProxyType({}),
) -> Fleet:
    """A fleet at home of one archetype on one course."""
    given = {archetype: 1.0, **shares}
    return Fleet(patients=patients, home=True, courses=(course,), faults=faults, shares=given)


def heard(fleet: Fleet, days: float) -> list[Timed]:
    """What a fleet sends from a Monday on."""
    return list(fleet.messages(MONDAY_MS, until_ms=MONDAY_MS + round(days * DAY_MS)))


def read(timed: Timed) -> Message:
    """Decode a message as the ward would on its arrival."""
    return decode(timed.payload, device=timed.device, received_ms=timed.at_ms)


def names(message: Message) -> set[str]:
    """The vitals of a message."""
    return {reading.vital for reading in message.readings}


def test_archetypes_have_their_shares() -> None:
    """Of two thousand people each archetype has its share, within what chance allows; and so have the courses."""
    fleet = Fleet(patients=2000, home=True, courses=tuple(COURSES))
    found = Counter(kind.name for kind in map(fleet.archetype, fleet.devices()) if kind is not None)
    for name, kind in ARCHETYPES.items():
        assert found[name] / 2000 == pytest.approx(kind.share, abs=0.04)
    courses = Counter(fleet.course(device).name for device in fleet.devices())
    for name, course in COURSES.items():
        assert courses[name] / 2000 == pytest.approx(course.share, abs=0.04)


def test_the_course_does_not_follow_from_the_archetype() -> None:
    """Those who never send are as often stable as the others."""
    fleet = Fleet(patients=2000, home=True, courses=tuple(COURSES))
    silent = [device for device in fleet.devices() if fleet.archetype(device) is ARCHETYPES["never-sends"]]
    stable = mean(fleet.course(device).name == "stable" for device in silent)
    assert stable == pytest.approx(COURSES["stable"].share, abs=0.06)


def test_a_share_that_is_asked_for_fills_its_part_and_the_rest_keeps_its_proportions() -> None:
    """Half the people wear something; the others divide as before."""
    found = shares.completed({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.0})
    assert found == pytest.approx({"a": 0.0, "b": 0.6, "c": 0.4})
    assert shares.completed({"a": 0.5, "b": 0.5}, {"a": 1.0}) == {"a": 1.0, "b": 0.0}
    assert [shares.drawn({"a": 0.25, "b": 0.75, "c": 0.0}, at) for at in (0, 0.24, 0.25, 0.999, 1.0)] == list("aabbb")


@pytest.mark.parametrize("asked", [{"a": 1.1}, {"a": 0.7, "b": 0.7}, {"a": 0.4, "b": 0.4}, {"a": -0.1}])
def test_shares_that_are_no_whole_are_refused(asked: dict[str, float]) -> None:
    """More than everyone, less than everyone with nobody left to take it, or less than nobody."""
    with pytest.raises(ValueError, match="must make 1"):
        shares.completed({"a": 0.5, "b": 0.5}, asked)


@pytest.mark.parametrize(
    "wrong", [{"shares": {"plague": 0.5}}, {"shares": {"sepsis": 1.5}}, {"shares": {"wearable": 0.5}, "home": False}]
)
def test_a_share_of_what_the_fleet_has_not_is_refused(wrong: dict[str, Any]) -> None:
    """When it is made; a fleet of hubs has no archetypes."""
    with pytest.raises(ValueError, match="a share is from 0 to 1"):
        Fleet(**{"patients": 1, "home": True, "courses": ("sepsis", "stable"), **wrong})


def test_one_who_never_sends_never_sends() -> None:
    """Not once in a month, whatever the course."""
    assert heard(only("never-sends", 20, "sepsis"), 30) == []


@pytest.mark.parametrize(
    ("archetype", "a_day"), [("three-a-day", 3), ("four-a-day", 4), ("once-a-day", 1), ("noisy-reporter", 3)]
)
def test_prompts_are_answered_less_often_at_weekends(archetype: str, a_day: int) -> None:
    """87 of a hundred from Monday to Friday, 78 on the other days, and within two hours of the prompt."""
    sent = heard(only(archetype, 100), 28)
    prompts = ARCHETYPES[archetype].prompts
    weekend = Counter((timed.at_ms - MONDAY_MS) // DAY_MS % 7 >= SATURDAY for timed in sent)
    assert weekend[False] / (100 * 20 * a_day) == pytest.approx(0.87, abs=0.02)
    assert weekend[True] / (100 * 8 * a_day) == pytest.approx(0.78, abs=0.03)
    for timed in sent:
        hour = timed.at_ms % DAY_MS / HOUR_MS
        assert any(0 <= hour - prompt <= 2 for prompt in prompts)


def test_a_patch_is_worn_most_of_the_day_and_says_four_vitals_a_minute() -> None:
    """18.7 hours a day, and off for one spell."""
    sent = heard(only("wearable", 3), 4)
    assert len(sent) / (3 * 4) == pytest.approx(18.7 * 60, rel=0.02)
    assert all(names(read(timed)) == set(ARCHETYPES["wearable"].vitals) for timed in sent[:500])
    one = [timed.at_ms for timed in sent if timed.device == "sim-002"]
    assert sum(after - before > 60_000 for before, after in itertools.pairwise(one)) in {3, 4}


def test_scales_are_stepped_on_once_a_day() -> None:
    """By those who have them, and by those whose course is watched by weight."""
    for fleet in (only("once-a-day"), only("three-a-day", course="heart-failure")):
        weighed = [timed.at_ms // DAY_MS for timed in heard(fleet, 20) if "weight" in names(read(timed))]
        assert len(weighed) == len(set(weighed)) > 12
    assert not any("weight" in names(read(timed)) for timed in heard(only("wearable", course="heart-failure"), 0.5))


def body(seed: int, course: str = "stable") -> Body:
    """Draw somebody at home."""
    return home_body(Random(seed), COURSES[course], MONDAY_MS, 0, 1.0)


def track(who: Body, days: float, rested: float = 1.0) -> Iterator[dict[str, Any]]:
    """Somebody's true values every ten minutes."""
    for at_ms in range(MONDAY_MS, MONDAY_MS + round(days * DAY_MS), 600_000):
        yield who.at(at_ms, EVERYTHING, rested)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rested", [0.0, 1.0])
def test_good_and_bad_hours_move_all_vitals_together(seed: int, rested: float) -> None:
    """Breathing and heart rise together, and saturation falls; sitting or walking, without any course."""
    values = list(track(body(seed), 14, rested))
    series = {name: [one[name] for one in values] for name in EVERYTHING}
    assert correlation(series["respiratory_rate"], series["heart_rate"]) > 0.4
    assert correlation(series["respiratory_rate"], series["spo2"]) < -0.7
    assert correlation(series["heart_rate"], series["spo2"]) < -0.4


@pytest.mark.parametrize("course", [name for name in COURSES if name not in {"stable", "recovery"}])
def test_a_decline_pulls_breathing_up_and_saturation_down(course: str) -> None:
    """And a recovery undoes it: the signs are the same either way."""
    for name in (course, "recovery"):
        values = list(track(body(3, name), 5))
        series = {vital: [one[vital] for one in values] for vital in EVERYTHING}
        assert correlation(series["respiratory_rate"], series["heart_rate"]) > 0.8
        assert correlation(series["respiratory_rate"], series["spo2"]) < -0.8


def test_a_bleed_races_before_it_falls() -> None:
    """At five hours the heart is up by 30 and the pressure hardly down; at ten both are far away."""
    shifts = COURSES["post-operative-bleed"].shifts
    hearts, pressures = dict(shifts["heart_rate"]), dict(shifts["systolic_bp"])
    assert hearts[5] >= 30
    assert pressures[5] > -10
    assert pressures[10] <= -40


def test_somebody_with_copd_rests_lower_and_one_who_recovers_ends_well() -> None:
    """Resting saturations of a chronic hypoxia; and from day five on nothing of the illness is left."""
    rests = [body(seed, "copd-exacerbation").rest["spo2"] for seed in range(50)]
    assert 90 <= min(rests) < max(rests) <= 94
    ill, well = (next(iter(track(body(1, name), 1))) for name in ("recovery", "stable"))
    assert ill["temperature"] > well["temperature"] + 1
    late = MONDAY_MS + 6 * DAY_MS
    assert body(1, "recovery").at(late, EVERYTHING) == body(1).at(late, EVERYTHING)


def test_nights_are_quiet() -> None:
    """Nobody walks about at three in the morning, and everybody does in the afternoon."""
    lively = [body(seed) for seed in range(20)]
    night = [who.activity(MONDAY_MS + 3 * HOUR_MS + step) for who in lively for step in range(0, HOUR_MS, 300_000)]
    noon = [who.activity(MONDAY_MS + 14 * HOUR_MS + step) for who in lively for step in range(0, HOUR_MS, 300_000)]
    assert max(night) == 0
    assert 0.1 < mean(noon) < 0.6
    assert max(noon) <= 1


def test_a_patch_shows_the_day_and_a_hub_that_one_sits_down_for_does_not() -> None:
    """A heart of a wearable goes up by walking, that of a rested patient by a few beats."""
    who = body(5)
    walking, sitting = ([one["heart_rate"] for one in track(who, 7, rested)] for rested in (0.0, 1.0))
    assert max(walking) > max(sitting) + 10
    assert min(walking) == pytest.approx(min(sitting), abs=1)


def drafts(count: int, **values: float) -> list[Draft]:
    """Make a device's messages, a quarter of an hour apart."""
    said = tuple(({"heart_rate": 72.0, "spo2": 97.0} | values).items())
    return [
        Draft(MONDAY_MS + number * 900_000, number + 1, MONDAY_MS + number * 900_000, 80, said)
        for number in range(count)
    ]


def test_every_fault_changes_what_is_sent_and_has_its_words() -> None:
    """No fault is a name only; and the list names each."""
    assert tuple(SUMMARIES) == KNOWN_FAULTS
    sound = heard(only("four-a-day", 2), 10)
    for name in KNOWN_FAULTS:
        assert heard(only("four-a-day", 2, faults=(name,)), 10) != sound


@pytest.mark.parametrize("fault", KNOWN_FAULTS)
def test_a_fault_is_on_the_share_of_devices_that_was_asked_for(fault: str) -> None:
    """One in four, and the same ones whatever else was asked for; both of two that were mixed up, or neither."""
    fleet = only("three-a-day", 1000, faults=(fault,), shares={fault: 0.25})
    found = [device for device in fleet.devices() if fault in fleet.faults_of(device)]
    assert len(found) / 1000 == pytest.approx(0.25, abs=0.05)
    more = only("three-a-day", 1000, faults=KNOWN_FAULTS, shares={"gaps": 0.25, fault: 0.25})
    assert found == [device for device in more.devices() if fault in more.faults_of(device)]


def test_two_devices_are_mixed_up_or_neither_is() -> None:
    """001 with 002, 003 with 004; the last of an odd number with nobody."""
    fleet = Fleet(patients=101, faults=(SWAPPED,), shares={SWAPPED: 0.5})
    found = [SWAPPED in fleet.faults_of(device) for device in fleet.devices()[:100]]
    assert found[::2] == found[1::2]
    assert {True, False} == set(found)
    assert not any(said.draft.of for said in pairs(fleet, 2) if said.device == "sim-101")


def test_a_mixed_up_device_goes_on_counting_for_itself() -> None:
    """However far the other's count is."""
    own, others = drafts(10), [draft._replace(seq=draft.seq + 70) for draft in drafts(20)]
    got = list(faults.swapped(own, others, "sim-002", own[6].at_ms))
    assert [draft.seq for draft in got] == list(range(1, 21))
    assert [draft.of for draft in got] == [""] * 6 + ["sim-002"] * 14
    assert [draft.seq for draft in faults.swapped([], others, "sim-002", 0)] == list(range(1, 21))


def test_the_page_of_the_simulator_has_the_tables_shares() -> None:
    """Every course and archetype with its share, and every fault in the order in which they act."""
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    found = {name: kind.share for name, kind in ARCHETYPES.items()}
    found |= {name: course.share for name, course in COURSES.items()}
    for name, share in found.items():
        assert f"| `{name}` | {share * 100:.3g} % |" in page
    places = [page.index(f"| `{name}` |") for name in (*list(FAULTS)[:5], SWAPPED, *list(FAULTS)[5:])]
    assert places == sorted(places)


def test_nobody_answers_for_one_who_never_sends() -> None:
    """A message without a reading would be one that the ward cannot read; once mixed up, the device is another's."""
    silent = only("never-sends", 2)
    assert not silent.answers("sim-001", MONDAY_MS, MONDAY_MS)
    assert not silent.answers("sim-003", MONDAY_MS, MONDAY_MS)
    assert only("wearable", 2).answers("sim-001", MONDAY_MS, MONDAY_MS)
    fleet = Fleet(patients=200, home=True, courses=("stable",), faults=(SWAPPED,))
    late_ms = MONDAY_MS + 2 * DAY_MS
    kinds = [fleet.archetype(device) for device in fleet.devices()]
    answered = [fleet.answers(device, MONDAY_MS, late_ms) for device in fleet.devices()]
    assert answered[::2] == [kind is not None and kind.sends for kind in kinds[1::2]]


def test_the_iller_somebody_is_the_more_is_missing() -> None:
    """One in ten when well, and most when everything is wrong; nothing shows in the numbers."""
    well = list(faults.missing_when_ill(drafts(4000), Random(1)))
    ill = list(faults.missing_when_ill(drafts(4000, spo2=86, heart_rate=130), Random(1)))
    assert len(well) / 4000 == pytest.approx(0.9, abs=0.02)
    assert len(ill) / 4000 == pytest.approx(0.6, abs=0.03)
    assert [draft.seq for draft in ill] == list(range(1, len(ill) + 1))
    worst = drafts(4000, spo2=80, heart_rate=150, respiratory_rate=40, systolic_bp=70, temperature=41)
    assert len(list(faults.missing_when_ill(worst, Random(1)))) / 4000 == pytest.approx(0.2, abs=0.03)


def test_a_confused_patient_leaves_out_more() -> None:
    """Letters count as values do."""
    confused = [draft._replace(values=(("consciousness", "C"),)) for draft in drafts(4000)]
    assert len(list(faults.missing_when_ill(confused, Random(1)))) / 4000 == pytest.approx(0.75, abs=0.03)


def test_reordered_messages_all_come_some_after_the_next() -> None:
    """One in ten changes places with its neighbour, in the order of sending."""
    sent = drafts(1000)
    got = list(faults.reordered(sent, Random(1)))
    assert sorted(got, key=lambda draft: draft.seq) != got
    assert {draft.seq for draft in got} == set(range(1, 1001))
    assert [draft.at_ms for draft in got] == sorted(draft.at_ms for draft in got)
    late = [a.seq for a, b in itertools.pairwise(got) if a.seq > b.seq]
    assert 60 < len(late) < 130
    assert all(draft.observed_ms == sent[draft.seq - 1].observed_ms for draft in got)
    assert list(faults.reordered(sent[:1], Random(1))) == sent[:1]


def test_what_was_kept_while_the_line_was_down_comes_at_once() -> None:
    """Nothing is lost or changed; bursts of many messages at one moment, the oldest hours old."""
    sent = drafts(2000)
    got = list(faults.late_bursts(sent, Random(1)))
    assert [draft.seq for draft in got] == [draft.seq for draft in sent]
    assert [draft.at_ms for draft in got] == sorted(draft.at_ms for draft in got)
    bursts = Counter(draft.at_ms for draft in got if draft.at_ms != draft.observed_ms)
    assert 4 <= len(bursts) <= 14
    assert max(bursts.values()) > 10
    assert HOUR_MS < max(draft.at_ms - draft.observed_ms for draft in got) <= 12 * HOUR_MS


def test_what_is_kept_when_the_stream_ends_still_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the line was never up again."""
    monkeypatch.setattr(faults, "OUTAGE_EVERY_HOURS", 0.001)
    got = list(faults.late_bursts(drafts(3), Random(1)))
    assert [draft.seq for draft in got] == [1, 2, 3]


@pytest.mark.parametrize("seed", range(6))
def test_a_clock_that_drifts_is_off_by_more_each_day(seed: int) -> None:
    """Right at first; by 20 to 120 seconds a day, always the same way."""
    got = list(faults.clock_drift(drafts(4 * 24 * 10), Random(seed)))
    wrong = [draft.observed_ms - draft.at_ms for draft in got]
    assert wrong[0] == 0
    assert 20_000 <= abs(wrong[96]) <= 121_000
    assert abs(wrong[-1]) == max(map(abs, wrong)) > 9 * abs(wrong[96])


@pytest.mark.parametrize("seed", range(6))
def test_a_zone_slips_by_a_whole_hour_and_stays_so(seed: int) -> None:
    """Right until some moment of the first two days, then an hour ahead or behind."""
    wrong = [draft.observed_ms - draft.at_ms for draft in faults.zone_slip(drafts(400), Random(seed))]
    after = wrong.index(next(filter(None, wrong)))
    assert after * 900_000 <= 2 * DAY_MS
    assert set(wrong[after:]) in ({HOUR_MS}, {-HOUR_MS})
    assert set(wrong[:after]) <= {0}


def test_the_ward_marks_a_clock_that_is_ahead() -> None:
    """An hour ahead is seen on arrival; an hour behind looks like a late reading."""
    fleet = only("four-a-day", 12, faults=("zone-slip",))
    marks = [
        any(reading.marks & MARK_CLOCK_AHEAD for reading in read(timed).readings)
        for timed in heard(fleet, 6)
        if timed.at_ms > MONDAY_MS + 3 * DAY_MS
    ]
    assert 0.2 < mean(marks) < 0.8


def test_a_battery_runs_down_and_then_nothing_is_measured() -> None:
    """From full to empty, a silence of hours without a gap in the numbers, and full again."""
    got = list(faults.flat_battery(drafts(2000), Random(2)))
    charges = [draft.battery_percent for draft in got]
    assert charges[0] == 100
    assert min(charges) <= 1
    ends = [index for index, (a, b) in enumerate(itertools.pairwise(charges)) if b > a]
    assert len(ends) > 3
    for end in ends:
        assert charges[end] <= 4
        assert charges[end + 1] >= 95
        assert got[end + 1].at_ms - got[end].at_ms >= 4 * HOUR_MS
    assert [draft.seq for draft in got] == list(range(1, len(got) + 1))


def test_artefacts_are_of_vitals_that_the_device_measures() -> None:
    """A pair of scales does not begin to measure heart rates."""
    scales = [draft._replace(values=(("weight", 70.0),)) for draft in drafts(200)]
    assert list(faults.artefacts(scales, Random(1), 1.0)) == scales
    spoiled = list(faults.artefacts(drafts(200), Random(1), 1.0))
    assert all(dict(draft.values).keys() == {"heart_rate", "spo2"} for draft in spoiled)
    assert all(draft.values != drafts(1)[0].values for draft in spoiled)


def test_a_noisy_reporter_sends_artefacts_unasked() -> None:
    """One message in five has a value that is refused or questioned."""
    sent = [read(timed) for timed in heard(only("noisy-reporter", 40), 14)]
    spoiled = mean(bool(one.refused or any(reading.marks for reading in one.readings)) for one in sent)
    assert spoiled == pytest.approx(0.2, abs=0.04)


def pairs(fleet: Fleet, days: float) -> list[Said]:
    """What a fleet says, before it is written."""
    return list(fleet.said(MONDAY_MS, until_ms=MONDAY_MS + round(days * DAY_MS)))


def test_two_devices_that_are_mixed_up_measure_each_other() -> None:
    """From one moment of the first day on; each goes on with its own numbers, and what they say is the other's."""
    sound, mixed = (
        pairs(Fleet(patients=3, courses=("stable", "sepsis", "stable"), faults=given), 4) for given in ((), (SWAPPED,))
    )
    other = {"sim-001": "sim-002", "sim-002": "sim-001"}
    truth = {(said.device, said.at_ms): said.draft.values for said in sound}
    first: dict[str, int] = {}
    for at_ms, device, draft in mixed:
        assert draft.values == truth[draft.of or device, at_ms]
        if draft.of:
            assert draft.of == other[device]
            first.setdefault(device, at_ms)
        else:
            assert device not in first
    assert set(first) == set(other)
    assert abs(first["sim-001"] - first["sim-002"]) <= 900_000
    for device in other:
        seqs = [said.draft.seq for said in mixed if said.device == device]
        assert seqs == list(range(1, len(seqs) + 1))


def test_a_mixed_up_device_that_is_asked_measures_whom_it_has() -> None:
    """After the swap a repeat is the other's; before it, the patient's own."""
    fleet = Fleet(patients=2, courses=("stable", "sepsis"), faults=(SWAPPED,))
    sound = Fleet(patients=2, courses=("stable", "sepsis"))
    early, late = MONDAY_MS, MONDAY_MS + 30 * HOUR_MS
    for at_ms, whose in ((early, "sim-001"), (late, "sim-002")):
        said = read(fleet.again("sim-001", MONDAY_MS, at_ms, "x", ["systolic_bp"])).readings[0].value
        true = read(sound.again(whose, MONDAY_MS, at_ms, "x", ["systolic_bp"])).readings[0].value
        assert said == pytest.approx(true, abs=11)
    mixed = read(fleet.again("sim-001", MONDAY_MS, late, "x", ["systolic_bp"])).readings[0].value
    assert mixed is not None
    assert mixed < 110


def test_a_patch_that_is_asked_measures_what_it_can() -> None:
    """No pressure, which it has no cuff for; everything it has where nothing of what is wanted is its own."""
    patch = only("wearable")
    asked = read(patch.again("sim-001", MONDAY_MS, MONDAY_MS + HOUR_MS, "x", ["systolic_bp", "spo2"]))
    assert names(asked) == {"spo2"}
    asked = read(patch.again("sim-001", MONDAY_MS, MONDAY_MS + HOUR_MS, "x", ["systolic_bp"]))
    assert names(asked) == set(ARCHETYPES["wearable"].vitals)


def test_a_fleet_knows_its_devices_by_name() -> None:
    """Also when there are ten thousand, and none but them."""
    fleet = Fleet(patients=10_000)
    assert all(fleet.has(device) for device in fleet.devices()[::999])
    assert [fleet.has(name) for name in ("sim-000", "sim-10001", "sim-1", "sim-0001", "oximeter", "sim-x")] == [
        False
    ] * 6


def test_a_recording_has_the_readings_and_whose_they_are(tmp_path: Path) -> None:
    """In the order of sending, a repeated message once, and both whom the ward takes them for and who was measured."""
    fleet = Fleet(patients=2, faults=("repeats", SWAPPED))
    said = pairs(fleet, 2)
    count = recording.write(tmp_path / "ward.csv", said)
    with (tmp_path / "ward.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    once = {(one.device, one.draft.seq): one.draft for one in said}
    assert len(said) > len(once)
    assert count == len(rows) == sum(len(draft.values) for draft in once.values())
    assert {row["patient"] for row in rows} == {"sim-patient-001", "sim-patient-002"}
    assert {row["patient"] == row["measured"] for row in rows} == {True, False}
    assert [row["sent"] for row in rows] == sorted(row["sent"] for row in rows)
    assert {row["unit"] for row in rows if row["vital"] == "consciousness"} == {""}
    assert {row["unit"] for row in rows if row["vital"] == "spo2"} == {"%"}


def test_no_message_stands_twice_in_a_recording_of_many_days() -> None:
    """Although only what can still come again is remembered."""
    said = pairs(Fleet(patients=6, faults=tuple(FAULTS), spot_minutes=5), 10)
    found = Counter((row[5], row[7], row[2]) for row in recording.rows(said))
    assert set(found.values()) == {1}
    assert {key[:2] for key in found} == {(one.device, one.draft.seq) for one in said}


def test_a_packed_recording_is_the_same_bytes_whatever_its_name(tmp_path: Path) -> None:
    """The form of compression knows a name and a time; neither is written."""
    fleet = only("once-a-day", 3, faults=tuple(FAULTS))
    for name in ("a.csv.gz", "b.csv.gz", "c.csv"):
        recording.write(tmp_path / name, pairs(fleet, 5))
    packed = (tmp_path / "a.csv.gz").read_bytes()
    assert packed == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "c.csv").read_bytes()


def test_a_recording_that_is_there_is_kept_and_half_a_one_is_not(tmp_path: Path) -> None:
    """No recording is lost to another; and one that was broken off does not pass for a whole one."""

    def broken() -> Iterator[Said]:
        yield from pairs(Fleet(patients=1), 0.1)
        raise KeyboardInterrupt

    file = tmp_path / "ward.csv"
    with pytest.raises(KeyboardInterrupt):
        recording.write(file, broken())
    assert not file.exists()
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        recording.write(file, [])
    assert file.read_text(encoding="utf-8") == "mine"


def test_tables_that_cannot_be_are_refused() -> None:
    """A vital that nobody knows, and shares of more than everyone."""
    with pytest.raises(ValueError, match="there is no vital charm"):
        tables.require_vitals("x", ["spo2", "charm"])
    for wrong in ([0.5, 0.6], [1.5, -0.5]):
        with pytest.raises(ValueError, match="not to 1"):
            tables.require_whole("x", wrong)


def test_moments_begin_at_the_start_and_never_go_back() -> None:
    """For a start in the middle of a day too."""
    start_ms = MONDAY_MS + 13 * HOUR_MS
    for kind in ARCHETYPES.values():
        times = list(itertools.islice(moments(kind, start_ms, Random(1)), 300))
        assert times == sorted(times)
        assert all(at_ms >= start_ms for at_ms in times)
        assert bool(times) == kind.sends
