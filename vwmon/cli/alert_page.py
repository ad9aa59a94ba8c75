"""One alert in full, for whoever takes it over: where it stands, why then and now, who saw what, and its course.

Here: what belongs on the page, and its lines. Not here: the trend lines (vwmon.cli.trend_lines), or what an alert is.
Times are those of the ward's clock, with their offset from UTC.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alerts import charts, queries, reasons, waits, wording
from alerts.model import MONITOR, Kind
from vwmon.cli import doubted, prescription_rows, register_rows, render, stay_lookups, trend_lines, work_list
from vwmon.cli.standing import Standing
from vwmon.config import Settings
from vwmon.store import glance, kit
from vwmon.store.sqlite import Connection

Record = dict[str, Any]

INDENT = "  "
# How people are shown to have looked at an alert.
SAW = {
    Kind.ACKNOWLEDGED: "took it in hand",
    Kind.TAKEN: "took it over",
    Kind.ALSO_SEEN: "saw it too",
    Kind.NOTED: "wrote a note",
    Kind.CLOSED: "closed it",
    Kind.OFFERED: "offered it",
    Kind.SNOOZED: "put it off",
    Kind.UNACKNOWLEDGED: "took the acknowledgement back",
    Kind.REOPENED: "opened it again",
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the page shows: the alert as programs are given it, the moment, the ward's clock, and the trend lines."""

    record: Record
    now_ms: int
    settings: Settings
    trends: Sequence[str] = ()

    def here(self, at: str | None) -> str:
        """Give a time on the ward's clock."""
        return "-" if at is None else register_rows.here(at, self.record["ward"], self.settings)


def read(
    db: Connection, standing: Standing, settings: Settings, alert_id: str, back_ms: int, *, names: bool | None
) -> Page:
    """Read one alert and what belongs to it; AlertUnknown if there is none of that id."""
    asked = stay_lookups.lookups(db, standing.now_ms, decide=True, names=names, wards=settings.wards)
    record = queries.one(db, asked, standing.now_ms, alert_id)
    stay_no = record["stay"]
    record["overdue_calibrations"] = [] if stay_no is None else _calibrations(db, record, standing, settings)
    record["prescribed"] = None if stay_no is None else _prescribed(db, record, standing)
    record["pending"] = [] if stay_no is None else [row for row in waits.pending(db, asked) if row["stay"] == stay_no]
    trends = [] if stay_no is None else trend_lines.of_stay(db, stay_no, _until_ms(record, standing), back_ms)
    record["trends"] = [trend.record() for trend in trends]
    record["doubts"] = [] if stay_no is None else _doubts(db, record)
    return Page(record=record, now_ms=standing.now_ms, settings=settings, trends=trend_lines.lines(trends))


def lines(page: Page) -> list[str]:
    """Give the page as lines."""
    said = [*_stands(page), "why:", *_indented(page.record["why"]), *_indented(_now(page)), *_held(page)]
    for title, part in PARTS.items():
        told = list(part(page))
        said += [title, *_indented(told)] if told else []
    return said


def _doubts(db: Connection, record: Record) -> list[Record]:
    """Give what speaks against the readings that are on the page: those of now, and those of the last rise."""
    now = [(one["vital"], work_list.ms(one["at"])) for one in record["measured"]]
    return doubted.records(doubted.of_stay(db, record["stay"], [*now, *doubted.of_evidence(record["evidence"])]))


def _calibrations(db: Connection, record: Record, standing: Standing, settings: Settings) -> list[Record]:
    """Give the patient's devices that are no longer known to measure right: whoever reads the values has to know."""
    today = register_rows.here(standing.now_ms, record["ward"], settings)[: len("2026-11-22")]
    found = kit.overdue_calibrations(db, record["stay"], today)
    return [{"device": device, "due": due} for device, due in found]


def _prescribed(db: Connection, record: Record, standing: Standing) -> Record | None:
    """Give what is prescribed of an adult now, and what was when the alert last rose."""
    stay = glance.stays(db, [record["stay"]])[record["stay"]]
    if stay.chart != charts.NEWS2:
        return None
    last = None if record["last_reading_at"] is None else work_list.ms(record["last_reading_at"])
    now_ms = min(_until_ms(record, standing), stay.discharged_ms or standing.now_ms)
    return prescription_rows.of_alert(stay, record["evidence"], last if record["score"] else None, now_ms)


def _until_ms(record: Record, standing: Standing) -> int:
    """Give until when the course is shown: now, or the last reading of a stay in a recording."""
    recorded = standing.state is not None and standing.state.mode == "recording"
    last = record["last_reading_at"]
    return work_list.ms(last) if recorded and last is not None else standing.now_ms


def _stands(page: Page) -> Iterator[str]:
    record, now_ms = page.record, page.now_ms
    yield work_list.headline(record)
    since = f"{page.here(record['since'])} ({work_list.since(record['since'], now_ms)})"
    yield f"since {since}, opened {page.here(record['opened_at'])}, version {record['version']}"
    yield from _goes(page)
    if record["due_at"] is not None:
        owed = "" if record["owed_at"] is None else f", first answer owed {page.here(record['owed_at'])}"
        yield f"due {work_list.due(record, now_ms)}{owed}"
    before = record["recurrence_of"]
    if before is not None:
        yield f"again within 12 h of the closing of {before}: vwmon alerts show {before}"
    if record["outcome"] is not None:
        yield f"outcome: {record['outcome']}, closed {page.here(record['closed_at'])}"


