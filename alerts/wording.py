"""Sentences about alerts, with numbers, units and ages: why one is there, and what an acknowledgement covers. Pure.

No word here decides anything; ages are against the `now_ms` that the caller gives.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from alerts import charts, titles
from alerts.charts import NEWS2
from alerts.evidence import ANSWER, WHOLE
from alerts.model import LEFT, Alert, Condition, Lane, Level, State
from alerts.policy import BASE, POLICY, RED, RULES, RuleSet
from alerts.rises import flapping, lately

MARKS: Final[Mapping[Lane, str]] = {Lane.CLINICAL: "L", Lane.TECHNICAL: "T", Lane.SYSTEM: "S"}
HOUR_MS: Final = 3_600_000
# What raises an acknowledged alert again besides its level, its score and time: PEWS has no single 3.
NEWS: Final[Mapping[Lane, tuple[str, ...]]] = {
    Lane.CLINICAL: ("a new single 3",),
    Lane.TECHNICAL: ("another kind of fault",),
    Lane.SYSTEM: ("another kind of fault",),
}
SPANS: Final = (("d", 24 * HOUR_MS), ("h", HOUR_MS), ("min", 60_000), ("s", 1000))


def mark(lane: Lane, level: int) -> str:
    """Give lane and level as people read them: L3, T1, S2."""
    return f"{MARKS[lane]}{int(level)}"


def ago(span_ms: int) -> str:
    """Give a span in its largest whole unit, "3 min"; one below zero is none."""
    for unit, size in SPANS:
        if span_ms >= size:
            return f"{span_ms // size} {unit}"
    return "0 s"


def label(part: str) -> str:
    """Give what people call a part of the score, what is asked, or any other vital by its name."""
    if part.startswith(WHOLE):
        return f"answers about {part.removeprefix(WHOLE)}"
    return POLICY.labels[part].label if part in POLICY.labels else part


def could_be(total: int, *, refused: bool) -> str:
    """Say what a score could be, and because of what: "could be 8 with what is overdue or was refused"."""
    return f"could be {total} with what is overdue{' or was refused' if refused else ''}"


def refusal(part: str, sent: str) -> str:
    """Say that a part was measured and refused, and what came in place of a value, where something did."""
    return f"{label(part)} refused{f' ({sent})' if sent else ''}"


def why(alert: Alert, now_ms: int) -> list[str]:
    """Say why an alert is on the list, the weightiest first."""
    said = list(REASONS[alert.lane](alert.evidence, now_ms, lasted_to_ms(alert, now_ms)))
    return [*_standing(alert, now_ms), *said]


def lasted_to_ms(alert: Alert, now_ms: int) -> int:
    """Give up to when a silence or a fault lasted: one that is over, or that a person has closed, grows no longer."""
    return now_ms if alert.covered_ms is None else min(now_ms, alert.covered_ms)


def pending(condition: Condition, now_ms: int, rules: RuleSet = BASE) -> str:
    """Say what waits to be confirmed, and until when: "NEWS2 5 pending a repeat, opens in 9 min"."""
    rule, evidence = rules.rules[condition.rule], condition.evidence
    breach = _quantity(rule.quantity, evidence) if rule.named else BREACHES[rule.quantity](evidence)
    if condition.due_ms is not None:
        return f"{breach} pending a repeat, opens in {ago(condition.due_ms - now_ms)}"
    lasted_ms = (condition.seen_ms or condition.since_ms) - condition.since_ms
    return f"{breach} so or worse for {ago(lasted_ms)}, opens once that is {ago(rule.on_delay_ms)}"


def coverage(alert: Alert) -> str:
    """Say what an acknowledgement covers and what will raise the alert again."""
    if alert.ack_level is None:
        return "covers nothing"
    again = [mark(alert.lane, level) for level in Level if level > alert.ack_level][:1]
    covered = mark(alert.lane, alert.ack_level)
    if alert.ack_score is not None:
        covered += f", score to {alert.ack_score + POLICY.covered_rise - 1}"
        again.append(f"score {alert.ack_score + POLICY.covered_rise} or more")
    again += NEWS[alert.lane] if charts.of(alert.evidence) == NEWS2 or alert.lane is not Lane.CLINICAL else ()
    return f"covers {covered}; raised again by {', '.join([*again, 'expiry'])}"


def lacks(evidence: Mapping[str, Any], named: Callable[[list[str]], str]) -> Iterator[str]:
    """Say what a score is without: what may still come is missing, and what nobody asks of the patient is not asked."""
    off = [part for part in evidence["missing"] if part in evidence.get("not_asked", ())]
    if waited_for := [part for part in evidence["missing"] if part not in off]:
        yield f"missing {named(waited_for)}"
    if off:
        yield f"{named(off)} not asked"


def rise(alert: Alert, level: Level, evidence: Mapping[str, Any]) -> str:
    """Say how an alert got worse than it was at a level and on the evidence of then: level, score and vitals."""
    return ", ".join(_rises(alert, level, evidence))


def _rises(alert: Alert, level: Level, evidence: Mapping[str, Any]) -> Iterator[str]:
    now = alert.evidence
    if alert.level > level:
        yield f"level {mark(alert.lane, level)} -> {mark(alert.lane, alert.level)}"
    if "total_min" not in evidence or "total_min" not in now:
        return
    if now["total_min"] != evidence["total_min"]:
        yield f"score {evidence['total_min']} -> {now['total_min']}"
    for part, points in now["points"].items():
        if points > evidence["points"].get(part, 0):
            yield f"{label(part)} {_bare(part, evidence['values'].get(part))} -> {_bare(part, now['values'].get(part))}"


def _bare(part: str, value: float | None) -> str:
    """Give a value without its name and unit; a part that was not measured is said to be missing."""
    if value is None:
        return "missing"
    words = POLICY.labels[part].words if part in POLICY.labels else ()
    return words[int(value)] if 0 <= value < len(words) else f"{value:g}"


def _standing(alert: Alert, now_ms: int) -> Iterator[str]:
    """Say what stands before the evidence: that it waits for review, that nothing new is known, that it came late."""
    if alert.state is State.SETTLED and alert.cleared_ms is not None:
        yield settled(alert, ago(now_ms - alert.cleared_ms))
    if alert.blind_ms is not None:
        yield f"BLIND: the readings it stands on have been overdue for {ago(now_ms - alert.blind_ms)}"
    if alert.late:
        yield "raised by readings that came late"
    if flapping(alert.rises, now_ms):
        times, hours = len(lately(alert.rises, now_ms)), POLICY.flapping_over_ms // HOUR_MS
        yield f"came up {times} times in {hours} h: review the plan"


def settled(alert: Alert, since: str) -> str:
    """Say why an alert waits for review; what a discharge ended is not said to be well, for nobody knows that."""
    if alert.lane is not Lane.CLINICAL:
        return f"over for {since}, not reviewed"
    if LEFT in alert.evidence:
        return f"DISCHARGED {since} ago while it stood, not reviewed"
    return f"back within limits for {since}, not reviewed"


def _clinical(evidence: Mapping[str, Any], now_ms: int, _to_ms: int) -> Iterator[str]:
    yield from _named(evidence, now_ms)
    if "total_min" not in evidence:
        return
    at_ms = evidence["at_ms"]
    yield f"{_score(evidence)}, {ago(now_ms - at_ms)} ago"
    if evidence["could_be"] > evidence["total_min"] and _could_be_rule(evidence["rules"]):
        yield from _could_be(evidence, now_ms)
    scoring = {part: points for part, points in evidence["points"].items() if points}
    for part, points in sorted(scoring.items(), key=lambda item: -item[1]):
        age_ms = now_ms - at_ms + evidence["ages_ms"].get(part, 0)
        moved = _moved(part, evidence["values"].get(part), evidence)
        yield f"{_reading(part, evidence['values'].get(part))}{moved} scored {points}, {ago(age_ms)} ago"
    yield from limits_moved(evidence)
    if "repeat" in evidence:
        yield f"no repeat has denied it within {ago(POLICY.repeat_within_ms)}"


def _named(evidence: Mapping[str, Any], now_ms: int) -> Iterator[str]:
    """Say the numbers that rules asked for by name, each under the title of its rule."""
    for name in evidence["rules"]:
        rule = titles.rule_of(name, evidence)
        if rule is not None and rule.named and rule.quantity in evidence.get("quantities", {}):
            yield f"{titles.title(rule)}: {_quantity(rule.quantity, evidence)}, {ago(now_ms - evidence['at_ms'])} ago"


def limits_moved(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Say under which limits something was a breach, where they are not those of the table of rules."""
    for now, by_the_table in titles.moved(evidence):
        yield f"limit moved to {now}, from {by_the_table}"


