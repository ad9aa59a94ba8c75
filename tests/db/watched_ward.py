"""A ward that lives through its time: messages as they come, a clock that is looked at, and people who act.

For tests of what is explained afterwards; what it does is what the daemon and the commands do, at times of its own.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from alerts import handovers
from alerts import store as cases
from alerts.acts import Act
from alerts.model import Outcome
from alerts.over_time import OverTime
from alerts.store import Acted
from tests.at_work import at_work
from tests.db.test_scorer import MINUTE, T0, Ward
from vwmon import explain as engine
from vwmon import terms
from vwmon.config_duty import Ward as Settings
from vwmon.duty import Staffing
from vwmon.explain import Explanation
from vwmon.nearest import ASKING
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.store import database, monitor
from vwmon.store.arrivals import Arrival
from vwmon.store.database import atomic

LOOK = 60_000
STAFFING = Staffing(wards=(Settings(id="resp", name="Respiratory", hours="08:00-20:00"),), told=True)
Verb = Callable[[str, Act], Acted]


class Watched(Ward):
    """A ward whose clock is looked at every minute, and before whatever comes; someone is told of its alerts."""

    staffing = STAFFING

    def __init__(self, path: Path) -> None:
        """Begin at T0."""
        super().__init__(path)
        self.path, self.now_ms = path, T0
        self.noted = True  # the place in the log of what people do, as commands do

    def until(self, minute: float) -> None:
        """Let time pass."""
        self.pass_to(T0 + round(minute * MINUTE))

    def pass_to(self, at_ms: int) -> None:
        """Let time pass up to a moment."""
        while self.now_ms < at_ms:
            self.now_ms = min(self.now_ms + LOOK, at_ms)
            self.score(self.now_ms)
            self.scorer.tick(self.now_ms)
        self.beat()

    def beat(self) -> None:
        """Say that the log was scored and the clock looked at until now, as the daemon does."""
        now_ms, read = self.now_ms, self.scorer.cursor
        state = at_work(T0, cycle_ms=now_ms, last_received_ms=now_ms, last_observed_ms=now_ms, readings=read)
        with atomic(self.db):
            monitor.beat(self.db, state)

    def hears(self, values: dict[str, float], minute: float, *, late: float = 0, device: str = "of-p1") -> None:
        """Receive a message `late` minutes after it was observed at a minute, and score it."""
        self.until(minute + late)
        self.sends(values, minute, late_ms=round(late * MINUTE), device=device)

    def receives(self, arrival: Arrival) -> None:
        """Receive a message in its time."""
        self.pass_to(arrival.received_ms)
        self.store(arrival)
        self.score(arrival.received_ms)

    def open_alerts(self, lane: str = "clinical") -> list[str]:
        """Name the open alerts of a lane."""
        found = self.rows(f"select id from alert where lane = '{lane}' and state <> 'closed' order by alert_no")  # noqa: S608
        return [row[0] for row in found]

    def versions(self) -> Provenance:
        """Give what makes its alerts."""
        return versions()

    def terms_of(self, stay_no: int) -> OverTime:
        """Give the terms under which a stay is acted on, as the commands do."""
        made_by = self.versions()
        return terms.of_stay(self.db, stay_no, made_by.layers(), made_by.staffing)

    def act(self, by: str, note: str = "") -> Act:
        """Give what someone does now, in its place in the log."""
        cursor = self.scorer.cursor if self.noted else None
        return Act(actor=by, now_ms=self.now_ms, note=note, cursor=cursor, terms_of=self.terms_of)

    def ack(self, alert_id: str, *, by: str = "ann", take: bool = False, for_ms: int | None = None) -> Acted:
        """Take an alert in hand now."""
        act = self.act(by, "phoned")
        with atomic(self.db):
            return cases.acknowledge(self.db, alert_id, act, take=take, for_ms=for_ms)

    def hands_over(self, giver: str = "ann") -> None:
        """Let someone hand over what they have in hand now."""
        with atomic(self.db):
            handovers.start(self.db, self.act(giver, "off home"))

    def accepts(self, alert_id: str, taker: str = "bob") -> Acted:
        """Let someone accept an alert that is handed over now."""
        with atomic(self.db):
            return handovers.accept(self.db, alert_id, self.act(taker))

    def note(self, alert_id: str) -> Acted:
        """Put words beside an alert now."""
        with atomic(self.db):
            return cases.note(self.db, alert_id, self.act("bob", "daughter is there"))

    def offer(self, alert_id: str, to: str | None = "bob") -> Acted:
        """Offer an alert to someone now."""
        with atomic(self.db):
            return cases.offer(self.db, alert_id, self.act("ann"), to)

    def snooze(self, alert_id: str, minutes: float) -> Acted:
        """Put an alert off now."""
        with atomic(self.db):
            return cases.snooze(self.db, alert_id, self.act("ann"), round(minutes * MINUTE))

    def wake(self, alert_id: str) -> Acted:
        """Put an alert on the list again now."""
        with atomic(self.db):
            return cases.wake(self.db, alert_id, self.act("bob"))

    def unack(self, alert_id: str, *, by: str = "ann") -> Acted:
        """Undo an acknowledgement now."""
        with atomic(self.db):
            return cases.unacknowledge(self.db, alert_id, self.act(by, "not mine"))

    def reopen(self, alert_id: str) -> Acted:
        """Undo a close now."""
        with atomic(self.db):
            return cases.reopen(self.db, alert_id, self.act("bob", "the wrong one"))

    def closed_alerts(self) -> list[str]:
        """Name the alerts that a person closed, the latest last."""
        found = self.rows("select id from alert where outcome is not null order by closed_ms, alert_no")
        return [row[0] for row in found]

    def end(self, alert_id: str, outcome: Outcome = Outcome.PHONED_STABLE) -> Acted:
        """Close an alert now."""
        with atomic(self.db):
            return cases.close(self.db, alert_id, self.act("ann"), outcome)

    def someone_acts(self, chance: random.Random) -> None:
        """Let someone do something to some open alert; what is refused is refused."""
        alerts = [*self.open_alerts(), *self.open_alerts("technical")]
        if not alerts:
            return
        alert_id = chance.choice(alerts)
        over = self.closed_alerts()[-1:] or alerts
        verbs: Sequence[Callable[[], object]] = (
            lambda: self.ack(alert_id),
            lambda: self.ack(alert_id, by="bob", take=chance.random() < 0.5),
            lambda: self.ack(alert_id, for_ms=chance.randint(1, 20) * MINUTE),
            lambda: self.note(alert_id),
            lambda: self.offer(alert_id, chance.choice(["bob", None])),
            lambda: self.snooze(alert_id, chance.randint(1, 20)),
            lambda: self.snooze(alert_id, chance.randint(1, 20)),
            lambda: self.wake(alert_id),
            lambda: self.unack(alert_id),
            lambda: self.end(alert_id),
            lambda: self.reopen(over[0]),
            lambda: self._handed_over(chance.choice(("ann", "bob"))),
        )
        chance.choice(verbs)()

    def _handed_over(self, giver: str) -> None:
        """Hand over what someone has in hand, and let another accept it."""
        self.hands_over(giver)
        for alert_id in handovers.given(self.db, giver).get(giver, []):
            self.accepts(alert_id, "bob" if giver == "ann" else "ann")

    def every_alert(self) -> list[tuple[str, int]]:
        """Name every alert there ever was, with how often it asked for someone."""
        kinds = ", ".join(f"'{kind}'" for kind in ASKING)
        sql = f"select id, count(*) from alert join alert_event using (alert_no) where kind in ({kinds}) group by 1"  # noqa: S608
        return self.rows(sql)

    def explained(self, alert_id: str, number: int = 1) -> Explanation:
        """Explain an alert from the file, as another program would."""
        return explained(self.path, alert_id, number)


def explained(path: Path, alert_id: str, number: int = 1) -> Explanation:
    """Explain an alert of a database that is only read."""
    db = database.open_reader(path)
    try:
        return engine.explain(db, alert_id, versions(), number)
    finally:
        db.close()


def versions() -> Provenance:
    """Give the versions of the test's own wards."""
    return Provenance(config_hash="test", plans=plans.load_all(), staffing=STAFFING)


def differing(found: Explanation) -> list[tuple[str, str, object, object]]:
    """Give everything that is not as stored."""
    return [(one.item, d.where, d.stored, d.recomputed) for one in found.compared for d in one.differences]
