"""People whose course is known: what is said of them must be true of it."""

import numpy as np
import pytest

from vwmon.durations import HOUR_MS
from vwmon.scoring.trends import quantities
from vwmon.scoring.trends.assess import Assessment, History, assess
from vwmon.scoring.trends.projection import HOURS
from vwmon.scoring.trends.table import NAMES, SERIES, TRENDED, Moments, Stays

START = 1_792_281_600_000  # Sunday 18 October 2026, midnight UTC
STAYS = 400
WELL = {"respiratory_rate": 16.0, "spo2": 97.0, "systolic_bp": 128.0, "heart_rate": 72.0, "temperature": 36.7}


class Course:
    """Readings of many people, put together vital by vital."""

    def __init__(self, stays: int = 1, seed: int = 1) -> None:
        """Begin without readings."""
        self.stays, self.rng = stays, np.random.default_rng(seed)
        self.rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(
        self, vital: str, hours: np.ndarray, values: np.ndarray | float, noise: float = 0.0, digits: int = 1
    ) -> None:
        """Add one vital at some hours after the start, the same for all people but for their noise."""
        shape = (self.stays, len(hours))
        drawn = np.round(np.broadcast_to(values, shape) + self.rng.normal(0, 1, shape) * noise, digits)
        series = np.arange(self.stays) * len(SERIES) + SERIES.index(vital)
        times = np.broadcast_to(START + np.rint(hours * HOUR_MS).astype(np.int64), shape)
        self.rows.append((np.repeat(series, len(hours)), times.reshape(-1), drawn.reshape(-1)))

    def air_and_alert(self, hours: np.ndarray) -> None:
        """Add that they breathe air and are alert."""
        self.add("oxygen", hours, 0.0)
        self.add("consciousness", hours, 0.0)

    def history(self, scale: int = 1, zone: str = "UTC") -> History:
        """Give everyone's readings, each of which counts for twelve hours."""
        stays = Stays(spo2_scale=np.full(self.stays, scale), valid_ms=np.full((self.stays, len(SERIES)), 12 * HOUR_MS))
        series, times, values = (np.concatenate(column) for column in zip(*self.rows, strict=True))
        return History.of(stays, series, times, values, zone)

    def moments(self, hour: float) -> Moments:
        """Give the moment of everyone at an hour after the start."""
        return Moments(stay=np.arange(self.stays), at_ms=np.full(self.stays, START + round(hour * HOUR_MS)))

    def at(self, hour: float, scale: int = 1, zone: str = "UTC") -> Assessment:
        """Assess everyone at an hour after the start."""
        return assess(self.history(scale, zone), self.moments(hour))


def hourly(hours: int) -> np.ndarray:
    """Give the hours from the first on."""
    return np.arange(1, hours + 1).astype(np.float64)


def daily(days: int, *times: float) -> np.ndarray:
    """Give the same times of every day."""
    return np.sort((np.arange(days)[:, None] * 24 + np.array(times)).reshape(-1)).astype(np.float64)


def value(found: Assessment, name: str) -> float:
    """Give a quantity of the first moment."""
    return float(quantities.values(found, [name])[name][0])


def test_a_drift_of_one_beat_an_hour_is_projected_right() -> None:
    """The heart rate of 400 people rises by 1 an hour: slope within its bounds, and six hours on within its own."""
    course = Course(STAYS)
    course.add("heart_rate", hourly(30), 70.0 + hourly(30), noise=2.0, digits=0)
    found = course.at(30.0)
    trend = {
        name: column for name, column in quantities.values(found, list(quantities.table())).items() if "heart" in name
    }
    assert np.median(trend["heart_rate.slope_per_h"]) == pytest.approx(1.0, abs=0.03)
    held = (trend["heart_rate.slope_low_per_h"] <= 1) & (trend["heart_rate.slope_high_per_h"] >= 1)
    assert held.mean() > 0.95
    truth = 106.0
    between = (trend["heart_rate.projected_6h_min"] <= truth) & (truth <= trend["heart_rate.projected_6h_max"])
    assert between.mean() > 0.95
    assert np.median(trend["heart_rate.projected_6h"]) == pytest.approx(truth, abs=2.5)