def _quantity(name: str, evidence: Mapping[str, Any]) -> str:
    """Say one number by its name, in the words that came with it where there are some, and what it was before."""
    value, words = evidence["quantities"][name], evidence.get("sentences", {}).get(name)
    kind, _, part = name.partition(":")
    said = words or (_reading(part, value) if kind == "value" else f"{part} {value:g}")
    return f"{said}{_moved(name, value, evidence)}"


def _moved(name: str, value: float | None, evidence: Mapping[str, Any]) -> str:
    """Say from what a number has come, and in which direction: ", down from 94 %"; nothing where that is not known."""
    before = evidence.get("before", {}).get(name)
    if before is None or value is None or name.startswith(ANSWER):  # an answer's number is not for people
        return ""
    known = POLICY.labels.get(name.removeprefix("value:"))
    if known is not None and known.words:
        code = int(before["value"])
        return f", was {known.words[code]}," if 0 <= code < len(known.words) else ""
    unit = f" {known.unit}" if known is not None else ""
    comma = "" if ":" in name else ","
    return f", {'down' if value < before['value'] else 'up'} from {before['value']:g}{unit}{comma}"


def _could_be_rule(names: Iterable[str]) -> bool:
    """Tell whether one of some rules asks what a score could be."""
    return any(name in RULES and RULES[name].quantity == "could_be" for name in names)


