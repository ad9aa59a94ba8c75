"""`vwmon init` by options: what is written where and with which modes, what is refused, and what is undone."""

import os
import signal
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import Result

from tests.conftest import ROOT, Command
from vwmon import config
from vwmon.cli import init_next, init_questions
from vwmon.errors import StoreError
from vwmon.store import database, registers

NEEDED = ("--ward", "resp", "--name", "Respiratory ward", "--yes")
AUTHORITY = ROOT / "deploy" / "mosquitto" / "make-certificates.sh"


class Place:
    """A folder of one's own, in which a ward is set up."""

    def __init__(self, folder: Path, vwmon: Command) -> None:
        """Nothing is there yet."""
        self.folder, self.config, self.db, self._vwmon = (
            folder,
            folder / "etc" / "c.toml",
            folder / "var" / "w.db",
            vwmon,
        )

    def init(self, *options: object) -> Result:
        """Set the ward up by options."""
        user = ("--user", "root") if os.geteuid() == 0 and "--user" not in options else ()
        return self._vwmon("init", "--config", self.config, "--store", self.db, *user, *options)

    def there(self) -> list[str]:
        """Name everything in the folder."""
        return sorted(str(one.relative_to(self.folder)) for one in self.folder.rglob("*"))


@pytest.fixture
def place(tmp_path: Path, vwmon: Command) -> Place:
    """A folder that is empty."""
    return Place(tmp_path, vwmon)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port of loopback that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def mode(file: Path) -> int:
    """Give who may do what with a file."""
    return stat.S_IMODE(file.stat().st_mode)


def test_a_ward_is_there_after_one_command(place: Place, vwmon: Command, listening: int) -> None:
    """Configuration and database, sound by the commands that look at them, and closed to others."""
    done = place.init(*NEEDED, "--broker", f"127.0.0.1:{listening}", "--hours", "08:00-20:00", "--time-zone", "UTC")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    assert place.there() == ["etc", "etc/c.toml", "var", "var/w.db"]
    assert (mode(place.config), mode(place.db)) == (0o640, 0o660)
    assert mode(place.db.parent) == 0o2770
    assert vwmon("check-config", place.config).exit_code == 0
    assert vwmon("doctor", "--config", place.config).exit_code == 0
    (ward,) = config.load(place.config).wards
    assert (ward.id, ward.hours, ward.time_zone) == ("resp", "08:00-20:00", "UTC")


def test_what_to_do_next_are_commands_that_work(place: Place, vwmon: Command, listening: int) -> None:
    """Each is a line to copy; the daemon's and the simulator's are tried where there is a broker."""
    done = place.init(*NEEDED, "--broker", f"127.0.0.1:{listening}", "--device", "spo2-17", "--canary", "yes")
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert [line.split()[1] for line in lines] == [
        "check-config",
        "run",
        "doctor",
        "status",
        "simulate",
        "readings",
        "patients",
        "devices",
    ]
    for line in lines:
        words = line.replace("YYYY-MM-DD", "1950-01-01").split()[1:]
        if words[0] not in {"run", "simulate"}:
            assert vwmon(*words).exit_code in {0, 4}, line


def test_without_a_terminal_everything_that_is_needed_is_named_at_once(place: Place) -> None:
    """A script's author mends it in one go; nothing is asked into a pipe, and nothing is written."""
    done = place.init("--hours", "8-20")
    assert done.exit_code == 2
    assert "--ward, --name, --yes" in done.stderr
    assert "--hours: '8-20' is not hours" in done.stderr
    assert place.there() == []


def test_every_option_that_cannot_stand_is_named_at_once(place: Place) -> None:
    """Each by its own name, with what would do."""
    (place.folder / "file").touch()
    slips = {
        "ward": "Resp",
        "name": " ",
        "time-zone": "Europe/Lundon",
        "hours": "8-20",
        "ca": "none.crt",
        "password-file": "p",
        "store": str(place.folder / "file" / "w.db"),
        "channel": "pager",
        "allow-as": "maybe",
        "device": "+",
        "broker": "a:0",
    }
    done = place.init("--yes", *(word for name, slip in slips.items() for word in (f"--{name}", slip)))
    assert done.exit_code == 2
    assert [name for name in slips if f"--{name}" not in done.stderr] == []
    assert place.there() == ["file"]


