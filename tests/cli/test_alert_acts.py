"""`vwmon alerts` acts: what each answers, how it is undone, where the list shows it, and whether the history holds."""

import json
import os
import shutil
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts import audit, lifecycle, store
from alerts.chain import Anchor
from alerts.model import Lane
from tests.cli.test_alerts_commands import NOW, Ward, busy, listed, ward
from tests.conftest import Command
from tests.unit.alerts_points import MINUTE, person, point
from vwmon.store import anchors, backup, database
from vwmon.store.sqlite import module

__all__ = ["busy", "ward"]  # fixtures
TRIGGERS = ("alert_event_kept_as_written", "alert_event_kept")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A configuration in which people act under names of their own."""
    config = tmp_path / "vwmon.toml"
    config.write_text("[commands]\nallow_as = true\n", encoding="utf-8")
    return config


class Desk:
    """Someone at the commands, on the busy ward."""

    def __init__(self, vwmon: Command, ward: Ward, config: Path) -> None:
        """Begin."""
        self.vwmon, self.ward, self.config = vwmon, ward, config

    def does(self, *words: object, by: str = "ahmed", code: int = 0) -> str:
        """Run a command as someone; it must end with that code. Give all that it said."""
        where = ("--db", self.ward.path, "--config", self.config)
        result = self.vwmon("alerts", *words, "--as", by, *where)
        assert result.exit_code == code, result.output
        return result.stdout + result.stderr

    def row(self, alert_id: str, *options: object) -> dict[str, Any] | None:
        """Give an alert as the list has it; None when it is not on it."""
        return next((row for row in listed(self.vwmon, self.ward, *options) if row["id"] == alert_id), None)


@pytest.fixture
def desk(vwmon: Command, busy: Ward, shared: Path) -> Desk:
    """The desk of the busy ward; alert 2 is new at level 2."""
    return Desk(vwmon, busy, shared)


def test_an_offer_is_shown_and_covers_nothing(desk: Desk) -> None:
    """The list says that it was offered, and still that nobody has it; the answer says what is to come."""
    id_ = desk.ward.id(2)
    said = desk.does("assign", id_, "--to", "lowe", "-m", "on your round")
    assert f"{id_} L2 (patient p-2, ward resp) NEW" in said
    assert "offered to lowe: until they acknowledge it, nobody has it in hand" in said
    assert f"undo: vwmon alerts assign {id_} --withdraw" in said
    row = desk.row(id_, "--unowned")
    assert row is not None
    assert (row["state"], row["owner"], row["offered_to"], row["flags"]) == ("new", None, "lowe", ["offered"])
    assert "ACKED by lowe" in desk.does("ack", id_, "-m", "on my way", by="lowe")
    row = desk.row(id_)
    assert row is not None
    assert (row["owner"], row["offered_to"], row["flags"]) == ("lowe", None, [])


def test_the_history_says_whom_an_alert_was_offered_to(desk: Desk) -> None:
    """Also that an offer was taken back, on the page of the alert and in the log."""
    id_ = desk.ward.id(2)
    desk.does("assign", id_, "--to", "lowe")
    desk.does("assign", id_, "--withdraw")
    where = ("--db", desk.ward.path)
    log = desk.vwmon("alerts", "log", id_, *where).stdout
    assert "ahmed: offered to lowe" in log
    assert "ahmed: the offer was withdrawn" in log
    page = desk.vwmon("alerts", "show", id_, *where).stdout
    assert "ahmed offered it to lowe at level 2" in page
    assert "ahmed offered it to nobody any more at level 2" in page


def test_an_offer_to_a_name_that_nobody_has_is_remarked_on(desk: Desk) -> None:
    """A slip of the pen offers the alert to no one. Where no people are configured, names are nobody's business."""
    id_ = desk.ward.id(2)
    assert "note:" not in desk.does("assign", id_, "--to", "low")
    with desk.config.open("a", encoding="utf-8") as file:
        file.write('[[people]]\nid = "lowe"\n[[people]]\nid = "ahmed"\n')
    said = desk.does("assign", id_, "--to", "low")
    assert "note: the configuration has nobody 'low' under [[people]], only lowe, ahmed" in said
    assert "note:" not in desk.does("assign", id_, "--to", "lowe")


