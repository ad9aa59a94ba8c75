"""`vwmon alerts`: what the list says to people and to programs, what the acts do, and how each ends."""

import getpass
import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from alerts import lifecycle, store
from alerts.model import SYSTEM_STAY, Case, Lane, Outcome
from alerts.policy import POLICY
from tests.conftest import Command
from tests.unit.alerts_points import HOUR, MINUTE, Point, follow, person, point
from vwmon.cli import render, work_list
from vwmon.cli.work_list import Look
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, monitor, registers, scores
from vwmon.store.monitor import Monitor
from vwmon.store.sqlite import Connection

NOW = 200 * MINUTE
LAST_READING = NOW - 8000
LOOK = Look(width=80)
HOSTILE = "\x1b[31mEVIL\u202e\x07"
FIELDS = [
    "id",
    "lane",
    "level",
    "state",
    "flags",
    "ward",
    "stay",
    "patient",
    "opened_at",
    "last_reading_at",
    "score",
    "why",
    "owner",
    "acknowledged_at",
    "acknowledged_until",
    "due_at",
    "tier",
    "outcome",
    "version",
]


@dataclass(frozen=True)
class Ward:
    """A database with a ward in it, and the acts of its test."""

    path: Path
    db: Connection

    def tell(self, stay: int, *points: Point) -> None:
        """Follow scores of a stay and keep them."""
        told = [replace(each, stay=stay) for each in points]
        with database.atomic(self.db):
            before = store.load(self.db, [stay])[stay]
            store.save(self.db, before, follow(before, *told), 1)
            scores.write(self.db, [stored(stay, each) for each in told])

    def change(self, stay: int, change: Any) -> None:  # noqa: ANN401 -- case to case
        """Change the case of a stay."""
        with database.atomic(self.db):
            before = store.load(self.db, [stay])[stay]
            store.save(self.db, before, change(before), None)

    def id(self, stay: int, lane: Lane = Lane.CLINICAL) -> str:
        """Give the id of a stay's alert."""
        return store.load(self.db, [stay])[stay].alerts[lane].id

    def beat(self, **changes: Any) -> None:  # noqa: ANN401 -- fields of Monitor
        """Let the monitor say that all is well, but for the changes."""
        well = Monitor(
            mode="live",
            started_ms=0,
            cycle_ms=NOW - 3000,
            broker_connected=True,
            broker_since_ms=0,
            last_received_ms=LAST_READING,
            last_observed_ms=LAST_READING,
            readings=1,
            lag_seconds=0.0,
            software="0",
            config_hash="",
        )
        with database.atomic(self.db):
            monitor.beat(self.db, replace(well, **changes))


def stored(stay: int, each: Point) -> tuple[int, ...]:
    """Give a score as the store keeps it."""
    order = list(POLICY.parts)
    low = scores.pack([each.points.get(part, 0) for part in order])
    present = scores.pack([int(part in each.points) for part in order])
    totals = (each.total_min, each.total_max, each.could_be, int(each.red), int(each.complete))
    return (stay, each.at_ms, each.received_ms, int(each.late), *totals, low, low, present, 1)


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    """A ward of four on two wards, watched, at minute 200."""
    monkeypatch.setattr(Clock, "now_ms", lambda _: NOW)
    path = tmp_path / "ward.db"
    with closing(database.create(path)) as db:
        with database.atomic(db):
            for patient, name in (("p-1", "resp"), ("p-2", "resp"), ("p-3", "hf"), (HOSTILE.replace("\x1b", ""), "hf")):
                asked = Admission(
                    patient=patient.replace("\x07", "").replace("\u202e", "") or "p",
                    ward=name,
                    plan=plans.load("general"),
                    admitted_ms=0,
                    born="1950-01-01",
                )
                registers.admit(db, asked, By(actor="test", at_ms=0))
            scores.provenance_no(db, "0", "news2", "general", "")
        made = Ward(path=path, db=db)
        made.beat()
        yield made


