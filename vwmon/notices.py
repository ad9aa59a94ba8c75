"""What people are told of an alert, in words. Nothing that identifies a person, and nothing that was measured. Pure.

A message passes through networks and screens that are not the ward's. It says that something waits, how urgent it is
and where to look; who the patient is stands on the list alone.
"""

from datetime import UTC, datetime

from alerts import wording
from alerts.model import State
from vwmon.store.outbox import Notice

STATES = {
    State.NEW: "NEW",
    State.ACKNOWLEDGED: "ACKED",
    State.RERAISED: "RERAISED",
    State.SETTLED: "SETTLED",
    State.CLOSED: "CLOSED",
}
WHOLE_SERVICE = "the whole service"
TEST = "vwmon: a test message"
TEST_TEXT = "This is a test of vwmon's channel {channel}. No patient is concerned, and nothing needs to be done."


def message(notice: Notice, now_ms: int) -> tuple[str, str]:
    """Give subject and text of a notification. A message that comes twice has the same reference."""
    where = WHOLE_SERVICE if notice.ward is None else f"ward {notice.ward}"
    head = f"{wording.mark(notice.lane, notice.level)} {notice.id} {where}: {STATES[notice.state]}, tier {notice.tier}"
    lines = [
        head,
        _owed(notice, now_ms),
        f"vwmon alerts show {notice.id}",
        f"reference {notice.id}-{notice.cycle}-{notice.tier}-{notice.turn}",
    ]
    return f"vwmon {head}", "\n".join(lines)


def test_message(channel: str) -> tuple[str, str]:
    """Give subject and text of a message that only tests a channel."""
    return TEST, TEST_TEXT.format(channel=channel)


def _owed(notice: Notice, now_ms: int) -> str:
    """Say when an answer is or was owed, on the clock and in a span: the message may be read late."""
    if notice.owed_ms is None:
        return "an answer is owed now"
    at = datetime.fromtimestamp(notice.owed_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    late_ms = now_ms - notice.owed_ms
    if late_ms > 0:
        return f"an answer has been owed for {wording.ago(late_ms)}, since {at}"
    return f"an answer is owed within {wording.ago(-late_ms)}, by {at}"
