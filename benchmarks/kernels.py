"""How fast windows over readings are reckoned, against named peers. Prints JSON on its last line.

Nine columns (last, age, count, mean, std, min, max, slope, weighted mean) over three windows, at every reading, of
synthetic readings about every minute and of the recorded hourly ones of cinc2019_sepsis, if they are there. vwmon, the
numba loop and pandas run on one thread, polars on as many as it takes by itself, which is as many as there are cores.
Contestants take turns; a ratio is of the medians of their wall times, added over the two recordings (`synthetic` and
`recorded` have them apart, `cpu_` has the same by the CPU time of all threads). Values are rounded to ten-thousandths
beforehand, so that all see the same. What all give is compared.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import kernels_peers as peers
import numpy as np

from vwmon.durations import HOUR_MS
from vwmon.kernels.frames import RESOLUTION
from vwmon.kernels.ragged import Floats, Ragged, arranged
from vwmon.kernels.rolling import rolling

WINDOWS_MS = [HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS]
START_MS = 1_700_000_000_000
LONG = 2000  # readings of a synthetic series
LARGER = 4  # pandas' part of the readings to polars'
AGREE = 1e-9
AGREE_ROUNDED = 1e-4  # of peers that cancel in floats: a slope by polars, a deviation by rolling_std_by or pandas
# Memory that a process keeps between runs: a virtual machine may have to ask for fresh pages anew, at many times the
# cost of filling them, and large runs would show that, not the reckoning. What fresh pages cost is in all ratios.
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}
SIZES = (100_000, 1_000_000, 10_000_000)
RECORDING = Path(os.environ.get("VWMON_DATA", "../shared/data")) / "cinc2019_sepsis" / "vitals.csv.gz"

Run = Callable[[], object]


def main() -> None:
    """Run every contest, say the figures, and print the line."""
    asked = arguments()
    if asked.alone:
        print(json.dumps(ALONE[asked.alone](asked)))
        return
    recordings = {"synthetic": synthetic(asked.readings)}
    if RECORDING.exists():
        recordings["recorded"] = recorded(RECORDING)
    else:
        print(f"{RECORDING} is not there: synthetic readings only")
    taken = {name: contests(name, columns, asked) for name, columns in recordings.items()}
    both = {peer: np.sum([figures[peer] for figures in taken.values()], axis=0) for peer in taken["synthetic"]}
    line = ratios(both) | alone("growth", KEEPING) | alone("memory", {})
    apart_ = {name: ratios(figures) for name, figures in taken.items()}
    rows = {name: len(columns.times_ms) for name, columns in recordings.items()}
    speeds = {f"{name}_readings_s": round(rows[name] / taken[name]["numba"][0, 0]) for name in rows}
    print(json.dumps(line | apart_ | speeds | {"cores": os.cpu_count(), "sample": asked.sample}))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=2_000_000, help="synthetic ones")
    parser.add_argument("--sample", type=int, default=50_000, help="of them for polars' rolling")
    parser.add_argument("--runs", type=int, default=7, help="of each contestant, but three of polars' rolling")
    parser.add_argument("--alone", choices=list(ALONE), help="measure one of these only")
    return parser.parse_args()


def synthetic(readings: int) -> Ragged:
    """Make series of readings 30 to 90 s apart, in whole seconds, of values that wander."""
    dice = np.random.default_rng(1)
    offsets = np.append(np.arange(0, readings, LONG), readings)
    times_ms = np.cumsum(dice.integers(30, 91, readings)) * 1000
    times_ms += START_MS - np.repeat(times_ms[offsets[:-1]], np.diff(offsets))
    values = 60 + np.cumsum(dice.normal(0, 0.3, readings)) % 60 + dice.normal(0, 2, readings)
    return Ragged(times_ms=times_ms, values=np.round(values, 1), offsets=offsets)


def recorded(path: Path) -> Ragged:
    """Read a recording; a series is one vital of one patient."""
    import polars as pl

    read = pl.read_csv(path, columns=["patient", "time", "vital", "value"])
    series = read.select(pl.struct("patient", "vital").rank("dense") - 1).to_series().to_numpy().astype(np.int64)
    values = np.rint(read["value"].to_numpy() * RESOLUTION) / RESOLUTION
    return arranged(series, read["time"].to_numpy() * 1000 + START_MS, values, int(series.max()) + 1)


def beginning(columns: Ragged, readings: int) -> Ragged:
    """Give the first series, with about so many readings."""
    series = int(np.searchsorted(columns.offsets, readings))
    stop = int(columns.offsets[min(series, len(columns))])
    return Ragged(times_ms=columns.times_ms[:stop], values=columns.values[:stop], offsets=columns.offsets[: series + 1])


def ours(columns: Ragged, statistics_: tuple[str, ...] = peers.FULL) -> peers.Results:
    """Ask vwmon for columns as the peers give them."""
    return {name: column.T for name, column in rolling(columns, None, WINDOWS_MS, statistics_).items()}


def contests(name: str, columns: Ragged, asked: argparse.Namespace) -> dict[str, Floats]:
    """Run all contests over one recording; give for each peer our and its wall and CPU seconds, (2, 2)."""
    sample, larger = beginning(columns, asked.sample), beginning(columns, LARGER * asked.sample)
    rows, begun = len(columns.times_ms), time.perf_counter()
    parts = [f"{len(part.times_ms):,}" for part in (sample, larger)]
    print(f"== {name}: {rows:,} readings of {len(columns):,} series; parts of {' and '.join(parts)}", flush=True)
    agree(ours(columns), peers.numba_loop(columns, WINDOWS_MS), peers.FULL, AGREE)
    agree(ours(sample), peers.polars_rolling(sample, WINDOWS_MS), peers.FULL, AGREE_ROUNDED)
    agree(ours(larger), peers.pandas_rolling(larger, WINDOWS_MS), peers.NO_EWMA, AGREE_ROUNDED)
    agree(ours(columns), peers.polars_rolling_by(columns, WINDOWS_MS), peers.BY, AGREE_ROUNDED)
    pairs: dict[str, tuple[Run, Run, int]] = {
        "polars_rolling": (lambda: ours(sample), lambda: peers.polars_rolling(sample, WINDOWS_MS), 3),
        "pandas": (lambda: ours(larger), lambda: peers.pandas_rolling(larger, WINDOWS_MS), asked.runs),
        "polars_rolling_by": (
            lambda: ours(columns, peers.BY),
            lambda: peers.polars_rolling_by(columns, WINDOWS_MS),
            asked.runs,
        ),
        "numba": (lambda: ours(columns), lambda: peers.numba_loop(columns, WINDOWS_MS), asked.runs),
        "write_outputs": (lambda: ours(columns), lambda: written(rows), asked.runs),
        "stream": (lambda: ours(columns), lambda: streamed(columns), asked.runs),
    }
    found = {peer: contest(peer, mine, theirs, runs) for peer, (mine, theirs, runs) in pairs.items()}
    print(f"  {time.perf_counter() - begun:.0f} s", flush=True)
    return found


def contest(peer: str, mine: Run, theirs: Run, runs: int) -> Floats:
    """Let two take turns; give the medians of our wall and CPU seconds, and of theirs."""
    taken = np.median([(timed(mine), timed(theirs)) for _ in range(runs)], axis=0)
    (wall, cpu), (other_wall, other_cpu) = taken
    print(f"{peer}: vwmon {wall:.3f} s, CPU {cpu:.3f}; {peer} {other_wall:.3f} s, CPU {other_cpu:.3f}", flush=True)
    return np.asarray(taken)


def ratios(taken: Mapping[str, Floats]) -> dict[str, float]:
    """Give how many times as fast we are as each peer, and how many times as slow as plain writing and streaming."""
    found: dict[str, float] = {}
    for peer, (own, other) in taken.items():
        slower = peer in {"write_outputs", "stream"}
        wall, cpu = own / other if slower else other / own
        found |= {f"vs_{peer}": round(wall, 2), f"cpu_vs_{peer}": round(cpu, 2)}
    return found


def timed(run: Run) -> tuple[float, float]:
    """Give the wall and the CPU seconds of a run."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def written(rows: int) -> Floats:
    """Write columns as large as the answer once, in fresh memory as the answer is."""
    out = np.empty((len(peers.FULL) * len(WINDOWS_MS), rows))
    for column in out:
        column.fill(1.0)
    return out


