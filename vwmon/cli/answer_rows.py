"""What patients answered and what they were asked, as rows for people and programs: read from the log and the requests.

An answer that did not come is a row of its own, and never one that says anything of how the patient is.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from vwmon.cli import reading_rows, register_rows, render
from vwmon.cli.render import Column, Row
from vwmon.patients import asked, plans
from vwmon.patients.records import AskedSet
from vwmon.patients.schedules import Schedule
from vwmon.store import hub, listing, own_schedules, registers
from vwmon.store.hub import QUESTIONS, HubRequest
from vwmon.store.listing import Wanted
from vwmon.store.sqlite import Connection

LIKE: Final = "answer*:*"
MOST_ANSWERS: Final = 20  # readings that one set of answers has at most, to know how many to read


def rows(db: Connection, patient: str, limit: int, now_ms: int) -> list[dict[str, Any]]:
    """Give the answers of a patient, or of all, and what was asked without an answer, the latest first."""
    wanted = Wanted(limit=limit * MOST_ANSWERS, owner="patient" if patient else "anybody", patient=patient, like=LIKE)
    found = reading_rows.reading_rows(db, listing.readings(db, wanted))
    sets = list(_sets([row for row in found if row["patient"] is not None]))
    open_ = _unanswered(db, hub.listed(db, QUESTIONS, patient, limit), sets, now_ms)
    return sorted([*sets, *open_], key=lambda row: str(row["at"]), reverse=True)[:limit]


def columns(now_ms: int) -> list[Column]:
    """Give the columns of the list."""
    return [
        Column(key="at", title="AGE", format=register_rows.since(now_ms), no_wrap=True),
        Column(key="patient", title="PATIENT"),
        Column(key="questionnaire", title="ASKED"),
        Column(key="state", title="STATE"),
        Column(key="answers", title="ANSWERS", compose=_told),
        Column(key="by", title="BY", compose=_by),
    ]


def _sets(readings: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield the answers that came together, each set as one row."""
    in_order = sorted(readings, key=_set_of)
    for (patient, observed_at, _, device, name), group in groupby(in_order, key=_set_of):
        several = sorted(group, key=lambda row: int(row["seq"]))
        whole = next((row for row in several if row["vital"].startswith(asked.WHOLE)), None)
        first = several[0]
        yield {
            "at": observed_at,
            "patient": patient,
            "ward": first["ward"],
            "stay": first["stay"],
            "questionnaire": name,
            "version": None if whole is None else f"{whole['value']:g}",
            "state": "partly answered" if whole is None else "answered",
            "answers": {_question(row): _said(row) for row in several if row is not whole},
            "device": device,
            "asked_at": None,
            "sent_at": None,
            "overdue": False,
            "entered_by": first["entered_by"],
            "entered_how": first["entered_how"],
            "note": first["note"],
            "received_at": first["received_at"],
        }


def _set_of(row: Row) -> tuple[str, str, str, str, str]:
    name = row["vital"].partition(":")[2].partition(".")[0]
    return str(row["patient"]), row["observed_at"], row["recorded_at"], row["device"], name


def _question(row: Row) -> str:
    return str(row["vital"].partition(".")[2])


def _said(row: Row) -> str | float:
    return row["value"] if row["raw_value"] is None else row["raw_value"]  # type: ignore[no-any-return]


def _unanswered(
    db: Connection, requests: Sequence[HubRequest], sets: Sequence[Row], now_ms: int
) -> Iterator[dict[str, Any]]:
    """Yield what was asked and has no whole answer; what it answers is noted with those that have."""
    asked_of = _schedules(db) if requests else {}
    for one in requests:
        mine = [row for row in sets if (row["stay"], row["questionnaire"]) == (one.stay_no, one.said)]
        whole = [row for row in mine if row["state"] == "answered" and _ms(row["at"]) >= one.due_ms]
        if whole:
            first = min(whole, key=lambda row: str(row["at"]))
            if _ms(first["at"]) < one.until_ms and isinstance(first, dict):
                first |= {"asked_at": render.utc(one.due_ms), "sent_at": _utc(one.sent_ms)}
                continue
        now, then = (_set_at(asked_of.get(one.stay_no), one.said, at_ms) for at_ms in (now_ms, one.due_ms))
        overdue = now is not None and now_ms > one.due_ms + (then or now).overdue_ms
        yield _open_row(one, now_ms, overdue=overdue, asked_still=now is not None)


def _open_row(one: HubRequest, now_ms: int, *, overdue: bool, asked_still: bool) -> dict[str, Any]:
    sent = "" if one.sent_ms is not None else ", not sent"
    waits = "OVERDUE" if overdue else "waiting" if asked_still else "not asked any more"
    state = "never answered" if now_ms >= one.until_ms else waits
    return {
        "at": render.utc(one.due_ms),
        "patient": one.patient,
        "ward": one.ward,
        "stay": one.stay_no,
        "questionnaire": one.said,
        "version": one.version,
        "state": f"{state}{sent}",
        "answers": {},
        "device": None,
        "asked_at": render.utc(one.due_ms),
        "sent_at": _utc(one.sent_ms),
        "overdue": overdue,
        "entered_by": None,
        "entered_how": None,
        "note": None,
        "received_at": None,
    }


def _schedules(db: Connection) -> Mapping[int, Schedule]:
    loaded, own = plans.load_all(), own_schedules.by_stay(db)
    return {
        stay.stay_no: Schedule.of(loaded[stay.pathway], own.get(stay.stay_no, ()))
        for stay in registers.stays(db)
        if stay.pathway in loaded
    }


def _set_at(schedule: Schedule | None, name: str, at_ms: int) -> AskedSet | None:
    """Give how a questionnaire is asked of a stay at a moment; None where it is not."""
    sets = () if schedule is None else schedule.at(at_ms).questionnaires
    return next((one for one in sets if one.questionnaire == name), None)


def _ms(at: str) -> int:
    return register_rows.ms(at)


def _told(row: Row) -> str:
    answers: Mapping[str, str | float] = row["answers"]
    return ", ".join(f"{name} {render.plain(answer)}" for name, answer in answers.items()) or "-"


def _by(row: Row) -> str:
    if row["entered_by"] is not None:
        return f"{row['entered_how']} ({row['entered_by']})"
    return str(row["device"] or "-")


def _utc(at_ms: int | None) -> str | None:
    return None if at_ms is None else render.utc(at_ms)
