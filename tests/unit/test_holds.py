"""What holds technical alerts back, from what was found of the service and from pauses."""

from alerts.faults import Finding
from alerts.pauses import LASTS, Span
from alerts.policy import RULES
from vwmon.holds import Holds, service_spans

AFTER = RULES["broker"].off_delay_ms


def fault(rule: str, at_ms: int | None, over_ms: int | None = None) -> list[Finding]:
    """Find a fault that counted at a time, and that it was over."""
    begun = [] if at_ms is None else [Finding(rule=rule, since_ms=at_ms - 60, at_ms=at_ms)]
    return begun + ([] if over_ms is None else [Finding(rule=rule, since_ms=None, at_ms=over_ms)])


def test_a_fault_holds_back_from_when_it_counted_until_its_off_delay_is_over() -> None:
    """Not from when it began: what fell due before anyone could know was raised."""
    assert service_spans(fault("broker", 1000, 5000)) == [(1000, 5000 + AFTER)]
    assert service_spans(fault("silent", 1000)) == [(1000, LASTS)]


def test_faults_that_overlap_hold_back_as_one() -> None:
    """And one that begins while another's off-delay runs leaves no gap between."""
    found = [*fault("broker", 1000, 5000), *fault("lag", 5000 + AFTER, 90_000_000)]
    assert service_spans(found) == [(1000, 90_000_000 + AFTER)]
    assert service_spans([*found, *fault("silent", 900_000_000)]) == [
        (1000, 90_000_000 + AFTER), (900_000_000, LASTS),
    ]  # fmt: skip


def test_a_fault_that_explains_no_missing_reading_holds_nothing_back() -> None:
    """A full disk is no reason not to be told of a silent patient."""
    names = ("disk", "notifier", "dead", "clock_jump", "quarantine", "handover", "unassigned")
    assert service_spans([one for name in names for one in fault(name, 1000)]) == []
    assert service_spans(fault("broker", None, 7)) == []


def test_a_pause_holds_back_silence_and_the_service_everything_technical() -> None:
    """A low battery matters to someone who is away for the day, and is said."""
    away: list[Span] = [(0, 50)]
    holds = Holds.of(fault("broker", 100, 200), {7: away})
    held = holds.held(7)
    assert held["overdue"] == held["device_disconnected"] == ((100, 200 + AFTER), (0, 50))
    assert held["battery_low"] == held["frozen"] == ((100, 200 + AFTER),)
    assert set(held) == {name for name, rule in RULES.items() if rule.lane == "technical"}
    assert holds.held(8)["overdue"] == ((100, 200 + AFTER),)


def test_without_either_nothing_is_held_back() -> None:
    """Nor is anything for the next patient of one who is away."""
    assert Holds().held(7) == {}
    assert Holds.of([], {7: [(0, 50)]}).held(8) == {}
