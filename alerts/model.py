"""The words of the work list as records: conditions, alerts, what happened to them, and the case that holds them.

Records and their plain properties only. What makes a condition hold is policy's, what follows from it lifecycle's.
Times are int milliseconds since the Unix epoch, UTC.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Protocol

SYSTEM_STAY = 0  # the stay number of the case that is about the whole service
MONITOR = "vwmon"  # the actor of what nobody did
LEFT = "discharged_ms"  # in evidence: the stay ended then, and what stood was not seen to end
SILENCE = "overdue"  # the rule whose gaps are the parts of the score that did not come


class Level(IntEnum):
    """How urgent: the same scale in every lane, so that one order fits all."""

    WATCH = 1
    URGENT = 2
    EMERGENCY = 3


class Lane(StrEnum):
    """What an alert is about: the patient, this patient's kit and data, or the whole service."""

    CLINICAL = "clinical"
    TECHNICAL = "technical"
    SYSTEM = "system"


class State(StrEnum):
    """Where an alert stands on the work list."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    RERAISED = "reraised"
    SETTLED = "settled"
    CLOSED = "closed"


class ConditionState(StrEnum):
    """Where one rule stands for one stay; pending is a breach that waits to be confirmed."""

    ABSENT = "absent"
    PENDING = "pending"
    PRESENT = "present"
    CLEARING = "clearing"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What happened to an alert; alerts.moves says from which state to which."""

    RAISED = "raised"
    WORSENED = "worsened"
    GREW = "grew"
    EASED = "eased"
    OUTGREW = "outgrew"
    EXPIRED = "expired"
    RELAPSED = "relapsed"
    HELD = "held"
    REVIVED = "revived"
    SETTLED = "settled"
    ENDED = "ended"
    BLINDED = "blinded"
    SIGHTED = "sighted"
    ACKNOWLEDGED = "acknowledged"
    TAKEN = "taken"
    ALSO_SEEN = "also_seen"
    NOTED = "noted"
    CLOSED = "closed"
    ESCALATED = "escalated"
    OFFERED = "offered"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    UNACKNOWLEDGED = "unacknowledged"
    REOPENED = "reopened"


class Asked(StrEnum):
    """What became of the wish for a repeat: it waits to be sent, was sent, was answered by a reading, or is over."""

    QUEUED = "queued"
    SENT = "sent"
    ANSWERED = "answered"
    OVER = "over"


class Outcome(StrEnum):
    """What came of an alert: a closed list, so that it can be counted."""

    PHONED_STABLE = "phoned-stable"
    VISIT_ARRANGED = "visit-arranged"
    GP_OR_COMMUNITY = "gp-or-community"
    TRANSFERRED = "transferred"
    PLAN_ADJUSTED = "plan-adjusted"
    MEASUREMENT_ARTEFACT = "measurement-artefact"
    KNOWN_BASELINE = "known-baseline"
    TECHNICAL_FIXED = "technical-fixed"
    NO_ACTION = "no-action"
    OTHER = "other"


STANDING = frozenset({ConditionState.PRESENT, ConditionState.CLEARING, ConditionState.UNKNOWN})
ACTIVE = frozenset({State.NEW, State.ACKNOWLEDGED, State.RERAISED})


