"""Devices as rows for people and programs: whose each is, where it is, what it said last, and until when it is right.

What may be asked for is here too. What is done to a device is vwmon.cli.devices'.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from vwmon import calibration
from vwmon.calibration import Due
from vwmon.cli import register_rows, render
from vwmon.cli.register_rows import Registers, here, utc_or_none
from vwmon.cli.render import Column, Row
from vwmon.config import Settings
from vwmon.patients.records import Device
from vwmon.store import kit
from vwmon.store.kit import Out
from vwmon.store.kit_out import BY_HAND
from vwmon.store.sqlite import Connection

NAMED = {Due.UNKNOWN: "unknown", Due.FINE: "{}", Due.SOON: "{}\nsoon", Due.OVERDUE: "{}\nOVERDUE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The registers at one moment, with what is out: what a device's row is made of."""

    known: Registers
    out: Mapping[int, Out]
    settings: Settings
    now_ms: int

    @classmethod
    def read(cls, db: Connection, settings: Settings, now_ms: int) -> "Shelf":
        """Read it from a database."""
        out = {one.device_no: one for several in kit.still_out(db).values() for one in several}
        return cls(known=register_rows.read(db), out=out, settings=settings, now_ms=now_ms)

    def rows(self) -> list[dict[str, Any]]:
        """Give every device, by name."""
        return [self.row(device) for device in sorted(self.known.devices.values(), key=lambda device: device.device)]

    def row(self, device: Device) -> dict[str, Any]:
        """Give a device with whose it is now, or from whom it is to come back."""
        held, out = self.known.holder_of(device.device_no), self.out.get(device.device_no)
        stay = self.known.stays[held.stay_no] if held is not None else None
        had = self.known.stays[out.stay_no] if out is not None else None
        ward = stay.ward if stay else None
        return {
            "device": device.device,
            "profile": device.profile,
            "serial": device.serial,
            "registered": device.registered,
            "added_at": render.utc(device.added_ms),
            "patient": stay.patient if stay else None,
            "ward": ward,
            "stay": stay.stay_no if stay else None,
            "assigned_at": utc_or_none(held.from_ms if held else None),
            "status": device.status,
            "status_at": utc_or_none(device.status_ms),
            "battery_percent": device.battery_percent,
            "battery_at": utc_or_none(device.battery_ms),
            "firmware": device.firmware,
            "last_reading_at": utc_or_none(self.known.last_ms.get(device.device_no)),
            "out_since": utc_or_none(out.since_ms if out else None),
            "out_from": had.patient if had else None,
            "out_ward": had.ward if had else None,
            "calibration": self._calibration(device, ward),
            "calibration_due": device.calibration_due,
            "calibrated_at": utc_or_none(device.calibrated_ms),
            "retired_at": utc_or_none(device.retired_ms),
            "retired_reason": device.retired_reason,
        }

    def _calibration(self, device: Device, ward: str | None) -> Due | None:
        """Say how its calibration stands today on its ward; None of what is no device: who enters readings by hand."""
        if device.profile == BY_HAND:
            return None
        return calibration.stands(device.calibration_due, self._day(self.now_ms, ward))

    def _day(self, at_ms: int, ward: str | None) -> date:
        return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(register_rows.zone(ward, self.settings))).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which devices are asked for; of several wishes all must hold."""

    free: bool
    out: bool
    due: bool
    retired: bool
    ward: str

    def of(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Choose the rows; what is due comes in the order of its date, what is out in that of its time."""
        chosen = [row for row in rows if all(wish(row) for asked, wish in self._wishes() if asked)]
        if self.due:
            chosen.sort(key=lambda row: (list(Due).index(row["calibration"]), row["calibration_due"] or ""))
        if self.out:
            chosen.sort(key=lambda row: row["out_since"])
        return chosen

    def _wishes(self) -> tuple[tuple[bool, Callable[[Row], bool]], ...]:
        return (
            (self.free, is_free),
            (self.out, lambda row: row["out_since"] is not None),
            (self.due, lambda row: row["calibration"] in {Due.OVERDUE, Due.SOON, Due.UNKNOWN} and row["registered"]),
            (self.retired, lambda row: row["retired_at"] is not None),
            (not self.retired, lambda row: row["retired_at"] is None or sends_although_retired(row)),
            (bool(self.ward), lambda row: self.ward in {row["ward"], row["out_ward"]}),
        )


def is_free(row: Row) -> bool:
    """Tell whether a device can be given to someone: it is in the register and here, and fit for use."""
    return row["registered"] and all(row[key] is None for key in ("patient", "out_since", "retired_at"))


