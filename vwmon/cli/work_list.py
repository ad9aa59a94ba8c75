"""How alerts look to people: the work list at a terminal and in a pipe, one alert in full, its history.

Here: the words, widths and colours, and where the facts around an alert are looked up. Not here: which alerts there
are, or what may be done to them. Nothing is said by colour alone.
"""

import sys
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import wording
from alerts.model import Lane
from alerts.policy import POLICY
from alerts.queries import Lookups, Whose
from vwmon import duty
from vwmon.cli import render
from vwmon.cli.render import Column, Format
from vwmon.config_duty import Ward
from vwmon.duty import Route
from vwmon.patients import plans
from vwmon.store import monitor, readings, registers, scores
from vwmon.store.sqlite import Connection

Row = Mapping[str, Any]
Line = tuple[str, str]  # a line and its rich style

CHART = "news2"
STATES = {
    "new": "NEW",
    "acknowledged": "ACKED",
    "reraised": "RERAISED",
    "settled": "SETTLED",
    "closed": "CLOSED",
}
STYLES = {3: "bold red", 2: "yellow", 1: ""}
TITLES = ("ID", "LVL", "PATIENT", "STATE", "SINCE", "SCORE", "LAST", "OWNER", "DUE")
PATIENT, OWNER = TITLES.index("PATIENT"), TITLES.index("OWNER")
NAMES = (OWNER, PATIENT)  # which columns give way on a narrow terminal, in this order
WHY_LINES = 2
INDENT = " " * 6
LEAST_OF_A_NAME = 8


def lookups(db: Connection, now_ms: int, *, decide: bool = False, wards: Sequence[Ward] = ()) -> Lookups:
    """Give the ways to ask the registers and the scores about the stays of a list.

    With `decide` a score also says which measurement would settle it. The `wards` say who is staffed when.
    """
    return Lookups(
        whose=lambda stay_nos: _whose(db, stay_nos),
        scores=lambda stay_nos: current_scores(db, stay_nos, now_ms, decide=decide),
        route=lambda ward, level: _route(wards, ward, level, now_ms),
    )


def _route(wards: Sequence[Ward], ward: str, level: int, now_ms: int) -> tuple[str, int | None]:
    where = duty.ward_of(wards, ward)
    way = duty.route(where, level, now_ms)
    return way, duty.opens_ms(where, now_ms) if way is Route.WAITS else None


@dataclass(frozen=True, kw_only=True)
class Around:
    """What is said around a list: above it, below it, and in place of an empty one."""

    title: str = ""
    empty: str = ""
    footer: Sequence[str] = ()


def show_list(rows: Sequence[Row], form: Format, now_ms: int, around: Around) -> None:
    """Print the list: two lines an alert at a terminal, one line and nothing cut in a pipe, or for programs."""
    if form is not Format.TABLE:
        render.emit(rows, (), form)
    elif sys.stdout.isatty():
        print_lines(lines(rows, now_ms, around, render.terminal_width()))
    else:
        footer = around.footer if rows else [around.empty, *around.footer]
        render.emit(rows, _columns(now_ms), form, title=around.title, footer=footer)


def lines(rows: Sequence[Row], now_ms: int, around: Around, width: int) -> list[Line]:
    """Give the list as lines for a terminal of that width."""
    cells = _fitted([_cells(row, now_ms) for row in rows], width)
    widths = _widths(cells)
    urgent = "bold red" if around.title.startswith("NOT") else "bold"
    shown: list[Line] = [(line, urgent) for line in render.folded(around.title, width)] if around.title else []
    shown.append((_joined(TITLES, widths), "bold") if rows else (around.empty, ""))
    for row, texts in zip(rows, cells, strict=True):
        shown.append((_joined(texts, widths), STYLES[row["level"]]))
        shown += [(line, "dim" if row["state"] == "closed" else "") for line in _below(row, texts, width)]
    return [*shown, *((line, "dim") for line in around.footer)]


def print_lines(shown: Iterable[Line]) -> None:
    """Print lines in their styles to a terminal."""
    from rich.console import Console

    Console(file=sys.stdout, highlight=False, soft_wrap=True).print(as_text(shown))


def as_text(shown: Iterable[Line]) -> Any:  # noqa: ANN401 -- rich is imported by those who show
    """Give lines as one rich text, with every control and direction character written out."""
    from rich.text import Text

    return Text("\n").join(Text(render.safe(line), style=style) for line, style in shown)


