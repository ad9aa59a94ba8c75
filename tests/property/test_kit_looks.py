"""A look judges only the devices of which something changed: it must miss nothing that a look at all of them finds."""

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from alerts.faults import Finding
from tests.db.test_kit import BY, Home
from tests.db.test_scorer import MINUTE, T0, WELL, message
from vwmon.errors import VwmonError
from vwmon.store import registers
from vwmon.store.findings import Key

DEVICES, PATIENTS = ("of-p1", "of-p2", "spare"), ("p1", "p2")
WITHOUT_SPO2 = {name: value for name, value in WELL.items() if name != "spo2"}

# What happens next, to which device, and how many minutes later; most faults need several in a row.
HAPPENS = st.tuples(
    st.sampled_from(("reads", "reads", "refused", "low", "charged", "skips", "offline", "online", "clean", "passes")),
    st.sampled_from(DEVICES),
    st.integers(0, 8),
)
MOVES = st.tuples(
    st.sampled_from(("returned", "assigned", "merged", "restarted")), st.sampled_from(DEVICES), st.just(1)
)
STORIES = st.lists(st.one_of(HAPPENS, HAPPENS, HAPPENS, MOVES), min_size=5, max_size=25)


class Homes(Home):
    """Two patients with a device each, and a spare."""

    def __init__(self, path: Path) -> None:
        """Begin at minute 0, with nothing said."""
        super().__init__(path)
        self.admit("p2")
        registers.add_device(self.db, "spare", BY)
        self.minute, self.counts = 0.0, dict.fromkeys(DEVICES, 0)

    def happens(self, what: str, device: str, minutes: int) -> None:
        """Let one thing happen, and time pass before it."""
        self.minute += minutes + 0.1
        by = replace(BY, at_ms=T0 + round(self.minute * MINUTE))
        match what:
            case "reads" | "low" | "charged" | "skips":
                self.counts[device] += 3 if what == "skips" else 1
                battery = {"low": 5.0, "charged": 90.0}.get(what)
                self.reads(device, seq=self.counts[device], battery_percent=battery)
            case "refused":
                self.sends(WITHOUT_SPO2, self.minute, device=device, refused=["spo2"])
            case "offline" | "online" | "clean":
                status = "online" if what == "online" else "offline"
                registers.record_status(self.db, device, status, None, None, by.at_ms, clean=what == "clean")
            case "returned":
                self.tries(lambda: registers.return_device(self.db, device, by.at_ms, by))
            case "assigned":
                self.tries(lambda: registers.assign(self.db, device, PATIENTS[len(device) % 2], by.at_ms, by))
            case "merged":
                self.merge()
            case "restarted":
                self.begins_anew(self.minute)

    def reads(self, device: str, **fields: Any) -> None:  # noqa: ANN401 -- fields of Message
        """Receive a message with other fields than usual."""
        at_ms = T0 + round(self.minute * MINUTE)
        plain = message(f"{device}-{self.minute}", WELL, at_ms, at_ms, device)
        self.store(changed(plain, message=changed(plain.message, **fields)))

    @staticmethod
    def tries(act: Any) -> None:  # noqa: ANN401 -- whatever changes a register
        """Do what the register may refuse."""
        try:
            act()
        except VwmonError:
            return

    def missed(self) -> list[tuple[int, Finding]]:
        """Give what a look at every device finds now that is news after the look that was just made."""
        everything = self.kit
        everything._changed.update(said.device_no for said in everything._said)
        found = everything.look(T0 + round(self.minute * MINUTE), self.scorer.cursor, self.scorer.standing)
        return [(stay, one) for stay, several in found.items() for one in several if self.scorer._is_news(stay, one)]

    def known(self) -> dict[Key, int | None]:
        """Give what stands, and since when."""
        return {key: one.since_ms for key, one in self.scorer.standing.items()}


@settings(max_examples=60)
@given(STORIES)
def test_a_look_misses_nothing_that_a_look_at_every_device_finds(story: list[tuple[str, str, int]]) -> None:
    """Whatever devices say, whoever has them, over merges and restarts, and when nothing but time has passed."""
    with tempfile.TemporaryDirectory() as folder:
        homes = Homes(Path(folder) / "ward.db")
        with closing(homes.db):
            for what, device, minutes in story:
                homes.happens(what, device, minutes)
                homes.look(homes.minute)
                assert homes.missed() == [], homes.known()
