"""Who is told, when and by which way: people and roles by hours, days and calendars, at the ward's own wall clock."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from alerts.policy import BASE
from vwmon import config, duty, rota
from vwmon.config import Settings
from vwmon.config_duty import Duty
from vwmon.duty import UNTOLD, Route, Staffing
from vwmon.errors import ConfigError

CONFIG = """
[notify.channels.nurses]
urls_file = "credential:nurses"
[[wards]]
id = "resp"
name = "Respiratory"
hours = "08:00-20:00"
[[wards]]
id = "heart"
name = "Heart failure"
[[people]]
id = "n.shah"
role = "nurse"
channels = ["nurses"]
[[people]]
id = "j.lowe"
role = "nurse"
[[people]]
id = "o.reg"
role = "registrar"
[[people]]
id = "it"
[[duty]]
ward = "resp"
tier = 1
who = ["nurse"]
hours = "open"
[[duty]]
ward = "resp"
tier = 1
who = ["o.reg"]
hours = "closed"
[[duty]]
ward = "resp"
tier = 2
who = ["registrar", "n.shah"]
hours = "20:00-08:00"
days = ["fri"]
[[duty]]
ward = "heart"
tier = 1
who = ["j.lowe"]
"""
WEEKLY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//rota//rota//EN
BEGIN:VEVENT
UID:nights
DTSTAMP:20260101T000000Z
DTSTART:20260327T200000
DTEND:20260328T080000
RRULE:FREQ=DAILY;COUNT=4
SUMMARY:o.reg, nurse
END:VEVENT
END:VCALENDAR
"""


def ms(text: str) -> int:
    """Read a time with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def settings(more: str = "", file: Path = Path("vwmon.toml")) -> Settings:
    """Read the settings of these tests."""
    return config.parse(CONFIG + more, file)


def told(at: str, *, ward: str = "resp", level: int = 3, tier: int = 1, of: Settings | None = None) -> list[str]:
    """Name who is told."""
    found = rota.on_duty(of or settings(), ward, level, tier, ms(at))
    assert found is not None, "it waits"
    return [person.id for person in found]


PEOPLE = {1: "n.shah", 2: "j.lowe", 3: "o.reg"}


def serves(at: str, *, tier: int, of: Settings) -> list[str]:
    """Name who is on duty at a tier of the first ward, whoever else may be told instead."""
    return [person.id for person in rota.serving(of, of.wards[0], (tier, ms(at)))]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-15T07:59:59+00:00", ["o.reg"]),
        ("2026-01-15T08:00:00+00:00", ["n.shah", "j.lowe"]),
        ("2026-07-15T19:59:59+01:00", ["n.shah", "j.lowe"]),
        ("2026-07-15T20:00:00+01:00", ["o.reg"]),
        ("2026-03-29T07:59:59+01:00", ["o.reg"]),  # the night of 23 hours
        ("2026-03-29T08:00:00+01:00", ["n.shah", "j.lowe"]),
        ("2026-10-25T07:59:59+00:00", ["o.reg"]),  # and that of 25
        ("2026-10-25T08:00:00+00:00", ["n.shah", "j.lowe"]),
    ],
)
def test_the_ward_is_told_while_it_is_open_and_the_others_while_it_is_closed(at: str, expected: list[str]) -> None:
    """A role stands for everyone who has it; hours are the ward's own, in summer and in winter."""
    assert told(at) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-27T19:59:00+00:00", []),
        ("2026-11-27T20:00:00+00:00", ["n.shah", "o.reg"]),
        ("2026-11-28T07:59:00+00:00", ["n.shah", "o.reg"]),  # Saturday morning is still Friday's night
        ("2026-11-28T08:00:00+00:00", []),
        ("2026-11-28T20:00:00+00:00", []),
    ],
)
def test_a_night_belongs_to_the_day_it_began_on(at: str, expected: list[str]) -> None:
    """Each person once, in the order of the configuration."""
    assert serves(at, tier=2, of=settings()) == expected


@pytest.mark.parametrize(
    ("tiers", "asked", "expected"),
    [
        ((1, 2, 3), 1, "n.shah"),
        ((2, 3), 1, "j.lowe"),
        ((3,), 1, "o.reg"),
        ((1, 3), 2, "o.reg"),
        ((1, 2), 3, "j.lowe"),
        ((1,), 3, "n.shah"),
    ],
)
def test_where_nobody_is_on_at_a_tier_the_next_that_has_somebody_is_told(
    tiers: tuple[int, ...], asked: int, expected: str
) -> None:
    """At once, upwards first: an emergency does not wait out the minutes of a tier that is empty."""
    of = replace(settings(), duty=tuple(Duty(tier=tier, who=(PEOPLE[tier],)) for tier in tiers))
    assert told("2026-01-15T12:00:00+00:00", tier=asked, of=of) == [expected]


