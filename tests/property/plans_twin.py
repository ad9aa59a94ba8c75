"""What a stay is asked in the course of time, looked at half a minute after half a minute: the twin of the columns."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from vwmon.scoring.charts import PARTS
from vwmon.ward import PlanTable
from vwmon.windows import NEVER

MINUTE = 60_000


def plan_at(plans: PlanTable, stay: int, at_ms: float) -> int:
    """Give the plan of a stay at a moment: the last of its own that has begun, else its first."""
    begun = [
        len(plans) + number
        for number, (row, from_ms) in enumerate(zip(plans.later_stay.tolist(), plans.later_ms.tolist(), strict=True))
        if row == stay and from_ms <= at_ms
    ]
    return max(begun, default=stay)


def asked_since(plans: PlanTable, stay: int, part: int, at_ms: float) -> int:
    """Give since when a part has been asked without a break, NEVER: from the beginning."""
    since, asked = NEVER, bool(plans.expected[stay, part])
    for number, (row, from_ms) in enumerate(zip(plans.later_stay.tolist(), plans.later_ms.tolist(), strict=True)):
        if row == stay and from_ms <= at_ms:
            now = bool(plans.expected[len(plans) + number, part])
            since, asked = (from_ms if now and not asked else since), now
    return since


def due_ms(plans: PlanTable, stay: int, part: int, last_ms: int | None, at_ms: int) -> int:
    """Give since when a part has been overdue at a moment without a break; that moment or later where it is not."""

    def late(t: float) -> bool:
        plan = plan_at(plans, stay, t)
        base = int(plans.admitted_ms[stay]) if last_ms is None else last_ms
        base = max(base, asked_since(plans, stay, part, t))
        return bool(plans.expected[plan, part]) and t >= base + int(plans.overdue_ms[plan, part])

    due = at_ms
    while late(at_ms) and late(due - MINUTE / 2):
        due -= MINUTE
    return due


@st.composite
def changing(draw: st.DrawFn, tables: st.SearchStrategy[PlanTable], start_ms: int) -> PlanTable:
    """Draw plans some of whose stays are asked otherwise from some minute on, up to three times."""
    plans = draw(tables)
    moments = st.lists(st.integers(0, 14), max_size=3, unique=True).map(sorted)
    later = [(stay, start_ms + minute * MINUTE) for stay in range(len(plans)) for minute in draw(moments)]

    def grid(elements: st.SearchStrategy[Any]) -> Any:  # noqa: ANN401 -- an array of what is drawn
        count = len(later) * len(PARTS)
        drawn = draw(st.lists(elements, min_size=count, max_size=count))
        return np.array(drawn).reshape(len(later), len(PARTS))

    found = replace(
        plans,
        expected=np.concatenate([plans.expected, grid(st.booleans()).astype(bool)]),
        valid_ms=np.concatenate([plans.valid_ms, grid(st.integers(0, 8)).astype(np.int64) * MINUTE]),
        overdue_ms=np.concatenate([plans.overdue_ms, grid(st.integers(0, 8)).astype(np.int64) * MINUTE]),
        later_stay=np.array([stay for stay, _ in later], dtype=np.int64),
        later_ms=np.array([from_ms for _, from_ms in later], dtype=np.int64),
    )
    asked = [[asked_since(found, stay, part, from_ms) for part in range(len(PARTS))] for stay, from_ms in later]
    return replace(found, asked_ms=np.array(asked, dtype=np.int64).reshape(len(later), len(PARTS)))
