"""A ward set up as a new operator does it: asked at a terminal, and then watched by a real daemon on a real broker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.integration.broker import Broker, running_broker, wait_until
from tests.integration.terminal import Terminal, running
from vwmon import config

LINES, COLUMNS = 300, 200
INIT = [sys.executable, "-m", "vwmon", "init"]


def answer(terminal: Terminal, question: str, text: str) -> None:
    """Wait for a question and answer it."""
    terminal.shows(question)
    terminal.press(f"{text}\n")


def answered(terminal: Terminal, folder: Path, port: int) -> None:
    """Answer what is asked, with a slip in the ward's id, up to the last question."""
    answer(terminal, "Ward id", "Resp")
    terminal.shows("is not 1 to 63 lower-case letters")
    for question, text in (
        ("letters, digits or '-'", "resp"),
        ("Its name, for people", "Respiratory ward"),
        ("Its time zone", "Europe/Lundon"),
        ("is not a time zone", ""),
        ("When it is staffed", "08:00-20:00"),
        ("File of the authority", ""),
        ("Broker: host", f"127.0.0.1:{port}"),
        ("User name", ""),
        ("Database file", str(folder / "var" / "ward.db")),
        ("Ways to tell people", ""),
        ("share one login", "no"),
    ):
        answer(terminal, question, text)
    if os.geteuid() == 0:
        answer(terminal, "The user that the daemon runs as", "root")
    answer(terminal, "A first device", "spo2-17")
    answer(terminal, "What kind", "pulse-oximeter")
    answer(terminal, "Admit a made-up patient", "yes")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the configuration is to be."""
    return tmp_path / "etc" / "config.toml"


def test_who_answers_step_by_step_sees_the_file_and_gets_it(tmp_path: Path, file: Path) -> None:
    """A slip is told at once and asked again; nothing is written before the yes."""
    with running([*INIT, "--config", str(file)], COLUMNS, LINES) as (terminal, program):
        answered(terminal, tmp_path, 9)
        shown = terminal.shows("Write it")
        assert "warning: the broker at 127.0.0.1:9 is not reached" in " ".join(shown.split())
        assert 'id = "resp"' in shown
        assert not file.exists()
        terminal.press("y\n")
        terminal.shows("vwmon check-config", "Then the first patient")
        assert program.wait(60) == 0
    assert [ward.id for ward in config.load(file).wards] == ["resp"]


@pytest.mark.parametrize("ended", ["", "\x04", "n\n"])
def test_whoever_breaks_off_leaves_nothing_behind(tmp_path: Path, file: Path, ended: str) -> None:
    """At the last question, by Ctrl-C, the end of what is typed, or a no."""
    with running([*INIT, "--config", str(file)], COLUMNS, LINES) as (terminal, program):
        answered(terminal, tmp_path, 9)
        terminal.shows("Write it")
        if ended:
            terminal.press(ended)
        else:
            program.send_signal(signal.SIGINT)
        terminal.shows("Nothing was written")
        assert program.wait(60) == 130
    assert list(tmp_path.iterdir()) == []


def test_at_a_terminal_a_ward_can_be_added_to_what_is_there(tmp_path: Path, file: Path) -> None:
    """It says what is there, and asks; what an option says wrongly is asked for too."""
    options = ["--config", str(file), "--ward", "resp", "--name", "R", "--store", str(tmp_path / "w.db"), "--yes"]
    options += ["--user", "root"] if os.geteuid() == 0 else []
    subprocess.run([*INIT, *options], check=True, capture_output=True)
    with running([*INIT, "--config", str(file), "--hours", "8-20"], COLUMNS, LINES) as (terminal, program):
        terminal.shows("with the wards resp")
        answer(terminal, "Add a ward to it", "y")
        for question, text in (
            ("Ward id", "frail"),
            ("Its name", "Frailty"),
            ("time zone", ""),
            ("'8-20' is not hours", ""),
        ):
            answer(terminal, question, text)
        answer(terminal, "Write it", "y")
        terminal.shows("systemctl restart vwmon")
        assert program.wait(60) == 0
    assert [ward.id for ward in config.load(file).wards] == ["resp", "frail"]


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path_factory.mktemp("broker")) as started:
        yield started


@pytest.mark.slow
def test_what_it_says_to_do_next_makes_a_ward_that_is_watched(tmp_path: Path, file: Path, broker: Broker) -> None:
    """The made-up patient's readings come to the list's database through broker and daemon, and status says good."""
    vwmon, root = Command(), ("--user", "root") if os.geteuid() == 0 else ()
    done = vwmon(
        "init", "--config", file, "--ward", "resp", "--name", "Respiratory ward", "--yes", *root,
        "--broker", f"127.0.0.1:{broker.port}", "--canary", "yes", "--store", tmp_path / "ward.db",
    )  # fmt: skip
    assert (done.exit_code, done.stderr) == (0, "")
    (simulate,) = [line.split()[1:] for line in done.stdout.splitlines() if " simulate " in line]
    with (tmp_path / "log").open("wb") as log:
        daemon = subprocess.Popen([sys.executable, "-m", "vwmon", "run", "--config", str(file)], stderr=log)
        try:
            wait_until(lambda: vwmon("status", "--config", file).exit_code == 0, "the ward is watched")
            assert vwmon(*simulate, "--every", "2s", "--duration", "5s").exit_code == 0
            readings = json.loads(vwmon("readings", "--patient", "canary", "--json", "--config", file).stdout)
            assert {row["device"] for row in readings} == {"sim-001"}
            assert {row["patient"] for row in readings} == {"canary"}
            assert "sim-001" in vwmon("patients", "show", "canary", "--config", file).stdout
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
    assert daemon.returncode == 0
