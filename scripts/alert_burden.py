"""Count what recordings put on the work list, under several sets of rules, for docs/alert-burden.md.

    python scripts/alert_burden.py ../shared/data/mimic4demo ../shared/data/tihm_home ../shared/data/mimic2_numerics
    python scripts/alert_burden.py --write ...

Each recording is replayed into a new database under each set of rules: the general pathway's, with a ward's limits laid
over them. Prints Markdown; --write puts it between the recording's markers of the page instead. An alert that nobody
closes stays one item, so what is counted is how often it calls: raised, back on the list, or at a higher level.
"""

import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from alerts import verdicts
from alerts.model import Kind, Lane, State
from alerts.policy import BASE, Cadence
from vwmon import recordings, replay
from vwmon.attribution import NOBODY, LogColumns, Vitals
from vwmon.config import Settings
from vwmon.config_duty import Ward
from vwmon.config_limits import WardLimit
from vwmon.durations import DAY_MS, MINUTE_MS
from vwmon.provenance import Provenance
from vwmon.store import attempts, database, registers
from vwmon.store import readings as stored
from vwmon.store.sqlite import Connection

PAGE = Path(__file__).parents[1] / "docs" / "alert-burden.md"
WARD = "recorded"
EMERGENCY, LASTING_MS = 3, 30 * MINUTE_MS
DURATION_RULES = tuple(rule for rule in BASE.rules.values() if rule.source.startswith("PMC9310747"))
CALLS = (Kind.RAISED, Kind.RELAPSED, Kind.REVIVED, Kind.WORSENED)
ACTIVE = (State.NEW, State.RERAISED, State.ACKNOWLEDGED)

