"""Why an alert is on the list as of now: what is measured now first, then what it was raised on, each with its age.

An alert keeps the evidence of its last rise. Shown alone, that would be an old score in the place of the present one.
Pure; what is measured now is the caller's to find.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from alerts import charts, titles, wording
from alerts.model import Alert, Kind, Lane, Level, State
from alerts.policy import POLICY

Record = Mapping[str, Any]

SHORT: Final[Mapping[str, str]] = {
    "respiratory_rate": "RR",
    "spo2": "SpO2",
    "oxygen": "O2",
    "systolic_bp": "SBP",
    "heart_rate": "HR",
    "temperature": "Temp",
    "capillary_refill": "CRT",
    "gcs": "GCS",
    "fio2": "FiO2",
}
UNSAID: Final = frozenset({"/min", "mmHg", "°C"})  # units that a short phrase leaves out, because all know them
AGAIN: Final[Mapping[Kind, str]] = {
    Kind.OUTGREW: "worse than was acknowledged",
    Kind.EXPIRED: "acknowledgement ran out",
    Kind.RELAPSED: "came back after it had settled",
    Kind.REVIVED: "opened again by readings that came late",
    Kind.UNACKNOWLEDGED: "acknowledgement withdrawn",
    Kind.REOPENED: "opened again by a person",
}
UNDENIED: Final = "no repeat has denied it"  # said until something is measured anew
TOGETHER_MS: Final = 15 * 60_000  # readings no further apart than this share one age
NAMED: Final = 3  # so many overdue vitals are named, of more only the count
OF_THE_SCORE: Final = ("news2", "pews")  # what the names of the rules begin with that the score itself tells of


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The last reading of a vital that is a part of the score, and what it was at the time it is compared with."""

    vital: str
    part: str
    value: float
    at_ms: int
    before: float | None = None
    before_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The score of a stay at an earlier time, `since_ms`: that of the last acknowledgement, or an hour before."""

    since_ms: int
    acknowledged: bool
    total_min: int
    total_max: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is known of a stay now: its score as the interface gives it and since when, its vitals, and before.

    `excluded` says why the score does not apply to the patient: then there is none of now.
    """

    score: Record | None = None
    score_ms: int = 0
    measured: Sequence[Measured] = ()
    earlier: Earlier | None = None
    excluded: str = ""


NOTHING: Final = Present()


def change(present: Present) -> int | None:
    """Give by how much the score differs from the one of before; None when that cannot be told.

    It can when the same parts are missing in both: then it is the change of what is measured. Else a part that was not
    measured then, or is not now, would count as normal.
    """
    score, earlier = present.score, present.earlier
    if score is None or earlier is None or set(score["missing"]) != set(earlier.missing):
        return None
    return int(score["total_min"]) - earlier.total_min


def why(alert: Alert, present: Present, again: Kind | None, now_ms: int) -> list[str]:
    """Say in sentences why an alert is on the list: what holds now, and, where that differs, what it was raised on."""
    said = _again(alert, again)
    if alert.lane is not Lane.CLINICAL or not alert.open:
        return [*said, *wording.why(alert, now_ms)]
    now = _as_of_now(alert, present)
    if now is None:
        return [*said, present.excluded or "no score that still holds", *wording.why(alert, now_ms)]
    sentences = wording.why(replace(alert, evidence=now), now_ms)
    return [*said, *sentences, *_compared(present, now_ms), *_rise(alert, now, now_ms), *_limits(alert)]


def brief(alert: Alert, present: Present, again: Kind | None, now_ms: int) -> list[str]:
    """Say the same in phrases that fit a line, the weightiest first."""
    said = _again(alert, again)
    if alert.lane is Lane.TECHNICAL:
        return [*said, *_overdue(alert, now_ms), *wording.why(_without_gaps(alert), now_ms)]
    if alert.lane is Lane.SYSTEM:
        return [*said, *wording.why(alert, now_ms)]
    return [*_standing(alert, now_ms), *_clinical(alert, present, now_ms), *said, *_noted(alert)]


def phrase(vital: str, value: float | None) -> str:
    """Give a reading in few letters: "SpO2 86 %", "RR 26", "confused"."""
    known = POLICY.labels.get(vital)
    label = SHORT.get(vital, wording.label(vital))
    if value is None:
        return label
    if known is not None and known.words:
        return known.words[int(value)] if 0 <= value < len(known.words) else label
    unit = "" if known is None or known.unit in UNSAID else f" {known.unit}"
    return f"{label} {number(value)}{unit}"


