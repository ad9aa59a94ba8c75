"""Whatever fleet is asked for: the same bytes again, values that a living body can have, and messages that are read."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.payloads import decode
from devices.simulator.archetypes import ARCHETYPES
from devices.simulator.courses import COURSES
from devices.simulator.fleet import KNOWN_FAULTS, Fleet, Timed

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR_MS = 3_600_000
SENDERS = tuple(name for name, kind in ARCHETYPES.items() if kind.sends and not kind.spoiled and kind.prompts)

# What no simulated patient leaves, however ill: survivable, and not what broken kit says.
LIVING = {
    "respiratory_rate": (6, 50),
    "spo2": (75, 100),
    "systolic_bp": (45, 210),
    "heart_rate": (40, 210),
    "temperature": (34.0, 41.0),
    "weight": (45, 120),
    "oxygen": (0, 15),
    "consciousness": (0, 4),
}


@st.composite
def fleets(
    draw: st.DrawFn, faults: tuple[str, ...] = KNOWN_FAULTS, senders: tuple[str, ...] = tuple(ARCHETYPES)
) -> Fleet:
    """Draw a small fleet, at home or of hubs, with some courses and some of the faults, in any order."""
    home = draw(st.booleans())
    chosen = tuple(draw(st.lists(st.sampled_from(faults), unique=True))) if faults else ()
    return Fleet(
        patients=draw(st.integers(1, 5)),
        courses=tuple(draw(st.lists(st.sampled_from(tuple(COURSES)), min_size=1, unique=True))),
        faults=chosen,
        seed=draw(st.integers(0, 2**40)),
        spot_minutes=draw(st.sampled_from((10.0, 60.0))),
        pace=draw(st.sampled_from((1.0, 8.0))),
        onset_hours=draw(st.sampled_from((0.0, 30.0))),
        home=home,
        shares={draw(st.sampled_from(senders)): 1.0} if home else {},
    )


def sent(fleet: Fleet, hours: int) -> list[Timed]:
    """What a fleet sends in some hours."""
    return list(fleet.messages(START_MS, until_ms=START_MS + hours * HOUR_MS))


@given(fleet=fleets(), hours=st.integers(1, 50))
@settings(max_examples=60)
def test_the_same_fleet_sends_the_same_bytes_in_the_order_of_time(fleet: Fleet, hours: int) -> None:
    """Made anew; longer or shorter is only more or less of the same; and nothing is from before the start."""
    first = sent(fleet, hours)
    again = Fleet(**{name: getattr(fleet, name) for name in Fleet.__dataclass_fields__})
    assert sent(again, hours) == first
    assert sent(again, hours + 5)[: len(first)] == first
    assert [timed.at_ms for timed in first] == sorted(timed.at_ms for timed in first)
    assert all(timed.at_ms >= START_MS for timed in first)


@given(fleet=fleets(), more=st.integers(1, 4))
@settings(max_examples=30)
def test_a_patient_is_the_same_in_a_larger_ward(fleet: Fleet, more: int) -> None:
    """Of a pair at least, because two devices may be mixed up."""
    whole = fleet.patients // 2 * 2
    larger = Fleet(**{name: getattr(fleet, name) for name in Fleet.__dataclass_fields__} | {"patients": whole + more})
    known = set(larger.devices()[:whole])
    few, many = ([timed for timed in sent(one, 12) if timed.device in known] for one in (fleet, larger))
    assert few == many


@given(fleet=fleets(tuple(name for name in KNOWN_FAULTS if name != "artefacts"), SENDERS), hours=st.integers(10, 60))
@settings(max_examples=60)
def test_values_are_those_of_a_living_body(fleet: Fleet, hours: int) -> None:
    """Whatever goes wrong, but for artefacts, nothing is refused and no value is beyond what can be lived."""
    for timed in sent(fleet, hours):
        message = decode(timed.payload, device=timed.device, received_ms=timed.at_ms)
        assert not message.refused
        for reading in message.readings:
            low, high = LIVING[reading.vital]
            assert reading.value is not None
            assert low <= reading.value <= high, reading


@given(fleet=fleets())
@settings(max_examples=20)
def test_the_order_in_which_faults_are_asked_for_does_not_matter(fleet: Fleet) -> None:
    """What is measured goes wrong before what is sent."""
    turned = {name: getattr(fleet, name) for name in Fleet.__dataclass_fields__} | {"faults": fleet.faults[::-1]}
    assert sent(Fleet(**turned), 20) == sent(fleet, 20)


@given(fleet=fleets())
@settings(max_examples=40)
def test_an_id_stands_for_one_message_for_ever(fleet: Fleet) -> None:
    """A message that comes twice is the same both times, whatever its faults: the ward may forget the second."""
    said: dict[tuple[str, str | None], set[bytes]] = defaultdict(set)
    for timed in sent(fleet, 30):
        message = decode(timed.payload, device=timed.device, received_ms=timed.at_ms)
        assert message.id is not None
        said[timed.device, message.id].add(timed.payload)
    assert all(len(payloads) == 1 for payloads in said.values())
