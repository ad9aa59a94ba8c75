"""What differs between two configurations, key by key."""

from collections.abc import Sequence
from pathlib import Path

from vwmon import config, config_changes
from vwmon.config_changes import NOT_THERE, Change

WARDS = """\
[monitor]
silent_after = "15m"
[notify.channels.pager]
urls_file = "/etc/vwmon/pager"
[[wards]]
id = "resp"
name = "Respiratory"
[[wards.limits]]
rule = "news2_5"
author = "Dr A"
reason = "agreed"
from = 2026-11-01T00:00:00Z
level = 2
[[people]]
id = "sister.north"
channels = ["pager"]
[[duty]]
tier = 1
who = ["sister.north"]
"""


def changes(*replaced: tuple[str, str]) -> Sequence[Change]:
    """Give what differs when words of the configuration are replaced."""
    content = WARDS
    for old, new in replaced:
        assert old in content
        content = content.replace(old, new)
    before, after = (config_changes.flat(config.parse(text, Path("vwmon.toml"))) for text in (WARDS, content))
    return config_changes.between(before, after)


def test_the_same_settings_differ_in_nothing() -> None:
    """Comments and what the default was anyway are no change."""
    assert changes(("[monitor]", '[monitor]  # x\nclock_jump = "1m"')) == []


def test_a_span_is_shown_as_it_is_written() -> None:
    """A reader compares it with the file."""
    assert changes(('"15m"', '"2h"')) == [("monitor.silent_after", '"15m"', '"2h"')]


def test_a_wards_limit_is_named_by_its_ward_and_its_place() -> None:
    """A slip in a level or in a date is seen for what it is."""
    assert changes(("level = 2", "level = 1"), ("2026-11-01", "2036-11-01")) == [
        ("wards.resp.limits.1.from", "2026-11-01T00:00:00.000Z", "2036-11-01T00:00:00.000Z"),
        ("wards.resp.limits.1.level", "2", "1"),
    ]


def test_what_is_taken_out_is_named_too() -> None:
    """An entry that is gone has gone with each of its keys."""
    found = changes(("[[duty]]\n", ""), ("tier = 1\n", ""), ('who = ["sister.north"]\n', ""))
    assert found[0] == ("duty", '["1"]', "[]")
    assert ("duty.1.who", '["sister.north"]', NOT_THERE) in found


def test_the_order_of_wards_is_a_setting_as_well() -> None:
    """The hash that alerts carry depends on it."""
    second = '[[wards]]\nid = "hf"\nname = "HF"\n'
    first = config.parse(second + WARDS, Path("vwmon.toml"))
    last = config.parse(WARDS + second, Path("vwmon.toml"))
    (order,) = config_changes.between(config_changes.flat(first), config_changes.flat(last))
    assert order == ("wards", '["hf", "resp"]', '["resp", "hf"]')
    assert first.hash != last.hash
