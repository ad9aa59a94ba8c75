"""A daemon that tells people, as a process beside a real broker and a webhook: kills, failures, and who is named."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.integration.broker import Broker, running_broker, wait_until
from tests.integration.told_daemon import BETTER, NOTE, SECRETS, SICK, Device, Hub, device
from tests.integration.webhook import DROP, LATE, REFUSE, SILENT, SLOW, TAKE, Webhook, listening
from vwmon.store import database

TOLD = "select state from notification where state = 'told'"
READY_S = 60  # a start beside other work


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """A webhook."""
    with listening() as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path, broker: Broker, hook: Webhook) -> Hub:
    """A hub beside them, whose daemon does not run yet."""
    return Hub(tmp_path, broker.port, hook)


def falls_ill(hub: Hub, broker: Broker) -> None:
    """Have the patient's device send what is an emergency, to a daemon that runs."""
    wait_until(hub.connected, "the daemon has its broker", READY_S)
    with device(broker.port) as oximeter:
        oximeter.sends(*SICK)


def test_an_emergency_is_told_at_once_and_once(hub: Hub, broker: Broker, hook: Webhook) -> None:
    """Alert, ward, level, state and tier; a daemon that starts again does not tell it again."""
    for _ in range(2):
        with hub.running():
            falls_ill(hub, broker)
            wait_until(lambda: bool(hub.rows(TOLD)), "someone is told")
    (alert,) = hub.listed()
    assert hook.subjects == [f"vwmon L3 {alert['id']} ward resp: NEW, tier 1"]


@pytest.mark.hazard("H3")
@pytest.mark.parametrize("answer", [REFUSE, SILENT, DROP, SLOW, LATE, "down"])
def test_a_channel_in_trouble_delivers_when_it_is_well(hub: Hub, broker: Broker, hook: Webhook, answer: str) -> None:
    """Down, no answer, an error, none after the message, one that is slow, or comes too late: told in the end, once."""
    with hub.running():
        wait_until(hub.connected, "the daemon has its broker", READY_S)
        if answer == "down":
            hook.stop()
        else:
            hook.answer = answer
        falls_ill(hub, broker)
        if answer == SLOW:
            wait_until(lambda: hook.tried > 0, "it was tried")
        else:
            wait_until(lambda: bool(hub.rows("select 1 from delivery where attempts > 1")), "it was tried twice")
            assert hub.rows(TOLD) == []
        if answer == "down":
            hook.start()
        hook.answer = TAKE
        wait_until(lambda: bool(hub.rows(TOLD)), "someone is told", deadline_s=60)
    assert answer in {*hook.answered, "down"}
    assert len(hook.posted) == 1 or answer in {DROP, LATE}
    assert len({post["message"].splitlines()[-1] for post in hook.posted}) == 1


# (module, owner, function, before or after what it does): between the commit of the alert and the mark of its message.
MOMENTS = [
    ("vwmon.store", "outbox", "fresh", "before"),
    ("vwmon.store", "outbox", "address", "before"),
    ("vwmon.store", "outbox", "address", "after"),
    ("vwmon.channels", "AppriseAddress", "send", "before"),
    ("vwmon.channels", "AppriseAddress", "send", "after"),
    ("vwmon.store", "outbox", "mark_sent", "before"),
    ("vwmon.store", "outbox", "mark_sent", "after"),
]