def _again(alert: Alert, again: Kind | None) -> list[str]:
    return [AGAIN[again]] if again is not None and alert.state is State.RERAISED else []


def _clinical(alert: Alert, present: Present, now_ms: int) -> Iterator[str]:
    now = _as_of_now(alert, present) if alert.open else None
    if alert.open and now is None:
        yield present.excluded or "no score holds now"
    if now is not None:
        yield from _now(now, present, now_ms)
        yield from _could_be(alert, now)
        yield from [UNDENIED] if "repeat" in now else []
    then = wording.ago(now_ms - alert.evidence["at_ms"])
    if "total_min" in alert.evidence and (now is None or _differs(alert.evidence, now)):
        yield f"raised {then} ago on {_score(alert.evidence)}"
    for title in _other_rules(alert):
        yield f"{title}, {then} ago"
    yield from (f"limit {now}" for now, _ in titles.moved(_of_the_score(alert)))


def _now(now: Record, present: Present, now_ms: int) -> Iterator[str]:
    """Say what scores now, each with its direction; one age for all that were measured about the same time."""
    came = {one.part: one for one in present.measured}
    said, newest = [], wording.ago(now_ms - now["at_ms"])
    for part in _scoring(now):
        age_ms = now["ages_ms"].get(part, 0)
        old = wording.ago(age_ms + now_ms - now["at_ms"])
        marked = f" ({old} old)" if age_ms > TOGETHER_MS and old != newest else ""
        said.append(f"{_with_direction(part, now['values'].get(part), came.get(part))}{marked}")
    yield f"{newest} ago: {', '.join(said) or 'nothing scores'}"
    yield from wording.lacks(now, lambda parts: _few([SHORT.get(part, wording.label(part)) for part in parts]))


def _scoring(evidence: Record) -> list[str]:
    """Name the parts that score, the worst first."""
    points = evidence["points"]
    return sorted((part for part in points if points[part]), key=lambda part: -points[part])


def _with_direction(part: str, value: float | None, came: Measured | None) -> str:
    if came is None or came.before is None:
        return phrase(came.vital if came is not None else part, value)
    return f"{phrase(came.vital, came.value)} {_direction(came, came.before)}".rstrip()


def _direction(came: Measured, before: float) -> str:
    known = POLICY.labels.get(came.vital)
    if came.value == before:
        return "steady"
    if known is not None and known.words:
        return f"(was {phrase(came.vital, before)})"
    return f"{'up' if came.value > before else 'down'} from {number(before)}"


def _compared(present: Present, now_ms: int) -> Iterator[str]:
    """Say in a sentence how the score stands to what it was."""
    earlier = present.earlier
    if earlier is not None:
        then = f"{_titled(present.score or {})} {_bounds(earlier.total_min, earlier.total_max)}"
        yield f"{_moved(change(present))} from {then} {_since(earlier, now_ms)}"


def _moved(risen: int | None) -> str:
    if risen is None:
        return "changed by what cannot be told, because other parts were missing then,"
    return f"{'up' if risen > 0 else 'down'} {abs(risen)}" if risen else "unchanged"


def _since(earlier: Earlier, now_ms: int) -> str:
    return (
        f"when acknowledged {wording.ago(now_ms - earlier.since_ms)} ago" if earlier.acknowledged else "an hour before"
    )


def _rise(alert: Alert, now: Record, now_ms: int) -> Iterator[str]:
    """Say what the last rise stood on, where it is not what holds now; all of it where it was more than the score."""
    then = alert.evidence
    if _other_rules(alert):
        yield from wording.why(replace(alert, blind_ms=None, late=False), now_ms)
    elif _differs(then, now):
        parts = [phrase(part, then["values"].get(part)) for part in _scoring(then)]
        said = f"last raised {wording.ago(now_ms - then['at_ms'])} ago on {_score(then)}"
        yield f"{said}: {', '.join(parts)}" if parts else said


def _limits(alert: Alert) -> Iterator[str]:
    """Say under which limits it was raised that are not the table's; a rise that is told whole says so itself."""
    return iter(()) if _other_rules(alert) else wording.limits_moved(alert.evidence)


def _of_the_score(alert: Alert) -> Record:
    return {**alert.evidence, "rules": [rule for rule in alert.evidence["rules"] if rule.startswith(OF_THE_SCORE)]}


def _differs(then: Record, now: Record) -> bool:
    return any(then.get(name) != now[name] for name in ("total_min", "total_max"))


