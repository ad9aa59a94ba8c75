"""Every key of the settings, each with another value than it has: what differs names that key and no other."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from vwmon import config, config_changes, toml_records
from vwmon.config import Settings
from vwmon.written import literal

FILE = Path("/etc/vwmon/vwmon.toml")
LIMIT = {
    "rule": "news2_5",
    "author": "ann",
    "reason": "ward round",
    "from": "2026-11-12T09:00:00Z",
    "to": "2027-11-12T09:00:00Z",
    "enabled": True,
    "level": 2,
    "side": "above",
    "limit_on": 6,
    "limit_off": 5,
    "cadence": "spot",
    "on_delay": "5m",
    "off_delay": "30m",
    "unsure": "hold",
    "late": True,
}
BASE: dict[str, Any] = {
    "store": {},
    "mqtt": {"username": "hub", "tls": {"ca": "ca", "cert": "cert", "key": "key"}},
    "canary": {"tls": {}},
    "ingest": {},
    "monitor": {},
    "commands": {"allow_as": True, "roles": {"view": ["vic"]}},
    "notify": {"channels": {"pager": {"urls_file": "pager"}}},
    "wards": [{"id": "resp", "name": "Respiratory", "limits": [LIMIT]}],
    "people": [{"id": "north"}],
    "duty": [{"tier": 1, "who": ["north"]}],
}
OTHER: dict[str, Any] = {
    "store.path": "other.db",
    "mqtt.host": "broker",
    "mqtt.port": 8884,
    "mqtt.socket": "mqtt.sock",
    "mqtt.prefix": "ward",
    "mqtt.client_id": "second",
    "mqtt.username": "other",
    "mqtt.password_file": "password",
    "mqtt.tls.ca": "other",
    "mqtt.tls.cert": "other",
    "mqtt.tls.key": "other",
    "canary.every": "61s",
    "canary.limit": "31s",
    "ingest.receive_maximum": 4001,
    "ingest.batch": 2001,
    "ingest.merge_every": "10m1s",
    "monitor.silent_after": "15m1s",
    "monitor.lag_after": "61s",
    "monitor.clock_jump": "61s",
    "monitor.unwatched_after": "5m1s",
    "monitor.disk_free_mb": 1001,
    "monitor.quarantined_per_hour": 101,
    "monitor.certificate_warns": "30d1s",
    "monitor.sleeping_profiles": ["scale"],
    "monitor.ping_url_file": "ping",
    "monitor.ping_every": "61s",
    "monitor.ping_fail": True,
    "monitor.metrics": "127.0.0.1:9464",
    "commands.ask_who_after": "5m1s",
    "commands.roles.view": ["vic", "val"],
    "commands.roles.act": ["ann"],
    "commands.roles.plan": ["ben"],
    "commands.roles.admin": ["cat"],
    "commands.roles.shared": ["desk"],
    "notify.from_level": 3,
    "notify.channels.pager.urls_file": "other",
    "wards.0.name": "Frailty",
    "wards.0.time_zone": "Europe/Dublin",
    "wards.0.hours": "08:00-20:00",
    "wards.0.limits.0.rule": "worried_low",
    "wards.0.limits.0.author": "ben",
    "wards.0.limits.0.reason": "asked for",
    "wards.0.limits.0.from": "2026-11-12T09:00:00.001Z",
    "wards.0.limits.0.to": "2027-11-12T10:00:00+01:00",
    "wards.0.limits.0.enabled": False,
    "wards.0.limits.0.level": 1,
    "wards.0.limits.0.limit_on": 7,
    "wards.0.limits.0.limit_off": 4,
    "wards.0.limits.0.cadence": "continuous",
    "wards.0.limits.0.on_delay": "6m",
    "wards.0.limits.0.off_delay": "31m",
    "wards.0.limits.0.unsure": "worst",
    "wards.0.limits.0.late": False,
    "people.0.role": "sister",
    "people.0.channels": ["pager"],
    "duty.0.ward": "resp",
    "duty.0.tier": 2,
    "duty.0.hours": "20:00-08:00",
    "duty.0.days": ["mon"],
}
# With another key at their side, or the name of an entry: told below.
NOT_ALONE = {
    "canary.device",
    "canary.username",
    "canary.password_file",
    "canary.tls.ca",
    "canary.tls.cert",
    "canary.tls.key",
    "commands.allow_as",
    "wards.0.id",
    "people.0.id",
    "wards.0.limits.0.side",
    "duty.0.who",
    "duty.0.calendar",
}
CANARY = [f"canary.{name}" for name in ("device", "username", "password_file", "tls.ca", "tls.cert", "tls.key")]
SHOWN = {"wards[]": "wards.0", "limits[]": "limits.0", "people[]": "people.0", "duty[]": "duty.0", "NAME": "pager"}
HERE = {"wards.0": "wards.resp", "limits.0": "limits.1", "people.0": "people.north", "duty.0": "duty.1"}


def named(key: str, names: dict[str, str]) -> str:
    """Give a key with other names for the entries of lists."""
    for shown, here in names.items():
        key = key.replace(shown, here)
    return key


def changed(content: dict[str, Any], **others: Any) -> dict[str, Any]:  # noqa: ANN401 -- values of any kind
    """Give a configuration with other values at dotted keys."""
    content = deepcopy(content)
    for key, value in others.items():
        *way, last = key.split(".")
        inside: Any = content
        for step in way:
            inside = inside[int(step) if step.isdigit() else step]
        inside[last] = value
    return content


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Name the keys in which two configurations differ."""
    one, other = (
        config_changes.flat(config.parse("".join(f"{key} = {literal(value)}\n" for key, value in each.items()), FILE))
        for each in (before, after)
    )
    return [change.key for change in config_changes.between(one, other)]


