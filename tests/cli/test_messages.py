"""`vwmon messages`: short words to a patient's hub, with nothing that says who it is; shown, read, or still unread."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_patients import Ward
from tests.conftest import Command
from vwmon.clock import Clock
from vwmon.patients.messages import LONGEST
from vwmon.store import database, hub
from vwmon.store.database import atomic

NAME, NUMBER = "Jo Anna-Maria O'Brien Ng", "943 476 5919"
PERSON = ("--ward", "resp", "--born", "1948-05-07", "--name", NAME, "--nhs-number", NUMBER)
WORDS = "The surgeons see you on Monday at 9."


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """A patient with a hub."""
    database.create(tmp_path / "ward.db").close()
    made = Ward(vwmon, tmp_path / "ward.db")
    made("patients", "admit", "W-17", *PERSON)
    made("devices", "add", "hub-1")
    made("devices", "assign", "hub-1", "W-17")
    return made


def change(ward: Ward, sql: str) -> None:
    """Change a row by hand."""
    with closing(database.open_writer(ward.db)) as db, atomic(db):
        db.execute(sql)


def confirm(ward: Ward, name: str, *, read: bool) -> None:
    """Have the hub confirm a message."""
    with closing(database.open_writer(ward.db)) as db, atomic(db):
        assert hub.confirm(db, "hub-1", name, Clock().now_ms(), read=read)


def test_a_message_is_written_and_listed_with_how_far_it_has_come(ward: Ward) -> None:
    """Waiting, sent, delivered, read, each with its time."""
    done = ward("messages", "send", "W-17", WORDS)
    assert done[0] == 0
    assert f"Written to W-17: {WORDS}" in done[1]
    (row,) = ward.record("messages", "W-17")
    assert (row["text"], row["state"], row["sent_at"], row["read_at"]) == (WORDS, "waiting", None, None)
    change(ward, "update hub_request set state = 'sent', sent_ms = due_ms")
    assert ward.record("messages")[0]["state"] == "sent"
    confirm(ward, row["message"], read=False)
    (row,) = ward.record("messages")
    assert (row["state"], row["delivered_at"] is None, row["read_at"]) == ("delivered", False, None)
    assert ward.record("messages", "--unread") == [row]
    confirm(ward, row["message"], read=True)
    (row,) = ward.record("messages")
    assert (row["state"], row["unread_long"]) == ("read", False)
    assert row["at"] <= row["delivered_at"] <= row["read_at"]
    assert ward.record("messages", "--unread") == []
    assert "read 0 s ago" in " ".join(ward("messages", "W-17")[1].split())


def test_a_message_that_nobody_read_for_hours_is_said_in_the_list_and_below_the_work_list(ward: Ward) -> None:
    """Not before, and no longer once it is read."""
    ward("messages", "send", "W-17", WORDS)
    assert "unread for" not in ward("alerts")[1]
    change(ward, "update hub_request set due_ms = due_ms - 18000000, until_ms = until_ms - 18000000")
    assert "UNREAD" in ward("messages", "W-17")[1]
    assert "1 message unread for 4 h (vwmon messages --unread)" in " ".join(ward("alerts")[1].split())
    confirm(ward, ward.record("messages")[0]["message"], read=True)
    assert "unread for" not in ward("alerts")[1]
    assert "UNREAD" not in ward("messages", "W-17")[1]


def test_a_message_that_no_hub_showed_in_its_time_was_not_delivered(ward: Ward) -> None:
    """Nothing says that it may still come."""
    ward("messages", "send", "W-17", WORDS)
    change(ward, "update hub_request set due_ms = due_ms - 864000000, until_ms = until_ms - 864000000")
    assert ward.record("messages")[0]["state"] == "not delivered"


@pytest.mark.parametrize(
    ("text", "code", "complaint"),
    [
        ("", 2, "1 to 400"),
        ("   ", 2, "1 to 400"),
        ("x" * (LONGEST + 1), 2, "has 401"),
        ("two\nlines", 2, "control characters"),
        ("\x1b[2Jgone", 2, "control characters"),
        ("a\u202eb", 2, "control characters"),
        ("Dear Maria, come in", 6, "a name"),
        ("Mrs o\u2019brien, come in", 6, "a name"),
        ("OBrien is W-17", 6, "the local identifier"),
        ("your number is 943 476 5919", 6, "an NHS number"),
        ("or 9876543210 it is", 6, "an NHS number"),
        ("born 1948-05-07", 6, "the date of birth"),
        ("born 07/05/1948", 6, "the date of birth"),
        ("born 5.7.48", 6, "the date of birth"),
        ("Anna born 7 5 1948", 6, "by a name and by the date of birth"),
    ],
)
def test_what_may_not_be_sent_is_refused_and_nothing_is_written(
    ward: Ward, text: str, code: int, complaint: str
) -> None:
    """A message goes through a broker and stands on a screen in a living room."""
    done = ward("messages", "send", "W-17", text)
    assert (done[0], complaint in done[2]) == (code, True), done
    assert ward.record("messages") == []


@pytest.mark.parametrize(
    "text",
    [
        WORDS,
        "x" * LONGEST,
        "Ring 020 7946 0018 before 10:30 on 27/11/2026.",
        "Ng is two letters and may be a word; so is Jo.",
        "Weight 81.5 kg, pulse 64: well done.",
        "Zażółć gęślą jaźń",
    ],
)
def test_what_names_nobody_is_sent(ward: Ward, text: str) -> None:
    """A date, a telephone number, short words, letters of any language."""
    assert ward("messages", "send", "W-17", text)[0] == 0
    assert ward.record("messages")[0]["text"] == text


def test_a_patient_without_a_device_is_said_to_have_none(ward: Ward) -> None:
    """The message waits."""
    ward("devices", "return", "hub-1")
    done = ward("messages", "send", "W-17", WORDS)
    assert (done[0], "has no device" in done[2]) == (0, True)


def test_nobody_who_is_not_on_a_ward_is_written_to(ward: Ward) -> None:
    """Exit code 3, also after the discharge, whose messages stay listed."""
    assert ward("messages", "send", "P9", WORDS)[0] == 3
    ward("messages", "send", "W-17", WORDS)
    ward("patients", "discharge", "W-17", "--reason", "recovered")
    assert ward("messages", "send", "W-17", WORDS)[0] == 3
    assert len(ward.record("messages", "W-17")) == 1
