"""`vwmon doctor`: each thing it looks at, found good and found wrong."""

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib import metadata, util
from pathlib import Path

import pytest
import trustme

from tests.conftest import Command
from vwmon.cli import doctor
from vwmon.clock import Clock
from vwmon.store import database

CALLED_S = 20
WARD = "[[wards]]\nid = 'resp'\nname = 'R'\n"


@pytest.fixture
def listening() -> Iterator[int]:
    """A port of loopback that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def examined(vwmon: Command, *arguments: object) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and by what was looked at the verdict and the detail."""
    result = vwmon("doctor", "--json", *arguments)
    return result.exit_code, {row["looked_at"]: (row["verdict"], row["detail"]) for row in json.loads(result.stdout)}


def configured(folder: Path, content: str) -> Path:
    """Write a configuration."""
    file = folder / "vwmon.toml"
    file.write_text(content, encoding="utf-8")
    return file


def test_a_sound_installation_has_no_fault(vwmon: Command, tmp_path: Path, listening: int) -> None:
    """With a database and a broker that answers, everything is good but that the tests' install is editable."""
    database.create(tmp_path / "x.db").close()
    file = configured(tmp_path, f"[store]\npath = 'x.db'\n[mqtt]\nhost = '127.0.0.1'\nport = {listening}\n{WARD}")
    code, found = examined(vwmon, "--config", file)
    assert code == 0
    of_the_machine = {"files", "mosquitto", "sqlite", "daemon", "roles", "canary", "seal"}
    assert {name: verdict for name, (verdict, _) in found.items() if name not in of_the_machine} == dict.fromkeys(
        (
            *("python", "packages", "libraries", "time zones", "configuration"),
            *("database", "file modes", "room", "certificates", "broker"),
        ),
        "good",
    )
    assert found["database"][1] == str(tmp_path / "x.db")
    assert found["canary"][0] == "note", "that nothing is sent round is worth knowing"


def test_a_broker_that_was_configured_and_does_not_answer_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """Without it nothing is monitored."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code, found = examined(vwmon, "--config", configured(tmp_path, f"[mqtt]\nhost = '127.0.0.1'\nport = {port}\n"))
    assert code == 1
    assert found["broker"][0] == "fault"
    assert f"127.0.0.1:{port} does not answer" in found["broker"][1]


def test_a_broker_by_unix_socket_is_reached(vwmon: Command, tmp_path: Path) -> None:
    """The socket is used instead of host and port."""
    place = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen()
        _, found = examined(vwmon, "--config", configured(tmp_path, f"[mqtt]\nsocket = '{place}'\n"))
    assert found["broker"] == ("good", f"{place} answers")


def test_a_configuration_that_cannot_be_used_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """Everything that does not need it is still looked at."""
    code, found = examined(vwmon, "--config", configured(tmp_path, "[mqtt]\nport = 0\nprot = 1\n"))
    assert code == 1
    assert found["configuration"][0] == "fault"
    assert found["configuration"][1].count("vwmon.toml:") == 2
    assert found["python"][0] == "good"
    assert "database" not in found


def test_a_certificate_that_is_not_there_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """As check-config says."""
    code, found = examined(vwmon, "--config", configured(tmp_path, "[mqtt]\ntls = { ca = 'ca.pem' }\n"))
    assert code == 1
    assert "ca.pem: there is no such file" in found["configuration"][1]


@contextmanager
def secured(authority: trustme.CA, days: float) -> Iterator[int]:
    """A port that shakes a hand with a certificate that ends in so many days, and asks for one."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    issued(authority, days).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(CALLED_S)

        def shake() -> None:
            with suppress(OSError), context.wrap_socket(server.accept()[0], server_side=True) as both:
                both.recv(1)

        shaking = threading.Thread(target=shake)
        shaking.start()
        try:
            yield server.getsockname()[1]
        finally:
            shaking.join()


def issued(authority: trustme.CA, days: float) -> trustme.LeafCert:
    """Sign a certificate that ends in so many days."""
    now = datetime.fromtimestamp(Clock().now_ms() / 1000, UTC)
    until = now + timedelta(days=days)
    return authority.issue_cert("127.0.0.1", not_before=now - timedelta(days=90), not_after=until)


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(
    ("days", "own", "broker"),
    [
        ((400.5, 200.5), ("good", "in 400 d"), ("good", "its certificate ends on ")),
        ((20.5, 10.5), ("note", "in 20 d"), ("note", ", in 10 d")),
        ((-2, 200.5), ("fault", "2 d ago"), ("fault", "does not answer as it should")),
        ((400.5, -2), ("good", "in 400 d"), ("fault", "certificate has expired")),
    ],
)
def test_when_certificates_end_is_looked_at(
    vwmon: Command, tmp_path: Path, days: tuple[float, float], own: tuple[str, str], broker: tuple[str, str]
) -> None:
    """Of the files that are named, and of what the broker shows: soon is worth knowing, ended is a fault."""
    authority = trustme.CA()
    made = issued(authority, days[0])
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    (tmp_path / "own.pem").chmod(0o600)
    with secured(authority, days[1]) as port:
        content = (
            f"[mqtt]\nhost = '127.0.0.1'\nport = {port}\ntls = {{ ca = 'ca.pem', cert = 'own.pem', key = 'own.pem' }}"
        )
        _, found = examined(vwmon, "--config", configured(tmp_path, content))
    for name, (verdict, detail) in (("certificates", own), ("broker", broker)):
        assert found[name][0] == verdict
        assert detail in found[name][1]


