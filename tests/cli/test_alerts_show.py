"""One alert in full: everything that someone needs who takes it over, as of now and as of then, and nothing guessed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts import store
from alerts.model import Condition, ConditionState, Outcome
from tests.cli import test_alerts_commands as shared
from tests.cli.test_alerts_commands import NOW, Ward
from tests.conftest import Command
from tests.unit.alerts_points import HOUR, MINUTE, acked, closed, follow, person, point
from vwmon.cli.sparklines import GAP
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.sqlite import Connection

ward, busy = shared.ward, shared.busy
SPO2, RATE, GCS, WEIGHT = 1, 2, 3, 4


@pytest.fixture
def ill(ward: Ward) -> Ward:
    """A patient with readings over three hours, who has got worse twice."""
    with database.atomic(ward.db):
        ward.db.execute("insert into vital values (1, 'spo2'), (2, 'respiratory_rate'), (3, 'gcs'), (4, 'weight')")
        by = By(actor="test", at_ms=0)
        registers.add_device(ward.db, "hub-1", by)
        registers.assign(ward.db, "hub-1", "p-1", 20 * MINUTE, by)
        put(ward.db, SPO2, (10, 70), (30, 97), (100, 94), (198, 86))
        put(ward.db, RATE, (30, 14), (100, 18), (197, 24))
        put(ward.db, GCS, (30, 15), (196, 14))
        put(ward.db, WEIGHT, (30, 80))
    ward.tell(1, point(30, 0), point(100, 5), point(198, 5, spo2=3))
    return ward


def put(db: Connection, vital: int, *readings: tuple[float, float]) -> None:
    """Put readings of the only device by minute into the log."""
    for minute, value in readings:
        at_ms = round(minute * MINUTE)
        cells = (1, vital, at_ms, value, None, None, None, 0, at_ms, at_ms, 1)
        db.execute("insert into reading_log values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null)", cells)


def page(vwmon: Command, ward: Ward, *options: object, id_: str = "") -> list[str]:
    """Give the page of the alert of stay 1, or of another, in lines."""
    result = vwmon("alerts", "show", id_ or ward.id(1), "--db", ward.path, *options)
    assert result.exit_code == 0, result.output
    return str(result.stdout).splitlines()


def part(lines: list[str], title: str) -> list[str]:
    """Give the lines below a title."""
    begin = lines.index(title) + 1
    end = next((number for number in range(begin, len(lines)) if not lines[number].startswith(" ")), len(lines))
    return [line.strip() for line in lines[begin:end]]


def record(vwmon: Command, ward: Ward, id_: str = "") -> dict[str, Any]:
    """Give the alert of stay 1, or another, as programs are given it."""
    told: dict[str, Any] = json.loads("\n".join(page(vwmon, ward, "--json", id_=id_)))
    return told


def test_where_it_stands_comes_first(vwmon: Command, ill: Ward) -> None:
    """Whose it is, its state, since when, and what is owed since when."""
    with database.atomic(ill.db):
        ill.db.execute("update alert set tier = 2, owed_ms = ?, due_ms = ?", [NOW - 4 * MINUTE, NOW + 9 * MINUTE])
    lines = page(vwmon, ill)
    assert lines[:3] == [
        f"{ill.id(1)} L3 (patient p-1 (20y), ward resp) NEW",
        "since 1970-01-01 01:40+00:00 (1h40), opened 1970-01-01 01:40+00:00, version 2",
        "due OVERDUE 4m tier 2, first answer owed 1970-01-01 03:16+00:00",
    ]


def test_times_are_those_of_the_wards_clock_with_their_offset(vwmon: Command, ill: Ward, tmp_path: Path) -> None:
    """The person on the ward looks at that clock, and the one who audits must know which it was."""
    config = tmp_path / "vwmon.toml"
    config.write_text('[[wards]]\nid = "resp"\nname = "R"\ntime_zone = "Asia/Kolkata"\n', encoding="utf-8")
    lines = page(vwmon, ill, "--config", config)
    assert lines[1].startswith("since 1970-01-01 07:10+05:30 (1h40)")
    assert part(lines, "history:")[0].startswith("1970-01-01 07:10+05:30  raised")


def test_the_parts_of_the_score_stand_beside_those_of_the_last_rise(vwmon: Command, ill: Ward) -> None:
    """What they are now, what they were, and how many points; what was not measured says so."""
    ill.tell(1, point(199, 6, spo2=3, missing=["temperature"]))
    rows = [line.split("  ") for line in part(page(vwmon, ill), "score:")]
    table = {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}
    assert table["SpO2"] == ["SpO2 86 %", "3", "SpO2 91 %", "3"]
    assert table["temperature"] == ["-", "not measured", "Temp 38.4", "0"]
    assert table["consciousness"][0] == "GCS 14"
    assert table["NEWS2"] == ["9-12", "8"]


def test_the_course_has_bars_and_the_numbers_they_stand_for(vwmon: Command, ill: Ward) -> None:
    """Last value with its unit, where it has come from, the range; a time without a reading is a gap."""
    course = part(page(vwmon, ill, "--trends", "3h"), "course:")
    assert course[0] == f"the last 3 h; {GAP} is a time without a reading"
    rows = {line.split()[0]: line for line in course[1:]}
    assert list(rows) == ["NEWS2", "RR", "SpO2", "GCS"]
    assert "86 %  " in rows["SpO2"]
    assert "down from 97" in rows["SpO2"]
    assert "86-97" in rows["SpO2"]
    assert "2m old" in rows["SpO2"]
    assert "24 /min" in rows["RR"]
    assert rows["SpO2"].count(GAP) == 21
    assert "up from 0" in rows["NEWS2"]


def test_the_course_is_of_the_devices_of_their_time_and_of_the_span(vwmon: Command, ill: Ward) -> None:
    """What a device sent before it was the patient's is not in it, nor what came before the span."""
    (spo2,) = [one for one in record(vwmon, ill)["trends"] if one["vital"] == "spo2"]
    assert (spo2["readings"], spo2["low"], spo2["first"], spo2["last"]) == (3, 86, 97, 86)
    assert spo2["longest_gap_seconds"] == (24 * HOUR - 170 * MINUTE) // 1000
    short = json.loads("\n".join(page(vwmon, ill, "--json", "--trends", "30m")))["trends"]
    assert {one["vital"]: one["readings"] for one in short} == {"NEWS2": 3, "spo2": 1, "respiratory_rate": 1, "gcs": 1}


