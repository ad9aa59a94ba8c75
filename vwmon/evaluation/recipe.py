"""What a model is made of before it is fitted: the views by group, and the shape that each may take.

Here: the choice, which docs/evaluation.md gives the reasons for. Numbers come from the fit. Nothing here knows the
hour of the stay, the hospital, or how long the recording is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vwmon.durations import HOUR_MS
from vwmon.errors import UsageError
from vwmon.scoring.models import View

VITALS = ("heart_rate", "respiratory_rate", "spo2", "systolic_bp", "temperature")
FURTHER = ("diastolic_bp", "mean_bp", "glucose")
VALID_MS: Mapping[str, int] = {
    name: (8 if name in {"temperature", "gcs"} else 4) * HOUR_MS for name in (*VITALS, *FURTHER, "gcs")
}
SIX, DAY, THREE_DAYS, LONG = 6 * HOUR_MS, 24 * HOUR_MS, 72 * HOUR_MS, 48 * HOUR_MS
AGED = {"glucose": DAY, "fio2": DAY, "temperature": VALID_MS["temperature"]}
SPREAD = ("mean", "min", "max", "std", "slope")
POINTED = ("mean", "min", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """A view, and what it may be given.

    `bent`: bends in its line. `pointed`: a step at each band of the chart. `marked`: a number for being missing.
    """

    view: View
    bent: bool = False
    pointed: bool = False
    marked: bool = False


def _views(vitals: Sequence[str], statistics: Sequence[str], window_ms: int) -> list[View]:
    return [View(vital=name, statistic=one, window_ms=window_ms) for name in vitals for one in statistics]


def _levels(vitals: Sequence[str]) -> list[View]:
    return [View(vital=name, statistic="last", window_ms=VALID_MS[name]) for name in vitals]


def _shock() -> list[View]:
    shape = {"vital": "heart_rate", "per": "systolic_bp"}
    return [
        View(statistic="last", window_ms=VALID_MS["heart_rate"], **shape),
        View(statistic="mean", window_ms=DAY, **shape),
    ]


GROUPS: Mapping[str, tuple[Ingredient, ...]] = {
    "level": tuple(Ingredient(view=view, bent=True) for view in _levels(VITALS)),
    "day": tuple(Ingredient(view=view, bent=True) for view in _views(VITALS, SPREAD, DAY)),
    "points": tuple(Ingredient(view=view, pointed=True) for view in (*_levels(VITALS), *_views(VITALS, POINTED, DAY))),
    "shock": tuple(Ingredient(view=view, bent=True) for view in _shock()),
    "oxygen": tuple(
        Ingredient(view=view, marked=view.statistic == "last")
        for view in _views(("oxygen",), ("last", "mean", "max"), DAY)
    ),
    "pace": tuple(Ingredient(view=view) for view in _views((*VITALS, "glucose", "fio2"), ("pace",), SIX)),
    "deviation": tuple(Ingredient(view=view) for view in _views(VITALS, ("deviation",), THREE_DAYS)),
    "six-hours": tuple(Ingredient(view=view, bent=True) for view in _views(VITALS, SPREAD, SIX)),
    "weighted": tuple(Ingredient(view=view, bent=True) for view in _views(VITALS, ("ewma",), DAY)),
    "further": tuple(Ingredient(view=view, bent=True) for view in (*_levels(FURTHER), *_views(FURTHER, SPREAD, DAY))),
    "consciousness": tuple(
        Ingredient(view=view, bent=True) for view in (*_levels(("gcs",)), *_views(("gcs",), ("mean", "min"), DAY))
    ),
    "missing": tuple(Ingredient(view=view, marked=True) for view in _levels(VITALS)),
    "age": tuple(Ingredient(view=View(vital=name, statistic="age", window_ms=span)) for name, span in AGED.items()),
    "ages": tuple(Ingredient(view=view, bent=True) for view in _views((*VITALS, "glucose", "fio2"), ("age",), LONG)),
}
CHOSEN = ("level", "day", "points", "shock", "oxygen", "pace", "age", "missing")


def ingredients(groups: Sequence[str]) -> list[Ingredient]:
    """Give the views of some groups, each once with all that its groups allow it; UsageError for an unknown group."""
    return list(_merged(groups))


def _merged(groups: Sequence[str]) -> Iterator[Ingredient]:
    if unknown := [name for name in groups if name not in GROUPS]:
        raise UsageError(f"no group of features {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    by_view: dict[View, list[Ingredient]] = {}
    for name in groups:
        for one in GROUPS[name]:
            by_view.setdefault(one.view, []).append(one)
    for view, several in by_view.items():
        yield Ingredient(
            view=view,
            bent=any(one.bent for one in several),
            pointed=any(one.pointed for one in several),
            marked=any(one.marked for one in several),
        )
