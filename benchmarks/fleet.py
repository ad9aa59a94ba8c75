"""How many people at home one machine can simulate. Prints JSON on its last line.

First in this process, without a broker: the messages of 10,000 people over some hours, how soon the first is there, how
many a second, and the memory that all of them take. Then `vwmon simulate` as a process of its own, through a real
mosquitto, with a stand-in for the daemon here that gives a receipt for each message: from its first message to its end.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ingest_rig import broker
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from devices.simulator.courses import COURSES
from devices.simulator.fleet import Fleet
from devices.simulator.live import AT_ONCE

START_MS, HOUR_MS = 978_307_200_000, 3_600_000
WARD, ONSET_HOURS = "bench", 336.0


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--hours", type=int, default=12, help="of simulated time, without a broker")
    parser.add_argument("--published", type=int, default=1, help="hours of simulated time through the broker")
    given = parser.parse_args()
    figures = made(given.patients, given.hours) | published(given.patients, given.published)
    for name, figure in figures.items():
        print(f"{name:>24} {figure:,}")
    print(json.dumps(figures))


def made(patients: int, hours: int) -> dict[str, float]:
    """Make the messages of some hours and throw them away."""
    before, began = peak_mib(resource.RUSAGE_SELF), time.perf_counter()
    fleet = Fleet(patients=patients, courses=tuple(COURSES), home=True, onset_hours=ONSET_HOURS)
    messages = fleet.messages(START_MS, until_ms=START_MS + hours * HOUR_MS)
    next(messages)
    first_s = time.perf_counter() - began
    count = 1 + sum(1 for _ in messages)
    took_s = time.perf_counter() - began
    sending = sum(kind is not None and kind.sends for kind in map(fleet.archetype, fleet.devices()))
    return {
        "patients": patients,
        "sending": sending,
        "messages": count,
        "first_s": round(first_s, 2),
        "made_per_s": round(count / took_s),
        "times_real_time": round(hours * 3600 / took_s),
        "mib_more": round(peak_mib(resource.RUSAGE_SELF) - before, 1),
    }


def published(patients: int, hours: int) -> dict[str, float]:
    """Publish some hours as fast as it goes, each message with its receipt."""
    heard: Counter[str] = Counter()
    times: list[float] = []

    def receipt(client: Client, _: object, message: MQTTMessage) -> None:
        times.append(time.perf_counter())
        _, _, device, _ = message.topic.split("/")
        heard[device] += 1
        body = json.dumps({"v": 1, "ids": [json.loads(message.payload)["id"]]})
        client.publish(f"vwmon/{WARD}/{device}/receipts", body, qos=1)

    with tempfile.TemporaryDirectory(prefix="vwmon-bench-") as folder, broker(Path(folder)) as port:
        client = Client(CallbackAPIVersion.VERSION2, "ward", protocol=MQTTProtocolVersion.MQTTv5)
        client.on_message = receipt
        client.on_connect = lambda ward, *_: ward.subscribe(f"vwmon/{WARD}/+/readings", 1)
        client.connect("127.0.0.1", port)
        client.loop_start()
        command = [sys.executable, "-m", "vwmon", "simulate", "--home", "--ward", WARD, "--host", "127.0.0.1"]
        amount = ["--port", str(port), "--patients", str(patients), "--duration", f"{hours}h", "--speed", "1000000"]
        subprocess.run([*command, *amount], check=True, stdout=subprocess.DEVNULL)
        client.loop_stop()
    assert sum(heard.values()) > AT_ONCE, "too few messages to measure anything"
    return {
        "published": sum(heard.values()),
        "published_devices": len(heard),
        "published_per_s": round(len(times) / (times[-1] - times[0])),
        "simulate_mib": round(peak_mib(resource.RUSAGE_CHILDREN), 1),
    }


def peak_mib(whose: int) -> float:
    """Return the most memory that this process, or its largest child, ever had."""
    return resource.getrusage(whose).ru_maxrss / 1024


if __name__ == "__main__":
    main()
