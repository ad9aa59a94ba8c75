"""Stays and devices as rows for people and programs: what the commands on the registers show.

What identifies a person is not here, but for the one page that shows one patient.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from vwmon.cli import prescription_rows, render
from vwmon.cli.options import time_ms
from vwmon.cli.render import Here
from vwmon.config import Settings
from vwmon.patients.records import Assignment, Device, Stay
from vwmon.store import readings, registers
from vwmon.store.readings import Latest
from vwmon.store.sqlite import Connection

ELSEWHERE = "UTC"  # the zone of a ward that the configuration does not name


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """The registers as they were read at one moment, for looking up one in another."""

    stays: Mapping[int, Stay]
    devices: Mapping[int, Device]
    assignments: tuple[Assignment, ...]
    of_stay: Mapping[int, Sequence[Assignment]]
    held: Mapping[int, Assignment]
    last_ms: Mapping[int, int]

    def held_by(self, stay_no: int) -> list[Device]:
        """Give the devices that a stay has now."""
        return [self.devices[a.device_no] for a in self.of_stay.get(stay_no, ()) if a.to_ms is None]

    def holder_of(self, device_no: int) -> Assignment | None:
        """Give the assignment that a device is in now."""
        return self.held.get(device_no)

    def last_of_stay(self, stay_no: int) -> int | None:
        """Give when a stay was last heard of, by the latest reading of each device that was then its own."""
        times = [
            self.last_ms[a.device_no]
            for a in self.of_stay.get(stay_no, ())
            if a.device_no in self.last_ms and _covers(a, self.last_ms[a.device_no])
        ]
        return max(times, default=None)


def read(db: Connection) -> Registers:
    """Read the registers, and when each device was last heard of."""
    last: dict[int, int] = {}
    for (device_no, _), found in readings.latest(db).items():
        last[device_no] = max(found.observed_ms, last.get(device_no, 0))
    assignments = tuple(registers.assignments(db))
    of_stay: dict[int, list[Assignment]] = {}
    for one in assignments:
        of_stay.setdefault(one.stay_no, []).append(one)
    return Registers(
        stays={stay.stay_no: stay for stay in registers.stays(db)},
        devices={device.device_no: device for device in registers.devices(db)},
        assignments=assignments,
        of_stay=of_stay,
        held={one.device_no: one for one in assignments if one.to_ms is None},
        last_ms=last,
    )


def latest_of(db: Connection, stay_no: int, known: Registers) -> list[Latest]:
    """Give the last reading of each vital of each device a stay has or had, of the time in which it was the stay's.

    The log is searched for those that have measured since they were somebody else's, or nobody's.
    """
    held = known.of_stay.get(stay_no, ())
    last = readings.latest(db, sorted({a.device_no for a in held})).values()
    own = {one for one in last for a in held if a.device_no == one.device_no and _covers(a, one.observed_ms)}
    elsewhere = {one.device_no for one in last if one not in own}
    searched = [
        one
        for a in held
        if a.device_no in elsewhere and a.to_ms is not None and a.to_ms > a.from_ms
        for one in readings.latest_within(db, a.device_no, a.from_ms, a.to_ms - 1)
    ]
    return [one for one in last if one.device_no not in elsewhere] + searched


def stay_row(stay: Stay, known: Registers, at_ms: int) -> dict[str, Any]:
    """Give a stay as a row as it is at a moment, or was at its end, without anything that identifies a person."""
    prescribed = prescription_rows.now(stay, max(stay.admitted_ms, min(at_ms, stay.discharged_ms or at_ms)))
    return {
        "stay": stay.stay_no,
        "patient": stay.patient,
        "ward": stay.ward,
        "pathway": stay.pathway,
        "plan_version": stay.plan_version,
        "admitted_at": render.utc(stay.admitted_ms),
        "discharged_at": utc_or_none(stay.discharged_ms),
        "discharge_reason": stay.discharge_reason,
        **prescribed,
        "scale_prescriber": prescribed["scale_prescriber"] or "",
        "devices": [device.device for device in known.held_by(stay.stay_no)],
        "last_reading_at": utc_or_none(known.last_of_stay(stay.stay_no)),
    }


def assignment_rows(assignments: Iterable[Assignment], known: Registers) -> list[dict[str, Any]]:
    """Give who had which device when, the latest first."""
    return [
        {
            "device": known.devices[a.device_no].device,
            "patient": known.stays[a.stay_no].patient,
            "stay": a.stay_no,
            "from": render.utc(a.from_ms),
            "to": utc_or_none(a.to_ms),
        }
        for a in sorted(assignments, key=lambda a: -a.from_ms)
    ]


def utc_or_none(at_ms: int | None) -> str | None:
    """Give a time for programs; None is never."""
    return None if at_ms is None else render.utc(at_ms)


def since(now_ms: int) -> Callable[[str | None], str]:
    """Give a formatter for a table: how long ago a row's time was, at the moment the list stands at."""
    return lambda at: "never" if at is None else render.ago(max(now_ms - ms(at), 0))


def moment(text: str, now_ms: int) -> int:
    """Read when something in a register happens, now when that is not said; one in the future is warned of."""
    at_ms = time_ms(text) if text else now_ms
    if at_ms > now_ms:
        render.warn(f"note: {text} is still to come")
    return at_ms


def here(at: str | int, ward: str | None, settings: Settings) -> str:
    """Give a time on the wall clock of a ward with its offset from UTC: "2026-11-22 09:15+00:00"."""
    at_ms = at if isinstance(at, int) else ms(at)
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone(ward, settings))).isoformat(sep=" ", timespec="minutes")


def clock(ward: str | None, settings: Settings) -> Here:
    """Give what says the times of rows as the clock on a ward's wall shows them."""
    return partial(here, ward=ward, settings=settings)


def zone(ward: str | None, settings: Settings) -> str:
    """Give the time zone of a ward, UTC of one that the configuration does not name."""
    return next((found.time_zone for found in settings.wards if found.id == ward), ELSEWHERE)


def ms(at: str) -> int:
    """Undo render.utc."""
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def _covers(held: Assignment, at_ms: int) -> bool:
    return held.from_ms <= at_ms and (held.to_ms is None or at_ms < held.to_ms)