def _could_be(evidence: Mapping[str, Any], now_ms: int) -> Iterator[str]:
    """Say what the score could be, and what was refused of which a good reading might show it."""
    refused = evidence.get("refused", {})
    yield could_be(evidence["could_be"], refused=bool(refused))
    for part, tried in refused.items():
        yield f"{refusal(part, tried['sent'])}, {ago(now_ms - evidence['at_ms'] + tried['age_ms'])} ago"


def _score(evidence: Mapping[str, Any]) -> str:
    low, high, missing = evidence["total_min"], evidence["total_max"], evidence["missing"]
    chart = POLICY.charts[charts.of(evidence)]
    total = str(low) if low == high else f"{low} to {high}"
    count = f"{len(chart.parts) - len(missing)} of {len(chart.parts)} measured"
    without = lacks(evidence, lambda parts: ", ".join(map(label, parts)))
    return f"{chart.title} {total} ({'; '.join([count, *without])})"


def _titled(evidence: Mapping[str, Any]) -> str:
    return POLICY.charts[charts.of(evidence)].title


def _reading(part: str, value: float | None) -> str:
    known = POLICY.labels.get(part)
    if known is None or value is None:
        return label(part)
    if known.words:
        return f"{known.label}: {known.words[int(value)]}" if 0 <= value < len(known.words) else known.label
    return f"{known.label} {value:g} {known.unit}"


def _technical(evidence: Mapping[str, Any], now_ms: int, to_ms: int) -> Iterator[str]:
    sick = evidence.get("sick_and_unseen")
    if sick is not None and to_ms == now_ms:
        yield f"sick and unseen: {mark(Lane.CLINICAL, sick['level'])} {sick['id']} is open"
    for part, gap in evidence.get("overdue", {}).items():
        since_ms = gap["due_ms"] if gap["last_ms"] is None else gap["last_ms"]
        lead = f"{label(part)} overdue for" if gap["last_ms"] is None else f"no {label(part)} for"
        yield f"{lead} {ago(to_ms - since_ms)}"
    for rule, several in evidence.get("kit", {}).items():
        for what, figures in several.items():
            device = figures.get("device", what)
            yield f"{device}: {_sentence(rule, figures)} {ago(to_ms - figures['since_ms'])}"
    if "held_until_ms" in evidence:
        yield f"held back until {ago(now_ms - evidence['held_until_ms'])} ago, by a fault of the service or a pause"


