"""The grammar of topics."""

import pytest

from devices import topics
from devices.errors import TopicError


def test_a_topic_built_is_the_topic_parsed() -> None:
    """Every kind there and back, under any prefix."""
    build = {
        "readings": topics.readings_topic,
        "receipts": topics.receipts_topic,
        "status": topics.status_topic,
        "requests": topics.requests_topic,
        "answers": topics.answers_topic,
    }
    assert set(build) == topics.KINDS
    for prefix in ("vwmon", "nhs/north/vwmon"):
        for kind, built in build.items():
            text = built(prefix, "resp", "dev-1")
            assert text == f"{prefix}/resp/dev-1/{kind}"
            assert topics.parse(text, prefix) == ("resp", "dev-1", kind)


def test_the_daemons_topics_and_filters_are_the_interfaces() -> None:
    """As the public interface writes them."""
    assert topics.monitor_status_topic("vwmon", "resp") == "vwmon/resp/monitor/status"
    assert topics.readings_filter("vwmon") == "vwmon/+/+/readings"
    assert topics.receipts_filter("vwmon", "resp") == "vwmon/resp/+/receipts"


@pytest.mark.hazard("T2")
@pytest.mark.parametrize(
    "topic",
    [
        "",
        "vwmon",
        "vwmon/resp/dev-1",
        "vwmon/resp/dev-1/readings/",
        "vwmon/resp/dev-1/readings/more",
        "/vwmon/resp/dev-1/readings",
        "vwmon//dev-1/readings",
        "vwmon/resp//readings",
        "vwmon/resp/dev-1/Readings",
        "vwmon/resp/dev-1/commands",
        "vwmon/resp/Dev-1/readings",
        "vwmon/resp/-dev/readings",
        "vwmon/resp/dev_1/readings",
        "vwmon/resp/dev 1/readings",
        "vwmon/resp/dev-1\n/readings",
        "vwmon/resp/dév/readings",
        "vwmon/resp/+/readings",
        "vwmon/resp/#",
        "vwmon/resp/monitor/status",
        "vwmon/resp/alerts/readings",
        f"vwmon/resp/{'d' * 64}/readings",
        f"vwmon/{'w' * 64}/dev-1/readings",
        "other/resp/dev-1/readings",
        "$SYS/broker/uptime",
    ],
)
def test_any_other_topic_is_refused(topic: str) -> None:
    """Wrong levels, names, kinds and prefixes, wildcards, and the names that are no devices."""
    with pytest.raises(TopicError):
        topics.parse(topic)


@pytest.mark.parametrize("name", ["d", "0", "d" * 63, "a-b", "a-"])
def test_names_up_to_63_characters_are_names(name: str) -> None:
    """The longest, the shortest and the oddest."""
    assert topics.device_name(name) == topics.ward_name(name) == name


def test_a_ward_may_be_called_what_a_device_may_not() -> None:
    """`alerts` and `monitor` stand where a device would."""
    assert topics.ward_name("monitor") == "monitor"
    with pytest.raises(TopicError):
        topics.device_name("monitor")
    with pytest.raises(TopicError):
        topics.readings_topic("vwmon", "Resp", "dev-1")
