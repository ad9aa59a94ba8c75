"""One act on several alerts: what became of each, and the exit code of all. The act itself is alerts.store's."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import typer

from alerts import queries
from alerts.acts import Act
from alerts.errors import AlertError
from alerts.model import SYSTEM_STAY
from alerts.policy import Terms
from alerts.queries import Record
from alerts.store import Acted
from vwmon.cli import context, render, work_list
from vwmon.cli.render import Format
from vwmon.cli.standing import Standing, standing_of
from vwmon.config_duty import Ward
from vwmon.duty import Staffing
from vwmon.errors import PartialError
from vwmon.store import registers
from vwmon.store.database import atomic, open_writer
from vwmon.store.sqlite import Connection

NOT_SHOWN = {"events", "evidence"}


class Acting:
    """Someone acting on several alerts, each in a transaction of its own."""

    def __init__(self, db: Connection, standing: Standing, actor: str, wards: Sequence[Ward]) -> None:
        """Begin with nothing done."""
        self.db, self._standing, self._actor = db, standing, actor
        recording = standing.state is not None and standing.state.mode == "recording"
        self._staffing = Staffing(wards=wards, told=not recording)
        self._acted: list[tuple[str, Acted | None, AlertError | None]] = []

    def act(self, words: str = "", rev: int | None = None) -> Act:
        """Give what the person does now, in these words, having seen that revision."""
        return Act(
            actor=self._actor,
            now_ms=self._standing.now_ms,
            note=words.strip(),
            seen_version=rev,
            terms_of=self._terms,
        )

    def each(self, ids: Sequence[str], verb: Callable[[Connection, str], Acted]) -> None:
        """Do the act on each alert."""
        for id_ in ids:
            try:
                with atomic(self.db):
                    acted = verb(self.db, id_)
            except AlertError as error:
                self._acted.append((id_, None, error))
            else:
                self._acted.append((acted.alert.id, acted, acted.refusal))

    def report(self, *, as_json: bool) -> None:
        """Say what became of each; exit with the refusal's code for one alert, with 7 when some of several failed."""
        told = [self._record(id_, acted, error) for id_, acted, error in self._acted]
        if as_json:
            render.emit(told, (), Format.JSON)
        for record in told:
            if record["refused"] is not None:
                render.warn(f"error: {record['refused']}")
            elif not as_json:
                render.say(work_list.done(record))
        failed = [error for _, _, error in self._acted if error is not None]
        if failed:
            raise typer.Exit(failed[0].exit_code if len(told) == 1 else PartialError.exit_code)

    def _terms(self, stay_no: int) -> Terms:
        return self._staffing.terms("" if stay_no == SYSTEM_STAY else registers.stay(self.db, stay_no).ward)

    def _record(self, id_: str, acted: Acted | None, error: AlertError | None) -> Record:
        refused = {"refused": None, "exit_code": 0} if error is None else _refused(error)
        if acted is None:
            return {"id": id_} | refused
        now_ms = self._standing.now_ms
        record = queries.one(self.db, work_list.lookups(self.db, now_ms), now_ms, id_)
        return {name: value for name, value in record.items() if name not in NOT_SHOWN} | refused


@contextmanager
def acting(config: Path | None, db: Path | None, as_name: str) -> Iterator[Acting]:
    """Open the database for an act, and say on standard error when the list it is on is not of now."""
    settings = context.resolve(config, db)
    actor = context.actor(as_name, settings)
    with closing(open_writer(settings.store.path)) as opened:
        standing = standing_of(opened)
        if standing.title:
            render.warn(standing.title)
        yield Acting(opened, standing, actor, settings.wards)


def ids_of(given: Sequence[str]) -> list[str]:
    """Give the ids that were written, or those on standard input for "-"; BadParameter (exit 2) when there are none."""
    ids = sys.stdin.read().split() if list(given) == ["-"] else given
    if not ids:
        raise typer.BadParameter("no alert is named")
    return list(dict.fromkeys(ids))


def _refused(error: AlertError) -> Record:
    return {"refused": str(error), "exit_code": error.exit_code}