@pytest.mark.hazard("H3")
@pytest.mark.parametrize(("module", "owner", "name", "when"), MOMENTS, ids=str)
def test_a_daemon_that_is_killed_loses_no_message(  # noqa: PLR0917 -- fixtures and the moment
    hub: Hub, broker: Broker, hook: Webhook, module: str, owner: str, name: str, when: str
) -> None:
    """Killed between the alert's commit, its sending and its mark: told all the same, and a repeat is the same."""
    with hub.running():
        wait_until(hub.connected, "the daemon has its broker", READY_S)
        hook.answer = REFUSE
        falls_ill(hub, broker)
        wait_until(lambda: hook.tried > 0, "it was tried")
    sent_before = hub.rows("select count(*) from alert_event where kind = 'raised'")
    hub_forgets_whom(hub)
    hook.answer = TAKE
    with hub.running(hub.killed_in(module, owner, name, when)) as daemon:
        assert daemon.wait(30) == -9
    with hub.running():
        wait_until(lambda: bool(hub.rows(TOLD)), "someone is told", deadline_s=60)
    assert hub.rows("select count(*) from alert_event where kind = 'raised'") == sent_before
    (alert,) = hub.listed()
    assert {post["title"] for post in hook.posted} == {f"vwmon L3 {alert['id']} ward resp: NEW, tier 1"}
    assert {post["message"].splitlines()[-1] for post in hook.posted} == {f"reference {alert['id']}-1-1-1"}
    repeated = (name, when) in {("send", "after"), ("mark_sent", "before"), ("mark_sent", "after")}
    assert len(hook.posted) == (2 if repeated else 1)


def hub_forgets_whom(hub: Hub) -> None:
    """Take back whom the message goes to, so that the next daemon begins with the row of the alert's transaction."""
    with closing(database.open_writer(hub.db)) as db, database.atomic(db):
        db.execute("delete from delivery")


@pytest.mark.hazard("H22")
def test_nothing_that_leaves_the_daemon_names_anyone(hub: Hub, broker: Broker, hook: Webhook) -> None:
    """Everything posted, published and logged, through an alert's whole life, against all that is known of them."""
    with hub.running(), device(broker.port) as oximeter:
        wait_until(hub.connected, "the daemon has its broker", READY_S)
        oximeter.sends(*SICK)
        wait_until(lambda: len(hook.posted) == 1, "someone is told")
        (alert,) = hub.listed()
        hub.acts("ack", alert["id"], "-m", NOTE)
        wait_until(lambda: "acknowledged" in states(oximeter), "the acknowledgement is published")
        oximeter.sends(*SICK, ("systolic_bp", 85))
        wait_until(lambda: len(hook.posted) == 2, "it is told that it is worse")
        hub.acts("ack", alert["id"], "-m", NOTE)
        oximeter.sends(*BETTER)
        hub.acts("close", alert["id"], "--outcome", "transferred", "-m", NOTE)
        wait_until(lambda: (alert["id"], None, False) in oximeter.alert_topics(), "the alert is cleared")
        ours = [(t, b) for t, b, _ in oximeter.seen if not t.endswith("/readings")]
    assert {"new", "acknowledged", "reraised"} <= states(oximeter)
    everything = repr(hook.posted) + hub.log() + "".join(f"{topic}{body.decode()}" for topic, body in ours)
    assert [secret for secret in SECRETS if secret in everything] == []
    assert [secret for secret in SECRETS if secret.encode("unicode_escape").decode() in everything] == []


def states(oximeter: Device) -> set[str]:
    """Give every state of a clinical alert that was published."""
    said = [content for _, content, _ in oximeter.alert_topics() if content is not None]
    return {content["state"] for content in said if content["lane"] == "clinical"}


def test_a_channel_without_its_file_stops_the_start(hub: Hub) -> None:
    """Exit code 8 and a sentence: a daemon that cannot tell anyone must not look as if it could."""
    (hub.folder / "pager.urls").unlink()
    with hub.running() as daemon:
        assert daemon.wait(30) == 8
    assert hub.log() == f"error: {hub.folder / 'pager.urls'}: No such file or directory\n"


def test_the_status_says_what_waits(hub: Hub, broker: Broker, hook: Webhook) -> None:
    """How many, how long the oldest, and then that nobody is waiting any more."""

    def asked() -> dict[str, object]:
        return dict(json.loads(Command()("status", "--config", hub.config, "--json").stdout))

    hook.answer = REFUSE
    with hub.running():
        falls_ill(hub, broker)
        wait_until(lambda: hook.tried > 0, "it was tried")
        said = asked()
        assert said["people_are_told"] is True
        assert said["notifications_waiting"] == 1
        assert isinstance(said["notifications_oldest_seconds"], float)
        hook.answer = TAKE
        wait_until(lambda: asked()["notifications_waiting"] == 0, "nothing waits", deadline_s=60)
