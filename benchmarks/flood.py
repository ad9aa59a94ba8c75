"""What one device's flood costs the others: how long until their readings are scored. Prints JSON on its last line.

A ward whose devices each have something to say in turn, ten messages a second in all; first by themselves, and then
while one more device sends a thousand messages a second, all of them good and each with every vital. Against the same
ward without the flood, in the same run. What was flooded is stored as well: nothing is thrown away.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread

from ingest_load import WELL, Publisher, message
from ingest_rig import Daemon, broker, make_ward, wait_for

from vwmon.clock import Clock
from vwmon.store import database

FLOODER, OTHERS = "dev-flood", [f"dev-{number:05d}" for number in range(60)]
LIVE_A_SECOND, FLOOD_A_SECOND, BLOCK = 10, 1000, 10
LOOK_S, MOST_S = 0.02, 2.0
BREATHS = ((14, 19), (22, 22))  # so that no score is as the one before: that would not be stored anew
SCORED = "select patient, at_ms from score join stay using (stay_no) where at_ms >= ? and patient <> ?"
STORED = """select count(*) from (select device_no, message_key from reading_log where message_key is not null
    union all select device_no, key from message) join device using (device_no) where device = ?"""


def main() -> None:
    """Measure both, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as port:
        folder = Path(name)
        (folder / "daemon").mkdir()
        make_ward(folder / "ward.db", [*OTHERS, FLOODER], Clock().now_ms() - 60_000)
        daemon = Daemon(folder / "daemon", port, folder / "ward.db")
        try:
            daemon.start()
            daemon.wait_until_ready()
            breaths = {device: cycle(BREATHS) for device in OTHERS}
            quiet = measured(port, daemon.path, live(asked.seconds, breaths))
            with get_context("spawn").Pool(1) as pool:
                flooding = pool.apply_async(flood, (port, asked.seconds))
                beside = measured(port, daemon.path, live(asked.seconds, breaths))
                sent = flooding.get()
            wait_for(lambda: stored(daemon) == sent, "the whole flood is stored")
        finally:
            daemon.kill()
    line = {"flood_per_s": round(sent / asked.seconds), "flood_stored": sent}
    line |= {f"quiet_{name}": value for name, value in quiet.items()}
    line |= {f"flood_{name}": value for name, value in beside.items()}
    print(json.dumps(line | {"p99_vs_quiet": round(beside["p99_s"] / quiet["p99_s"], 2)}))
    if beside["p99_s"] > MOST_S:
        raise SystemExit(f"beside the flood, others are scored after {beside['p99_s']} s, more than {MOST_S}")


def flood(port: int, seconds: int) -> int:
    """Send so many a second for so long; give how many the broker has."""
    publisher, dice, began_s = Publisher("127.0.0.1", port, "flood", window=60_000), random.Random(1), time.monotonic()
    for block in range(seconds * FLOOD_A_SECOND // BLOCK):
        now_ms = Clock().now_ms()
        said = [
            (FLOODER, message(block * BLOCK + place, now_ms + place, list(WELL), WELL, dice)) for place in range(BLOCK)
        ]
        publisher.send(said)
        time.sleep(max(0.0, began_s + (block + 1) * BLOCK / FLOOD_A_SECOND - time.monotonic()))
    publisher.settle()
    publisher.close()
    return publisher.confirmed


def measured(port: int, path: Path, said: Iterable[tuple[str, int, bytes]]) -> dict[str, float]:
    """Give how long the others' readings took from being sent to being scored."""
    sent_s: dict[tuple[str, int], float] = {}
    waits_s: dict[tuple[str, int], float] = {}
    over, begun_ms = Event(), Clock().now_ms()
    watching = Thread(target=watch, args=(path, begun_ms, sent_s, waits_s, over))
    watching.start()
    publisher = Publisher("127.0.0.1", port, "live")
    for device, at_ms, payload in said:
        sent_s[f"patient-{device}", at_ms] = time.monotonic()
        publisher.send([(device, payload)])
        time.sleep(1 / LIVE_A_SECOND)
    publisher.settle()
    publisher.close()
    wait_for(lambda: len(waits_s) == len(sent_s), "all of the others' readings are scored")
    over.set()
    watching.join()
    hundredths = statistics.quantiles(waits_s.values(), n=100)
    return {"p50_s": round(hundredths[49], 3), "p99_s": round(hundredths[98], 3)}


def live(seconds: int, breaths: Mapping[str, Iterator[tuple[int, int]]]) -> Iterator[tuple[str, int, bytes]]:
    """Yield what the others say, each in turn."""
    dice = random.Random(2)
    for device in islice(cycle(OTHERS), seconds * LIVE_A_SECOND):
        at_ms = Clock().now_ms()
        ranges = WELL | {"respiratory_rate": next(breaths[device])}
        yield device, at_ms, message(at_ms, at_ms, list(WELL), ranges, dice)


def watch(
    path: Path,
    begun_ms: int,
    sent_s: dict[tuple[str, int], float],
    waits_s: dict[tuple[str, int], float],
    over: Event,
) -> None:
    """Note when each of the others' readings is scored, until it is over."""
    with closing(database.open_reader(path)) as db:
        while not over.wait(LOOK_S):
            now_s = time.monotonic()
            for key in db.execute(SCORED, (begun_ms, f"patient-{FLOODER}")):
                if key in sent_s:
                    waits_s.setdefault(key, now_s - sent_s[key])


def stored(daemon: Daemon) -> int:
    """Count what is stored of the device that floods."""
    return int(daemon.reader.execute(STORED, (FLOODER,)).fetchone()[0])


if __name__ == "__main__":
    main()
