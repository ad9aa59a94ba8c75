"""What is read again to count anew: the readings of some stays, told by the register, their scores and their alerts.

By statements of its own and not by those that the scorer follows the log with. What they come to is vwmon.recount's.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from vwmon.durations import DAY_MS
from vwmon.patients.plans import CANARY
from vwmon.store import prescribed, registers
from vwmon.store.sqlite import Connection

_WANTED = """wanted (vital_no, name) as materialized (select vital_no, name from vital
        where name in (select value from json_each({})))"""
# Of each vital the last reading before a time, and those from then on: a stay that is measured each second costs no
# more for what it sent all day. The primary key is by day, device and vital: each is named, and no day is read whole.
_MERGED: Final = f"""with asked (device_no, from_ms, to_ms) as materialized (
        select device_no, max(from_ms, ?2), coalesce(to_ms, 1 << 62) from assignment where stay_no = ?1),
    days (day) as (select min(from_ms) / {DAY_MS} from asked
        union all select day + 1 from days where day < (select max(day) from reading)),
    {_WANTED.format("?4")},
    spans (day, device_no, vital_no, name, from_ms, to_ms) as materialized (
        select day, device_no, vital_no, name, coalesce((select max(observed_ms) from reading
            where reading.day = days.day and reading.device_no = asked.device_no
            and reading.vital_no = wanted.vital_no and observed_ms >= from_ms and observed_ms < min(?3, to_ms)
            and value is not null), max(?3, from_ms)), to_ms
        from asked cross join days cross join wanted)
    select seq, name, observed_ms, received_ms, value
    from spans cross join reading using (day, device_no, vital_no)
    where observed_ms >= from_ms and observed_ms < to_ms and value is not null
    order by 1"""
# What is not merged is in the order of the log alone, so that it is read whole: once, for several stays.
_UNMERGED: Final = f"""with asked (stay_no, device_no, from_ms, to_ms) as materialized (
        select stay_no, device_no, max(from_ms, value ->> 1), coalesce(to_ms, 1 << 62)
        from json_each(?1) cross join assignment on stay_no = value ->> 0),
    {_WANTED.format("?2")}
    select stay_no, seq, name, observed_ms, received_ms, value
    from reading_log cross join asked using (device_no) cross join wanted using (vital_no)
    where seq <= ?3 and observed_ms >= from_ms and observed_ms < to_ms and value is not null
    order by seq"""
_SCORES: Final = """select at_ms, total_min, total_max,
        (software, chart, plan) = (select software, chart, plan from provenance where provenance_no = ?3)
    from score join provenance using (provenance_no) where stay_no = ?1
    and at_ms >= coalesce((select max(at_ms) from score where stay_no = ?1 and at_ms <= ?2), 0) order by at_ms"""
_ALERTS: Final = """select since_ms, cleared_ms, peak from alert where stay_no = ? and lane = 'clinical'
    and coalesce(cleared_ms, 1 << 62) > ?"""
# A line of the journal is known to the scorer from the first note on that goes as far; one without is not yet known.
_STAYS: Final = f"""with of_stay as materialized (
        select stay_no, max(entry_no) as entry_no from register_log group by 1),
    of_device as materialized (select device_no, max(entry_no) as entry_no from register_log group by 1),
    last as (select stay.stay_no, pathway, {prescribed.OF_STAY},
            max(coalesce(of_stay.entry_no, 0), coalesce(max(of_device.entry_no), 0)) as entry_no
        from stay left join of_stay using (stay_no) left join assignment using (stay_no)
            left join of_device using (device_no)
        where discharged_ms is null and age_bands = '' and pathway <> '{CANARY}'
            and stay.stay_no not in (select stay_no from stay_schedule) group by stay.stay_no)
    select stay_no, pathway, prescribed, coalesce((select noticed_ms from register_noticed
        where register_noticed.entry_no >= last.entry_no order by register_noticed.entry_no limit 1), 1 << 62)
    from last order by stay_no"""


class Open(NamedTuple):
    """A stay of an adult that goes on; the scorer knows since `known_ms` what the register says of it and its devices.

    `prescribed` are its prescriptions, as they stand with a stay.
    """

    stay_no: int
    pathway: str
    prescribed: str
    known_ms: int


class Read(NamedTuple):
    """One reading of a stay, by its number in the log."""

    seq: int
    vital: str
    observed_ms: int
    received_ms: int
    value: float


class Scored(NamedTuple):
    """A stored score: it stands from its time until the next one's. `ours`: by the versions that are asked for."""

    at_ms: int
    total_min: int
    total_max: int
    ours: bool


class Raised(NamedTuple):
    """A clinical alert: from its first breach to the first reading of the recovery, None while that has not come."""

    since_ms: int
    cleared_ms: int | None
    peak: int

    def covers(self, at_ms: int) -> bool:
        """Tell whether a moment lies in it."""
        return self.since_ms <= at_ms and (self.cleared_ms is None or at_ms < self.cleared_ms)


@contextmanager
def one_moment(db: Connection) -> Iterator[int]:
    """Have all that is read in the body be of one moment; give the version of the registers then."""
    db.execute("begin")
    try:
        yield registers.register_version(db)
    finally:
        db.execute("rollback")


def stays(db: Connection) -> Mapping[int, Open]:
    """Give the stays that are counted anew, by number: adults that go on, and persons; asked what the pathway asks.

    Whoever has a schedule of their own is left out: how long their readings count is another thing at other times.
    """
    return {row[0]: Open._make(row) for row in db.execute(_STAYS)}


def unmerged(
    db: Connection, since_ms: Mapping[int, int], vitals: Collection[str], cursor: int
) -> Mapping[int, Sequence[Read]]:
    """Give what is not merged of some stays, each since a time: as far as it is scored, in the order of the log."""
    found: dict[int, list[Read]] = {stay_no: [] for stay_no in since_ms}
    for stay_no, *row in db.execute(_UNMERGED, [json.dumps(list(since_ms.items())), json.dumps(list(vitals)), cursor]):
        found[stay_no].append(Read._make(row))
    return found


def merged(db: Connection, stay_no: int, from_ms: int, back_ms: int, vitals: Collection[str]) -> list[Read]:
    """Give the merged readings of a stay from a time on, and what counts then: the last of each vital since `back_ms`.

    By the register, in the order of the log; some others of before may be among them. All come before what is not
    merged.
    """
    rows = db.execute(_MERGED, [stay_no, back_ms, from_ms, json.dumps(list(vitals))])
    return [Read._make(row) for row in rows]


def scores(db: Connection, stay_no: int, from_ms: int, made_by: int) -> list[Scored]:
    """Give the stored scores of a stay from the one on that stands at a time; `made_by` is the number of versions."""
    return [Scored._make(row) for row in db.execute(_SCORES, [stay_no, from_ms, made_by])]


def alerts(db: Connection, stay_no: int, from_ms: int) -> list[Raised]:
    """Give the clinical alerts of a stay that were not over by a time."""
    return [Raised._make(row) for row in db.execute(_ALERTS, [stay_no, from_ms])]
