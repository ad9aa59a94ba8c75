"""Write docs/pathways.md from pathways, questionnaires and profiles; with --check, only say if it is up to date."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from alerts.layers import layered
from alerts.policy import BASE
from devices.profiles import PROFILES
from devices.profiles import VERSION as PROFILES_VERSION
from devices.vitals import VITALS, printed
from vwmon import durations
from vwmon.patients import asked, plans
from vwmon.patients.asked import Questionnaire
from vwmon.patients.records import Plan

PAGE = Path(__file__).parents[1] / "docs" / "pathways.md"
BEGIN = "<!-- From here on written by scripts/document_pathways.py: do not edit. -->\n"


def main() -> int:
    """Return 0 when the page is as it should be, or has been made so; 1 when --check finds that it is not."""
    words, _, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    wanted = words + BEGIN + "\n".join(lines()) + "\n"
    if PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    if "--check" in sys.argv:
        sys.stderr.write(f"{PAGE.name} does not say what the pathways say; run: make format\n")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def lines() -> Iterator[str]:
    """Yield the lines of every pathway, then those of every questionnaire and profile."""
    yield "\n## Pathways"
    for plan in plans.load_all().values():
        yield from pathway(plan)
    yield "\n## Questionnaires"
    for each in asked.load_all().values():
        yield from questionnaire(each)
    yield f"\n## Kinds of device\n\nVersion {PROFILES_VERSION} of the table.\n"
    yield from table(
        ("profile", "sends", "how often", "sleeps", "battery"),
        (
            (f"`{name}`", ", ".join(one.sends), one.every, "yes" if one.sleeps else "no", one.battery)
            for name, one in PROFILES.items()
        ),
    )
    yield "\nHow long a calibration does; of the other kinds nobody has published it, and it is asked for:\n"
    for name, one in PROFILES.items():
        if one.calibration is not None:
            yield f"- `{name}`: {one.calibration.days} days. Source: {one.calibration.source}."
    yield "\nWhat a reading can be instead of the patient:\n"
    for name, one in PROFILES.items():
        yield f"- `{name}`, {one.title}: {'; '.join(one.artefacts)}. Source: {one.source}."


def pathway(plan: Plan) -> Iterator[str]:
    """Yield the lines of one pathway."""
    yield f"\n### {plan.title}: `{plan.pathway}`, version {plan.version}\n"
    yield f"To be measured: {plan.schedule}.\n"
    yield f"Who answers: {plan.in_hours}. While the ward is closed: {plan.out_of_hours}.\n"
    yield from [] if plan.days is None else [f"Expected to last: {plan.days} days.\n"]
    yield from table(
        ("vital", "unit", "part of NEWS2", "counts for", "overdue after"),
        (
            (
                VITALS[name].title,
                printed(VITALS[name].unit) if VITALS[name].numeric else ", ".join(VITALS[name].choices),
                "yes" if name in plan.vitals else "no",
                durations.text(one.valid_ms),
                durations.text(one.overdue_ms),
            )
            for name, one in plan.expected.items()
        ),
    )
    rules = layered(BASE, plan.limits).rules
    for limit in plan.limits:
        rule = rules[limit.rule]
        side = f"from {rule.limit_on:g} {'up' if rule.side.value == 'above' else 'down'}"
        yield f"\nLimit: {rule.title}, level {rule.level}, {side} (`{limit.rule}`). Source: {limit.reason}."
    if not plan.limits:
        yield "\nNo limit of its own beside NEWS2."
    for one in plan.questionnaires:
        every = "every day" if one.every_days == 1 else f"every {one.every_days} days"
        clock = f"{one.at_minute // 60:02d}:{one.at_minute % 60:02d}"
        yield (
            f"\nAsked: `{one.questionnaire}`, at the admission and {every} at {clock}, overdue after "
            f"{durations.text(one.overdue_ms)}. Source: {one.source}."
        )
    yield "\nTo be asked at admission:\n"
    yield from (f"- {question}" for question in plan.ask)
    yield f"\nSource: {plan.source}."


def questionnaire(one: Questionnaire) -> Iterator[str]:
    """Yield the lines of one questionnaire."""
    yield f"\n### {one.set.title}: `{one.set.questionnaire}`, version {one.set.version}\n"
    yield from table(
        ("question", "", "answers, each with the number that stands for it", "then"),
        (
            (f"`{name}`", question.text, _answers(one, name), _then(question.next))
            for name, question in one.set.questions.items()
        ),
    )
    for rule in BASE.rules.values():
        if rule.quantity.startswith(f"{asked.ONE}{one.set.questionnaire}."):
            name = rule.quantity.removeprefix(asked.ONE)
            what = f"{rule.title}, level {rule.level}, `{name}` from {rule.limit_on:g} up (`{rule.name}`)"
            yield f"\nRule: {what}. Source: {rule.source}."
    yield f"\nSource: {one.source}."


def _answers(one: Questionnaire, name: str) -> str:
    question = one.set.questions[name]
    if question.range is not None:
        return "a number from {:g} to {:g}".format(*question.range)
    return ", ".join(f"`{word}` {text} ({one.levels[name][word]:g})" for word, text in question.words.items())


def _then(following: str | dict[str, str]) -> str:
    return following if isinstance(following, str) else ", ".join(f"{key}: {lead}" for key, lead in following.items())


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    titles = tuple(titles)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    raise SystemExit(main())