def test_a_level_course_is_projected_to_stay() -> None:
    """No drift: hardly anyone is given a rise, and nine in ten readings six hours on are between the bounds."""
    course = Course(STAYS)
    course.add("heart_rate", hourly(30), 72.0, noise=6.0, digits=0)
    found = course.at(30.0)
    place = [found.place(row, "heart_rate") for row in range(STAYS)]
    assert (found.trend.weight[place] > 0.5).mean() < 0.03
    later = np.random.default_rng(9).normal(72, 6, STAYS)
    low, high = (one[:, 6, NAMES.index("heart_rate")] for one in (found.ahead.low, found.ahead.high))
    assert 0.87 < ((low <= later) & (later <= high)).mean() < 0.99


@pytest.mark.parametrize("vital", list(WELL))
@pytest.mark.parametrize(("wide", "rate"), [(0.6, 0.002), (1.0, 0.01), (1.8, 0.025)])
def test_a_stable_noisy_person_is_seldom_called_unusual(vital: str, wide: float, rate: float) -> None:
    """Beyond three spreads one moment in a hundred at most, on six days' data; one in forty who vary twice as much."""
    course = Course(1000)
    spread = TRENDED[NAMES.index(vital)].spread * wide
    course.add(vital, daily(8, 8.2, 14.1, 20.3), WELL[vital], noise=spread, digits=2)
    away = course.at(7 * 24 + 20.5).deviation[:, NAMES.index(vital)]
    assert np.isfinite(away).all()
    assert (np.abs(away) > 3).mean() <= rate


def test_together_a_stable_person_is_seldom_called_unusual() -> None:
    """Five vitals: beyond three at most 15 moments in a thousand, and a vital more or less changes little."""
    course = Course(1000)
    for vital, usual in WELL.items():
        spread = TRENDED[NAMES.index(vital)].spread
        course.add(vital, daily(12, 8.2, 14.1, 20.3), usual, noise=spread, digits=2)
    joint = course.at(11 * 24 + 20.5).together
    assert joint.counted.all()
    assert (joint.deviation > 3).mean() <= 0.015


def test_several_small_changes_together_are_seen() -> None:
    """Each of five vitals two spreads off, as in an infection: none beyond three alone, together beyond."""
    course = Course(50)
    for vital, usual in WELL.items():
        one = TRENDED[NAMES.index(vital)]
        times = daily(12, 8.2, 14.1, 20.3)
        shift = np.where(times > 11 * 24 + 20, -2.2 if vital in {"spo2", "systolic_bp"} else 2.2, 0.0) * one.spread
        noise = np.where(times > 11 * 24 + 20, 0.0, one.spread)
        course.add(vital, times, usual + shift + course.rng.normal(0, 1, (50, len(times))) * noise, digits=2)
    found = course.at(11 * 24 + 20.5)
    assert np.median(np.abs(found.deviation[:, :5])) < 2.6
    assert np.median(found.together.deviation) > 3
    assert found.together.share[:, :].sum(axis=1) == pytest.approx(1.0)


def test_vitals_that_go_together_count_less_together() -> None:
    """Heart rate and temperature that always rise as one: both up is less unusual than the same apart."""
    course = Course(2)
    times = daily(13, 2.0, 8.2, 14.1, 20.3)
    wave = course.rng.normal(0, 1, len(times))
    now = times > 12 * 24 + 20
    for vital, sign in (("heart_rate", 1), ("temperature", 1)):
        one = TRENDED[NAMES.index(vital)]
        both = np.where(now, 2.0, wave) * one.spread * sign
        other = both.copy()
        other[-1] *= 1 if vital == "heart_rate" else -1
        course.add(vital, times, WELL[vital] + np.stack([both, other]), digits=2)
    along, against = course.at(12 * 24 + 20.5).together.deviation
    assert along < against - 0.5


def test_one_artefact_does_not_make_a_correlation() -> None:
    """Two vitals off the scale once, together: afterwards, apart is hardly more unusual than the same way."""
    course, times = Course(2), daily(13, 2.0, 8.2, 14.1, 20.3)
    now, slip = times > 12 * 24 + 20, np.arange(len(times)) == 11
    for vital, artefact in (("heart_rate", 230.0), ("temperature", 42.0)):
        one = TRENDED[NAMES.index(vital)]
        own = WELL[vital] + course.rng.normal(0, 1, len(times)) * one.spread
        own = np.where(slip, artefact, np.where(now, WELL[vital] + 2 * one.spread, own))
        other = own.copy()
        other[-1] = WELL[vital] + (2 if vital == "heart_rate" else -2) * one.spread
        course.add(vital, times, np.stack([own, other]), digits=2)
    along, against = course.at(12 * 24 + 20.5).together.deviation
    assert against - along < 1


