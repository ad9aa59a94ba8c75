"""Who may give which command: one table from command to role, and the refusal of who has not got it.

Roles guard against slips on a shared workstation. Who can write the database's file can go round them; the file's
mode is what keeps others out. Not here: who is logged in (vwmon.cli.context), or who has which role (vwmon.config).
"""

import syslog
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vwmon.config import ROLES, Roles, Settings

VIEW, ACT, PLAN, ADMIN = ROLES
ANYONE = ""  # shows nothing of a patient, or must never wait for a role

NEEDS: Final[Mapping[str, str]] = {
    "alerts": VIEW,
    "alerts show": VIEW,
    "alerts stats": VIEW,
    "alerts log": VIEW,
    "alerts ack": ACT,
    "alerts note": ACT,
    "alerts assign": ACT,
    "alerts snooze": ACT,
    "alerts unack": ACT,
    "alerts close": ACT,
    "alerts reopen": ACT,
    "alerts triage": VIEW,
    "handover start": ACT,
    "handover show": VIEW,
    "handover accept": ACT,
    "duty": VIEW,
    "patients": VIEW,
    "patients admit": PLAN,
    "patients refer": PLAN,
    "patients accept": PLAN,
    "patients decline": PLAN,
    "patients consent": PLAN,
    "patients no-kit": PLAN,
    "patients pregnant": PLAN,
    "patients expect": PLAN,
    "patients correct": PLAN,
    "patients plan": VIEW,
    "patients pause": ACT,
    "patients transfer": PLAN,
    "patients import": PLAN,
    "patients show": VIEW,
    "patients discharge": PLAN,
    "devices": VIEW,
    "devices show": VIEW,
    "devices add": PLAN,
    "devices profiles": ANYONE,
    "devices assign": PLAN,
    "devices return": PLAN,
    "devices swap": PLAN,
    "devices retire": PLAN,
    "devices calibrated": PLAN,
    "readings": VIEW,
    "readings add": ACT,
    "readings quarantine": VIEW,
    "answers list": VIEW,
    "answers add": ACT,
    "messages list": VIEW,
    "messages send": ACT,
    "explain": VIEW,
    "status": ANYONE,
    "demo": ANYONE,
    "replay": ADMIN,
    "score": ANYONE,
    "evaluate score": ANYONE,
    "evaluate fit": ANYONE,
    "simulate": ADMIN,
    "init": ADMIN,
    "run": ANYONE,
    "notify test": ADMIN,
    "notify log": VIEW,
    "check-config": ANYONE,
    "doctor": ANYONE,
    "db migrate": ADMIN,
    "db verify": ADMIN,
    "db backup": ADMIN,
    "db restore": ADMIN,
    "db seal": ADMIN,
    "db retain": ADMIN,
    "incident export": ADMIN,
}
CHANGING: Final[Mapping[str, str]] = {
    "patients plan": PLAN,
    "alerts triage": ACT,
}  # these show, and change when told to


@dataclass(frozen=True, kw_only=True)
class Who:
    """Who gives a command: the login, whether it is root's, and the name that it acts under if that is another."""

    login: str
    root: bool
    person: str = ""


def refusal(command: str, who: Who, settings: Settings, *, changes: bool = False) -> str:
    """Say why someone may not give a command, where roles are given; empty when they may.

    Both the login and who it acts as need the role. `changes`: it is about to change something, not to show it. A
    command that the table does not know needs the highest role.
    """
    roles, needed = settings.commands.roles, needs(command, changes=changes)
    if not roles.given or needed == ANYONE:
        return ""
    lacking = _lacking(roles, who, needed)
    if lacking:
        givers = " or ".join((*roles.admin, "root"))
        where = f"[commands.roles] of {settings.path or 'the configuration'}"
        return f"this needs the role {needed}, and {_has(roles, lacking)}; {givers} can give it in {where}"
    if changes and not who.person and who.login in roles.shared:
        return f"several people share the login {who.login}: say who you are with --as NAME"
    return ""


def needs(command: str, *, changes: bool) -> str:
    """Give the role that a command needs, or that it needs to change something."""
    shown = NEEDS.get(command, ADMIN)
    return CHANGING.get(command, shown) if changes else shown


def note(command: str, who: Who, settings: Settings) -> None:
    """Write a refusal to the system's log: no argument of the command, and no name that the configuration lacks."""
    known = {name for those in settings.commands.roles.named.values() for name in those}
    person = who.person if who.person in known else "someone not named" if who.person else "themselves"
    syslog.openlog("vwmon", syslog.LOG_PID)
    syslog.syslog(syslog.LOG_WARNING, f"refused command={command!r} login={who.login} acting_as={person!r}")


def _lacking(roles: Roles, who: Who, needed: str) -> str:
    """Name who of the two has not got the role; empty when both have."""
    asked = ([] if who.root else [who.login]) + ([who.person] if who.person else [])
    return next((name for name in asked if _rank(roles.of(name)) < _rank(needed)), "")


def _rank(role: str) -> int:
    return ROLES.index(role) if role else -1


def _has(roles: Roles, name: str) -> str:
    role = roles.of(name)
    return f"{name} has the role {role}" if role else f"{name} has none"
