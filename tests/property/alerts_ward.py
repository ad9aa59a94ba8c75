"""A small ward for the machine of alerts: stays, the service and two people, moved by random steps in one database.

It does what the daemon and the commands do, in their order and their transactions. What must then hold is said in
tests.property.alerts_invariants, from what was put in here.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import starmap
from typing import Any

from alerts import deadlines, faults, handovers, lifecycle, pauses, schema, store
from alerts.acts import Act
from alerts.errors import AlertError
from alerts.faults import Finding
from alerts.model import SYSTEM_STAY, Alert, Case, Event, Lane, Outcome, Rows, State
from alerts.over_time import OverTime
from alerts.policy import POLICY, TERMS, Terms
from alerts.rows import EVENT_COLUMNS, event_of
from alerts.store import Acted
from tests.unit.alerts_points import AT_ONCE, HOUR, LAG, MINUTE, PARTS, Point, limit, terms
from vwmon.holds import Holds
from vwmon.store.sqlite import Connection, module

BEGIN_MS = 1_795_000_000_000
PLAN = PARTS[:5] + PARTS[6:]  # consciousness is not asked for
SATURATIONS = (97.0, 92.0, 91.0, 79.0)
# The rules as they are; every breach at once; and a plan with runs of single vitals, and of the score itself.
LOOSE = terms(
    limit("spo2_92", enabled=True, on_delay="15m"),
    limit("spo2_80", enabled=True),
    limit("news2_5", cadence="continuous", on_delay="20m"),
    limit("news2_red", level=1),
)
PLANS = (TERMS, AT_ONCE, LOOSE)
WHO = ("ahmed", "lowe")
SERVICE = ("broker", "silent", "lag", "disk", "notifier", "quarantine")
KIT = (("battery_low", "oxi"), ("device_disconnected", "oxi"), ("frozen", "oxi heart_rate"), ("clock_skew", "cuff"))
LANES = (Lane.CLINICAL, Lane.CLINICAL, Lane.CLINICAL, Lane.TECHNICAL)
SPANS = (*(0.2, 0.5, 0.5, 1, 2, 3, 3, 5, 5, 6, 8, 10, 10, 16, 16, 31) * 2, 45, 70, 300)
SPANS_OF_PEOPLE = (0.1, 0.5, 1, 2, 5, 16)
DAY_MS = 24 * HOUR
# Points of a part, or None for one that is missing; most patients are well most of the time.
WELL: tuple[int | None, ...] = (0,)
FARES: tuple[tuple[int | None, ...], ...] = (
    WELL,
    (0, 0, 0, 0, 0, 0, 0, None),
    (0, 0, 1),
    (0, 1, 1),
    (0, 1, 2),
    (0, 0, 1, 3),
    (1, 2, 2),
    (0, 0, 0, 1, 2, 3, None),
)
TABLES = ("alert", "condition", "alert_event", "notification", "request", "handover", "handover_item")
_EVENTS = f"select {', '.join(EVENT_COLUMNS)} from alert_event where event_no > ? order by event_no"  # noqa: S608


class Crashed(Exception):  # noqa: N818 -- it is no error of the product
    """The program died, by our hand, at one statement."""


class Mortal:
    """A connection that dies at its so many-th statement that writes, before it or half through its rows."""

    def __init__(self, db: Connection, lives: int) -> None:
        """Live for so many statements that write."""
        self._db, self._lives = db, lives

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Pass a statement on, unless it is the last."""
        self._age(sql)
        return self._db.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Pass a statement on, or the half of its rows if it is the last."""
        several = list(parameters)
        if self._lives == 1:
            self._db.executemany(sql, several[: len(several) // 2])
        self._age(sql)
        return self._db.executemany(sql, several)

    def _age(self, sql: str) -> None:
        verb = sql.split(maxsplit=1)[0]
        assert verb not in {"commit", "begin", "rollback"}, "the transaction is the caller's"
        self._lives -= verb != "select"
        if self._lives <= 0:
            raise Crashed


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: what, to which bed, how many minutes after the last, and the seed of its choices."""

    what: str
    bed: int
    minutes: float
    dice: int