def test_what_is_missing_now_makes_the_others_no_surer() -> None:
    """A heart rate of every hour up to yesterday: what two vitals are together is as if it had never been measured."""
    found = []
    for measured in (True, False):
        course = Course(seed=7)
        wave = course.rng.normal(0, 1, 40)
        for vital in ("respiratory_rate", "temperature"):
            spread = TRENDED[NAMES.index(vital)].spread
            course.add(vital, daily(10, 8.2, 8.6, 20.2, 20.6), WELL[vital] + wave * spread, digits=2)
        if measured:
            course.add("heart_rate", hourly(9 * 24), WELL["heart_rate"], noise=4.0)
        found.append(course.at(9 * 24 + 21.0))
    known, never = found
    assert not known.present.fresh[0, NAMES.index("heart_rate")]
    assert known.together.together.tolist() == never.together.together.tolist() == [18]
    assert known.together.deviation.tolist() == never.together.deviation.tolist()


def test_the_last_day_does_not_become_the_usual() -> None:
    """A heart rate of 110 since last night is far from usual, however often it is measured meanwhile."""
    course = Course()
    times = np.concatenate([daily(9, 8.2, 14.1, 20.3), 9 * 24 + np.arange(0, 20, 0.1)])
    course.add("heart_rate", times, np.where(times < 9 * 24, 72.0, 110.0), noise=2.0)
    found = course.at(9 * 24 + 20.0)
    assert value(found, "heart_rate.usual") == pytest.approx(72.0, abs=2)
    assert value(found, "heart_rate.deviation") > 5


def test_a_change_of_long_ago_becomes_the_usual() -> None:
    """After two weeks at 90, what was before is out of the window."""
    course = Course()
    course.add("heart_rate", daily(20, 8.2, 20.3), np.where(daily(20, 8.2, 20.3) < 4 * 24, 70.0, 90.0), noise=1.0)
    assert value(course.at(19 * 24 + 21), "heart_rate.usual") == pytest.approx(90.0, abs=1.5)


def test_the_usual_is_of_the_time_of_day_where_there_is_enough() -> None:
    """A temperature 0.6 higher every evening: by the evening's own usual an evening is not unusual."""
    course = Course()
    times = daily(14, 8.2, 20.3)
    course.add("temperature", times, np.where(times % 24 > 12, 37.0, 36.4), noise=0.05, digits=2)
    evening, morning = course.at(13 * 24 + 20.5), course.at(13 * 24 + 8.5)
    assert value(evening, "temperature.usual") > value(morning, "temperature.usual") + 0.3
    assert abs(value(evening, "temperature.deviation")) < 1
    assert evening.base.banded[evening.place(0, "temperature")]


def test_the_time_of_day_is_the_wards() -> None:
    """Half past eleven in the evening, UTC, is the small hours of the next day in London's summer."""
    course = Course()
    course.add("heart_rate", daily(6, 23.5), 70.0)
    found = {zone: course.at(5 * 24 + 23.6, zone=zone) for zone in ("UTC", "Europe/London")}
    parts = {zone: int(one.base.band[one.place(0, "heart_rate")]) for zone, one in found.items()}
    assert parts == {"UTC": 5, "Europe/London": 0}


@pytest.mark.parametrize(("days", "times", "enough"), [(3, (8.0,), False), (4, (8.0, 20.0), True), (9, (8.0,), True)])
def test_too_little_is_said_to_be_too_little(days: int, times: tuple[float, ...], enough: bool) -> None:
    """A usual takes three days and five parts of days before the last day; before that there is none."""
    course = Course()
    course.add("heart_rate", daily(days, *times), 70.0, noise=2.0)
    found = course.at((days - 1) * 24 + times[-1] + 0.5)
    assert bool(found.base.enough[found.place(0, "heart_rate")]) == enough
    assert np.isnan(value(found, "heart_rate.deviation")) == (not enough)


def test_three_days_that_are_a_day_and_two_ends_are_not_enough() -> None:
    """Measured every hour from one evening to the second next morning: three dates, and 30 hours."""
    course = Course()
    course.add("heart_rate", np.arange(22.0, 77.0), 70.0, noise=2.0)
    early, late = course.at(22.0 + 30 + 24), course.at(22.0 + 54)
    assert early.base.days[early.place(0, "heart_rate")] == 3
    assert not early.base.enough[early.place(0, "heart_rate")]
    assert not late.base.enough[late.place(0, "heart_rate")]
    assert course.at(22.0 + 41 + 24).base.enough[early.place(0, "heart_rate")]


