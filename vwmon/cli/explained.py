"""An explanation as one object for programs: every value exact, times as UTC strings. No words for people here."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from alerts import titles
from alerts.model import Event
from alerts.policy import POLICY, Rule
from vwmon.cli import doubted, prescription_rows, reading_rows
from vwmon.cli.limit_rows import given_rows
from vwmon.cli.own_schedule import own_row
from vwmon.cli.render import utc
from vwmon.explain import Awaited, Explanation, Learnt, Measured
from vwmon.nearest import Nearest
from vwmon.patients.records import Expected, Stay
from vwmon.scoring.layouts import COLUMNS
from vwmon.sources import Source
from vwmon.store.readings import FOREVER_MS
from vwmon.store.scores import ScoreRow, unpack

Record = dict[str, Any]


def record(explained: Explanation) -> Record:
    """Give an explanation as an object."""
    return {
        **_alert(explained),
        "rules": [_rule(rule) | {"limits": given_rows(explained.given.get(rule.name, {}))} for rule in explained.rules],
        "rules_version": POLICY.version,
        "rules_source": POLICY.source,
        "chart": {name: getattr(explained.chart, name) for name in ("id", "title", "version", "source")},
        "plan": _plan(explained),
        "readings": [_measured(one, explained) for one in explained.measured],
        "quantities": [_learnt(one, explained) for one in explained.learnt],
        "score": _score(explained),
        "before": None if explained.before is None else _before(explained.before, COLUMNS[explained.chart.id]),
        "doubts": _doubts(explained),
        "overdue": [_awaited(one, explained) for one in explained.awaited],
        "sick_and_unseen": explained.event.evidence.get("sick_and_unseen"),
        "faults": _faults(explained.event.evidence),
        "held_until": _time(explained.event.evidence.get("held_until_ms")),
        "equal": explained.equal,
        "compared": [
            {"item": one.item, "equal": one.equal, "count": one.count, "differences": [*map(asdict, one.differences)]}
            for one in explained.compared
        ],
        "watched": explained.watched,
        "versions": _versions(explained),
        "nearest": None if explained.nearest is None else _nearest(explained.nearest, explained),
    }


def _alert(explained: Explanation) -> Record:
    alert, stay, event = explained.alert, explained.account.stay, explained.event
    return {
        "id": alert.id,
        "lane": alert.lane.value,
        "level": alert.level.value,
        "state": alert.state.value,
        "ward": None if stay is None else stay.ward,
        "stay": None if stay is None else stay.stay_no,
        "patient": None if stay is None else stay.patient,
        "number": explained.number,
        "event": _event(event)
        | {
            "observed_at": utc(event.evidence["at_ms"]) if "at_ms" in event.evidence else None,
            "received_at": utc(event.evidence["received_ms"]) if "received_ms" in event.evidence else None,
            "late": event.evidence.get("late", False),
        },
        "asked": [{"number": number} | _event(one) for number, one in enumerate(explained.asked, start=1)],
    }


def _event(event: Event) -> Record:
    return {
        "kind": event.kind.value,
        "at": utc(event.at_ms),
        "level": event.level_after.value,
        "level_before": None if event.level_before is None else event.level_before.value,
        "state": event.state_after.value,
        "total_min": event.evidence.get("total_min"),
        "version": event.version,
    }


def _rule(rule: Rule) -> Record:
    return {
        "rule": rule.name,
        "title": titles.title(rule),
        "level": rule.level.value,
        "quantity": rule.quantity,
        "side": rule.side.value,
        "limit_on": rule.limit_on,
        "limit_off": rule.limit_off,
        "cadence": rule.cadence.value,
        "on_delay_seconds": rule.on_delay_ms / 1000,
        "off_delay_seconds": rule.off_delay_ms / 1000,
    }


def _learnt(one: Learnt, explained: Explanation) -> Record:
    vitals, devices = explained.account.vitals, explained.account.devices
    return {
        "quantity": one.quantity,
        "value": one.value,
        "sentence": one.sentence or None,
        "observed_at": utc(one.at_ms),
        "log": [
            {
                "reading": seq,
                "message": unit,
                "device": devices[device_no].device if device_no in devices else None,
                "vital": vitals[vital_no],
                "value": reading_rows.value(vitals[vital_no], value, None),
                "unit": reading_rows.unit(vitals[vital_no]),
                "observed_at": utc(observed_ms),
                "received_at": utc(received_ms),
            }
            for seq, device_no, vital_no, observed_ms, value, received_ms, unit in one.readings
        ],
    }


def _doubts(explained: Explanation) -> list[Record]:
    """Give what speaks against the readings that it stood on, by all that the log has by now."""
    whole, sources = explained.account, [one for part in explained.measured for one in part.sources]
    if whole.stay is None:
        return []
    held: dict[int, list[tuple[int, int]]] = {}
    for one in whole.assignments:
        if one.stay_no == whole.stay.stay_no:
            held.setdefault(one.device_no, []).append((one.from_ms, FOREVER_MS if one.to_ms is None else one.to_ms))
    moments = [(one.vital, one.observed_ms) for one in sources]
    moments += [(whole.vitals[row[2]], row[3]) for one in explained.learnt for row in one.readings]
    return doubted.records(doubted.of_rows(whole.rows, held, whole.vitals, moments))


def _plan(explained: Explanation) -> Record | None:
    plan, stay = explained.plan, explained.account.stay
    if plan is None or stay is None:
        return None
    return {
        "pathway": plan.pathway,
        "version": plan.version,
        "admitted_with": stay.plan_version,
        "title": plan.title,
        "source": plan.source,
        **_prescribed(explained, stay),
        "expected": {part: _expected(one) for part, one in plan.expected.items()},
        "own_schedules": [own_row(one, explained.event.at_ms) for one in explained.own],
    }


def _prescribed(explained: Explanation, stay: Stay) -> Record:
    """Give what was prescribed at the moment of the score, by what was known of it then, with the records."""
    at_ms = explained.event.evidence.get("at_ms", explained.event.at_ms)
    held = prescription_rows.now(stay, at_ms)
    in_force = [row for row in prescription_rows.rows(stay, at_ms) if row["state"] == prescription_rows.IN_FORCE]
    return held | {"prescriber": held["scale_prescriber"], "prescriptions": in_force}


def _expected(expected: Expected | None) -> Record:
    return {
        "valid_seconds": None if expected is None else expected.valid_ms / 1000,
        "overdue_after_seconds": None if expected is None else expected.overdue_ms / 1000,
    }


def _measured(one: Measured, explained: Explanation) -> Record:
    return {
        "part": one.part,
        "present": one.present,
        "points_min": one.points_min,
        "points_max": one.points_max,
        "counted_as": explained.event.evidence["values"].get(one.part),
        "age_seconds": None if one.age_ms is None else one.age_ms / 1000,
        "expected": one.expected is not None,
        **_expected(one.expected),
        "log": [_source(source, explained) for source in one.sources],
    }


def _source(source: Source, explained: Explanation) -> Record:
    device = explained.account.devices.get(source.device_no)
    return {
        "reading": source.seq,
        "message": source.message,
        "device": None if device is None else device.device,
        "vital": source.vital,
        "value": reading_rows.value(source.vital, source.value, None),
        "unit": reading_rows.unit(source.vital),
        "observed_at": utc(source.observed_ms),
        "received_at": utc(source.received_ms),
    }


def _score(explained: Explanation) -> Record | None:
    evidence = explained.event.evidence
    if explained.total is None:
        return None
    names = ("total_min", "total_max", "could_be", "red", "complete", "missing")
    refused = {
        part: {"age_seconds": tried["age_ms"] / 1000, "sent": tried["sent"]}
        for part, tried in evidence.get("refused", {}).items()
    }
    return {"chart": explained.chart.id} | {name: evidence[name] for name in names} | {"refused": refused}


def _before(row: ScoreRow, parts: tuple[str, ...]) -> Record:
    present = unpack(row.present, len(parts))
    return {
        "at": utc(row.at_ms),
        "total_min": row.total_min,
        "total_max": row.total_max,
        "could_be": row.could_be,
        "red": bool(row.red),
        "complete": bool(row.complete),
        "missing": [part for part, there in zip(parts, present, strict=True) if not there],
    }


def _awaited(one: Awaited, explained: Explanation) -> Record:
    return {
        "part": one.part,
        "due_at": utc(one.due_ms),
        "last_at": None if one.last_ms is None else utc(one.last_ms),
        **_expected(one.expected),
        "log": None if one.source is None else _source(one.source, explained),
    }


def _versions(explained: Explanation) -> Record:
    stored = [explained.account.versions.get(number) for number in sorted(explained.account.kept.made_by)]
    made_by = [one._asdict() for one in stored if one is not None]
    return {
        "stored": made_by,
        "now": explained.versions._asdict(),
        "configuration_equal": all(one["config_hash"] == explained.versions.config_hash for one in made_by),
    }


def _nearest(nearest: Nearest, explained: Explanation) -> Record:
    change = nearest.change
    if change is None:
        return {"found": False, "tried": nearest.tried}
    return {
        "found": True,
        "tried": nearest.tried,
        **_source(change.source, explained),
        "part": change.source.part,
        "instead": reading_rows.value(change.source.vital, change.value, None),
        "steps": change.steps,
        "share_of_usual_range": change.share,
        "total_min": nearest.total_min,
        "total_max": nearest.total_max,
        "level": nearest.level,
    }


def _faults(evidence: Mapping[str, Any]) -> dict[str, str]:
    """Give since when each fault is there: of the service by its rule, of a device by its rule and what it is of."""
    kit = {
        f"{rule} {what}": utc(figures["since_ms"])
        for rule, several in evidence.get("kit", {}).items()
        for what, figures in several.items()
    }
    return {rule: utc(ms) for rule, ms in evidence.get("faults", {}).items()} | kit


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else utc(at_ms)