def _goes(page: Page) -> Iterator[str]:
    """Say which way it goes out of hours, and, where there is a rota, who is on duty for it."""
    yield from work_list.way(page.record)
    if page.record["route"] is not None and page.settings.duty:
        from vwmon.cli import duty

        yield duty.told(page.settings, page.record, page.now_ms)


def _now(page: Page) -> Iterator[str]:
    """Say what the score is now and how old its last reading: the reasons may be those of when they arose."""
    record, last = page.record, page.record["last_reading_at"]
    if record["patient"] is None:
        return
    held = record["score"]
    holds = "no score that still holds" if held is None else f"{work_list.titled(held)} {work_list.bounds(held)}"
    off = [] if held is None else [wording.label(part) for part in held["not_asked"]]
    without = f", {', '.join(off)} not asked" if off else ""
    heard = (
        "no reading ever came"
        if last is None
        else f"last reading {render.ago(max(page.now_ms - work_list.ms(last), 0))} ago"
    )
    yield f"now: {holds}{without}; {heard}"
    if held is not None and held.get("measure_next") is not None:
        yield held["measure_next"]["sentence"]
    if record["prescribed"] is not None:
        yield from prescription_rows.alert_lines(record["prescribed"])
    for one in record["overdue_calibrations"]:
        yield f"the calibration of {one['device']} was due {one['due']}"


def _held(page: Page) -> Iterator[str]:
    """Say in whose hands it is, and what an acknowledgement covers."""
    record = page.record
    if record["owner"] is not None:
        ago = render.ago(max(page.now_ms - work_list.ms(record["acknowledged_at"]), 0))
        note = f': "{record["note"]}"' if record["note"] else ""
        yield f"acknowledged by {record['owner']} {ago} ago{note}"
    if record["acknowledged_until"] is not None:
        yield f"{INDENT}until {page.here(record['acknowledged_until'])}; {record['covers']}"
    if record["offered_to"] is not None:
        yield f"offered to {record['offered_to']}, who has not taken it over yet"
    if record["snoozed_until"] is not None:
        yield f"SNOOZED until {page.here(record['snoozed_until'])}, or until it gets worse"


def _subscores(page: Page) -> list[str]:
    """Give the parts of the score as they are now beside those of the last rise."""
    then, held = page.record["evidence"], page.record["score"]
    if held is None or "points" not in then:
        return []
    values = {one["part"]: one for one in page.record["measured"]}
    rows = [["", "now", "points", "last rise", "points"]]
    for part in stay_lookups.PARTS_OF[charts.of(held)]:
        one = values.get(part)
        rows.append(
            [
                wording.label(part),
                "-" if one is None else reasons.phrase(one["vital"], one["value"]),
                "not asked" if part in held["not_asked"] else _points(held["points"].get(part)),
                reasons.phrase(part, then["values"][part]) if part in then["values"] else "-",
                _points(then["points"].get(part)),
            ]
        )
    rows.append([work_list.titled(held), "", work_list.bounds(held), "", work_list.bounds(then)])
    return render.laid_out(rows)


def _points(points: int | None) -> str:
    return "not measured" if points is None else str(points)


def _in_doubt(page: Page) -> Iterator[str]:
    for sentence in dict.fromkeys(
        f"{one['sentence']} ({page.here(one['observed_at'])})" for one in page.record["doubts"]
    ):
        yield from render.folded(sentence)


def _seen_by(page: Page) -> Iterator[str]:
    for event in page.record["events"]:
        if event["kind"] in SAW and event["actor"] != MONITOR:
            level = f"at level {event['level_after']}, version {event['version']}"
            whom = f" {work_list.offered(event)}" if event["kind"] == Kind.OFFERED else ""
            yield f"{page.here(event['at'])}  {event['actor']} {SAW[Kind(event['kind'])]}{whom} {level}"


def _notifications(page: Page) -> Iterator[str]:
    """Say who was told or is to be: what was sent has not been seen by that."""
    for row in page.record["notifications"]:
        whom = "nobody" if row["recipient"] is None else f"{row['recipient']} by {row['channel']}"
        came = row["delivery"] or row["state"]
        at = f" {page.here(row['sent_at'])}" if row["sent_at"] else ""
        fault = f": {row['error'] or row['reason']}" if row["error"] or row["reason"] else ""
        yield f"{page.here(row['asked_at'])}  level {row['level']}, tier {row['tier']}, {whom}: {came}{at}{fault}"


def _pending(page: Page) -> Iterator[str]:
    for row in page.record["pending"]:
        opens = "when it has lasted" if row["opens_at"] is None else f"at {page.here(row['opens_at'])}"
        seen = f" ({', '.join(row['seen'])})" if row["seen"] else ""
        yield f"{row['title']}{seen}, since {page.here(row['since'])}; opens {opens} unless a fresh reading denies it"


def _history(page: Page) -> Iterator[str]:
    for event in page.record["events"]:
        before, after = event["level_before"], event["level_after"]
        level = f"level {after}" if before in {None, after} else f"level {before} -> {after}"
        evidence = event["evidence"]
        scored = f", {work_list.titled(evidence)} {work_list.bounds(evidence)}" if "total_min" in evidence else ""
        state = work_list.STATES[event["state_after"]]
        yield f"{page.here(event['at'])}  {event['kind']:<14}  {state:<8}  {level}{scored}; {work_list.by(event)}"


def _indented(said: Sequence[str] | Iterator[str]) -> list[str]:
    return [f"{INDENT}{line}" for line in said]


PARTS = {
    "score:": _subscores,
    "in doubt, and counted all the same:": _in_doubt,
    "course:": lambda page: page.trends,
    "pending confirmation:": _pending,
    "seen by:": _seen_by,
    "notifications:": _notifications,
    "history:": _history,
}
