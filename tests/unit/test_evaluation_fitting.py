"""Fitting a learned score: it finds what is there, is the same every time, and does not learn the clock."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from vwmon.errors import UsageError
from vwmon.evaluation.calibration import probability
from vwmon.evaluation.fitting import Examples, fit
from vwmon.evaluation.recipe import CHOSEN, GROUPS, Ingredient, ingredients
from vwmon.kernels.ragged import Floats
from vwmon.scoring.learned import contribution
from vwmon.scoring.models import Term, View

HOUR = 3_600_000
PULSE = View(vital="heart_rate", statistic="last", window_ms=4 * HOUR)
SPO2 = View(vital="spo2", statistic="last", window_ms=4 * HOUR)
PLAIN = [Ingredient(view=PULSE), Ingredient(view=SPO2)]
L2 = 1e-4


def examples(rows: int = 4000, *, missing: float = 0.0, seed: int = 1) -> Examples:
    """Make moments at which the event follows the pulse, and SpO2 has nothing to do with it."""
    chance = np.random.default_rng(seed)
    pulse, spo2 = chance.normal(80, 15, rows), chance.normal(96, 2, rows)
    positive = chance.random(rows) < probability(-2 + (pulse - 80) / 15)
    pulse[chance.random(rows) < missing] = np.nan
    return Examples(
        views={PULSE: pulse, SPO2: spo2},
        positive=positive,
        weights=np.ones(rows),
        hour=chance.integers(0, 5, rows),
    )


def predicted(terms: tuple[Term, ...], intercept: float, of: Examples) -> Floats:
    """Give the log-odds that fitted terms predict."""
    added: Floats = np.sum([contribution("news2", term, of.views[term.view])[0] for term in terms], axis=0)
    return added + intercept


def test_a_fit_finds_what_the_event_follows() -> None:
    """The slope that the moments were made with, and none where there is none."""
    (pulse, spo2), _ = fit(examples(20_000), PLAIN, "news2", L2)
    assert pulse.slope == pytest.approx(1.0, abs=0.1)
    assert abs(spo2.slope) < 0.1


def test_the_weights_are_where_no_small_step_makes_the_sum_less() -> None:
    """The penalised log loss, written out again, is flat there in every direction."""
    of = examples(600)
    terms, _ = fit(of, PLAIN, "news2", 0.01)
    columns = np.column_stack([(of.views[term.view] - term.shape.center) / term.shape.scale for term in terms])
    columns = columns - columns.mean(axis=0)
    hours = (of.hour[:, None] == np.arange(5)).astype(np.float64)

    def loss(at: Floats) -> float:
        odds = columns @ at[:2] + hours @ at[2:]
        return float(np.mean(np.logaddexp(0, odds) - of.positive * odds) + 0.01 * (at[:2] ** 2).sum() / 2)

    slopes = np.array([term.slope for term in terms])
    at = np.concatenate([slopes, np.zeros(5)])
    for _ in range(200):  # the hours' own intercepts, by plain descent
        at[2:] -= 5 * approx_fprime(at, loss, 1e-7)[2:]
    assert np.abs(approx_fprime(at, loss, 1e-6)[:2]).max() < 1e-3


def test_as_many_events_are_predicted_as_there_were() -> None:
    """The intercept is found once the hours' own are gone; what was fitted is what the terms say, missing or not."""
    of = examples(missing=0.4)
    shape = [Ingredient(view=PULSE, bent=True, pointed=True), Ingredient(view=SPO2, pointed=True)]
    found = predicted(*fit(of, shape, "news2", L2), of)
    assert probability(found).mean() == pytest.approx(of.positive.mean(), abs=1e-4)


def test_moments_that_stand_for_several_count_as_often() -> None:
    """A moment with weight 3 is as three such moments."""
    of = examples(900)
    weights = np.where(of.positive, 1.0, 3.0)
    thrice = np.repeat(np.arange(900), weights.astype(int))
    repeated = Examples(
        views={view: values[thrice] for view, values in of.views.items()},
        positive=of.positive[thrice],
        weights=np.ones(len(thrice)),
        hour=of.hour[thrice],
    )
    weighted, one_by_one = (
        {term.view: term.slope / term.shape.scale for term in fit(each, PLAIN, "news2", L2)[0]}
        for each in (replace(of, weights=weights), repeated)
    )
    assert weighted[PULSE] == pytest.approx(one_by_one[PULSE], rel=0.02)


