"""An explanation as lines for people, at most eighty columns wide. What it says is the record's.

Times are UTC and whole, as the log has them, for the page is held against it.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from alerts import wording
from alerts.model import Lane
from alerts.policy import POLICY
from devices.vitals import printed
from vwmon.cli import prescription_rows, render
from vwmon.cli.limit_rows import from_which, limits_of
from vwmon.cli.own_schedule import own_sentence

Record = Mapping[str, Any]

WIDE = 80
INDENT = "  "
TITLES = ("PART", "VALUE", "PTS", "OBSERVED", "AGE", "VALID", "READING")
LISTED = 9  # of the times that an alert asked, and of the differences of one kind
QUIET = {"raised": "no alert", "worsened": "not worsened"}
NO_CHANGE = "No change of a single reading would have kept it quiet."
COVERS = {
    "readings": "what the alert stood on is in the log",
    "scores": "stored scores of the stay",
    "alert": "the alert as it is now",
    "history": "events of the alert",
    "conditions": "rules of the stay as they stand",
    "versions": "sets of versions that made them",
    "acts": "acts of people that fit",
    "silence": "nothing received meanwhile",
}


def lines(record: Record) -> Iterator[str]:
    """Give an explanation as lines."""
    yield from _headline(record)
    yield from _section("RULE", _rules(record))
    if record["plan"] is not None:
        yield from _section("PLAN", _plan(record["plan"]))
    if record["score"] is not None:
        yield from _section("READINGS", _readings(record))
    if record["quantities"]:
        yield from _section("NUMBERS", _quantities(record["quantities"]))
    if record["doubts"]:
        yield from _section("IN DOUBT, AND COUNTED ALL THE SAME", _doubts(record["doubts"]))
    if record["overdue"]:
        yield from _section("OVERDUE", [*_overdue(record["overdue"]), *_unseen(record["sick_and_unseen"])])
    if record["faults"]:
        yield from _section("FAULTS", (f"{rule} since {at}" for rule, at in record["faults"].items()))
        yield "As the daemon noticed them: they are not in the log, and are taken from what it kept."
    if record["held_until"]:
        yield f"Held back until {record['held_until']}, by a fault of the service or a pause."
    yield from _section("COMPARED", _compared(record))
    yield from _section("NEAREST CHANGE", _wrapped(_nearest(record)))


def _section(title: str, said: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"{INDENT}{line}" for line in said)


def _wrapped(text: str, further: str = "") -> list[str]:
    return textwrap.wrap(text, WIDE - len(INDENT), subsequent_indent=further)


def _headline(record: Record) -> Iterator[str]:
    who = "the whole service" if record["patient"] is None else f"patient {record['patient']}, ward {record['ward']}"
    event = record["event"]
    yield f"{record['id']} {_mark(record, record['level'])} ({who}) {record['state']}"
    yield f"{event['kind']} {event['at']} at {_mark(record, event['level'])}{_late(event)}"
    if not record["equal"]:
        items = ", ".join(one["item"] for one in record["compared"] if not one["equal"])
        yield from textwrap.wrap(f"NOT THE SAME when made again from the log: {items}. See COMPARED.", WIDE)
    asked = record["asked"]
    if len(asked) == 1:
        return
    yield f"time {record['number']} of the {len(asked)} that it asked for someone; another with --number N:"
    first = max(0, min(record["number"] - 1 - LISTED // 2, len(asked) - LISTED))
    for one in asked[first : first + LISTED]:
        score = "" if one["total_min"] is None else f"  {_title(record)} {one['total_min']}"
        here = ">" if one["number"] == record["number"] else " "
        yield f"{here}{one['number']:>4}  {one['at']}  {one['kind']:<9}  {_mark(record, one['level'])}{score}"


def _late(event: Record) -> str:
    if not event["late"]:
        return "" if event["observed_at"] in {None, event["at"]} else f", observed {event['observed_at']}"
    return f", LATE: observed {event['observed_at']}"


def _mark(record: Record, level: int) -> str:
    return wording.mark(Lane(record["lane"]), level)


def _rules(record: Record) -> Iterator[str]:
    for rule in record["rules"]:
        yield from _wrapped(f"{_mark(record, rule['level'])} {rule['title']} ({rule['rule']}){_limits(rule)}", "   ")
        for limit in rule["limits"]:
            yield from _wrapped(f"{INDENT}{from_which(limit, limit['gives'], str)}", INDENT * 2)
    if record["event"]["kind"] == "expired":
        yield "the acknowledgement ended, and the alert still stands"
    yield from _wrapped(f"rules {record['rules_version']}: {record['rules_source']}", INDENT)


def _limits(rule: Record) -> str:
    if rule["quantity"] in {"total", "could_be"}:
        over = f"; over when below {rule['limit_off']} for {_span(rule['off_delay_seconds'])}"
        return f": from {rule['limit_on']} on{over}"
    if ":" in rule["quantity"]:
        return f": {limits_of(rule)} for {_span(rule['off_delay_seconds'])}"
    if rule["quantity"] == "red":
        return f"; over when there is none for {_span(rule['off_delay_seconds'])}"
    return ""


def _plan(plan: Record) -> Iterator[str]:
    scale = f"SpO2 {prescription_rows.scale_said(plan)}"
    yield from _wrapped(f"{plan['title']} ({plan['pathway']} {plan['version']}); {scale}", INDENT)
    for what, whose in prescription_rows.lines(plan["prescriptions"], str):
        yield from _wrapped(f"prescribed: {what}; {whose}", INDENT)
    after = {wording.label(part): _span(one["overdue_after_seconds"]) for part, one in plan["expected"].items()}
    yield from _wrapped(f"overdue after: {', '.join(map(' '.join, after.items()))}", INDENT)
    for one in plan["own_schedules"]:
        yield from _wrapped(f"the patient's own: {own_sentence(one, str)}", INDENT)
    yield from _wrapped(f"source: {plan['source']}", INDENT)


def _readings(record: Record) -> Iterator[str]:
    """Give the observation set as a table, with the total, where the readings came from, and what was before."""
    yield from render.laid_out([TITLES, *(_cells(one) for one in record["readings"])], gap=" ")
    score, chart = record["score"], record["chart"]
    yield from _wrapped(f"{_title(record)} {_total(score)}{_could_be(score)}", INDENT)
    for part, tried in score["refused"].items():
        yield from _wrapped(f"{wording.refusal(part, tried['sent'])}, {_span(tried['age_seconds'])} before", INDENT)
    before = record["before"]
    yield "before: no score" if before is None else f"before: {_title(record)} {_total(before)}, as of {before['at']}"
    yield from _origins(record["readings"])
    yield from _wrapped(f"chart {chart['id']} {chart['version']}: {chart['source']}", INDENT)


def _cells(one: Record) -> tuple[str, ...]:
    low, high = one["points_min"], one["points_max"]
    source = one["log"][0] if one["log"] else None
    return (
        wording.label(one["part"]),
        _value(one, source),
        str(low) if low == high else f"{low}-{high}",
        "never" if source is None and not one["present"] else "?" if source is None else source["observed_at"],
        "" if one["age_seconds"] is None else _span(one["age_seconds"]),
        "" if one["valid_seconds"] is None else _span(one["valid_seconds"]),
        ", ".join(str(each["reading"]) for each in one["log"]),
    )


def _value(one: Record, source: Record | None) -> str:
    if not one["present"]:
        return "missing" if source is None else "too old"
    if source is None:
        return f"{one['counted_as']:g}"
    return _reading(source, source["value"], one["part"])


def _reading(source: Record, value: object, part: str) -> str:
    unit = printed(source["unit"] or "")
    stands_in = source["vital"].upper() if source["vital"] != part else None
    return " ".join(filter(None, (stands_in, render.plain(value), unit if stands_in is None else None)))


def _origins(readings: Sequence[Record]) -> Iterator[str]:
    """Say which devices and messages the readings of the table came in."""
    found: dict[str, list[str]] = {}
    for one in readings:
        for source in one["log"] if one["present"] else ():
            found.setdefault(source["device"] or "?", []).append(str(source["message"]))
    for device, messages in found.items():
        yield from _wrapped(f"device {device}: in the messages of reading {', '.join(dict.fromkeys(messages))}", INDENT)


def _overdue(overdue: Sequence[Record]) -> Iterator[str]:
    for one in overdue:
        last = "none since the admission" if one["last_at"] is None else f"the last observed {one['last_at']}"
        source = one["log"]
        named = "" if source is None else f" ({_reading(source, source['value'], one['part'])}, {_place(source)})"
        after = "" if one["overdue_after_seconds"] is None else f", after {_span(one['overdue_after_seconds'])}"
        yield from _wrapped(f"{wording.label(one['part'])}: due by {one['due_at']}{after}; {last}{named}", INDENT)


def _unseen(sick: Record | None) -> Iterator[str]:
    if sick is not None:
        yield f"sick and unseen: {wording.mark(Lane.CLINICAL, sick['level'])} {sick['id']} was open"


def _quantities(quantities: Sequence[Record]) -> Iterator[str]:
    """Say each number that was asked for by name, and which reading brought it."""
    for one in quantities:
        said = one["sentence"] or f"{one['quantity']} is {one['value']:g}"
        readings = ", ".join(_place(source) for source in one["log"])
        brought = f"; {readings}" if readings else ""
        yield from _wrapped(f"{one['quantity']}: {said} (observed {one['observed_at']}{brought})", INDENT)


def _doubts(doubts: Sequence[Record]) -> Iterator[str]:
    readings: dict[str, list[str]] = {}
    for one in doubts:
        readings.setdefault(one["sentence"], []).append(str(one["reading"]))
    for sentence, numbers in readings.items():
        yield from _wrapped(f"{sentence} (reading {', '.join(numbers)})", INDENT)


def _place(source: Record) -> str:
    return f"reading {source['reading']} of {source['device'] or '?'}"


def _compared(record: Record) -> Iterator[str]:
    """Say what is the same, and everything that is not."""
    yield "made again from the log: the same to the bit" if record["equal"] else "NOT THE SAME:"
    for one in record["compared"]:
        same = "same" if one["equal"] else "DIFFERS"
        yield f"{one['item']:<10}  {same:<7}  {one['count']:>6}  {COVERS[one['item']]}"
        for different in one["differences"][:LISTED]:
            said = f"{different['where']}: stored {_said(different['stored'])}, recomputed "
            yield from _wrapped(f"{INDENT}! {said}{_said(different['recomputed'])}", INDENT * 2)
        if len(one["differences"]) > LISTED:
            yield f"{INDENT}! and {len(one['differences']) - LISTED} more; --json has all"
    yield from _made_by(record)


def _said(value: object) -> str:
    return "nothing" if value is None else render.plain(value)


def _made_by(record: Record) -> Iterator[str]:
    versions = record["versions"]
    now = versions["now"]
    for one in versions["stored"]:
        yield from _wrapped(f"made by {_named(one)}", INDENT)
    if not record["equal"]:
        yield from _wrapped(f"recomputed by {_named(now)}", INDENT)
        yield from _wrapped("What is stored was altered after it was made, or another version made it.", INDENT)
    if not versions["configuration_equal"]:
        yield from _wrapped(
            f"the configuration here is {now['config_hash']}; of it only a ward's limits and time zone take part in a "
            "patient's alerts",
            INDENT,
        )
    if not record["watched"] and record["patient"] is not None:
        yield "recomputed without a clock: a recording, or no daemon looked between messages"


def _named(one: Record) -> str:
    return f"vwmon {one['software']}, {one['chart']}, plan {one['plan']}, configuration {one['config_hash']}"


def _nearest(record: Record) -> str:
    nearest = record["nearest"]
    if nearest is None:
        return _without_value(record)
    if not nearest["found"]:
        refused = [wording.label(part) for part in record["score"]["refused"]]
        return f"{NO_CHANGE} A good reading of {' or '.join(refused)} might have." if refused else NO_CHANGE
    part = nearest["part"]
    instead = _reading(nearest, nearest["instead"], part)
    was = _reading(nearest, nearest["value"], part)
    end = QUIET.get(record["event"]["kind"], "not raised again")
    return (
        f"Had {wording.label(part)} been {instead} instead of {was} at {nearest['observed_at']} (reading "
        f"{nearest['reading']}), {_title(record)} would have been {_total(nearest)}: {end}."
    )


def _without_value(record: Record) -> str:
    if record["overdue"]:
        due = ", ".join(f"{wording.label(one['part'])} by {one['due_at']}" for one in record["overdue"])
        return f"No value raised it but silence: a reading would have kept it quiet, of {due}."
    if record["quantities"]:
        return "A number by its name raised it, and no score: a change of one reading is not looked for."
    if record["score"] is not None:
        return "It is not what the log makes, so there is nothing to keep quiet."
    return "No reading raised it."


def _title(record: Record) -> str:
    return POLICY.charts[record["chart"]["id"]].title


def _total(score: Record) -> str:
    low, high = score["total_min"], score["total_max"]
    return str(low) if low == high else f"{low} to {high}"


def _could_be(score: Record) -> str:
    parts = len(POLICY.charts[score["chart"]].parts)
    count = f" ({parts - len(score['missing'])} of {parts} measured)"
    if score["could_be"] <= score["total_min"]:
        return count
    return f"{count}, {wording.could_be(score['could_be'], refused=bool(score['refused']))}"


def _span(seconds: float) -> str:
    return render.ago(round(seconds * 1000))
