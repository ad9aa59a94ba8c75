"""Several processes on one database: one winner for each alert, the others told who, nothing lost, nothing locked."""

import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alerts import audit, store
from tests.conftest import ROOT
from tests.db.alerts_racer import STAYS
from tests.unit.alerts_points import follow, point
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.sqlite import Connection

NAMES = ("ahmed", "lowe", "third")


def admit(db: Connection, patient: str) -> None:
    """Begin a stay."""
    asked = Admission(patient=patient, ward="resp", plan=plans.load("general"), admitted_ms=0, born="1950-01-01")
    registers.admit(db, asked, By(actor="test", at_ms=0))


def raced(path: Path, verb: str) -> dict[str, list[str]]:
    """Let three processes do the same at once; give what each said, none of them having failed."""
    racers = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.db.alerts_racer", str(path), name, verb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for name in NAMES
    }
    assert all(racer.stdout is not None and racer.stdout.readline() == "ready\n" for racer in racers.values())
    for racer in racers.values():
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    ended = {name: (*racer.communicate(timeout=300), racer.returncode) for name, racer in racers.items()}
    assert {name: (errors, code) for name, (_, errors, code) in ended.items()} == dict.fromkeys(NAMES, ("", 0))
    return {name: said.splitlines() for name, (said, _, _) in ended.items()}


@pytest.mark.slow
def test_of_a_thousand_alerts_each_has_one_winner(tmp_path: Path) -> None:
    """Three processes open the same thousand and acknowledge them: one alert and one owner each, the others told."""
    path = tmp_path / "race.db"
    database.create(path).close()
    raced(path, "open")
    said = raced(path, "ack")
    with closing(database.open_reader(path)) as db:
        kinds = dict(db.execute("select kind, count(*) from alert_event group by kind").fetchall())
        owners = dict(db.execute("select id, owner from alert").fetchall())
        seen = db.execute(
            "select alert_no, actor from alert_event where kind in ('acknowledged', 'also_seen')"
        ).fetchall()
        found = audit.audit(db)
    assert kinds == {"raised": STAYS, "acknowledged": STAYS, "also_seen": 2 * STAYS}
    assert len(owners) == STAYS
    assert set(Counter(seen).values()) == {1}, "each of the three is on record once for each alert"
    assert found.breaks == ()
    assert found.count == 4 * STAYS
    for name, lines in said.items():
        assert len(lines) == STAYS
        for line in lines:
            alert_id, owner, words = line.split(" ", 2)
            assert owner == owners[alert_id]
            told = words.startswith(f"{alert_id} is owned by {owner}")
            assert (words == "done") if owner == name else told
    assert not any("locked" in line for lines in said.values() for line in lines)


def test_two_commands_on_one_alert(tmp_path: Path) -> None:
    """Of two `vwmon alerts ack` at once, one owns it; the other ends with 5 and the name of the first."""
    path = tmp_path / "ward.db"
    config = tmp_path / "vwmon.toml"
    config.write_text("[commands]\nallow_as = true\n", encoding="utf-8")
    with closing(database.create(path)) as db, database.atomic(db):
        for number in range(1, 6):
            admit(db, f"p-{number}")
            case = store.load(db, [number])[number]
            store.save(db, case, follow(case, replace(point(0, 5), stay=number)), None)
        ids = [name for (name,) in db.execute("select id from alert")]
    where = ["--db", path, "--config", config]
    for alert_id in ids:
        command = [sys.executable, "-m", "vwmon", "alerts", "ack", alert_id, "-m", "mine", *where]
        commands = {
            name: subprocess.Popen(
                [*command, "--as", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
            )
            for name in NAMES[:2]
        }
        ended = {name: (*one.communicate(timeout=60), one.returncode) for name, one in commands.items()}
        winner, loser = sorted(NAMES[:2], key=lambda name: ended[name][2])
        assert (ended[winner][2], ended[loser][2]) == (0, 5), ended
        assert f"{alert_id} is owned by {winner}" in ended[loser][1]
        assert f"undo: vwmon alerts unack {alert_id}" in ended[winner][0]
        assert not any("locked" in text for out, err, _ in ended.values() for text in (out, err))