def test_a_broker_that_does_not_answer_is_a_warning_and_no_more(place: Place) -> None:
    """It may be installed later; whoever sets up must know."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = place.init(*NEEDED, "--broker", f"127.0.0.1:{port}")
    assert done.exit_code == 0
    assert f"warning: the broker at 127.0.0.1:{port} is not reached" in done.stderr


def test_a_configuration_that_is_there_is_never_written_over(place: Place) -> None:
    """Not a letter of it, without --force; it says what can be done instead."""
    place.init(*NEEDED)
    place.config.write_text("# mine\n", encoding="utf-8")
    done = place.init(*NEEDED)
    assert done.exit_code == 5
    assert all(way in done.stderr for way in ("--add-ward", "--force", "check-config"))
    assert place.config.read_text(encoding="utf-8") == "# mine\n"


def test_with_force_the_one_before_is_kept_beside_it(place: Place) -> None:
    """And the database that is there stays, with what is in it."""
    place.init(*NEEDED, "--device", "spo2-17")
    place.config.write_text("# mine\n", encoding="utf-8")
    done = place.init("--force", *NEEDED, "--device", "spo2-18")
    assert done.exit_code == 0
    assert "no device and no patient was put into a database that was there already" in done.stderr
    assert place.config.with_name("c.toml.before").read_text(encoding="utf-8") == "# mine\n"
    with closing(database.open_reader(place.db)) as db:
        assert [device.device for device in registers.devices(db)] == ["spo2-17"]


def test_a_second_ward_is_added_to_what_somebody_edited(place: Place) -> None:
    """Behind it, with its mode, its comments and everything else as they were."""
    place.init(*NEEDED)
    edited = place.config.read_text(encoding="utf-8").replace('"15m"', '"20m"  # ours')
    place.config.write_text(edited, encoding="utf-8")
    done = place.init("--add-ward", "--ward", "frail", "--name", "Frailty", "--yes")
    assert done.exit_code == 0, done.stderr
    assert place.config.read_text(encoding="utf-8").startswith(edited)
    assert place.config.with_name("c.toml.before").read_text(encoding="utf-8") == edited
    assert [ward.id for ward in config.load(place.config).wards] == ["resp", "frail"]
    assert mode(place.config) == 0o640
    again = place.init("--add-ward", "--ward", "frail", "--name", "Frailty", "--yes")
    assert (again.exit_code, config.load(place.config).wards[-1].id) == (5, "frail")


def test_a_ward_is_added_only_to_something(place: Place) -> None:
    """A slip in the path does not make a second ward's configuration."""
    done = place.init("--add-ward", *NEEDED)
    assert (done.exit_code, place.there()) == (2, [])


def test_a_file_that_is_no_database_of_ours_is_left_alone(place: Place) -> None:
    """Before anything is written."""
    place.db.parent.mkdir()
    place.db.write_text("diary", encoding="utf-8")
    done = place.init(*NEEDED)
    assert done.exit_code == 2
    assert (place.there(), place.db.read_text(encoding="utf-8")) == (["var", "var/w.db"], "diary")


@pytest.mark.parametrize("where", ["registers.admit", "database.migrate", "database.appear", "shutil.chown"])
@pytest.mark.parametrize("what", [KeyboardInterrupt, StoreError("full"), OSError(28, "No space left")])
def test_what_ends_it_half_way_leaves_nothing_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch, where: str, what: type[BaseException] | Exception
) -> None:
    """No folder, no database, no half a file: it can be begun anew."""

    def ends(*_: object, **__: object) -> None:
        raise what

    with monkeypatch.context() as patch:
        patch.setattr(f"vwmon.setting_up.{where}", ends)
        done = place.init(*NEEDED, "--canary", "yes")
    if where == "shutil.chown" and os.geteuid() != 0:
        return
    assert done.exit_code == (130 if what is KeyboardInterrupt else 1)
    assert place.there() == []
    assert place.init(*NEEDED).exit_code == 0


def test_an_interrupt_in_the_last_moment_leaves_all_or_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the configuration gets its name, Ctrl-C waits; then everything is there."""
    appear = database.appear

    def interrupted(made: Path, file: Path) -> None:
        if file == place.config:
            os.kill(os.getpid(), signal.SIGINT)
        appear(made, file)

    monkeypatch.setattr("vwmon.setting_up.database.appear", interrupted)
    assert place.init(*NEEDED).exit_code == 0
    assert place.there() == ["etc", "etc/c.toml", "var", "var/w.db"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_is_the_daemons(place: Place) -> None:
    """Else the daemon could neither read its configuration nor write its database."""
    assert place.init(*NEEDED, "--user", "nobody").exit_code == 0
    nobody = place.db.stat()
    assert (nobody.st_uid, place.db.parent.stat().st_uid) == (init_uid("nobody"),) * 2
    assert (place.config.stat().st_uid, place.config.stat().st_gid) == (0, nobody.st_gid)
    missing = place.init("--force", *NEEDED, "--user", "no-such-user")
    assert missing.exit_code == 2
    assert "useradd" in missing.stderr


def init_uid(name: str) -> int:
    """Give the number of a user."""
    import pwd

    return pwd.getpwnam(name).pw_uid


def test_a_secret_that_everyone_may_read_is_refused_and_none_is_written_down(place: Place) -> None:
    """The configuration has the names of files only."""
    secret = place.folder / "password"
    secret.write_text("hunter2\n", encoding="utf-8")
    secret.chmod(0o644)
    options = (*NEEDED, "--username", "u", "--password-file", secret)
    refused = place.init(*options)
    assert refused.exit_code == 2
    assert "everyone on this machine may read" in refused.stderr
    secret.chmod(0o600)
    assert place.init(*options).exit_code == 0
    assert "hunter2" not in place.config.read_text(encoding="utf-8")
    assert config.read_password(config.load(place.config).mqtt) == "hunter2"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as deploy/ makes them: the broker's, the daemon's and a device's."""
    folder = tmp_path_factory.mktemp("ca")
    for what in (["authority"], ["broker", "localhost"], ["daemon"], ["device", "spo2-17"]):
        subprocess.run([str(AUTHORITY), str(folder), *what], check=True, capture_output=True)
    return folder


