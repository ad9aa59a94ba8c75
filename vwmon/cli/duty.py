"""`vwmon duty`: who is told of alerts, now or at a time, on each ward and at each tier. The rota is vwmon.rota's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from alerts.policy import POLICY, TIERS
from vwmon.cli import context, render
from vwmon.cli.options import ConfigOption, FormatOption, JsonOption, time_ms
from vwmon.cli.render import Column, Format
from vwmon.clock import Clock
from vwmon.config import Settings
from vwmon.config_duty import Ward
from vwmon.errors import NotFoundError

NOBODY = "NOBODY"
SECOND_MS = 1000
COLUMNS = (
    Column(key="ward", title="WARD", compose=lambda row: row["ward"] or "the whole service"),
    Column(key="ward_is", title="IS"),
    Column(key="tier", title="TIER"),
    Column(key="told", title="TOLD", compose=lambda row: _people(row["people"])),
    Column(key="waits", title="WAITS", compose=lambda row: _waits(row["waiting_levels"], row["opens_at"])),
)


def duty(
    *,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    at: Annotated[str, typer.Option(metavar="TIME", help="At this time instead of now.", show_default=False)] = "",
    ward: Annotated[str, typer.Option(help="One ward only.", show_default=False)] = "",
) -> None:
    """Show who is told of alerts on each ward: tier 1 at once, the next when nobody answers.

    A tier that nobody is on duty for is said on standard error too.
    """
    settings, form = context.resolve(config, None), render.chosen(form, as_json)
    at_ms = time_ms(at) if at else Clock().now_ms() // SECOND_MS * SECOND_MS
    wards = [one for one in settings.wards if ward in {"", one.id}]
    if ward and not wards:
        raise NotFoundError(f"no ward {ward} is configured; there are: {', '.join(one.id for one in settings.wards)}")
    rows = list(_rows(settings, wards, at_ms, service=not ward))
    render.emit(rows, COLUMNS, form, title=f"on duty at {render.utc(at_ms)}")
    for row in rows:
        if not row["people"]:
            render.warn(f"nobody is on duty: {row['ward'] or 'the whole service'}, tier {row['tier']}")


def told(settings: Settings, record: Mapping[str, Any], now_ms: int) -> str:
    """Say who is on duty for an alert now, at the tier that it has come to."""
    from vwmon import rota

    people = rota.on_duty(settings, record["ward"] or "", record["level"], record["tier"], now_ms)
    if people is None:
        return "nobody is told before then"
    named = _people([{"id": one.id, "role": one.role} for one in people])
    return f"on duty for it, tier {record['tier']}: {named}"


def _rows(settings: Settings, wards: list[Ward], at_ms: int, *, service: bool) -> Iterator[dict[str, Any]]:
    from vwmon import hours, rota
    from vwmon.duty import NO_WARD, opens_ms

    for ward in [*wards, *([NO_WARD] if service else [])]:
        staffed = hours.staffed(ward.hours, ward.time_zone, at_ms)
        waiting = [level.value for level, clock in POLICY.clocks.items() if clock.waits and not staffed]
        for tier in range(1, TIERS + 1):
            yield {
                "at": render.utc(at_ms),
                "ward": ward.id or None,
                "ward_is": "open" if staffed else "closed",
                "tier": tier,
                "people": [
                    {"id": one.id, "role": one.role or None, "channels": list(one.channels)}
                    for one in rota.serving(settings, ward, (tier, at_ms))
                ],
                "waiting_levels": waiting,
                "opens_at": None if staffed else render.utc(opens_ms(ward, at_ms)),
            }


def _people(people: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{one['id']} ({one['role']})" if one["role"] else str(one["id"]) for one in people]
    return ", ".join(named) or NOBODY


def _waits(levels: list[int], until: str) -> str:
    return f"level {', '.join(map(str, levels))} until {until}" if levels else "-"