@dataclass(slots=True)
class Bed:
    """A stay as it really is: what is awaited, what is wrong with its devices, what is known of it, and its plan."""

    stay_no: int
    under: Terms
    frontier_ms: int = -1
    overdue: set[str] = field(default_factory=set)
    kit: set[tuple[str, str]] = field(default_factory=set)
    carried: dict[str, tuple[int, int]] = field(default_factory=dict)
    fare: tuple[int | None, ...] = (0,)
    ill: tuple[int | None, ...] = (1,)
    runs: dict[str, list[int]] = field(default_factory=dict)  # by rule, the good readings of its unbroken run


@dataclass(frozen=True, slots=True)
class Noted:
    """One number by its name: fits alerts.model.Noted."""

    stay: int
    at_ms: int
    received_ms: int
    quantities: Mapping[str, float]
    late: bool = False
    sentences: Mapping[str, str] = field(default_factory=dict)


Cases = Mapping[int, Case]
Does = Callable[[Any], Any]  # what a step does with a connection, in the caller's transaction


@dataclass(slots=True)
class Doing:
    """What a step is about to do, and to whom; `again` does it a second time, where that must change nothing."""

    does: Does
    stays: tuple[int, ...]
    again: Does | None = None
    scored: Point | None = None
    noted: Noted | None = None
    silent: str | None = None
    actor: str | None = None
    view: Alert | None = None
    verb: str = ""
    ends: bool = False
    lasts: bool = False  # that it changes nothing to do it again holds at any later time, too


@dataclass(slots=True)
class Happened:
    """What one step did: the cases before and after it, its events, and what it was told."""

    step: Step
    now_ms: int
    doing: Doing
    before: Cases
    after: Cases
    events: list[Event]
    acted: Acted | None
    refusal: AlertError | None
    undone: bool  # the transaction was rolled back