def _as_of_now(alert: Alert, present: Present) -> dict[str, Any] | None:
    """Give the present score in the form of evidence, so that the same words serve both; None when none holds.

    What was refused keeps its own age. A rule on anything but the score is told of as it was at the rise, and not here.
    """
    score, then = present.score, alert.evidence
    if score is None:
        return None
    came = {one.part: one for one in present.measured if one.part in score["points"]}
    at_ms = max([present.score_ms, *(one.at_ms for one in came.values())])
    values = {part: one.value for part, one in came.items()}
    ages = {part: at_ms - one.at_ms for part, one in came.items()}
    if then["at_ms"] == present.score_ms and "values" in then:  # a number by its name is no score
        values = {**then["values"], **values}
        ages = {**{part: age + at_ms - then["at_ms"] for part, age in then["ages_ms"].items()}, **ages}
    return {
        **({"chart": score["chart"]} if "chart" in score else {}),
        **{name: score[name] for name in ("total_min", "total_max", "could_be", "red", "missing", "points")},
        "not_asked": score.get("not_asked", ()),
        "rules": [rule for rule in then["rules"] if rule.startswith(OF_THE_SCORE)],
        **({"repeat": then["repeat"]} if "repeat" in then and at_ms <= then["at_ms"] else {}),
        "at_ms": at_ms,
        "values": values,
        "before": {part: {"value": one.before} for part, one in came.items() if one.before not in {None, one.value}},
        "ages_ms": ages,
        "refused": _refused(then, at_ms),
    }


def _refused(then: Record, at_ms: int) -> dict[str, Any]:
    later_ms = at_ms - then["at_ms"]
    return {
        part: {**tried, "age_ms": tried["age_ms"] + later_ms}
        for part, tried in then.get("refused", {}).items()
        if tried["age_ms"] + later_ms >= 0
    }


def _could_be(alert: Alert, now: Record) -> Iterator[str]:
    if alert.level is Level.WATCH and now["could_be"] > now["total_min"]:
        yield wording.could_be(now["could_be"], refused=bool(now["refused"]))
        for part, tried in now["refused"].items():
            yield wording.refusal(part, tried["sent"])


def _other_rules(alert: Alert) -> list[str]:
    """Name what else the alert was raised on than the score."""
    others = [rule for rule in alert.evidence["rules"] if not rule.startswith(OF_THE_SCORE)]
    return [titles.title_of(rule, alert.evidence) for rule in others]


def _standing(alert: Alert, now_ms: int) -> Iterator[str]:
    if alert.state is State.SETTLED and alert.cleared_ms is not None:
        yield wording.settled(alert, wording.ago(now_ms - alert.cleared_ms))
    if alert.blind_ms is not None:
        yield f"BLIND: its readings overdue for {wording.ago(now_ms - alert.blind_ms)}"
    if alert.late:
        yield "LATE readings"


def _noted(alert: Alert) -> Iterator[str]:
    if alert.state is State.ACKNOWLEDGED and alert.ack_note:
        yield f'"{alert.ack_note}"'
    if alert.recurrence_of is not None:
        yield "again within 12 h of closing"


def _overdue(alert: Alert, now_ms: int) -> Iterator[str]:
    """Say what is overdue, parts that are for the same time together."""
    spans: dict[str, list[str]] = {}
    to_ms = wording.lasted_to_ms(alert, now_ms)
    for part, gap in alert.evidence.get("overdue", {}).items():
        since_ms = gap["due_ms"] if gap["last_ms"] is None else gap["last_ms"]
        lead = "never" if gap["last_ms"] is None else "no"
        spans.setdefault(f"{lead} {wording.ago(to_ms - since_ms)}", []).append(SHORT.get(part, wording.label(part)))
    for told, parts in spans.items():
        lead, span = told.split(" ", 1)
        named = _few(parts)
        yield f"no {named} for {span}" if lead == "no" else f"{named} never came, overdue for {span}"


def _few(parts: Sequence[str]) -> str:
    """Name a few vitals, or say how many they are."""
    return ", ".join(parts) if len(parts) <= NAMED else f"{len(parts)} vitals"


def _without_gaps(alert: Alert) -> Alert:
    return replace(alert, evidence={name: value for name, value in alert.evidence.items() if name != "overdue"})


def _score(evidence: Record) -> str:
    return f"{_titled(evidence)} {_bounds(evidence['total_min'], evidence['total_max'])}"


def _titled(score: Record) -> str:
    return POLICY.charts[charts.of(score)].title


def number(value: float) -> str:
    """Give a value with as many digits as tell something."""
    return f"{round(value, 1):g}" if abs(value) >= 1 else f"{value:.2g}"


def _bounds(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
