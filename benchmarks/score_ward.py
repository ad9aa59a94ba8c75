"""NEWS2 for a ward of 100,000 patients at once, and for micro-batches of it. Prints JSON on its last line.

Bare scoring is held against the same score in three other forms, in turns in the same run: the plain reading of one
patient after another, `numpy.select` over columns, and polars expressions. The peers give totals of complete sets;
ours gives the bounds, red, the missing and the response as well, for sets of which a fifth of the parts is missing.
A step is what the daemon does with a batch of the log: windows, ages, what is overdue, scores; nobody else does that,
so it is told in milliseconds only.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vwmon import pipeline
from vwmon.durations import HOUR_MS
from vwmon.scoring import charts, reference, vectorised
from vwmon.scoring.charts import PARTS
from vwmon.ward import PlanTable, Readings, Ward

CHART = charts.load("news2")
PATIENTS, BATCHES = 100_000, (1, 100, 10_000)
TURNS = 9
PLAIN_ROWS = 2_000  # the plain reading is timed on so many, and reckoned up
LOW = [6, 84, 0, 85, 38, 0, 34.5]
HIGH = [30, 100, 3, 225, 140, 4, 39.6]

Floats = NDArray[np.float64]


def main() -> None:
    """Measure bare scoring against its peers, then the steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=PATIENTS)
    patients = parser.parse_args().patients
    rng = np.random.default_rng(2017)
    whole, scale = _sets(rng, patients), rng.integers(1, 3, patients).astype(np.int8)
    gaps = np.where(rng.random(whole.shape) < 0.2, np.nan, whole)
    _agree(whole, scale)
    line: dict[str, Any] = {"patients": patients}
    for count in (*BATCHES, patients):
        line |= _bare(whole[:count], gaps[:count], scale[:count])
    line |= _steps(patients, rng)
    print(json.dumps(line))


def _bare(whole: Floats, gaps: Floats, scale: NDArray[np.int8]) -> dict[str, float]:
    """Give our time for so many patients, and how many times as long the peers take."""
    count = len(whole)
    plain = min(count, PLAIN_ROWS)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: vectorised.score(CHART, gaps, {"spo2_scale": scale}),
        "select": lambda: select(whole, scale),
        "reference": lambda: [
            _plain(row, one) for row, one in zip(gaps[:plain].tolist(), scale.tolist(), strict=False)
        ],
    }
    polars = _polars(whole, scale)
    if polars is not None:
        ways["polars"] = polars
    times = {name: _best_s(way) for name, way in ways.items()}
    times["reference"] *= count / plain
    print(f"{count:>7} patients:", "  ".join(f"{name} {1e3 * taken:.3f} ms" for name, taken in times.items()))
    found = {f"score_{count}_ms": round(1e3 * times["ours"], 3)}
    return found | {f"vs_{name}_{count}": round(times[name] / times["ours"], 2) for name in times if name != "ours"}


def _best_s(way: Callable[[], object]) -> float:
    """Give the shortest time of one call, many of them where one is too short to time."""
    began = time.perf_counter()
    way()
    once = time.perf_counter() - began
    repeats = max(1, int(0.02 / max(once, 1e-7)))
    best = []
    for _ in range(TURNS):
        began = time.perf_counter()
        for _ in range(repeats):
            way()
        best.append((time.perf_counter() - began) / repeats)
    return min(best)


def _sets(rng: np.random.Generator, count: int) -> Floats:
    """Draw observation sets as devices send them: whole numbers, and tenths of a degree."""
    sets = np.round(rng.uniform(LOW, HIGH, (count, len(PARTS))), 1)
    sets[:, :6] = np.round(sets[:, :6])
    return sets


def _plain(row: list[float], scale: int) -> reference.Score:
    return reference.score(CHART, dict(zip(PARTS, row, strict=True)), {"spo2_scale": scale})


def select(sets: Floats, scale: NDArray[np.int8]) -> NDArray[np.int64]:
    """Give the totals of complete sets by `numpy.select`, as a program written for NEWS2 alone would."""
    rate, spo2, oxygen, pressure, pulse, mind, warmth = sets.T
    on_oxygen = oxygen > 0
    on_1 = np.select([spo2 <= 91, spo2 <= 93, spo2 <= 95], [3, 2, 1], 0)
    high = np.select([spo2 <= 92, spo2 <= 94, spo2 <= 96], [0, 1, 2], 3)
    on_2 = np.select([spo2 <= 83, spo2 <= 85, spo2 <= 87, on_oxygen], [3, 2, 1, high], 0)
    total: NDArray[np.int64] = (
        np.select([rate <= 8, rate <= 11, rate <= 20, rate <= 24], [3, 1, 0, 2], 3)
        + np.where(scale == 1, on_1, on_2)
        + np.where(on_oxygen, 2, 0)
        + np.select([pressure <= 90, pressure <= 100, pressure <= 110, pressure <= 219], [3, 2, 1, 0], 3)
        + np.select([pulse <= 40, pulse <= 50, pulse <= 90, pulse <= 110, pulse <= 130], [3, 1, 0, 1, 2], 3)
        + np.where(mind > 0, 3, 0)
        + np.select([warmth <= 35.0, warmth <= 36.0, warmth <= 38.0, warmth <= 39.0], [3, 1, 0, 1], 2)
    )
    return total