def detail(record: Row, now_ms: int) -> list[str]:
    """Give everything about one alert as lines: where it stands, why, what covers it, and its history."""
    said = [
        headline(record),
        f"since {record['since']}, opened {record['opened_at']}, version {record['version']}",
        *(f"  {sentence}" for sentence in [*record["why"], *_now(record, now_ms), *_next(record["score"])]),
    ]
    if record["owner"] is not None:
        said.append(f"acknowledged by {record['owner']} {_age(record['acknowledged_at'], now_ms)} ago{_quoted(record)}")
    if record["acknowledged_until"] is not None:
        said.append(f"  until {record['acknowledged_until']}; {record['covers']}")
    if record["outcome"] is not None:
        said.append(f"outcome: {record['outcome']}")
    said += [f"due {_due(record, now_ms)}{_tier(record)}"] if record["due_at"] is not None else []
    said += way(record)
    return [*said, "history:", *(f"  {told(event)}" for event in record["events"])]


def told(event: Row) -> str:
    """Give one event as a line of history."""
    before, after = event["level_before"], event["level_after"]
    level = f"level {after}" if before in {None, after} else f"level {before} -> {after}"
    note = f' "{event["note"]}"' if event["note"] else ""
    tier = f"  tier {event['evidence']['tier']}" if event["kind"] == "escalated" else ""
    return f"{event['at']}  {event['kind']:<12}  {event['state_after']:<12}  {level:<12}  {event['actor']}{tier}{note}"


def done(record: Row) -> str:
    """Say in one line where an alert stands after an act."""
    parts = [headline(record)]
    if record["state"] == "acknowledged":
        parts.append(f"by {record['owner']} until {record['acknowledged_until']}: {record['covers']}")
    if record["outcome"] is not None:
        parts.append(f"outcome {record['outcome']}")
    return " ".join(parts)


def way(record: Row) -> list[str]:
    """Say which way an alert goes while its ward is closed; nothing while it is open."""
    ways = {
        Route.OUT_OF_HOURS.value: "out of hours: goes to those on duty now",
        Route.WAITS.value: f"waits for the ward to open at {record['waits_until']}",
    }
    return [ways[record["route"]]] if record["route"] in ways else []


def headline(record: Row) -> str:
    """Say which alert it is, whose, and in which state."""
    mark = wording.mark(Lane(record["lane"]), record["level"])
    who = (
        f"patient {record['patient']}, ward {record['ward']}" if record["patient"] is not None else "the whole service"
    )
    return f"{record['id']} {mark} ({who}) {STATES[record['state']]}"


def _quoted(record: Row) -> str:
    return f': "{record["note"]}"' if record["note"] else ""


def _columns(now_ms: int) -> list[Column]:
    """Give the columns of the plain table: those of the terminal, the ward, and the reasons in one cell."""

    def column(number: int) -> Column:
        return Column(key=TITLES[number], title=TITLES[number], compose=lambda row: _cells(row, now_ms)[number])

    shown = [column(number) for number in range(len(TITLES))]
    ward = Column(key="ward", title="WARD")
    why = Column(key="why", title="WHY", compose=lambda row: "; ".join([*way(row), *row["why"]]))
    return [*shown[:3], ward, *shown[3:], why]


def _cells(row: Row, now_ms: int) -> tuple[str, ...]:
    return (
        row["id"],
        wording.mark(Lane(row["lane"]), row["level"]),
        render.safe(row["patient"] or "-"),
        STATES[row["state"]],
        _age(row["since"], now_ms),
        _score(row["score"]),
        _age(row["last_reading_at"], now_ms),
        render.safe(row["owner"] or "-"),
        _due(row, now_ms),
    )


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(render.width_of, column)) for column in zip(TITLES, *cells, strict=True)]


def _fitted(cells: Sequence[tuple[str, ...]], width: int) -> list[tuple[str, ...]]:
    """Give the rows with identifiers and owners no longer than leaves room for the other columns; a cut is marked."""
    fitted = list(cells)
    for place in NAMES:
        widths = _widths(fitted)
        room = max(widths[place] - max(sum(widths) + len(render.GAP) * (len(widths) - 1) - width, 0), LEAST_OF_A_NAME)
        fitted = [(*texts[:place], render.cut(texts[place], room), *texts[place + 1 :]) for texts in fitted]
    return fitted


def _below(row: Row, texts: Sequence[str], width: int) -> list[str]:
    """Give what stands below a row, indented: an identifier that was cut in it, whole, and the reasons on two lines."""
    patient = render.safe(row["patient"] or "-")
    whole = [] if texts[PATIENT] == patient else render.folded(f"{INDENT}patient {patient}", width)
    return [*whole, *_why(row, width)]


def _why(row: Row, width: int) -> list[str]:
    """Give the reasons on at most two lines; what is left out is marked."""
    where = [row["ward"]] if row["ward"] is not None else []
    said = "; ".join([*where, *way(row), *row["why"]])
    return textwrap.wrap(
        said, width, initial_indent=INDENT, subsequent_indent=INDENT, max_lines=WHY_LINES, placeholder=" …"
    )


