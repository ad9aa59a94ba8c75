"""`vwmon check-config`."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.conftest import ROOT, Command
from vwmon import config, config_changes
from vwmon.clock import Clock
from vwmon.store import configured, database
from vwmon.store.configured import Configured

CA = trustme.CA().cert_pem.bytes().decode()


def test_the_example_is_good(vwmon: Command) -> None:
    """What we hand out can be used."""
    result = vwmon("check-config", ROOT / "config.example.toml")
    assert result.exit_code == 0
    good, channels, outside, started = result.stdout.splitlines()
    assert good.endswith("config.example.toml: good")
    assert channels == "no channel is named under [notify]; the list alone tells of alerts"
    assert outside == "nobody outside is pinged ([monitor] ping_url_file): when this machine dies, no one is called"
    assert started.startswith("no daemon has started with /var/lib/vwmon/vwmon.db yet")


def test_every_fault_is_on_standard_error_with_exit_code_8(vwmon: Command, tmp_path: Path) -> None:
    """Nothing else is printed, so that a script may rely on it."""
    file = tmp_path / "x.toml"
    file.write_text("[mqtt]\nprot = 1\nport = 0\n", encoding="utf-8")
    result = vwmon("check-config", file)
    assert result.exit_code == 8
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line.startswith(f"error: {file}:{number}: mqtt.") for number, line in enumerate(lines, 2)] == [True, True]


def test_what_the_file_names_is_looked_at(vwmon: Command, tmp_path: Path) -> None:
    """A certificate that is not there stops the daemon; it is told here first."""
    file = tmp_path / "x.toml"
    file.write_text("[mqtt]\ntls = { ca = 'ca.pem' }\n", encoding="utf-8")
    result = vwmon("check-config", file)
    assert result.exit_code == 8
    assert f"{tmp_path / 'ca.pem'}: there is no such file" in result.stderr


def test_a_credential_of_systemd_is_named_and_not_a_fault(
    vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It exists only while the daemon runs."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    file = tmp_path / "x.toml"
    file.write_text("[mqtt]\nusername = 'u'\npassword_file = 'credential:mqtt'\n", encoding="utf-8")
    result = vwmon("check-config", file)
    assert result.exit_code == 0
    assert "/run/credentials/vwmon.service/mqtt" in result.stdout


def test_without_a_file_it_says_which_it_looked_at(
    vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that a command would use."""
    file = tmp_path / "x.toml"
    file.touch()
    monkeypatch.setenv("VWMON_CONFIG", str(file))
    assert vwmon("check-config").stdout.startswith(f"{file}: good")


def test_a_file_that_is_not_there_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """A slip in a path is told, and is not an empty configuration."""
    result = vwmon("check-config", tmp_path / "none.toml")
    assert result.exit_code == 8
    assert "No such file" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [("port = 8883", "names no ca"), ("port = 1883\ntls = { ca = 'ca.pem' }", "names a ca"), ("port = 1884", "")],
)
def test_a_port_that_does_not_fit_is_said(vwmon: Command, tmp_path: Path, content: str, said: str) -> None:
    """The broker would hang up without a word of why."""
    (tmp_path / "ca.pem").write_text(CA, encoding="ascii")
    file = tmp_path / "x.toml"
    file.write_text(f"[mqtt]\n{content}\n", encoding="utf-8")
    result = vwmon("check-config", file)
    assert result.exit_code == 0
    assert ("the broker will not understand" in result.stdout) == bool(said)
    assert said in result.stdout


