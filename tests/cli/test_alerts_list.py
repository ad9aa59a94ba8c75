"""The work list as people see it: whom it names and how, what stands below it, what is folded away, at every width."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from alerts import moves, store
from alerts.model import SYSTEM_STAY, Case, Condition, ConditionState, Lane
from tests.cli import test_alerts_commands as shared
from tests.cli.test_alerts_commands import HOSTILE, NOW, Ward, listed
from tests.conftest import Command
from tests.unit.alerts_points import HOUR, MINUTE, clinical, person, point
from vwmon.cli import stay_lookups, ward_lines, work_list
from vwmon.cli.standing import Standing
from vwmon.cli.work_list import Look
from vwmon.config import Settings
from vwmon.patients.records import By
from vwmon.store import database, glance, registers
from vwmon.store.database import open_reader

ward, busy = shared.ward, shared.busy
WIDTHS = [40, 60, 80, 100, 160, 200]


@pytest.fixture
def measured(busy: Ward) -> Ward:
    """The busy ward, with a device for p-1 and readings of it: an oxygen saturation that falls."""
    with database.atomic(busy.db):
        busy.db.execute("insert into vital values (1, 'spo2'), (2, 'respiratory_rate')")
        give(busy, "hub-1", "p-1")
        read(busy, 1, 1, (130, 94), (136, 93), (198, 86))
        read(busy, 1, 2, (130, 20), (196, 24))
    return busy


def give(ward: Ward, device: str, patient: str) -> None:
    """Give a device to a patient from the beginning."""
    registers.add_device(ward.db, device, By(actor="test", at_ms=0))
    registers.assign(ward.db, device, patient, 0, By(actor="test", at_ms=0))


def read(ward: Ward, device: int, vital: int, *readings: tuple[float, float]) -> None:
    """Put readings of a vital by minute into the log, not merged yet."""
    for minute, value in readings:
        at_ms = round(minute * MINUTE)
        cells = (device, vital, at_ms, value, None, None, None, 0, at_ms, at_ms, 1)
        ward.db.execute("insert into reading_log values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null)", cells)


def named(ward: Ward, stay: int, name: str | None, born: str | None = "1950-01-01") -> None:
    """Say who a stay is of."""
    with database.atomic(ward.db):
        ward.db.execute("update identity set name = ?, born = ? where stay_no = ?", (name, born, stay))


def shown(vwmon: Command, ward: Ward, *options: object) -> str:
    """Give the list as it is in a pipe."""
    result = vwmon("alerts", "--db", ward.path, *options)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def drawn(vwmon: Command, ward: Ward, width: int, **look: Any) -> list[str]:  # noqa: ANN401 -- fields of Look
    """Give the list as lines for a terminal."""
    around = work_list.Around(footer=["one | two | three"])
    return [line for line, _ in work_list.lines(listed(vwmon, ward), NOW, around, Look(width=width, **look))]


@pytest.mark.hazard("H5")
def test_now_comes_before_then(vwmon: Command, measured: Ward) -> None:
    """What is measured now, with its age and direction; the score with its bounds and change."""
    (row,) = [line for line in shown(vwmon, measured).splitlines() if "p-1" in line]
    assert "2 min ago: SpO2 86 % down from 93, RR 24 up from 20" in row
    assert "  9-12   -  " in row  # there was no score an hour before


def test_the_change_is_that_since_somebody_took_it_in_hand(vwmon: Command, ward: Ward) -> None:
    """Against an hour before while nobody has; programs are told against what."""
    ward.tell(2, point(100, 1), point(150, 5), point(180, 6), point(195, 8))
    (row,) = listed(vwmon, ward)
    assert row["change"] == {
        "by": 7,
        "since": "1970-01-01T02:20:00Z",
        "acknowledged": False,
        "total_min": 1,
        "total_max": 1,
    }
    assert "  8 +7  " in shown(vwmon, ward)
    with database.atomic(ward.db):
        store.acknowledge(ward.db, ward.id(2), person(185, "lowe", "visit"))
    (row,) = listed(vwmon, ward)
    assert (row["change"]["by"], row["change"]["acknowledged"]) == (2, True)
    assert '"visit"' in shown(vwmon, ward)


def test_a_technical_row_shows_no_score(vwmon: Command, busy: Ward) -> None:
    """A score beside a flat battery would be read as its reason."""
    (row,) = [line for line in shown(vwmon, busy, "--lane", "technical").splitlines() if " T1 " in line]
    assert re.search(r"NEW +\d+m +- +- ", row)


@pytest.mark.hazard("H4")
@pytest.mark.parametrize(
    ("name", "born", "told"),
    [
        ("Jane Brown", "1950-06-01", ("p-1 (JB 19y)", "p-1 (Jane Brown 19y)")),
        ("Jan van der Berg", "1950-01-01", ("p-1 (JB 20y)", "p-1 (Jan van der Berg 20y)")),
        ("Brown, Jane", "1950-01-01", ("p-1 (BJ 20y)", "p-1 (Brown, Jane 20y)")),
        ("Madonna", "1950-01-01", ("p-1 (M 20y)", "p-1 (Madonna 20y)")),
        ("王小明", None, ("p-1 (王)", "p-1 (王小明)")),
        (None, "1950-01-01", ("p-1 (20y)", "p-1 (20y)")),
        (None, None, ("p-1 ", "p-1 ")),
        ("?", "soon", ("p-1 ", "p-1 (?)")),
    ],
)
def test_a_person_is_told_apart_by_identifier_and_initials(
    vwmon: Command, busy: Ward, name: str | None, born: str | None, told: tuple[str, str]
) -> None:
    """The local identifier always, because initials and age are no proof; the name only when it is asked for."""
    named(busy, 1, name, born)
    usual, by_name = shown(vwmon, busy), shown(vwmon, busy, "--names")
    assert f"  {told[0]}" in usual
    assert f"  {told[1]}" in by_name
    assert name is None or len(name) < 2 or name not in usual


@pytest.mark.hazard("H22")
def test_programs_are_told_nothing_of_a_person_unless_names_are_asked_for(vwmon: Command, busy: Ward) -> None:
    """What goes through a pipe goes further than a screen of the ward."""
    named(busy, 1, "Jane Brown")
    for command in (["alerts", "--json"], ["alerts", "-o", "csv"], ["alerts", "show", busy.id(1), "--json"]):
        told = vwmon(*command, "--db", busy.path).stdout
        assert not re.search(r"Jane|Brown|JB|1950", told)
    (row,) = [row for row in listed(vwmon, busy, "--names") if row["stay"] == 1]
    assert row["person"] == {"initials": "JB", "age": 20, "name": "Jane Brown"}


@pytest.mark.hazard("H4")
def test_two_with_the_same_initials_are_told_apart(vwmon: Command, busy: Ward) -> None:
    """At any width, also where an identifier is cut."""
    for stay, patient in ((1, "hospital-number-000000000000000001"), (2, "hospital-number-000000000000000002")):
        named(busy, stay, "Jane Brown")
        with database.atomic(busy.db):
            busy.db.execute("update stay set patient = ? where stay_no = ?", (patient, stay))
    for width in WIDTHS:
        text = "".join(line.strip() for line in drawn(vwmon, busy, width))
        for patient in ("000001", "000002"):
            assert f"hospital-number-000000000000{patient}" in text.replace(" ", ""), width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_fits_every_terminal(vwmon: Command, measured: Ward, width: int) -> None:
    """No line is wider, from sixty columns on; each alert says who, how urgent, its state, score and what is due."""
    with database.atomic(measured.db):
        measured.db.execute("update stay set patient = ? where stay_no = 2", ["患者" * 9])
        store.acknowledge(measured.db, measured.id(2), person(199, "o" * 40, "w" * 90))
    lines = drawn(vwmon, measured, width)
    assert width < 60 or max(map(cell_len, lines)) <= width
    titles = lines[0].split()
    assert {"ID", "LVL", "PATIENT", "STATE", "SCORE", "DUE"} <= set(titles)
    assert ("WHY" in titles) == (width >= work_list.WIDE_FROM)
    (row,) = [line for line in lines if line.startswith(measured.id(1))]
    assert all(said in row for said in ("L3", "p-1", "NEW", "9-12", "OVERDUE 34m"))
    assert "SpO2 86 % down from 93" in re.sub(r"\s+", " ", " ".join(lines))


def test_on_a_narrow_terminal_owner_and_age_are_below(vwmon: Command, busy: Ward) -> None:
    """Nothing that the wider list says is left out."""
    with database.atomic(busy.db):
        store.acknowledge(busy.db, busy.id(2), person(199, "lowe", "visit"))
    text = "\n".join(drawn(vwmon, busy, 60))
    assert "; 50m, nobody; " in text
    assert "; 6m, lowe; " in text


def test_what_is_below_the_list_breaks_between_its_parts() -> None:
    """A number and what it counts stay on one line."""
    lines = [line for line, _ in work_list.below(["5 alerts | 41 of 42 patients report | you: lowe"], 40)]
    assert lines == ["5 alerts | 41 of 42 patients report", "you: lowe"]


def test_wide_is_one_line_an_alert_also_at_a_terminal(vwmon: Command, measured: Ward) -> None:
    """However long."""
    lines = drawn(vwmon, measured, work_list.UNCUT, wide=True)
    assert len(lines) == 1 + 5 + 1
    assert "WHY" in lines[0]
    assert shown(vwmon, measured, "-o", "wide").splitlines()[0].split() == list(work_list.WIDE)


def test_ids_are_one_a_line_and_nothing_else(vwmon: Command, busy: Ward) -> None:
    """For another command; also those that people see folded away."""
    ids = shown(vwmon, busy, "--format", "ids").splitlines()
    assert sorted(ids) == sorted(row["id"] for row in listed(vwmon, busy))
    assert vwmon("alerts", "--pending", "-o", "ids", "--db", busy.path).exit_code == 2


def test_technical_alerts_of_level_1_are_one_line(vwmon: Command, busy: Ward) -> None:
    """So that who is ill can be seen; programs get them all, and the exit code counts them."""
    usual = shown(vwmon, busy)
    assert "\n+ 1 technical L1: vwmon alerts --lane technical\n" in usual
    assert " T1 " not in usual
    assert [row["level"] for row in listed(vwmon, busy) if row["lane"] == "technical"] == [1]
    for options in (["--lane", "technical"], ["--patient", "p-3"], ["--level", "1"], ["--state", "new"], ["--unowned"]):
        narrowed = shown(vwmon, busy, *options)
        assert (" T1 " in narrowed) == (options != ["--level", "1"]), options


@pytest.mark.parametrize("level", [2, 3])
def test_a_technical_alert_above_level_1_is_never_folded_away(vwmon: Command, busy: Ward, level: int) -> None:
    """Sick and unseen is a technical alert, and the last that may be hidden."""
    with database.atomic(busy.db):
        busy.db.execute("update alert set level = ?1, peak = ?1 where lane = 'technical'", [level])
    assert f" T{level} " in shown(vwmon, busy)
    rows, folded = ward_lines.folded_away(listed(vwmon, busy))
    assert (len(rows), folded) == (5, 0)


@pytest.mark.hazard("H23")
def test_a_list_with_only_folded_alerts_does_not_say_that_there_are_none(vwmon: Command, ward: Ward) -> None:
    """An empty list must not look emptier than it is."""
    from alerts import lifecycle

    ward.change(3, lambda case: lifecycle.overdue(case, "spo2", 190 * MINUTE, NOW, last_ms=100 * MINUTE))
    text = shown(vwmon, ward)
    assert text.startswith("No open alerts but 1 technical at level 1.\n")
    assert vwmon("alerts", "--db", ward.path, "--exit-code").exit_code == 11


@pytest.mark.parametrize(
    "options", [["--since", "1m"], ["--level", "3"], ["--mine"], ["--overdue"], ["--state", "settled"]]
)
def test_a_narrowed_list_that_is_empty_does_not_say_that_nothing_is_open(
    vwmon: Command, ward: Ward, options: list[str]
) -> None:
    """What was left out by an option may be open all the same."""
    ward.tell(2, point(194, 5))
    assert shown(vwmon, ward, *options).startswith("No open alerts that fit what was asked for.\n")


@pytest.mark.hazard("H21")
def test_what_is_snoozed_is_counted_where_it_is_not_shown(vwmon: Command, ward: Ward) -> None:
    """Off the list, in the number below it; with --snoozed on it, and when its time is up it is back by itself."""
    ward.tell(2, point(194, 5))
    with database.atomic(ward.db):
        store.acknowledge(ward.db, ward.id(2), person(198, "lowe", "visit"))
        ward.db.execute("update alert set snooze_ms = ?", [NOW + 9 * MINUTE])
    text = shown(vwmon, ward)
    assert text.startswith("No open alerts but 1 snoozed.\n")
    assert "1 snoozed (vwmon alerts --snoozed)" in text
    assert "SNOOZED, back in 9m" in shown(vwmon, ward, "--snoozed")
    with database.atomic(ward.db):
        ward.db.execute("update alert set snooze_ms = ?", [NOW])
    assert "snoozed" not in shown(vwmon, ward)
    assert ward.id(2) in shown(vwmon, ward)


@pytest.mark.hazard("H3")
def test_overdue_is_since_the_first_answer_was_owed(vwmon: Command, busy: Ward) -> None:
    """Whatever tier it has come to since: the last deadline is not the delay."""
    with database.atomic(busy.db):
        busy.db.execute("update alert set tier = 3, due_ms = ? where stay_no = 1", [NOW + 4 * MINUTE])
    assert "OVERDUE 34m tier 3" in shown(vwmon, busy)
    overdue = [row["stay"] for row in listed(vwmon, busy, "--overdue")]
    assert overdue == [1]
    with database.atomic(busy.db):
        store.acknowledge(busy.db, busy.id(1), person(199, "lowe", "visit"))
    assert listed(vwmon, busy, "--overdue") == []


def test_an_alert_that_was_offered_says_to_whom(vwmon: Command, busy: Ward) -> None:
    """Until it is taken over, its owner stays; both are on the list."""
    with database.atomic(busy.db):
        store.acknowledge(busy.db, busy.id(2), person(199, "lowe", "visit"))
        busy.db.execute("update alert set offered_to = 'ahmed' where stay_no = 2")
    (row,) = [line for line in shown(vwmon, busy).splitlines() if line.startswith(busy.id(2))]
    assert "  lowe  " in row
    assert "offered to ahmed" in row


def pending(ward: Ward, stay: int, due: int | None) -> None:
    """Let a breach of a stay wait to be confirmed."""
    waiting = Condition(
        rule="news2_5",
        state=ConditionState.PENDING,
        since_ms=192 * MINUTE,
        seen_ms=192 * MINUTE,
        due_ms=due,
        evidence={"points": {"spo2": 3, "oxygen": 2}, "values": {"spo2": 90.0, "oxygen": 2.0}},
    )
    ward.change(stay, lambda case: case.__class__(stay_no=stay, conditions={"news2_5": waiting}))


@pytest.mark.hazard("H21", "H31")
def test_what_is_pending_is_counted_and_listed_with_when_it_opens(vwmon: Command, ward: Ward) -> None:
    """A delay must be visible; the soonest first."""
    assert "pending" not in shown(vwmon, ward)
    pending(ward, 1, NOW + 9 * MINUTE)
    pending(ward, 3, NOW + 3 * MINUTE)
    pending(ward, 2, None)
    assert "3 pending confirmation (vwmon alerts --pending)" in shown(vwmon, ward)
    assert "1 pending confirmation" in shown(vwmon, ward, "--ward", "hf")
    lines = shown(vwmon, ward, "--pending").splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["PATIENT", "p-3", "p-1", "p-2"]
    assert re.search(r"L2 +8m +in 3m +NEWS2 5 or more +SpO2 90 %, O2 2 L/min", lines[1])
    assert "when it has lasted" in lines[3]
    rows = listed(vwmon, ward, "--pending", "--patient", "p-1")
    assert [(row["stay"], row["opens_at"], row["level"]) for row in rows] == [(1, "1970-01-01T03:29:00Z", 2)]


@pytest.mark.parametrize(
    "asked", [["--level", "3"], ["--mine"], ["--closed"], ["--since", "2h"], ["--lane", "technical"]]
)
def test_what_is_pending_is_not_narrowed_by_what_it_has_not(vwmon: Command, ward: Ward, asked: list[str]) -> None:
    """An option that did nothing would pass off the whole list as the one that was asked for."""
    pending(ward, 1, NOW + 9 * MINUTE)
    result = vwmon("alerts", "--pending", *asked, "--db", ward.path)
    assert result.exit_code == 2
    assert "narrowed with --ward and --patient" in result.stderr


def test_nothing_pending_says_so(vwmon: Command, ward: Ward) -> None:
    """With the trust that belongs to it."""
    assert shown(vwmon, ward, "--pending") == "Nothing is pending confirmation.\n"
    ward.beat(stopped_ms=NOW - 60_000)
    result = vwmon("alerts", "--pending", "--db", ward.path)
    assert (result.exit_code, result.stdout.splitlines()[0][:14]) == (4, "NOT MONITORING")


@pytest.mark.hazard("H24")
def test_below_the_list_stands_how_many_report_and_who_does_not(measured: Ward) -> None:
    """Someone of whom nothing has come for so long that something expected must be overdue does not report."""
    later = 40 * HOUR
    with database.atomic(measured.db):
        give(measured, "hub-2", "p-2")
        read(measured, 2, 1, (later / MINUTE - 5, 97))
    with closing(open_reader(measured.path)) as db:
        heard = glance.ward(db)
    silent = ward_lines._silent(heard, {}, later)
    assert [stay.patient for stay in silent][-1] == "p-1"
    assert len(silent) == 3
    told = ward_lines._named(silent, later)
    assert told == [f"not reporting: p-3 (never), {heard[3].patient} (never), p-1 (1 d)"]
    assert ward_lines._named([*silent, silent[0]], later)[0].endswith(", and 1 more")
    assert ward_lines._reporting(heard, silent, recorded=False) == "1 of 4 patients report"


@pytest.mark.hazard("H24")
def test_who_was_never_heard_of_is_not_counted_as_reporting(measured: Ward) -> None:
    """Just admitted, nothing of them can be overdue yet, and nothing of them is known either."""
    with closing(open_reader(measured.path)) as db:
        heard = glance.ward(db)
    assert [stay.last_ms is None for stay in heard].count(True) == 3
    told = ward_lines._reporting(heard, [], recorded=False)
    assert told == "1 of 4 patients report, 3 not heard of yet"
    assert ward_lines._reporting(heard, heard[2:], recorded=False) == "1 of 4 patients report, 1 not heard of yet"


PAUSES = """create table if not exists pause (
    pause_no integer primary key, stay_no integer not null, from_ms integer not null,
    until_ms integer not null, reason text not null, actor text not null, written_ms integer not null,
    ended_ms integer, ended_by text)"""


@pytest.mark.parametrize(
    ("from_ms", "until_ms", "ended_ms", "away"),
    [
        (NOW - 1, NOW + 2 * HOUR, None, True),
        (NOW, NOW + 2 * HOUR, NOW + 2 * HOUR, True),
        (NOW + 1, NOW + 2 * HOUR, None, False),
        (0, NOW, None, False),
        (0, NOW + 2 * HOUR, NOW, False),
    ],
)
def test_who_is_away_is_named_with_when_they_are_back(
    vwmon: Command, ward: Ward, from_ms: int, until_ms: int, ended_ms: int | None, *, away: bool
) -> None:
    """From the beginning of a pause to its end, or until somebody ended it."""
    assert "away" not in shown(vwmon, ward)
    with database.atomic(ward.db):
        ward.db.execute(PAUSES)
        ward.db.execute(
            """insert into pause (stay_no, from_ms, until_ms, reason, actor, written_ms, ended_ms)
               values (2, ?, ?, 'clinic', 'lowe', 0, ?)""",
            (from_ms, until_ms, ended_ms),
        )
    assert ("away: p-2 (back in 2h00)" in shown(vwmon, ward)) == away
    assert "away" not in shown(vwmon, ward, "--ward", "hf")


def test_someone_who_is_away_is_not_missed(ward: Ward) -> None:
    """The number says that nothing comes, the names are of those whose silence is not expected."""
    later = 40 * HOUR
    with database.atomic(ward.db):
        ward.db.execute(PAUSES)
        ward.db.execute(
            """insert into pause (stay_no, from_ms, until_ms, reason, actor, written_ms)
               values (2, 0, ?, 'clinic', 'lowe', 0)""",
            [later + HOUR],
        )
    ward.beat(cycle_ms=later, last_received_ms=later)
    with closing(open_reader(ward.path)) as db:
        standing = Standing(now_ms=later, title="", trusted=True, state=None)
        lines = ward_lines.lines(db, standing, Settings(), ward_lines.Looking(actor="lowe"), [])
    assert lines[0] == "0 alerts | 0 of 4 patients report"
    assert lines[1] == "away: p-2 (back in 1h00)"
    assert "p-2" not in lines[2]


@pytest.mark.hazard("H21")
def test_what_is_held_back_is_counted(vwmon: Command, busy: Ward) -> None:
    """A technical condition that holds without an alert of it: it will be raised when the service is whole again."""
    assert "held back" not in shown(vwmon, busy)
    with database.atomic(busy.db):
        busy.db.execute(
            "insert into condition (stay_no, rule, state, since_ms, covered_ms) values (2, 'overdue', 'present', 0, 0)"
        )
    assert "1 technical held back" in shown(vwmon, busy)
    assert "held back" not in shown(vwmon, busy, "--ward", "hf")


def test_what_is_counted_below_the_list_is_of_people(vwmon: Command, busy: Ward) -> None:
    """Neither an alert nor what is held back, snoozed or to be confirmed of a made-up patient; its rows stay."""
    conditions = "insert into condition (stay_no, rule, state, since_ms, covered_ms) values (2, ?, ?, 0, 0)"
    with database.atomic(busy.db):
        store.acknowledge(busy.db, busy.id(2), person(199, "lowe", "visit"))
        store.snooze(busy.db, busy.id(2), person(199, "lowe", "later"), HOUR)
        busy.db.executemany(conditions, [("overdue", "present"), ("news2_could_be_5", "pending")])
    waits = "1 pending confirmation (vwmon alerts --pending) | 1 snoozed (vwmon alerts --snoozed) | 1 technical held"
    assert waits in shown(vwmon, busy)
    assert "\n4 alerts | " in shown(vwmon, busy, "--snoozed")
    with database.atomic(busy.db):
        busy.db.execute("update stay set pathway = 'canary' where stay_no = 2")
    said = shown(vwmon, busy, "--snoozed")
    assert not re.search("held back|pending|1 snoozed", said)
    assert "\n3 alerts | " in said
    assert "CANARY" in said


@pytest.mark.hazard("H33")
def test_a_flag_that_no_phrase_tells_of_stands_in_capitals(vwmon: Command, busy: Ward) -> None:
    """So that no modifier of an alert is invisible, whoever has added it."""
    rows = [row | {"flags": ["flapping", "late"]} for row in listed(vwmon, busy, "--patient", "p-2")]
    (_, _, why, *_) = [line for line, _ in work_list.lines(rows, NOW, work_list.Around(), Look(width=80))]
    assert why.startswith("      resp; FLAPPING; ")


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("00:00-24:00", "resp staffed at all hours"),
        ("03:00-20:00", "resp staffed until 20:00"),
        ("08:00-20:00", "resp NOT STAFFED until 08:00"),
    ],
)
def test_below_the_list_stands_who_looks_and_whether_anyone_is_on_duty(
    vwmon: Command, ward: Ward, tmp_path: Path, hours: str, said: str
) -> None:
    """By the clock on the wall of the ward, which is UTC here: 03:20."""
    config = tmp_path / "vwmon.toml"
    config.write_text(
        f"""[commands]\nallow_as = true\n
        [[wards]]\nid = "resp"\nname = "R"\ntime_zone = "UTC"\nhours = "{hours}"\n
        [[wards]]\nid = "hf"\nname = "H"\n""",
        encoding="utf-8",
    )
    text = shown(vwmon, ward, "--config", config, "--as", "lowe", "--ward", "resp")
    assert f"you: lowe | {said}\n" in text
    assert "hf staffed at all hours" in shown(vwmon, ward, "--config", config)


@pytest.mark.hazard("H23")
def test_nothing_is_said_by_colour_alone(vwmon: Command, measured: Ward) -> None:
    """Whatever a style says, the text of the same line says too."""
    lines = work_list.lines(
        listed(vwmon, measured), NOW, work_list.Around(title="NOT MONITORING: really"), Look(width=80)
    )
    for text, style in lines:
        if "red" in style:
            assert "L3" in text or "S3" in text or "NOT MONITORING" in text
        if "yellow" in style:
            assert re.search("[LTS]2", text)


@pytest.mark.hazard("H23", "T10")
def test_hostile_names_are_shown_and_not_obeyed(vwmon: Command, busy: Ward) -> None:
    """A name is text from outside like any other."""
    named(busy, 1, f"Jane {HOSTILE}")
    for options in ([], ["--names"], ["--names", "--json"]):
        assert not set(shown(vwmon, busy, *options)) & set("\x1b\x07\u202e")


@pytest.mark.hazard("H19")
def test_the_list_asks_as_much_for_many_as_for_few(ward: Ward) -> None:
    """A handful of statements, however many alerts are open."""
    from alerts import queries

    counts: list[int] = []
    for stays in ([1], [1, 2, 3, 4]):
        for stay in stays:
            ward.tell(stay, point(150 + stay + len(counts), 7))
        with closing(open_reader(ward.path)) as db:
            asked: list[str] = []
            db.set_trace_callback(asked.append)
            rows = queries.work_list(db, stay_lookups.lookups(db, NOW, names=False), NOW)
        assert len(rows) == len(stays)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 12


@pytest.mark.hazard("H19")
def test_open_alerts_are_found_without_reading_the_closed(ward: Ward) -> None:
    """Twenty thousand closed alerts do not slow the list."""
    from alerts import queries

    plan = [row[3] for row in ward.db.execute(f"explain query plan {queries._OPEN}", ["[]", 1, 0])]
    assert plan[0] == "SCAN alert USING INDEX alert_open"


def test_a_fault_of_the_service_is_on_every_list_of_a_ward(vwmon: Command, busy: Ward) -> None:
    """It is nobody's patient, and everybody's trouble."""
    assert store.load(busy.db, [SYSTEM_STAY])[SYSTEM_STAY].alerts[Lane.SYSTEM].open
    assert " S2 " in shown(vwmon, busy)


@pytest.mark.hazard("H3")
def test_who_has_waited_longest_for_an_answer_comes_first(vwmon: Command, ward: Ward) -> None:
    """The third tier has a quarter of an hour more; that makes an emergency no less urgent than one of a minute ago."""
    for stay in (1, 2):
        ward.tell(stay, point(199, 8, spo2=3))

    def waits(owed: int, due: int) -> Callable[[Case], Case]:
        return lambda case: moves.quietly(
            case, clinical(case), owed_ms=NOW + owed * MINUTE, due_ms=NOW + due * MINUTE, tier=3
        )

    ward.change(1, waits(4, 4))
    ward.change(2, waits(-9, 6))
    assert [row["patient"] for row in listed(vwmon, ward)] == ["p-2", "p-1"]
