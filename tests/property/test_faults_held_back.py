"""Whatever the order of faults of the service and of devices: after the release exactly the true ones are open."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from alerts import faults, lifecycle
from alerts.faults import Finding
from alerts.model import Case, Kind, Lane
from alerts.pauses import Span
from alerts.policy import BASE, Terms
from vwmon.holds import Holds

MINUTE = 60_000
END = 1_000 * MINUTE
SERVICE = ("broker", "silent", "lag")
KIT = (("battery_low", "oxi"), ("battery_low", "cuff"), ("frozen", "oxi heart_rate"), ("device_disconnected", "oxi"))
PARTS = ("spo2", "temperature")
STAY = 7


@dataclass(frozen=True)
class Happening:
    """Something begins or ends at a minute: a fault of the service or of a device, or a part that is overdue."""

    minute: int
    what: tuple[str, ...]
    begins: bool

    @property
    def at_ms(self) -> int:
        """Give when."""
        return self.minute * MINUTE


def happenings(what: tuple[str, ...]) -> st.SearchStrategy[list[Happening]]:
    """Give a thing's beginnings and ends in turn, at minutes that nothing else has."""
    place = [*((name,) for name in SERVICE), *KIT, *((part,) for part in PARTS)].index(what)
    minutes = st.lists(st.integers(1, 90), max_size=5, unique=True).map(sorted)
    return minutes.map(lambda several: [Happening(m * 10 + place, what, n % 2 == 0) for n, m in enumerate(several)])


STORIES = st.tuples(*(happenings(what) for what in [*((n,) for n in SERVICE), *KIT, *((p,) for p in PARTS)])).map(
    lambda several: sorted((one for each in several for one in each), key=lambda one: one.minute)
)


class Told:
    """A case told a story, looked at now and then, with what is held back as it is known at the time."""

    def __init__(self, pause: Span | None) -> None:
        """Begin with nothing wrong, and perhaps a pause."""
        self.case, self.service, self.pause = Case(stay_no=STAY), list[Finding](), pause
        self.open: set[tuple[str, ...]] = set()

    @property
    def terms(self) -> Terms:
        """Give the terms as of what was found so far."""
        pauses = {} if self.pause is None else {STAY: [self.pause]}
        return Terms(rules=BASE, held=Holds.of(self.service, pauses).held(STAY))

    def look(self, at_ms: int) -> None:
        """Let time pass."""
        self.case = faults.freed(self.case, at_ms, self.terms)

    def tell(self, one: Happening) -> None:
        """Tell what happens."""
        (self.open.add if one.begins else self.open.discard)(one.what)
        since_ms = one.at_ms if one.begins else None
        if one.what[0] in SERVICE:
            self.service.append(Finding(rule=one.what[0], since_ms=since_ms, at_ms=one.at_ms))
            return
        self.look(one.at_ms)
        if one.what[0] in PARTS:
            change = lifecycle.overdue if one.begins else lifecycle.returned
            self.case = change(self.case, one.what[0], one.at_ms, one.at_ms, terms=self.terms)
        else:
            rule, what = one.what
            finding = Finding(rule=rule, what=what, since_ms=since_ms, at_ms=one.at_ms)
            self.case = faults.found(self.case, finding, self.terms)


def told(story: list[Happening], looks: list[int], pause: Span | None) -> Told:
    """Tell a story and look at it at some minutes, and at its end, when no fault of the service is left."""
    ward = Told(pause)
    moments = sorted([*((one.at_ms, one) for one in story), *((m * MINUTE, None) for m in looks)], key=lambda m: m[0])
    for at_ms, one in moments:
        if one is None:
            ward.look(at_ms)
        else:
            ward.tell(one)
    for number, rule in enumerate(SERVICE):
        ward.tell(Happening(960 + number, (rule,), begins=False))
    ward.look(END)
    return ward


PAUSES = st.none() | st.tuples(st.integers(0, 400), st.integers(1, 400)).map(
    lambda ab: (ab[0] * MINUTE, (ab[0] + ab[1]) * MINUTE)
)


@given(STORIES, st.lists(st.integers(0, 999), max_size=20), PAUSES)
def test_after_the_release_exactly_the_true_faults_are_open(
    story: list[Happening], looks: list[int], pause: Span | None
) -> None:
    """Nothing that is over, nothing lost, and one alert for all of it."""
    ward = told(story, looks, pause)
    true = {what for what in ward.open if what[0] not in SERVICE}
    alert = ward.case.alerts.get(Lane.TECHNICAL)
    if alert is None or not alert.active:
        assert true == set()
        return
    said: set[tuple[str, ...]] = {(part,) for part in alert.evidence["overdue"]}
    said |= {(rule, what) for rule, several in alert.evidence.get("kit", {}).items() for what in several}
    assert said == true


@given(STORIES, st.lists(st.integers(0, 999), max_size=20), PAUSES)
def test_it_is_the_same_whoever_looks_when(story: list[Happening], looks: list[int], pause: Span | None) -> None:
    """Every event, at the same moment and with the same evidence; and the conditions (D4)."""
    assert told(story, looks, pause).case == told(story, [], pause).case


@given(STORIES, st.lists(st.integers(0, 999), max_size=20))
def test_nothing_technical_is_raised_while_the_service_is_at_fault(story: list[Happening], looks: list[int]) -> None:
    """A broker that is down is one alert, not one for each patient."""
    ward = told(story, looks, None)
    raised = [event.at_ms for event in ward.case.events if event.kind is Kind.RAISED]
    spans = Holds.of(ward.service, {}).service
    assert not [at_ms for at_ms in raised for from_ms, to_ms in spans if from_ms <= at_ms < to_ms]