def test_a_file_that_is_no_certificate_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """The daemon would not start with it."""
    (tmp_path / "ca.pem").write_text("not a certificate", encoding="ascii")
    file = tmp_path / "x.toml"
    file.write_text("[mqtt]\nport = 8883\ntls = { ca = 'ca.pem' }\n", encoding="utf-8")
    result = vwmon("check-config", file)
    assert result.exit_code == 8
    assert "mqtt.tls" in result.stderr


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(("days", "exit_code"), [(20.5, 0), (-2, 8)])
def test_when_certificates_end_is_said(vwmon: Command, tmp_path: Path, days: float, exit_code: int) -> None:
    """Of each file; one that has ended is a fault, since no broker takes it."""
    authority, now = trustme.CA(), datetime.fromtimestamp(Clock().now_ms() / 1000, UTC)
    own = authority.issue_cert("vwmon", not_before=now - timedelta(days=30), not_after=now + timedelta(days=days))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    own.private_key_pem.write_to_path(str(tmp_path / "own.key"))
    (tmp_path / "own.key").chmod(0o600)
    file = tmp_path / "x.toml"
    file.write_text(
        "[mqtt]\nport = 8883\ntls = { ca = 'ca.pem', cert = 'own.pem', key = 'own.key' }\n", encoding="utf-8"
    )
    result = vwmon("check-config", file)
    assert result.exit_code == exit_code
    day = (now + timedelta(days=days)).date()
    if exit_code:
        assert f"{tmp_path / 'own.pem'} ended on {day}, 2 d ago: make and install another" in result.stderr
    else:
        assert f"{tmp_path / 'own.pem'} ends on {day}, in 20 d" in result.stdout.splitlines()
        assert f"{tmp_path / 'ca.pem'} ends on " in result.stdout


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """Give a configuration whose database keeps that a daemon started with it."""
    file = tmp_path / "x.toml"
    file.write_text('[store]\npath = "ward.db"\n[monitor]\nsilent_after = "15m"\n', encoding="utf-8")
    settings = config.load(file)
    with closing(database.create(settings.store.path)) as db, database.atomic(db):
        configured.keep(db, Configured(1_764_000_000_000, settings.hash, config_changes.flat(settings)))
    return file


@pytest.mark.hazard("H17")
def test_what_a_changed_file_would_change_is_listed_before_the_daemon_starts_with_it(
    vwmon: Command, started: Path
) -> None:
    """Whoever slipped by a unit sees both, under the name of the key, and nothing else beside it."""
    assert (
        "no setting differs from what the daemon has started with since 2025-11-24T16:00:00Z"
        in vwmon("check-config", started).stdout
    )
    content = started.read_text(encoding="utf-8")
    started.write_text(content.replace('"15m"', '"15h"'), encoding="utf-8")
    result = vwmon("check-config", started)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == [
        "1 setting differs from what the daemon has started with since 2025-11-24T16:00:00Z:",
        '  monitor.silent_after: "15m" -> "15h"',
    ]


def damaged(file: Path) -> None:
    """Let the database be none."""
    (file.parent / "ward.db").write_bytes(b"no database")


def out_of_reach(file: Path) -> None:
    """Let it have a name that no file system takes, which is refused as a folder that may not be entered is."""
    file.write_text(f'[store]\npath = "{"x" * 300}.db"\n', encoding="utf-8")


def unreadable(file: Path) -> None:
    """Let the row be none."""
    with closing(database.open_writer(file.parent / "ward.db")) as db:
        db.execute("update configured set settings = '{'")


@pytest.mark.parametrize("so_that", [damaged, out_of_reach, unreadable])
def test_where_nothing_can_be_compared_that_is_said_and_is_no_fault(
    vwmon: Command, started: Path, so_that: Callable[[Path], None]
) -> None:
    """The configuration may be good for all that."""
    so_that(started)
    result = vwmon("check-config", started)
    assert result.exit_code == 0
    assert "what the daemon started with last is not known: " in result.stdout


@pytest.mark.parametrize("made", [True, False])
def test_where_no_daemon_has_started_that_is_said(vwmon: Command, tmp_path: Path, *, made: bool) -> None:
    """Of a new database, and of one whose name was mistyped."""
    file = tmp_path / "x.toml"
    file.write_text('[store]\npath = "ward.db"\n', encoding="utf-8")
    if made:
        database.create(tmp_path / "ward.db").close()
    result = vwmon("check-config", file)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == (
        f"no daemon has started with {tmp_path / 'ward.db'} yet, so that there is nothing to compare with"
    )
