"""`vwmon patients refer`, `accept`, `decline`: before the admission. Optional, and nobody is scored by any of it."""

from typing import Annotated

import typer

from vwmon.cli import render, stay_stages
from vwmon.cli.changing import changing, tell
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, OnePatient
from vwmon.cli.render import Format
from vwmon.cli.standing import Standing
from vwmon.patients import admission
from vwmon.patients.stages import last_of
from vwmon.store import referrals, stages
from vwmon.store.referrals import Wish
from vwmon.store.sqlite import Connection


def refer(
    patient: OnePatient,
    ward: Annotated[str, typer.Option(help="The ward's id.", show_default=False)],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="Who refers, as in GP.", show_default=False)] = "",
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="When; else now.", show_default=False)] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Write down that a ward is asked to take a patient. Nobody is watched before the admission.

    Exit codes: 5 the patient is referred or on a ward already.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        found = stages.refer(change.db, Wish(patient, ward, by.strip(), change.moment(at)), change.by)
        since = change.here(found.referred_ms, ward)
    tell(
        stay_stages.referral_row(found),
        form,
        f"Referred {patient} to {ward}, {since}. NOT WATCHED until admitted.",
        f"Next: vwmon patients accept {patient}",
        f"Undo: vwmon patients decline {patient} --reason error",
    )


def accept(
    patient: OnePatient,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Accept a referral. Nobody is watched before the admission.

    Exit codes: 3 there is no referral; 5 it is accepted already.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        found = stages.accept(change.db, patient, change.by)
    tell(
        stay_stages.referral_row(found),
        form,
        f"Accepted {patient} for {found.ward}. NOT WATCHED until admitted.",
        f"Next: vwmon patients admit {patient} --ward {found.ward} --born YYYY-MM-DD",
        f"Undo: vwmon patients decline {patient} --reason error",
    )


def decline(
    patient: OnePatient,
    reason: Annotated[
        str, typer.Option(metavar="CODE", help=f"One of {', '.join(admission.DECLINE_REASONS)}.", show_default=False)
    ],
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Decline a referral, with a reason.

    Exit codes: 3 there is no referral; 5 it is declined already, or the patient is on a ward.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        found = stages.decline(change.db, patient, reason, change.by)
    tell(
        stay_stages.referral_row(found),
        form,
        f"Declined {patient} for {found.ward}: {reason}.",
        f"Undo: vwmon patients refer {patient} --ward {found.ward}",
    )


def show(db: Connection, patient: str, at: Standing, form: Format) -> None:
    """Show somebody who was referred and never admitted."""
    found = last_of(referrals.every(db, patient))
    if found is None:
        return
    at.announce(form)
    row = stay_stages.referral_row(found)
    if form is not Format.TABLE:
        render.emit_one(row, form)
        return
    why = f": {found.decline_reason}" if found.decline_reason else ""
    said = f" by {found.source}" if found.source else ""
    at.say(
        [f"Patient {patient}", f"Referred to {found.ward}{said} at {row['referred_at']}", f"Stage: {row['stage']}{why}"]
    )
    render.say("NOT WATCHED until admitted: nothing is expected of this patient, and nothing scored.")
