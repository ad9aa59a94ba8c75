"""Stored readings as people ask for them: the same as a search of everything finds, newest first."""

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.readings import Message, Reading, Refused
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, listing, registers
from vwmon.store.arrivals import Arrival, Quarantined
from vwmon.store.listing import Owner, Wanted
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection

T0 = 1_795_000_000_000
HOUR = 3_600_000
BY = By(actor="nurse", at_ms=0)

modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
a_reading = st.tuples(
    st.sampled_from(["cuff", "oximeter"]), st.sampled_from(["spo2", "heart_rate"]), st.integers(0, 99)
)


def arrival(number: int, device: str, vital: str, hour: int) -> Arrival:
    """Build a message of one reading, at an hour after T0."""
    reading = Reading(
        vital=vital,
        value=float(number),
        text=None,
        observed_ms=T0 + hour * HOUR,
        raw_value=None,
        raw_unit=None,
        marks=0,
    )
    body = Message(id=str(number), seq=None, battery_percent=None, readings=(reading,), refused=())
    return Arrival("resp", device, f"vwmon/resp/{device}/readings", body, T0, b"{}")


def ward(db: Connection) -> None:
    """Admit two patients; the cuff is the first one's for a day, then the second's, the oximeter nobody's."""
    plan = plans.load("general")
    for patient in ("P1", "P2"):
        registers.admit(db, Admission(patient=patient, ward="resp", plan=plan, admitted_ms=T0), BY)
    registers.add_device(db, "cuff", BY)
    registers.assign(db, "cuff", "P1", T0 + 10 * HOUR, BY)
    registers.return_device(db, "cuff", T0 + 34 * HOUR, BY)
    registers.assign(db, "cuff", "P2", T0 + 50 * HOUR, BY)


def holder(device: str, hour: int) -> str | None:
    """Say in plain words what `ward` has done."""
    if device == "cuff" and 10 <= hour < 34:
        return "P1"
    return "P2" if device == "cuff" and hour >= 50 else None


@modest
@given(
    sent=st.lists(a_reading, max_size=25),
    merged=st.integers(0, 25),
    owner=st.sampled_from(["anybody", "nobody", "patient"]),
    patient=st.sampled_from(["P1", "P2"]),
    device=st.sampled_from(["", "cuff", "oximeter"]),
    vital=st.sampled_from(["", "spo2", "weight"]),
    hour=st.integers(0, 99),
    limit=st.integers(1, 10),
)
def test_the_newest_that_are_wanted_are_listed_with_whose_they_are(  # noqa: PLR0917 -- given by name
    sent: list[tuple[str, str, int]],
    merged: int,
    owner: Owner,
    patient: str,
    device: str,
    vital: str,
    hour: int,
    limit: int,
) -> None:
    """By patient at the reading's own time, device, vital and time, across days, merged or not."""
    with tempfile.TemporaryDirectory() as folder, closing(database.create(Path(folder) / "ward.db")) as db:
        ward(db)
        writer = LogWriter(db)
        writer.append([arrival(number, *each) for number, each in enumerate(sent)], (), T0)
        writer.merge(merged, merged)
        wanted = Wanted(
            limit=limit, owner=owner, patient=patient, device=device, vital=vital, since_ms=T0 + hour * HOUR
        )
        found = [(row.seq, row.device, row.vital, row.patient) for row in listing.readings(db, wanted)]
        whose: dict[str, Callable[[str | None], bool]] = {
            "anybody": lambda _: True,
            "nobody": lambda who: who is None,
            "patient": lambda who: who == patient,
        }
        expected = [
            (number + 1, name, what, holder(name, at), at)
            for number, (name, what, at) in enumerate(sent)
            if at >= hour and device in {"", name} and vital in {"", what} and whose[owner](holder(name, at))
        ]
        expected.sort(key=lambda row: (-row[4], -row[0]))
        assert found == [row[:4] for row in expected[:limit]]


def test_what_was_refused_is_listed_the_latest_first_with_its_message() -> None:
    """By device, reason and time; each refused reading shows the message it came in."""
    with tempfile.TemporaryDirectory() as folder, closing(database.create(Path(folder) / "ward.db")) as db:
        bad = Refused(vital="spo2", reason="not_a_number", detail="no", index=0)
        worse = Refused(vital="weight", reason="unit_unknown", detail="stone", index=1)
        body = Message(id="m", seq=None, battery_percent=None, readings=(), refused=(bad, worse))
        sent = Arrival("resp", "cuff", "vwmon/resp/cuff/readings", body, T0, b"{the message}")
        junk = Quarantined(
            topic="vwmon/resp/x/readings", device="x", reason="not_json", detail="", payload=b"\xff", received_ms=T0 + 1
        )
        LogWriter(db).append([sent], [junk], T0 + 2)
        found = listing.refusals(db, "", "", 0, 10)
        assert [(row.quarantine_no, row.reason) for row in found] == [
            (3, "not_json"),
            (2, "unit_unknown"),
            (1, "not_a_number"),
        ]
        assert {row.payload for row in listing.refusals(db, "cuff", "", 0, 10)} == {b"{the message}"}
        assert [row.vital for row in listing.refusals(db, "", "unit_unknown", 0, 10)] == ["weight"]
        assert [row.device for row in listing.refusals(db, "", "", T0 + 1, 10)] == ["x"]
        assert len(listing.refusals(db, "", "", 0, 2)) == 2
