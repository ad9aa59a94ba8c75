"""How far behind readings arrive, and by which message a moment had passed: what silence is judged by.

Arrays of one ward, or of the messages of one stay; what follows from silence is not decided here.
"""

import numpy as np

from vwmon.kernels.ragged import Bools, Ints
from vwmon.scoring.charts import PARTS
from vwmon.ward import PlanTable, Ward
from vwmon.windows import NEVER


def of_stays(ward: Ward, heard_ms: Ints, registered_ms: Ints, now_ms: int) -> Ints:
    """Give how far behind the readings of each stay (n,) come, its admission where none did.

    One that arrived after now came while the clock was wrong, and says nothing of how late readings are.
    """
    came = ward.frontier_ms > NEVER
    reached_ms = np.where(came, ward.frontier_ms, ward.plans.admitted_ms)
    arrived_ms = np.where(came, heard_ms, registered_ms)
    return np.where(came & (arrived_ms > now_ms), 0, arrived_ms - reached_ms)


def of_plans(plans: PlanTable, plan: Ints, part: Ints, lag_ms: Ints) -> Ints:
    """Give how far behind now it is for parts under plans, (q,) each: as far as the readings come, or not at all.

    Readings that arrive later than the plan waits for them are a recording being published, or a spool being emptied:
    they are judged by their own time, and silence counts from the last arrival. `lag_ms` (n,) is how far they come
    behind of each stay.
    """
    of_plan = lag_ms[plans.stay_of(plan)]
    return np.where(of_plan > plans.overdue_ms[plan, part], of_plan, 0)


def of_messages(number: Ints, observed_ms: Ints, received_ms: Ints, admitted_ms: int) -> Ints:
    """Give how far the readings came behind before each message: from the arrival of those that reach furthest."""
    reached_ms = latest_before(number, observed_ms, len(received_ms) + 1, admitted_ms)
    furthest = np.zeros(len(received_ms), dtype=bool)
    furthest[number[observed_ms == reached_ms[number + 1]]] = True
    heard_ms = np.maximum.accumulate(np.where(furthest, received_ms, NEVER))
    behind_ms: Ints = np.maximum(np.append(received_ms[:1], heard_ms[:-1]) - reached_ms[:-1], 0)
    return behind_ms


def due(plan: PlanTable, number: int, column: int, last_ms: Ints) -> Ints:
    """Give when a part of the one stay falls due under one of its plans, after it came last at each of some times."""
    every = np.repeat(last_ms[:, None], len(PARTS), axis=1)
    due_ms: Ints = plan.due_ms(np.full(len(last_ms), number), every)[:, column]
    return due_ms


def latest_before(number: Ints, observed_ms: Ints, messages_: int, admitted_ms: int) -> Ints:
    """Give the latest time observed before each message, the admission where there was none."""
    latest = np.full(messages_ + 1, NEVER, dtype=np.int64)
    np.maximum.at(latest, number + 1, observed_ms)
    reached: Ints = np.maximum.accumulate(latest)[:-1]
    return np.where(reached == NEVER, admitted_ms, reached)


def passed(moment_ms: Ints, received_ms: Ints) -> Bools:
    """Mark the messages by which a moment had passed that had not by the message before."""
    earlier_ms = np.append(NEVER, np.maximum.accumulate(received_ms)[:-1])
    found: Bools = (moment_ms < received_ms) & (moment_ms >= earlier_ms)
    return found