@pytest.fixture
def busy(ward: Ward) -> Ward:
    """The ward with one alert of each kind that the list orders."""
    ward.tell(1, point(150, 5), point(196, 6, spo2=3, missing=["temperature"]))
    ward.tell(2, point(194, 5))
    ward.tell(3, point(80, spo2=3), point(100, 1), point(140, 1))
    ward.change(3, lambda case: lifecycle.overdue(case, "temperature", 190 * MINUTE, NOW, last_ms=100 * MINUTE))
    ward.change(SYSTEM_STAY, lambda case: lifecycle.overdue(case, "broker", 198 * MINUTE, 199 * MINUTE))
    return ward


def listed(vwmon: Command, ward: Ward, *options: object) -> list[dict[str, Any]]:
    """Give the list as programs see it."""
    result = vwmon("alerts", "--db", ward.path, "--json", *options)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def test_an_empty_list_says_so(vwmon: Command, ward: Ward) -> None:
    """To people with a footer, to programs with an empty list; both end with 0."""
    shown = vwmon("alerts", "--db", ward.path)
    assert (shown.exit_code, "No open alerts." in shown.stdout) == (0, True)
    assert "0 alerts | 0 of 4 patients report, 4 not heard of yet" in shown.stdout
    assert "last reading 8 s ago | monitor 3 s ago | you: " in shown.stdout
    assert listed(vwmon, ward) == []
    assert vwmon("alerts", "--db", ward.path, "--exit-code").exit_code == 0
    assert "No closed alerts." in vwmon("alerts", "--db", ward.path, "--closed").stdout


def test_the_list_carries_the_fields_of_the_interface(vwmon: Command, busy: Ward) -> None:
    """Exactly these, with numbers as numbers and times in UTC; more may come, none may go."""
    row = next(row for row in listed(vwmon, busy) if row["stay"] == 1)
    assert [field for field in FIELDS if field not in row] == []
    assert (row["lane"], row["level"], row["state"], row["flags"]) == ("clinical", 3, "new", [])
    assert (row["ward"], row["stay"], row["patient"], row["tier"], row["version"]) == ("resp", 1, "p-1", 1, 2)
    assert row["opened_at"] == "1970-01-01T02:30:02Z"
    assert row["due_at"] == "1970-01-01T02:45:02Z"
    assert (row["owner"], row["acknowledged_at"], row["acknowledged_until"], row["outcome"]) == (None,) * 4
    assert (
        row["score"]
        | {
            "chart": "news2",
            "total_min": 9,
            "total_max": 12,
            "complete": False,
            "red": True,
            "missing": ["temperature"],
            "at": "1970-01-01T03:16:00Z",
        }
        == row["score"]
    )
    assert row["why"][0] == "NEWS2 9 to 12 (6 of 7 measured; missing temperature), 4 min ago"


def test_the_most_urgent_comes_first(vwmon: Command, busy: Ward) -> None:
    """By level, then the whole service before one patient, then what waits before what is in hand or settled."""
    order = [(row["lane"], row["level"], row["state"]) for row in listed(vwmon, busy)]
    assert order == [
        ("clinical", 3, "new"),
        ("system", 2, "new"),
        ("clinical", 2, "new"),
        ("clinical", 2, "settled"),
        ("technical", 1, "new"),
    ]


def test_a_fault_of_the_service_belongs_to_no_patient(vwmon: Command, busy: Ward) -> None:
    """No ward, no stay, no patient, no score."""
    (row,) = listed(vwmon, busy, "--lane", "system")
    assert [row[name] for name in ("ward", "stay", "patient", "score", "last_reading_at")] == [None] * 5
    assert row["why"] == ["no connection to the broker for 2 min"]


@pytest.mark.parametrize(
    ("options", "stays"),
    [
        (["--lane", "clinical"], [1, 2, 3]),
        (["--lane", "all", "--level", "2+"], [1, None, 2, 3]),
        (["--level", "3"], [1]),
        (["--state", "settled"], [3]),
        (["--state", "settled,new", "--lane", "technical,clinical"], [1, 2, 3, 3]),
        (["--ward", "hf"], [3, 3]),
        (["--patient", "p-2"], [2]),
        (["--since", "10m"], [None, 2, 3]),
        (["--unowned", "--lane", "clinical"], [1, 2]),
        (["--mine"], []),
        (["--closed"], []),
    ],
)
def test_the_list_can_be_narrowed(vwmon: Command, busy: Ward, options: list[str], stays: list[int | None]) -> None:
    """Each option leaves out what it does not name, and nothing else."""
    assert [row["stay"] for row in listed(vwmon, busy, *options)] == stays


