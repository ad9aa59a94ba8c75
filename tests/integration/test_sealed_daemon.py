"""A sealed database at work: the daemon as a process, a real broker, a patient who falls ill, a kill, a backup.

And what is then in the files, and in whatever else another user of the machine may see.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.integration.broker import Broker, running_broker, wait_until
from tests.integration.test_no_secret_leaves import shown_by
from tests.integration.told_daemon import BETTER, NAME, NHS_NUMBER, PATIENT, SICK, Hub, device
from tests.integration.webhook import listening
from vwmon.store import database, keys

READINGS = "select (select count(*) from reading_log) + (select count(*) from reading)"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path) as running:
        yield running


@pytest.fixture
def plain(tmp_path: Path, broker: Broker) -> Iterator[Hub]:
    """A ward with a patient, not sealed."""
    with listening() as hook:
        yield Hub(tmp_path, broker.port, hook)


@pytest.fixture
def hub(plain: Hub) -> Hub:
    """The same, sealed as an operator does it."""
    assert Command()("db", "seal", "--do-it", "--config", plain.config).exit_code == 0
    return plain


def kept(hub: Hub) -> dict[str, bytes]:
    """Read every file of the database."""
    return {file.name: file.read_bytes() for file in hub.folder.glob("ward.db*") if file != keys.beside(hub.db)}


@pytest.mark.hazard("H22", "T13", "T14")
def test_a_sealed_ward_is_watched_and_shows_nobody_who_is_on_it(hub: Hub, broker: Broker, tmp_path: Path) -> None:
    """An alert is raised and taken, a kill loses nothing, a backup is made meanwhile; no name is in any file of it."""
    digits = keys.beside(hub.db).read_text().strip()
    with device(broker.port) as oximeter:
        with hub.running() as daemon:
            wait_until(hub.connected, "the daemon has its broker")
            oximeter.sends(*SICK)
            wait_until(lambda: bool(hub.listed()), "the alert is on the list")
            hub.acts("ack", hub.listed()[0]["id"], "-m", "seen")
            files, shown = kept(hub), shown_by(daemon)
            daemon.kill()
            daemon.wait()
        assert hub.rows(READINGS) == [(3,)]
        with hub.running():
            wait_until(hub.connected, "the next daemon has its broker")
            assert Command()("db", "backup", tmp_path / "ward.db.copy", "--config", hub.config).exit_code == 0
            oximeter.sends(*BETTER)
            files |= kept(hub)
    assert hub.rows(READINGS) == [(4,)]
    assert [one["state"] for one in hub.listed()] == ["acknowledged"]
    assert {"ward.db", "ward.db-wal", "ward.db.copy"} <= set(files)
    assert not [name for name in ("ward.db", "ward.db.copy") if files[name].startswith(keys.PLAIN)]
    people = [word.encode() for word in (PATIENT, NAME, NHS_NUMBER, "oximeter")]
    assert not [name for name, content in files.items() if any(word in content for word in people)]
    assert digits not in shown + hub.log()
    with closing(database.open_reader(tmp_path / "ward.db.copy", keys.of(hub.db))) as db:
        assert db.execute("select name, nhs_number from identity").fetchall() == [(NAME, NHS_NUMBER)]


@pytest.mark.hazard("H16", "T14")
@pytest.mark.parametrize(
    ("content", "said"), [(None, "sealed by a key that is not there"), ("0" * 64, "sealed by another key")]
)
def test_a_daemon_without_the_right_key_does_not_start_and_makes_no_other_database(
    hub: Hub, content: str | None, said: str
) -> None:
    """It says which file is wanted; the database is as it was, and is watched again once the key is back."""
    key, before = keys.beside(hub.db), hub.db.read_bytes()
    right = key.read_text()
    key.unlink()
    if content is not None:
        key.write_text(content)
        key.chmod(0o600)
    with hub.running() as daemon:
        assert daemon.wait(20) == 1
    assert said in hub.log()
    assert str(key) in hub.log()
    assert "Traceback" not in hub.log()
    assert hub.db.read_bytes() == before
    key.write_text(right)
    key.chmod(0o600)
    with hub.running():
        wait_until(hub.connected, "the daemon has its broker")


@pytest.mark.hazard("H16")
def test_nothing_is_sealed_under_a_daemon_at_work(plain: Hub) -> None:
    """Exit code 5, and it goes on."""
    with plain.running() as daemon:
        wait_until(plain.connected, "the daemon has its broker")
        done = Command()("db", "seal", "--do-it", "--config", plain.config)
        assert done.exit_code == 5
        assert "a daemon is at work" in done.stderr
        assert daemon.poll() is None
    assert keys.is_plain(plain.db)
    assert not keys.beside(plain.db).exists()
