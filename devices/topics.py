"""The grammar of MQTT topics, built and parsed.

Here: which ward, device and kind of message a topic names. Not here: connections, payloads, and who may publish what.
"""

import functools
import re
from typing import Final, NamedTuple

from devices.errors import TopicError

DEFAULT_PREFIX: Final = "vwmon"
KINDS: Final = frozenset({"readings", "receipts", "status", "answers", "requests"})
NOT_DEVICES: Final = frozenset({"alerts", "monitor"})

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Topic(NamedTuple):
    """The ward, the device and the kind of message that a topic names."""

    ward: str
    device: str
    kind: str


def ward_name(name: str) -> str:
    """Return `name` if a ward may be called so; TopicError otherwise."""
    if not _NAME.fullmatch(name):
        raise TopicError(f"{name!a} is no ward's name: a to z, 0 to 9 and hyphens, at most 63, not first a hyphen")
    return name


def device_name(name: str) -> str:
    """Return `name` if a device may be called so; TopicError otherwise."""
    if not _NAME.fullmatch(name) or name in NOT_DEVICES:
        raise TopicError(
            f"{name!a} is no device's name: a to z, 0 to 9 and hyphens, at most 63, not first a hyphen; "
            "alerts and monitor are none"
        )
    return name


def is_name(text: str) -> bool:
    """Tell whether a device may be called so."""
    return _NAME.fullmatch(text) is not None and text not in NOT_DEVICES


@functools.lru_cache(maxsize=65536)
def parse(topic: str, prefix: str = DEFAULT_PREFIX) -> Topic:
    """Return what a device's topic names; TopicError for any other topic."""
    levels = topic.removeprefix(f"{prefix}/").split("/")
    if not topic.startswith(f"{prefix}/") or len(levels) != len(Topic._fields) or levels[2] not in KINDS:
        raise TopicError(f"{topic!a} is not {prefix}/WARD/DEVICE/KIND, with KIND one of {', '.join(sorted(KINDS))}")
    return Topic(ward_name(levels[0]), device_name(levels[1]), levels[2])


def _of_device(prefix: str, ward: str, device: str, kind: str) -> str:
    return f"{prefix}/{ward_name(ward)}/{device_name(device)}/{kind}"


def spoken_topic(prefix: str, ward: str, device: str, kind: str) -> str:
    """Return where a device publishes what it says: readings, or answers."""
    return {"readings": readings_topic, "answers": answers_topic}[kind](prefix, ward, device)


def readings_topic(prefix: str, ward: str, device: str) -> str:
    """Return where a device publishes its readings; TopicError for a ward or device that cannot be."""
    return _of_device(prefix, ward, device, "readings")


def receipts_topic(prefix: str, ward: str, device: str) -> str:
    """Return where a device learns which of its messages are stored for good."""
    return _of_device(prefix, ward, device, "receipts")


def status_topic(prefix: str, ward: str, device: str) -> str:
    """Return where a device says, retained, that it is online, and its Will that it is not."""
    return _of_device(prefix, ward, device, "status")


def requests_topic(prefix: str, ward: str, device: str) -> str:
    """Return where a device is asked to repeat a reading or to show something."""
    return _of_device(prefix, ward, device, "requests")


def answers_topic(prefix: str, ward: str, device: str) -> str:
    """Return where a device publishes a questionnaire's answers."""
    return _of_device(prefix, ward, device, "answers")


def monitor_status_topic(prefix: str, ward: str) -> str:
    """Return where the daemon says, retained, that the ward is being monitored, and its Will that it is not."""
    return f"{prefix}/{ward_name(ward)}/monitor/status"


def alert_topic(prefix: str, ward: str, alert_id: str) -> str:
    """Return where the daemon keeps, retained, how an open alert of a ward stands."""
    return f"{prefix}/{ward_name(ward)}/alerts/{alert_id}"


def requests_filter(prefix: str, ward: str) -> str:
    """Return the filter of every request to a device of a ward."""
    return f"{prefix}/{ward_name(ward)}/+/requests"


def readings_filter(prefix: str) -> str:
    """Return the filter of every device's readings, on every ward."""
    return f"{prefix}/+/+/readings"


def receipts_filter(prefix: str, ward: str) -> str:
    """Return the filter of every receipt on a ward."""
    return f"{prefix}/{ward_name(ward)}/+/receipts"