Levels = Counter[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A scored moment of one stay, and the level of what it breaches: 0 for nothing."""

    at_ms: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A change of an alert: when, and the state and level from then on; `rose` tells that the level did."""

    at_ms: int
    kind: Kind
    state: State
    level: int
    rose: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a recording came to under one set of rules.

    `moments` and `clinical` are by stay; `items` and `calls` by lane, and `waits` how the waits for a repeat ended.
    """

    moments: Mapping[int, Sequence[Moment]]
    clinical: Mapping[int, Sequence[Happened]]
    items: Mapping[str, Levels]
    calls: Mapping[str, Levels]
    waits: Mapping[str, int]
    patient_days: int


def main(arguments: Sequence[str]) -> int:
    """Print the figures of each recording named by its folder, or write them into the page."""
    for folder in (Path(name) for name in arguments if name != "--write"):
        figures = "\n".join(lines_of(folder)) + "\n"
        if "--write" in arguments:
            write(folder.name, figures)
        else:
            print(figures)
    return 0


def write(name: str, figures: str) -> None:
    """Put figures in the place of those that the page has of a recording."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = markers(name)
    before, _, rest = text.partition(begin)
    PAGE.write_text(f"{before}{begin}\n{figures}{end}{rest.partition(end)[2]}", encoding="utf-8")


def markers(name: str) -> tuple[str, str]:
    """Give what stands before and after the figures of a recording."""
    return f"<!-- {name}: written by scripts/alert_burden.py -->", f"<!-- end of {name} -->"


def lines_of(folder: Path) -> Iterator[str]:
    """Give the figures of a recording as lines of Markdown."""
    sendings = sorted(recordings.read(folder / "vitals.csv.gz"), key=lambda sending: sending.at_ms)
    shipped, plain, repeated = run(sendings, ()), run(sendings, _plain()), run(sendings, _plain(keep_waits=True))
    yield from _table(shipped, plain, repeated)
    yield ""
    yield from _sentences(shipped)
    if folder.name == "mimic2_numerics":
        yield ""
        yield from _durations(shipped, run(sendings, tuple(map(_switched_on, DURATION_RULES))), run(sendings, _bare()))


def _plain(*, keep_waits: bool = False) -> tuple[WardLimit, ...]:
    """Give limits by which two good readings that are not at one moment end a breach, however soon.

    Nothing lies between the limit that raises and the one that clears. The policy has no less: one good reading alone
    never clears. Every breach counts at once, unless the waits for a repeat are kept.
    """
    cadence = {} if keep_waits else {"cadence": Cadence.AT_ONCE}
    rules = [rule for rule in BASE.clinical if not rule.named]
    return tuple(
        _limit(rule.name, off_delay="1s", limit_on=rule.limit_on, limit_off=rule.limit_on, **cadence) for rule in rules
    )


def _switched_on(rule: Any) -> WardLimit:  # noqa: ANN401 -- a rule of the table
    return _limit(rule.name, enabled=True)


def _bare() -> tuple[WardLimit, ...]:
    """Give the limits of the duration rules without their durations."""
    return tuple(_limit(rule.name, enabled=True, cadence=Cadence.AT_ONCE, off_delay="1s") for rule in DURATION_RULES)


def _limit(rule: str, **changes: Any) -> WardLimit:  # noqa: ANN401 -- fields of a rule
    return WardLimit(rule=rule, author="docs/alert-burden.md", reason="a comparison", from_ms=0, **changes)


def run(sendings: Sequence[recordings.Sending], limits: tuple[WardLimit, ...]) -> Run:
    """Replay a recording under limits of its ward, and read what came of it."""
    settings = Settings(wards=(Ward(id=WARD, name="Recorded", limits=limits),))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ward.db"
        replay.into(path, sendings, WARD, Provenance.of(settings), lambda _done, _of: None)
        with closing(database.open_reader(path)) as db:
            return _read(db)


def _read(db: Connection) -> Run:
    moments = {stay.stay_no: _moments(db, stay.stay_no) for stay in registers.stays(db)}
    admitted = {stay.stay_no: stay.admitted_ms for stay in registers.stays(db)}
    days = {(stay, (one.at_ms - admitted[stay]) // DAY_MS) for stay, found in moments.items() for one in found}
    happened = _happened(db)
    return Run(
        moments=moments,
        clinical={stay: found for (stay, lane), found in happened.items() if lane is Lane.CLINICAL},
        items=_by_lane(db.execute("select lane, peak from alert where stay_no > 0").fetchall()),
        calls=_by_lane([(lane, one.level) for (_, lane), found in happened.items() for one in found if _calls(one)]),
        waits=dict(db.execute("select state, count(*) from request group by state").fetchall()),
        patient_days=len(days),
    )


def _moments(db: Connection, stay_no: int) -> list[Moment]:
    """Give every scored moment of a stay: a score is stored where it changes, and holds until the next one."""
    devices = [one.device_no for one in registers.assignments(db) if one.stay_no == stay_no]
    rows = LogColumns.of([*stored.history(db, devices), *attempts.history(db, devices)])
    scored = Vitals(stored.vitals(db)).part(rows.vital) != NOBODY
    levels = [
        (at_ms, _level(SimpleNamespace(total_min=total, could_be=could_be, red=bool(red), quantities={})))
        for at_ms, total, could_be, red in db.execute(
            "select at_ms, total_min, could_be, red from score where stay_no = ? order by at_ms", [stay_no]
        )
    ]
    times = sorted(set(rows.observed_ms[scored].tolist()))
    return [Moment(at_ms=at_ms, level=levels[bisect_right(levels, (at_ms, EMERGENCY)) - 1][1]) for at_ms in times]


def _level(score: Any) -> int:  # noqa: ANN401 -- what verdicts asks of a score
    return max((int(rule.level) for rule in BASE.clinical if verdicts.present(rule, score)), default=0)


def _happened(db: Connection) -> dict[tuple[int, Lane], list[Happened]]:
    found: dict[tuple[int, Lane], list[Happened]] = {}
    for stay, lane, at_ms, kind, state, before, after in db.execute(
        """select stay_no, lane, event.at_ms, kind, state_after, level_before, level_after
           from alert_event as event join alert using (alert_no) where stay_no > 0 order by event_no"""
    ):
        rose = before is None or after > before
        one = Happened(at_ms=at_ms, kind=Kind(kind), state=State(state), level=after, rose=rose)
        found.setdefault((stay, Lane(lane)), []).append(one)
    return found


def _calls(one: Happened) -> bool:
    return one.kind in CALLS and (one.rose or one.kind is not Kind.WORSENED)


def _by_lane(pairs: Sequence[tuple[str, int]]) -> dict[str, Levels]:
    return {lane: Counter(level for name, level in pairs if name == lane) for lane in (Lane.CLINICAL, Lane.TECHNICAL)}


def _table(shipped: Run, plain: Run, repeated: Run) -> Iterator[str]:
    days = shipped.patient_days
    breaches = Counter(one.level for found in shipped.moments.values() for one in found if one.level)
    unbroken = Counter(max(one.level for one in part) for part in _unbroken(shipped, 1))
    yield "| an alert for | level 3 | level 2 | level 1 | all |"
    yield "|---|---|---|---|---|"
    yield _row("every breach", breaches, days)
    yield _row("every run of breaches", unbroken, days)
    yield _row("one item a patient: calls", plain.calls[Lane.CLINICAL], days)
    yield _row("one item a patient, with waits: calls", repeated.calls[Lane.CLINICAL], days)
    yield _row("as shipped: calls", shipped.calls[Lane.CLINICAL], days)
    yield _row("as shipped: items", shipped.items[Lane.CLINICAL], days)
    yield _row("technical, as shipped: calls", shipped.calls[Lane.TECHNICAL], days)
    yield _row("technical, as shipped: items", shipped.items[Lane.TECHNICAL], days)


def _row(title: str, levels: Levels, days: int) -> str:
    cells = [f"{count} ({count / days:.2f})" if count else "0" for count in (levels[3], levels[2], levels[1])]
    return f"| {title} | {' | '.join(cells)} | {levels.total()} ({levels.total() / days:.2f}) |"


def _unbroken(found: Run, least: int) -> Iterator[list[Moment]]:
    """Give the runs of moments of at least a level that no other moment breaks."""
    for moments in found.moments.values():
        for breaching, part in groupby(moments, key=lambda one: one.level >= least):
            if breaching:
                yield list(part)


def _sentences(shipped: Run) -> Iterator[str]:
    breaches = sum(one.level > 0 for found in shipped.moments.values() for one in found)
    moments = sum(map(len, shipped.moments.values()))
    calls = {lane: shipped.calls[lane].total() for lane in (Lane.CLINICAL, Lane.TECHNICAL)}
    both = sum(calls.values())
    patients = f"{len(shipped.moments)} patient{'s' * (len(shipped.moments) > 1)}"
    yield (
        f"{patients}, {shipped.patient_days} patient-days with a reading, {moments} scored moments, of which "
        f"{breaches} breach. In brackets: per patient-day."
    )
    yield ""
    yield (
        f"- **{breaches / calls[Lane.CLINICAL]:.0f} times fewer** calls than one for every breach; "
        f"{breaches / both:.0f} times fewer with the technical ones, which add {calls[Lane.TECHNICAL]} to "
        f"{calls[Lane.CLINICAL]}."
    )
    yield f"- {_missed(shipped)}"
    asked = sum(shipped.waits.values())
    over = shipped.waits.get("over", 0)
    yield f"- {asked} waits for a repeat: {asked - over} ended by a reading, {over} ran out without one."


def _missed(shipped: Run) -> str:
    """Say how many of the level 3 breaches that last lie in an alert of level 3, at every one of their moments."""
    lasting, covered, every, alone = 0, 0, 0, 0
    for stay, moments in shipped.moments.items():
        for worst, part in groupby(moments, key=lambda one: one.level == EMERGENCY):
            times = [one.at_ms for one in part] if worst else []
            seen = [_standing(shipped.clinical.get(stay, ()), at_ms) for at_ms in times]
            every, alone = every + len(seen), alone + sum(seen)
            if times and times[-1] - times[0] >= LASTING_MS:
                lasting, covered = lasting + 1, covered + all(seen)
    if not every:
        return "No breach of level 3 in it."
    return (
        f"Every level 3 breach of at least 30 min lies in an alert of level 3: {covered} of {lasting}; and of single "
        f"moments at level 3, {alone} of {every}."
    )


def _standing(events: Sequence[Happened], at_ms: int) -> bool:
    """Tell whether an alert of level 3 was active at a moment."""
    last = bisect_right(events, at_ms, key=lambda one: one.at_ms) - 1
    return last >= 0 and events[last].state in ACTIVE and events[last].level == EMERGENCY


def _durations(off: Run, lasting: Run, bare: Run) -> Iterator[str]:
    yield "| rules over single vitals (PMC9310747) | level 3 | level 2 | level 1 | all |"
    yield "|---|---|---|---|---|"
    for title, found in (("off, as shipped", off), ("on", lasting), ("on, their limits without durations", bare)):
        yield _row(f"{title}: calls", found.calls[Lane.CLINICAL], off.patient_days)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