@pytest.mark.parametrize("options", [["--patient", "p-22"], ["--ward", "rsep"], ["--patient", "p-22", "--json"]])
def test_a_slip_in_a_name_is_no_quiet_ward(vwmon: Command, busy: Ward, options: list[str]) -> None:
    """Nobody of that name was ever there: an error, and not a list without alerts."""
    result = vwmon("alerts", *options, "--db", busy.path)
    assert (result.exit_code, result.stdout) == (3, "")
    assert options[1] in result.stderr


def test_a_configured_ward_without_patients_has_an_empty_list(vwmon: Command, busy: Ward, tmp_path: Path) -> None:
    """A ward that opens tomorrow is known already."""
    config = tmp_path / "vwmon.toml"
    config.write_text("[[wards]]\nid = 'new'\nname = 'New'\n", encoding="utf-8")
    result = vwmon("alerts", "--ward", "new", "--db", busy.path, "--config", config)
    assert result.exit_code == 0
    assert "No open alerts." in result.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--lane", "bowling"],
        ["--state", "new,happy"],
        ["--level", "4"],
        ["--level", "high"],
        ["--since", "yesterday"],
        ["--watch"],
        ["--watch", "--json"],
        ["ack"],
        ["ack", "K7QD", "--for", "soon"],
        ["close", "K7QD"],
        ["close", "K7QD", "--outcome", "fine"],
        ["--level", "3", "show", "K7QD"],
    ],
)
def test_what_cannot_be_meant_is_refused(vwmon: Command, ward: Ward, options: list[str]) -> None:
    """With 2, and with what would be right; an option before a command, which would not reach it, too."""
    last = [] if options[0] == "--level" and len(options) > 2 else ["--db", str(ward.path)]
    result = vwmon("alerts", *options, *last)
    assert result.exit_code == 2
    assert result.stderr


def test_the_exit_code_can_carry_the_highest_level(vwmon: Command, busy: Ward) -> None:
    """Ten and the level, of what is listed and open."""
    assert vwmon("alerts", "--db", busy.path, "--exit-code").exit_code == 13
    assert vwmon("alerts", "--db", busy.path, "--exit-code", "--lane", "technical").exit_code == 11
    assert vwmon("alerts", "--db", busy.path, "--exit-code", "--closed").exit_code == 0


@pytest.mark.hazard("H5")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cycle_ms": NOW - 372_000}, "NOT MONITORING: nothing has been scored for 6 min"),
        ({"stopped_ms": NOW - 60_000}, "NOT MONITORING: the daemon was stopped"),
        ({"broker_connected": False, "broker_since_ms": NOW - 120_000}, "NOT MONITORING: no connection to the broker"),
    ],
)
def test_a_list_that_may_be_out_of_date_says_so_first_and_ends_with_4(
    vwmon: Command, busy: Ward, wrong: dict[str, Any], said: str
) -> None:
    """It is printed all the same; programs are told on standard error, also with --exit-code."""
    busy.beat(**wrong)
    shown = vwmon("alerts", "--db", busy.path)
    assert shown.exit_code == 4
    assert shown.stdout.startswith(said)
    assert "p-1" in shown.stdout
    told = vwmon("alerts", "--db", busy.path, "--json", "--exit-code")
    assert told.exit_code == 4
    assert len(json.loads(told.stdout)) == 5
    assert said in told.stderr
    for command in (["show", busy.id(1)], ["log"]):
        result = vwmon("alerts", *command, "--db", busy.path)
        assert (result.exit_code, result.stdout.startswith(said)) == (4, True)


@pytest.mark.hazard("H20")
def test_a_database_that_nothing_ever_watched_is_not_trusted(vwmon: Command, ward: Ward) -> None:
    """No heartbeat at all is no good news."""
    with database.atomic(ward.db):
        ward.db.execute("delete from monitor")
    assert vwmon("alerts", "--db", ward.path).exit_code == 4