class Scored(Protocol):
    """What a score must tell the rules about one stay at one moment.

    `points` are the certain points of the measured parts, `values` and `ages_ms` what they were and how old at
    `at_ms`; `missing` names the parts not measured, `expected` those that the stay's plan asks for. `total_max` and
    `could_be` are upper bounds over all parts and over those that are overdue or refused. `late` marks evidence older
    than what the stay had already shown. `measured` is false at a moment of which nothing is known but attempts that
    were refused. `refused` says of each refused part how long before `at_ms` it was tried, in ms, and what came.
    """

    @property
    def stay(self) -> int: ...  # noqa: D102
    @property
    def at_ms(self) -> int: ...  # noqa: D102
    @property
    def received_ms(self) -> int: ...  # noqa: D102
    @property
    def late(self) -> bool: ...  # noqa: D102
    @property
    def total_min(self) -> int: ...  # noqa: D102
    @property
    def total_max(self) -> int: ...  # noqa: D102
    @property
    def could_be(self) -> int: ...  # noqa: D102
    @property
    def red(self) -> bool: ...  # noqa: D102
    @property
    def complete(self) -> bool: ...  # noqa: D102
    @property
    def missing(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def points(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def values(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def ages_ms(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def measured(self) -> bool: ...  # noqa: D102
    @property
    def refused(self) -> Mapping[str, tuple[int, str]]: ...  # noqa: D102
    @property
    def expected(self) -> Collection[str]: ...  # noqa: D102
    @property
    def quantities(self) -> Mapping[str, float]: ...  # noqa: D102


class Noted(Protocol):
    """What is known of one stay at one moment that is no score: numbers by their names, such as a weight or an answer.

    `sentences` say of numbers what was meant, where words tell more; `late` is as of a score.
    """

    @property
    def stay(self) -> int: ...  # noqa: D102
    @property
    def at_ms(self) -> int: ...  # noqa: D102
    @property
    def received_ms(self) -> int: ...  # noqa: D102
    @property
    def late(self) -> bool: ...  # noqa: D102
    @property
    def quantities(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def sentences(self) -> Mapping[str, str]: ...  # noqa: D102


class Rows(Protocol):
    """What a statement gives back, of whichever sqlite3 module."""

    @property
    def rowcount(self) -> int: ...  # noqa: D102
    def fetchone(self) -> Any: ...  # noqa: ANN401, D102
    def fetchall(self) -> list[Any]: ...  # noqa: D102
    def __iter__(self) -> Any: ...  # noqa: ANN401


class Connection(Protocol):
    """A database connection, of whichever sqlite3 module the caller has chosen."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...  # noqa: D102
    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A reading that fell due and did not come: since when it was awaited, and when it came after all.

    `last_ms` is when the one before was observed (or the admission), where that is known.
    """

    due_ms: int
    last_ms: int | None = None
    returned_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One rule for one stay. `clear_ms` is when the run of good readings began that may clear it.

    Evidence observed before `covered_ms` has had its alert: it was recovered from, or a person closed it. While it is
    pending, `seen_ms` is when it was last borne out, `due_ms` when it opens unless it is denied before (None: only a
    reading can open it), and `evidence` what it was first borne out by.
    """

    rule: str
    state: ConditionState
    since_ms: int
    clear_ms: int | None = None
    covered_ms: int = 0
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    seen_ms: int | None = None
    due_ms: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def standing(self) -> bool:
        """Tell whether the condition holds, or may hold for all that is known."""
        return self.state in STANDING

    @property
    def pending(self) -> bool:
        """Tell whether it waits to be confirmed."""
        return self.state is ConditionState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A wish for a repeat of what a condition is pending on, or what became of it, by rule and time of asking.

    `vitals` name the parts of the score to measure again, or what else the rule asks for.
    """

    rule: str
    vitals: tuple[str, ...]
    asked_ms: int
    due_ms: int
    state: Asked = Asked.QUEUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One item of the work list, from raise to close. At most one is open for each stay and lane.

    `level` and `score` are now's, `peak` and `peak_score` the worst; `parts` have scored points and `reds` three
    points since it was raised; `ack_*` say what the acknowledgement covers; `due_ms` is the next thing owed.
    `cycle` counts how often it has asked for an answer and `owed_ms` is when the first one of this cycle was or is
    owed, whatever `tier` it has come to since; `offered_to` has been asked to take it over and has not yet;
    `snooze_ms` is until when its owner has put it off the list; `rises` are when it, and those it recurs, came up.
    """

    alert_no: int
    id: str
    stay_no: int
    ordinal: int
    lane: Lane
    state: State
    level: Level
    peak: Level
    score: int | None
    peak_score: int | None
    opened_ms: int
    since_ms: int
    cleared_ms: int | None = None
    blind_ms: int | None = None
    late: bool = False
    owner: str | None = None
    ack_ms: int | None = None
    ack_note: str | None = None
    ack_level: Level | None = None
    ack_score: int | None = None
    ack_reds: tuple[str, ...] = ()
    ack_until_ms: int | None = None
    due_ms: int | None
    tier: int = 1
    recurrence_of: int | None = None
    outcome: Outcome | None = None
    closed_ms: int | None = None
    parts: tuple[str, ...] = ()
    reds: tuple[str, ...] = ()
    evidence: Mapping[str, Any]
    provenance_no: int | None = None
    cycle: int = 1
    owed_ms: int | None = None
    offered_to: str | None = None
    snooze_ms: int | None = None
    rises: tuple[int, ...] = ()
    version: int = 1

    @property
    def open(self) -> bool:
        """Tell whether it still asks for something."""
        return self.state is not State.CLOSED

    @property
    def active(self) -> bool:
        """Tell whether its condition holds, as far as is known."""
        return self.state in ACTIVE

    @property
    def covered_ms(self) -> int | None:
        """Give the observed time before which evidence no worse than its peak is part of it; None while active."""
        return self.cleared_ms if self.cleared_ms is not None else self.closed_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to one alert: who or what did it, when, and the alert before and after.

    `changes` has before and after of every field that it changed; None where that was not kept yet.
    """

    alert_no: int
    kind: Kind
    actor: str
    at_ms: int
    state_before: State | None
    state_after: State
    level_before: Level | None
    level_after: Level
    version: int
    note: str | None
    evidence: Mapping[str, Any]
    op_id: str | None = None
    changes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything open about one stay: its conditions by rule and the latest alert of each lane, open or closed.

    `past` are alerts that a newer one of their lane has replaced, `events` what happened, and `asks` the repeats that
    were asked for or are no longer, since it was loaded.
    """

    stay_no: int
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    alerts: Mapping[Lane, Alert] = field(default_factory=dict)
    past: tuple[Alert, ...] = ()
    events: tuple[Event, ...] = ()
    asks: tuple[Ask, ...] = ()

    @property
    def quiet(self) -> bool:
        """Tell whether nothing is open or pending: then only a breach, a reading overdue or a fault can change it."""
        return not self.pending and not any(alert.open for alert in self.alerts.values())

    @property
    def pending(self) -> Mapping[str, Condition]:
        """Give the conditions that wait to be confirmed, by rule."""
        return {name: condition for name, condition in self.conditions.items() if condition.pending}

    @property
    def overdue(self) -> Mapping[str, Gap]:
        """Give the gaps that last: the parts that are awaited and have not come, or the faults of the whole service."""
        return {
            part: gap
            for condition in self.conditions.values()
            if condition.rule == SILENCE or self.stay_no == SYSTEM_STAY
            for part, gap in condition.gaps.items()
            if gap.returned_ms is None
        }

    def open_in(self, lane: Lane) -> Alert | None:
        """Give the open alert of a lane, if there is one."""
        alert = self.alerts.get(lane)
        return alert if alert is not None and alert.open else None
