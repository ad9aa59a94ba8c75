"""What was decided about single stays for a time, as records: what a stay's own limits and schedules have in common.

Of one thing a stay has one record at most that nobody has ended. Setting and ending one is a line of the registers'
journal each; what may be decided, and what else comes of it, is with each kind.
"""

import json
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from vwmon.patients.records import By, Decided, Entry
from vwmon.store.sqlite import Connection

REPLACED = "another took its place"

Kind = TypeVar("Kind", bound=Decided)


class Decisions(Generic[Kind]):
    """The table of one kind of record; what writes does so in the caller's transaction.

    The fields of a kind are the columns: its number, the stay, the thing that is decided about, what is decided of it,
    as JSON, and those of every kind. `verb` and `end_verb` begin the journal's lines, with the number after.
    """

    def __init__(self, kind: type[Kind], table: str, verb: str) -> None:
        """Make the statements."""
        self._kind = kind
        self._names = tuple(kind.__slots__)
        self._number, _, self._thing, self._said, *_ = self._names
        self.verb, self.end_verb = verb, f"end-{verb}"
        columns, values = ", ".join(self._names), ", ".join(f":{name}" for name in self._names)
        self._of_stay = f"select {columns} from {table} where stay_no = ? order by {self._number}"
        self._all = f"select {columns} from {table} order by {self._number}"
        self._add = f"insert into {table} ({columns}) values ({values}) returning {columns}"
        self._end = f"""update {table} set ended_ms = max(from_ms, ?), ended_by = ?, ended_reason = ?
            where stay_no = ? and {self._thing} = ? and ended_ms is null returning {columns}"""
        self._end_one = f"update {table} set ended_ms = ?, ended_by = ?, ended_reason = ? where {self._number} = ?"

    def by_stay(self, db: Connection) -> dict[int, list[Kind]]:
        """Give every record of every stay, those that are over among them."""
        found: dict[int, list[Kind]] = {}
        for one in self._read(db.execute(self._all)):
            found.setdefault(one.stay_no, []).append(one)
        return found

    def of_stay(self, db: Connection, stay_no: int) -> list[Kind]:
        """Give every record that one stay ever had, in the order in which they were set."""
        return self._read(db.execute(self._of_stay, [stay_no]))

    def put(self, db: Connection, wanted: Kind) -> tuple[Kind, Kind | None]:
        """Add a record, which nobody has ended yet; give it, and the one whose place it took.

        It keeps its number; of number 0 it gets the next one.
        """
        row = {name: getattr(wanted, name) for name in self._names}
        by = By(actor=wanted.author, at_ms=wanted.from_ms)
        earlier = self.end(db, wanted.stay_no, row[self._thing], REPLACED, by)
        row |= {self._number: row[self._number] or None, self._said: json.dumps(dict(row[self._said]), sort_keys=True)}
        row |= {"ended_ms": None, "ended_by": None, "ended_reason": None}
        return self._read(db.execute(self._add, row))[0], earlier

    def end(self, db: Connection, stay_no: int, thing: str, reason: str, by: By) -> Kind | None:
        """End what a stay has of one thing and nobody has ended yet; None where there is nothing."""
        found = self._read(db.execute(self._end, (by.at_ms, by.actor, reason, stay_no, thing)))
        return found[0] if found else None

    def keep_end(self, db: Connection, ended: Kind) -> None:
        """End a record as it was ended, for a stay that is told again."""
        row = (ended.ended_ms, ended.ended_by, ended.ended_reason, getattr(ended, self._number))
        db.execute(self._end_one, row)

    def line(self, one: Kind) -> str:
        """Give the line of the registers' journal that says that a record was set."""
        return f"{self.verb} {getattr(one, self._number)}"

    def end_line(self, one: Kind) -> str:
        """Give the line that says that it was ended."""
        return f"{self.end_verb} {getattr(one, self._number)}"

    def numbered(self, entry: Entry) -> int:
        """Give the number of the record that a line of the journal is about; 0 for a line that is about none."""
        verb, _, number = entry.what.partition(" ")
        return int(number) if verb in {self.verb, self.end_verb} else 0

    def _read(self, rows: Iterable[tuple[Any, ...]]) -> list[Kind]:
        several = (dict(zip(self._names, row, strict=True)) for row in rows)
        return [self._kind(**one | {self._said: json.loads(one[self._said])}) for one in several]
