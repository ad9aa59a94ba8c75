"""What baselines, trends and projections of a whole ward cost: microseconds for each stay and moment.

    python benchmarks/trends.py [--stays 6000] [--peers 100]

A ward of stays at home, fourteen days of five vitals three times a day, oxygen and consciousness once: all that is said
of every stay at one moment. Beside it, in the same run, a plain reckoning of one stay after the other with pandas and
numpy, as one would write it first: occasions, median and MAD, the time of day, a Theil-Sen slope, the correlations;
without projections, which the whole ward's figure has. Both must agree on what is usual and on the slope.

The last line is JSON: microseconds a stay for the ward, of them those for putting its readings in order, the same for
the plain one, how many times faster that makes the ward, and the growth of the cost a stay from a tenth of the stays.
"""

import argparse
import json
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd

from vwmon.kernels.ragged import Floats, Ints
from vwmon.scoring.trends import quantities
from vwmon.scoring.trends.assess import History
from vwmon.scoring.trends.table import DAY_MS, HOUR_MS, NAMES, SERIES, TRENDED, Moments, Stays

START = 1_792_281_600_000
DAYS, TIMES_H = 14, (8, 14, 20)
USUAL = {"respiratory_rate": 16.0, "spo2": 96.0, "systolic_bp": 130.0, "heart_rate": 75.0, "temperature": 36.6}
AT_MS = START + (DAYS - 1) * DAY_MS + 21 * HOUR_MS
ZONE = "Europe/London"
NEAR = 1e-9

Columns = tuple[Ints, Ints, Floats]
Said = dict[str, Floats]


def main() -> None:
    """Measure, compare, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stays", type=int, default=6000)
    parser.add_argument("--peers", type=int, default=100, help="stays of the plain reckoning")
    asked = parser.parse_args()
    ward(10)  # imports
    order_s, whole_s, found = best(lambda: ward(asked.stays))
    _, tenth_s, _ = best(lambda: ward(max(asked.stays // 10, 1)))
    plain_s, plain = peer(asked.peers)
    agree(found, plain)
    each_us = whole_s / asked.stays * 1e6
    figures = {
        "stays": asked.stays,
        "us_per_stay": round(each_us, 1),
        "us_ordering": round(order_s / asked.stays * 1e6, 1),
        "us_per_stay_plain": round(plain_s / asked.peers * 1e6, 1),
        "vs_plain": round(plain_s / asked.peers * 1e6 / each_us, 1),
        "growth": round(each_us / (tenth_s / max(asked.stays // 10, 1) * 1e6), 2),
    }
    for name, figure in figures.items():
        print(f"{name:20} {figure}")
    print(json.dumps(figures))


def best(run: Callable[[], tuple[float, float, Said]]) -> tuple[float, float, Said]:
    """Run three times and give the quickest."""
    return min((run() for _ in range(3)), key=lambda figures: figures[1])


def ward(stays: int) -> tuple[float, float, Said]:
    """Say everything of every stay; give the seconds for ordering the readings, for all of it, and what was said."""
    series, times_ms, values = readings(stays)
    plans = Stays(
        spo2_scale=np.ones(stays, dtype=np.int64), valid_ms=np.full((stays, len(SERIES)), 12 * HOUR_MS, dtype=np.int64)
    )
    begin = time.perf_counter()
    history = History.of(plans, series, times_ms, values, ZONE)
    ordered = time.perf_counter()
    moments = Moments(stay=np.arange(stays), at_ms=np.full(stays, AT_MS))
    found = quantities.of(history, moments, list(quantities.table()))
    return ordered - begin, time.perf_counter() - begin, found


def readings(stays: int) -> Columns:
    """Make a ward's readings, in no order; a stay's are the same in a ward of any size."""
    columns = [stay_readings(stay) for stay in range(stays)]
    series, times_ms, values = (np.concatenate(column) for column in zip(*columns, strict=True))
    mixed = np.random.default_rng(0).permutation(len(series))
    return series[mixed], times_ms[mixed], values[mixed]


def stay_readings(stay: int) -> Columns:
    """Make the readings of one stay."""
    rng = np.random.default_rng(stay)
    at_ms = START + (np.arange(DAYS)[:, None] * 24 + np.array(TIMES_H)).reshape(-1) * HOUR_MS
    columns = []
    for name, usual in USUAL.items():
        spread = TRENDED[NAMES.index(name)].spread
        values = np.round(usual + rng.normal(0, spread, len(at_ms)), 1)
        columns.append((name, at_ms + rng.integers(0, HOUR_MS // 2, len(at_ms)), values))
    columns += [(name, at_ms[2::3], np.zeros(DAYS)) for name in ("oxygen", "consciousness")]
    series = np.concatenate([np.full(len(at), stay * len(SERIES) + SERIES.index(name)) for name, at, _ in columns])
    return series, np.concatenate([at for _, at, _ in columns]), np.concatenate([values for _, _, values in columns])


def peer(stays: int) -> tuple[float, list[dict[str, tuple[float, float]]]]:
    """Do the same for one stay after the other, plainly; give the seconds and each stay's usual and slope by vital."""
    series, times_ms, values = readings(stays)
    place = series % len(SERIES)
    frame = pd.DataFrame(
        {"stay": series // len(SERIES), "vital": np.array(SERIES)[place], "time": times_ms, "value": values}
    )
    begin = time.perf_counter()
    found = [plain(own) for _, own in frame.groupby("stay")]
    return time.perf_counter() - begin, found


def plain(own: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Reckon one stay with pandas."""
    said, away = {}, {}
    for name, rows in own[own.vital.isin(USUAL)].sort_values("time").groupby("vital"):
        quarter = rows.time // 900_000 * 900_000
        occasions = rows.groupby(quarter).agg(value=("value", "median"), last=("time", "max"))
        window = occasions[(occasions.index >= AT_MS - 14 * DAY_MS) & (occasions.index + 900_000 <= AT_MS - DAY_MS)]
        wall = pd.to_datetime(window.index, unit="ms", utc=True).tz_convert(ZONE)
        middle = window.value.median()
        mad = 1.4826 * (window.value - middle).abs().median()
        band = wall.hour // 4 == pd.Timestamp(AT_MS, unit="ms", tz="UTC").tz_convert(ZONE).hour // 4
        days = len(set(wall[band].date))
        weight = days / (days + 5) if days >= 3 else 0.0  # noqa: PLR2004
        away[name] = (window.value - middle) / mad
        recent = occasions[occasions["last"] > AT_MS - 72 * HOUR_MS]
        said[str(name)] = (
            float(middle + weight * (window.value[band].median() - middle) if weight else middle),
            float(np.median([(b[1] - a[1]) / ((b[0] - a[0]) / HOUR_MS) for a, b in pairs(recent)])),
        )
    pd.DataFrame(away).corr()
    return said


def pairs(recent: pd.DataFrame) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Give all pairs of points (time, value)."""
    return list(combinations(zip(recent["last"].tolist(), recent.value.tolist(), strict=True), 2))


def agree(found: Said, peers: list[dict[str, tuple[float, float]]]) -> None:
    """Check that the ward and the plain reckoning say the same."""
    for stay, said in enumerate(peers):
        for name, (usual, slope) in said.items():
            assert abs(found[f"{name}.usual"][stay] - usual) < NEAR
            assert abs(found[f"{name}.slope_per_h"][stay] - slope) < NEAR


if __name__ == "__main__":
    main()
