"""What the ward has for the hubs of its patients: questionnaires that fell due, and messages of the team.

Here: the rows, each asked or written once, and what became of them: sent, shown, read, or never sent. Whether a
questionnaire was answered is in the log, and nowhere else. Nothing is sent here. Every call that writes belongs in the
caller's transaction.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.evidence import WHOLE
from vwmon.store.sqlite import Connection

QUESTIONS, MESSAGE = "questions", "message"
KINDS: Final = {"q": QUESTIONS, "m": MESSAGE}  # by what stands before the number in what the hub knows a request by
MARKS: Final = {kind: mark for mark, kind in KINDS.items()}
NAME: Final = re.compile(r"([qm])([0-9]{1,18})")
COLUMNS = """request_no, stay_no, kind, said, version, hub_request.actor, due_ms, until_ms, state, sent_ms, shown_ms,
    read_ms"""
OF = f"select {COLUMNS}, patient, ward from hub_request join stay using (stay_no)"
TO_SEND = f"""{OF} where state <> 'answered' and until_ms > ?1 and shown_ms is null
    and (state = 'queued' or sent_ms <= ?2) and discharged_ms is null order by due_ms, request_no"""
ALL = f"{OF} where kind = ?1 {{0}} order by due_ms desc, request_no desc limit ?2"
OF_ALL, OF_PATIENT = ALL.format(""), ALL.format("and stay_no in (select stay_no from stay where patient = ?3)")
QUEUE = """insert or ignore into hub_request (stay_no, kind, said, version, actor, due_ms, until_ms)
    values (?, ?, ?, ?, ?, ?, ?) returning request_no"""
SENT = "update hub_request set state = 'sent', sent_ms = ?1 where request_no = ?2 and state <> 'answered'"
DONE = "update hub_request set state = 'answered' where request_no = ?"
CONFIRMED = """update hub_request set shown_ms = coalesce(shown_ms, max(?1, due_ms)),
        read_ms = case when ?2 then coalesce(read_ms, max(?1, due_ms)) else read_ms end,
        confirmed_by = coalesce(confirmed_by, ?3)
    where request_no = ?4 and kind = ?5 and exists (select 1 from assignment join device using (device_no)
        where assignment.stay_no = hub_request.stay_no and device = ?3
        and from_ms <= ?1 and (to_ms is null or ?1 < to_ms))"""
HELD = """(select device_no, from_ms, to_ms from assignment where stay_no = ?1)"""
ANSWERED = f"""select 1 from {HELD} as held join {{0}} as r using (device_no)
    where vital_no = (select vital_no from vital where name = ?2) and observed_ms >= max(?3, from_ms)
    and (to_ms is null or observed_ms < to_ms) {{1}} limit 1"""
OF_LOG = ANSWERED.format("reading_log", "")
OF_DAYS = f"""{ANSWERED.format("reading", "and day >= ?3 / 86400000")}"""
UNREAD = """select count(*) from hub_request join stay using (stay_no)
    where kind = 'message' and read_ms is null and due_ms <= ?1 and discharged_ms is null and (?2 = '' or ward = ?2)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRequest:
    """One request to the hub of a stay; `said` is a questionnaire's name, or the message. Times are ms UTC."""

    request_no: int
    stay_no: int
    kind: str
    said: str
    version: str
    actor: str
    due_ms: int
    until_ms: int
    state: str
    sent_ms: int | None
    shown_ms: int | None
    read_ms: int | None
    patient: str
    ward: str

    @property
    def name(self) -> str:
        """Give what the hub knows it by: "q12", "m7"."""
        return f"{MARKS[self.kind]}{self.request_no}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One request to be written down: of which stay, what it says, by whom, due when and no longer than until when."""

    stay_no: int
    kind: str
    said: str
    actor: str
    due_ms: int
    until_ms: int
    version: str = ""


def queue(db: Connection, one: Queued) -> int | None:
    """Write a request down; None for a questionnaire that was asked at that due time before."""
    values = (one.stay_no, one.kind, one.said, one.version, one.actor, one.due_ms, one.until_ms)
    row = db.execute(QUEUE, values).fetchone()
    return None if row is None else int(row[0])


def to_send(db: Connection, now_ms: int, again_ms: int) -> list[HubRequest]:
    """Give what is to be sent to patients on the ward: what never was, and what was so long ago, unconfirmed."""
    return _requests(db.execute(TO_SEND, [now_ms, now_ms - again_ms]).fetchall())


def answered(db: Connection, one: HubRequest) -> bool:
    """Tell whether the log has a whole set of answers of the stay from the due time on."""
    asked = [one.stay_no, f"{WHOLE}{one.said}", one.due_ms]
    return any(db.execute(sql, asked).fetchone() is not None for sql in (OF_LOG, OF_DAYS))


def listed(db: Connection, kind: str, patient: str = "", limit: int = 1 << 31) -> list[HubRequest]:
    """Give the requests of a kind, of one patient or of all, the latest due first; none of a database without them."""
    if not _kept(db):
        return []
    sql, more = (OF_PATIENT, [patient]) if patient else (OF_ALL, [])
    return _requests(db.execute(sql, [kind, limit, *more]).fetchall())


def sent(db: Connection, request_nos: Iterable[int], now_ms: int) -> None:
    """Note that somebody's broker session took requests."""
    db.executemany(SENT, [(now_ms, number) for number in request_nos])


def done(db: Connection, request_no: int) -> None:
    """Note of a questionnaire that the log has its answers, so that it is not sent again."""
    db.execute(DONE, [request_no])


def confirm(db: Connection, device: str, name: str, at_ms: int, *, read: bool) -> bool:
    """Note that a hub showed a request, or that its patient `read` it; False where no such request was that patient's.

    The device must have been with that stay then. A repeat changes nothing.
    """
    found = NAME.fullmatch(name)
    if found is None:
        return False
    return db.execute(CONFIRMED, [at_ms, read, device, int(found[2]), KINDS[found[1]]]).rowcount > 0


def unread(db: Connection, before_ms: int, ward: str = "") -> int:
    """Count the messages written before a time that nobody has confirmed reading; none where there is no such table."""
    if not _kept(db):
        return 0
    return int(db.execute(UNREAD, [before_ms, ward]).fetchone()[0])


def _kept(db: Connection) -> bool:
    return db.execute("select 1 from sqlite_schema where name = 'hub_request'").fetchone() is not None


def _requests(rows: Sequence[Sequence[object]]) -> list[HubRequest]:
    names = HubRequest.__slots__
    return [HubRequest(**dict(zip(names, row, strict=True))) for row in rows]  # type: ignore[arg-type]
