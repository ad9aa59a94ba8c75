"""Learned scores as data: what a file must say, what it may not, and that it comes back as it was written."""

from dataclasses import replace

import pytest

from vwmon.errors import ChartError, NotFoundError
from vwmon.scoring import models
from vwmon.scoring.models import Model, Shape, Term, View

HOUR = 3_600_000
PULSE = View(vital="heart_rate", statistic="last", window_ms=4 * HOUR)
SHOCK = View(vital="heart_rate", per="systolic_bp", statistic="mean", window_ms=24 * HOUR)


def term(view: View = PULSE, **changed: object) -> Term:
    """Make a term."""
    shape = Shape(view=view, reach=(40.0, 180.0), center=80.0, scale=15.0, knots=(60.0, 100.0))
    made = Term(shape=shape, slope=0.5, bends=(-0.25, 1.5), points=0.125, shift=-0.1, missing=0.3, low=-1.0, high=2.5)
    shaped = {name: changed.pop(name) for name in ("reach", "center", "scale", "knots") if name in changed}
    return replace(made, shape=replace(shape, **shaped), **changed)  # type: ignore[arg-type]


def model(*terms: Term, **changed: object) -> Model:
    """Make a model of some terms."""
    made = Model(
        id="made",
        title='A "made" one',
        version="1",
        caution="Research only.",
        chart="news2",
        intercept=-3.2500417,
        needs=("heart_rate", "spo2"),
        least=1,
        valid_ms={"heart_rate": 4 * HOUR, "spo2": 4 * HOUR},
        terms=terms or (term(), term(SHOCK)),
        fitted={"recording_file": "vitals.csv", "patients": 12, "l2": 0.0015},
        evaluated={"auroc": "0.7 (0.6 to 0.8)"},
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def text(**changed: object) -> str:
    """Write a model."""
    return models.dump(model(**changed))


def test_a_model_comes_back_as_it_was_written() -> None:
    """Every number to the bit, every word, with quotes and what no one should put into a title."""
    written = model(caution='Research\tonly: "\\", \x07, \x7f,\nand \u00e9.')
    read = models.parse(models.dump(written))
    for name in ("id", "title", "version", "caution", "chart", "intercept", "needs", "least", "terms"):
        assert getattr(read, name) == getattr(written, name), name
    assert dict(read.valid_ms) == written.valid_ms
    assert dict(read.fitted) == written.fitted
    assert dict(read.evaluated) == written.evaluated


def test_a_model_knows_the_levels_it_needs() -> None:
    """The latest value of each, for as long as it is valid."""
    assert model().levels[0] == PULSE
    assert [view.vital for view in model().levels] == ["heart_rate", "spo2"]


def test_a_view_can_be_said_in_words() -> None:
    """For errors and explanations."""
    assert str(PULSE) == "last of heart_rate over 4h"
    assert str(SHOCK) == "mean of heart_rate per systolic_bp over 1d"


@pytest.mark.hazard("H30")
@pytest.mark.parametrize("use", ['"care"', '""', "true"])
def test_no_file_can_say_that_a_model_is_for_care(use: str) -> None:
    """A learned score is for research until much more has been done than fitting it."""
    with pytest.raises(ChartError, match="only 'research' is allowed"):
        models.parse(text().replace('use = "research"', f"use = {use}"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"title": " "}, "no title"),
        ({"caution": ""}, "no caution"),
        ({"least": 0}, "least is 0 of 2 needs"),
        ({"least": 3}, "least is 3 of 2 needs"),
        ({"needs": ("heart_rate", "temperature")}, "temperature has no valid_for"),
        ({"terms": (term(), term())}, "last of heart_rate over 4h is there twice"),
        ({"terms": (term(scale=0.0),)}, "its scale is not above 0"),
        ({"terms": (term(reach=(9.0, 1.0)),)}, "its reach ends before it begins"),
        ({"terms": (term(knots=(100.0, 60.0)),)}, "its knots do not ascend"),
        ({"terms": (term(bends=(1.0,)),)}, "not as many as its bends"),
        ({"terms": (term(low=3.0),)}, "its low is above its high"),
        ({"terms": (term(View(vital="spo2", statistic="last", window_ms=0)),)}, "its window is empty"),
        ({"terms": (term(View(vital="spo2", statistic="mode", window_ms=HOUR)),)}, "no such statistic"),
    ],
)
def test_what_contradicts_itself_is_refused(changed: dict[str, object], words: str) -> None:
    """With the name of the term and what is wrong with it."""
    with pytest.raises(ChartError, match=words):
        models.parse(text(**changed))


@pytest.mark.parametrize(
    ("was", "is_", "words"),
    [
        ("slope = 0.5", "slope = nan", "a number is not finite"),
        ("slope = 0.5", 'slope = "much"', "cannot be read"),
        ("slope = 0.5", "slope =", "is not TOML"),
        ("slope = 0.5\n", "", "says nothing of 'slope'"),
        ('window = "4h"', 'window = "a while"', "is not a span of time"),
    ],
)
def test_what_cannot_be_read_is_refused(was: str, is_: str, words: str) -> None:
    """As a ChartError, whatever was wrong."""
    with pytest.raises(ChartError, match=words):
        models.parse(text().replace(was, is_, 1))


def test_every_fault_is_told_at_once() -> None:
    """Not one after the other."""
    with pytest.raises(ChartError, match=r"no version; least is 0 .*; the last of heart_rate over 4h is there twice"):
        models.parse(text(version="", least=0, terms=(term(), term())))


def test_a_model_without_terms_is_refused() -> None:
    """It would give everybody the same chance."""
    with pytest.raises(ChartError, match="no terms"):
        models.parse("terms = []\n" + text(terms=()))


def test_an_unknown_model_is_not_found_and_those_there_are_named() -> None:
    """As for charts."""
    with pytest.raises(NotFoundError, match=f"no model 'oracle'; the models are {', '.join(models.names())}"):
        models.load("oracle")


@pytest.mark.hazard("H30")
@pytest.mark.parametrize("name", models.names())
def test_every_model_of_the_package_says_what_it_is_and_what_it_was_fitted_on(name: str) -> None:
    """Research, on which file by its SHA-256, how many patients, and how it did on others."""
    shipped = models.load(name)
    assert shipped.id == name
    assert shipped.caution.startswith("Research only")
    assert len(str(shipped.fitted["recording_sha256"])) == 64
    assert {"patients", "moments", "features", "seed", "l2", "vwmon", "scipy"} <= shipped.fitted.keys()
    assert "auroc_same_hour" in shipped.evaluated


@pytest.mark.parametrize("name", models.names())
def test_no_model_of_the_package_looks_at_the_hour_or_the_length_of_a_stay(name: str) -> None:
    """Neither at counts of readings, which grow with the stay, nor further back than three days; and it says so."""
    shipped = models.load(name)
    statistics = {term.view.statistic for term in shipped.terms}
    assert statistics <= {"last", "age", "mean", "min", "max", "std", "slope", "pace", "deviation"}
    assert max(term.view.window_ms for term in shipped.terms) <= 72 * HOUR
    assert shipped.fitted["clock"] == "taken out"
