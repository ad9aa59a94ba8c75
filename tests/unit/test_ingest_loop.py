"""The ingest: what becomes of each message, and in which order things happen."""

import json
import logging
import threading
from collections.abc import Sequence

import pytest

from devices.readings import Message
from devices.simulator.fleet import time_text
from vwmon import ingest
from vwmon.clock import Clock
from vwmon.ingest import REASONS, Confirmed, DeviceStatus, Ingest
from vwmon.intake.protocol import Batch, LinkState, Packet
from vwmon.store.arrivals import Appended, Arrival, Quarantined

NOW_MS = 1_795_000_000_000
GOOD = {"v": 1, "id": "m-1", "time": "2026-11-18T10:00:00Z", "readings": [{"vital": "spo2", "value": 97}]}


def packet(payload: object = GOOD, *, topic: str = "vwmon/resp/dev-1/readings", **changed: object) -> Packet:
    """Make a message as the intake gives it."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    fields = {"received_ms": NOW_MS, "content_type": "", "retain": False, "mid": 1, "oversize": False} | changed
    return Packet(topic=topic, payload=content, **fields)  # type: ignore[arg-type]


class FixedClock(Clock):
    """A clock that stands still."""

    def now_ms(self) -> int:
        """Tell the one time there is."""
        return NOW_MS


class Story:
    """An intake, a log and a listener that write down what is asked of them, in order."""

    connected = True

    def __init__(self, *batches: list[Packet]) -> None:
        """Have these batches to give."""
        self.batches = list(batches)
        self.told: list[tuple[str, object]] = []
        self.arrivals: list[Arrival] = []
        self.quarantined: list[Quarantined] = []
        self.receipts: list[tuple[str, bytes]] = []
        self.statuses: list[tuple[str, DeviceStatus, int]] = []
        self.confirmed: list[Confirmed] = []
        self.stop = threading.Event()
        self.failure: Exception | None = None
        self.measured: list[list[int]] = []
        self.ingest = Ingest(
            intake=self,
            log=self,
            clock=FixedClock(),
            on_commit=lambda: self.told.append(("commit", None)),
            statuses=self.note,
            confirmations=self.confirm,
            made_up="canary",
            hear=lambda measured: self.measured.append(list(measured)),
        )

    def run(self) -> "Story":
        """Let the ingest take everything."""
        self.ingest.run(self.stop)
        return self

    def take(self, timeout_s: float) -> Batch:
        """Give the next batch; the last one stops the loop."""
        assert 0 < timeout_s <= 1
        if len(self.batches) <= 1:
            self.stop.set()
        return Batch(packets=self.batches.pop(0) if self.batches else [], connection=1)

    def append(self, arrivals: Sequence[Arrival], quarantined: Sequence[Quarantined], recorded_ms: int) -> Appended:
        """Take a batch to the log."""
        self.told.append(("append", recorded_ms))
        if self.failure:
            raise self.failure
        self.arrivals += arrivals
        self.quarantined += quarantined
        stored = sum(len(arrival.message.readings) for arrival in arrivals)
        return Appended(stored=stored, duplicates=1, refused=2, quarantined=len(quarantined), last_seq=stored)

    def note(self, said: Sequence[tuple[str, DeviceStatus, int]]) -> None:
        """Take statuses."""
        self.told.append(("statuses", len(said)))
        self.statuses += said

    def confirm(self, said: Sequence[Confirmed]) -> Sequence[Confirmed]:
        """Take confirmations; of m9 nobody knows."""
        self.told.append(("confirmations", len(said)))
        self.confirmed += said
        return [one for one in said if one.confirmation.request == "m9"]

    def done(self, batch: Batch, receipts: Sequence[tuple[str, bytes]]) -> None:
        """Take receipts and acknowledgements."""
        self.told.append(("done", [one.mid for one in batch.packets]))
        self.receipts += receipts

    def abandon(self) -> None:
        """Be dropped."""
        self.told.append(("abandon", None))

    def close(self) -> None:
        """Be closed."""
        self.told.append(("close", None))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> None:
        """Never asked for here."""
        raise AssertionError(topic, payload, retain, expiry_s)

    def state(self) -> LinkState:
        """Never asked for here."""
        raise AssertionError


SAID = {"v": 1, "id": "a-1", "time": "2026-11-18T10:00:00Z", "questionnaire": "wellbeing", "version": "1"}
ANSWERS = SAID | {"answers": {"compared": "worse", "what": "other", "sudden": False}}
READ = {"v": 1, "id": "c-1", "time": "2026-11-18T10:00:00Z", "request": "m7", "state": "read"}
ON_ANSWERS = {"topic": "vwmon/resp/dev-1/answers"}


def test_answers_go_to_the_log_as_readings_and_are_receipted() -> None:
    """Whole, on the device's own topic of receipts."""
    story = Story([packet(ANSWERS, **ON_ANSWERS)]).run()
    (arrival,) = story.arrivals
    assert [reading.vital for reading in arrival.message.readings] == [
        "answer:wellbeing.compared",
        "answer:wellbeing.what",
        "answer:wellbeing.sudden",
        "answers:wellbeing",
    ]
    assert (arrival.device, arrival.message.id) == ("dev-1", "a-1")
    assert story.receipts == [("vwmon/resp/dev-1/receipts", b'{"v":1,"ids":["a-1"]}')]


