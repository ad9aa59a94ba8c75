"""What is under the cursor, beside or below the list: who it is, why, who has it, and the chart. Pure."""

from collections.abc import Iterator
from typing import Final

from vwmon.cli import work_list
from vwmon.cli.triage import charts
from vwmon.cli.triage.queues import Item, Record, level
from vwmon.cli.triage.records import Look, Story
from vwmon.cli.triage.rows import age, said, who
from vwmon.cli.triage.spans import Spans, fold, plain
from vwmon.cli.work_list import STATES

WHY_LINES: Final = {False: 2, True: 4}
MORE: Final = "... the rest has no room here"
BAND_FROM, ROOMY_FROM = 22, 32
BAND_ROWS: Final = {False: 5, True: 10}


def pane(item: Item | None, look: Look | None, now_ms: int, width: int, room: int) -> list[Spans]:
    """Draw one alert and its patient's chart in at most so many lines; only ever that patient's."""
    if item is None or look is None or room <= 0:
        return []
    lines = list(_words(item, now_ms, width, WHY_LINES[room >= BAND_FROM]))
    lines += _chart(item.record, look, now_ms, width, room - len(lines))
    return lines if len(lines) <= room else [*lines[: room - 1], plain(MORE, "dim")]


def _words(item: Item, now_ms: int, width: int, why_lines: int) -> Iterator[Spans]:
    record = item.record
    state = "LEFT THE LIST" if item.gone else STATES[record["state"]]
    where = "" if record["ward"] is None else f", ward {record['ward']}"
    yield plain(fold(f"{item.id} {level(record)} {state}  {who(record)}{where}", width, 1)[0], "bold")
    if item.mark and not item.gone:
        yield plain(fold(f"changed: {item.mark}", width, 1)[0], "bold")
    reasons = said(record) if why_lines == WHY_LINES[False] else "; ".join(record["why"])
    for line in fold(reasons or "no reason is known", width, why_lines):
        yield plain(line)
    if record["owner"] is not None:
        note = f': "{record["note"]}"' if record["note"] else ""
        yield plain(
            fold(f"{record['owner']} has had it for {age(record['acknowledged_at'], now_ms)}{note}", width, 1)[0]
        )


def _chart(record: Record, look: Look, now_ms: int, width: int, room: int) -> Iterator[Spans]:
    """Draw the chart; another patient's, or one of other hours, is never drawn in its place."""
    if record["stay"] is None:
        return
    story = look.story
    if story is None or story.stay != record["stay"]:
        yield plain("reading the chart...", "dim")
        return
    last = age(record["last_reading_at"], now_ms)
    now = (
        "no score that still holds"
        if record["score"] is None
        else f"{work_list.titled(record['score'])} now {work_list.bounds(record['score'])}"
    )
    heard = "no reading ever came" if last == "-" else f"last reading {last} ago"
    ahead = f"; {story.ahead} timed after now, not drawn" if story.ahead else ""
    hours = look.asked.hours
    yield plain(fold(f"{now}; {heard}; the last {hours} h{ahead}", width, 1)[0], "bold")
    lines = _lines(story, charts.fitted(now_ms, hours, width), room - 1)
    yield from (plain(line, style) for line, style in lines)


def chart(record: Record, look: Look, now_ms: int, width: int) -> list[charts.Line]:
    """Draw all of a patient's chart; nothing while it is another's that has been read."""
    if look.story is None or look.story.stay != record["stay"]:
        return []
    return list(_lines(look.story, charts.fitted(now_ms, look.asked.hours, width), ROOMY_FROM))


def _lines(story: Story, span: charts.Span, room: int) -> Iterator[charts.Line]:
    """Give score, hours and vitals; what there is room for decides whether the score is digits or bars."""
    cells = charts.carried(span, story.scores, story.heard_ms)
    if room >= BAND_FROM:
        yield from charts.band(span, cells, BAND_ROWS[room >= ROOMY_FROM], story.chart)
    else:
        yield from charts.digits(span, cells, story.chart)
    traces = [
        line for trace in story.traces for line in charts.trace_lines(trace, span, with_points=room >= ROOMY_FROM)
    ]
    yield from traces
    yield charts.axis(span)
