"""Roles: who may give which command on a shared workstation, what a refusal says, and that it changes nothing."""

import json
import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.cli.test_alerts_commands import Ward, busy, ward
from tests.conftest import Command
from vwmon import config
from vwmon.cli import app, permitted
from vwmon.cli.permitted import ACT, ADMIN, ANYONE, NEEDS, PLAN, VIEW
from vwmon.cli.triage import source
from vwmon.cli.triage.records import Wish
from vwmon.config import ROLES
from vwmon.errors import StoreUnreadable

__all__ = ["busy", "ward"]  # fixtures

Login = Callable[[str], None]
CONFIG = """\
[commands]
allow_as = true
[commands.roles]
view = ["vera"]
act = ["ann", "bay-4"]
plan = ["paul"]
admin = ["ada"]
shared = ["bay-4"]
[[wards]]
id = "resp"
name = "Respiratory"
"""
PEOPLE = {"nobody": "", "vera": VIEW, "ann": ACT, "paul": PLAN, "ada": ADMIN}
ANSWER = "0A11"  # no alert has this id: an act that is allowed finds nothing
PATIENT = "nobody-yet"  # nor is this patient there
# What each command is given so that nothing but a role stands in its way to the database.
INTO = ("--reason", "x", "--into", "/nowhere/x")
WORDS: dict[str, tuple[str, ...]] = {
    "alerts show": (ANSWER,),
    **dict.fromkeys(("alerts ack", "alerts unack", "alerts reopen", "alerts note"), (ANSWER, "-m", "x")),
    "alerts assign": (ANSWER, "--to", "ann"),
    "alerts snooze": (ANSWER, "--for", "1h", "-m", "x"),
    "alerts close": (ANSWER, "--outcome", "no-action", "-m", "x"),
    "handover accept": (ANSWER,),
    "patients admit": (PATIENT, "--ward", "resp", "--born", "1950-01-01"),
    "patients refer": (PATIENT, "--ward", "resp", "--by", "gp"),
    "patients decline": (PATIENT, "--reason", "other"),
    "patients expect": (PATIENT, "--days", "7"),
    "patients correct": (PATIENT, "--name", "Ada"),
    "patients pause": (PATIENT, "--for", "1h", "--reason", "scan"),
    "patients transfer": (PATIENT, "--to", "resp", "--reason", "x"),
    "patients import": ("patients.csv",),
    "patients discharge": (PATIENT, "--reason", "completed"),
    **dict.fromkeys(
        (f"patients {verb}" for verb in ("accept", "consent", "no-kit", "pregnant", "plan", "show")), (PATIENT,)
    ),
    "devices add": ("of-new",),
    "devices assign": ("of-new", PATIENT),
    "devices swap": ("of-old", "of-new", "--reason", "broken"),
    "devices retire": ("of-old", "--reason", "lost"),
    "devices calibrated": ("of-old", "--due", "2030-01-01"),
    **dict.fromkeys(("devices show", "devices return"), ("of-old",)),
    "readings add": (PATIENT, "spo2=97", "--by", "phone"),
    "answers add": (PATIENT, "wound", "now=same", "--by", "phone"),
    "messages send": (PATIENT, "Please measure again."),
    "explain": (ANSWER,),
    "replay": ("recording.csv",),
    "simulate": ("--list",),
    "init": ("--yes", "--add-ward", "--ward", "west", "--name", "West"),
    "notify test": ("pager",),
    "db restore": ("copy.db",),
    "db retain": ("--older-than", "8y"),
    "incident export": ("p1", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z", *INTO),
}
OF_ITS_OWN = {"simulate": ("--ward", "resp", "--port", "1", "--duration", "1s")}  # --list asks for no settings


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Login:
    """Log somebody in, as the kernel knows them: an ordinary user, whoever runs the tests."""
    known = pwd.getpwuid(os.getuid())

    def as_(name: str) -> None:
        monkeypatch.setattr("os.getuid", lambda: 0 if name == "root" else 70_001)
        monkeypatch.setattr("pwd.getpwuid", lambda _uid: pwd.struct_passwd((name, *known[1:])))

    return as_


class Workstation:
    """A workstation with roles, and a copy of a ward with alerts."""

    def __init__(self, vwmon: Command, folder: Path, ward: Ward) -> None:
        """Copy the ward's database, whole."""
        self.vwmon, self.config, self.db = vwmon, folder / "roles.toml", folder / "copy-of.db"
        ward.db.execute("vacuum into ?", [str(self.db)])
        self.config.write_text(CONFIG, encoding="utf-8")

    def gives(self, command: str, *words: str) -> tuple[int, str]:
        """Give a command; its exit code, and what it said on standard error."""
        where = ["--config", str(self.config)]
        if command not in {"duty", "init", "notify test", "simulate"}:
            where += ["--db", str(self.db)]
        result = self.vwmon(*command.split(), *words, *where)
        return result.exit_code, result.stderr

    def tells(self, command: str) -> str:
        """Give a command with what it needs; the refusal for want of a role, if it is one."""
        code, said = self.gives(command, *OF_ITS_OWN.get(command, WORDS.get(command, ())))
        refused = code == 6 and "this needs the role" in said
        assert refused or code != 2 or command == "alerts triage", (command, said)  # it wants a terminal
        return said if refused else ""

    def content(self) -> dict[str, bytes]:
        """Everything in the database, and beside it."""
        return {file.name: file.read_bytes() for file in self.db.parent.iterdir() if file.is_file()}


@pytest.fixture
def desk(vwmon: Command, tmp_path: Path, busy: Ward, monkeypatch: pytest.MonkeyPatch) -> Workstation:
    """A workstation; commands that write beside it write here."""
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "recording.csv": "patient,time,vital,value,unit\n",
        "patients.csv": "patient,ward,born\n",
    }.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    shutil.copy(busy.path, tmp_path / "copy.db")
    return Workstation(vwmon, tmp_path, busy)


