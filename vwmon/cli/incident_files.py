"""The files of an incident: what is in each, and how they come into their folder, all of them or none.

What is stored is given as it is stored; whether the alerts come out the same when they are made again is said beside
them.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from alerts import audit, queries
from alerts.model import SYSTEM_STAY, Alert
from alerts.queries import Lookups
from vwmon import explain
from vwmon.cli import explained, reading_rows, render, stay_lookups
from vwmon.config import Settings
from vwmon.errors import ConflictError, NotFoundError
from vwmon.patients.records import By, Stay
from vwmon.provenance import Provenance
from vwmon.store import account, anchors, configured, listing, registers, scores
from vwmon.store.account import Account
from vwmon.store.database import atomic, sync_folder
from vwmon.store.listing import Wanted
from vwmon.store.sqlite import Connection

Record = Mapping[str, Any]
Period = tuple[int, int]
ALL: Final = 1 << 31
FOLDER_MODE, FILE_MODE = 0o700, 0o600
SUMS: Final = "SHA256SUMS"
TIMES: Final = "_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose incident it is, of which period, why, by whom it is asked for, and whether with who the person is."""

    patient: str
    period: Period
    reason: str
    by: By
    identity: bool


def export(db: Connection, settings: Settings, asked: Asked, into: Path) -> dict[str, int]:
    """Write the files into a new folder and note it in the journal; give how many records each has.

    ConflictError when there is such a folder, NotFoundError when there is none to put it into, or the patient was not
    there in that period. Nothing is noted where nothing was written, nor left behind where it was not noted.
    """
    if into.exists() or into.is_symlink():
        raise ConflictError(f"{into} is there already; an export is always a new folder")
    if not into.absolute().parent.is_dir():
        raise NotFoundError(f"the folder {into.absolute().parent} does not exist; make it first")
    stays = [stay for stay in registers.stays_of(db, asked.patient) if _overlaps(stay, asked.period)]
    if not stays:
        raise NotFoundError(f"patient {asked.patient!a} was not on a ward in that period; see: vwmon patients show")
    making = into.with_name(f".{into.name}.{os.getpid()}.new")
    making.mkdir(mode=FOLDER_MODE)
    try:
        counts = _write(making, _files(db, settings, asked, stays))
        with atomic(db):
            for stay in stays:
                registers.journal(db, asked.by, _noted(asked), stay.stay_no)
            making.rename(into)
    except BaseException:
        shutil.rmtree(making if making.exists() else into)
        raise
    sync_folder(into.parent)
    return counts


def _noted(asked: Asked) -> str:
    whole = " with identity" if asked.identity else ""
    return f"incident-export {render.utc(asked.period[0])} to {render.utc(asked.period[1])}{whole}: {asked.reason}"


def _overlaps(stay: Stay, period: Period) -> bool:
    return stay.admitted_ms <= period[1] and (stay.discharged_ms is None or stay.discharged_ms >= period[0])


def _files(db: Connection, settings: Settings, asked: Asked, stays: Sequence[Stay]) -> Mapping[str, Sequence[Record]]:
    """Give the records of each file, by its name."""
    accounts = [account.read(db, stay.stay_no) for stay in stays]
    alerts = [alert for one in accounts for alert in _of_period(one.kept.alerts.values(), asked.period)]
    service = _of_period(account.kept(db, SYSTEM_STAY).alerts.values(), asked.period)
    files: dict[str, Sequence[Record]] = {
        "about.jsonl": [_about(db, settings, asked, accounts)],
        "stays.jsonl": [_stay(one, identity=asked.identity) for one in accounts],
        "readings.jsonl": _readings(db, asked),
        "refused.jsonl": [row for one in accounts for row in _refused(db, one, asked.period)],
        "scores.jsonl": [
            {"stay": stay.stay_no, "late": bool(row.late), "received": render.utc(row.received_ms)}
            | stay_lookups.score_record(row, stay.chart)
            for stay in stays
            for row in scores.history(db, stay.stay_no, *asked.period)
        ],
        "alerts.jsonl": _alerts(db, alerts, asked.by.at_ms),
        "history.jsonl": [event for alert in alerts for event in queries.history(db, alert.id)],
        "told.jsonl": [row for alert in alerts for row in queries.deliveries(db, alert.alert_no)],
        "made_again.jsonl": [_made_again(db, settings, alert) for alert in alerts],
        "configured.jsonl": _configured(db, asked.period),
        "service.jsonl": [event for alert in service for event in queries.history(db, alert.id)],
    }
    if asked.identity:
        files["identity.jsonl"] = [_said(asdict(registers.identity(db, stay.stay_no))) for stay in stays]
    return files