def test_whoever_may_not_read_the_key_sees_when_the_brokers_certificate_ends(
    vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker sends such a one away, and has shown its own by then."""
    authority = trustme.CA()
    made = issued(authority, 400)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    access, key = os.access, tmp_path / "k"
    monkeypatch.setattr(os, "access", lambda path, mode, **more: path != key and access(path, mode, **more))
    with secured(authority, 200.5) as port:
        content = f"[mqtt]\nhost = '127.0.0.1'\nport = {port}\ntls = {{ ca = 'ca.pem', cert = 'own.pem', key = 'k' }}"
        _, found = examined(vwmon, "--config", configured(tmp_path, content))
    assert found["broker"][0] == "good"
    assert "its certificate ends on " in found["broker"][1]
    assert found["broker"][1].endswith("was not tried: you may not read the key")


def test_a_database_that_is_not_there_yet_is_worth_knowing(vwmon: Command, tmp_path: Path) -> None:
    """It is told how to make one."""
    _, found = examined(vwmon, "--db", tmp_path / "none.db")
    assert found["database"][0] == "note"
    assert "vwmon db migrate" in found["database"][1]


def test_a_file_that_is_no_database_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """It is not touched."""
    file = tmp_path / "x.db"
    file.write_bytes(b"not a database at all" * 100)
    code, found = examined(vwmon, "--db", file)
    assert code == 1
    assert found["database"][0] == "fault"
    assert file.read_bytes() == b"not a database at all" * 100


def test_a_ward_that_is_not_named_and_a_daemon_that_never_ran_are_worth_knowing(vwmon: Command, tmp_path: Path) -> None:
    """Each with what to do."""
    database.create(tmp_path / "x.db").close()
    _, found = examined(vwmon, "--config", configured(tmp_path, "[store]\npath = 'x.db'\n"))
    assert found["configuration"][0] == "note"
    assert "vwmon init --add-ward" in found["configuration"][1]
    assert found["daemon"][0] == "note"
    assert "vwmon run" in found["daemon"][1]


def test_a_recording_is_not_taken_for_a_ward_that_is_watched(vwmon: Command, tmp_path: Path) -> None:
    """Its lists may be trusted, and nothing that happens now is in them."""
    recording = tmp_path / "recording.csv"
    recording.write_text("patient,time,vital,value,unit\nR1,2026-01-01T00:00:00Z,spo2,95,%\n", encoding="utf-8")
    assert vwmon("replay", recording, "--db", tmp_path / "x.db").exit_code == 0
    _, found = examined(vwmon, "--db", tmp_path / "x.db")
    assert found["daemon"] == ("note", "the database is a recording, which nothing watches")


def test_too_little_room_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """Before the disk is full and nothing is stored; the limit is that of the alert."""
    code, found = examined(vwmon, "--config", configured(tmp_path, "[monitor]\ndisk_free_mb = 1000000\n"))
    few = found["room"][0] == "fault"
    assert few == (int(found["room"][1].split()[0]) < 1_000_000)
    assert code == 1 or not few


def test_who_may_read_and_not_act_is_told(vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An acknowledgement that fails in an emergency is found too late."""
    file = tmp_path / "x.db"
    database.create(file).close()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, how: path != file and access(path, how))
    _, found = examined(vwmon, "--db", file)
    assert found["database"][0] == "note"
    assert "group" in found["database"][1]