def _now(record: Row, now_ms: int) -> list[str]:
    """Give the sentence on the score as it is now, and how old that is: the reasons are those of when they arose."""
    if record["patient"] is None:
        return []
    score, last = record["score"], record["last_reading_at"]
    holds = "no score that still holds" if score is None else f"NEWS2 {_score(score)}"
    return [f"now: {holds}; {'no reading ever came' if last is None else f'last reading {_age(last, now_ms)} ago'}"]


def _next(score: Row | None) -> list[str]:
    """Give the sentence about the measurement that would settle a score, if there is one."""
    shown = (score or {}).get("measure_next")
    return [shown["sentence"]] if shown else []


def _score(score: Row | None) -> str:
    if score is None:
        return "-"
    low, high = score["total_min"], score["total_max"]
    return str(low) if low == high else f"{low}-{high}"


def _due(row: Row, now_ms: int) -> str:
    if row["due_at"] is None:
        return "-"
    left_ms = _ms(row["due_at"]) - now_ms
    return f"in {render.ago(left_ms)}" if left_ms > 0 else f"OVERDUE {render.ago(-left_ms)}"


def _tier(record: Row) -> str:
    return f", tier {record['tier']} told" if record["tier"] > 1 and record["state"] != "acknowledged" else ""


def _age(at: str | None, now_ms: int) -> str:
    return "-" if at is None else render.ago(max(now_ms - _ms(at), 0))


def _ms(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def _joined(texts: Sequence[str], widths: Sequence[int]) -> str:
    return render.GAP.join(render.pad(text, width) for text, width in zip(texts, widths, strict=True)).rstrip()


def _whose(db: Connection, stay_nos: Collection[int]) -> dict[int, Whose]:
    stays = [registers.stay(db, stay_no) for stay_no in stay_nos]
    last = last_readings(db, stay_nos)
    return {
        stay.stay_no: Whose(ward=stay.ward, patient=stay.patient, last_reading_ms=last.get(stay.stay_no))
        for stay in stays
    }


def last_readings(db: Connection, stay_nos: Collection[int]) -> dict[int, int]:
    """Give when each stay was last heard of, by the readings of the devices it had at their time."""
    held = [a for a in registers.assignments(db) if a.stay_no in stay_nos]
    latest: dict[int, list[int]] = {}
    for (device_no, _), reading in readings.latest(db, [a.device_no for a in held]).items():
        latest.setdefault(device_no, []).append(reading.observed_ms)
    last: dict[int, int] = {}
    for a in held:
        times = [t for t in latest.get(a.device_no, ()) if a.from_ms <= t and (a.to_ms is None or t < a.to_ms)]
        last[a.stay_no] = max([*times, last.get(a.stay_no, 0)])
    return {stay_no: at_ms for stay_no, at_ms in last.items() if at_ms}


def current_scores(
    db: Connection, stay_nos: Collection[int], now_ms: int, *, decide: bool = False
) -> dict[int, dict[str, Any]]:
    """Give the scores that are still current: where nothing is as fresh as the plan asks, the score is withdrawn.

    A score is stored when it changes, so the last reading tells its age. A recording ends for each patient with that
    patient's last reading, and the score stands as it was then.
    """
    state = monitor.read(db)
    ends = state is not None and state.mode == "recording"
    last = {} if ends else last_readings(db, stay_nos)
    return {
        stay_no: _score_record(row) | (_decided(db, row) if decide else {})
        for stay_no, row in scores.latest(db, list(stay_nos)).items()
        if ends or now_ms - max(row.at_ms, last.get(stay_no, 0)) <= _longest_ms(registers.stay(db, stay_no).pathway)
    }


def _decided(db: Connection, row: scores.ScoreRow) -> dict[str, Any]:
    from vwmon.cli import next_measure

    return {"measure_next": next_measure.of_stored(row, registers.stay(db, row.stay_no).spo2_scale)}


def _longest_ms(pathway: str) -> int:
    """Give the longest that a plan lets any reading count; nothing for a pathway that is no more."""
    plan = plans.load_all().get(pathway)
    return max(vital.valid_ms for vital in plan.vitals.values()) if plan is not None else 0


def _score_record(row: scores.ScoreRow) -> dict[str, Any]:
    parts = list(POLICY.parts)
    present = scores.unpack(row.present, len(parts))
    return {
        "chart": CHART,
        "total_min": row.total_min,
        "total_max": row.total_max,
        "complete": bool(row.complete),
        "red": bool(row.red),
        "missing": [part for part, measured in zip(parts, present, strict=True) if not measured],
        "at": render.utc(row.at_ms),
    }
