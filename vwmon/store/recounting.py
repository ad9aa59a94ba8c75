"""What is read again to count anew: the readings of some stays, told by the register, their scores and their alerts.

By statements of its own and not by those that the scorer follows the log with. What they come to is vwmon.recount's.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from vwmon.durations import DAY_MS
from vwmon.patients.plans import CANARY
from vwmon.store import prescribed
from vwmon.store.sqlite import Connection

Asked = tuple[int, int]  # a stay, and from when on its readings are wanted

_ASKED = """asked (stay_no, device_no, from_ms, to_ms) as materialized (
    select stay_no, device_no, max(from_ms, value ->> 1), coalesce(to_ms, 1 << 62)
    from json_each(?1) cross join assignment on stay_no = value ->> 0)"""
# The primary key is by day, device and vital: each is named, so that a span is looked up and no day is read whole.
_READINGS: Final = f"""with {_ASKED},
    days (day) as (select min(from_ms) / {DAY_MS} from asked
        union all select day + 1 from days where day < ?2 / {DAY_MS}),
    wanted (vital_no, name) as materialized (select vital_no, name from vital
        where name in (select value from json_each(?3)))
    select stay_no, seq, name, reading.observed_ms, received_ms, value
    from asked cross join days cross join wanted cross join reading using (day, device_no, vital_no)
    where reading.observed_ms >= from_ms and reading.observed_ms < to_ms and value is not null
    union all select stay_no, seq, name, observed_ms, received_ms, value
    from reading_log cross join wanted using (vital_no) cross join asked using (device_no)
    where seq <= ?4 and observed_ms >= from_ms and observed_ms < to_ms and value is not null
    order by 1, 2"""
_SCORES: Final = """select at_ms, total_min, total_max from score where stay_no = ?1
    and at_ms >= coalesce((select max(at_ms) from score where stay_no = ?1 and at_ms <= ?2), 0) order by at_ms"""
_ALERTS: Final = """select since_ms, cleared_ms, peak from alert where stay_no = ? and lane = 'clinical'
    and coalesce(cleared_ms, 1 << 62) > ?"""
_STAYS: Final = f"""with of_stay as materialized (select stay_no, max(at_ms) as at_ms from register_log group by 1),
    of_device as materialized (select device_no, max(at_ms) as at_ms from register_log group by 1)
    select stay.stay_no, pathway, {prescribed.OF_STAY},
        max(coalesce(of_stay.at_ms, 0), coalesce(max(of_device.at_ms), 0))
    from stay left join of_stay using (stay_no) left join assignment using (stay_no)
        left join of_device using (device_no)
    where discharged_ms is null and age_bands = '' and pathway <> '{CANARY}'
        and stay.stay_no not in (select stay_no from stay_schedule) group by stay.stay_no"""


class Open(NamedTuple):
    """A stay of an adult that goes on; what the register said of it and its devices last changed at `changed_ms`.

    `prescribed` are its prescriptions, as they stand with a stay.
    """

    stay_no: int
    pathway: str
    prescribed: str
    changed_ms: int


class Read(NamedTuple):
    """One reading of a stay, by its number in the log."""

    seq: int
    vital: str
    observed_ms: int
    received_ms: int
    value: float


class Scored(NamedTuple):
    """A stored score: it stands from its time until the next one's."""

    at_ms: int
    total_min: int
    total_max: int


class Raised(NamedTuple):
    """A clinical alert: from its first breach to the first reading of the recovery, None while that has not come."""

    since_ms: int
    cleared_ms: int | None
    peak: int

    def covers(self, at_ms: int) -> bool:
        """Tell whether a moment lies in it."""
        return self.since_ms <= at_ms and (self.cleared_ms is None or at_ms < self.cleared_ms)


def stays(db: Connection) -> list[Open]:
    """Give the stays that are counted anew: those of adults that go on, and of persons; asked what the pathway asks.

    Whoever has a schedule of their own is left out: how long their readings count is another thing at other times.
    """
    return [Open._make(row) for row in db.execute(_STAYS)]


def readings(
    db: Connection, asked: Sequence[Asked], vitals: Collection[str], now_ms: int, cursor: int
) -> Mapping[int, Sequence[Read]]:
    """Give the readings of some stays from a time on, by the register, in the order of the log and as far as scored."""
    found: dict[int, list[Read]] = {stay_no: [] for stay_no, _ in asked}
    rows = db.execute(_READINGS, [json.dumps(asked), now_ms, json.dumps(list(vitals)), cursor])
    for stay_no, *row in rows:
        found[stay_no].append(Read._make(row))
    return found


def scores(db: Connection, stay_no: int, from_ms: int) -> list[Scored]:
    """Give the stored scores of a stay from the one on that stands at a time."""
    return [Scored._make(row) for row in db.execute(_SCORES, [stay_no, from_ms])]


def alerts(db: Connection, stay_no: int, from_ms: int) -> list[Raised]:
    """Give the clinical alerts of a stay that were not over by a time."""
    return [Raised._make(row) for row in db.execute(_ALERTS, [stay_no, from_ms])]