def test_the_score_is_not_drawn_where_nothing_came(vwmon: Command, ill: Ward) -> None:
    """It is stored when it changes: between, it is what it was, at the times that something was heard and no others."""
    (score,) = [one for one in record(vwmon, ill)["trends"] if one["vital"] == "NEWS2"]
    assert (score["readings"], score["first"], score["last"], score["unit"]) == (5, 0, 8, "")


def test_who_has_seen_it_and_what_they_saw(vwmon: Command, ill: Ward) -> None:
    """Each person with the level and the version that was there to be seen."""
    with database.atomic(ill.db):
        store.acknowledge(ill.db, ill.id(1), person(199, "lowe", "visit"))
        store.acknowledge(ill.db, ill.id(1), person(199.5, "ahmed", "seen"))
        store.note(ill.db, ill.id(1), person(199.7, "khan", "daughter rang"))
    assert part(page(vwmon, ill), "seen by:") == [
        "1970-01-01 03:19+00:00  lowe took it in hand at level 3, version 3",
        "1970-01-01 03:19+00:00  ahmed saw it too at level 3, version 3",
        "1970-01-01 03:19+00:00  khan wrote a note at level 3, version 3",
    ]


def test_whom_it_was_told_to_and_what_came_of_that(vwmon: Command, ill: Ward) -> None:
    """Sent is not seen: they are parts of their own."""
    assert "notifications:" not in page(vwmon, ill)
    with database.atomic(ill.db):
        (number,) = ill.db.execute("select alert_no from alert").fetchone()
        ill.db.execute(
            "insert into notification (alert_no, cycle, tier, level, queued_ms, state) values (?, 1, 1, 3, ?, 'told')",
            [number, NOW - MINUTE],
        )
        ill.db.execute(
            """insert into delivery (notification_no, recipient, channel, state, due_ms, sent_ms, error) values
               (1, 'lowe', 'sms', 'sent', 0, ?, null), (1, 'khan', 'mail', 'failed', 0, null, 'no route')""",
            [NOW - MINUTE],
        )
    told = part(page(vwmon, ill), "notifications:")
    assert told == [
        "1970-01-01 03:19+00:00  level 3, tier 1, lowe by sms: sent 1970-01-01 03:19+00:00",
        "1970-01-01 03:19+00:00  level 3, tier 1, khan by mail: failed: no route",
    ]
    assert [row["recipient"] for row in record(vwmon, ill)["notifications"]] == ["lowe", "khan"]


def test_what_else_waits_of_the_stay(vwmon: Command, ill: Ward) -> None:
    """A breach that is not confirmed yet belongs to the picture."""
    waiting = Condition(
        rule="news2_red",
        state=ConditionState.PENDING,
        since_ms=195 * MINUTE,
        due_ms=210 * MINUTE,
        evidence={"points": {"spo2": 3}, "values": {"spo2": 90.0}},
    )
    ill.change(1, lambda case: replace(case, conditions={**case.conditions, "news2_red": waiting}))
    (line,) = part(page(vwmon, ill), "pending confirmation:")
    assert line.startswith("a single score of 3 (SpO2 90 %), since 1970-01-01 03:15+00:00; opens at 1970-01-01 03:30")
    assert line.endswith("unless a fresh reading denies it")


def test_one_that_came_again_names_the_one_before(vwmon: Command, ward: Ward) -> None:
    """With the command that shows it."""
    ward.tell(2, point(100, 5))
    ward.change(2, lambda case: follow(closed(acked(case, 101), 102), replace(point(190, 5), stay=2)))
    first, second = [row[0] for row in ward.db.execute("select id from alert order by alert_no")]
    again = f"again within 12 h of the closing of {first}: vwmon alerts show {first}"
    assert again in page(vwmon, ward, id_=second)
    assert again not in page(vwmon, ward, id_=first)
    assert record(vwmon, ward, second)["recurrence_of"] == first


