"""What was found on recorded patients is found again, on a part of those that the shipped model has not seen.

The figures of docs/evaluation.md are of all of them; these bounds are wide enough for a fifth.
"""

import csv
import gzip
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from vwmon.evaluation import cohort
from vwmon.evaluation.tables import Recording, read

PART = 5


@pytest.fixture(scope="module")
def some(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The readings of one in five patients of the sepsis recording, as CSV."""
    path = tmp_path_factory.mktemp("sepsis") / "vitals.csv"
    chosen: dict[str, bool] = {}
    with gzip.open(recordings / "cinc2019_sepsis" / "vitals.csv.gz", "rt", encoding="utf-8") as lines:
        kept = [next(lines)]
        for line in lines:
            patient = line.partition(",")[0]
            if patient not in chosen:
                chosen[patient] = sha256(patient.encode()).digest()[0] % PART == 0
            if chosen[patient]:
                kept.append(line)
    path.write_text("".join(kept), encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_shipped_model_beats_news2_on_patients_it_has_not_seen(
    vwmon: Command, recordings: Path, some: Path
) -> None:
    """Within the same hour of stay and at an equal number of alerts, in both hospitals."""
    folder = recordings / "cinc2019_sepsis"
    ran = vwmon(
        "evaluate", "score", "sepsis-icu", some, "--outcomes", folder / "outcomes.csv.gz", "--event", "sepsis_onset",
        "--leave-out", "sepsis_onset_at_or_before", "--patients", folder / "patients.csv.gz", "--by", "hospital",
        "--half", "second", "--against", "news2", "--draws", "20", "--json",
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found["counts"]["patients_with_event"] > 80
    difference = found["differences"][0]
    assert difference["auroc_same_hour"]["value"] > 0.02
    assert difference["sensitivity_at_0.5"]["value"] > 0.02
    for group in found["groups"]:
        model, news2 = (one["auroc_same_hour"]["value"] for one in group["figures"])
        assert model > news2 - 0.02, group["group"]


@pytest.mark.slow
def test_the_clock_alone_looks_better_than_news2_and_is_nothing_within_the_hour(
    vwmon: Command, recordings: Path, some: Path
) -> None:
    """The trap of this recording: whoever forgets the hour of stay is fooled by it."""
    folder = recordings / "cinc2019_sepsis"
    ran = vwmon(
        "evaluate", "score", "clock", some, "--outcomes", folder / "outcomes.csv.gz", "--event", "sepsis_onset",
        "--leave-out", "sepsis_onset_at_or_before", "--against", "news2", "--draws", "2", "--json",
    )  # fmt: skip
    clock, news2 = json.loads(ran.stdout)["figures"]
    assert clock["auroc"]["value"] > news2["auroc"]["value"]
    assert clock["auroc_same_hour"]["value"] == 0.5
    assert news2["auroc_same_hour"]["value"] > 0.6


@pytest.fixture(scope="module")
def recording(some: Path) -> Recording:
    """The same readings as columns."""
    return read(some)


@pytest.mark.slow
def test_a_recording_is_read_whole(some: Path, recording: Recording) -> None:
    """Every row is a reading or was left out for a reason, and no patient is lost."""
    with some.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(recording.values) + sum(recording.left_out.values()) == len(rows)
    assert set(recording.patients) == {row["patient"] for row in rows}
    assert sum(recording.left_out.values()) < 1e-3 * len(rows)


@pytest.mark.slow
def test_the_halves_of_a_recording_are_alike(recording: Recording) -> None:
    """About as many patients in each."""
    assert abs(cohort.halves(recording.patients, 1).mean() - 0.5) < 0.03
