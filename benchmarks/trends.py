"""What baselines, trends and projections of a whole ward cost: microseconds for each stay and moment.

    python benchmarks/trends.py [--stays 6000] [--peers 100]

A ward of stays at home, fourteen days of five vitals three times a day, oxygen and consciousness once: all that is said
of every stay at one moment. Beside it, in the same run, a plain reckoning of one stay after the other with numpy,
as one would write it first: occasions, median and MAD, the time of day, a Theil-Sen slope, the correlations; without
bounds and projections, which the whole ward's figure has. Both must agree on what is usual and on the slope.

The last line is JSON: microseconds a stay for the ward, of them those for putting its readings in order, the same for
the plain one, how many times faster that makes the ward, and the growth of the cost a stay from a tenth of the stays.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.kernels.ragged import Floats, Ints
from vwmon.scoring.trends import quantities
from vwmon.scoring.trends.assess import History
from vwmon.scoring.trends.table import NAMES, SERIES, TRENDED, Moments, Stays

START = 1_792_281_600_000
DAYS, TIMES_H = 14, (8, 14, 20)
USUAL = {"respiratory_rate": 16.0, "spo2": 96.0, "systolic_bp": 130.0, "heart_rate": 75.0, "temperature": 36.6}
AT_MS = START + (DAYS - 1) * DAY_MS + 21 * HOUR_MS
ZONE = "Europe/London"
QUARTER_MS, LEAST_DAYS = 900_000, 3
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
    begin = time.perf_counter()
    order = np.lexsort((times_ms, series))
    series, times_ms, values = series[order], times_ms[order], values[order]
    found = []
    for stay in range(stays):
        edges = [np.searchsorted(series, stay * len(SERIES) + SERIES.index(name), side="left") for name in USUAL]
        ends = [np.searchsorted(series, stay * len(SERIES) + SERIES.index(name), side="right") for name in USUAL]
        own = {n: (times_ms[i:j], values[i:j]) for n, i, j in zip(USUAL, edges, ends, strict=True)}
        found.append(plain(own))
    return time.perf_counter() - begin, found


def plain(own: dict[str, tuple[Ints, Floats]]) -> dict[str, tuple[float, float]]:
    """Reckon one stay with numpy."""
    said, away = {}, {}
    zone = ZoneInfo(ZONE)
    now = datetime.fromtimestamp(AT_MS / 1000, zone).hour // 4
    for name, (times_ms, values) in own.items():
        quarter, first = np.unique(times_ms // QUARTER_MS * QUARTER_MS, return_index=True)
        groups = np.split(np.arange(len(times_ms)), first[1:])
        level = np.array([np.median(values[rows]) for rows in groups])
        last = np.array([times_ms[rows[-1]] for rows in groups])
        inside = (quarter >= AT_MS - 14 * DAY_MS) & (quarter + QUARTER_MS <= AT_MS - DAY_MS)
        wall = [datetime.fromtimestamp(at / 1000, zone) for at in quarter[inside].tolist()]
        usual = np.median(level[inside])
        mad = 1.4826 * np.median(np.abs(level[inside] - usual))
        band = np.array([spot.hour // 4 == now for spot in wall])
        days = len({spot.date() for spot, mine in zip(wall, band, strict=True) if mine})
        weight = days / (days + 5) if days >= LEAST_DAYS else 0.0
        away[name] = dict(zip(quarter[inside].tolist(), ((level[inside] - usual) / mad).tolist(), strict=True))
        recent, at_h = last > AT_MS - 72 * HOUR_MS, (last - AT_MS) / HOUR_MS
        one, other = np.tril_indices(int(recent.sum()), -1)
        rise = level[recent][one] - level[recent][other]
        said[name] = (
            float(usual + weight * (np.median(level[inside][band]) - usual) if weight else usual),
            float(np.median(rise / (at_h[recent][one] - at_h[recent][other]))),
        )
    correlated(away)
    return said


def correlated(away: dict[str, dict[int, float]]) -> Floats:
    """Give the correlations of the vitals over their common occasions, what is lacking being usual."""
    at = sorted(set().union(*away.values()))
    table = np.array([[own.get(quarter, 0.0) for quarter in at] for own in away.values()])
    return np.asarray(table @ table.T / len(at))


def agree(found: Said, peers: list[dict[str, tuple[float, float]]]) -> None:
    """Check that the ward and the plain reckoning say the same."""
    for stay, said in enumerate(peers):
        for name, (usual, slope) in said.items():
            assert abs(found[f"{name}.usual"][stay] - usual) < NEAR
            assert abs(found[f"{name}.slope_per_h"][stay] - slope) < NEAR


if __name__ == "__main__":
    main()