def test_a_closed_one_says_what_came_of_it(vwmon: Command, busy: Ward) -> None:
    """And its reasons are those of its own time."""
    with database.atomic(busy.db):
        store.close(busy.db, busy.id(3), person(199), Outcome.PHONED_STABLE)
    lines = page(vwmon, busy, id_=busy.id(3))
    assert "outcome: phoned-stable, closed 1970-01-01 03:19+00:00" in lines
    assert not [line for line in lines if line.startswith("due")]


def test_what_an_acknowledgement_covers_and_who_was_asked(vwmon: Command, ill: Ward) -> None:
    """The owner with the note, until when, up to what."""
    with database.atomic(ill.db):
        store.acknowledge(ill.db, ill.id(1), person(199, "lowe", "visit"))
        ill.db.execute("update alert set offered_to = 'khan'")
    lines = page(vwmon, ill)
    assert 'acknowledged by lowe 1 min ago: "visit"' in lines
    assert any("until 1970-01-01 03:49+00:00; covers L3, score to 9" in line for line in lines)
    assert "offered to khan, who has not taken it over yet" in lines


def test_one_that_was_put_off_says_until_when(vwmon: Command, ward: Ward) -> None:
    """By the ward's clock, and what brings it back before."""
    ward.tell(2, point(190, 5))
    with database.atomic(ward.db):
        store.acknowledge(ward.db, ward.id(2), person(199, "lowe", "visit"))
        ward.db.execute("update alert set snooze_ms = ?", [NOW + MINUTE])
    lines = page(vwmon, ward, id_=ward.id(2))
    assert "SNOOZED until 1970-01-01 03:21+00:00, or until it gets worse" in lines


def test_the_name_is_shown_when_it_is_asked_for(vwmon: Command, ill: Ward) -> None:
    """Initials else, as on the list."""
    with database.atomic(ill.db):
        ill.db.execute("update identity set name = 'Jane Brown' where stay_no = 1")
    assert "(patient p-1 (JB 20y), ward resp)" in page(vwmon, ill)[0]
    assert "(patient p-1 (Jane Brown 20y), ward resp)" in page(vwmon, ill, "--names")[0]


def test_an_alert_of_the_service_has_neither_course_nor_score(vwmon: Command, busy: Ward) -> None:
    """There is no patient; its history is there."""
    (system,) = [row["id"] for row in shared.listed(vwmon, busy, "--lane", "system")]
    lines = page(vwmon, busy, id_=system)
    assert "course:" not in lines
    assert "score:" not in lines
    assert part(lines, "history:") == ["1970-01-01 03:19+00:00  raised          NEW       level 2; vwmon"]


def test_the_history_says_what_the_score_was_at_each_step(vwmon: Command, ill: Ward) -> None:
    """In the order it happened, with who did it and in which words."""
    with database.atomic(ill.db):
        store.note(ill.db, ill.id(1), person(199, "khan", "daughter rang"))
    assert part(page(vwmon, ill), "history:") == [
        "1970-01-01 01:40+00:00  raised          NEW       level 2, NEWS2 5; vwmon",
        "1970-01-01 03:18+00:00  worsened        NEW       level 2 -> 3, NEWS2 8; vwmon",
        '1970-01-01 03:19+00:00  noted           NEW       level 3; khan "daughter rang"',
    ]


def test_in_a_recording_the_course_ends_with_the_patients_last_reading(vwmon: Command, ill: Ward) -> None:
    """Other patients' recordings may end years later."""
    ill.beat(mode="recording", recording_end_ms=NOW + 9999 * HOUR, cycle_ms=None)
    (spo2,) = [one for one in record(vwmon, ill)["trends"] if one["vital"] == "spo2"]
    assert (spo2["to"], spo2["last_at"]) == ("1970-01-01T03:18:00Z", "1970-01-01T03:18:00Z")


def test_the_page_says_which_of_the_patients_devices_is_no_longer_known_to_be_right(vwmon: Command, ill: Ward) -> None:
    """Whose calibration was due before today, of those the patient has now; an unknown one is on the devices' list."""
    by = By(actor="test", at_ms=0)
    for name, due in (("old-1", "1969-12-31"), ("given-back", "1969-12-31"), ("new-1", "1970-02-01"), ("hub-9", None)):
        registers.add_device(ill.db, name, by, calibration_due=due)
        registers.assign(ill.db, name, "p-1", 20 * MINUTE, by)
    registers.return_device(ill.db, "given-back", 21 * MINUTE, by)
    said = [line for line in page(vwmon, ill) if "calibration" in line]
    assert said == ["  the calibration of old-1 was due 1969-12-31"]
    record = json.loads("".join(page(vwmon, ill, "--json")))
    assert record["overdue_calibrations"] == [{"device": "old-1", "due": "1969-12-31"}]
