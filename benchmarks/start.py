"""How soon things are there on a database of a million readings. Prints JSON on its last line.

The daemon: from the start of the process until it tells the service manager that it is ready, which it does when the
windows are rebuilt, the broker has agreed and a first cycle is done; once with everything still in the append-only log
and once with all of it merged. `vwmon alerts`, cold: against an interpreter that only imports typer and rich.table, in
turns in the same run.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from ingest_load import WARD, WELL
from ingest_rig import CONFIG, broker, make_ward

from devices.payloads import decode
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter

PEER = [sys.executable, "-c", "import typer, rich.table"]
DEVICES, STEP_MS = 5_000, 60_000
TURNS = 15


def main() -> None:
    """Make the database, then measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        end_ms = Clock().now_ms()
        names = [f"bench-{number}" for number in range(DEVICES)]
        begin_ms = end_ms - asked.readings // DEVICES * STEP_MS
        make_ward(folder / "vwmon.db", names, begin_ms)
        fill(folder / "vwmon.db", names, begin_ms, asked.readings)
        unmerged_s = ready_s(folder)
        merge(folder / "vwmon.db")
        merged_s = ready_s(folder)
        ours_ms, peer_ms = cold_ms(folder / "vwmon.db")
    line = {
        "readings": asked.readings,
        "ready_s": round(unmerged_s, 2),
        "ready_merged_s": round(merged_s, 2),
        "alerts_ms": round(ours_ms),
        "import_typer_rich_ms": round(peer_ms),
        "alerts_vs_import": round(ours_ms / peer_ms, 2),
    }
    print(json.dumps(line))


def ready_s(folder: Path) -> float:
    """Start the daemon and wait for its word that it is ready."""
    with broker(folder) as port, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        settings = folder / "vwmon.toml"
        settings.write_text(CONFIG.format(folder=folder, port=port, ward=WARD), encoding="utf-8")
        manager.bind(str(folder / "notify"))
        manager.settimeout(120)
        began = time.perf_counter()
        daemon = subprocess.Popen(
            [sys.executable, "-m", "vwmon", "run", "--config", str(settings)],
            env=os.environ | {"NOTIFY_SOCKET": str(folder / "notify")},
            stderr=subprocess.DEVNULL,
        )
        try:
            while b"READY=1" not in manager.recv(4096):
                pass
            return time.perf_counter() - began
        finally:
            daemon.terminate()
            daemon.wait(60)
            (folder / "notify").unlink()


def cold_ms(path: Path) -> tuple[float, float]:
    """Give the median times of `vwmon alerts` and of the peer, run in turns."""
    ours = [sys.executable, "-m", "vwmon", "alerts", "--db", str(path)]
    times = [(_run_ms(ours), _run_ms(PEER)) for _ in range(TURNS)]
    return statistics.median(our for our, _ in times), statistics.median(peer for _, peer in times)


def _run_ms(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - began) * 1000


def fill(path: Path, names: list[str], begin_ms: int, readings: int, step_ms: int = STEP_MS) -> None:
    """Put readings in, each a message of its own, and score them as the daemon does."""
    vitals = list(WELL)
    with closing(database.open_writer(path)) as db:
        log = LogWriter(db)
        scorer = Scorer(db, Provenance(config_hash="benchmark", plans=plans.load_all()), begin_ms)
        for turn in range(readings // len(names)):
            at_ms = begin_ms + turn * step_ms
            vital = vitals[turn % len(vitals)]
            log.append([arrival(name, vital, turn, at_ms) for name in names], (), at_ms)
            scorer.cycle(at_ms)
        while scorer.cycle(at_ms):
            pass


def arrival(name: str, vital: str, turn: int, at_ms: int, value: float | None = None) -> Arrival:
    """Make the message of one reading: of someone who is well, unless a value is given."""
    sent = WELL[vital][0] if value is None else value
    payload = json.dumps({"id": f"{turn:08x}", "readings": [{"vital": vital, "value": sent}]}).encode()
    message = decode(payload, device=name, received_ms=at_ms)
    return Arrival(WARD, name, f"vwmon/{WARD}/{name}/readings", message, at_ms, payload)


def merge(path: Path) -> None:
    """Bring all of the log into series order."""
    with closing(database.open_writer(path)) as db:
        log = LogWriter(db)
        while log.tail_size and log.merge(log.last_seq, 200_000):
            pass


if __name__ == "__main__":
    main()
