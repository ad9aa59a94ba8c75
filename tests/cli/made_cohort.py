"""A made recording with outcomes: patients whose breathing and pulse rise before an event, and others' that do not."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HOUR = 3600
UNITS = {
    "respiratory_rate": "/min",
    "spo2": "%",
    "systolic_bp": "mm[Hg]",
    "heart_rate": "/min",
    "temperature": "Cel",
    "oxygen": "0/1",
}
USUAL = {"respiratory_rate": 16, "spo2": 96, "systolic_bp": 125, "heart_rate": 78, "temperature": 36.8, "oxygen": 0}
SPREAD = {"respiratory_rate": 2, "spo2": 1.2, "systolic_bp": 9, "heart_rate": 8, "temperature": 0.3, "oxygen": 0}
DRIFT = {"respiratory_rate": 7, "spo2": -3, "systolic_bp": -14, "heart_rate": 22, "temperature": 0.9, "oxygen": 0}
HORIZON = 12


@dataclass(frozen=True)
class Cohort:
    """The three files."""

    vitals: Path
    outcomes: Path
    patients: Path

    def options(self) -> list[str]:
        """Give what every command needs of them."""
        return [str(self.vitals), "--outcomes", str(self.outcomes), "--event", "collapse"]


def write(path: Path, header: str, rows: Iterable[Iterable[object]]) -> None:
    """Write a table as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


def make(folder: Path, patients: int = 60, seed: int = 3) -> Cohort:
    """Make a cohort: every third patient collapses at hour 20 to 35, after twelve hours of getting worse."""
    chance = np.random.default_rng(seed)
    readings, outcomes, people = [], [], []
    for number in range(patients):
        name, length = f"p{number:03}", int(chance.integers(30, 48))
        event = int(chance.integers(20, 30)) if number % 3 == 0 else None
        people.append((name, "AB"[number % 2], int(chance.integers(20, 90))))
        if event:
            outcomes.append((name, "collapse", event * HOUR, 1))
        if number == 1:
            outcomes.append((name, "collapse_before", 0, 1))
        for hour in range(1, length):
            worse = max(0.0, 1 - (event - hour) / HORIZON) if event else 0.0
            for vital, usual in USUAL.items():
                value = usual + chance.normal() * SPREAD[vital] + min(worse, 1) * DRIFT[vital]
                value = min(value, 100) if vital == "spo2" else value
                readings.append((name, hour * HOUR, vital, round(value, 1), UNITS[vital]))
    found = Cohort(vitals=folder / "vitals.csv", outcomes=folder / "outcomes.csv", patients=folder / "patients.csv")
    write(found.vitals, "patient,time,vital,value,unit", readings)
    write(found.outcomes, "patient,event,time,value", outcomes)
    write(found.patients, "patient,hospital,age", people)
    return found