def test_a_spread_is_never_narrower_than_the_measurement() -> None:
    """Twelve days of exactly 70: the spread is that of people, drawn in, and one beat more is not unusual."""
    course = Course()
    course.add("heart_rate", daily(12, 8.0, 14.0, 20.0), 70.0)
    assert value(course.at(11 * 24 + 20.5), "heart_rate.spread") >= TRENDED[NAMES.index("heart_rate")].error


def test_what_is_too_old_has_no_deviation_and_no_trend() -> None:
    """Thirteen hours after the last reading nothing is said of now; what there was is still told."""
    course = Course()
    course.add("heart_rate", daily(9, 8.0, 14.0, 20.0), 70.0, noise=2.0)
    found = course.at(8 * 24 + 20 + 13.0)
    for kind in ("level", "usual", "deviation", "slope_per_h", "projected_6h"):
        assert np.isnan(value(found, f"heart_rate.{kind}"))
    assert value(found, "heart_rate.age_h") == pytest.approx(13.0)


def test_dropouts_of_a_sensor_do_not_move_the_usual() -> None:
    """A quarter of the readings are 31, a sensor half off: the median is where it was."""
    course = Course()
    times = daily(13, *range(0, 24, 2))
    course.add("heart_rate", times, np.where(np.arange(len(times)) % 4 == 1, 31.0, 75.0), noise=2.0)
    found = course.at(12 * 24 + 22.5)
    assert value(found, "heart_rate.usual") == pytest.approx(75.0, abs=3)


def test_the_window_follows_the_cadence() -> None:
    """Hourly readings give a line over a day, four a day over three, one a day over a week, one in two days none."""
    windows = {}
    for name, times in {
        "hourly": hourly(24 * 8),
        "four a day": daily(8, 2.0, 8.0, 14.0, 20.0),
        "three a day": daily(8, 8.0, 14.0, 20.0),
        "daily": daily(8, 8.0),
        "every other day": daily(8, 8.0)[::2],
    }.items():
        course = Course()
        course.add("heart_rate", times, 70.0, noise=2.0)
        found = course.at(float(times[-1]) + 0.5)
        windows[name] = int(found.trend.window_h[found.place(0, "heart_rate")])
    assert windows == {"hourly": 24, "four a day": 72, "three a day": 72, "daily": 168, "every other day": 0}


def test_readings_every_minute_give_the_line_of_the_whole_window() -> None:
    """A day of minutes is as many points as slots: the line is of the day, and not of its last hours."""
    course = Course()
    times = np.arange(0, 26, 1 / 60)
    course.add("heart_rate", times, 70 + 0.5 * times, noise=1.0)
    found = course.at(26.0)
    place = found.place(0, "heart_rate")
    assert found.trend.middle_h[place] == pytest.approx(12, abs=1)
    assert found.trend.points[place] == 32
    assert value(found, "heart_rate.slope_per_h") == pytest.approx(0.5, abs=0.05)


def test_readings_that_are_close_together_are_no_slope() -> None:
    """Two pulses twenty minutes apart, one 15 higher, do not make a week's trend of 45 an hour possible."""
    course = Course()
    times = np.sort(np.concatenate([daily(8, 8.0), daily(8, 8.4)]))
    course.add("heart_rate", times, np.where(times % 24 > 8.2, 75.0, 60.0), noise=1.0)
    found = course.at(7 * 24 + 8.5)
    place = found.place(0, "heart_rate")
    assert found.trend.points[place] == 7
    assert value(found, "heart_rate.projected_12h_max") < 85


def worsening(stays: int = 1) -> Course:
    """People whose breathing, pulse and pressure get worse for a day: NEWS2 climbs from 0 towards 9."""
    course, times = Course(stays, seed=4), hourly(24)
    course.add("respiratory_rate", times, 13 + 0.45 * times, noise=0.4, digits=0)
    course.add("spo2", times, 98 - 0.2 * times, noise=0.3, digits=0)
    course.add("systolic_bp", times, 135 - 1.1 * times, noise=1.0, digits=0)
    course.add("heart_rate", times, 70 + 1.6 * times, noise=1.0, digits=0)
    course.add("temperature", times, 36.8 + 0.07 * times, noise=0.05)
    course.air_and_alert(times)
    return course


def test_a_worsening_person_is_seen_to_reach_seven() -> None:
    """It could before it probably has, and probably before it surely has; the bounds close around what comes."""
    found = worsening().at(24.0)
    could, probably, surely = (value(found, f"news2.reaches_7_{which}_h") for which in ("could", "probably", "surely"))
    assert 0 <= could <= probably
    assert np.isnan(surely) or surely >= probably
    assert value(found, "news2.projected_6h_min") >= 4
    assert value(found, "news2.projected_12h_max") >= 9
    assert not found.ahead.missing.any()