def test_with_nobody_on_at_any_tier_nobody_is_told() -> None:
    """And it is not taken for waiting."""
    assert told("2026-01-15T12:00:00+00:00", of=replace(settings(), duty=())) == []


def test_level_1_waits_for_the_ward_to_open() -> None:
    """Nobody is told at night; from 08:00 on the ward is. A ward that is always open waits for nothing."""
    night, day = "2026-03-29T00:30:00+00:00", "2026-03-29T08:00:00+01:00"
    assert rota.on_duty(settings(), "resp", 1, 1, ms(night)) is None
    assert told(day, level=1) == ["n.shah", "j.lowe"]
    assert rota.tell_ms(settings(), "resp", 1, ms(night)) == ms(day)
    assert rota.tell_ms(settings(), "resp", 2, ms(night)) == ms(night)
    assert rota.tell_ms(settings(), "resp", 1, ms(day)) == ms(day)
    routes = [
        rota.route(settings(), ward, level, ms(night)) for ward, level in (("resp", 1), ("resp", 2), ("heart", 1))
    ]
    assert routes == [Route.WAITS, Route.OUT_OF_HOURS, Route.WARD]


def test_what_is_wrong_with_the_whole_service_is_told_to_those_of_no_one_ward() -> None:
    """Where a duty names no ward, it is theirs; else everyone's who is on for some ward, by that ward's hours."""
    night = "2026-01-15T03:00:00+00:00"
    assert told(night, ward="") == ["j.lowe", "o.reg"]
    assert told(night, ward="", level=1) == ["j.lowe", "o.reg"], "it waits for no ward"
    more = settings('[[duty]]\ntier = 1\nwho = ["it"]\n')
    assert told(night, ward="", of=more) == ["it"]
    assert told(night, of=more) == ["o.reg", "it"], "whose duty names no ward is on for every ward"


def test_a_ward_that_is_not_configured_is_always_staffed() -> None:
    """So nothing waits for an opening that nobody knows of, and someone hears of it: whoever is on anywhere."""
    assert rota.route(settings(), "gone", 1, ms("2026-01-15T03:00:00+00:00")) is Route.WARD
    assert told("2026-01-15T03:00:00+00:00", ward="gone") == ["j.lowe", "o.reg"]


def test_the_terms_of_a_ward_say_when_it_opens_and_whether_anyone_is_told() -> None:
    """They are what alerts are followed under."""
    night = ms("2026-01-15T03:00:00+00:00")
    staffing = Staffing(wards=settings().wards, told=True)
    assert staffing.terms("resp").opens(night) == ms("2026-01-15T08:00:00+00:00")
    assert [staffing.terms(ward).opens(night) for ward in ("heart", "gone", "")] == [night] * 3
    assert (staffing.terms("resp").told, staffing.terms("resp").rules) == (True, BASE)
    assert not UNTOLD.terms("resp").told


@pytest.fixture
def nights(tmp_path: Path) -> Settings:
    """Settings with a calendar of four nights around the one on which the clocks go forward."""
    (tmp_path / "nights.ics").write_text(WEEKLY)
    return settings('[[duty]]\ntier = 3\ncalendar = "nights.ics"\n', tmp_path / "vwmon.toml")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-27T19:59:59+00:00", []),
        ("2026-03-27T20:00:00+00:00", ["n.shah", "j.lowe", "o.reg"]),
        ("2026-03-29T07:59:59+01:00", ["n.shah", "j.lowe", "o.reg"]),
        ("2026-03-29T08:00:00+01:00", []),
        ("2026-03-29T20:00:00+01:00", ["n.shah", "j.lowe", "o.reg"]),
        ("2026-03-31T08:00:00+01:00", []),
        ("2026-03-31T20:00:00+01:00", []),
    ],
)
def test_a_calendar_names_who_is_on(nights: Settings, at: str, expected: list[str]) -> None:
    """Its events repeat and have the ward's wall clock; their titles are people and roles."""
    assert serves(at, tier=3, of=nights) == expected


def test_a_calendar_that_changes_is_read_again(nights: Settings) -> None:
    """Without a restart."""
    assert told("2026-03-27T20:00:00+00:00", tier=3, of=nights) == ["n.shah", "j.lowe", "o.reg"]
    file = nights.duty[-1].calendar
    assert file is not None
    file.write_text(WEEKLY.replace("o.reg, nurse", "it"))
    assert told("2026-03-27T20:00:00+00:00", tier=3, of=nights) == ["it"]


