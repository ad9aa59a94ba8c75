"""Texts from outside on their whole way: through admission, notes and registers, onto every list, in every format.

A terminal's state stays as it was, a spreadsheet runs nothing, the full screen reads no markup, and nothing is unseen.
"""

import csv
import io
import json
import re
import sys
import time
from pathlib import Path

import pytest

from tests.cli.hostile_texts import HOSTILE, MARKUP
from tests.cli.test_alerts_commands import NOW, Ward, busy
from tests.cli.test_alerts_commands import ward as _ward
from tests.cli.test_triage_keys import Desk, at_desk, ill
from tests.cli.test_triage_keys import ward as _watched
from tests.conftest import Command
from tests.db.watched_ward import Watched
from tests.integration.terminal import running
from vwmon.cli import render
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers

__all__ = ["busy"]  # a fixture
BY = By(actor="test", at_ms=0)
STYLES = re.compile(r"\x1b\[[0-9;]*m")
RUN = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FORMS, MORE = ("table", "json", "jsonl", "csv"), ("wide", "ids")
LISTS = (
    ("alerts", "--names"),
    ("alerts", "log"),
    ("alerts", "stats"),
    ("patients",),
    ("devices",),
    ("readings", "--limit", "200"),
    ("readings", "quarantine", "--limit", "200"),
    ("handover", "show"),
    ("notify", "log"),
)

ward = pytest.fixture(_ward.__wrapped__, name="ward")  # type: ignore[attr-defined]  # pytest's own wrapper
watched = pytest.fixture(_watched.__wrapped__, name="watched")  # type: ignore[attr-defined]  # as above


def plant(ward: Ward, number: int, text: str) -> None:
    """Put a text wherever one is kept of a patient, a device, a message, a referral and a pause.

    Past what admission refuses: another program, or an earlier release, could have written it.
    """
    at, other = number * 1000, (number + 1) * 1000
    stay = registers.admit(
        ward.db,
        Admission(patient=f"h{number}", ward="resp", plan=plans.load("general"), admitted_ms=at, born="1950-01-01"),
        BY,
    )
    stay_no = getattr(stay, "stay_no", stay)
    registers.add_device(ward.db, f"d-{number}", BY, "")
    write = ward.db.execute
    unique = f"{text} {number}"
    write("update stay set patient = ?, scale_prescriber = ? where stay_no = ?", [unique, text, stay_no])
    write(
        "update identity set name = ?, contact = ?, next_of_kin = ?, nhs_number = ? where stay_no = ?",
        [text, text, text, text, stay_no],
    )
    write("update device set profile = ?, serial = ?, firmware = ? where device = ?", [text, text, text, f"d-{number}"])
    write(
        "insert into quarantine (received_ms, recorded_ms, topic, device, vital, reason, detail, message_id, payload,"
        " payload_bytes) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        [NOW - at, NOW, text, text, text, text, text, text, text.encode("utf-8", "replace")],
    )
    write("insert into referral (patient, ward, source, referred_ms) values (?, 'resp', ?, ?)", [f"{text} r", text, at])
    write(
        "insert into pause (stay_no, from_ms, until_ms, reason, actor, written_ms) values (?, ?, ?, ?, ?, ?)",
        [stay_no, at, NOW + other, text, text, at],
    )
    write("insert into vital (name) values (?)", [unique])


@pytest.fixture
def hostile(busy: Ward, vwmon: Command, tmp_path: Path) -> Ward:
    """The busy ward with each text in every place, and in the notes and under the names of acts."""
    with database.atomic(busy.db):
        for number, text in enumerate(HOSTILE):
            plant(busy, number, text)
    config = tmp_path / "shared.toml"
    config.write_text("[commands]\nallow_as = true\n", encoding="utf-8")
    where = ("--db", busy.path, "--config", config)
    for text in HOSTILE:
        acted = vwmon("alerts", "note", busy.id(2), f"--note=a {text}", f"--as={text}", *where)
        assert acted.exit_code == 0, (text, acted.output)
        vwmon("alerts", "note", busy.id(1), f"--note={text}", f"--as={text}", *where)
        assert tame(acted.output), text
    offered = vwmon("alerts", "assign", busy.id(1), "--to", HOSTILE[0], f"--note={HOSTILE[0]}", *where)
    assert offered.exit_code == 0, offered.output
    return busy


def tame(shown: str) -> bool:
    """Tell whether a text has nothing in it that a terminal obeys, turns round or hides."""
    return not render.UNSAFE.search(shown.replace("\n", ""))


def run_by(shown: str, separator: str) -> list[str]:
    """Name the cells that a spreadsheet runs of CSV that it parts at a separator; a number below nought is none."""
    rows = csv.reader(io.StringIO(shown), delimiter=separator)
    begun = [cell for row in rows for cell in row if cell.strip(" ").startswith(RUN)]
    return [cell for cell in begun if not re.fullmatch(r"-[0-9.e+-]+", cell)]