def test_an_owner_who_offers_stays_the_owner(desk: Desk) -> None:
    """Until the other takes it, which needs no --take."""
    id_ = desk.ward.id(2)
    desk.does("ack", id_, "-m", "phoned")
    assert "ahmed stays its owner" in desk.does("assign", id_, "--to", "lowe")
    assert "is owned by ahmed" in desk.does("ack", id_, "-m", "x", by="third", code=5)
    desk.does("ack", id_, "-m", "mine", by="lowe")
    assert "in the hands of lowe already" in desk.does("assign", id_, "--to", "lowe", code=5)
    assert "offered to nobody" in desk.does("assign", id_, "--withdraw", code=5)


def test_what_is_put_off_leaves_the_list_and_is_counted(desk: Desk) -> None:
    """It is on it with --snoozed, and on that of its owner and its patient; --end puts it back."""
    id_ = desk.ward.id(2)
    desk.does("ack", id_, "-m", "visit at 15:00")
    said = desk.does("snooze", id_, "--for", "30m")
    assert "off the list until 1970-01-01T03:50:00Z, or until it gets worse" in said
    assert f"undo: vwmon alerts snooze {id_} --end" in said
    assert desk.row(id_) is None
    assert "1 snoozed (vwmon alerts --snoozed)" in desk.vwmon("alerts", "--db", desk.ward.path).stdout
    for options in (["--snoozed"], ["--patient", "p-2"]):
        row = desk.row(id_, *options)
        assert row is not None
        assert (row["flags"], row["snoozed_until"]) == (["snoozed"], "1970-01-01T03:50:00Z")
    desk.does("snooze", id_, "--end")
    assert desk.row(id_) is not None
    assert "snoozed" not in desk.vwmon("alerts", "--db", desk.ward.path).stdout


