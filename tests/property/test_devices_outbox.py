"""The outbox: whatever is lost on the way, everything arrives, in each device's order, and nothing without need."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.outbox import RESEND_MOST, Outbox
from devices.spool import Kept

FOREVER = 10_000.0


def kept(device: str, number: int) -> Kept:
    """Make a message on disk."""
    return Kept(device, f"m-{number}", 0, 0)


def filled(devices: int, each: int, *, window: int = 1) -> Outbox:
    """Make an outbox with messages of several devices."""
    outbox = Outbox(window=window)
    for number in range(each):
        for device in range(devices):
            outbox.add(kept(f"d-{device}", number))
    return outbox


def names(chosen: list[Kept]) -> list[str]:
    """The ids of messages chosen."""
    return [one.message_id for one in chosen]


def test_one_message_of_a_device_is_in_flight_at_a_time() -> None:
    """The next goes when the first has its receipt, and not before."""
    outbox = filled(1, 3)
    assert names(outbox.take(0.0, 9)) == ["m-0"]
    assert outbox.take(0.1, 9) == []
    outbox.receipted("d-0", "m-0", 0.2)
    assert names(outbox.take(0.2, 9)) == ["m-1"]


def test_devices_do_not_wait_for_each_other() -> None:
    """Each has its own window; the room is shared in turn, so that none is starved."""
    outbox = filled(4, 2)
    first = outbox.take(0.0, 3)
    second = outbox.take(0.0, 3)
    assert {one.device for one in [*first, *second]} == {"d-0", "d-1", "d-2", "d-3"}
    assert len(first) == 3


def test_a_message_without_a_receipt_goes_again_later_and_later() -> None:
    """After 3 s, then 6, 12 and 24 more, then every 30: a ward that is away for a day is not flooded."""
    outbox = filled(1, 2)
    sent = [moment for moment in range(121) if outbox.take(float(moment), 9)]
    assert sent == [0, 3, 9, 21, 45, 75, 105]
    assert RESEND_MOST == 30


def test_a_receipt_brings_the_first_wait_back() -> None:
    """Progress is the sign that the ward is there."""
    outbox = filled(1, 2)
    for moment in (0.0, 3.0, 9.0):
        assert names(outbox.take(moment, 9)) == ["m-0"]
    outbox.receipted("d-0", "m-0", 10.0)
    assert names(outbox.take(10.0, 9)) == ["m-1"]
    assert outbox.take(12.9, 9) == []
    assert names(outbox.take(13.0, 9)) == ["m-1"]


def test_going_back_to_the_oldest_sends_the_whole_window_again_in_order() -> None:
    """With more in flight, what followed the lost one goes again too."""
    outbox = filled(1, 4, window=3)
    assert names(outbox.take(0.0, 9)) == ["m-0", "m-1", "m-2"]
    outbox.receipted("d-0", "m-1", 1.0)
    assert names(outbox.take(1.0, 9)) == ["m-3"]
    assert names(outbox.take(3.0, 9)) == ["m-0", "m-2", "m-3"]


def test_receipts_of_later_messages_do_not_put_off_the_oldest() -> None:
    """Its own timer runs on while others come and go."""
    outbox = filled(1, 50, window=2)
    outbox.take(0.0, 9)
    for number in range(1, 40):
        outbox.receipted("d-0", f"m-{number}", number / 20)
        outbox.take(number / 20, 9)
    assert "m-0" in names(outbox.take(3.0, 9))


def test_a_new_connection_begins_at_the_oldest_at_once() -> None:
    """Whatever was in flight may have been lost with the old one."""
    outbox = filled(2, 2)
    outbox.take(0.0, 9)
    outbox.restart()
    assert len(outbox.take(0.1, 9)) == 2
    assert outbox.take(0.2, 9) == []


def test_a_message_that_the_broker_took_for_nobody_waits_its_full_time() -> None:
    """From when that was said, not from when it was sent."""
    outbox = filled(1, 1)
    outbox.take(0.0, 9)
    outbox.refused("d-0", 2.0)
    assert outbox.take(4.9, 9) == []
    assert outbox.next_due() is not None
    assert names(outbox.take(5.0, 9)) == ["m-0"]


def test_words_about_messages_that_are_not_there_change_nothing() -> None:
    """Receipts twice, of others' messages, and refusals after the last receipt."""
    outbox = filled(1, 1)
    outbox.receipted("d-9", "m-0", 0.0)
    outbox.receipted("d-0", "m-9", 0.0)
    outbox.refused("d-9", 0.0)
    assert outbox.next_due() is None
    outbox.take(0.0, 9)
    outbox.receipted("d-0", "m-0", 0.1)
    outbox.receipted("d-0", "m-0", 0.1)
    outbox.refused("d-0", 0.1)
    assert outbox.take(FOREVER, 9) == []


steps = st.lists(
    st.tuples(
        st.sampled_from(["arrives", "lost", "receipt lost", "reconnect", "refused"]),
        st.integers(1, 4),
        st.floats(0, 40),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(steps, st.integers(1, 3), st.integers(1, 4), st.integers(0, 6))
def test_everything_arrives_in_order_whatever_is_lost(
    weather: list[tuple[str, int, float]], devices: int, window: int, each: int
) -> None:
    """Losses of messages, receipts and connections, then quiet: nothing is missing, and a window of 1 keeps order."""
    outbox = filled(devices, each, window=window)
    arrived: dict[str, list[str]] = defaultdict(list)
    now = 0.0
    for fate, room, passed in [*weather, *[("arrives", 9, RESEND_MOST)] * (each * devices + 3)]:
        now += passed
        if fate == "reconnect":
            outbox.restart()
        for one in outbox.take(now, room):
            if fate == "refused":
                outbox.refused(one.device, now)
            elif fate != "lost":
                if one.message_id not in arrived[one.device]:
                    arrived[one.device].append(one.message_id)
                if fate == "arrives":
                    outbox.receipted(one.device, one.message_id, now)
    assert outbox.take(now + FOREVER, 99) == []
    for device in range(devices):
        got = arrived[f"d-{device}"]
        assert sorted(got, key=lambda name: int(name[2:])) == [f"m-{number}" for number in range(each)]
        if window == 1:
            assert got == sorted(got, key=lambda name: int(name[2:]))
