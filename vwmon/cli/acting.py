"""One act on several alerts: what became of each, how to undo it, and the exit code of all. The act is alerts.store's.

Where the command line becomes an act: who, when, on what machine, under what key; and where the history is anchored
after it.
"""

import socket
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import typer

from alerts import ids, queries
from alerts.acts import Act
from alerts.errors import AlertError
from alerts.model import Lane, Level
from alerts.over_time import OverTime
from alerts.queries import Record, Wanted
from alerts.store import Acted
from vwmon import terms
from vwmon.cli import context, render, stay_lookups, work_list
from vwmon.cli.render import Format
from vwmon.cli.standing import Standing, standing_of
from vwmon.clock import Clock
from vwmon.config_duty import Ward
from vwmon.duty import Staffing
from vwmon.errors import PartialError, RefusedError
from vwmon.patients import plans
from vwmon.patients.limits import Layers
from vwmon.store import anchors, scores
from vwmon.store.database import atomic, open_writer
from vwmon.store.sqlite import Connection

NOT_SHOWN = {"events", "evidence"}
MOST_AT_ONCE = 25
Verb = Callable[[Connection, str, Act], Acted]


@dataclass(frozen=True, kw_only=True)
class Common:
    """What alerts have in common that are acted on together without being named, and whether that was confirmed."""

    lane: str = ""
    ward: str = ""
    yes: bool = False


class Acting:
    """Someone acting on several alerts, each in a transaction of its own."""

    def __init__(self, db: Connection, standing: Standing, actor: str, what: str, wards: Sequence[Ward]) -> None:
        """Begin with nothing done; `what` is the name of the command, and `wards` are as they are configured."""
        self.db, self._standing, self._actor, self._what = db, standing, actor, what
        recording = standing.state is not None and standing.state.mode == "recording"
        self._staffing = Staffing(wards=wards, told=not recording)
        self._acted: list[tuple[str, Acted | None, AlertError | None]] = []

    def act(self, words: str = "", rev: int | None = None, key: str = "") -> Act:
        """Give what the person does now, in these words, having seen that revision.

        The same command under the same `key` is the same act.
        """
        return Act(
            actor=self._actor,
            now_ms=self._standing.now_ms,
            note=words.strip(),
            op_id=f"{self._what}.{key or uuid.uuid4().hex}",
            host=socket.gethostname(),
            seen_version=rev,
            terms_of=self._terms,
        )

    def ids(self, given: Sequence[str] | None, common: Common) -> list[str]:
        """Give the alerts that were named, or those of the technical lane that have something in common.

        RefusedError for any other lane, and for more than can be looked over; BadParameter, after showing them, unless
        `yes` was said; also when there are none. An emergency is in no such list: it is acted on by its id.
        """
        if not common.lane:
            return ids_of(given or ())
        if given:
            raise typer.BadParameter("name alerts, or a lane, not both")
        if common.lane != Lane.TECHNICAL:
            raise RefusedError(f"alerts of the {common.lane} lane are acted on one by one: name their ids")
        now_ms = self._standing.now_ms
        wanted = Wanted(lanes=(Lane.TECHNICAL,), ward=common.ward)
        listed = queries.work_list(self.db, stay_lookups.lookups(self.db, now_ms), now_ms, wanted)
        found = [row for row in listed if row["level"] < Level.EMERGENCY]
        if len(found) > MOST_AT_ONCE:
            raise RefusedError(f"{len(found)} alerts are more than the {MOST_AT_ONCE} that can be looked over at once")
        if found and not common.yes:
            for row in found:
                render.say(f"{work_list.done(row)}: {'; '.join(row['why'])}")
            raise typer.BadParameter(f"it would be done to these {len(found)}; say so with --yes")
        return ids_of([row["id"] for row in found])

    def each(self, named: Sequence[str], act: Act, verb: Verb) -> None:
        """Do the act on each alert, each under a key of its own."""
        for id_ in named:
            try:
                with atomic(self.db):
                    acted = verb(self.db, id_, self._now(act, id_))
            except AlertError as error:
                self._acted.append((id_, None, error))
            else:
                self._acted.append((acted.alert.id, acted, acted.refusal))

    @property
    def acted(self) -> Sequence[tuple[str, Acted | None, AlertError | None]]:
        """Give what became of each alert so far: its id, the act, and why it was refused if it was."""
        return tuple(self._acted)

    def _now(self, act: Act, id_: str) -> Act:
        """Give an act as the one on that alert, in its place in the log as it is in this transaction."""
        return replace(act, op_id=f"{act.op_id}.{ids.spelt(id_)}", cursor=scores.cursor(self.db))

    def report(self, *, as_json: bool, undo: str = "") -> None:
        """Say what became of each; exit with the refusal's code for one alert, with 7 when some of several failed.

        `undo` is the command that undoes it, with {id} for the alert.
        """
        told = [self._record(id_, acted, error, undo) for id_, acted, error in self._acted]
        if as_json:
            render.emit(told, (), Format.JSON)
        for record in told:
            if record["refused"] is not None:
                render.warn(f"error: {record['refused']}")
            elif not as_json:
                for line in _said(record):
                    render.say(line)
        failed = [error for _, _, error in self._acted if error is not None]
        if failed:
            raise typer.Exit(failed[0].exit_code if len(told) == 1 else PartialError.exit_code)

    def anchor(self, path: Path) -> None:
        """Say how far the history of alerts goes now, in the system's log and in the file beside the database.

        The file is the daemon's: where this user may not write it, the daemon does so within minutes.
        """
        if self._acted:
            anchored(self.db, path)

    @cached_property
    def _layers(self) -> Layers:
        return terms.layers(self._staffing.wards, plans.load_all())

    def _terms(self, stay_no: int) -> OverTime:
        return terms.of_stay(self.db, stay_no, self._layers, self._staffing)

    def _record(self, id_: str, acted: Acted | None, error: AlertError | None, undo: str) -> Record:
        refused = {"refused": None, "exit_code": 0} if error is None else _refused(error)
        if acted is None:
            return {"id": id_} | refused
        now_ms = self._standing.now_ms
        record = queries.one(self.db, stay_lookups.lookups(self.db, now_ms), now_ms, id_)
        shown = {name: value for name, value in record.items() if name not in NOT_SHOWN}
        undone = undo.format(id=record["id"]) if undo and error is None else None
        return shown | {"undo": undone, "repeated": acted.repeated} | refused