def test_what_was_put_off_is_back_when_its_time_is_up_though_nobody_ticks(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list reads the time itself: it does not wait for a daemon to wake what it shows."""
    from vwmon.clock import Clock

    id_ = desk.ward.id(2)
    desk.does("ack", id_, "-m", "visit")
    desk.does("snooze", id_, "--for", "30m")
    monkeypatch.setattr(Clock, "now_ms", lambda _: NOW + 30 * MINUTE)
    desk.ward.beat(cycle_ms=NOW + 30 * MINUTE)
    row = desk.row(id_)
    assert row is not None
    assert row["flags"] == []


@pytest.mark.hazard("H12")
def test_getting_worse_puts_it_back_on_the_list(desk: Desk) -> None:
    """At once, and asking."""
    id_ = desk.ward.id(2)
    desk.does("ack", id_, "-m", "visit")
    desk.does("snooze", id_, "--for", "30m")
    desk.ward.tell(2, point(199, 8))
    row = desk.row(id_)
    assert row is not None
    assert (row["state"], row["level"], row["flags"]) == ("reraised", 3, [])


def test_every_undo_that_is_offered_undoes(desk: Desk) -> None:
    """The commands that the answers name are typed as they stand, and lead back."""
    id_ = desk.ward.id(2)

    def undo(said: str) -> list[str]:
        line = next(line for line in said.splitlines() if line.startswith("  undo: "))
        return line.removeprefix("  undo: vwmon alerts ").split()

    said = desk.does("ack", id_, "-m", "phoned")
    assert "RERAISED" in desk.does(*undo(said))
    desk.does("ack", id_, "-m", "phoned")
    assert desk.does(*undo(desk.does("assign", id_, "--to", "lowe"))).count("offered to") == 0
    assert "off the list" not in desk.does(*undo(desk.does("snooze", id_, "--for", "5m")))
    assert "RERAISED" in desk.does(*undo(desk.does("close", id_, "--outcome", "no-action")))
    assert "undo" not in desk.does("note", id_, "-m", "words stay")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["snooze", "@2", "--for", "5m"], 6, "only what was acknowledged can be put off"),
        (["snooze", "@1", "--for", "5m"], 6, "an emergency is never put off"),
        (["snooze", "@3", "--for", "5m"], 5, "has settled"),
        (["unack", "@2"], 5, "in nobody's hands"),
        (["unack", "@1"], 6, "say with -m why it is taken from them"),
        (["reopen", "@2", "-m", "x"], 5, "is open"),
        (["assign", "ZZZZ", "--to", "lowe"], 3, "there is no alert ZZZZ"),
        (["assign", "@2"], 2, "--to"),
        (["assign", "@2", "--to", "lowe", "--withdraw"], 2, "--to"),
        (["ack", "@2", "-m", "x", "--rev", "99"], 3, "has no revision 99; it is at 1"),
        (["snooze", "@2"], 2, "--for"),
        (["snooze", "@2", "--for", "5m", "--end"], 2, "--for"),
        (["log", "--anchors", "file"], 2, "--verify"),
    ],
)
def test_a_refused_act_ends_with_its_own_code(desk: Desk, command: list[str], code: int, said: str) -> None:
    """And says why."""
    with database.atomic(desk.ward.db):
        store.acknowledge(desk.ward.db, desk.ward.id(1), person(199, "lowe", "visit"))
    words = [desk.ward.id(int(word[1:])) if word.startswith("@") else word for word in command]
    where = ["--db", str(desk.ward.path), "--config", str(desk.config)]
    as_ = [] if command[0] == "log" else ["--as", "ahmed" if command[:2] != ["snooze", "@1"] else "lowe"]
    result = desk.vwmon("alerts", *words, *as_, *where)
    assert (result.exit_code, said in result.stderr) == (code, True), result.output


@pytest.mark.hazard("H14")
def test_a_row_that_got_worse_since_it_was_read_says_how(desk: Desk) -> None:
    """Exit code 5, level, score and vitals before and after."""
    id_ = desk.ward.id(2)
    desk.ward.tell(2, point(198, spo2=3, heart_rate=2, temperature=3))
    said = desk.does("ack", id_, "--rev", 1, "-m", "x", code=5)
    assert f"{id_} changed since revision 1: level L2 -> L3, score 5 -> 8, SpO2 91 -> 91" in said


def test_the_same_command_under_its_key_changes_nothing(desk: Desk) -> None:
    """For a program whose answer was lost. Another command under that key is another act."""
    id_ = desk.ward.id(2)
    desk.does("ack", id_, "-m", "phoned", "--key", "k1")
    before = store.head(desk.ward.db)
    again = desk.does("ack", id_.lower(), "-m", "phoned", "--key", "k1")
    assert "done before under this key: nothing was changed" in again
    assert store.head(desk.ward.db) == before
    desk.does("close", id_, "--outcome", "no-action", "--key", "k1")
    assert store.find(desk.ward.db, id_).state == "closed"


def test_the_history_names_machine_and_key(desk: Desk) -> None:
    """Of every act, also of one that was given no key; and its place in the log, so that it can be told again."""
    id_ = desk.ward.id(2)
    desk.does("ack", id_, "-m", "phoned")
    result = desk.vwmon("alerts", "log", id_, "--json", "--db", desk.ward.path)
    event = json.loads(result.stdout)[-1]
    assert (event["kind"], event["host"]) == ("acknowledged", socket.gethostname())
    assert event["op"].startswith("ack.")
    assert event["evidence"]["cursor"] == 0
    assert event["changes"]["owner"] == [None, "ahmed"]


def verified(desk: Desk, *options: object, code: int = 0) -> str:
    """Verify the history; it must end with that code."""
    result = desk.vwmon("alerts", "log", "--verify", "--db", desk.ward.path, *options)
    assert result.exit_code == code, result.output
    return result.stdout


def test_a_history_that_holds_is_said_to(desk: Desk) -> None:
    """With how much there is of it, and what it was held against; without anchors, what that leaves open."""
    assert "an end that was cut off would not show" in verified(desk)
    anchors.append(anchors.beside(desk.ward.path), anchors.taken(desk.ward.db, NOW), make=True)
    count = store.head(desk.ward.db)[0]
    said = verified(desk)
    assert said.startswith(f"The history of alerts is as it was written: {count} events; held against 1 anchors of ")
    record = json.loads(verified(desk, "--json"))
    assert (record["sound"], record["count"], record["anchors"], record["breaks"]) == (True, count, 1, [])


def test_an_act_is_anchored_where_there_is_a_file_and_makes_none(desk: Desk) -> None:
    """The file is the daemon's to make: one that a clinician made could not be written by the daemon."""
    file = anchors.beside(desk.ward.path)
    desk.does("ack", desk.ward.id(2), "-m", "phoned")
    assert not file.exists()
    file.touch()
    desk.does("note", desk.ward.id(2), "-m", "well")
    (anchor,) = anchors.read(file)
    assert (anchor.count, anchor.head) == store.head(desk.ward.db)


def cut(ward: Ward, *statements: str) -> None:
    """Alter the history behind the program's back."""
    with database.atomic(ward.db):
        for statement in (*(f"drop trigger {trigger}" for trigger in TRIGGERS), *statements):
            ward.db.execute(statement)


def test_an_event_that_was_altered_is_named_with_exit_code_1(desk: Desk) -> None:
    """By the command, and by the check of the whole database."""
    cut(desk.ward, "update alert_event set note = 'never', actor = 'x' where event_no = 2")
    assert "event 2 is not as it was written" in verified(desk, code=1)
    whole = desk.vwmon("db", "verify", "--db", desk.ward.path)
    assert whole.exit_code == 1
    assert "event 2 is not as it was written" in whole.stdout


def test_an_end_that_was_cut_off_is_named(desk: Desk) -> None:
    """By the file beside the database, and by lines of the journal that someone kept."""
    file, count = anchors.beside(desk.ward.path), store.head(desk.ward.db)[0]
    anchors.append(file, anchors.taken(desk.ward.db, NOW), make=True)
    cut(desk.ward, f"delete from alert_event where event_no >= {count - 1}")  # noqa: S608 -- a number
    said = f"events {count - 1} to {count} are missing at the end, as the anchor of 1970-01-01T03:20:00Z shows"
    assert said in verified(desk, code=1)
    journal = desk.ward.path.with_name("journal.txt")
    journal.write_text(
        f"2026-11-26T10:00:00+0000 hub vwmon[7]: INFO vwmon.watch {anchors.said(anchors.read(file)[0])}\nother\n"
    )
    file.unlink()
    assert "of 2026-11-26T10:00:00+0000 shows" in verified(desk, "--anchors", journal, code=1)
    assert json.loads(verified(desk, "--anchors", journal, "--json", code=1))["sound"] is False
    missing = desk.vwmon("alerts", "log", "--verify", "--anchors", "/no/such", "--db", desk.ward.path)
    assert missing.exit_code == 3


def test_a_backup_keeps_the_anchors_and_an_older_one_put_back_says_what_it_lacks(desk: Desk, tmp_path: Path) -> None:
    """And how to accept that; after which all is sound again."""
    path, copy = desk.ward.path, tmp_path / "copy.db"
    anchors.append(anchors.beside(path), anchors.taken(desk.ward.db, NOW), make=True)
    made = desk.vwmon("db", "backup", copy, "--db", path)
    assert (made.exit_code, made.stderr) == (0, "")
    assert anchors.beside(copy).read_text() == anchors.beside(path).read_text()
    assert oct(anchors.beside(copy).stat().st_mode & 0o777) == "0o640"
    desk.does("ack", desk.ward.id(2), "-m", "phoned")
    desk.ward.db.close()
    with closing(module.connect(path, isolation_level=None)) as db:
        db.execute("update monitor set stopped_ms = 1")
    back = desk.vwmon("db", "restore", copy, "--force", "--db", path)
    assert back.exit_code == 0, back.output
    assert "is missing at the end" in back.stderr
    accept = back.stderr.splitlines()[-1].split("To accept it: mv ")[1].split()
    assert accept[0] == str(anchors.beside(path))
    assert desk.vwmon("db", "verify", "--db", path).exit_code == 1
    shutil.move(accept[0], accept[1])
    assert desk.vwmon("db", "verify", "--db", path).exit_code == 0


def test_a_backup_that_is_put_where_nothing_is_brings_its_anchors(desk: Desk, tmp_path: Path) -> None:
    """So that what is cut off afterwards shows there too."""
    copy, elsewhere = tmp_path / "copy.db", tmp_path / "elsewhere.db"
    anchors.append(anchors.beside(desk.ward.path), anchors.taken(desk.ward.db, NOW), make=True)
    backup.backup(desk.ward.path, copy)
    assert backup.restore(copy, elsewhere, NOW).broken == ""
    assert anchors.read(anchors.beside(elsewhere)) == anchors.read(anchors.beside(desk.ward.path))


def test_a_history_that_was_altered_does_not_keep_a_ward_from_being_copied(desk: Desk, tmp_path: Path) -> None:
    """It is said; the readings are copied all the same."""
    cut(desk.ward, "update alert_event set actor = 'x' where event_no = 2")
    made = desk.vwmon("db", "backup", tmp_path / "copy.db", "--db", desk.ward.path)
    assert made.exit_code == 0
    assert "NOT as it was written: event 2" in made.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be someone else for a moment")
def test_a_file_of_anchors_that_one_may_not_write_stops_no_act(desk: Desk) -> None:
    """It is the daemon's; the daemon anchors the act within minutes."""
    file = anchors.beside(desk.ward.path)
    file.touch()
    file.chmod(0o440)
    before = os.geteuid()
    os.chmod(desk.ward.path.parent, 0o777)  # noqa: PTH101, S103 -- a folder of the test
    os.seteuid(65534)
    try:
        assert not anchors.append(file, Anchor(time="", count=1, head="ab"), make=False)
    finally:
        os.seteuid(before)


def test_sick_and_unseen_cannot_be_put_off(desk: Desk) -> None:
    """Blind: what it would be put off on is no longer coming."""
    id_ = desk.ward.id(2)
    desk.does("ack", id_, "-m", "phoned")
    desk.ward.change(2, lambda case: lifecycle.overdue(case, "respiratory_rate", NOW, NOW))
    assert store.load(desk.ward.db, [2])[2].alerts[Lane.CLINICAL].blind_ms == NOW
    assert "not put off unseen" in desk.does("snooze", id_, "--for", "5m", code=6)
    assert audit.audit(desk.ward.db).breaks == ()


def silent(ward: Ward, *stays: int) -> None:
    """Let a vital of some patients fall overdue."""
    for stay in stays:
        ward.change(stay, lambda case: lifecycle.overdue(case, "systolic_bp", NOW, NOW, last_ms=NOW - 60 * MINUTE))


def test_technical_alerts_can_be_acted_on_together_after_they_were_shown(desk: Desk) -> None:
    """First which, and nothing is done; with --yes it is, and each is on record by itself."""
    silent(desk.ward, 4)
    shown = desk.does("ack", "--lane", "technical", "-m", "hub is down", code=2)
    assert f"{desk.ward.id(4, Lane.TECHNICAL)} T1" in shown
    assert "say so with --yes" in shown
    assert all(row["state"] == "new" for row in listed(desk.vwmon, desk.ward, "--lane", "technical"))
    done = desk.does("ack", "--lane", "technical", "--ward", "hf", "--yes", "-m", "hub is down")
    ids = {desk.ward.id(stay, Lane.TECHNICAL) for stay in (3, 4)}
    assert {line[:4] for line in done.splitlines() if "ACKED" in line} == ids
    rows = listed(desk.vwmon, desk.ward, "--lane", "technical")
    assert {row["id"]: row["owner"] for row in rows} == dict.fromkeys(ids, "ahmed")
    desk.does("close", "--lane", "technical", "--yes", "--outcome", "technical-fixed")
    assert listed(desk.vwmon, desk.ward, "--lane", "technical") == []


@pytest.mark.parametrize("lane", ["clinical", "system", "all"])
def test_nothing_else_can_be_acted_on_together(desk: Desk, lane: str) -> None:
    """Patients are looked at one by one."""
    said = desk.does("ack", "--lane", lane, "--yes", "-m", "all fine", code=6)
    assert "name their ids" in said
    assert listed(desk.vwmon, desk.ward, "--mine") == []


def test_an_emergency_is_in_no_such_list(desk: Desk) -> None:
    """Sick and unseen at level 3 is technical, and is acted on by its id."""
    desk.ward.change(1, lambda case: lifecycle.overdue(case, "spo2", NOW, NOW))
    unseen = desk.ward.id(1, Lane.TECHNICAL)
    row = desk.row(unseen)
    assert row is not None
    assert (row["level"], row["state"]) == (3, "new")
    desk.does("ack", "--lane", "technical", "--yes", "-m", "hub is down")
    row = desk.row(unseen)
    assert row is not None
    assert row["state"] == "new"


def test_no_more_than_can_be_looked_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the cap nothing is done; nor where ids were named as well, or there is none to act on."""
    silent(desk.ward, 4)
    monkeypatch.setattr("vwmon.cli.acting.MOST_AT_ONCE", 1)
    assert "2 alerts are more than the 1" in desk.does("ack", "--lane", "technical", "--yes", "-m", "x", code=6)
    assert "not both" in desk.does("ack", desk.ward.id(2), "--lane", "technical", "--yes", "-m", "x", code=2)
    assert "no alert is named" in desk.does("ack", "--lane", "technical", "--ward", "none", "--yes", "-m", "x", code=2)