def commands(command: Any = None, name: str = "") -> Iterator[str]:  # noqa: ANN401 -- typer's own types
    """Yield every command that there is, by its name in full; a group that is a command too is one."""
    command = command or get_command(app)
    if not hasattr(command, "list_commands"):
        yield name
        return
    if name and command.invoke_without_command:
        yield name
    for word in command.list_commands(None):
        yield from commands(command.get_command(None, word), f"{name} {word}".strip())


def takes_settings(name: str) -> bool:
    """Tell whether a command takes a configuration, and so can know the ward's database."""
    found: Any = get_command(app)
    for word in name.split():
        found = found.get_command(None, word)
    return any("--config" in param.opts for param in found.params)


@pytest.mark.hazard("T11")
def test_every_command_has_a_role() -> None:
    """The real tree and the table name the same commands, so a new command cannot be forgotten."""
    assert sorted(commands()) == sorted(NEEDS)
    assert set(permitted.CHANGING) <= set(NEEDS)
    assert {*NEEDS.values(), *permitted.CHANGING.values()} <= {ANYONE, *ROLES}


def test_what_anyone_may_do_shows_no_patient_or_must_not_wait() -> None:
    """Whether the ward is watched, and the daemon itself, are never a matter of roles; all else with a database is."""
    free = {name for name, role in NEEDS.items() if role == ANYONE and takes_settings(name)}
    assert free == {"status", "run", "check-config", "doctor"}