def test_no_key_is_left_out_here() -> None:
    """Whoever adds a key adds another value for it."""
    assert {named(key, SHOWN) for key, _ in toml_records.keys(Settings)} == OTHER.keys() | NOT_ALONE


@pytest.mark.hazard("H17")
@pytest.mark.parametrize("key", OTHER)
def test_another_value_of_a_key_is_named_and_nothing_else(key: str) -> None:
    """By a second or a thousandth of one, too."""
    same = key.endswith("limits.0.to")  # another way to write the same moment
    assert differing(BASE, changed(BASE, **{key: OTHER[key]})) == ([] if same else [named(key, HERE)])


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"commands.allow_as": False}, ["commands.allow_as"]),
        ({"duty.0.who": ["sister"], "people.0.role": "sister"}, ["people.north.role", "duty.1.who"]),
        ({"duty.0.who": [], "duty.0.calendar": "rota.ics"}, ["duty.1.who", "duty.1.calendar"]),
        ({key: key for key in CANARY} | {"canary.device": "canary"}, CANARY),
        ({"notify.channels.mail": {"urls_file": "mail"}}, ["notify.channels", "notify.channels.mail.urls_file"]),
    ],
)
def test_keys_that_go_together_are_named_together(others: dict[str, Any], told: list[str]) -> None:
    """In the order of the settings."""
    assert differing(BASE, changed(BASE, **others)) == told


def test_the_other_side_of_a_limit_is_named() -> None:
    """It goes with another limit, which is named too."""
    of_a_number = {"rule": "heart_rate_110", "limit_on": 110, "limit_off": 105}
    before = changed(BASE, **{f"wards.0.limits.0.{name}": value for name, value in of_a_number.items()})
    after = changed(before, **{"wards.0.limits.0.side": "below", "wards.0.limits.0.limit_on": 100})
    assert differing(before, after) == ["wards.resp.limits.1.side", "wards.resp.limits.1.limit_on"]


@pytest.mark.parametrize("name", ["wards", "people"])
def test_another_name_of_an_entry_is_another_entry(name: str) -> None:
    """The one before is gone with all it said."""
    content = changed(BASE, duty=[]) | {"people": [{"id": "north"}]}
    gone = {"wards": "wards.resp.name", "people": "people.north.role"}[name]
    told = differing(content, changed(content, **{f"{name}.0.id": "other"}))
    assert {name, gone, gone.replace("resp", "other").replace("north", "other")} <= set(told)
