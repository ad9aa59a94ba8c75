"""Why an alert asked for someone: made again from the log, compared to the bit, and what would have kept it quiet.

Here: putting the account of a stay, its retelling, the comparison and the search together. The database is only read.
How it is shown is not known here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from alerts import store as cases
from alerts.evidence import WHOLE
from alerts.model import Alert, Event
from alerts.policy import BASE, Limit, Rule, RuleSet
from alerts.queries import utc
from vwmon import comparing, nearest, timeline
from vwmon.comparing import Compared, Difference
from vwmon.errors import UsageError, VwmonError
from vwmon.nearest import ASKING, Moment, Nearest
from vwmon.patients import prescriptions
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.places import places
from vwmon.patients.plans import FEEDS
from vwmon.patients.records import Expected, Plan, Stay
from vwmon.patients.schedules import OwnSchedule, Schedule
from vwmon.provenance import SYSTEM, Provenance
from vwmon.quantities import inputs
from vwmon.retelling import Retelling
from vwmon.scoring import charts, layouts, mixed
from vwmon.scoring.records import Chart
from vwmon.sources import Source, Sources, measured
from vwmon.store import account, limits, transfers
from vwmon.store.account import Account, Kept, Versions
from vwmon.store.readings import LogRow
from vwmon.store.scores import ScoreRow
from vwmon.store.sqlite import Connection
from vwmon.timeline import Message, Step, Written

SILENT = "silent"

Beginning = Callable[[], Retelling]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One part of the observation set: its points as bounds, the readings behind it, and what the plan expects of it.

    Of a part that is not `present`, `sources` holds the last reading that there was, if any. `age_ms` is as of the
    moment of the score.
    """

    part: str
    present: bool
    points_min: int
    points_max: int
    sources: Sequence[Source]
    age_ms: int | None
    expected: Expected | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """One part that was overdue: since when, and the last reading of it before."""

    part: str
    due_ms: int
    last_ms: int | None
    source: Source | None
    expected: Expected | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """One number that a rule asked for by name: what was said of it, and the readings that brought it."""

    quantity: str
    value: float
    sentence: str
    at_ms: int
    readings: Sequence[LogRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One time that an alert asked for someone, and whether all that is stored of it is as the log makes it.

    `event` is the `number`-th of `asked`. `measured`, `total` and `before` are for what a score raised, `awaited` for
    what silence raised, `faults` for the whole service. `nearest` is None where no reading's value raised it.
    `plan` is what the stay was asked then, `own` what of that was its own. `rules` are as they were in force, and
    `given` says by rule and field which limit a field was from. `learnt` are the
    numbers that were asked for by name. `watched`: a daemon was at work between the messages, as far as the history
    tells.
    """

    alert: Alert
    account: Account
    asked: Sequence[Event]
    number: int
    rules: Sequence[Rule]
    given: Mapping[str, Mapping[str, Limit]]
    plan: Plan | None
    own: Sequence[OwnSchedule]
    chart: Chart
    versions: Versions
    measured: Sequence[Measured]
    learnt: Sequence[Learnt]
    total: tuple[int, int] | None
    before: ScoreRow | None
    awaited: Sequence[Awaited]
    compared: Sequence[Compared]
    watched: bool
    nearest: Nearest | None

    @property
    def event(self) -> Event:
        """Give what is explained."""
        return self.asked[self.number - 1]

    @property
    def equal(self) -> bool:
        """Tell whether everything compared is the same to the bit."""
        return all(one.equal for one in self.compared)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """An account told again: the steps, what came of them, and how it compares."""

    steps: Sequence[Step]
    kept: Kept
    compared: Sequence[Compared]
    watched: bool

    @property
    def equal(self) -> bool:
        return all(one.equal for one in self.compared if one.item != "versions")


def explain(db: Connection, alert_id: str, versions: Provenance, number: int = 1) -> Explanation:
    """Explain the `number`-th time that an alert asked for someone.

    AlertUnknown when there is no such alert, UsageError when it did not ask so often, VwmonError when this version of
    vwmon has no such plan to tell the stay again with.
    """
    alert = cases.find(db, alert_id)
    whole = account.read(db, alert.stay_no)
    asked = [event for event in whole.kept.events_of(alert.alert_no) if event.kind in ASKING]
    if not 1 <= number <= len(asked):
        raise UsageError(f"{alert.id} asked for someone {len(asked)} times; name one of them")
    plan = _plan(whole, versions)
    named = versions.plan(plan.pathway if plan is not None else SYSTEM)
    charted = versions.charted(plan.pathway) if plan is not None else versions.chart
    now = Versions(versions.software, charted, named, versions.config_hash)
    if whole.recorded:
        versions = replace(versions, staffing=replace(versions.staffing, told=False))
    begun = partial(Retelling.begun, db, whole, versions)
    told = _told(begun, whole, versions.plans, alert, now)
    event = asked[number - 1]
    moment_ms = event.evidence.get("at_ms", event.at_ms)
    if plan is not None:
        plan = Schedule.of(plan, whole.schedules).at(moment_ms)
    step, then = _place(begun, whole, told, event)
    sources, up_to_seq = Sources(whole), _last_seq(whole, told, step, event)
    known = _known(whole, told, step, up_to_seq)
    whole = replace(whole, stay=_prescribed(whole, known))
    in_force = _in_force(whole, versions, event, known)
    scored = measured(event)
    behind = [one for found in sources.behind(event.evidence, up_to_seq).values() for one in found]
    return Explanation(
        alert=alert,
        account=whole,
        asked=asked,
        number=number,
        rules=_rules(event, in_force),
        given=in_force.given,
        plan=plan,
        own=[one for one in whole.schedules if one.in_force(moment_ms)],
        chart=charts.load(NEWS2 if whole.stay is None else whole.stay.chart),
        versions=now,
        learnt=_learnt(whole, event, up_to_seq),
        measured=_measured(whole, plan, sources, event, up_to_seq) if scored else (),
        total=(event.evidence["total_min"], event.evidence["total_max"]) if scored else None,
        before=_before(then, event) if scored else None,
        awaited=_awaited(plan, sources, event, up_to_seq),
        compared=[*told.compared, *_heard(db, event)],
        watched=told.watched,
        nearest=_nearest(begun, told, (event, step), behind, nearest.turns(in_force)) if scored else None,
    )


def _plan(whole: Account, versions: Provenance) -> Plan | None:
    if whole.stay is None:
        return None
    plan = versions.plans.get(whole.stay.pathway)
    if plan is None:
        raise VwmonError(
            f"this version of vwmon has no plan {whole.stay.pathway!a} {whole.stay.plan_version}: the stay cannot be "
            f"made again; explain it with the version that made it"
        )
    return plan


def _told(begun: Beginning, whole: Account, plans: Mapping[str, Plan], alert: Alert, now: Versions) -> _Told:
    """Tell the stay again: as with a daemon at work, and where that is not what happened, as without one."""

    def attempt(*, watched: bool) -> _Told:
        steps = timeline.steps(whole, plans, watched=watched)
        with begun() as again:
            kept, refused = again.tell(steps).kept(), again.refused
        done = [
            Difference(where=f"{e.kind} by {e.actor}", stored="done", recomputed=str(error)) for e, error in refused
        ]
        acts = Compared(item="acts", count=len(whole.acts), differences=tuple(done))
        compared = comparing.compare(whole, kept, alert.alert_no, now)
        return _Told(steps=steps, kept=kept, compared=[*compared, acts], watched=watched)

    if whole.recorded:
        return attempt(watched=False)
    told = attempt(watched=True)
    other = told if told.equal else attempt(watched=False)
    return other if other.equal else told


def _place(begun: Beginning, whole: Account, told: _Told, event: Event) -> tuple[int | None, Kept]:
    """Find the step that an event came in, and what was stored then; None, and what is stored now, if it did not."""
    if event not in told.kept.events:
        return None, whole.kept
    known_ms = event.evidence.get("received_ms", event.at_ms)
    start = next((i for i, step in enumerate(told.steps) if step.at_ms >= known_ms), len(told.steps))
    with begun() as again:
        again.tell(told.steps[:start])
        for i in range(start, len(told.steps)):
            kept = again.tell([told.steps[i]]).kept()
            if event in kept.events:
                return i, kept
    return None, whole.kept


def _last_seq(whole: Account, told: _Told, step: int | None, event: Event) -> int:
    """Give the number of the last reading that was known when an event came."""
    if step is None:
        known_ms = event.evidence.get("received_ms", event.at_ms)
        return max((row[0] for row in whole.rows if row[5] <= known_ms), default=0)
    return max((row[0] for one in told.steps[: step + 1] if isinstance(one, Message) for row in one.rows), default=0)


def _known(whole: Account, told: _Told, step: int | None, up_to_seq: int) -> frozenset[str]:
    """Name the lines of the journal that were known when an event came.

    One was known to what was scored after the place in the log at which it was acted on; to what such a line made by
    itself, as a change of whose readings they are does, those up to it were.
    """
    made = None if step is None else told.steps[step]
    noticed_ms = made.at_ms if isinstance(made, Written) else None
    return frozenset(
        line.what
        for line in whole.journal
        if line.cursor is not None
        and (
            line.cursor < up_to_seq or (noticed_ms is not None and max(line.noticed_ms or 0, line.at_ms) <= noticed_ms)
        )
    )


def _prescribed(whole: Account, known: frozenset[str]) -> Stay | None:
    """Give the stay with what was known to be prescribed."""
    if whole.stay is None:
        return None
    later = [one for one in whole.stay.prescriptions if prescriptions.line(one.prescription_no) in known]
    both = sorted([*whole.prescribed_with_the_admission, *later], key=lambda one: one.prescription_no)
    return replace(whole.stay, prescribed=prescriptions.written(both))


def _in_force(whole: Account, versions: Provenance, event: Event, known: frozenset[str]) -> RuleSet:
    """Give the rules as they were in force when what an event stood on was received, and as they were known then."""
    if whole.stay is None:
        return BASE
    known_ms = event.evidence.get("received_ms", event.at_ms)
    own = [
        one if limits.KEPT.end_line(one) in known else replace(one, ended_ms=None, ended_by=None)
        for one in whole.limits
        if limits.KEPT.line(one) in known
    ]
    began = replace(whole.stay, ward=places(whole.stay, whole.transfers)[0].ward)
    moved = [one for one in whole.transfers if transfers.line(one) in known]
    return versions.layers().course(began, own, moved).at(known_ms)


def _rules(event: Event, in_force: RuleSet) -> list[Rule]:
    """Name the rules that an event stood on, the highest level first."""
    evidence = event.evidence
    silence = ["overdue"] if evidence.get("overdue") else []
    names = [*evidence.get("rules", ()), *evidence.get("faults", ()), *evidence.get("kit", ()), *silence]
    return sorted((in_force.rules[name] for name in names if name in in_force.rules), key=lambda rule: -rule.level)


def _measured(whole: Account, plan: Plan | None, sources: Sources, event: Event, up_to_seq: int) -> list[Measured]:
    """Give every part of the score at the moment of an event, the missing ones with their last reading."""
    evidence, at_ms = event.evidence, event.evidence["at_ms"]
    values = np.array([[evidence["values"].get(part, np.nan) for part in sources.parts]])
    scale = np.array([whole.stay.scale_at(at_ms) if whole.stay is not None else 1], dtype=np.int8)
    band = layouts.band(whole.stay.ages_ms if whole.stay is not None else (), at_ms)
    score = mixed.score(values, scale, np.array([band]))
    behind = sources.behind(evidence, up_to_seq)
    found = []
    for column, part in enumerate(sources.parts):
        last = sources.last(part, at_ms, up_to_seq)
        present = part in evidence["values"]
        age_ms = evidence["ages_ms"].get(part) if present else None if last is None else at_ms - last.observed_ms
        found.append(
            Measured(
                part=part,
                present=present,
                points_min=int(score.points_min[0, column]),
                points_max=int(score.points_max[0, column]),
                sources=behind.get(part, []) if present else [] if last is None else [last],
                age_ms=age_ms,
                expected=None if plan is None else plan.vitals.get(part),
            )
        )
    return found


def _learnt(whole: Account, event: Event, up_to_seq: int) -> list[Learnt]:
    """Give the numbers by name that an event stood on, each with the readings of its moment that it rests on."""
    said = event.evidence.get("sentences", {})
    found = []
    for name, value in event.evidence.get("quantities", {}).items():
        chart = NEWS2 if whole.stay is None else whole.stay.chart
        rests_on, at_ms = inputs(name, chart), event.evidence["at_ms"]
        brought = [
            row
            for row in whole.rows
            if row[3] == at_ms
            and row[0] <= up_to_seq
            and FEEDS.get(whole.vitals[row[2]], whole.vitals[row[2]]) in rests_on
        ]
        found.append(Learnt(quantity=name, value=value, sentence=said.get(name, ""), at_ms=at_ms, readings=brought))
    return found


def _before(then: Kept, event: Event) -> ScoreRow | None:
    """Give the stored score before the moment of an event, as it was known then."""
    earlier = [row for row in then.scores if row.at_ms < event.evidence["at_ms"]]
    return max(earlier, key=lambda row: row.at_ms, default=None)


def _awaited(plan: Plan | None, sources: Sources, event: Event, up_to_seq: int) -> list[Awaited]:
    return [
        Awaited(
            part=part,
            due_ms=gap["due_ms"],
            last_ms=gap["last_ms"],
            source=None
            if gap["last_ms"] is None or part not in sources.parts
            else sources.last(part, gap["last_ms"], up_to_seq),
            expected=None if plan is None else plan.expected.get(part),
        )
        for part, gap in event.evidence.get("overdue", {}).items()
        if part in sources.parts or part.startswith(WHOLE) or (plan is not None and part in plan.beside)
    ]


def _heard(db: Connection, event: Event) -> list[Compared]:
    """Look through the log for what came while the whole service was said to be silent."""
    since_ms = event.evidence.get("faults", {}).get(SILENT)
    if since_ms is None:
        return []
    heard_ms = account.last_heard_ms(db, event.at_ms)
    silent = heard_ms is None or heard_ms <= since_ms
    heard = () if silent else (Difference(where="last received", stored=utc(since_ms), recomputed=utc(heard_ms)),)
    return [Compared(item="silence", count=1, differences=heard)]


def _nearest(
    begun: Beginning,
    told: _Told,
    at: tuple[Event, int | None],
    behind: list[Source],
    turning: Mapping[str, Sequence[float]],
) -> Nearest | None:
    """Search for the change; None where the event is not what the log makes, so that there is nothing to keep quiet."""
    asked, (event, step) = nearest.asks(told.kept), at
    if step is None or event not in asked:
        return None
    moment = Moment(event=event, before=asked[: asked.index(event)], step=step)
    with begun() as beginning:
        return nearest.find(beginning, told.steps, moment, behind, turning)