@pytest.mark.hazard("H13", "T11")
def test_what_needs_no_more_than_to_look_changes_nothing(
    desk: Workstation, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each such command only reads; so one that writes cannot be given to who only looks by a slip in the table."""
    opened: list[Path] = []

    def writer(path: Path, **_: object) -> None:
        opened.append(path)
        raise StoreUnreadable(str(path))

    for module in ("acting", "changing", "triage.source"):
        monkeypatch.setattr(f"vwmon.cli.{module}.open_writer", writer)
    login("vera")
    before = desk.content()
    looked = {command: desk.tells(command) for command, needed in NEEDS.items() if needed == VIEW}
    assert set(looked.values()) == {""}
    assert (opened, desk.content()) == ([], before)


def test_who_acts_on_alerts_does_not_change_stays_and_who_plans_not_the_database() -> None:
    """The roles as the guide says them: everything else that changes something is planning."""
    acts = {f"alerts {verb}" for verb in ("ack", "note", "assign", "snooze", "unack", "close", "reopen")}
    acts |= {"handover start", "handover accept", "readings add", "answers add", "messages send", "patients pause"}
    assert {name for name, role in NEEDS.items() if role == ACT} == acts
    runs = {*(name for name in NEEDS if name.startswith("db ")), "init", "notify test", "replay", "simulate"}
    runs |= {"incident export"}
    assert {name for name, role in NEEDS.items() if role == ADMIN} == runs


@pytest.mark.hazard("H13", "T11")
@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_each_role_may_give_its_commands_and_no_other(
    desk: Workstation, login: Login, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every command of the tree that a role is needed for; who is refused is told, and has changed nothing."""
    monkeypatch.setattr("syslog.syslog", lambda *_: None)
    login(name)
    before = desk.content()
    asked = [command for command, needed in NEEDS.items() if needed != ANYONE]
    lacking = {c for c in asked if ROLES.index(NEEDS[c]) > (ROLES.index(PEOPLE[name]) if PEOPLE[name] else -1)}
    assert {command for command in asked if command in lacking and desk.tells(command)} == lacking
    assert desk.content() == before
    assert [command for command in asked if command not in lacking and desk.tells(command)] == []


def test_a_plan_may_be_looked_at_and_not_changed(desk: Workstation, login: Login) -> None:
    """One command shows and changes: to show it needs the role of looking, to change it that of planning."""
    change = ("p-2", "--disable", "news2_5", "--reason", "x")
    login("ann")
    assert desk.gives("patients plan", "p-2")[0] == 0
    assert desk.gives("patients plan", *change)[0] == 6
    assert desk.gives("patients plan", *change, "--as", "paul")[0] == 6
    login("paul")
    assert desk.gives("patients plan", *change)[0] == 0


def test_a_refusal_names_the_role_and_who_can_give_it(desk: Workstation, login: Login) -> None:
    """In one sentence, with the file."""
    login("vera")
    assert desk.gives("patients admit", *WORDS["patients admit"])[1] == (
        "error: this needs the role plan, and vera has the role view; ada or root can give it in [commands.roles] of "
        f"{desk.config}\n"
    )
    login("nobody")
    assert "and nobody has none;" in desk.gives("alerts")[1]


def test_a_refusal_is_logged_without_anything_that_was_typed(
    desk: Workstation, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's log has the command and the login; no patient, note or unknown name, and no second line."""
    logged: list[str] = []
    monkeypatch.setattr("syslog.syslog", lambda _level, line: logged.append(line))
    login("vera")
    desk.gives("patients admit", *WORDS["patients admit"], "--name", "Ada Secret")
    login("ada")
    desk.gives("alerts note", ANSWER, "-m", "rang 020 7946", "--as", "Ada Secret\nrefused")
    desk.gives("alerts note", ANSWER, "-m", "rang 020 7946", "--as", "vera")
    assert logged == [
        "refused command='patients admit' login=vera acting_as='themselves'",
        "refused command='alerts note' login=ada acting_as='someone not named'",
        "refused command='alerts note' login=ada acting_as='vera'",
    ]


@pytest.mark.hazard("H13", "T11")
@pytest.mark.parametrize(
    ("who", "as_", "code"),
    [
        ("ann", "paul", 6),  # the login has not got the role of planning
        ("paul", "ann", 6),  # nor has who it acts as
        ("ada", "paul", 0),
        ("paul", "stranger", 6),
        ("root", "ann", 6),  # root acts as whom it says it acts as
        ("root", "paul", 0),
        ("root", "root", 0),
    ],
)
def test_to_act_as_someone_gains_nothing(desk: Workstation, login: Login, who: str, as_: str, code: int) -> None:
    """Both the login and the person need the role."""
    login(who)
    assert desk.gives("patients admit", *WORDS["patients admit"], "--as", as_)[0] == code


@pytest.mark.hazard("H13", "T11")
def test_a_shared_login_changes_nothing_without_a_name(desk: Workstation, login: Login) -> None:
    """To look, nobody need say who they are; who leaves --as out does not act as the ward."""
    login("bay-4")
    assert desk.gives("alerts", "--mine")[0] != 6
    code, said = desk.gives("alerts ack", desk_alert(desk), "-m", "x")
    assert (code, said) == (6, "error: several people share the login bay-4: say who you are with --as NAME\n")
    assert desk.gives("alerts ack", desk_alert(desk), "-m", "x", "--as", "bay-4")[0] == 6
    assert desk.gives("alerts ack", desk_alert(desk), "-m", "x", "--as", "paul")[0] == 0


def desk_alert(desk: Workstation) -> str:
    """Name the alert of the ward that is new at level 2."""
    found = desk.vwmon("alerts", "--format", "ids", "--state", "new", "--db", desk.db, "--config", desk.config)
    return str(found.stdout.split()[0])


@pytest.mark.hazard("H13", "T11")
def test_the_full_screen_acts_by_the_same_roles(desk: Workstation, login: Login) -> None:
    """Where several share a login the name that is typed counts; nobody's name, or the login's own, does not do."""
    settings, alert = config.load(desk.config), desk_alert(desk)
    settings = replace(settings, store=replace(settings.store, path=desk.db))
    login("bay-4")
    version = json.loads(desk.vwmon("alerts", "show", alert, "--json", "--db", desk.db).stdout)["version"]
    wish = Wish(verb="ack", alert=alert, version=version, note="x", for_ms=600_000)
    for name in ("vera", "stranger", "bay-4"):
        assert source.do(settings, wish, name).refused
    done = source.do(settings, wish, "ann")
    assert (done.refused, "ann" in done.said) == (False, True)


@pytest.mark.parametrize(("name", "told"), [("vera", True), ("ann", False), ("bay-4", False)])
def test_the_full_screen_of_who_only_looks_says_that_it_is_read_only(
    desk: Workstation, login: Login, name: str, told: bool
) -> None:
    """Before it is shown, in the sentence of any refusal."""
    login(name)
    assert ("read only: this needs the role act" in desk.gives("alerts triage")[1]) is told


def test_with_nobody_under_view_whoever_reads_the_database_may_look(desk: Workstation, login: Login) -> None:
    """A nurse whom nobody has named yet sees the list, and does not act on it."""
    desk.config.write_text(CONFIG.replace('view = ["vera"]', "view = []"), encoding="utf-8")
    login("nobody")
    assert desk.gives("alerts")[0] != 6
    assert desk.gives("alerts ack", desk_alert(desk), "-m", "x")[0] == 6


def test_without_roles_everyone_may_do_everything(desk: Workstation, login: Login) -> None:
    """As it was before there were any."""
    desk.config.write_text("[[wards]]\nid = 'resp'\nname = 'R'\n", encoding="utf-8")
    login("nobody")
    assert desk.gives("patients admit", *WORDS["patients admit"])[0] == 0
    assert desk.gives("alerts ack", desk_alert(desk), "-m", "x")[0] == 0
    assert desk.gives("db verify")[0] == 0


def test_root_is_never_locked_out(desk: Workstation, login: Login) -> None:
    """Who can write the configuration can give themselves any role."""
    login("root")
    assert desk.gives("db verify")[0] == 0
    assert desk.gives("patients admit", *WORDS["patients admit"])[0] == 0


@pytest.mark.parametrize("name", ["vera", "nobody", "bay-4"])
def test_whether_the_ward_is_watched_is_told_to_all(desk: Workstation, login: Login, name: str) -> None:
    """A probe, and whoever passes, see that nothing is monitored."""
    login(name)
    assert desk.gives("status")[0] != 6