def test_a_well_person_does_not_reach_seven() -> None:
    """Within twelve hours, at this rate."""
    course = Course()
    for vital, usual in WELL.items():
        course.add(vital, hourly(24), usual, noise=TRENDED[NAMES.index(vital)].error / 2)
    course.air_and_alert(hourly(24))
    found = course.at(24.0)
    assert np.isnan(value(found, "news2.reaches_7_could_h"))
    assert value(found, "news2.projected_12h_min") == 0
    assert value(found, "news2.projected_12h_max") < 5


def test_what_is_missing_widens_the_score_and_is_never_normal() -> None:
    """Without a respiratory rate the upper bound is three higher than with one at its best, and it is said."""
    course = worsening()
    course.rows = [row for row in course.rows if row[0][0] % len(SERIES) != SERIES.index("respiratory_rate")]
    found = course.at(24.0)
    assert found.ahead.missing[0].tolist() == [True, False, False, False, False, False, False]
    known, whole = value(found, "news2.projected_6h_known_max"), value(found, "news2.projected_6h_max")
    assert whole == known + 3


def test_a_part_without_a_trend_is_held_as_it_is() -> None:
    """One temperature a day has no line beside hourly pulses: it stays, with its error, and is named."""
    course = Course()
    course.add("heart_rate", hourly(24), 75.0, noise=2.0)
    course.add("temperature", np.array([20.0]), 39.5)
    found = course.at(24.0)
    assert found.ahead.held[0].tolist() == [False, False, False, False, False, False, True]
    assert value(found, "news2.projected_12h_min") >= 2


def test_without_any_trend_there_is_no_projection() -> None:
    """Two readings are no course: every quantity of the projected score is absent."""
    course = Course()
    course.add("heart_rate", np.array([10.0, 20.0]), 75.0)
    found = course.at(24.0)
    assert not found.ahead.supported[0]
    names = [name for name in quantities.OF_STAY if name.startswith("news2.")]
    assert np.isnan(np.array([value(found, name) for name in names])).all()


def test_a_projection_stays_within_what_is_possible() -> None:
    """A saturation that rises is not projected above 100, nor one that falls fast below what an oximeter can show."""
    course = Course(2)
    course.add("spo2", hourly(24), np.stack([90 + 0.4 * hourly(24), 99 - 3.5 * hourly(24)]))
    found = course.at(24.0)
    place = NAMES.index("spo2")
    assert np.nanmax(found.ahead.high[:, :, place]) <= 100
    assert np.nanmin(found.ahead.low[:, :, place]) >= 1


def test_the_scale_of_a_stay_is_its_own() -> None:
    """At 90 % on air scale 1 scores three and scale 2 nothing, now and ahead."""
    course = Course()
    course.add("spo2", hourly(24), 90.0, noise=0.2)
    course.air_and_alert(hourly(24))
    first, second = (value(course.at(24.0, scale=scale), "news2.projected_6h") for scale in (1, 2))
    assert (first, second) == (3, 0)


def test_oxygen_that_is_not_known_leaves_scale_two_open() -> None:
    """At 97 % on scale 2 air scores nothing and oxygen three for the saturation besides its own two."""
    course = Course()
    course.add("spo2", hourly(24), 98.0, noise=0.1)
    found = course.at(24.0, scale=2)
    assert (found.ahead.score_low[0, 6], found.ahead.score_known[0, 6]) == (0, 3)


def test_an_empty_ward_and_no_moments_are_not_errors() -> None:
    """No stays asked about give columns of no length; a stay without readings has nothing to say."""
    empty = np.zeros(0, dtype=np.int64)
    stays = Stays(spo2_scale=np.ones(1, dtype=np.int64), valid_ms=np.ones((1, len(SERIES)), dtype=np.int64))
    past = History.of(stays, empty, empty, np.zeros(0), "UTC")
    nobody = assess(past, Moments(stay=empty, at_ms=empty))
    assert len(nobody.together.deviation) == 0
    somebody = quantities.of(past, Moments(stay=np.array([0]), at_ms=np.array([START])), list(quantities.table()))
    counts = {name for name, column in somebody.items() if not np.isnan(column[0])}
    assert counts == {"joint.vitals", *(f"{name}.readings_24h" for name in NAMES)}
    assert len(HOURS) == 13
