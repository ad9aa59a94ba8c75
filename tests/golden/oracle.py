"""A second opinion on a recorded ward: scores and clinical alerts worked out by brute force.

Nothing of the product is used here. The file is read with csv, values are taken as decimals, and each patient is
followed alone, one moment after the other, with every rule written out as an if and every limit as a number. It
stands for one situation only: readings in the order of time, each known when it was observed, SpO2 scale 1, the
general plan, and nobody who acknowledges anything; a person may come round and close what has settled. The technical
lane is not followed.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

HOUR = 3_600_000
HALF_HOUR = 1_800_000
QUARTER = 900_000
FIVE_MINUTES = 300_000
NEW_MILLENNIUM_MS = 978_307_200_000  # 2001-01-01T00:00:00Z, when second 0 of a recording is
PARTS = ("rr", "spo2", "oxygen", "sbp", "hr", "mind", "temp")
MOST = {"rr": 3, "spo2": 3, "oxygen": 2, "sbp": 3, "hr": 3, "mind": 3, "temp": 3}
FED_BY = {
    "resp_rate": "rr",
    "spo2": "spo2",
    "supplemental_oxygen": "oxygen",
    "fio2": "oxygen",
    "systolic_bp": "sbp",
    "heart_rate": "hr",
    "gcs": "mind",
    "temperature": "temp",
}
UNITS = {
    "resp_rate": {"breaths/min", "/min"},
    "spo2": {"%"},
    "supplemental_oxygen": {"0/1"},
    "fio2": {"fraction", ""},
    "systolic_bp": {"mmHg"},
    "heart_rate": {"bpm"},
    "gcs": {"3-15", ""},
    "temperature": {"degC"},
}
RULES = {"seven": 3, "five": 2, "red": 2, "could be": 1}  # and the level of each

Points = dict[str, int]
Choice = Callable[[int, int], int]


class Score(NamedTuple):
    """A score as it is stored: points are one digit a part, in the order of PARTS."""

    at_ms: int
    total_min: int
    total_max: int
    could_be: int
    red: bool
    points: int
    present: int


@dataclass(kw_only=True)
class Alert:
    """A clinical alert as it stands, and what is remembered of it."""

    since_ms: int
    level: int
    peak: int
    score: int
    peak_score: int
    state: str = "new"
    cleared_ms: int | None = None
    blind: bool = False
    blinded: int = 0
    parts: set[str] = field(default_factory=set)
    closed_ms: int | None = None
    came_up: list[int] = field(default_factory=list)


@dataclass(kw_only=True)
class Wait:
    """A breach that waits for a repeat: the score that began it, what scored in it, and when it opens all the same.

    `scored` and `worst` are what has scored in any breach of the wait, and the worst total of these.
    """

    score: Score
    parts: set[str]
    due_ms: int
    scored: set[str]
    worst: int


@dataclass(kw_only=True)
class Patient:
    """What the brute force found out about one patient; `moments` are all scores, stored or not.

    `denied` are the waits for a repeat that a good one ended: the rule, since when, and until when; `dropped` those
    that ended with a person's closing or the recording.
    """

    admitted_ms: int
    moments: list[Score] = field(default_factory=list)
    stored: list[Score] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    denied: list[tuple[str, int, int]] = field(default_factory=list)
    dropped: list[tuple[str, int, int]] = field(default_factory=list)
    waiting: int = 0


def ward(path: Path, round_ms: int | None = None, choose: Choice = max) -> dict[str, Patient]:
    """Work out every patient of a recording; with `round_ms` someone comes round so often and closes what has settled.

    Of several values at one time, `choose` says whose points count.
    A value in a unit that the limits here are not in is no value to guess at: AssertionError.
    """
    rows: dict[str, dict[int, list[tuple[str, Decimal]]]] = defaultdict(lambda: defaultdict(list))
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at_ms = NEW_MILLENNIUM_MS + 1000 * int(row["time"])
            assert row["unit"] in UNITS.get(row["vital"], {row["unit"]}), row
            rows[row["patient"]][at_ms].append((row["vital"], Decimal(row["value"])))
    end_ms = max(at_ms for messages in rows.values() for at_ms in messages)
    return {patient: follow(messages, end_ms, round_ms, choose) for patient, messages in rows.items()}


def follow(
    messages: Mapping[int, list[tuple[str, Decimal]]], end_ms: int, round_ms: int | None, choose: Choice
) -> Patient:
    """Follow one patient, message by message, and to the end of the recording."""
    patient = Patient(admitted_ms=min(messages))
    last: dict[str, tuple[int, int]] = {}  # by part: when it was read, and its points
    failed: dict[str, int] = {}  # by part: when what came for it could not be
    list_of_patient = WorkList(patient)
    for at_ms in sorted(messages):
        found = chosen(messages[at_ms], choose)
        tried = {part for part in (useless(*one) for one in messages[at_ms]) if part}
        if not found and not tried:
            continue
        if patient.moments and round_ms is not None:
            list_of_patient.come_round(patient.moments[-1].at_ms, at_ms, round_ms)
        ended = {part: due_ms for part in found if (due_ms := awaited_ms(last, part, patient)) < at_ms}
        last |= {part: (at_ms, points) for part, points in found.items()}
        failed |= dict.fromkeys(tried, at_ms)
        silent = {part: due_ms for part in PARTS if (due_ms := awaited_ms(last, part, patient)) < at_ms}
        points = {part: last[part][1] for part in PARTS if part in last and at_ms - last[part][0] <= valid_ms(part)}
        refused = {part for part in failed if part not in points and still_failed(part, at_ms, failed[part], last)}
        score = scored(at_ms, points, set(silent) | refused)
        if not patient.stored or score[1:] != patient.moments[-1][1:]:
            patient.stored.append(score)
        patient.moments.append(score)
        list_of_patient.wait(at_ms, silent, ended)
        read_ms = {part: came for part, (came, _) in last.items() if part in points}
        list_of_patient.see(score, points, read_ms, measured=bool(found))
    if patient.moments and round_ms is not None:
        list_of_patient.come_round(patient.moments[-1].at_ms, end_ms, round_ms)
    list_of_patient.pass_time(end_ms)
    patient.waiting = len(list_of_patient.waits)
    list_of_patient.drop(end_ms)
    return patient


def useless(vital: str, value: Decimal) -> str:
    """Name the part of a value that cannot be; nothing for one that can, or that is not scored."""
    return "" if list(read(vital, value)) else FED_BY.get(vital, "")


def still_failed(part: str, at_ms: int, failed_ms: int, last: Mapping[str, tuple[int, int]]) -> bool:
    """Say whether the last that came of a part was no use, and is not forgotten yet."""
    return at_ms - failed_ms <= valid_ms(part) and (part not in last or failed_ms > last[part][0])


def came_ms(last: Mapping[str, tuple[int, int]], part: str, patient: Patient) -> int:
    """Say since when a part is awaited."""
    return last[part][0] if part in last else patient.admitted_ms


def awaited_ms(last: Mapping[str, tuple[int, int]], part: str, patient: Patient) -> int:
    """Say until when a part was not overdue."""
    return came_ms(last, part, patient) + patience_ms(part)


def valid_ms(part: str) -> int:
    """Say for how long a reading counts."""
    return 24 * HOUR if part == "oxygen" else 12 * HOUR


def patience_ms(part: str) -> int:
    """Say after how long without a reading it is overdue."""
    return 24 * HOUR if part == "oxygen" else 16 * HOUR


def chosen(message: list[tuple[str, Decimal]], choose: Choice) -> Points:
    """Give the points of one message's parts, one where there are several, without what cannot be."""
    found: Points = {}
    for part, points in (one for vital, value in message for one in read(vital, value)):
        found[part] = choose(points, found.get(part, points))
    return found


