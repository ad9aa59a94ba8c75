"""`vwmon evaluate`: figures, files, leaks and errors, on a made recording with outcomes."""

import csv
import json
import math
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.made_cohort import Cohort, make, write
from tests.conftest import Command
from vwmon.cli.evaluation_rows import _cell
from vwmon.evaluation import learning
from vwmon.evaluation.judgement import Figure
from vwmon.scoring import models

DRAWS = ["--draws", "20"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Sixty patients, of whom twenty collapse."""
    return make(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def model(cohort: Cohort) -> Path:
    """A model fitted on the first half of them."""
    path = cohort.vitals.parent / "made.toml"
    fitted = Command()("evaluate", "fit", *cohort.options(), "--half", "first", "--thin", "2", "--out", path)
    assert fitted.exit_code == 0, fitted.output
    return path


def document(vwmon: Command, *arguments: object) -> dict[str, Any]:
    """Run `evaluate score` and read its JSON."""
    ran = vwmon("evaluate", "score", *arguments, *DRAWS, "--json")
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def changed(cohort: Cohort, folder: Path, change: Any) -> Cohort:  # noqa: ANN401 -- a function from rows to rows
    """Give the cohort with the rows of its readings changed."""
    with cohort.vitals.open(encoding="utf-8") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    write(folder / "vitals.csv", "patient,time,vital,value,unit", change(rows))
    return Cohort(vitals=folder / "vitals.csv", outcomes=cohort.outcomes, patients=cohort.patients)


def test_a_chart_is_held_against_what_came(vwmon: Command, cohort: Cohort) -> None:
    """Every figure with its interval around it, and nothing but numbers."""
    found = document(vwmon, "news2", *cohort.options())
    figures = found["figures"][0]
    for name in ("auroc", "auroc_same_hour", "average_precision", "sensitivity_at_0.5", "ppv_at_0.5"):
        assert 0 <= figures[name]["low"] <= figures[name]["value"] <= figures[name]["high"] <= 1, name
    assert figures["auroc"]["value"] > 0.8
    assert figures["alerts_per_day_at_0.5"]["value"] == pytest.approx(0.5)
    assert found["counts"]["patients_with_event"] == 20
    assert found["calibration"] == [None]


def test_the_result_names_files_versions_and_seed(vwmon: Command, cohort: Cohort) -> None:
    """So that whoever reads a figure can make it again."""
    found = document(vwmon, "news2", *cohort.options(), "--seed", "5")
    assert found["seed"] == 5
    assert found["files"]["recording"]["file"] == "vitals.csv"
    assert len(found["files"]["outcomes"]["sha256"]) == 64
    assert {"vwmon", "numpy", "scipy", "python"} <= found["versions"].keys()
    assert found["scores"][0] == {
        "id": "news2",
        "kind": "chart",
        "title": "National Early Warning Score 2",
        "version": "RCP 2017",
    }
    assert found["settings"]["horizon"] == "12h"


def test_the_same_seed_gives_the_same_document(vwmon: Command, cohort: Cohort) -> None:
    """And another seed other intervals, around the same values."""
    first, again, other = (document(vwmon, "news2", *cohort.options(), "--seed", seed) for seed in (1, 1, 2))
    assert first == again
    one, two = first["figures"][0]["auroc"], other["figures"][0]["auroc"]
    assert one["value"] == two["value"]
    assert one != two


def test_a_table_fits_a_terminal_of_eighty_columns(vwmon: Command, cohort: Cohort, model: Path) -> None:
    """With two scores, their difference, calibration and groups."""
    ran = vwmon(
        "evaluate", "score", model, *cohort.options(), "--against", "news2", *DRAWS,
        "--patients", cohort.patients, "--by", "hospital",
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    lines = ran.stdout.splitlines()
    figures = [line for line in lines if line.startswith(("AUROC", "same-hour", "sensitivity", "lead"))]
    assert len(figures) == 4
    assert max(map(len, lines)) <= 80
    assert "hospital A" in ran.stdout
    assert "Calibration of made" in ran.stdout
    assert "Research only" in ran.stdout


@pytest.mark.parametrize(
    ("figure", "sign", "digits", "text"),
    [
        ((0.715, 0.69, 0.74), "", 3, "0.715 [.690 .740]"),
        ((-0.066, -0.09, 0.04), "+", 3, "-0.066 [-.090 +.040]"),
        ((11.0, 10.0, 12.0), "", 1, "11.0 [10.0 12.0]"),
        ((1.0, 0.5, 20.5), "", 1, "1.0 [.5 20.5]"),
        ((0.5, math.nan, math.nan), "", 3, "0.500"),
        ((math.nan, math.nan, math.nan), "", 3, "-"),
    ],
)
def test_a_figure_is_written_short_and_right(
    figure: tuple[float, float, float], sign: str, digits: int, text: str
) -> None:
    """Without the zero in front of a fraction, and with every other."""
    value, low, high = figure
    assert _cell(Figure(value=value, low=low, high=high), sign, digits) == text


def test_any_chart_can_be_evaluated_by_name(vwmon: Command, cohort: Cohort) -> None:
    """Sums of points and ratios alike."""
    for name in ("news", "mews", "qsofa", "shock_index"):
        assert document(vwmon, name, *cohort.options())["figures"][0]["auroc"]["value"] > 0.6, name


def test_a_ratio_that_falls_can_be_turned_round(vwmon: Command, cohort: Cohort) -> None:
    """A low mean pressure is the bad one."""
    up, down = (
        document(vwmon, "shock_index", *cohort.options(), *option)["figures"][0]["auroc"]["value"]
        for option in ([], ["--lower-is-worse"])
    )
    assert up + down == pytest.approx(1, abs=1e-9)


def test_what_happens_after_the_event_changes_nothing(
    vwmon: Command, cohort: Cohort, model: Path, tmp_path: Path
) -> None:
    """Readings at and after the event can be anything, or not be there: no figure moves."""
    with cohort.outcomes.open(encoding="utf-8") as file:
        events = {row["patient"]: int(row["time"]) for row in csv.DictReader(file) if row["event"] == "collapse"}

    def before(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        return [row for row in rows if int(row[1]) < events.get(row[0], 10**9)]

    def wild(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        late = [
            (patient, str(at + hour * 3600), "heart_rate", "180", "/min")
            for patient, at in events.items()
            for hour in range(80)
        ]
        return before(rows) + late

    options = ["--against", "news2"]
    whole = document(vwmon, model, *cohort.options(), *options)
    for number, change in enumerate((before, wild)):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = document(vwmon, model, *changed(cohort, folder, change).options(), *options)
        assert found["figures"] == whole["figures"]


def test_patients_that_are_left_out_count_for_nothing(vwmon: Command, cohort: Cohort) -> None:
    """Their event has no known time."""
    whole = document(vwmon, "news2", *cohort.options())
    less = document(vwmon, "news2", *cohort.options(), "--leave-out", "collapse_before")
    assert less["counts"]["patients"] == whole["counts"]["patients"] - 1


def test_shuffled_outcomes_are_not_foreseen(vwmon: Command, tmp_path: Path) -> None:
    """A model fitted on events given to others finds nothing in the other half: no way round the readings is open."""
    big = make(tmp_path, patients=180, seed=12)
    with big.outcomes.open(encoding="utf-8") as file:
        times = [int(row["time"]) for row in csv.DictReader(file) if row["event"] == "collapse"]
    strangers = [f"p{number:03}" for number in range(180) if number % 3 == 1]
    write(
        tmp_path / "others.csv",
        "patient,event,time,value",
        [(name, "collapse", at, 1) for name, at in zip(strangers, times, strict=False)],
    )
    shuffled = Cohort(vitals=big.vitals, outcomes=tmp_path / "others.csv", patients=big.patients)
    path = tmp_path / "shuffled.toml"
    assert vwmon("evaluate", "fit", *shuffled.options(), "--half", "first", "--out", path).exit_code == 0
    found = document(vwmon, path, *shuffled.options(), "--half", "second")["figures"][0]["auroc_same_hour"]
    assert found["low"] < 0.5 < found["high"]
    assert found["value"] == pytest.approx(0.5, abs=0.15)


def test_a_fit_knows_nothing_of_hospital_or_of_the_length_of_the_recording(
    vwmon: Command, cohort: Cohort, model: Path, tmp_path: Path
) -> None:
    """Other columns of the patients, and records that end when their last moment is judged, give the same weights."""
    write(
        tmp_path / "patients.csv",
        "patient,hospital,age,end",
        [(f"p{number:03}", "BA"[number % 2], 99 - number, number) for number in range(60)],
    )
    path = tmp_path / "made.toml"
    options = [*cohort.options(), "--half", "first", "--thin", "2", "--patients", tmp_path / "patients.csv"]
    assert vwmon("evaluate", "fit", *options, "--out", path).exit_code == 0
    again, first = (models.parse(file.read_text(encoding="utf-8")) for file in (path, model))
    assert again.terms == first.terms
    assert again.intercept == first.intercept


def test_a_fit_does_not_depend_on_the_order_of_the_file(
    vwmon: Command, cohort: Cohort, model: Path, tmp_path: Path
) -> None:
    """To every digit that is written."""
    backwards = changed(cohort, tmp_path, lambda rows: rows[::-1])
    path = tmp_path / "made.toml"
    options = [*backwards.options(), "--half", "first", "--thin", "2"]
    assert vwmon("evaluate", "fit", *options, "--out", path).exit_code == 0
    again, first = (models.parse(file.read_text(encoding="utf-8")) for file in (path, model))
    assert again.terms == first.terms


def test_a_fitted_model_says_what_it_was_fitted_on(model: Path) -> None:
    """Files, numbers, features, seed and software; and that it is for research."""
    found = tomllib.loads(model.read_text(encoding="utf-8"))
    assert found["use"] == "research"
    assert "Research only" in found["caution"]
    fitted = found["fitted"]
    assert fitted["recording_file"] == "vitals.csv"
    assert len(fitted["recording_sha256"]) == 64
    assert fitted["patients"] < 60
    assert fitted["half"] == "first"
    assert (fitted["seed"], fitted["l2"], fitted["thin"]) == (1, 0.0015, 2)
    assert {"features", "moments", "moments_with_event", "vwmon", "numpy", "scipy"} <= fitted.keys()


@pytest.mark.parametrize(
    ("options", "flattered"),
    [
        (("--half", "second"), False),
        (("--half", "first"), True),
        ((), True),
        (("--half", "second", "--seed", "2"), True),
    ],
)
def test_figures_of_patients_that_a_model_was_fitted_on_are_said_to_flatter_it(
    vwmon: Command, cohort: Cohort, model: Path, options: tuple[str, ...], flattered: bool
) -> None:
    """Unless they are those of the other half, drawn with the same seed; charts have seen nobody."""
    asked = ("evaluate", "score", "news2", *cohort.options(), "--against", model, "--draws", "2", *options)
    found = json.loads(vwmon(*asked, "--json").stdout)
    assert found["fitted_on_these"] == [False, flattered]
    assert ("was fitted on this recording" in vwmon(*asked).stdout) is flattered


def test_a_model_predicts_probabilities_that_are_compared_with_what_came(
    vwmon: Command, cohort: Cohort, model: Path
) -> None:
    """On the half that it has not seen, in ten bins."""
    (found,) = document(vwmon, model, *cohort.options(), "--half", "second")["calibration"]
    assert sum(one["moments"] for one in found["bins"]) > 500
    predicted = [one["predicted"] for one in found["bins"]]
    assert predicted == sorted(predicted)
    assert found["bins"][-1]["observed"] > 5 * found["bins"][0]["observed"]
    assert 0.2 < found["slope"] < 3


def test_differences_are_paired_with_the_draws(vwmon: Command, cohort: Cohort) -> None:
    """A score held against itself differs by nothing, in no draw."""
    found = document(vwmon, "news2", *cohort.options(), "--against", "news2")
    assert found["differences"][0]["auroc"] == {"value": 0, "low": 0, "high": 0}


def test_figures_can_be_written_into_the_models_file(
    vwmon: Command, cohort: Cohort, model: Path, tmp_path: Path
) -> None:
    """Beside what it was fitted on; the weights stay as they are."""
    copy = tmp_path / "copy.toml"
    copy.write_bytes(model.read_bytes())
    document(vwmon, copy, *cohort.options(), "--half", "second", "--against", "news2", "--record")
    found, before = (models.parse(file.read_text(encoding="utf-8")) for file in (copy, model))
    assert found.terms == before.terms
    assert found.evaluated["half"] == "second"
    assert "auroc_same_hour_above_news2" in found.evaluated


def test_groups_are_judged_at_the_threshold_of_all(vwmon: Command, cohort: Cohort) -> None:
    """By words, and by quarters of a column of numbers."""
    options = [*cohort.options(), "--patients", cohort.patients, "--by", "hospital", "--by", "age"]
    found = document(vwmon, "news2", *options)["groups"]
    assert [one["group"] for one in found[:2]] == ["hospital A", "hospital B"]
    assert len(found) == 6
    assert sum(one["counts"]["patients"] for one in found[:2]) == 60
    loads = [one["figures"][0]["alerts_per_day_at_0.5"]["value"] for one in found[:2]]
    assert min(loads) < 0.5 < max(loads)


def test_conditions_choose_patients(vwmon: Command, cohort: Cohort) -> None:
    """Only those of whom they hold."""
    options = [*cohort.options(), "--patients", cohort.patients, "--where", "hospital=A"]
    assert document(vwmon, "news2", *options)["counts"]["patients"] == 30


def test_the_halves_share_no_patient_and_leave_none_out(vwmon: Command, cohort: Cohort) -> None:
    """Whatever is fitted on one is new to the other."""
    first, second = (
        document(vwmon, "news2", *cohort.options(), "--half", half)["counts"]["patients"]
        for half in ("first", "second")
    )
    assert first + second == 60
    assert min(first, second) > 15


def test_the_last_moment_of_each_patient_can_be_judged_alone(vwmon: Command, cohort: Cohort) -> None:
    """With any time to come, the question is who has the event at all."""
    counts = document(vwmon, "news2", *cohort.options(), "--last", "--horizon", "any")["counts"]
    assert counts["moments"] == counts["patients"] == 60
    assert counts["moments_with_event"] == 20


def test_of_one_moment_a_patient_no_alert_load_is_made(vwmon: Command, cohort: Cohort) -> None:
    """Alerts per patient-day would say nothing."""
    options = [*cohort.options(), "--patients", cohort.patients, "--by", "hospital", "--last", "--horizon", "any"]
    found = document(vwmon, "news2", *options)
    assert found["figures"][0].keys() == {"auroc", "auroc_same_hour", "average_precision", "thresholds"}
    ran = vwmon("evaluate", "score", "news2", *options, *DRAWS)
    assert (ran.exit_code, "hospital B" in ran.output) == (0, True)


def test_the_clock_can_be_held_against_any_score(vwmon: Command, cohort: Cohort) -> None:
    """Within the same hour it tells nothing."""
    found = document(vwmon, "clock", *cohort.options(), "--against", "news2")
    assert found["scores"][0]["kind"] == "clock"
    assert found["figures"][0]["auroc_same_hour"]["value"] == 0.5


def test_a_fit_that_may_see_the_clock_says_so(vwmon: Command, cohort: Cohort, tmp_path: Path) -> None:
    """In its file, so that nobody takes it for one that does not; and its weights are others."""
    found = []
    for name, option in (("seen", ["--clock"]), ("taken out", [])):
        path = tmp_path / "some.toml"
        ran = vwmon("evaluate", "fit", *cohort.options(), *option, "--features", "level", "--out", path)
        assert ran.exit_code == 0
        found.append(models.parse(path.read_text(encoding="utf-8")))
        assert found[-1].fitted["clock"] == name
    assert found[0].terms != found[1].terms


def test_plots_are_written(vwmon: Command, cohort: Cohort, model: Path, tmp_path: Path) -> None:
    """One for the alert load, one by hour of stay, one for calibration."""
    folder = tmp_path / "plots"
    options = [*cohort.options(), "--against", "news2", *DRAWS, "--plots", folder]
    assert vwmon("evaluate", "score", model, *options).exit_code == 0
    assert sorted(file.name for file in folder.iterdir()) == ["alert_load.png", "calibration.png", "hours.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in folder.iterdir())


def test_plots_without_matplotlib_name_the_extra(
    vwmon: Command, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the work is done, not after it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ran = vwmon("evaluate", "score", "news2", *cohort.options(), "--plots", tmp_path / "plots")
    assert ran.exit_code == 2
    assert "vwmon[plot]" in ran.output


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--event", "fall"], 2, "no outcome is 'fall'; there are collapse, collapse_before"),
        (["--leave-out", "fall"], 2, "no outcome is 'fall'"),
        (["--event", "collapse_before"], 2, "no collapse_before comes within the horizon"),
        (["--half", "third"], 2, "there is no half 'third'; it is first or second"),
        (["--where", "hospital=A"], 2, "needs --patients"),
        (["--by", "hospital"], 2, "--by needs --patients"),
        (["--every", "0s"], 2, "above nothing"),
        (["--horizon", "soon"], 2, "not a span of time"),
        (["--valid", "4h"], 2, "'4h' is not NAME=VALUE"),
        (["--valid", "oxygn=4h"], 2, "no vital of that name"),
        (["--record"], 2, "SCORE is none"),
        (["--against", "news3"], 3, "no chart or model 'news3'; there are"),
        (["--against", "nowhere.toml"], 3, "there is no file nowhere.toml"),
        (["--against", "pews"], 2, "pews has to be told"),
    ],
)
def test_what_cannot_be_meant_is_said(
    vwmon: Command, cohort: Cohort, options: list[str], code: int, words: str
) -> None:
    """In a sentence that names what and what to do."""
    ran = vwmon("evaluate", "score", "news2", *cohort.options(), *options)
    assert (ran.exit_code, words in ran.output) == (code, True), ran.output


def test_a_column_that_is_not_there_is_named_with_those_that_are(
    vwmon: Command, cohort: Cohort, tmp_path: Path
) -> None:
    """In the recording, the outcomes and the patients."""
    write(tmp_path / "bad.csv", "patient,when,vital", [("p001", 3600, "spo2")])
    ran = vwmon("evaluate", "score", "news2", tmp_path / "bad.csv", *cohort.options()[1:])
    assert (ran.exit_code, "no column time, value, unit" in ran.output) == (2, True)
    options = ["--outcomes", tmp_path / "bad.csv", "--event", "collapse"]
    ran = vwmon("evaluate", "score", "news2", cohort.vitals, *options)
    assert (ran.exit_code, "no column event, time" in ran.output) == (2, True)
    options = [*cohort.options(), "--patients", cohort.patients]
    ran = vwmon("evaluate", "score", "news2", *options, "--where", "ward=A")
    assert (ran.exit_code, "no column 'ward'; they have patient, hospital, age" in ran.output) == (2, True)
    ran = vwmon("evaluate", "score", "news2", *options, "--where", "hospital")
    assert (ran.exit_code, "write COLUMN=VALUE" in ran.output) == (2, True)


def test_a_fit_without_a_place_for_its_file_is_not_begun(
    vwmon: Command, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minutes of work would be lost at the end of it."""
    monkeypatch.setattr(learning, "learn", lambda *_: pytest.fail("the work was begun"))
    ran = vwmon("evaluate", "fit", *cohort.options(), "--out", tmp_path / "nowhere" / "made.toml")
    assert ran.exit_code == 2
    assert "there is no folder" in ran.stderr


def test_features_that_are_unknown_are_named_with_those_there_are(
    vwmon: Command, cohort: Cohort, tmp_path: Path
) -> None:
    """Nothing is written."""
    path = tmp_path / "x.toml"
    ran = vwmon("evaluate", "fit", *cohort.options(), "--features", "level,luck", "--out", path)
    assert (ran.exit_code, "no group of features luck; there are level" in ran.output) == (2, True)
    assert not path.exists()