def test_a_calendar_that_cannot_be_read_is_said(nights: Settings) -> None:
    """Whether it is gone or no calendar: who it named is not told in silence."""
    file = nights.duty[-1].calendar
    assert file is not None
    assert rota.faults(nights) == []
    file.write_text("dear all, on Friday it is Priya\nEND:VCALENDAR\n")
    with pytest.raises(ConfigError, match=r"nights\.ics: not a calendar"):
        rota.serving(nights, nights.wards[0], (3, ms("2026-03-27T20:00:00+00:00")))
    assert len(rota.faults(nights)) == 1
    file.write_text(WEEKLY[: len(WEEKLY) // 2])
    assert rota.faults(nights) == [f"{file}: not a calendar: it does not end with END:VCALENDAR"]
    file.write_bytes(b"\xff\xfe")
    assert len(rota.faults(nights)) == 1
    file.unlink()
    assert rota.faults(nights) == [f"{file}: No such file or directory"]


def test_a_calendar_that_is_being_written_leaves_nobody_untold(
    nights: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """What it last said counts, and the journal says so; of one that never could be, other tiers are."""
    night = "2026-03-27T20:00:00+00:00"
    file = nights.duty[-1].calendar
    assert file is not None
    assert told(night, tier=3, of=nights) == ["n.shah", "j.lowe", "o.reg"]
    file.write_text(WEEKLY[:100])
    assert told(night, tier=3, of=nights) == ["n.shah", "j.lowe", "o.reg"]
    assert "calendar_unreadable known=True" in caplog.text
    rota._last.clear()
    assert told(night, tier=3, of=nights) == ["n.shah", "o.reg"]
    assert "calendar_unreadable known=False" in caplog.text


def test_a_name_in_a_calendar_that_nobody_has_is_a_fault(nights: Settings) -> None:
    """A slip in a name must not leave a night without anyone."""
    file = nights.duty[-1].calendar
    assert file is not None
    file.write_text(WEEKLY.replace("o.reg, nurse", "o.reg, Priya"))
    assert rota.faults(nights) == [f'{file}: "Priya" is neither a person nor a role of one']


def test_without_the_extra_it_is_said_what_to_install(nights: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the check of the configuration, not on the night."""
    monkeypatch.setitem(__import__("sys").modules, "ical.calendar_stream", None)
    rota._read.cache_clear()
    (fault,) = rota.faults(nights)
    assert fault.endswith("nights.ics: reading a calendar needs the extra rota: pip install 'vwmon[rota]'")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ('[[people]]\nid = "it"\n', 'there is a person "it" already'),
        ('[[duty]]\ntier = 1\nwho = ["itt"]\n', '"itt" is neither a person nor a role of one'),
        ("[[duty]]\ntier = 1\n", "a duty takes either who or a calendar"),
        ('[[duty]]\ntier = 1\nwho = ["it"]\ncalendar = "a.ics"\n', "a duty takes either who or a calendar"),
        ('[[duty]]\ntier = 1\nward = "lung"\nwho = ["it"]\n', 'there is no ward "lung"'),
        ('[[duty]]\ntier = 4\nwho = ["it"]\n', "not a whole number from 1 to 3"),
        ('[[duty]]\ntier = 1\nwho = ["it"]\nhours = "night"\n', '"open", "closed", "always" or hours'),
        ('[[duty]]\ntier = 1\nwho = ["it"]\ndays = ["Friday"]\n', "not a list of days"),
        ('[[duty]]\ntier = 1\nwho = ["it"]\ndays = []\n', "not a list of days"),
        ('[[duty]]\ntier = 1\nwho = "it"\n', "not a list of names"),
        ('[[people]]\nid = "a b"\n', "not a name of letters"),
        ('[[people]]\nid = "ab"\nrole = "A"\n', "not 1 to 63 lower-case letters"),
    ],
)
def test_a_slip_in_the_rota_is_a_fault_with_its_line(more: str, complaint: str) -> None:
    """Nothing of who is told is guessed."""
    with pytest.raises(ConfigError) as raised:
        settings(more)
    assert complaint in str(raised.value)
    assert str(raised.value).startswith("vwmon.toml:")


def test_who_is_told_is_no_part_of_what_an_alert_is_made_by() -> None:
    """The rota changes every week, and an alert of last week is still as it was: the hash stays."""
    assert settings().hash == settings('[[duty]]\ntier = 1\nwho = ["it"]\n').hash
    assert duty.NO_WARD not in settings().wards