class Ward:
    """Three beds and the service in one database, moved step by step; `watched` sees all that happens."""

    def __init__(self, plans: Sequence[int], *, looks: bool = True) -> None:
        """Begin with nobody ill; without `looks`, the clock is looked at only when something else happens."""
        self.db, self.looks = copied(template()), looks
        self.now_ms, self.done = BEGIN_MS, 0
        self.beds = [Bed(stay_no=number, under=PLANS[plan]) for number, plan in enumerate(plans, start=1)]
        self.service = Bed(stay_no=SYSTEM_STAY, under=TERMS)
        self.gone: list[Bed] = []
        self.findings: list[Finding] = []
        self.pauses: dict[int, list[pauses.Span]] = {}
        self.views: dict[str, dict[str, Alert]] = {who: {} for who in WHO}
        self.crashes: list[str] = []
        self.at_fault: set[str] = set()
        self._terms: dict[int, Terms] = {}
        self._events = 0
        self._cases: dict[int, Case] = {}

    def terms(self, stay_no: int) -> Terms:
        """Give the terms of a stay, with what is held back as it is known now."""
        if stay_no not in self._terms:
            under = next((bed.under for bed in (*self.beds, *self.gone) if bed.stay_no == stay_no), TERMS)
            held = Holds.of(self.findings, self.pauses).held(stay_no) if stay_no else {}
            self._terms[stay_no] = Terms(rules=under.rules, held=held, told=True, opens=opens if stay_no else at_once)
        return self._terms[stay_no]

    def case(self, stay_no: int) -> Case:
        """Give the case of a stay as the database had it after what happened to it last."""
        return self._cases.get(stay_no) or Case(stay_no=stay_no)

    def seen(self, stay_no: int) -> Case:
        """Give the case of a stay as it is by now, whether or not that was written yet: what an act finds."""
        return deadlines.tick(self.case(stay_no), self.now_ms, self.terms(stay_no))

    def finish(self) -> list[Case]:
        """Look at the clock of every stay at the end, and give all their cases."""
        beds = [*self.beds, self.service, *self.gone]
        stays, looks = looked(self, beds)
        self.db.execute("begin immediate")
        looks(self.db)
        self.db.execute("commit")
        return list(store.load(self.db, stays).values())

    def do(self, step: Step) -> Happened | None:
        """Let one thing happen; None where it is something that cannot happen now."""
        self.now_ms += round(step.minutes * MINUTE)
        self.done += 1
        dice = random.Random(step.dice)
        if not self.looks and step.what in {"tick", "restart"}:
            return None
        bed = self.service if step.what == "service" else self.beds[step.bed]
        doing: Doing | None = VERBS[step.what](self, bed, dice)
        if doing is None:
            return None
        if self.looks and dice.random() < 0.04:
            self._crash(doing, dice.randint(1, 9))
        return self._done(step, doing)

    def _done(self, step: Step, doing: Doing) -> Happened:
        before = {stay_no: self.case(stay_no) for stay_no in doing.stays}
        refusal, acted = None, None
        self.db.execute("begin immediate")
        try:
            acted = doing.does(self.db)
        except AlertError as error:
            refusal = error
            self.db.execute("rollback")
        else:
            self.db.execute("commit")
        acted = acted if isinstance(acted, Acted) else None
        events = [event_of(row) for row in self.db.execute(_EVENTS, [self._events])]
        self._events += len(events)
        after = store.load(self.db, doing.stays) if doing.stays else {}
        self._cases.update(after)
        return Happened(
            step=step,
            now_ms=self.now_ms,
            doing=doing,
            before=before,
            after=after,
            events=events,
            acted=acted,
            undone=refusal is not None,
            refusal=refusal or (acted.refusal if acted is not None else None),
        )

    def _crash(self, doing: Doing, lives: int) -> None:
        """Die at some statement of a step; what is left must be what was there before."""
        before = dump(self.db)
        self.db.execute("begin immediate")
        with suppress(Crashed, AlertError):
            doing.does(Mortal(self.db, lives))
        self.db.execute("rollback")
        if dump(self.db) != before:
            self.crashes.append(doing.verb)

    def tick(self, case: Case) -> Case:
        """Let time pass for a case as the daemon does, with what its next look would find of what that raised."""
        held = self.terms(case.stay_no)
        case = faults.freed(deadlines.tick(case, self.now_ms, held), self.now_ms, held)
        return deadlines.tick(case, self.now_ms, held)

    def changed(self, bed: Bed, change: Callable[[Case], Case]) -> Does:
        """Load a case, let time pass, change and save it: what the daemon does."""

        def does(db: Connection) -> None:
            before = store.load(db, [bed.stay_no])[bed.stay_no]
            store.save(db, before, change(self.tick(before)), None)

        return does

    def act(self, who: str, seen: Alert | None, note: str = "phoned") -> Act:
        """Give what someone does now, having seen an alert."""
        return Act(
            actor=who,
            now_ms=self.now_ms,
            note=note,
            op_id=f"op{self.done}",
            seen_version=None if seen is None else seen.version,
            terms_of=lambda stay_no: OverTime(terms=(self.terms(stay_no),)),
        )

    def forget_terms(self) -> None:
        """Reckon anew what is held back."""
        self._terms.clear()


def dump(db: Connection) -> list[list[Any]]:
    """Give every row of every table of the work list."""
    return [db.execute(f"select * from {table} order by 1, 2").fetchall() for table in TABLES]  # noqa: S608


@cache
def template() -> Connection:
    """Make the tables, with a sender that tells people, once."""
    db = module.connect(":memory:", isolation_level=None)
    schema.migrate(db)
    db.execute("insert into follower (follower, event_no) values (?, 0)", [store.SENDER])
    return db


def copied(db: Connection) -> Connection:
    """Give a database with the same rows and nothing else in common, as after a restart."""
    new = module.connect(":memory:", isolation_level=None)
    db.backup(new)
    new.execute("pragma foreign_keys = on")
    return new


def opens(at_ms: int) -> int:
    """Give when a ward that is staffed from 8 to 20 is staffed from a moment on."""
    begun = at_ms % DAY_MS
    if 8 * HOUR <= begun < 20 * HOUR:
        return at_ms
    return at_ms - begun + (8 * HOUR if begun < 8 * HOUR else 32 * HOUR)