def _system(evidence: Mapping[str, Any], now_ms: int, to_ms: int) -> Iterator[str]:
    for rule, since_ms in evidence.get("faults", {}).items():
        title = RULES[rule].title if rule in RULES else rule
        figures = evidence.get("figures", {}).get(rule, {})
        if rule == "dead" and rule in figures:
            until_ms = figures[rule]["until_ms"]
            yield f"{title} for {ago(until_ms - since_ms)}, until {ago(now_ms - until_ms)} ago"
        elif rule == "certificate" and figures:
            first = sorted(figures.values(), key=lambda one: one["until_ms"])
            yield f"{title}: {'; '.join(_ends(one, to_ms) for one in first)}"
        else:
            yield f"{title}{_numbers(rule, figures)} for {ago(to_ms - since_ms)}"


def _sentence(rule: str, figures: Mapping[str, Any]) -> str:
    """Say what is wrong with a device, up to the length of time that follows."""
    if rule in KIT:
        return KIT[rule](figures)
    return f"{RULES[rule].title} for" if rule in RULES else f"{rule} for"


def _numbers(rule: str, figures: Mapping[str, Any]) -> str:
    """Give the numbers of a fault of the service, or the devices it is of."""
    told = SERVICE[rule](figures) if rule in SERVICE and figures else ""
    return f" ({told})" if told else ""


def _ends(figures: Mapping[str, Any], at_ms: int) -> str:
    """Say whose certificate it is, in which file, and how long it still holds: what is at fault is yet to come."""
    left_ms, file = figures["until_ms"] - at_ms, figures["file"]
    lead = f"{WHOSE[figures['whose']]}{f' ({file})' if file else ''}"
    return f"{lead} in {ago(left_ms)}" if left_ms > 0 else f"{lead} has ended {ago(-left_ms)} ago"


def _jump(figures: Mapping[str, Any]) -> str:
    by_ms = figures["clock_jump"]["by_ms"]
    return f"by {ago(abs(by_ms))} {'ahead' if by_ms > 0 else 'back'}"


WHOSE: Final[Mapping[str, str]] = {
    "broker": "the broker's",
    "own": "the daemon's",
    "canary": "the canary's",
    "authority": "the authority's",
}
# What is said of each fault of a device, before how long ago it began.
KIT: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "device_disconnected": lambda _: "no connection for",
    "battery_low": lambda f: f"battery at {f['percent']:g} % for",
    "sensor_off": lambda f: f"{label(f['vital'])} came without a value {f['count']} times in a row, for",
    "implausible": lambda f: f"{label(f['vital'])} refused {f['count']} times in a row (last {f['sent']}), for",
    "frozen": lambda f: f"{_reading(f['vital'], f['value'])} {f['count']} times in a row, for",
    "clock_skew": lambda f: f"clock more than {f['minutes']} min ahead (the time of receipt is taken instead), for",
    "clock_behind": lambda f: f"each reading {f['minutes']} min old when it comes (is its clock behind?), for",
    "sequence_gap": lambda f: f"{f['count']} of its messages have not come, for",
}
# What is said of each fault of the whole service besides its title and age.
SERVICE: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "clock_jump": _jump,
    "disk": lambda f: f"{f['disk']['free_mb']} MB free",
    "quarantine": lambda f: f"{f['quarantine']['in_hour']} or more in an hour",
    "notifier": lambda _: "nobody could be reached",
    "unaccounted": lambda f: f"{f['unaccounted']['lost']} lost when it was found",
    "unraised": lambda f: f"{f['unraised']['scores']} when it was found",
    "recount": lambda f: f"{f['recount']['moments']} when it was found",
    "damaged": lambda f: f"it does not hold that {f['damaged']['check']}",
    "not_watching": lambda f: f["not_watching"]["link"],
    "unassigned": ", ".join,
}


def _threes(evidence: Mapping[str, Any]) -> str:
    threes = [part for part, points in evidence["points"].items() if points == RED]
    return ", ".join(f"{_reading(part, evidence['values'].get(part))} scored {RED}" for part in threes)


BREACHES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "total": lambda evidence: f"{_titled(evidence)} {evidence['total_min']}",
    "red": _threes,
    "could_be": lambda evidence: f"{_titled(evidence)} {could_be(evidence['could_be'], refused='refused' in evidence)}",
}
REASONS: Final[Mapping[Lane, Callable[[Mapping[str, Any], int, int], Iterator[str]]]] = {
    Lane.CLINICAL: _clinical,
    Lane.TECHNICAL: _technical,
    Lane.SYSTEM: _system,
}