@pytest.mark.parametrize(
    ("payload", "changed", "reason", "receipted"),
    [
        (ANSWERS, {"retain": True}, "retained", True),
        (ANSWERS, {"oversize": True}, "too_large", False),
        (b"{", {}, "not_json", False),
        (SAID | {"answers": {}}, {}, "answers_missing", True),
        (ANSWERS | {"questionnaire": "mood"}, {}, "questionnaire_unknown", True),
        (READ | {"state": "burnt"}, {}, "confirmation_invalid", True),
        (READ | {"request": "m9"}, {}, "request_unknown", True),
    ],
)
def test_answers_that_cannot_be_used_are_kept_with_their_reason(
    payload: object, changed: dict[str, object], reason: str, receipted: bool
) -> None:
    """In quarantine; a device that gave an id need not send them again."""
    story = Story([packet(payload, **{**ON_ANSWERS, **changed})]).run()  # type: ignore[arg-type]
    assert [one.reason for one in story.quarantined] == [reason]
    assert story.quarantined[0].device == "dev-1"
    assert bool(story.receipts) is receipted
    assert story.arrivals == []


def test_a_confirmation_is_noted_before_its_receipt_and_is_no_reading() -> None:
    """Who is told that it is kept may forget it."""
    story = Story([packet(READ, **ON_ANSWERS), packet(ANSWERS, **ON_ANSWERS)]).run()
    assert [(one.device, one.confirmation.request, one.confirmation.state) for one in story.confirmed] == [
        ("dev-1", "m7", "read")
    ]
    assert [what for what, _ in story.told] == ["confirmations", "append", "commit", "done", "close"]
    assert story.receipts == [("vwmon/resp/dev-1/receipts", b'{"v":1,"ids":["c-1","a-1"]}')]


@pytest.mark.hazard("H1")
def test_commit_comes_before_receipts_and_acknowledgements() -> None:
    """A device or a broker may forget a message only after it is on disk."""
    story = Story([packet(mid=4), packet(GOOD | {"id": "m-2"}, mid=5)]).run()
    assert story.told == [("append", NOW_MS), ("commit", None), ("done", [4, 5]), ("close", None)]


@pytest.mark.hazard("H1")
def test_a_failed_commit_acknowledges_nothing_and_drops_the_connection() -> None:
    """The process ends, and everything that was not stored comes again."""
    story = Story([packet()])
    story.failure = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        story.run()
    assert story.told == [("append", NOW_MS), ("abandon", None)]