def test_certificates_are_tried_before_anything_is_written(place: Place, authority: Path) -> None:
    """What is no certificate, and a key that is another's, are told at once."""
    ca, cert, key = (authority / name for name in ("ca.crt", "vwmon.crt", "vwmon.key"))
    wrong = place.init(*NEEDED, "--ca", ca, "--cert", cert, "--key", authority / "spo2-17.key")
    assert wrong.exit_code == 2
    assert "do not belong together" in wrong.stderr
    assert "no certificate in PEM form" in place.init(*NEEDED, "--ca", key.with_name("serial")).stderr
    assert place.there() == []
    assert place.init(*NEEDED, "--ca", ca, "--cert", cert, "--key", key).exit_code == 0
    assert config.load(place.config).mqtt.port == 8883


@pytest.fixture
def secured(authority: Path) -> Iterator[tuple[int, Path]]:
    """A listener with the broker's certificate, which shakes one hand."""
    import threading

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority / "ca.crt"))
    context.load_cert_chain(str(authority / "broker.crt"), str(authority / "broker.key"))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake() -> None:
            try:
                with context.wrap_socket(server.accept()[0], server_side=True) as both:
                    both.recv(1)
            except OSError:
                return

        shaking = threading.Thread(target=shake)
        shaking.start()
        yield server.getsockname()[1], authority
        shaking.join()


@pytest.mark.parametrize(("signed_by", "told"), [("ca.crt", ""), ("own.crt", "not to be trusted")])
def test_the_brokers_certificate_is_looked_at(
    place: Place, secured: tuple[int, Path], signed_by: str, told: str
) -> None:
    """Who answers there and is somebody else is not taken for the broker."""
    port, authority = secured
    stranger = authority / "own.crt"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "1", "-keyout"]
    subprocess.run([*new, str(authority / "own.key"), "-out", str(stranger)], check=True, capture_output=True)
    done = place.init(*NEEDED, "--ca", authority / signed_by, "--broker", f"localhost:{port}")
    assert done.exit_code == 0
    assert (told in " ".join(done.stderr.split())) if told else done.stderr == ""


def test_who_is_told_is_written_as_it_was_said(place: Place) -> None:
    """And whom nobody knows is refused."""
    pager = ("--channel", "pager=credential:pager", "--people", "n.shah:nurse,j.doe")
    unknown = place.init(*NEEDED, *pager, "--tier-1", "doctor")
    assert "--tier-1: 'doctor' is neither" in unknown.stderr
    done = place.init(*NEEDED, *pager, "--tier-1", "nurse", "--tier-2", "j.doe,nurse")
    assert done.exit_code in {0, 8}  # 8: Apprise is not installed here
    if done.exit_code == 0:
        assert [(duty.tier, duty.who) for duty in config.load(place.config).duty] == [
            (1, ("nurse",)),
            (2, ("j.doe", "nurse")),
        ]


def test_where_the_unit_does_not_fit_it_says_what_makes_it_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key to hand over, secrets of one's own, a broker elsewhere: each stops the daemon from starting."""
    monkeypatch.setattr(init_next, "UNIT", tmp_path / "none")
    monkeypatch.setattr(init_next, "UNIT_KEY", tmp_path / "none")
    found = {
        "ward": "resp",
        "broker": {"host": "broker.example.org", "port": None},
        "password_file": "credential:mqtt",
        "device": "",
        "canary": False,
    }
    lines = "\n".join(init_next.steps(found, config.SYSTEM_FILE))
    for told in ("deploy/vwmon.service", "LoadCredential=\n", "LoadCredential=mqtt:/etc/vwmon/mqtt", "IPAddressAllow="):
        assert told in lines
    assert lines.index("deploy/vwmon.service") < lines.index("systemctl edit") < lines.index("enable --now")


def test_every_question_has_its_option() -> None:
    """What can be asked at a terminal can be said by a script."""
    from inspect import signature

    from vwmon.cli.init import init

    assert {question.name for question in init_questions.QUESTIONS} <= set(signature(init).parameters)
