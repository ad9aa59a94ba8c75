"""The count of messages that a device numbers: what is missing is known, whatever the order of arrival."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.readings import Message, Reading, Refused
from vwmon.store import database, sequences
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection

T0 = 1_795_000_000_000

modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

readings_or_none = st.sampled_from(["reading", "reading", "reading", "refused"])


def message(number: int, kind: str = "reading") -> Arrival:
    """Build a message with a number in the device's count; a refused one carries no reading into the log."""
    reading = Reading(
        vital="spo2", value=95.0, text=None, observed_ms=T0 + number, raw_value=None, raw_unit=None, marks=0
    )
    refused = Refused(vital="spo2", reason="not_a_number", detail="no", index=0)
    body = Message(
        id=f"id-{number}-{kind}",
        seq=number,
        battery_percent=None,
        readings=(reading,) if kind == "reading" else (),
        refused=(refused,) if kind == "refused" else (),
    )
    return Arrival("resp", "cuff-1", "vwmon/resp/cuff-1/readings", body, T0 + number, b"{}")


def missing(db: Connection) -> set[int]:
    """Read which numbers are missing, each once."""
    spans = db.execute("select first_seq, last_seq from sequence_missing").fetchall()
    numbers = [number for first, last in spans for number in range(first, last + 1)]
    assert len(numbers) == len(set(numbers))
    return set(numbers)


@modest
@given(
    numbers=st.lists(st.tuples(st.integers(1, 40), readings_or_none), unique_by=lambda pair: pair[0], max_size=30),
    turns=st.lists(st.sampled_from(["merge", "reopen", "repeat", "nothing", "nothing"]), min_size=31, max_size=31),
    first=st.sampled_from([0, 20]),
)
def test_the_numbers_missing_are_those_a_plain_set_finds(
    numbers: list[tuple[int, str]], turns: Sequence[str], first: int
) -> None:
    """In any order, through merges and restarts, the open gaps are the numbers up to the highest that never came.

    Of what was measured before the first that came, and comes after it, nobody says that it was missing.
    """
    numbers = [(number, kind if number > first else "reading") for number, kind in numbers if number != first]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ward.db"
        db = database.create(path)
        writer = LogWriter(db)
        came: set[int] = set()
        for (number, kind), turn in zip([(first, "reading"), *numbers], turns, strict=False):
            writer.append([message(number, kind)], (), T0)
            came.add(number)
            if turn == "merge":
                writer.merge(1 << 40, 3)
            elif turn == "reopen":
                db.close()
                db = database.open_writer(path)
                writer = LogWriter(db)
            elif turn == "repeat":
                writer.append([message(number, kind)], (), T0)
            assert missing(db) == set(range(first, max(came))) - came
        told = sequences.gaps(db, 1)
        assert sum(gap.missing_count for gap in told) == len(missing(db))
        assert all((gap.closed_ms is None) == (gap.missing_count > 0) for gap in told)
        db.close()