def test_a_device_gets_one_receipt_a_batch_with_all_its_ids() -> None:
    """Repeats get theirs again: the first one may have been lost."""
    other = packet(GOOD | {"id": "x"}, topic="vwmon/resp/dev-2/readings")
    story = Story([packet(), other, packet(GOOD | {"id": "m-2"}), packet()]).run()
    assert story.receipts == [
        ("vwmon/resp/dev-1/receipts", b'{"v":1,"ids":["m-1","m-2","m-1"]}'),
        ("vwmon/resp/dev-2/receipts", b'{"v":1,"ids":["x"]}'),
    ]


def test_receipts_stay_small_and_valid_json() -> None:
    """A device whose largest packet is a few kilobytes gets every id, also one that needs escaping."""
    ids = [f'"{number}" \\ é' for number in range(150)]
    story = Story([packet(GOOD | {"id": key}) for key in ids]).run()
    read = [json.loads(payload) for _, payload in story.receipts]
    assert [key for receipt in read for key in receipt["ids"]] == ids
    assert max(len(receipt["ids"]) for receipt in read) <= 64


def test_a_message_without_an_id_is_stored_without_a_receipt() -> None:
    """Such a device knows nothing of receipts."""
    story = Story([packet({key: value for key, value in GOOD.items() if key != "id"})]).run()
    assert (len(story.arrivals), story.receipts) == (1, [])


@pytest.mark.hazard("H5", "T5")
@pytest.mark.parametrize(
    ("bad", "reason", "receipted"),
    [
        (packet(b"{"), "not_json", False),
        (packet(GOOD | {"device": "dev-9"}), "other_device", True),
        (packet(retain=True), "retained", True),
        (packet(b"\xff", retain=True), "retained", False),
        (packet(b"{" * 65_537, oversize=True), "too_large", False),
        (packet(b" " * 65_537), "too_large", False),
        (packet(content_type="application/fhir+xml"), "content_type_not_supported", False),
        (packet(topic="vwmon/resp/Bad Name/readings"), "topic_unknown", False),
        (packet(topic="elsewhere/resp/dev-1/readings"), "topic_unknown", False),
        (packet(topic=""), "topic_unknown", False),
        (packet(b"[1]", topic="vwmon/resp/dev-1/status"), "status_invalid", False),
        (packet({"status": "dozing"}, topic="vwmon/resp/dev-1/status"), "status_invalid", False),
        (packet(b"[" * 60_000, topic="vwmon/resp/dev-1/status"), "status_invalid", False),
        (packet(b'{"status":"\xff"}', topic="vwmon/resp/dev-1/status"), "status_invalid", False),
    ],
)
def test_what_cannot_be_used_is_kept_with_its_reason(bad: Packet, reason: str, receipted: bool) -> None:
    """Nothing is dropped, nothing stops, and what is behind it is stored."""
    story = Story([bad, packet(GOOD | {"id": "next"})]).run()
    assert [(one.reason, one.payload, one.topic) for one in story.quarantined] == [(reason, bad.payload, bad.topic)]
    assert [arrival.message.id for arrival in story.arrivals] == ["next"]
    assert any(b"m-1" in payload for _, payload in story.receipts) == receipted


@pytest.mark.hazard("H2")
def test_an_unforeseen_error_of_the_decoder_is_quarantined_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault in our own code is loud, and neither loses the message nor stops the loop."""

    def broken(payload: bytes, **_: object) -> Message:
        raise ZeroDivisionError(f"in the table, at {len(payload)}")

    monkeypatch.setattr(ingest, "decode", broken)
    with caplog.at_level(logging.ERROR):
        story = Story([packet()]).run()
    assert [(one.reason, one.detail) for one in story.quarantined] == [("unreadable", "ZeroDivisionError")]
    assert "ingest.unreadable topic=vwmon/resp/dev-1/readings" in caplog.text
    assert "97" not in caplog.records[0].getMessage()
    assert story.told[-2] == ("done", [1])


def test_our_own_status_is_acknowledged_and_forgotten() -> None:
    """The filter for the devices' statuses matches the monitor's own, which is no device's."""
    story = Story([packet(b'{"status":"online"}', topic="vwmon/resp/monitor/status", retain=True)]).run()
    assert story.told == [("done", [1]), ("close", None)]


