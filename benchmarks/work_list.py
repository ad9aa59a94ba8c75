"""How soon the work list is there, from a cold start, on a database that has been used. Prints JSON on its last line.

A million readings of 1,000 patients, 20,000 closed alerts with their history, 200 open ones on present scores, and a
tail of the log that is not merged yet. `vwmon alerts`, and `vwmon alerts show` of the most urgent, against an
interpreter that only imports typer and rich.table: in turns in the same run. None may load arrays or migrations.
"""

import argparse
import compileall
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from ingest_load import ILL
from ingest_rig import make_ward
from start import arrival, fill, merge

from alerts import acts, attention, store
from alerts.acts import Act
from alerts.attention import Signal
from alerts.model import Case, Lane, Level, Outcome
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, monitor
from vwmon.store.log import LogWriter
from vwmon.store.monitor import Monitor

PEER = [sys.executable, "-c", "import typer, rich.table"]
CLOSED, OPEN, TAIL = 20_000, 200, 20_000
STEP_MS, HOUR_MS, MOST = 30_000, 3_600_000, 2.5  # so that nothing is overdue before the readings end
BANNED = ("numpy", "scipy", "paho", "sqlite_utils")
LOADED = f"""
import sys
from vwmon.cli import main
sys.argv = ["vwmon", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
print([name for name in {BANNED} if name in sys.modules], file=sys.stderr)
"""


def main() -> None:
    """Make the database, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--patients", type=int, default=1_000)
    parser.add_argument("--turns", type=int, default=25)
    parser.add_argument("--keep", type=Path, help="make the database in this folder, or use the one that is there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = (asked.keep or Path(name)) / "vwmon.db"
        if not path.exists():
            make(path, asked.readings, asked.patients)
        for package in ("vwmon", "devices", "alerts"):  # as an installation is
            compileall.compile_dir(Path(__file__).parents[1] / package, quiet=1)
        beat(path)
        first = check(path)
        line = {"readings": asked.readings, "patients": asked.patients} | measured(path, first, asked.turns)
    print(json.dumps(line))
    if line["list_vs_import"] > MOST:
        raise SystemExit(f"the work list took {line['list_vs_import']} times as long as the imports, more than {MOST}")


def measured(path: Path, first: str, turns: int) -> dict[str, float]:
    """Give the median times of the list, of one alert and of the peer, run in turns, and how they compare."""
    ours = [sys.executable, "-m", "vwmon", "alerts"]
    commands = {
        "import": PEER,
        "list": [*ours, "--db", str(path)],
        "show": [*ours, "show", first, "--db", str(path)],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(turns):
        for name, command in commands.items():
            times[name].append(_run_ms(command))
    medians = {name: statistics.median(each) for name, each in times.items()}
    return {f"{name}_ms": round(median) for name, median in medians.items()} | {
        f"{name}_vs_import": round(medians[name] / medians["import"], 2) for name in ("list", "show")
    }


def check(path: Path) -> str:
    """Check that the database is what it is said to be, and what the commands load; give the most urgent alert."""
    with closing(database.open_reader(path)) as db:
        counts = dict(db.execute("select state = 'closed', count(*) from alert group by 1").fetchall())
        assert counts == {1: CLOSED, 0: OPEN}, counts
    ids = subprocess.run(
        [sys.executable, "-m", "vwmon", "alerts", "--format", "ids", "--db", str(path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert len(ids) == OPEN, len(ids)
    for command in (["alerts"], ["alerts", "show", ids[0]]):
        asked = [sys.executable, "-c", LOADED, *command, "--db", str(path)]
        told = subprocess.run(asked, capture_output=True, text=True, check=True).stderr.splitlines()
        assert told[-1] == "[]", told
    return ids[0]


def make(path: Path, readings: int, patients: int) -> None:
    """Make the ward, its past, its million readings, and those who are ill now."""
    end_ms = Clock().now_ms()
    names = [f"bench-{number}" for number in range(patients)]
    begin_ms = end_ms - readings // patients * STEP_MS
    make_ward(path, names, begin_ms)
    with closing(database.open_writer(path)) as db, database.atomic(db):
        past = [(Case(stay_no=stay), closed(stay, begin_ms, CLOSED // patients)) for stay in range(1, patients + 1)]
        store.save_all(db, past, None)
    fill(path, names, begin_ms, readings - TAIL - OPEN * len(ILL), STEP_MS)
    fall_ill(path, names[:OPEN], end_ms - STEP_MS)
    merge(path)
    tail(path, names, end_ms)


def closed(stay: int, before_ms: int, each: int) -> Case:
    """Give a stay's past: alerts that were raised, taken in hand, and closed by a person."""
    case = Case(stay_no=stay)
    for number in range(each):
        at_ms = before_ms - (each - number) * 24 * HOUR_MS
        evidence = {"rules": ["news2_5"], "at_ms": at_ms, "received_ms": at_ms, "points": {"spo2": 2}, "ages_ms": {}}
        evidence |= {"total_min": 5, "total_max": 5, "could_be": 5, "missing": [], "values": {}}
        signal = Signal(lane=Lane.CLINICAL, level=Level.URGENT, at_ms=at_ms, known_ms=at_ms, evidence=evidence, score=5)
        case = attention.follow(case, signal)
        case = acts.acknowledge(case, case.alerts[Lane.CLINICAL], _act(at_ms + HOUR_MS // 4)).case
        answer = acts.close(case, case.alerts[Lane.CLINICAL], _act(at_ms + HOUR_MS // 2), Outcome.PHONED_STABLE)
        assert answer.refusal is None, answer.refusal
        case = answer.case
    return case


def fall_ill(path: Path, names: list[str], at_ms: int) -> None:
    """Send readings of people who are ill, and follow them as the daemon does."""
    with closing(database.open_writer(path)) as db:
        log = LogWriter(db)
        scorer = Scorer(db, Provenance(config_hash="benchmark", plans=plans.load_all()), at_ms)
        for turn, vital in enumerate(ILL):
            log.append([arrival(f"{name}", vital, 10**6 + turn, at_ms, ILL[vital][0]) for name in names], (), at_ms)
        while scorer.cycle(at_ms):
            pass


def tail(path: Path, names: list[str], at_ms: int) -> None:
    """Send what has been stored and not merged yet, of those who are well."""
    well = names[OPEN:]
    with closing(database.open_writer(path)) as db:
        log = LogWriter(db)
        scorer = Scorer(db, Provenance(config_hash="benchmark", plans=plans.load_all()), at_ms)
        for turn in range(-(-TAIL // len(well))):
            few = well[: TAIL - turn * len(well)]
            log.append([arrival(name, "heart_rate", 2 * 10**6 + turn, at_ms) for name in few], (), at_ms)
        while scorer.cycle(at_ms):
            pass


def beat(path: Path) -> None:
    """Let the monitor say that it is at work, as far as a database tells."""
    now_ms = Clock().now_ms()
    with closing(database.open_writer(path)) as db, database.atomic(db):
        well = Monitor(
            mode="live",
            started_ms=now_ms,
            cycle_ms=now_ms,
            broker_connected=True,
            broker_since_ms=now_ms,
            last_received_ms=now_ms,
            last_observed_ms=now_ms,
            readings=0,
            lag_seconds=0.0,
            software="benchmark",
            config_hash="benchmark",
        )
        monitor.beat(db, well)


def _act(now_ms: int) -> Act:
    return Act(actor="benchmark", now_ms=now_ms, note="phoned")


def _run_ms(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