def at_once(at_ms: int) -> int:
    """Say that the whole service is always staffed."""
    return at_ms


def _scored(ward: Ward, bed: Bed, dice: random.Random, *, at_ms: int, measured: bool = True) -> Point:
    """Make a score: of what is measured now, and of what was before where a part is awaited and may still count."""
    if dice.random() < 0.35:  # else the patient is as before
        fare = dice.choice((WELL, WELL, WELL, bed.ill, bed.ill, dice.choice(FARES), dice.choice(FARES)))
        bed.fare, bed.ill = fare, bed.ill if fare is WELL else fare
    fare, points, ages = bed.fare, dict[str, int](), dict[str, int]()
    for part in PARTS:
        found = dice.choice(fare)
        if part in bed.carried and (not measured or (part in bed.overdue and dice.random() < 0.7)):
            points[part], before_ms = bed.carried[part]
            ages[part] = max(at_ms - before_ms, 0)
        elif found is not None and (measured or part not in bed.overdue) and (part in PLAN or found):
            points[part] = min(found, POLICY.parts[part].most)
            ages[part] = 20 * MINUTE if dice.random() < 0.1 and part not in bed.overdue else 0
    missing = tuple(part for part in PARTS if part not in points)
    low = sum(points.values())
    most = low + sum(POLICY.parts[part].most for part in missing)
    refused = dict.fromkeys(missing[:1], (MINUTE, "x")) if not measured else {}
    return Point(
        stay=bed.stay_no,
        at_ms=at_ms,
        received_ms=ward.now_ms,
        late=at_ms < bed.frontier_ms,
        total_min=low,
        total_max=most,
        could_be=min(most, low + dice.choice((0, 0, 0, 3, 5))),
        red=3 in points.values(),
        complete=not missing,
        missing=missing,
        points=points,
        values={part: float(number) for part, number in points.items()},
        ages_ms=ages,
        measured=measured,
        refused=refused,
        expected=PLAN,
        quantities={"value:spo2": SATURATIONS[points["spo2"]]} if "spo2" in points else {},
    )


def _observed(ward: Ward, bed: Bed, scored: Point) -> Doing:
    """Give what the daemon does with a score: what came back is no longer awaited, then the score is followed."""
    fresh = [part for part in scored.points if part in bed.overdue and not scored.ages_ms[part] and scored.measured]
    back = fresh if scored.at_ms == ward.now_ms - LAG else []
    bed.overdue.difference_update(back)
    held = ward.terms(bed.stay_no)

    def follow(case: Case) -> Case:
        for part in back:
            case = lifecycle.returned(case, part, scored.at_ms, ward.now_ms, held)
        return lifecycle.observe(case, scored, held)

    # What came late is no part of a run, and is news once that counts.
    known = not (scored.late and bed.under is LOOSE)
    again = ward.changed(bed, lambda case: lifecycle.observe(case, replace(scored, late=True), held)) if known else None
    lasts = bed.under is not LOOSE  # where a run was broken, its breaches are news once something else counts
    does = ward.changed(bed, follow)
    return Doing(does=does, stays=(bed.stay_no,), again=again, scored=scored, verb="reading", lasts=lasts)


