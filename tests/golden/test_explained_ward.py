"""Fifty recorded patients: every alert of the replayed recording is the same to the bit when it is explained."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.golden.wards import replay
from vwmon import explain as engine
from vwmon.explain import Explanation
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.store import database

FILE = "mimic4demo/vitals.csv.gz"
ALERTS = 78
ASKED = """select id, count(*) from alert join alert_event using (alert_no)
    where kind in ('raised', 'worsened', 'outgrew', 'expired', 'relapsed', 'revived') group by id order by alert_no"""


@pytest.fixture(scope="module")
def explanations(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Explanation]:
    """The raise of every alert of the recording, and the last time that it asked, explained."""
    path = tmp_path_factory.mktemp("explained") / "ward.db"
    replay(recordings / FILE, path)
    versions = Provenance(config_hash="", plans=plans.load_all())
    with closing(database.open_reader(path)) as db:
        asked = db.execute(ASKED).fetchall()
        return [engine.explain(db, name, versions, number) for name, times in asked for number in sorted({1, times})]


@pytest.mark.slow
def test_every_alert_of_every_patient_is_the_same_to_the_bit(explanations: list[Explanation]) -> None:
    """Scores, alert, history, conditions, readings and versions, in both lanes."""
    assert len({one.alert.id for one in explanations}) == ALERTS
    assert {one.alert.lane.value for one in explanations} == {"clinical", "technical"}
    assert [one.alert.id for one in explanations if not one.equal] == []


@pytest.mark.slow
def test_every_reading_of_every_set_is_found_in_the_log(explanations: list[Explanation]) -> None:
    """Each measured part has the row that it was read from, and the points add up to the total."""
    scored = [one for one in explanations if one.total is not None]
    assert scored
    for one in scored:
        assert all(part.sources for part in one.measured if part.present)
        assert sum(part.points_min for part in one.measured) == one.event.evidence["total_min"]


@pytest.mark.slow
def test_most_alerts_have_a_nearest_change_and_it_lowers_or_changes_the_score(explanations: list[Explanation]) -> None:
    """The search is about something: found for most, and never the set as it was."""
    nearest = [one for one in explanations if one.nearest is not None]
    found = Counter(one.nearest.change is not None for one in nearest if one.nearest is not None)
    assert found[True] > found[False] > 0
    for one in nearest:
        if one.nearest is not None and one.nearest.change is not None and one.total is not None:
            assert one.nearest.total_min < one.total[0]
            assert one.nearest.level is None or one.nearest.level < one.event.level_after


@pytest.mark.slow
def test_a_reading_altered_in_the_recording_is_named(vwmon: Command, recordings: Path, tmp_path: Path) -> None:
    """One value of one reading that an alert stood on, in the merged part of the log."""
    path = tmp_path / "ward.db"
    replay(recordings / FILE, path)
    with closing(database.open_writer(path)) as db:
        (alert_id, evidence, stay_no) = db.execute(
            "select id, evidence ->> '$.at_ms', stay_no from alert where evidence ->> '$.values.spo2' = 91.0"
        ).fetchone()
        altered: list[Any] = db.execute(
            """update reading set value = 95 where observed_ms = ? and value = 91.0 and day = ? / 86400000
               and vital_no = (select vital_no from vital where name = 'spo2')
               and device_no in (select device_no from assignment where stay_no = ?) returning seq""",
            (evidence, evidence, stay_no),
        ).fetchall()
    assert len(altered) == 1
    result = vwmon("explain", alert_id, "--db", path)
    assert result.exit_code == 1
    assert f"stored 91, recomputed 95 (reading {altered[0][0]})" in " ".join(result.stdout.split())