def streamed(columns: Ragged) -> Floats:
    """Read the input once and write columns as large as the answer."""
    out = written(len(columns.times_ms))
    out[0, 0] = columns.times_ms.sum() + columns.values.sum()
    return out


def agree(mine: peers.Results, theirs: peers.Results, names: tuple[str, ...], limit: float) -> None:
    """Stop unless two answers are equal but for rounding; say how far they are apart."""
    worst = {name: apart(mine[name], theirs[name]) for name in names}
    name = max(worst, key=lambda name: worst[name])
    print(f"  furthest apart by {worst[name]:.1e}, in {name}", flush=True)
    assert worst[name] <= limit, worst


def apart(mine: Floats, theirs: Floats) -> float:
    """Give the largest difference, relative to what is above one."""
    assert (np.isnan(mine) == np.isnan(theirs)).all()
    return float(np.nanmax(np.abs(mine - theirs) / np.maximum(1.0, np.abs(mine)), initial=0.0))


def growth(runs: int) -> dict[str, float]:
    """Give how the cost of a reading, in CPU time, grows with their number; a run of each size goes before, untimed."""
    seconds: dict[int, list[list[float]]] = {size: [] for size in SIZES}
    columns = {size: synthetic(size) for size in SIZES}
    for size in reversed(SIZES):
        ours(columns[size])
    for _ in range(runs):
        for size in SIZES:
            times = max(1, SIZES[1] // size)
            taken = [timed(partial(ours, columns[size])) for _ in range(times)]
            seconds[size].append([sum(column) / times / size for column in zip(*taken, strict=True)])
    wall, cpu = ({size: statistics.median(one[i] for one in seconds[size]) for size in SIZES} for i in (0, 1))
    for size in SIZES:
        text = f"{size:,} readings: {wall[size] * 1e9:.0f} ns a reading, CPU {cpu[size] * 1e9:.0f}"
        print(text, file=sys.stderr, flush=True)
    ratio, cpu_ratio = (one[SIZES[-1]] / one[SIZES[0]] for one in (wall, cpu))
    return {"growth": round(cpu_ratio, 3), "wall_growth": round(ratio, 3)}


def alone(part: str, environment: Mapping[str, str]) -> dict[str, float]:
    """Measure something in a fresh interpreter, which holds nothing else."""
    command = [sys.executable, __file__, "--alone", part]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | environment)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def peak_over_io(columns: Ragged) -> dict[str, float]:
    """Give the highest memory during a call over that of its input and its output."""
    ours(beginning(columns, LONG))
    before = resident_kb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    out = ours(columns)
    peak = resident_kb("VmHWM") - before
    given = columns.times_ms.nbytes + columns.values.nbytes + columns.offsets.nbytes
    answer = sum(column.nbytes for column in out.values())
    return {"peak_over_io": round((peak * 1024 + given) / (given + answer), 3)}


def resident_kb(field: str) -> int:
    """Read one of this process's own figures of memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


ALONE: Mapping[str, Callable[[argparse.Namespace], dict[str, float]]] = {
    "growth": lambda asked: growth(asked.runs),
    "memory": lambda asked: peak_over_io(synthetic(asked.readings)),
}


if __name__ == "__main__":
    main()