def _about(db: Connection, settings: Settings, asked: Asked, accounts: Sequence[Account]) -> Record:
    """Say what this is, of when, by which software, and whether the history it is from is as it was written."""
    beside = anchors.beside(settings.store.path)
    found = audit.audit(db, anchors.read(beside) if beside.exists() else [])
    made_by = {number: one.versions[number] for one in accounts for number in one.kept.made_by}
    return {
        "patient": asked.patient,
        "from": render.utc(asked.period[0]),
        "to": render.utc(asked.period[1]),
        "exported_at": render.utc(asked.by.at_ms),
        "exported_by": asked.by.actor,
        "reason": asked.reason,
        "software": Provenance.of(settings).software,
        "config_hash": settings.hash,
        "made_by": [versions._asdict() for versions in made_by.values()],
        "history": {"sound": not found.breaks, "events": found.count, "head": found.head},
    }


def _configured(db: Connection, period: Period) -> list[Record]:
    """Give the settings that a daemon started with and that were in use in a period."""
    return [
        {"since": render.utc(one.since_ms), "config_hash": one.config_hash, "settings": one.settings}
        for one in configured.in_use(db, *period)
    ]


def _stay(one: Account, *, identity: bool) -> Record:
    """Give a stay with what belongs to it; of a child the birthdays on which its chart changes, with who it is only."""
    assert one.stay is not None  # noqa: S101 -- a patient's, and not the service's
    names = {number: device.device for number, device in one.devices.items()}
    held = [_said(asdict(a)) | {"device": names[a.device_no]} for a in one.assignments]
    several: dict[str, Sequence[Any]] = {
        "limits": one.limits,
        "schedules": one.schedules,
        "pauses": one.pauses,
        "transfers": one.transfers,
        "journal": one.journal,
    }
    stay = asdict(one.stay)
    return (
        _said(stay if identity else {name: value for name, value in stay.items() if name != "age_bands"})
        | {"devices": held, "findings": [_said(asdict(found.finding)) for found in one.findings]}
        | {name: [_said(asdict(row)) for row in rows] for name, rows in several.items()}
    )


def _readings(db: Connection, asked: Asked) -> list[dict[str, Any]]:
    wanted = Wanted(limit=ALL, owner="patient", patient=asked.patient, since_ms=asked.period[0])
    found = [row for row in listing.readings(db, wanted) if row.observed_ms <= asked.period[1]]
    return reading_rows.reading_rows(db, found[::-1])


def _refused(db: Connection, one: Account, period: Period) -> list[dict[str, Any]]:
    """Give what was refused of the devices that the stay had when it came."""
    found = [
        refusal
        for held in one.assignments
        for refusal in listing.refusals(db, one.devices[held.device_no].device, "", max(held.from_ms, period[0]), ALL)
        if refusal.received_ms <= period[1] and (held.to_ms is None or refusal.received_ms < held.to_ms)
    ]
    return [reading_rows.refusal_row(refusal) for refusal in found]


def _alerts(db: Connection, alerts: Sequence[Alert], now_ms: int) -> list[Record]:
    lookups: Lookups = stay_lookups.lookups(db, now_ms)
    return [record for _, record in queries.by_number(db, lookups, now_ms, [alert.alert_no for alert in alerts])]


def _made_again(db: Connection, settings: Settings, alert: Alert) -> Record:
    """Make an alert again as it was raised; whether it comes to what is stored is in `equal`."""
    return explained.record(explain.explain(db, alert.id, Provenance.of(settings, told=True), 1))


def _of_period(alerts: Iterable[Alert], period: Period) -> list[Alert]:
    return [a for a in alerts if a.opened_ms <= period[1] and (a.closed_ms is None or a.closed_ms >= period[0])]


def _said(row: Record) -> dict[str, Any]:
    """Give a record with its times as the interface writes them."""
    return {
        (key.removesuffix(TIMES) if key.endswith(TIMES) else key): (
            render.utc(value) if key.endswith(TIMES) and isinstance(value, int) else value
        )
        for key, value in row.items()
    }


def _write(folder: Path, files: Mapping[str, Sequence[Record]]) -> dict[str, int]:
    """Write each file with a record a line, and the sums by which whoever gets them can tell that they are whole."""
    sums = []
    for name, records in files.items():
        content = "".join(f"{json.dumps(record, default=str)}\n" for record in records).encode()
        _put(folder / name, content)
        sums.append(f"{sha256(content).hexdigest()}  {name}\n")
    _put(folder / SUMS, "".join(sums).encode())
    sync_folder(folder)
    return {name: len(records) for name, records in files.items()}


def _put(file: Path, content: bytes) -> None:
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    with os.fdopen(handle, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(handle)