def test_a_status_is_noted_before_it_is_acknowledged() -> None:
    """Online, offline, battery and firmware; a cleared status says nothing."""
    said = {"status": "online", "battery_percent": 81, "firmware": "1.2", "more": [1]}
    topic = "vwmon/resp/dev-1/status"
    story = Story([packet(said, topic=topic, retain=True), packet(b"", topic=topic)]).run()
    assert story.statuses == [("dev-1", DeviceStatus(status="online", battery_percent=81, firmware="1.2"), NOW_MS)]
    assert story.told == [("statuses", 1), ("done", [1, 1]), ("close", None)]


def test_every_message_and_every_reading_is_counted_once() -> None:
    """Usable, quarantined, what a device says of itself, or passed over: our own status, and one that was cleared."""
    status = {"status": "online"}
    story = Story(
        [
            packet(),
            packet(b"{"),
            packet(topic="elsewhere"),
            packet(status, topic="vwmon/resp/dev-1/status"),
            packet(b"", topic="vwmon/resp/dev-1/status"),
            packet(READ, **ON_ANSWERS),
            packet(READ | {"request": "m9"}, **ON_ANSWERS),
        ],
        [packet(status, topic="vwmon/resp/monitor/status")],
    ).run()
    counts = story.ingest.counts
    assert (counts.messages, counts.usable, counts.quarantined) == (8, 1, 3)
    assert (counts.statuses, counts.passed_over, counts.readings) == (2, 2, 1)
    assert counts.astray == 1 + 2, "the log of this test answers with a repeat and two refusals that there were not"


def test_the_counts_say_what_was_done_and_that_the_loop_lives() -> None:
    """The watchdog looks at the turns, the screens at the rest."""
    story = Story([packet(), packet(b"{")], [], [packet()]).run()
    counts = story.ingest.counts
    assert (counts.turns, counts.messages, counts.stored, counts.quarantined) == (3, 3, 2, 1)
    assert (counts.duplicates, counts.refused, counts.last_received_ms) == (2, 4, NOW_MS)


@pytest.mark.hazard("H2")
def test_rubbish_is_not_heard_as_a_sign_of_life() -> None:
    """A ward whose devices all say what cannot be read is a silent one, and must be alarmed as such."""
    later = NOW_MS + 60_000
    story = Story([packet()], [packet(b"{", received_ms=later)]).run()
    assert (story.ingest.counts.last_received_ms, story.ingest.counts.quarantined) == (NOW_MS, 1)


@pytest.mark.hazard("H7")
def test_devices_clocks_are_heard_and_nothing_that_says_no_time() -> None:
    """Once a message: not what was stamped with its receipt, not what is refused, and not the canary's."""
    at_ms = NOW_MS - 240_000
    timeless = {"v": 1, "id": "m-2", "readings": [{"vital": "spo2", "value": 97}]}
    refused = GOOD | {"id": "m-3", "readings": [{"vital": "spo2", "value": 970}]}
    made_up = packet(GOOD | {"id": "m-4"}, topic="vwmon/resp/canary/readings")
    said = {"time": time_text(at_ms), "id": "m-5"}
    story = Story([packet(), packet(timeless), packet(refused), made_up], [packet(GOOD | said)]).run()
    assert [len(one) for one in story.measured] == [1, 1]
    assert story.measured[1] == [at_ms]


def test_every_reason_is_a_sentence() -> None:
    """A person reads them in the quarantine's list."""
    assert all(reason.endswith(".") and reason[0].isupper() for reason in REASONS.values())