def _polars(sets: Floats, scale: NDArray[np.int8]) -> Callable[[], NDArray[np.int64]] | None:
    """Give what computes the same totals by polars expressions; None where polars is not installed."""
    try:
        import polars as pl
    except ImportError:
        return None
    frame = pl.DataFrame({name: sets[:, at] for at, name in enumerate(PARTS)} | {"scale": scale})

    def banded(name: str, *bands: tuple[float, int], above: int) -> pl.Expr:
        chain: Any = pl
        for edge, points in bands:
            chain = chain.when(pl.col(name) <= edge).then(points)
        found: pl.Expr = chain.otherwise(above)
        return found

    on_oxygen = pl.col("oxygen") > 0
    high = banded("spo2", (92, 0), (94, 1), (96, 2), above=3)
    low = banded("spo2", (83, 3), (85, 2), (87, 1), above=0)
    on_2 = pl.when((pl.col("spo2") > 87) & on_oxygen).then(high).otherwise(low)
    total = (
        banded("respiratory_rate", (8, 3), (11, 1), (20, 0), (24, 2), above=3)
        + pl.when(pl.col("scale") == 1).then(banded("spo2", (91, 3), (93, 2), (95, 1), above=0)).otherwise(on_2)
        + pl.when(on_oxygen).then(2).otherwise(0)
        + banded("systolic_bp", (90, 3), (100, 2), (110, 1), (219, 0), above=3)
        + banded("heart_rate", (40, 3), (50, 1), (90, 0), (110, 1), (130, 2), above=3)
        + pl.when(pl.col("consciousness") > 0).then(3).otherwise(0)
        + banded("temperature", (35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), above=2)
    )
    return lambda: frame.select(total.alias("total"))["total"].to_numpy().astype(np.int64)


def _agree(sets: Floats, scale: NDArray[np.int8]) -> None:
    """Check that all forms give the same totals."""
    ours = vectorised.score(CHART, sets, {"spo2_scale": scale}).total_min
    assert np.array_equal(ours, select(sets, scale))
    polars = _polars(sets, scale)
    assert polars is None or np.array_equal(ours, polars())
    plain = [_plain(row, one).total_min for row, one in zip(sets[:500].tolist(), scale.tolist(), strict=False)]
    assert ours[:500].tolist() == plain


def _steps(patients: int, rng: np.random.Generator) -> dict[str, float]:
    """Give the median time of a step in which some of the ward's patients sent a whole set."""
    ward = Ward(_plans(patients))
    for hour in range(3):
        pipeline.step(ward, _readings(rng, np.arange(patients), hour * HOUR_MS))
    at_ms, found = 3 * HOUR_MS, {}
    for count in BATCHES:
        taken = []
        for _ in range(max(7, 200 // count)):
            at_ms += 1000
            readings = _readings(rng, rng.choice(patients, min(count, patients), replace=False), at_ms)
            began = time.perf_counter()
            scores, _ = pipeline.step(ward, readings)
            taken.append(time.perf_counter() - began)
            assert len(scores) == min(count, patients)
        found[f"step_{count}_ms"] = round(1e3 * statistics.median(taken), 3)
        print(f"{count:>7} touched of {patients}: a step takes {found[f'step_{count}_ms']} ms")
    return found


def _plans(stays: int) -> PlanTable:
    every = (stays, len(PARTS))
    return PlanTable(
        spo2_scale=np.ones(stays, dtype=np.int8),
        expected=np.ones(every, dtype=np.bool_),
        valid_ms=np.full(every, 24 * HOUR_MS),
        overdue_ms=np.full(every, 24 * HOUR_MS),
        admitted_ms=np.zeros(stays, dtype=np.int64),
    )


def _readings(rng: np.random.Generator, stays: NDArray[np.int64], at_ms: int) -> Readings:
    """Give a whole set of each of some stays, one message each."""
    count, parts = len(stays), len(PARTS)
    return Readings(
        stay=np.repeat(stays, parts),
        part=np.tile(np.arange(parts, dtype=np.int8), count),
        observed_ms=np.full(count * parts, at_ms),
        received_ms=np.full(count * parts, at_ms + 1000),
        value=_sets(rng, count).ravel(),
        unit=np.repeat(np.arange(count), parts),
    )


if __name__ == "__main__":
    main()