def read(vital: str, value: Decimal) -> Iterator[tuple[str, int]]:
    """Give the part and points of one reading; nothing for what is not scored or not possible."""
    if vital == "resp_rate" and 0 < value <= 120:
        yield "rr", breathing(whole(value))
    if vital == "spo2" and 1 < value <= 100:
        yield "spo2", saturation(whole(value))
    if vital == "supplemental_oxygen" and value in {0, 1}:
        yield "oxygen", 2 if value == 1 else 0
    if vital == "fio2" and Decimal("0.2") <= value <= 1:
        yield "oxygen", 2 if whole(value * 100) > 21 else 0
    if vital == "systolic_bp" and 30 < value < 400:
        yield "sbp", pressure(whole(value))
    if vital == "heart_rate" and 0 < value <= 350:
        yield "hr", pulse(whole(value))
    if vital == "gcs" and 3 <= value <= 15:
        yield "mind", 0 if value == 15 else 3
    if vital == "temperature" and 10 < value < 50:
        yield "temp", warmth(value.quantize(Decimal("0.1"), ROUND_HALF_UP))


def whole(value: Decimal) -> int:
    """Round as a person does."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def breathing(rate: int) -> int:
    """Score breaths a minute."""
    if rate <= 8:
        return 3
    if rate <= 11:
        return 1
    if rate <= 20:
        return 0
    return 2 if rate <= 24 else 3


def saturation(percent: int) -> int:
    """Score SpO2 on scale 1."""
    if percent >= 96:
        return 0
    if percent >= 94:
        return 1
    return 2 if percent >= 92 else 3


def pressure(mmhg: int) -> int:
    """Score the systolic pressure."""
    if mmhg <= 90 or mmhg >= 220:
        return 3
    if mmhg <= 100:
        return 2
    return 1 if mmhg <= 110 else 0


def pulse(rate: int) -> int:
    """Score beats a minute."""
    if rate <= 40 or rate >= 131:
        return 3
    if rate >= 111:
        return 2
    return 1 if rate <= 50 or rate >= 91 else 0


def warmth(celsius: Decimal) -> int:
    """Score the temperature in tenths of a degree."""
    if celsius <= Decimal("35.0"):
        return 3
    if celsius >= Decimal("39.1"):
        return 2
    return 1 if celsius <= Decimal("36.0") or celsius >= Decimal("38.1") else 0


def scored(at_ms: int, points: Points, doubtful: set[str]) -> Score:
    """Add up what is known, and bound what is not; what is late or could not be counts at its worst."""
    total = sum(points.values())
    return Score(
        at_ms=at_ms,
        total_min=total,
        total_max=total + sum(MOST[part] for part in PARTS if part not in points),
        could_be=total + sum(MOST[part] for part in doubtful if part not in points),
        red=3 in points.values(),
        points=int("".join(str(points.get(part, 0)) for part in PARTS)),
        present=int("".join("1" if part in points else "0" for part in PARTS)),
    )


class WorkList:
    """The clinical alerts of one patient: which of the four rules stand or wait, and since when each is clearing."""

    def __init__(self, patient: Patient) -> None:
        """Begin without any; they are put on the record of the patient."""
        self.alerts, self.denied, self.dropped = patient.alerts, patient.denied, patient.dropped
        self.standing: dict[str, int] = {}  # by rule: since when
        self.waits: dict[str, Wait] = {}
        self.good_since_ms: dict[str, int] = {}
        self.awaited: set[str] = set()

    def alert(self) -> Alert | None:
        """Give the alert that is open."""
        return self.alerts[-1] if self.alerts and self.alerts[-1].state != "closed" else None

    def see(self, score: Score, points: Points, read_ms: Mapping[str, int], *, measured: bool) -> None:
        """Take one moment, with when each part that counts was read.

        Nothing is `measured` where all that came could not be: that is no good reading.
        """
        alert, holding = self.alert(), holds(score)
        scoring = {part for part in points if points[part]}
        cleared = [] if alert is not None and alert.blind else self.cleared(score, holding, measured=measured)
        ended = self.deny(score, holding, measured=measured)
        brought, worst = self.confirm(score, holding, scoring, read_ms, ended)
        for rule, _ in cleared:
            del self.standing[rule]
        level = self.level()
        if alert is None or (alert.state == "settled" and not level):
            if level:
                self.raised(score, score.at_ms, scoring | brought, max(worst, score.total_min))
            return
        if alert.state != "settled" or level:
            alert.score = score.total_min
        if holding:
            alert.peak_score = max(alert.peak_score, score.total_min, worst)
            alert.parts |= scoring | brought
        self.moved(alert, level, cleared, score.at_ms)

    def level(self) -> int:
        """Give the level of what stands; 0 when nothing does."""
        return max((RULES[rule] for rule in self.standing), default=0)

    def confirm(
        self, score: Score, holding: set[str], scoring: set[str], read_ms: Mapping[str, int], ended: Sequence[Wait]
    ) -> tuple[set[str], int]:
        """Let breaches count: level 3 at once, others with a repeat, all of them when one does or an alert is on.

        Five points and a single three are a repeat of each other: `ended` are the waits of these that this moment
        ended. One of them five minutes after the other is its repeat, and one that comes sooner waits in its place.

        Give what had scored, and the worst total, in the waits that this ends.
        """
        alert, at_ms = self.alert(), score.at_ms
        new = {rule for rule in holding if rule not in self.standing}
        counting = {rule for rule in new if RULES[rule] == 3 or self.repeated(rule, at_ms, read_ms)}
        ill = new & {"five", "red"}
        counting |= ill if any(at_ms - wait.score.at_ms >= FIVE_MINUTES for wait in ended) else set()
        if counting or (alert is not None and alert.state != "settled"):
            counting = new
        self.standing |= dict.fromkeys(counting, at_ms)
        if counting:
            return self.join()
        for rule in new:
            due_ms = min([at_ms + QUARTER, *(wait.due_ms for wait in ended if rule in ill)])
            wait = self.waits.setdefault(rule, Wait(score=score, parts=scoring, due_ms=due_ms, scored=set(), worst=0))
            wait.scored, wait.worst = wait.scored | scoring, max(wait.worst, score.total_min)
        return set(), 0

    def join(self) -> tuple[set[str], int]:
        """Let everything that waits count: the patient is known to be ill; give what scored in it and its worst."""
        waits = list(self.waits.values())
        self.standing |= {rule: wait.score.at_ms for rule, wait in self.waits.items()}
        self.waits.clear()
        return set().union(*(wait.scored for wait in waits)), max((wait.worst for wait in waits), default=0)

    def repeated(self, rule: str, at_ms: int, read_ms: Mapping[str, int]) -> bool:
        """Say whether a breach that waits is there again after five minutes, with something read since it began."""
        wait = self.waits.get(rule)
        if wait is None or rule == "could be" or at_ms - wait.score.at_ms < FIVE_MINUTES:
            return False
        return any(read_ms[part] > wait.score.at_ms for part in wait.parts if part in read_ms)

    def deny(self, score: Score, holding: set[str], *, measured: bool) -> list[Wait]:
        """End the waits that a good reading answers; give those of five points and of a single three."""
        ended = []
        for rule, wait in list(self.waits.items()):
            if rule not in holding and measured and score.at_ms > wait.score.at_ms and ruled_out(rule, score):
                self.denied.append((rule, wait.score.at_ms, score.at_ms))
                del self.waits[rule]
                ended += [wait] if rule != "could be" else []
        return ended

    def pass_time(self, now_ms: int) -> None:
        """Open what has waited for too long, as of then."""
        while self.waits and (due_ms := min(wait.due_ms for wait in self.waits.values())) <= now_ms:
            worst = max(self.waits, key=lambda rule: (RULES[rule], self.waits[rule].score.at_ms))
            wait = self.waits[worst]
            self.opened(wait, due_ms, *self.join())
            self.look()

    def opened(self, wait: Wait, due_ms: int, scored: set[str], total: int) -> None:
        """Put what waited on the list, or on the alert that is there."""
        alert = self.alert()
        if alert is None:
            self.raised(wait.score, due_ms, scored, total)
            return
        if alert.state == "settled":
            alert.score = wait.score.total_min
        alert.peak_score = max(alert.peak_score, total)
        alert.parts |= scored
        self.moved(alert, self.level(), [], due_ms)

    def wait(self, at_ms: int, silent: Mapping[str, int], ended: Mapping[str, int]) -> None:
        """Follow what fell overdue, in the order in which it did, and then what has come; each with when it fell due.

        What waits for a repeat opens in between, when its time is over.
        """
        fell = {**ended, **silent}
        for part in sorted(PARTS, key=lambda part: fell.get(part, 0)):
            if part in fell:
                self.pass_time(fell[part])
                self.awaited.add(part)
                self.look()
        self.pass_time(at_ms)
        self.awaited -= set(ended)
        self.look()

    def look(self) -> None:
        """Blind the alert while a part that scored for it is overdue: no good readings count, nor those before."""
        alert = self.alert()
        if alert is None:
            return
        stale = bool(alert.parts & self.awaited)
        if stale and not alert.blind:
            alert.blinded += 1
            self.good_since_ms.clear()
        alert.blind = stale

    def come_round(self, seen_ms: int, now_ms: int, round_ms: int) -> None:
        """Close what has settled and can be seen, on the first round after the last message, if it is over by now."""
        due_ms = (seen_ms // round_ms + 1) * round_ms
        if due_ms > now_ms:
            return
        self.pass_time(due_ms)
        alert = self.alert()
        if alert is not None and alert.state == "settled" and not alert.blind:
            alert.state, alert.closed_ms = "closed", due_ms
            self.drop(due_ms)

    def drop(self, until_ms: int) -> None:
        """End what waits without an answer."""
        self.dropped += [(rule, wait.score.at_ms, until_ms) for rule, wait in self.waits.items()]
        self.waits.clear()

    def cleared(self, score: Score, holding: set[str], *, measured: bool) -> list[tuple[str, int]]:
        """Name the rules that this moment's second good reading ends, each with the time of the first."""
        done = []
        for rule in sorted(self.standing):
            if rule in holding or not ruled_out(rule, score):
                self.good_since_ms.pop(rule, None)
            elif measured and score.at_ms - self.good_since_ms.setdefault(rule, score.at_ms) >= HALF_HOUR:
                done.append((rule, self.good_since_ms.pop(rule)))
        return done

    def raised(self, score: Score, known_ms: int, scoring: set[str], worst: int) -> None:
        """Put a new alert on the list; one that comes back soon remembers how often the last one came up."""
        level = self.level()
        last = self.alerts[-1] if self.alerts else None
        recurs = last is not None and last.closed_ms is not None and known_ms - last.closed_ms < 12 * HOUR
        self.alerts.append(
            Alert(
                since_ms=min(self.standing.values()),
                level=level,
                peak=level,
                score=score.total_min,
                peak_score=worst,
                parts=set(scoring),
                came_up=[*(last.came_up if last is not None and recurs else []), known_ms],
            )
        )

    def moved(self, alert: Alert, level: int, cleared: list[tuple[str, int]], known_ms: int) -> None:
        """Worsen, ease, settle or bring back the open alert."""
        if not level:
            often = sum(known_ms - came_ms < 24 * HOUR for came_ms in alert.came_up) > 3
            alert.state = "settled" if alert.peak >= 2 or often else "closed"
            alert.cleared_ms = max(since_ms for _, since_ms in cleared)
            alert.closed_ms = known_ms if alert.state == "closed" else None
            self.forget(alert.peak, alert.cleared_ms)
            return
        if alert.state == "settled":
            alert.state, alert.cleared_ms = "reraised", None
            alert.came_up.append(known_ms)
        alert.level, alert.peak = level, max(level, alert.peak)

    def forget(self, peak: int, cleared_ms: int) -> None:
        """Let go of what waited from before a recovery: it was part of what has recovered."""
        for rule, wait in list(self.waits.items()):
            if RULES[rule] <= peak and wait.score.at_ms < cleared_ms:
                del self.waits[rule]


def holds(score: Score) -> set[str]:
    """Name the rules that a score bears out."""
    found = set()
    if score.total_min >= 7:
        found.add("seven")
    if score.total_min >= 5:
        found.add("five")
    if score.red:
        found.add("red")
    if score.total_min < 5 <= score.could_be:
        found.add("could be")
    return found


def ruled_out(rule: str, score: Score) -> bool:
    """Say whether a score is good as far as one rule goes: whatever is missing, it cannot hold."""
    if rule == "seven":
        return score.total_max < 6
    if rule == "five":
        return score.total_max < 4
    if rule == "red":
        return not score.red and score.present == 1_111_111
    return score.could_be < 5