def reading(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """Something is measured, and comes at once."""
    at_ms = ward.now_ms - LAG
    scored = _scored(ward, bed, dice, at_ms=at_ms)
    bed.frontier_ms = max(at_ms, bed.frontier_ms)
    bed.carried |= {part: (n, at_ms - scored.ages_ms[part]) for part, n in scored.points.items()}
    return _observed(ward, bed, scored)


def refused(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """All that comes is refused: the score is of what was known before."""
    at_ms = ward.now_ms - LAG
    scored = _scored(ward, bed, dice, at_ms=at_ms, measured=False)
    bed.frontier_ms = max(at_ms, bed.frontier_ms)
    return _observed(ward, bed, scored)


def late(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """Something comes that was measured before, mostly before what is known by now."""
    at_ms = ward.now_ms - LAG - dice.randint(1, 200) * MINUTE - 7  # at no moment of another reading
    scored = _scored(ward, bed, dice, at_ms=at_ms)
    bed.frontier_ms = max(at_ms, bed.frontier_ms)
    return _observed(ward, bed, scored)


def learn(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """A number comes by its name."""
    quantities = {"value:spo2": dice.choice((90.0, 91.5, 97.0, 97.0))}
    noted = Noted(stay=bed.stay_no, at_ms=ward.now_ms - LAG, received_ms=ward.now_ms, quantities=quantities)
    held = ward.terms(bed.stay_no)
    return Doing(
        does=ward.changed(bed, lambda case: lifecycle.learn(case, noted, held)),
        stays=(bed.stay_no,),
        noted=noted,
        verb="learn",
    )


def silence(ward: Ward, bed: Bed, dice: random.Random) -> Doing | None:
    """A part that is expected does not come."""
    part = dice.choice(PLAN)
    if part in bed.overdue:
        return None
    bed.overdue.add(part)
    now_ms, held = ward.now_ms, ward.terms(bed.stay_no)
    last_ms = bed.carried[part][1] if part in bed.carried else None
    does = ward.changed(bed, lambda case: lifecycle.overdue(case, part, now_ms, now_ms, last_ms=last_ms, terms=held))
    return Doing(does=does, stays=(bed.stay_no,), again=does, silent=part, verb="silence", lasts=True)


def kit(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """A fault of a device begins, or is over."""
    rule, what = dice.choice(KIT)
    begins = (rule, what) not in bed.kit
    (bed.kit.add if begins else bed.kit.discard)((rule, what))
    since_ms = ward.now_ms if begins else None
    finding, held = Finding(rule=rule, what=what, since_ms=since_ms, at_ms=ward.now_ms), ward.terms(bed.stay_no)
    does = ward.changed(bed, lambda case: faults.found(case, finding, held))
    return Doing(does=does, stays=(bed.stay_no,), again=does, verb="kit")


def service(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """A fault of the whole service begins, or is over, and with it what it holds back."""
    rule = dice.choice(SERVICE)
    begins = rule not in ward.at_fault
    (ward.at_fault.add if begins else ward.at_fault.discard)(rule)
    finding = Finding(rule=rule, since_ms=ward.now_ms if begins else None, at_ms=ward.now_ms)
    ward.findings.append(finding)
    ward.forget_terms()
    held = ward.terms(SYSTEM_STAY)
    does = ward.changed(bed, lambda case: faults.found(case, finding, held))
    return Doing(does=does, stays=(SYSTEM_STAY,), again=does, silent=rule if begins else None, verb="service")


def pause(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """The patient is away from now or soon on, or is back early."""
    spans, now_ms = ward.pauses.setdefault(bed.stay_no, []), ward.now_ms
    if (running := pauses.running(spans, now_ms)) is not None and dice.random() < 0.6:
        spans[spans.index(running)] = (running[0], now_ms)
    else:
        begins_ms = now_ms + dice.choice((0, 0, 30 * MINUTE))
        spans.append(pauses.span(now_ms, begins_ms, begins_ms + dice.randint(1, 600) * MINUTE))
    ward.forget_terms()
    return tick(ward, bed, dice)


def tick(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """Someone looks at the clock; of all stays at once, mostly."""
    beds = [*ward.beds, ward.service, *ward.gone[-1:]] if dice.random() < 0.4 else [bed]
    stays, does = looked(ward, beds)
    return Doing(does=does, stays=stays, again=does, verb="tick")


def looked(ward: Ward, beds: Sequence[Bed]) -> tuple[tuple[int, ...], Does]:
    """Give the stays of some beds, and what looks at the clock of all of them."""
    stays = tuple(one.stay_no for one in beds)

    def does(db: Connection) -> None:
        store.save_all(db, [(case, ward.tick(case)) for case in store.load(db, stays).values()], None)
        handovers.end(db, ward.now_ms)

    return stays, does


def restart(ward: Ward, bed: Bed, dice: random.Random) -> Doing:
    """The program begins anew with nothing but the database, and looks at the clock."""
    before = dump(ward.db)
    ward.db = copied(ward.db)
    if dump(ward.db) != before:
        ward.crashes.append("restart")
    return tick(ward, bed, dice)


def sent(_ward: Ward, _bed: Bed, dice: random.Random) -> Doing:
    """The sender tells the first who waits to be told, or fails to."""
    state = dice.choice(("told", "told", "failed"))
    which = "(select min(notification_no) from notification where state = 'queued')"
    text = f"update notification set state = ? where notification_no = {which}"  # noqa: S608
    return Doing(does=lambda db: db.execute(text, [state]), stays=(), verb="sent")


def discharge(ward: Ward, bed: Bed, _dice: random.Random) -> Doing:
    """The stay ends, and the bed is another's."""
    held, gone = ward.terms(bed.stay_no), replace(bed, overdue=set(), kit=set(), runs={})
    ward.gone.append(gone)
    bed.stay_no += 10
    bed.frontier_ms, bed.overdue, bed.kit, bed.carried, bed.runs = -1, set(), set(), {}, {}
    ward.forget_terms()
    does = _discharged(ward, gone, held)
    return Doing(does=does, stays=(gone.stay_no,), verb="discharge", ends=True)


def _discharged(ward: Ward, gone: Bed, held: Terms) -> Does:
    def does(db: Connection) -> None:
        before = store.load(db, [gone.stay_no])[gone.stay_no]
        case = faults.freed(deadlines.tick(before, ward.now_ms, held), ward.now_ms, held)
        store.save(db, before, lifecycle.discharged(case, ward.now_ms, held), None)

    return does


def look(ward: Ward, _bed: Bed, dice: random.Random) -> None:
    """Someone reads the list; what they do later, they do by what they saw."""
    for case in (ward.seen(one.stay_no) for one in ward.beds):
        ward.views[dice.choice(WHO)].update({alert.id: alert for alert in case.alerts.values()})


def person(ward: Ward, bed: Bed, dice: random.Random) -> Doing | None:
    """Someone acts on an alert, mostly as it is now, else as they saw it once, which may be long over."""
    who = dice.choice(WHO)
    beds = [bed, *ward.gone[-1:], ward.service]
    stay_no = dice.choice(beds).stay_no if dice.random() < 0.1 else bed.stay_no
    there = ward.seen(stay_no).alerts
    if not there:
        return None
    alert = there.get(dice.choice(LANES)) or dice.choice(list(there.values()))
    if alert.owner is not None and dice.random() < 0.4:
        who = alert.owner
    view = ward.views[who]
    seen = view.get(alert.id, alert) if dice.random() < 0.4 else alert
    if dice.random() < 0.2:
        seen = next((one for one in view.values() if one.stay_no == stay_no), seen)
    view[alert.id] = seen
    verb = dice.choice(SENSIBLE[seen.state] if dice.random() < 0.8 else tuple(ACTS))
    if seen.snooze_ms is not None and dice.random() < 0.4:
        verb = "wake"
    act = ward.act(
        who,
        seen if dice.random() < 0.9 or seen is not alert else None,
        "on it" if dice.random() < 0.9 else "",
    )
    does = _acting(ACTS[verb], seen.id, act, dice.getrandbits(32))
    written = {one.alert_no for one in ward.case(stay_no).alerts.values()}
    if alert.alert_no not in written:  # nobody can name it yet: the daemon looks first
        does = _after(looked(ward, [one for one in beds if one.stay_no == stay_no])[1], does)
    return Doing(does=does, stays=(stay_no,), again=does, actor=who, view=seen, verb=verb)


Verb = Callable[[Any, str, Act, random.Random], Acted]


def _acting(verb: Verb, id_: str, act: Act, seed: int) -> Does:
    return lambda db: verb(db, id_, act, random.Random(seed))


def _after(first: Does, then: Does) -> Does:
    def does(db: Connection) -> Any:  # noqa: ANN401 -- what the step gives
        first(db)
        return then(db)

    return does


def _for_ms(dice: random.Random) -> int:
    return dice.choice((1, 5, 15, 25, 29, 45, 70)) * MINUTE


ACTS: Mapping[str, Verb] = {
    "ack": lambda db, id_, act, _dice: store.acknowledge(db, id_, act),
    "ack for": lambda db, id_, act, dice: store.acknowledge(db, id_, act, for_ms=_for_ms(dice)),
    "take": lambda db, id_, act, _dice: store.acknowledge(db, id_, act, take=True),
    "note": lambda db, id_, act, _dice: store.note(db, id_, act),
    "offer": lambda db, id_, act, dice: store.offer(db, id_, act, dice.choice((*WHO, None))),
    "snooze": lambda db, id_, act, dice: store.snooze(db, id_, act, _for_ms(dice)),
    "wake": lambda db, id_, act, _dice: store.wake(db, id_, act),
    "unack": lambda db, id_, act, _dice: store.unacknowledge(db, id_, act),
    "close": lambda db, id_, act, dice: store.close(db, id_, act, dice.choice(list(Outcome))),
    "reopen": lambda db, id_, act, _dice: store.reopen(db, id_, act),
    "accept": lambda db, id_, act, _dice: handovers.accept(db, id_, act),
}
# What people mostly do with an alert as it stands; one time in five they do anything.
SENSIBLE: Mapping[State, Sequence[str]] = {
    State.NEW: ("ack", "ack", "ack for", "offer"),
    State.RERAISED: ("ack", "ack", "ack for", "note"),
    State.ACKNOWLEDGED: (
        "take",
        "take",
        "snooze",
        "snooze",
        "wake",
        "unack",
        "close",
        "offer",
        "accept",
        "accept",
        "ack",
    ),
    State.SETTLED: ("close", "close", "ack"),
    State.CLOSED: ("reopen", "reopen", "note"),
}


def hand_over(ward: Ward, _bed: Bed, dice: random.Random) -> Doing:
    """Someone hands over all that they have in hand, just after the clock was looked at."""
    owners = [alert.owner for one in ward.beds for alert in ward.case(one.stay_no).alerts.values() if alert.owner]
    act = replace(ward.act(dice.choice(owners or WHO), None), op_id=None)
    stays, looks = looked(ward, [*ward.beds, ward.service, *ward.gone[-1:]])

    def does(db: Connection) -> None:
        looks(db)
        handovers.start(db, act)

    return Doing(does=does, stays=stays, actor=act.actor, verb="hand over")


VERBS: Mapping[str, Callable[[Ward, Bed, random.Random], Doing | None]] = {
    "reading": reading,
    "refused": refused,
    "late": late,
    "learn": learn,
    "silence": silence,
    "kit": kit,
    "service": service,
    "pause": pause,
    "tick": tick,
    "restart": restart,
    "sent": sent,
    "discharge": discharge,
    "look": look,
    "person": person,
    "hand over": hand_over,
}
HAPPENS = {
    "reading": 34,
    "refused": 3,
    "late": 5,
    "learn": 3,
    "silence": 6,
    "kit": 3,
    "service": 3,
    "pause": 2,
    "tick": 6,
    "restart": 1,
    "sent": 3,
    "discharge": 0.4,
    "look": 4,
    "person": 18,
    "hand over": 4,
}
BEDS = (6, 3, 1)


def walk_of(seed: int) -> tuple[tuple[int, ...], list[Step]]:
    """Give the plans of the beds and the steps of the walk of a seed."""
    chance = random.Random(seed)
    several = chance.randint(40, 160)
    what = chance.choices(list(HAPPENS), weights=list(HAPPENS.values()), k=several)
    beds = chance.choices(range(len(BEDS)), weights=BEDS, k=several)
    for number in range(1, several):
        if what[number - 1] in {"person", "hand over"} and chance.random() < 0.4:  # people stay with what they do
            what[number], beds[number] = "person", beds[number - 1]
    minutes = [chance.choice(SPANS_OF_PEOPLE if one == "person" else SPANS) for one in what]
    steps = list(starmap(Step, zip(what, beds, minutes, (chance.getrandbits(40) for _ in range(several)), strict=True)))
    return tuple(chance.randrange(len(PLANS)) for _ in BEDS), steps