def test_a_recording_stands_at_its_last_moment_and_says_so(vwmon: Command, busy: Ward) -> None:
    """Ages are against that moment, and the list is to be trusted."""
    busy.beat(mode="recording", recording_end_ms=NOW - 2 * MINUTE, cycle_ms=None)
    shown = vwmon("alerts", "--db", busy.path)
    assert shown.exit_code == 0
    assert shown.stdout.startswith("RECORDING: stands at 1970-01-01T03:18:00Z")
    assert "2 min ago: SpO2 91 %, RR 24, O2 2 L/min, SBP 98; missing Temp" in shown.stdout
    done = vwmon("alerts", "ack", busy.id(2), "-m", "looked", "--db", busy.path)
    assert done.exit_code == 0
    assert "RECORDING" in done.stderr
    assert "until 1970-01-01T04:18:00Z" in done.stdout


@pytest.mark.hazard("H5")
@pytest.mark.parametrize(("age", "current"), [(12 * HOUR, True), (24 * HOUR, True), (24 * HOUR + 1, False)])
def test_a_score_that_nothing_holds_up_any_more_is_withdrawn(
    vwmon: Command, ward: Ward, monkeypatch: pytest.MonkeyPatch, age: int, *, current: bool
) -> None:
    """Older than the longest that the plan lets a reading count, it is no score now."""
    ward.tell(2, point(0, 5))
    monkeypatch.setattr(Clock, "now_ms", lambda _: age)
    ward.beat(cycle_ms=age)
    (row,) = listed(vwmon, ward)
    assert (row["score"] is not None) == current


@pytest.mark.hazard("H23")
def test_in_a_pipe_every_alert_is_one_line_and_nothing_is_cut(vwmon: Command, busy: Ward) -> None:
    """Plain text that other programs can cut for themselves."""
    shown = vwmon("alerts", "--db", busy.path).stdout.splitlines()
    assert shown[0].split()[:3] == ["ID", "LVL", "PATIENT"]
    assert len(shown) == 8
    assert shown[1].startswith(f"{busy.id(1)}  L3   p-1")
    assert "OVERDUE 34m" in shown[1]
    assert shown[1].endswith("4 min ago: SpO2 91 %, RR 24, O2 2 L/min, SBP 98; missing Temp")
    assert "S2" in shown[2]
    assert "SETTLED" in shown[4]
    assert shown[5] == "+ 1 technical L1: vwmon alerts --lane technical"
    assert "\x1b" not in "".join(shown)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_other_formats_carry_the_same_rows(vwmon: Command, busy: Ward, form: str) -> None:
    """One line each, and a header where there is one."""
    result = vwmon("alerts", "--db", busy.path, "--format", form)
    assert len(result.stdout.splitlines()) == (6 if form == "csv" else 5)


def test_the_lines_of_a_terminal_keep_within_its_width(vwmon: Command, busy: Ward) -> None:
    """Eighty columns: the row, and the reasons below it on at most two lines, with a mark where more is left out."""
    rows = listed(vwmon, busy)
    shown = work_list.lines(rows, NOW, work_list.Around(footer=["footer"]), LOOK)
    assert max(len(line) for line, _ in shown) <= 80
    assert shown[0][0].split() == list(work_list.USUAL)
    assert shown[2][0].startswith("      resp; 4 min ago: SpO2 91 %, RR 24, O2 2 L/min, SBP 98; missing Temp")
    assert shown[-1] == ("footer", "dim")
    assert shown[1][1] == "bold red"


@pytest.mark.parametrize("patient", ["L" * 64, "患者" * 16, HOSTILE * 9])
def test_a_long_identifier_is_cut_in_its_row_and_whole_below_it(vwmon: Command, busy: Ward, patient: str) -> None:
    """The row keeps its columns and the patient can still be told from one whose identifier begins alike."""
    with database.atomic(busy.db):
        busy.db.execute("update stay set patient = ? where stay_no = 2", [patient])
        busy.db.execute("update alert set owner = ? where stay_no = 2", ["o" * 64])
    shown = [line for line, _ in work_list.lines(listed(vwmon, busy), NOW, work_list.Around(), LOOK)]
    assert max(map(cell_len, shown)) <= 80
    row = next(number for number, line in enumerate(shown) if line.startswith(busy.id(2)))
    assert shown[row].count("…") == 2
    below = "".join(line.strip() for line in shown[row + 1 : row + 4])
    assert f"patient {render.safe(patient)}" in below.replace("patient", "patient ", 1).replace("  ", " ")
    assert sum("patient" in line for line in shown) == 1


