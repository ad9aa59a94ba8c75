"""The configuration file as it is written for a person."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from vwmon import config, written
from vwmon.errors import ConfigError, ConflictError

FILE = Path("/etc/vwmon/config.toml")
WARD = {"id": "frail", "name": 'The "frail" # ward', "time_zone": "UTC", "hours": "00:00-24:00"}


def test_the_example_in_the_package_is_the_one_that_is_handed_out() -> None:
    """There is one example, and no copy to be forgotten."""
    assert written.example() == (ROOT / "config.example.toml").read_text(encoding="utf-8")


def test_nothing_answered_is_the_defaults_and_nobody() -> None:
    """The example's ward, person and duty are examples; without an answer they are comments."""
    settings = config.parse(written.whole({}), FILE)
    assert (settings.wards, settings.people, settings.duty) == ((), (), ())
    assert (settings.store, settings.mqtt) == (config.Store(), config.Mqtt())


def test_a_value_stands_where_its_default_stood_with_its_comment() -> None:
    """In the same column where there is room."""
    told = written.whole({"mqtt.port": 8883, "store.path": "/a" * 40}).splitlines()
    assert "port = 8883                       # 8883 with TLS" in told
    assert f'path = "{"/a" * 40}"  # on a local disk, never a network share' in told


def test_each_channel_person_and_duty_has_a_table_of_its_own() -> None:
    """In the order in which they were said."""
    settings = config.parse(
        written.whole(
            {
                "notify.channels": {"pager": "credential:pager", "mail": "/etc/vwmon/mail.urls"},
                "people": [{"id": "n.shah", "role": "nurse", "channels": ["pager"]}, {"id": "j.doe"}],
                "duty": [{"tier": 1, "who": ["nurse"]}, {"tier": 2, "who": ["j.doe"]}],
            }
        ),
        FILE,
    )
    assert [channel.name for channel in settings.notify.channels] == ["pager", "mail"]
    assert [(one.id, one.role, one.channels) for one in settings.people] == [
        ("n.shah", "nurse", ("pager",)),
        ("j.doe", "", ()),
    ]
    assert [(duty.tier, duty.who) for duty in settings.duty] == [(1, ("nurse",)), (2, ("j.doe",))]


LIMITED = """\
[[wards]]
id = "resp"
name = "R"
[[wards.limits]]
rule = "news2_5"
author = "a"
reason = "r"
from = 2026-11-12T09:00:00Z
level = 1
"""


@pytest.mark.parametrize(
    "before",
    ["", "[store]\npath = 'x.db'", LIMITED, LIMITED + "[[duty]]\ntier = 1\ncalendar = 'c.ics'\n"],
)
def test_a_ward_is_added_to_a_file_however_it_was_edited(before: str) -> None:
    """All that was there holds as before."""
    was, after = (config.parse(text, FILE) for text in (before, written.with_ward(before, WARD, FILE)))
    assert after.wards[:-1] == was.wards
    assert after.wards[-1].name == WARD["name"]
    assert (after.store, after.duty) == (was.store, was.duty)


@pytest.mark.parametrize("before", ["wards = []\n", 'wards = [{ id = "resp", name = "R" }]\n'])
def test_a_file_to_which_nothing_can_be_added_is_left_to_its_owner(before: str) -> None:
    """With what to write there."""
    with pytest.raises(ConfigError, match=r"as \[\[wards\]\]"):
        written.with_ward(before, WARD, FILE)


def test_a_ward_of_that_name_is_a_conflict() -> None:
    """Two would share their topics."""
    with pytest.raises(ConflictError, match='a ward "frail" already'):
        written.with_ward("[[wards]]\nid = 'frail'\nname = 'x'\n", WARD, FILE)


def test_a_file_with_faults_is_not_added_to() -> None:
    """They are told, each with its line."""
    with pytest.raises(ConfigError, match=r"config\.toml:2: mqtt\.port"):
        written.with_ward("[mqtt]\nport = 0\n", WARD, FILE)
