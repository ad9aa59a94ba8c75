"""What the log comes to with what became of its tests: which controls are proven, which entries, and the count."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scripts.safety_case.records import Control, Entry, Log
from scripts.safety_case.ties import NOT_RUN, PASSED, STALE


class State(StrEnum):
    """How a control or a whole entry stands."""

    PROVEN = "proven"
    NOT_PROVEN = "not proven"
    NOT_LOOKED_AT = "not looked at"
    PLANNED = "planned"
    DEPLOYMENT = "for who deploys"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How everything stands, given how tests ended; where a run was partial, what did not run is left open."""

    log: Log
    ends: Mapping[str, str]
    partial: bool

    def end(self, test: str) -> str:
        """Return what became of a test."""
        return self.ends.get(test, NOT_RUN)

    def of_control(self, control: Control) -> State:
        """Proven is what every one of its tests has proved: a test that was skipped has proved nothing."""
        if not control.tests:
            return State.PLANNED if control.planned else State.DEPLOYMENT
        ends = {self.end(test) for test in control.tests} - {PASSED}
        if not ends:
            return State.PROVEN
        return State.NOT_LOOKED_AT if self.partial and ends <= {NOT_RUN, STALE} else State.NOT_PROVEN

    def of(self, entry: Entry) -> State:
        """Proven is an entry of which every control that tests stand for is proven; open is one without any."""
        states = {self.of_control(control) for control in entry.controls}
        order = (State.NOT_PROVEN, State.NOT_LOOKED_AT, State.PROVEN)
        return next((state for state in order if state in states), State.OPEN)

    def unproven(self) -> Iterator[str]:
        """Yield each test that a control rests on and that did not pass."""
        for entry in self.log.entries:
            for control in entry.controls:
                if self.of_control(control) is State.NOT_PROVEN:
                    yield from (
                        f"{entry.id}: not proven, {self.end(test)}: {test}"
                        for test in control.tests
                        if self.end(test) != PASSED
                    )

    def count(self) -> str:
        """Return how many hazards, threats and controls stand how, in one line."""
        controls = [self.of_control(control) for entry in self.log.entries for control in entry.controls]
        return " | ".join(
            (
                _counted("hazards", [self.of(one) for one in self.log.hazards.hazard]),
                _counted("threats", [self.of(one) for one in self.log.threats.threat]),
                _counted("controls", controls),
            )
        )


def _counted(what: str, states: list[State]) -> str:
    counts = Counter(states)
    always = {State.PROVEN, State.NOT_PROVEN}
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state] or state in always)
    return f"{len(states)} {what}: {told}"