@contextmanager
def acting(what: str, config: Path | None, db: Path | None, as_name: str) -> Iterator[Acting]:
    """Open the database for an act, and say on standard error when the list it is on is not of now."""
    settings = context.resolve(config, db)
    actor = context.actor(as_name, settings, changes=True)
    with closing(open_writer(settings.store.path)) as opened:
        standing = standing_of(opened)
        if standing.title:
            render.warn(standing.title)
        person = Acting(opened, standing, actor, what, settings.wards)
        try:
            yield person
        finally:
            person.anchor(settings.store.path)


def anchored(db: Connection, path: Path) -> None:
    """Say how far the history of alerts goes now, in the system's log and in the file beside the database."""
    import syslog

    anchor = anchors.taken(db, Clock().now_ms())
    syslog.openlog("vwmon", syslog.LOG_PID)
    syslog.syslog(syslog.LOG_INFO, anchors.said(anchor))
    anchors.append(anchors.beside(path), anchor, make=False)


def ids_of(given: Sequence[str]) -> list[str]:
    """Give the ids that were written, or those on standard input for "-"; BadParameter (exit 2) when there are none."""
    named = sys.stdin.read().split() if list(given) == ["-"] else given
    if not named:
        raise typer.BadParameter("no alert is named")
    return list(dict.fromkeys(named))


def _said(record: Record) -> Iterator[str]:
    """Say where an alert stands after an act, what is still to come of it, and how to undo it."""
    yield work_list.done(record)
    if record["repeated"]:
        yield "  done before under this key: nothing was changed"
    if "snoozed" in record["flags"]:
        yield f"  off the list until {record['snoozed_until']}, or until it gets worse"
    if record["offered_to"] is not None:
        stays = f"{record['owner']} stays its owner" if record["state"] == "acknowledged" else "nobody has it in hand"
        yield f"  offered to {record['offered_to']}: until they acknowledge it, {stays}"
    if record["undo"] is not None:
        yield f"  undo: {record['undo']}"


def _refused(error: AlertError) -> Record:
    return {"refused": str(error), "exit_code": error.exit_code}