def test_there_are_enough_of_them_and_each_is_another() -> None:
    """Escape sequences, C1, directions, the unseen, formulas, markup."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.hazard("H23", "T10")
def test_every_list_shows_them_as_text_in_every_format(vwmon: Command, hostile: Ward) -> None:
    """Nothing reaches the terminal but what can be seen, JSON is JSON, and no cell of a CSV is run."""
    for words in LISTS:
        for form in (*FORMS, *(MORE if "--names" in words else ())):
            result = vwmon(*words, "--format", form, "--db", hostile.path)
            assert result.exit_code in {0, 4}, result.output
            assert tame(result.stdout), (words, form)
            assert tame(result.stderr), (words, form)
            if form == "json":
                json.loads(result.stdout)
            if form == "csv":
                assert [run_by(result.stdout, separator) for separator in ",;"] == [[], []], words


def test_a_program_is_given_each_text_as_it_was_written(vwmon: Command, hostile: Ward) -> None:
    """What is escaped for the eye is whole in JSON, and nobody's name is another's."""
    devices = json.loads(vwmon("devices", "--json", "--db", hostile.path).stdout)
    assert {row["serial"] for row in devices if row["device"].startswith("d-")} == set(HOSTILE)
    notes = json.loads(vwmon("alerts", "log", hostile.id(2), "--json", "--db", hostile.path).stdout)
    assert {f"a {text}".strip() for text in HOSTILE} <= {row["note"] for row in notes}


@pytest.mark.hazard("H23", "T10")
def test_the_pages_of_one_show_them_as_text(vwmon: Command, hostile: Ward) -> None:
    """Of each patient by what they are called, of each device, and of each alert."""
    for number, text in enumerate(HOSTILE):
        shown = vwmon("patients", "show", "--db", hostile.path, "--", f"{text} {number}")
        assert (shown.exit_code, tame(shown.output)) == (0, True), (text, shown.output)
        assert tame(vwmon("devices", "show", f"d-{number}", "--db", hostile.path).output), text
    for stay in (1, 2):
        for words in (("alerts", "show", hostile.id(stay), "--names"), ("explain", hostile.id(stay))):
            assert tame(vwmon(*words, "--db", hostile.path).output)


@pytest.mark.parametrize("option", ["--name", "--contact", "--next-of-kin", "PATIENT"])
def test_admission_takes_what_can_be_printed_and_refuses_the_rest(vwmon: Command, ward: Ward, option: str) -> None:
    """A control or a direction is refused with exit code 2, and the refusal has none in it either."""
    for number, text in enumerate(HOSTILE):
        patient, more = (text, []) if option == "PATIENT" else (f"n{number}", [f"{option}={text}"])
        born = ("--ward", "resp", "--born", "1950-01-01", "--db", ward.path)
        done = vwmon("patients", "admit", *born, *more, "--", patient)
        clean = text.isprintable() and text == text.strip()
        assert (done.exit_code, tame(done.output)) == (0 if clean else 2, True), (text, done.output)


def test_the_name_of_a_device_takes_none_of_them(vwmon: Command, ward: Ward) -> None:
    """It is a level of a topic."""
    for text in HOSTILE:
        done = vwmon("devices", "add", "--db", ward.path, "--", text)
        assert (done.exit_code, tame(done.output)) == (2, True), text


def test_a_note_of_a_reading_is_kept_and_shown_as_text(vwmon: Command, ward: Ward) -> None:
    """As what it was, to programs; written out, to people."""
    for number, text in enumerate(HOSTILE):
        at = render.utc(NOW - (number + 1) * 1000)
        done = vwmon("readings", "add", "p-1", "spo2=97", "--by=phone", f"--note={text}", "--at", at, "--db", ward.path)
        assert (done.exit_code, tame(done.output)) == (0, True), (text, done.output)
    for form in FORMS:
        assert tame(vwmon("readings", "--limit", "500", "--format", form, "--db", ward.path).stdout)
    rows = json.loads(vwmon("readings", "--limit", "500", "--json", "--db", ward.path).stdout)
    assert {row["note"] for row in rows} == {text.strip() for text in HOSTILE}


@pytest.mark.parametrize("form", FORMS)
def test_the_columns_of_a_file_are_shown_as_text_too(vwmon: Command, tmp_path: Path, form: str) -> None:
    """`vwmon score` hands on columns that it does not know, under their names."""
    file = tmp_path / "sets.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        names = list({text.strip(): text for text in HOSTILE if len(text.splitlines()) == 1}.values())
        writer.writerow(["heart_rate", *names])
        writer.writerow([80, *names])
    shown = vwmon("score", "news2", file, "--format", form)
    assert shown.exit_code == 0, shown.stderr
    assert tame(shown.stdout)
    if form == "csv":
        assert run_by(shown.stdout, ",") == []


@pytest.mark.hazard("H23", "T10")
def test_a_terminal_is_told_nothing_but_colours(hostile: Ward) -> None:
    """On a real terminal: between its colours there is no sequence at all, so its state is as it was."""
    command = (sys.executable, "-m", "vwmon", "patients", "--db", str(hostile.path))
    with running(command, 100, 400) as (screen, program):
        end = time.monotonic() + 30
        while time.monotonic() < end and screen.read(end - time.monotonic()):
            pass
        assert program.wait(30) in {0, 4}
    assert "\\x1b[2J" in screen.raw
    left = STYLES.sub("", screen.raw).replace("\r\n", "")
    assert tame(left)


@pytest.mark.hazard("H23", "T10")
def test_the_full_screen_shows_them_as_text(watched: Watched) -> None:
    """As patient, name and note: no control, no markup of Textual's, no link, and nothing unseen."""
    ill(watched, 10)

    async def script(desk: Desk) -> None:
        for text in HOSTILE:
            with database.atomic(watched.db):
                watched.db.execute("update stay set patient = ? where stay_no = 1", [text])
                watched.db.execute("update identity set name = ? where stay_no = 1", [text])
            desk.app.look_again()
            await desk.settled()
            assert tame(desk.text), text
            if text in MARKUP[:3]:
                assert text[:8] in desk.text, text
        await desk.press("enter")
        assert tame(desk.text)

    at_desk(watched, script, names=True)
