"""The pages of docs/safety as they follow from the tables: the hazard log, the threats, and what is open of both."""

from collections.abc import Callable, Iterable, Iterator

from scripts.safety_case.records import RISK, Control, Entry, Hazard, Log, Severity, Threat

MUST_FALL = 4  # what DCB0129 has eliminated or controlled, whatever it costs
# What follows the id of a test, such as what became of it; nothing in the pages of the repository.
Told = Callable[[str], str]


def nothing(_test: str) -> str:
    """Say nothing of a test: what became of it is no part of the repository."""
    return ""


def hazards(log: Log, told: Told = nothing) -> Iterator[str]:
    """Yield the lines of the hazard log."""
    yield from _matrix()
    yield f"\n## All hazards\n\nVersion {log.hazards.version} of the log.\n"
    yield from table(
        ("id", "hazard", "at first", "with the controls", "proved", "planned", "for who deploys"),
        (
            (f"[{one.id}](#{one.id.lower()})", one.title, str(one.initial), str(one.residual), *_counts(one))
            for one in log.hazards.hazard
        ),
    )
    for one in log.hazards.hazard:
        yield from _hazard(one, told)
    yield from _invariants(log)


def _matrix() -> Iterator[str]:
    yield "\n## How it is rated\n"
    yield from table(("likelihood", *Severity), ((likelihood, *map(str, risks)) for likelihood, risks in RISK.items()))


def _counts(entry: Entry) -> tuple[str, str, str]:
    proved, planned = (sum(bool(getattr(one, way)) for one in entry.controls) for way in ("tests", "planned"))
    return str(proved), str(planned), str(len(entry.controls) - proved - planned)


def _hazard(one: Hazard, told: Told) -> Iterator[str]:
    yield f'\n<a id="{one.id.lower()}"></a>\n\n## {one.id}: {one.title}\n'
    yield from table(
        ("", ""),
        (
            ("how it could come about", one.cause),
            ("what would follow", one.effect),
            ("who is harmed", one.harmed),
            ("at first", str(one.initial)),
            ("with the controls", str(one.residual)),
            ("invariants", ", ".join(one.invariants) or "none"),
        ),
    )
    yield from _controls(one, told)


def _controls(entry: Entry, told: Told) -> Iterator[str]:
    yield ""
    if entry.open:
        yield f"**Open: no control is proved by a test.** {entry.open}\n"
    for control in entry.controls:
        yield f"- {_said(control)}"
        yield from (f"  - `{test}`{told(test)}" for test in control.tests)


def _said(control: Control) -> str:
    if control.planned:
        return f"**Planned, not there:** {control.control} {control.planned}"
    if control.deployment:
        return f"**For who deploys:** {control.control} {control.deployment}"
    return control.control


def _invariants(log: Log) -> Iterator[str]:
    yield "\n## Invariants\n\nWhat must hold at all times, and the hazards that it stands against.\n"
    yield from table(
        ("id", "what holds", "hazards"),
        (
            (name, text, ", ".join(one.id for one in log.hazards.hazard if name in one.invariants))
            for name, text in log.hazards.invariants.items()
        ),
    )


def threats(log: Log, told: Told = nothing) -> Iterator[str]:
    """Yield the lines of the table of threats."""
    yield f"\n## All threats\n\nVersion {log.threats.version} of the table.\n"
    yield from table(
        ("id", "threat", "could cause", "stands", "proved", "planned", "for who deploys"),
        ((one.id, one.title, ", ".join(one.hazards), _stands(one), *_counts(one)) for one in log.threats.threat),
    )
    for one in log.threats.threat:
        yield f"\n## {one.id}: {one.title}"
        yield from _controls(one, told)


def _stands(one: Threat) -> str:
    if one.open:
        return "open"
    return "controlled in part" if any(control.planned for control in one.controls) else "controlled and tested"


def still_open(log: Log) -> Iterator[str]:
    """Yield what is not there yet, of every hazard and threat, with the counts."""
    controls = [(entry, control) for entry in log.entries for control in entry.controls]
    proved, planned = (sum(bool(getattr(one, way)) for _, one in controls) for way in ("tests", "planned"))
    yield f"\n{len(log.hazards.hazard)} hazards and {len(log.threats.threat)} threats with {len(controls)} controls:"
    yield f"{proved} proved by tests, {planned} planned, {len(controls) - proved - planned} for who deploys.\n"
    left = [one.id for one in log.hazards.hazard if one.residual.risk >= MUST_FALL]
    yield f"A risk of {MUST_FALL} or more is left at: {', '.join(left) or 'none'}.\n"
    yield from table(("id", "no control is proved by a test"), ((e.id, e.open) for e in log.entries if e.open))
    yield ""
    yield from table(
        ("id", "planned, not there", "why not, and what that leaves"),
        ((entry.id, control.control, control.planned) for entry, control in controls if control.planned),
    )
    yield ""
    yield from table(
        ("id", "for who deploys", "why it is theirs"),
        ((entry.id, control.control, control.deployment) for entry, control in controls if control.deployment),
    )


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    titles = tuple(titles)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
