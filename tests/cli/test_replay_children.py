"""Children in recordings: scored with their own chart by the birthdays they had at each reading, or refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command

QUIET = {
    "respiratory_rate": "22",
    "spo2": "97",
    "oxygen": "0",
    "systolic_bp": "95",
    "heart_rate": "85",
    "respiratory_distress": "none",
    "capillary_refill": "1.5",
}


class Recording:
    """A recording that is written and replayed."""

    def __init__(self, vwmon: Command, folder: Path) -> None:
        """Begin with nothing."""
        self.vwmon, self.folder = vwmon, folder
        self.db = folder / "ward.db"

    def replays(self, *rows: dict[str, str]) -> tuple[int, str]:
        """Write a file of these rows and replay it; give the exit code and what was said."""
        file = self.folder / "recording.csv"
        names = dict.fromkeys(name for row in rows for name in row)
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(dict.fromkeys(("patient", "time", "vital", "value", "unit", *names))))
            writer.writeheader()
            writer.writerows(rows)
        done = self.vwmon("replay", file, "--db", self.db)
        return done.exit_code, " ".join((done.stdout + done.stderr).split())

    def page(self, patient: str) -> Any:  # noqa: ANN401 -- whatever the JSON holds
        """Give a patient's page."""
        return json.loads(self.vwmon("patients", "show", patient, "--db", self.db, "--json").stdout)


@pytest.fixture
def recording(vwmon: Command, tmp_path: Path) -> Recording:
    """An empty folder."""
    return Recording(vwmon, tmp_path)


def seen(patient: str, time: str, values: dict[str, str], **person: str) -> list[dict[str, str]]:
    """Write what was measured of somebody at a time."""
    return [
        {"patient": patient, "time": time, "vital": vital, "value": value, **person} for vital, value in values.items()
    ]


@pytest.mark.hazard("H28")
def test_a_child_is_scored_with_its_own_chart_and_an_adult_beside_it_with_theirs(recording: Recording) -> None:
    """By the date of birth; a pulse of 85 is one point of a child of four, and none of an adult."""
    adult = {name: value for name, value in QUIET.items() if name != "respiratory_distress"}
    code, said = recording.replays(
        *seen("kid", "2026-03-01T10:00:00Z", QUIET, born="2021-05-17"),
        *seen("mum", "2026-03-01T10:00:00Z", adult, born="1990-01-01"),
    )
    assert (code, "2 new patients" in said) == (0, True), said
    kid, mum = recording.page("kid"), recording.page("mum")
    assert (kid["chart"], kid["pathway"], kid["age_band"], kid["score"]["total_min"]) == ("pews", "children", "1-4y", 1)
    assert (kid["score"]["complete"], kid["born"]) == (True, "2021-05-17")
    assert (mum["chart"], mum["pathway"]) == ("news2", "general")


@pytest.mark.hazard("H28")
@pytest.mark.parametrize("column", ["born", "age"])
def test_a_birthday_in_the_recording_moves_the_child_to_the_next_table(recording: Recording, column: str) -> None:
    """The same pulse is one point on the eve of the fifth birthday, and none from then on."""
    before = {"born": "2021-03-02"} if column == "born" else {"age": "4"}
    after = {"born": "2021-03-02"} if column == "born" else {"age": "5"}
    code, said = recording.replays(
        *seen("kid", "2026-03-01T23:00:00Z", QUIET, **before), *seen("kid", "2026-03-02T01:00:00Z", QUIET, **after)
    )
    assert code == 0, said
    listed = recording.vwmon("alerts", "--db", recording.db, "--json")
    assert json.loads(listed.stdout) == []
    page = recording.page("kid")
    assert (page["age_band"], page["score"]["total_min"], page["score"]["total_max"]) == ("5-12y", 0, 0)
    first = Recording(recording.vwmon, recording.folder / "first")
    first.folder.mkdir()
    assert first.replays(*seen("kid", "2026-03-01T23:00:00Z", QUIET, **before))[0] == 0
    assert first.page("kid")["score"]["total_min"] == 1


@pytest.mark.hazard("H28")
def test_of_whom_nothing_says_how_old_they_are_is_refused_where_a_chart_would_be_guessed(recording: Recording) -> None:
    """Beside a child, or with what only a child's chart has; and nothing is written."""
    adult = {name: value for name, value in QUIET.items() if name != "respiratory_distress"}
    code, said = recording.replays(
        *seen("kid", "2026-03-01T10:00:00Z", QUIET, age="3"), *seen("who", "2026-03-01T10:00:00Z", adult, age="")
    )
    assert (code, "patient 'who': nothing says how old they are" in said) == (6, True), said
    code, said = recording.replays(*seen("who", "2026-03-01T10:00:00Z", QUIET))
    assert (code, "column born (YYYY-MM-DD) or age (completed years)" in said) == (6, True), said
    listed = recording.vwmon("patients", "--db", recording.db, "--json", "--all")
    assert json.loads(listed.stdout) == []
    assert recording.replays(*seen("who", "2026-03-01T10:00:00Z", adult))[0] == 0
    assert recording.page("who")["chart"] == "news2"


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({"born": "2021-03-02"}, {"born": "2020-03-02"}, "is born on 2020-03-02 and on 2021-03-02"),
        ({"age": "5"}, {"age": "4"}, "grows younger"),
        ({"born": "2027-03-02"}, {"born": "2027-03-02"}, "after the first reading"),
        ({"born": "May"}, {"born": "May"}, "is no date such as 2019-05-17"),
        ({"age": "five"}, {"age": "5"}, "is no number of years"),
        ({"age": "-1"}, {"age": "5"}, "is no number of years"),
    ],
)
def test_a_recording_that_contradicts_itself_about_an_age_is_refused(
    recording: Recording, first: dict[str, str], second: dict[str, str], why: str
) -> None:
    """In words, with whose it is."""
    rows = [*seen("kid", "2026-03-01T10:00:00Z", QUIET, **first), *seen("kid", "2026-03-02T10:00:00Z", QUIET, **second)]
    code, said = recording.replays(*rows)
    assert code != 0
    assert why in said
