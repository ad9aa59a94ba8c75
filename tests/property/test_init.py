"""What `vwmon init` writes, over any answers: a configuration that holds them, and every comment of the example."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vwmon import config, written
from vwmon.cli import init_asking
from vwmon.cli.check_config import faults_of
from vwmon.cli.init_questions import QUESTIONS
from vwmon.config_duty import NAME, PERSON
from vwmon.errors import ConflictError

FILE = Path("/etc/vwmon/config.toml")
ZONES = ("Europe/London", "UTC", "Asia/Kathmandu", "America/St_Johns")

line = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
names = st.from_regex(NAME, fullmatch=True)
clock = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
brokers = st.one_of(names, st.builds("{}:{}".format, names, st.integers(1, 65_535)), st.just("/run/mosquitto/m.sock"))
people = st.dictionaries(st.from_regex(PERSON, fullmatch=True), st.one_of(st.just(""), names), max_size=4)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, str]:
    """Draw what somebody may answer: nothing but what each question takes."""
    there = draw(people)
    known = sorted({*there, *(role for role in there.values() if role)})
    whom = st.lists(st.sampled_from(known), unique=True, max_size=3) if known else st.just([])
    channels = draw(st.lists(names, unique=True, max_size=2)) if known else []
    said: dict[str, str] = {
        "ward": draw(names),
        "name": draw(line),
        "time_zone": draw(st.sampled_from(ZONES)),
        "hours": f"{draw(clock)}-{draw(clock)}",
        "broker": draw(brokers),
        "username": draw(st.one_of(st.just(""), line)),
        "store": f"/var/lib/{draw(line).replace('/', '_')}.db",
        "allow_as": draw(st.sampled_from(["yes", "no"])),
        "channel": ", ".join(f"{name}=credential:{name}" for name in channels),
    }
    if said["username"]:
        said["password_file"] = draw(st.sampled_from(["", "credential:mqtt"]))
    if channels:
        said["people"] = ",".join(f"{name}:{role}" if role else name for name, role in there.items())
        said |= {f"tier_{tier}": ",".join(draw(whom)) for tier in (1, 2, 3)}
    return said


def read(said: dict[str, str]) -> dict[str, Any]:
    """Read answers as the command does; nothing is asked of a broker here."""
    found: dict[str, Any] = {"store_default": ""}
    for question in QUESTIONS:
        if question.wanted(found) and question.name != "user":
            found[question.name] = question.read(said.get(question.name, question.otherwise(found)).strip())
    return found


@given(answers())
def test_what_was_answered_is_what_holds_and_has_no_fault(said: dict[str, str]) -> None:
    """Whatever people are called, the file is one that the daemon starts with, and says what they said."""
    found = read(said)
    settings = config.parse(written.whole(init_asking.values(found)), FILE)
    assert [fault for fault in faults_of(settings, 0) if "Apprise" not in fault] == []
    (ward,) = settings.wards
    assert (ward.id, ward.name, ward.time_zone, ward.hours) == tuple(
        said[key].strip() for key in ("ward", "name", "time_zone", "hours")
    )
    assert settings.store.path == Path(said["store"].strip())
    assert settings.mqtt.username == said["username"].strip()
    assert settings.commands.allow_as == (said["allow_as"] == "yes")
    assert {person.id: person.role for person in settings.people} == (found.get("people") or {})
    assert {duty.tier: list(duty.who) for duty in settings.duty} == {
        tier: found[f"tier_{tier}"] for tier in (1, 2, 3) if found.get(f"tier_{tier}")
    }
    where = settings.mqtt.socket or f"{settings.mqtt.host}:{settings.mqtt.port}"
    assert str(where) in {said["broker"], f"{said['broker']}:1883"}


@given(answers())
def test_the_file_that_is_written_keeps_every_comment_of_the_example(said: dict[str, str]) -> None:
    """Whoever edits it later finds beside each key what it is."""
    text = written.whole(init_asking.values(read(said)))
    comments = [part for each in written.example().splitlines() for part in each.partition("#")[1:] if part != "#"]
    _, _, below = written.example().partition(written.HEAD_ENDS)
    assert [one for one in below.splitlines() if one.startswith("#") and one not in text] == []
    assert [one for one in comments if one and one in below and one not in text] == []


@given(answers(), names, line)
def test_a_ward_that_is_added_changes_nothing_else(said: dict[str, str], ward: str, name: str) -> None:
    """What somebody wrote stays as it is, and the new ward stands behind it; one that is there is refused."""
    before = written.whole(init_asking.values(read(said)))
    added = {"id": ward, "name": name, "time_zone": "UTC", "hours": "08:00-20:00"}
    try:
        after = written.with_ward(before, added, FILE)
    except ConflictError:
        assert ward == said["ward"]
        return
    assert after.startswith(before.rstrip("\n"))
    assert [one.id for one in config.parse(after, FILE).wards] == [said["ward"], ward]
