"""What a power cut leaves, held against what was written, tested: nothing that is otherwise goes unnamed."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import ward
from tests.faults.beginning import differences
from vwmon.store.sqlite import module

MESSAGES = 120
LAST = "(select max(notification_no) from notification)"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ward in which people have fallen ill."""
    path, start_ms, devices = tmp_path_factory.mktemp("ward") / "written.db", ward.start_of(12_000), ward.brief(7)
    sent = ward.Load(devices, start_ms, MESSAGES).more(MESSAGES)
    ward.undisturbed(path, start_ms, devices, sent).close()
    return path


@pytest.mark.parametrize(
    ("otherwise", "named"),
    [
        ("select 1", []),
        (f"delete from notification where notification_no = {LAST}", []),  # noqa: S608 -- the test's own
        (f"update notification set level = 1 where notification_no = {LAST}", ["notifications"]),  # noqa: S608
        ("drop trigger alert_event_kept_as_written; update alert_event set hash = 'x'", ["events of alerts"]),
        ("delete from reading_log where seq = (select min(seq) from reading_log)", ["readings"]),
    ],
)
def test_what_was_cut_off_is_a_beginning_and_what_is_otherwise_is_named(
    written: Path, tmp_path: Path, otherwise: str, named: list[str]
) -> None:
    """A last row that is not there was not written yet; one that differs, or is missing amid others, is a finding."""
    cut = Path(shutil.copy(written, tmp_path / "cut.db"))
    with closing(module.connect(cut, isolation_level=None)) as db:
        for statement in otherwise.split(";"):
            db.execute(statement)
    assert differences(written, cut) == tuple(f"the {what} are no beginning of what was written" for what in named)
