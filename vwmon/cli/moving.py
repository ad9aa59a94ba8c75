"""`vwmon patients transfer`: a patient goes to another ward. What becomes of the stay is vwmon.transferring's."""

import uuid
from typing import Annotated, Any

import typer

from alerts.acts import Act
from vwmon.cli import render
from vwmon.cli.changing import Change, changing, tell
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, OnePatient
from vwmon.cli.register_rows import stay_row
from vwmon.cli.render import Format
from vwmon.cli.standing import standing_of
from vwmon.errors import NotFoundError
from vwmon.patients.records import Transfer
from vwmon.store.transfers import Wanted, of_stay


def transfer(
    patient: OnePatient,
    to: Annotated[str, typer.Option("--to", metavar="WARD", help="The ward's id.", show_default=False)],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)] = "no reason given",
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When the patient went; else now.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Put a patient on another ward; readings, devices, alerts, pauses and the patient's own limits go along.

    What somebody has in hand asks anew, so that the other ward takes it. Exit codes: 3 the patient is not on a ward, or
    there is no such ward; 5 the patient is there already.
    """
    from vwmon import transferring
    from vwmon.cli.acting import anchored

    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        _check_ward(change, to)
        wanted = Wanted(patient=patient, to=to, at_ms=change.moment(at), reason=reason)
        done = transferring.transfer(change.db, wanted, change.by, _act(change))
        anchored(change.db, change.settings.store.path)
        moved = of_stay(change.db, done.after.stay_no)[-1]
        row = stay_row(done.after, change.known(), change.by.at_ms) | {
            "transfer": transfer_row(moved),
            "alerts": [alert.id for alert in done.alerts],
        }
        since = change.here(moved.at_ms, to)
    asked = [f"{alert.id} (L{alert.level.value}{_owner(alert.owner)})" for alert in done.alerts]
    tell(
        row,
        form,
        f"Transferred {patient} from {done.before.ward} to {to}, {since}.",
        f"Open alerts, now {to}'s: {', '.join(asked)}." if asked else "There was no open alert.",
        f"The limits and hours of {to} hold from now on; devices stay as they are.",
        f"Undo: vwmon patients transfer {patient} --to {done.before.ward}",
    )


def transfer_row(moved: Transfer) -> dict[str, Any]:
    """Give a transfer as a row."""
    return {
        "from": moved.from_ward,
        "to": moved.to_ward,
        "at": render.utc(moved.at_ms),
        "written_at": render.utc(moved.written_ms),
        "by": moved.actor,
        "reason": moved.reason,
    }


def _owner(owner: str | None) -> str:
    return f", was with {owner}" if owner is not None else ""


def _check_ward(change: Change, to: str) -> None:
    """Raise NotFoundError for a ward that is not configured, where any are: nobody would look after the patient."""
    there = [ward.id for ward in change.settings.wards]
    if there and to not in there:
        raise NotFoundError(f"the configuration has no ward {to!a}; there are {', '.join(there)}")


def _act(change: Change) -> Act:
    """Give who acts on the alerts of the stay, under the terms of the ward that it comes to."""
    import socket

    from vwmon import terms
    from vwmon.duty import Staffing
    from vwmon.patients import plans

    state = standing_of(change.db).state
    staffing = Staffing(wards=change.settings.wards, told=state is None or state.mode != "recording")
    layers = terms.layers(staffing.wards, plans.load_all())
    return Act(
        actor=change.by.actor,
        now_ms=change.by.at_ms,
        op_id=f"transfer.{uuid.uuid4().hex}",
        host=socket.gethostname(),
        terms_of=lambda stay_no: terms.of_stay(change.db, stay_no, layers, staffing),
    )