def test_a_strangers_package_of_our_name_is_found(
    vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`devices` and `alerts` are common names; another package of one would be imported in place of ours."""
    home = doctor._home
    monkeypatch.setattr(doctor, "_home", lambda name: str(tmp_path) if name == "devices" else home(name))
    code, found = examined(vwmon)
    assert code == 1
    assert found["packages"][0] == "fault"
    assert "an environment of its own" in found["packages"][1]


def test_a_missing_library_is_named(vwmon: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that the package requires is looked for."""

    def version(name: str) -> str:
        if name == "rich":
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    code, found = examined(vwmon)
    assert code == 1
    assert found["libraries"] == ("fault", "not installed: rich")


def test_an_old_sqlite_is_worth_knowing(vwmon: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database then opens in a slower mode that is as safe."""
    monkeypatch.setattr("vwmon.store.sqlite.wal_is_safe", lambda: False)
    _, found = examined(vwmon)
    assert found["sqlite"][0] == "note"


def test_without_a_table_of_time_zones_it_is_a_fault(vwmon: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wards could not be named."""

    def time_zone(_value: object) -> str:
        raise ValueError

    monkeypatch.setattr("vwmon.config_duty.time_zone", time_zone)
    code, found = examined(vwmon)
    assert code == 1
    assert found["time zones"][0] == "fault"


def test_without_mosquitto_it_says_what_the_demonstration_uses(vwmon: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded broker where it is installed, else what to install."""
    monkeypatch.setattr("vwmon.broker.find_mosquitto", lambda: None)
    found_spec = util.find_spec
    for present, words in ((True, "embedded broker"), (False, "pip install")):
        monkeypatch.setattr(
            util, "find_spec", lambda name, here=present: here if name == "iotcore" else found_spec(name)
        )
        _, found = examined(vwmon)
        assert found["mosquitto"][0] == "note"
        assert words in found["mosquitto"][1]


def test_the_table_says_every_verdict_in_words(vwmon: Command, tmp_path: Path) -> None:
    """Nothing by colour alone."""
    result = vwmon("doctor", "--db", tmp_path / "none.db")
    assert all(line.split()[0] in {"good", "note", "fault"} for line in result.stdout.splitlines()[1:])


@pytest.mark.hazard("H22", "T14")
def test_whether_the_database_is_sealed_is_said_plainly(vwmon: Command, tmp_path: Path) -> None:
    """With what a plain one lacks; of one that cannot be read nothing is claimed."""
    path = tmp_path / "x.db"
    database.create(path).close()
    verdict, detail = examined(vwmon, "--db", path)[1]["seal"]
    assert verdict == "note"
    assert detail.startswith("not sealed: a flipped bit in a value is not found")
    assert vwmon("db", "seal", "--do-it", "--db", path).exit_code == 0
    assert examined(vwmon, "--db", path)[1]["seal"] == ("good", f"sealed, by {path}.key")
    (tmp_path / "x.db.key").unlink()
    code, found = examined(vwmon, "--db", path)
    assert (code, found["seal"][0], found["database"][0]) == (1, "note", "fault")


@pytest.mark.hazard("H22")
@pytest.mark.parametrize("name", ["x.db", "x.db.backup-20261127T040000Z", "x.db.before-vwmon.m001"])
@pytest.mark.parametrize("mode", [0o664, 0o662])
def test_a_database_or_a_copy_that_is_open_to_everyone_is_a_fault(
    vwmon: Command, tmp_path: Path, name: str, mode: int
) -> None:
    """Each holds what patients sent; the finding says what to do."""
    database.create(tmp_path / "x.db").close()
    file = tmp_path / name
    file.touch()
    file.chmod(mode)
    code, found = examined(vwmon, "--db", tmp_path / "x.db")
    assert code == 1
    assert found["file modes"][0] == "fault"
    assert f"open to everyone on this machine; chmod o-rwx {file}" in found["file modes"][1]


def test_a_configuration_that_everyone_may_write_is_a_fault(vwmon: Command, tmp_path: Path) -> None:
    """It says who has which role."""
    file = configured(tmp_path, "[store]\npath = 'x.db'\n")
    file.chmod(0o646)
    _, found = examined(vwmon, "--config", file)
    assert found["file modes"] == (
        "fault",
        f"open to everyone on this machine; chmod o-rwx {file} (may be written)",
    )


def test_a_folder_that_may_not_be_looked_into_is_said(
    vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is outside of the group learns no more."""

    def closed(_path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", "/var/lib/vwmon/vwmon.db")

    monkeypatch.setattr(database, "open_to_everyone", closed)
    assert examined(vwmon, "--db", tmp_path / "x.db")[1]["file modes"][0] == "note"


def test_whether_there_are_roles_and_which_is_mine_is_said(
    vwmon: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any, everyone may do everything: worth knowing, and not wrong."""
    assert examined(vwmon)[1]["roles"] == (
        "note",
        "none are given: whoever can write the database may do everything",
    )
    named = configured(tmp_path, "[commands.roles]\nact = ['ann', 'bea']\nadmin = ['ada']\n")
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setattr("vwmon.cli.context.login_name", lambda: "root")
    assert examined(vwmon, "--config", named)[1]["roles"] == (
        "good",
        "act 2, admin 1; whoever can read the database may look; root has: admin",
    )
    monkeypatch.setattr("os.getuid", lambda: 70_001)
    monkeypatch.setattr("vwmon.cli.context.login_name", lambda: "ann")
    closed = configured(tmp_path, "[commands.roles]\nview = ['vic']\nact = ['ann']\n")
    assert examined(vwmon, "--config", closed)[1]["roles"] == ("good", "view 1, act 1; ann has: act")
    monkeypatch.setattr("vwmon.cli.context.login_name", lambda: "eve")
    assert examined(vwmon, "--config", closed)[1]["roles"] == ("good", "view 1, act 1; eve has: none")