def test_the_title_and_the_empty_list_have_lines_too() -> None:
    """What must be said is said first, in red and in words."""
    shown = work_list.lines([], NOW, work_list.Around(title="NOT MONITORING: really", empty="No open alerts."), LOOK)
    assert shown == [("NOT MONITORING: really", "bold red"), ("No open alerts.", "")]
    assert work_list.lines([], NOW, work_list.Around(title="RECORDING: stands"), LOOK)[0] == (
        "RECORDING: stands",
        "bold",
    )


@pytest.mark.hazard("H23")
def test_nothing_that_a_terminal_would_obey_is_printed(vwmon: Command, busy: Ward) -> None:
    """A patient or a note with escape sequences is shown, not obeyed."""
    with database.atomic(busy.db):
        busy.db.execute("update stay set patient = ? where stay_no = 2", [HOSTILE])
    assert vwmon("alerts", "ack", busy.id(2), "-m", HOSTILE, "--db", busy.path).exit_code == 0
    for command in ([], ["show", busy.id(2)], ["log"], ["--json"], ["--format", "csv"]):
        shown = vwmon("alerts", *command, "--db", busy.path).stdout
        assert not set(shown) & set("\x1b\x07\u202e")
        assert "EVIL" in shown
    text = work_list.as_text(work_list.lines(listed(vwmon, busy), NOW, work_list.Around(), LOOK)).plain
    assert not set(text) & set("\x1b\x07\u202e")


