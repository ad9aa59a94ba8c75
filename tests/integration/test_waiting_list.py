"""The waiting-list pathway end to end: a real broker, a daemon as a process, a patient's hub, and the command line."""

import json
import queue
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from devices import replies, said
from devices.client import DeviceClient
from devices.questions import Question
from devices.said import Request
from tests.conftest import Command
from tests.integration.broker import DEADLINE_S, Broker, running_broker, wait_until
from tests.integration.test_published_recording import configured, run, running_daemon
from vwmon.clock import Clock

PATIENT, NAME = "waits-17", "Jonquil Przybyłowicz"
WORSE = {"compared": "worse", "what": "breathing", "sudden": "no"}
REPLY = "We have read this and moved your operation forward; a nurse rings you today."


class Hub:
    """A hub at home: it keeps what the ward asks and tells, and its patient answers or reads when the test says so."""

    def __init__(self, broker: Broker, spool: Path) -> None:
        """Connect, as device tablet-1."""
        self.came: queue.Queue[Request] = queue.Queue()
        self.client = DeviceClient("127.0.0.1", broker.port, "resp", "tablet-1", spool, on_request=self._hears)
        wait_until(lambda: self.client.trouble is None, "the hub is connected")

    def _hears(self, _device: str, asked: Request) -> None:
        self.came.put(asked)

    def next(self, kind: str, about: str = "") -> Request:
        """Wait for the next request of a kind; a questionnaire by its name."""
        while True:
            one = self.came.get(timeout=DEADLINE_S)
            name = one.questions.questionnaire if one.questions is not None else ""
            if (one.request, name) == (kind, about):
                return one

    def answers(self, asked: Request, answers: Mapping[str, str]) -> list[str]:
        """Have the patient answer; give the texts that were on the screen, and wait for the receipt."""
        seen: list[str] = []

        def screen(question: Question) -> object:
            seen.append(question.text)
            (name,) = (name for name, one in asked.questions.questions.items() if one == question)  # type: ignore[union-attr]
            return answers[name]

        self._says(replies.answered(asked, replies.put(asked, screen), Clock().now_ms()))
        return seen

    def shows(self, told: Request) -> None:
        """Put a message on the screen, and say so."""
        self._says(replies.shown(told, Clock().now_ms()))

    def reads(self, told: Request) -> None:
        """Have the patient confirm a message."""
        self._says(replies.read(told, Clock().now_ms()))

    def _says(self, message: tuple[bytes, str]) -> None:
        self.client.enqueue(*message, replies.ANSWERS)
        assert self.client.run_until_receipted(DEADLINE_S), "the ward has said that it keeps what the hub said"


class Ward:
    """The team at the command line, beside a broker and a daemon that runs."""

    def __init__(self, folder: Path, broker: Broker, config: Path, db: Path) -> None:
        """Take where things are."""
        self.folder, self.broker, self.config, self.db, self.vwmon = folder, broker, config, db, Command()

    def gives(self, *words: str) -> Any:  # noqa: ANN401 -- whatever the command prints as JSON
        """Give a command's JSON."""
        return json.loads(self.vwmon(*words, "--config", self.config, "--json").stdout)

    def says(self, *words: str) -> str:
        """Give what a command prints to people, on one line."""
        done = self.vwmon(*words, "--config", self.config)
        assert done.exit_code == 0, done.output
        return " ".join(done.stdout.split())

    def clinical(self) -> list[dict[str, Any]]:
        """Give the clinical alerts of the list."""
        return [row for row in self.gives("alerts") if row["lane"] == "clinical"]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A ward with its daemon."""
    db = tmp_path / "live.db"
    with running_broker(tmp_path, more="set_tcp_nodelay true") as broker:
        config = configured(tmp_path, db, broker)
        run(Command(), "db", "migrate", "--db", db)
        with running_daemon(config, db):
            yield Ward(tmp_path, broker, config, db)


def test_somebody_who_waits_for_heart_surgery_gets_worse_and_hears_from_the_team(ward: Ward) -> None:
    """Enrolled, asked, worse, on the list with the sentence, in hand, answered with a message, and that is read."""
    enrolled = ("--ward", "resp", "--pathway", "cardiac-surgery-waiting-list", "--born", "1951-03-17", "--name", NAME)
    ward.says("patients", "admit", PATIENT, *enrolled)
    ward.says("devices", "add", "tablet-1")
    ward.says("devices", "assign", "tablet-1", PATIENT)
    hub = Hub(ward.broker, ward.folder / "spool")
    with hub.client:
        asked = hub.next(said.QUESTIONS, "wellbeing")
        waiting = {row["questionnaire"]: row["state"] for row in ward.gives("answers", PATIENT)}
        assert set(waiting) == {"wellbeing", "appointment"}
        assert all(state.startswith("waiting") for state in waiting.values())
        assert ward.clinical() == []

        seen = hub.answers(asked, WORSE)
        assert [text.partition(" ")[0] for text in seen] == ["Compared", "What", "Did"]
        wait_until(lambda: len(ward.clinical()) == 1, "what was answered is on the list")
        (alert,) = ward.clinical()
        assert (alert["level"], alert["state"], alert["patient"]) == (2, "new", PATIENT)
        why = " ".join(alert["why"])
        assert "says that they feel worse" in why
        assert 'answered with "Worse"' in why
        assert 'answered with "My breathing"' in why
        given = next(row for row in ward.gives("answers", PATIENT) if row["questionnaire"] == "wellbeing")
        assert (given["state"], given["answers"], given["device"]) == ("answered", WORSE, "tablet-1")
        assert given["version"] == "1"

        explained = ward.vwmon("explain", alert["id"], "--config", ward.config, "--json")
        assert (explained.exit_code, json.loads(explained.stdout)["equal"]) == (0, True)

        ward.says("alerts", "ack", alert["id"], "-m", "rings the patient and the surgeons", "--take")
        ward.says("messages", "send", PATIENT, REPLY)
        told = hub.next(said.MESSAGE)
        assert told.text == REPLY
        assert NAME not in str(told)
        assert [row["state"] for row in ward.gives("messages", PATIENT)] in (["sent"], ["waiting"])
        hub.shows(told)
        assert [row["state"] for row in ward.gives("messages", PATIENT)] == ["delivered"]
        hub.reads(told)
        (message,) = ward.gives("messages", PATIENT)
        assert (message["state"], message["text"]) == ("read", REPLY)
        assert message["at"] <= message["delivered_at"] <= message["read_at"]
        assert ward.clinical()[0]["state"] == "acknowledged"