def test_the_order_of_the_moments_changes_no_digit() -> None:
    """Of what is written."""
    of = examples(3000, missing=0.2)
    shape = [Ingredient(view=PULSE, bent=True, pointed=True, marked=True), Ingredient(view=SPO2, bent=True)]
    order = np.random.default_rng(2).permutation(3000)
    turned = Examples(
        views={view: values[order] for view, values in of.views.items()},
        positive=of.positive[order],
        weights=of.weights[order],
        hour=of.hour[order],
    )
    assert fit(of, shape, "news2", L2) == fit(turned, shape, "news2", L2)


def test_what_only_tells_the_hour_is_given_no_weight() -> None:
    """The event comes ever more often with the hours, and a view that counts them could foresee it. It must not."""
    chance = np.random.default_rng(4)
    hour = chance.integers(0, 40, 20_000)
    clock = hour + chance.normal(0, 1, 20_000)
    of = Examples(
        views={PULSE: clock},
        positive=chance.random(20_000) < probability(-4 + hour / 10),
        weights=np.ones(20_000),
        hour=hour,
    )
    ((term,), _) = fit(of, [Ingredient(view=PULSE)], "news2", L2)
    assert abs(term.slope) < 0.3
    blind = replace(of, hour=np.zeros(20_000, dtype=np.int64))
    ((seeing,), _) = fit(blind, [Ingredient(view=PULSE)], "news2", L2)
    assert seeing.slope > 0.9


def test_missing_has_a_number_only_where_it_may() -> None:
    """Elsewhere it adds what the average does, which is nothing."""
    of = examples(missing=0.3)
    marked = [Ingredient(view=PULSE, marked=True)]
    ((with_mark,), _), ((without,), _) = (fit(of, each, "news2", L2) for each in (marked, PLAIN[:1]))
    assert without.missing == 0
    assert with_mark.missing != 0
    known = ~np.isnan(of.views[PULSE])
    added, _ = contribution("news2", without, of.views[PULSE])
    assert added[known].mean() == pytest.approx(0, abs=1e-3)


def test_the_bounds_of_a_term_hold_what_nearly_every_moment_adds() -> None:
    """From the hundredth to the ninety-ninth of a hundred."""
    of = examples()
    ((term,), _) = fit(of, PLAIN[:1], "news2", L2)
    added, _ = contribution("news2", term, of.views[PULSE])
    inside = (added >= term.low) & (added <= term.high)
    assert inside.mean() == pytest.approx(0.98, abs=0.005)


def test_a_view_that_is_hardly_ever_there_is_left_out() -> None:
    """Also one that never changes."""
    of = examples()
    rare = np.where(np.arange(4000) < 10, of.views[SPO2], np.nan)
    for useless in (rare, np.full(4000, 96.0)):
        terms, _ = fit(replace(of, views={**of.views, SPO2: useless}), PLAIN, "news2", L2)
        assert [term.view for term in terms] == [PULSE]


@pytest.mark.parametrize("came", [True, False])
def test_there_is_nothing_to_learn_when_all_moments_are_alike(came: bool) -> None:
    """It says so."""
    with pytest.raises(UsageError, match="nothing to learn"):
        fit(replace(examples(), positive=np.full(4000, came)), PLAIN, "news2", L2)


def test_there_is_nothing_to_learn_from_without_a_view() -> None:
    """Of a recording that has none of the vitals."""
    nothing = {PULSE: np.full(4000, np.nan), SPO2: np.full(4000, np.nan)}
    with pytest.raises(UsageError, match="none of the features"):
        fit(replace(examples(), views=nothing), PLAIN, "news2", L2)


def test_a_view_of_two_groups_is_one_with_what_both_allow_it() -> None:
    """A level with bends and with steps is one term."""
    merged = {one.view: one for one in ingredients(["level", "points", "missing"])}
    assert merged[PULSE] == Ingredient(view=PULSE, bent=True, pointed=True, marked=True)
    assert len(ingredients(CHOSEN)) == len({one.view for one in ingredients(CHOSEN)})


def test_no_feature_is_a_count_or_looks_past_three_days() -> None:
    """Both would grow with the stay."""
    views = [one.view for several in GROUPS.values() for one in several]
    assert {view.statistic for view in views}.isdisjoint({"count", "coverage"})
    assert max(view.window_ms for view in views) == 72 * HOUR