def test_one_alert_says_what_the_score_is_now_and_how_old(
    vwmon: Command, busy: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reasons are those of when they arose; an old score is not repeated as the present one."""
    system = next(row["id"] for row in listed(vwmon, busy, "--lane", "system"))
    assert "now:" not in vwmon("alerts", "show", system, "--db", busy.path).stdout
    shown = vwmon("alerts", "show", busy.id(1), "--db", busy.path).stdout
    assert "  now: NEWS2 9-12; no reading ever came\n" in shown
    monkeypatch.setattr(Clock, "now_ms", lambda _: NOW + 48 * HOUR)
    assert "  now: no score that still holds; " in vwmon("alerts", "show", busy.id(1), "--db", busy.path).stdout


def test_an_acknowledgement_says_what_it_covers(vwmon: Command, busy: Ward) -> None:
    """Whose, until when, up to what; and the list shows the owner."""
    done = vwmon("alerts", "ack", busy.id(2), "-m", "phoned", "--for", "45m", "--db", busy.path)
    assert done.exit_code == 0
    me = getpass.getuser() if not os.environ.get("LOGNAME") else done.stdout.split(" by ")[1].split(" ")[0]
    assert done.stdout == (
        f"{busy.id(2)} L2 (patient p-2, ward resp) ACKED by {me} until 1970-01-01T04:05:00Z: "
        "covers L2, score to 6; raised again by L3, score 7 or more, a new single 3, expiry\n"
        f"  undo: vwmon alerts unack {busy.id(2)}\n"
    )
    (row,) = listed(vwmon, busy, "--mine")
    assert (row["owner"], row["state"], row["acknowledged_level"]) == (me, "acknowledged", 2)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ack", "ZZZZ", "-m", "x"], 3, "there is no alert ZZZZ"),
        (["show", "ZZZZ"], 3, "there is no alert ZZZZ"),
        (["log", "ZZZZ"], 3, "there is no alert ZZZZ"),
        (["ack", "@1"], 6, "say with -m what is being done"),
        (["ack", "@1", "-m", "x", "--for", "31m"], 6, "at most 30 min"),
        (["ack", "@1", "-m", "x", "--rev", "1"], 5, "since revision 1: level L2 -> L3"),
        (["ack", "@2", "-m", "x"], 5, "is owned by lowe since 1 min ago"),
        (["ack", "@3", "-m", "x"], 5, "has settled meanwhile"),
        (["close", "@1", "--outcome", "phoned-stable"], 6, "nobody has it in hand"),
        (["close", "@3", "--outcome", "other"], 6, "needs a note"),
        (["note", "@1"], 6, "a note needs words"),
    ],
)
def test_each_refusal_has_its_code_and_its_reason(
    vwmon: Command, busy: Ward, arguments: list[str], code: int, said: str
) -> None:
    """Not found 3, someone else or something changed 5, a safety rule 6."""
    with database.atomic(busy.db):
        store.acknowledge(busy.db, busy.id(2), person(199, "lowe", "visit"))
    named = [busy.id(int(word[1:])) if word.startswith("@") else word for word in arguments]
    result = vwmon("alerts", *named, "--db", busy.path)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.startswith("error: ")


def test_taking_over_and_closing(vwmon: Command, busy: Ward) -> None:
    """The second owner takes over, closes with an outcome, and the alert leaves the list for that of the closed."""
    with database.atomic(busy.db):
        store.acknowledge(busy.db, busy.id(2), person(199, "lowe", "visit"))
    id_ = busy.id(2)
    assert vwmon("alerts", "ack", id_, "-m", "mine", "--take", "--db", busy.path).exit_code == 0
    done = vwmon("alerts", "close", id_.lower(), "--outcome", "999", "-m", "to A&E", "--db", busy.path)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"{id_} L2 (patient p-2, ward resp) CLOSED outcome transferred",
        f"  undo: vwmon alerts reopen {id_} -m WHY",
    ]
    assert id_ not in [row["id"] for row in listed(vwmon, busy)]
    (row,) = listed(vwmon, busy, "--closed")
    assert (row["id"], row["outcome"], row["closed_at"]) == (id_, "transferred", "1970-01-01T03:20:00Z")
    again = vwmon("alerts", "close", id_, "--outcome", "no-action", "--db", busy.path)
    assert again.exit_code == 5


def test_several_at_once_end_with_7_when_some_fail(vwmon: Command, busy: Ward) -> None:
    """The others are done all the same, and each is accounted for."""
    result = vwmon("alerts", "ack", busy.id(1), "ZZZZ", busy.id(2), "-m", "round", "--json", "--db", busy.path)
    assert result.exit_code == 7
    rows = json.loads(result.stdout)
    assert [(row["id"], row["exit_code"]) for row in rows] == [(busy.id(1), 0), ("ZZZZ", 3), (busy.id(2), 0)]
    assert rows[1]["refused"].startswith("there is no alert")
    assert rows[0]["state"] == "acknowledged"


def test_ids_can_come_from_another_program(vwmon: Command, busy: Ward) -> None:
    """A dash reads them from standard input, each once."""
    ids = f"{busy.id(1)}\n{busy.id(2)} {busy.id(1)}\n"
    result = vwmon("alerts", "ack", "-", "-m", "round", "--db", busy.path, stdin=ids)
    assert (result.exit_code, len([line for line in result.stdout.splitlines() if "ACKED" in line])) == (0, 2)
    assert vwmon("alerts", "ack", "-", "-m", "round", "--db", busy.path, stdin="").exit_code == 2


def test_one_alert_is_shown_with_its_reasons_and_history(vwmon: Command, busy: Ward) -> None:
    """Where it stands, why, what covers it, and everything that happened."""
    with database.atomic(busy.db):
        store.acknowledge(busy.db, busy.id(1), person(199, "lowe", "visit"))
        store.note(busy.db, busy.id(1), person(199.5, "ahmed", "daughter rang"))
    shown = vwmon("alerts", "show", busy.id(1), "--db", busy.path)
    assert shown.exit_code == 0
    for said in (
        f"{busy.id(1)} L3 (patient p-1 (20y), ward resp) ACKED",
        "  NEWS2 9 to 12 (6 of 7 measured; missing temperature), 4 min ago",
        'acknowledged by lowe 1 min ago: "visit"',
        "covers L3, score to 10; raised again by score 11 or more",
        "due in 29m",
        "level 2 -> 3",
        'ahmed "daughter rang"',
    ):
        assert said in shown.stdout, said
    record = json.loads(vwmon("alerts", "show", busy.id(1), "--json", "--db", busy.path).stdout)
    assert [event["kind"] for event in record["events"]] == ["raised", "worsened", "acknowledged", "noted"]
    assert record["evidence"]["values"]["spo2"] == 91.0


@pytest.mark.hazard("H8")
def test_what_nobody_asks_of_a_patient_is_not_shown_as_what_may_still_come(vwmon: Command, busy: Ward) -> None:
    """On the list and on the alert's page it is not asked, in the words of the plan; what is waited for is missing."""
    busy.tell(1, point(197, 6, spo2=3, missing=["temperature", "systolic_bp"]))
    plan = ("patients", "plan", "p-1", "--not-asked", "temperature", "--reason", "no thermometer", "--db", busy.path)
    assert vwmon(*plan).exit_code == 0
    row = next(row for row in listed(vwmon, busy) if row["stay"] == 1)
    assert (row["score"]["missing"], row["score"]["not_asked"]) == (["systolic_bp", "temperature"], ["temperature"])
    assert "; missing SBP; Temp not asked" in vwmon("alerts", "--db", busy.path).stdout
    shown = vwmon("alerts", "show", busy.id(1), "--db", busy.path).stdout
    assert "(5 of 7 measured; missing systolic pressure; temperature not asked)" in shown
    assert "  now: NEWS2 9-15, temperature not asked; " in shown
    cells = {line[:20].strip(): line for line in shown.splitlines()}
    assert "not asked" in cells["temperature"]
    assert "not measured" in cells["systolic pressure"]


def test_what_a_closed_alert_shows(vwmon: Command, busy: Ward) -> None:
    """Its outcome, and nothing due."""
    with database.atomic(busy.db):
        store.close(busy.db, busy.id(3), person(199), Outcome.PHONED_STABLE)
    shown = vwmon("alerts", "show", busy.id(3), "--db", busy.path).stdout
    assert "outcome: phoned-stable" in shown
    assert "due " not in shown


def test_the_log_tells_everything_or_one_alert_or_the_last_hours(vwmon: Command, busy: Ward) -> None:
    """In the order it happened; to programs too."""
    everything = vwmon("alerts", "log", "--db", busy.path).stdout.splitlines()
    assert len(everything) == 6 + 1
    one = vwmon("alerts", "log", busy.id(3), "--db", busy.path).stdout.splitlines()
    assert [line.split()[2] for line in one] == ["raised", "settled"]
    recent = json.loads(vwmon("alerts", "log", "--since", "20m", "--json", "--db", busy.path).stdout)
    assert {event["kind"] for event in recent} == {"raised", "worsened"}
    assert all(event["at"] >= "1970-01-01T03:00:00Z" for event in recent)


def test_an_empty_log_says_so(vwmon: Command, ward: Ward) -> None:
    """Nothing has happened yet."""
    assert vwmon("alerts", "log", "--db", ward.path).stdout == "Nothing has happened.\n"


def test_a_note_leaves_the_alert_as_it_was(vwmon: Command, busy: Ward) -> None:
    """On the list nothing changes; in the history there it is."""
    assert vwmon("alerts", "note", busy.id(1), "-m", "called", "--db", busy.path).exit_code == 0
    before = listed(vwmon, busy)
    assert vwmon("alerts", "note", busy.id(1), "-m", "daughter rang", "--db", busy.path).exit_code == 0
    assert listed(vwmon, busy) == before
    assert "daughter rang" in vwmon("alerts", "log", busy.id(1), "--db", busy.path).stdout


def test_the_last_reading_of_a_stay_is_of_the_devices_it_had(vwmon: Command, busy: Ward) -> None:
    """A reading from before or after a device belonged to the stay is not the patient's."""
    from vwmon.store.readings import Latest

    with database.atomic(busy.db):
        registers.add_device(busy.db, "hub-1", By(actor="test", at_ms=0))
        registers.assign(busy.db, "hub-1", "p-1", 10 * MINUTE, By(actor="test", at_ms=0))
        busy.db.execute("insert into vital values (1, 'spo2')")
    for observed in (190 * MINUTE, 5 * MINUTE):
        row = Latest(1, 1, observed, 91.0, None, 1, observed)
        busy.db.execute("insert or replace into series_latest values (?, ?, ?, ?, ?, ?, ?, 1)", row)
        (found,) = [row for row in listed(vwmon, busy) if row["stay"] == 1]
        assert (found["last_reading_at"] is not None) == (observed > 10 * MINUTE)


def test_the_list_loads_no_arrays_and_no_migrations(busy: Ward) -> None:
    """What clinicians wait for is quick: checked in a process of its own, for the list and for one alert."""
    script = (
        "import sys\nfrom vwmon.cli import main\nsys.argv = sys.argv[:1] + {argv}\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('numpy', 'scipy', 'paho', 'sqlite_utils') if name in sys.modules])"
    )
    for argv in (["alerts"], ["alerts", "show", busy.id(1)]):
        asked = script.format(argv=[*argv, "--db", str(busy.path)])
        done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.splitlines()[-1] == "[]"


def at_terminal(
    *arguments: object, until: bytes = b"", then: Callable[[subprocess.Popen[bytes], int], object] | None = None
) -> tuple[int, bytes]:
    """Run a command at a terminal of eighty columns; `then` is done once something is shown.

    Gives the exit code and all that was on the screen.
    """
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from vwmon.cli import main; main()", *map(str, arguments)]
    env = {**os.environ, "COLUMNS": "80", "LINES": "40", "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as running:
        os.close(theirs)
        screen = b""
        for _ in range(30):  # a screen that never ends is a failure, not a wait
            chunk = shown(ours)
            screen += chunk
            if not chunk:
                break
            if then is not None and until in screen:
                then(running, ours)
                then = None
        else:
            running.kill()
        os.close(ours)
        return running.wait(timeout=60), screen


def shown(terminal: int) -> bytes:
    """Give what a terminal shows next; nothing when its program has ended."""
    if not select.select([terminal], [], [], 30)[0]:
        return b""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def test_at_a_terminal_the_list_is_coloured_and_says_the_same_in_words(busy: Ward) -> None:
    """Two lines an alert; the level is in the text, and the distrust is said first and in red."""
    code, screen = at_terminal("alerts", "--db", busy.path)
    assert code == 4  # by the clock of the machine, this monitor has been silent for decades
    assert screen.index(b"NOT MONITORING") < screen.index(b"p-1")
    assert b"\x1b[1;31m" in screen
    assert b"L3" in screen


@pytest.mark.parametrize(
    "end",
    [lambda _, terminal: os.write(terminal, b"q"), lambda running, _: running.send_signal(signal.SIGINT)],
    ids=["q", "ctrl-c"],
)
def test_watching_ends_when_it_is_told_to(busy: Ward, end: Callable[[subprocess.Popen[bytes], int], object]) -> None:
    """By a key or by Ctrl-C; the list stays on the screen, and its exit code says that it was not to be trusted."""
    code, screen = at_terminal("alerts", "--watch", "--db", busy.path, until=b"q ends", then=end)
    assert code == 4
    assert b"p-1" in screen


def test_a_case_needs_no_stay_to_be_listed(vwmon: Command, ward: Ward) -> None:
    """The service's alert is listed on a ward without patients."""
    ward.change(SYSTEM_STAY, lambda case: lifecycle.overdue(case, "silent", 190 * MINUTE, NOW))
    assert [row["level"] for row in listed(vwmon, ward)] == [3]
    assert Case(stay_no=SYSTEM_STAY).quiet


def test_one_alert_says_which_measurement_would_settle_the_score(vwmon: Command, ward: Ward) -> None:
    """For the person who rings the patient; the list, which has to be there in a moment, does without."""
    ward.tell(1, point(190, spo2=3, heart_rate=2, missing=["respiratory_rate"]))
    shown = vwmon("alerts", "show", ward.id(1), "--db", ward.path).stdout
    assert "  measure respiratory rate now: it decides between 5 and 8 (medium or high)\n" in shown
    record = json.loads(vwmon("alerts", "show", ward.id(1), "--json", "--db", ward.path).stdout)
    assert record["score"]["measure_next"]["measure"] == "respiratory_rate"
    (row,) = [row for row in listed(vwmon, ward) if row["stay"] == 1]
    assert "measure_next" not in row["score"]


def test_an_alert_on_a_settled_score_asks_for_no_measurement(vwmon: Command, ward: Ward) -> None:
    """7 points are high, whatever else is missing."""
    ward.tell(1, point(190, spo2=3, heart_rate=2, oxygen=2, missing=["respiratory_rate"]))
    record = json.loads(vwmon("alerts", "show", ward.id(1), "--json", "--db", ward.path).stdout)
    assert record["score"]["measure_next"] is None
    assert "measure " not in vwmon("alerts", "show", ward.id(1), "--db", ward.path).stdout
