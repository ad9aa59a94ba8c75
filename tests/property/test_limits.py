"""Any limits at all: the rules that come of them against a twin that asks field by field, and no order of entry counts.

The twin shares no code with vwmon.patients.limits or alerts.layers.
"""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import BASE, RULES, Layer, Limit
from vwmon.patients import limits
from vwmon.patients.limits import Course

T0 = 1_795_000_000_000
NAMES = ("news2_5", "news2_7", "news2_could_be_5")
ORDER = {layer: number for number, layer in enumerate(("ward", "pathway", "prescription", "stay"))}
SPAN_MS = {"5m": 300_000, "20m": 1_200_000, "2h": 7_200_000}

pairs = st.integers(1, 19).flatmap(lambda on: st.integers(0, on).map(lambda off: {"limit_on": on, "limit_off": off}))
confirmed = st.sampled_from(["spot", "continuous"]).flatmap(
    lambda cadence: st.sampled_from(list(SPAN_MS)).map(lambda span: {"cadence": cadence, "on_delay": span})
)
further = st.fixed_dictionaries(
    {}, optional={"off_delay": st.sampled_from(list(SPAN_MS)), "late": st.booleans(), "level": st.just(3)}
)
changes = st.tuples(
    st.one_of(st.just({}), pairs), st.one_of(st.just({}), st.just({"cadence": "at_once"}), confirmed), further
).map(lambda several: {name: value for one in several for name, value in one.items()})


@st.composite
def limited(draw: st.DrawFn) -> Limit:
    """One limit of any layer, that may be over or still to come at T0."""
    begun = draw(st.integers(-5, 5))
    lasts = draw(st.one_of(st.none(), st.integers(1, 6)))
    return Limit(
        rule=draw(st.sampled_from(NAMES)),
        layer=draw(st.sampled_from(list(Layer))),
        subject="s",
        changes=draw(changes.filter(bool)),
        author=draw(st.sampled_from(["ann", "ben"])),
        reason="a reason",
        from_ms=T0 + begun,
        to_ms=None if lasts is None else T0 + begun + lasts,
    )


def twin(several: list[Limit], rule: str, at_ms: int) -> dict[str, Any]:
    """Say by hand what the fields of a rule are at a moment that some limit gives."""
    found: dict[str, tuple[tuple[int, int], Any]] = {}
    for one in several:
        over = one.to_ms is not None and at_ms >= one.to_ms
        if one.rule != rule or one.from_ms > at_ms or over:
            continue
        for field, value in one.changes.items():
            rank = (ORDER[one.layer], one.from_ms)
            if field not in found or rank >= found[field][0]:
                found[field] = (rank, value)
    return {field: value for field, (_, value) in found.items()}


def unlike(several: list[Limit]) -> bool:
    """Tell whether no two are of one layer, rule and start: the twin has no order for those."""
    keys = [(one.layer, one.rule, one.from_ms) for one in several]
    return len(set(keys)) == len(keys)


@pytest.mark.hazard("H32")
@given(st.lists(limited(), max_size=8), st.integers(-7, 13))
def test_every_limit_that_may_be_set_makes_rules_with_every_other(several: list[Limit], offset: int) -> None:
    """What was let in once never stops a daemon, whatever the other layers say."""
    assert [fault for one in several for fault in limits.faults(one)] == []
    assert Course.of(several).at(T0 + offset).rules.keys() == RULES.keys()


@pytest.mark.hazard("H32")
@given(st.lists(limited(), max_size=8).filter(unlike), st.integers(-7, 13))
def test_the_narrowest_wins_field_by_field_and_only_what_is_in_force_counts(several: list[Limit], offset: int) -> None:
    """A limit that is over or still to come counts for nothing; a field that none gives is the table's."""
    rules = Course.of(several).at(T0 + offset).rules
    for name in NAMES:
        said = twin(several, name, T0 + offset)
        for field in ("limit_on", "limit_off", "late", "level", "cadence"):
            assert getattr(rules[name], field) == said.get(field, getattr(BASE.rules[name], field))
        for field in ("on_delay", "off_delay"):
            usual = getattr(BASE.rules[name], f"{field}_ms")
            assert getattr(rules[name], f"{field}_ms") == SPAN_MS.get(said.get(field, ""), usual)


@given(st.lists(limited(), max_size=8), st.randoms(use_true_random=False), st.integers(-7, 13))
def test_the_order_of_entry_changes_nothing(several: list[Limit], chance: random.Random, offset: int) -> None:
    """Also of two that begin at one moment in one layer."""
    shuffled = chance.sample(several, len(several))
    one, other = Course.of(several).at(T0 + offset), Course.of(shuffled).at(T0 + offset)
    assert one.rules == other.rules
    assert one.given == other.given


@given(st.lists(limited(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_nor_does_it_where_all_of_them_begin_together(several: list[Limit], chance: random.Random) -> None:
    """Of limits of one layer, rule and start there is one order, whoever wrote which first."""
    together = [replace(one, rule="news2_5", layer=Layer.WARD, from_ms=T0, to_ms=None) for one in several]
    one, other = (Course.of(chance.sample(together, len(together))).at(T0) for _ in range(2))
    assert (one.rules, one.given) == (other.rules, other.given)


@given(st.lists(limited(), max_size=8))
def test_what_a_course_says_of_all_its_time_is_the_least_of_any_of_it(several: list[Limit]) -> None:
    """A score that fails its lowest cannot matter at any moment."""
    course = Course.of(several)
    lowest = [course.at(T0 + offset).lowest for offset in range(-7, 14)]
    assert course.lowest == min(lowest)