def sends_although_retired(row: Row) -> bool:
    """Tell whether something that was written off has measured since: somebody uses it, and nobody sees it."""
    retired, last = row["retired_at"], row["last_reading_at"]
    return retired is not None and last is not None and register_rows.ms(last) >= register_rows.ms(retired)


def columns(now_ms: int) -> list[Column]:
    """Give the columns of the list."""
    ago = register_rows.since(now_ms)
    return [
        Column(key="device", title="DEVICE", no_wrap=True),
        Column(key="profile", title="PROFILE", no_wrap=True),
        Column(key="patient", title="WITH", compose=lambda row: _holder(row, ago)),
        Column(key="last_reading_at", title="SEEN", format=ago, no_wrap=True),
        Column(key="status", title="STATUS", compose=_status),
        Column(key="calibration", title="CAL. DUE", compose=calibration_of, no_wrap=True),
    ]


def footer(rows: list[dict[str, Any]], hidden: int) -> list[str]:
    """Count the devices, and name what is to be done about some of them."""
    counted = {
        "{} not in the register; add with: vwmon devices add DEVICE": [row for row in rows if not row["registered"]],
        "{} to come back; when one has: vwmon devices return DEVICE": [row for row in rows if row["out_since"]],
        "{} calibration overdue": [row for row in rows if row["calibration"] is Due.OVERDUE],
        "{} RETIRED and sending: somebody uses what nobody scores": list(filter(sends_although_retired, rows)),
    }
    lines = [f"{len(rows)} device{'' if len(rows) == 1 else 's'}"]
    lines += [line.format(len(found)) for line, found in counted.items() if found]
    return lines + ([f"{hidden} retired: vwmon devices --retired"] if hidden else [])


def page(record: Mapping[str, Any], title: str, now_ms: int, settings: Settings) -> list[str]:
    """Give the lines of one device's page."""
    ago, ward, last = register_rows.since(now_ms), record["ward"], record["last_reading_at"]
    in_register = "in the register" if record["registered"] else f"NOT ADDED: vwmon devices add {record['device']}"
    firmware = f", firmware {record['firmware']}" if record["firmware"] else ""
    lines = [
        title,
        f"Device {record['device']} {record['profile']} {record['serial']}".rstrip() + f", {in_register}",
        f"Status {record['status'] or 'unknown'}, battery {percent(record['battery_percent'])}{firmware}",
        f"Last reading {ago(last)}{' ago' if last else ''}",
        *_upkeep(record, settings),
    ]
    lines += [
        f"With {held['patient']} from {here(held['from'], ward, settings)}"
        + (f" to {here(held['to'], ward, settings)}" if held["to"] else "")
        for held in record["assignments"]
    ]
    lines += [
        f"Messages {gap['first_missing']} to {gap['last_missing']} did not come, {gap['still_missing']} still missing"
        for gap in record["gaps"]
        if gap["closed_at"] is None
    ]
    return [line for line in lines if line]


def calibration_of(row: Row) -> str:
    """Say when a calibration is due, on a line or two: what is not known is said to be unknown, never left blank."""
    due = row["calibration"]
    return "-" if due is None else NAMED[due].format(row["calibration_due"])


def percent(battery: float | None) -> str:
    """Say how full a battery is."""
    return "-" if battery is None else f"{battery:.0f} %"


def _upkeep(record: Mapping[str, Any], settings: Settings) -> list[str]:
    """Say whether it is still out, was retired, and how its calibration stands."""
    lines = []
    if record["retired_at"]:
        lines.append(f"RETIRED {here(record['retired_at'], None, settings)}: {record['retired_reason']}")
    if record["out_since"]:
        since = here(record["out_since"], record["out_ward"], settings)
        lines.append(f"To come back from {record['out_from']} since {since}; vwmon devices return {record['device']}")
    if record["calibration"] is not None:
        done = record["calibrated_at"]
        noted = f"; calibrated {here(done, record['ward'], settings)}" if done else ""
        due = " ".join(calibration_of(record).split())
        lines.append(f"Calibration due {due}{noted}")
    return lines


def _status(row: Row) -> str:
    battery = row["battery_percent"]
    return f"{row['status'] or 'unknown'}{'' if battery is None else f' {percent(battery)}'}"


def _holder(row: Row, ago: Callable[[str | None], str]) -> str:
    if row["retired_at"] is not None:
        return "nobody; RETIRED"
    if row["out_since"] is not None:
        return f"nobody; to come back since {ago(row['out_since'])} from {row['out_from']}"
    return str(row["patient"]) if row["patient"] is not None else "nobody" if row["registered"] else "NOT ADDED"
