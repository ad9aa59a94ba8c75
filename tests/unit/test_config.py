"""The settings: where they are found, what is refused, and how faults are told."""

import stat
from dataclasses import fields
from pathlib import Path

import pytest

from tests.conftest import ROOT
from vwmon import config, toml_records
from vwmon.config import Mqtt, Settings
from vwmon.config_duty import Ward
from vwmon.errors import ConfigError

EXAMPLE = ROOT / "config.example.toml"


def faults_of(content: str, file: Path = Path("vwmon.toml")) -> tuple[str, ...]:
    """Return what is wrong with a configuration; fail when nothing is."""
    with pytest.raises(ConfigError) as caught:
        config.parse(content, file)
    return caught.value.faults


def test_without_a_file_the_defaults_hold() -> None:
    """Every setting has a value that works on one machine with a local broker."""
    settings = Settings()
    assert settings.store.path == Path("/var/lib/vwmon/vwmon.db")
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.prefix) == ("localhost", 1883, "vwmon")
    assert settings.wards == ()
    assert settings.path is None


def test_an_empty_file_changes_nothing_but_says_where_it_is() -> None:
    """Only the path differs from the defaults."""
    settings = config.parse("", Path("some.toml"))
    assert settings.path == Path("some.toml")
    assert settings.hash == Settings().hash


def test_the_example_names_every_key_with_its_default() -> None:
    """A reader of the example sees all there is; a list's one entry shows the keys of an entry."""
    settings = config.load(EXAMPLE)
    (ward,) = settings.wards
    for record in (
        settings.store,
        settings.mqtt,
        settings.ingest,
        settings.monitor,
        settings.commands,
        settings.notify,
    ):
        assert record == type(record)()
    assert (ward.time_zone, ward.hours) == ("Europe/London", "00:00-24:00")
    content = EXAMPLE.read_text(encoding="utf-8")
    for name, _ in toml_records.keys(Settings):
        key = name.rpartition(".")[2]
        assert any(line.startswith(f"{key} =") or f" {key} = " in line for line in content.splitlines()), name


def test_the_example_says_something_about_every_table() -> None:
    """Every key stands on a line with a comment, or under one."""
    bare = [
        line
        for line in EXAMPLE.read_text(encoding="utf-8").splitlines()
        if " = " in line and "#" not in line and not line.startswith(("host", "username", "name", "time_zone"))
    ]
    assert bare == []


@pytest.mark.hazard("H17")
def test_every_fault_is_told_at_once_with_its_line() -> None:
    """One run of the daemon or of check-config shows all there is to mend, in the order of the file."""
    content = """\
[store]
path = ""
[mqtt]
prot = 18
port = "x"
tls = { crt = "c" }

[[wards]]
id = "A"
name = "A"
[[wards]]
name = "B"
hours = "8-9"
[ward]
"""
    faults = faults_of(content)
    assert [fault.split(": ")[0] for fault in faults] == [f"vwmon.toml:{line}" for line in (2, 4, 5, 6, 9, 11, 13, 14)]
    assert 'unknown key; did you mean "port"?' in faults[1]
    assert "wards: id is missing" in faults[5]
    assert 'unknown key; did you mean "wards"?' in faults[7]


@pytest.mark.hazard("H17")
def test_every_contradiction_of_a_canary_is_told_at_once_with_its_line() -> None:
    """Among each other, and with the daemon's own name."""
    content = """\
[mqtt]
username = "v"
client_id = "sim-001"
tls = { ca = "a", cert = "c", key = "k" }
[canary]
device = "sim-001"
every = "30s"
limit = "40s"
username = "v"
tls = { cert = "c" }
"""
    told = [fault.partition(": canary.")[::2] for fault in faults_of(content)]
    assert [(line, said.partition(":")[0]) for line, said in told] == [
        ("vwmon.toml:6", "device"),
        ("vwmon.toml:8", "limit"),
        ("vwmon.toml:9", "username"),
        ("vwmon.toml:10", "tls"),
        ("vwmon.toml:10", "tls"),
    ]


@pytest.mark.hazard("H17")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("mqtt = 1", "mqtt: 1 is not a table"),
        ("wards = 1", "wards: 1 is not a list of tables"),
        ("wards = [1]", "wards: 1 is not a table"),
        ("[mqtt]\nport = true", "is not a whole number from 1 to 65535"),
        ("[mqtt]\nport = 0", "is not a whole number from 1 to 65535"),
        ("[mqtt]\nport = 1883.0", "is not a whole number"),
        ("[mqtt]\nprefix = 'a/+'", "is not a topic without wildcards"),
        ("[mqtt]\nprefix = '/a'", "is not a topic without wildcards"),
        ("[mqtt]\nclient_id = ''", "is not 1 to 64 letters"),
        ("[mqtt]\nhost = ''", "neither a host nor a socket"),
        ('[mqtt]\nhost = "a\\u0007"', "is not a line of text"),
        ("[mqtt]\npassword_file = 'p'", "a password needs a username"),
        ("[mqtt]\ntls = { ca = 'a', cert = 'c' }", "cert and key are given together"),
        ("[mqtt]\ntls = { cert = 'c', key = 'k' }", "needs the ca"),
        ("canary.device = 'SIM'", "is not a device's name"),
        (
            "[canary]\ndevice = 'vwmon'",
            "vwmon.toml:2: canary.device: the daemon's own client_id would take its session",
        ),
        ("canary = { device = 'a', every = '10s' }", "canary.limit: it is longer than the time from one"),
        ("canary = { device = 'a', password_file = 'p' }", "a password needs a username"),
        ("canary = { device = 'a', tls = { cert = 'c' } }", "cert and key are given together"),
        ("[mqtt]\nusername = 'v'\n[canary]\ndevice = 'a'\nusername = 'v'", "the daemon's own user may not send"),
        (
            "[mqtt]\ntls = { ca = 'a', cert = 'c', key = 'k' }\n[canary]\ndevice = 'a'",
            "vwmon.toml:4: canary.device: the daemon shows a certificate, so the canary needs its own",
        ),
        (
            "mqtt.tls = { ca = 'a', cert = 'c', key = 'k' }\ncanary = { device='a', tls = { cert='c', key='l' } }",
            "the daemon's own certificate would take its session",
        ),
        ("[monitor]\nsilent_after = 15", "in quotes"),
        ("[monitor]\nsilent_after = '15'", "is not a span of time"),
        ("[monitor]\nsilent_after = '1s'", 'is not from "1m" to "1d"'),
        ("[monitor]\ncertificate_warns = '0s'", 'is not from "1d" to "365d"'),
        ("[monitor]\ncertificate_warns = 'off'", "is not a span of time"),
        ("[commands]\nallow_as = 'no'", "neither true nor false"),
        ("[commands.roles]\nact = 'ann'", "commands.roles.act: 'ann' is not a list of names"),
        ("[commands.roles]\nacts = ['ann']", 'unknown key; did you mean "act"?'),
        (
            "[commands.roles]\nact = ['ann']\nadmin = ['ann']",
            'vwmon.toml:3: commands.roles.admin: "ann" is named under act',
        ),
        ("[commands.roles]\nact = ['bay']\nshared = ['bay']", "only with [commands] allow_as = true"),
        ("commands.allow_as = true\n[commands.roles]\nadmin = ['bay']\nshared = ['bay']", "an administrator's"),
        ("[[wards]]\nid = 'a'\nname = 'A'\ntime_zone = 'Europe/Lundon'", "is not a time zone"),
        ("[[wards]]\nid = 'a'\nname = 'A'\ntime_zone = '../etc/passwd'", "is not a time zone"),
        ("[[wards]]\nid = 'a'\nname = 'A'\nhours = '25:00-26:00'", "is not hours"),
        ("[[wards]]\nid = 'a'\nname = 'A'\n[[wards]]\nid = 'a'\nname = 'B'", 'there is a ward "a" already'),
        ("notify = { channels = 1 }", "notify.channels: 1 is not a table"),
        ("notify = { channels = { a = 1 } }", "notify.channels.a: 1 is not a table"),
        ("[notify]\nfrom_level = 4", "is not a whole number from 1 to 3"),
        ("[notify.channels.pager]", "vwmon.toml:1: notify.channels.pager: urls_file is missing"),
        ("[notify.channels.pager]\nurls_file = ''", "vwmon.toml:2: notify.channels.pager.urls_file: a path may not"),
        ("[notify.channels.pager]\nurl = 'json://x'", "unknown key"),
        ("[notify.channels.Pager]\nurls_file = 'f'", "notify.channels.Pager: a name is 1 to 63 lower-case"),
        ("[[people]]\nid = 'ann'\nchannels = ['fax']", "people.channels: there is no [notify.channels.fax]"),
        ("x", "vwmon.toml:1: "),
        ("\nx = " + "[" * 3000, "vwmon.toml:2: it is nested too deeply"),
        ("\nx = " + "9" * 5000, "vwmon.toml:2: Exceeds the limit"),
        ("[store]\npath = '~nobody-of-this-name/x'", "vwmon.toml:2: store.path: "),
        ("[[duty]]\ntier = 1\ncalendar = '~nobody-of-this-name/x'", "somebody who is not known here"),
        ("[mqtt]\n\nport = ", "vwmon.toml:3: "),
    ],
)
def test_what_cannot_be_meant_is_refused(content: str, told: str) -> None:
    """Nothing that a person mistyped is taken for something else."""
    assert told in "\n".join(faults_of(content))


def test_faults_that_need_two_keys_are_told_together() -> None:
    """A contradiction does not hide another."""
    assert len(faults_of("[mqtt]\nhost = ''\npassword_file = 'p'\ntls = { cert = 'c' }")) == 4


@pytest.mark.hazard("T13")
def test_a_secret_in_the_file_is_refused_without_showing_it() -> None:
    """A password belongs into a file of its own; the fault names the key that takes it, not the secret."""
    (fault,) = faults_of("[mqtt]\npassword = 'hunter2'")
    assert "password_file" in fault
    assert "hunter2" not in fault


def test_relative_paths_start_at_the_file() -> None:
    """A configuration means the same from whatever folder a command is started in."""
    settings = config.parse('[store]\npath = "x.db"', Path("/etc/vwmon/config.toml"))
    assert settings.store.path == Path("/etc/vwmon/x.db")


def test_channels_are_named_by_their_tables() -> None:
    """In the order in which they are written; their files are beside the configuration."""
    content = "[notify.channels.pager]\nurls_file = 'p'\n[notify.channels.mail]\nurls_file = '/m'\n"
    channels = config.parse(content, Path("/etc/vwmon/vwmon.toml")).notify.channels
    assert [(channel.name, channel.urls_file) for channel in channels] == [
        ("pager", Path("/etc/vwmon/p")),
        ("mail", Path("/m")),
    ]


def test_a_credential_is_looked_for_where_systemd_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says where, and without one the path of the service is known."""
    content = '[mqtt]\nusername = "u"\npassword_file = "credential:mqtt"'
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    outside = config.parse(content, Path("x.toml"))
    assert outside.mqtt.password_file == Path("/run/credentials/vwmon.service/mqtt")
    assert config.credentials(outside) == (outside.mqtt.password_file,)
    assert config.file_faults(outside) == []
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/elsewhere")
    assert config.parse(content, Path("x.toml")).mqtt.password_file == Path("/run/elsewhere/mqtt")


def test_the_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config, then $VWMON_CONFIG, then ./vwmon.toml, then the user's folder, then /etc."""
    here, home, system = tmp_path / "here", tmp_path / "home", tmp_path / "etc.toml"
    places = {
        "system": system,
        "user": home / "vwmon" / "config.toml",
        "here": here / "vwmon.toml",
        "named": tmp_path / "named.toml",
        "explicit": tmp_path / "explicit.toml",
    }
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.delenv("VWMON_CONFIG")
    monkeypatch.setattr(config, "SYSTEM_FILE", system)
    assert config.load().path is None
    for name, place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f'[mqtt]\nclient_id = "{name}"', encoding="utf-8")
        if name == "named":
            monkeypatch.setenv("VWMON_CONFIG", str(place))
        explicit = place if name == "explicit" else None
        assert config.load(explicit).mqtt.client_id == name


@pytest.mark.hazard("H17")
def test_a_file_that_was_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Falling back to defaults would watch another ward than the one meant."""
    with pytest.raises(ConfigError, match="No such file"):
        config.load(tmp_path / "none.toml")
    monkeypatch.setenv("VWMON_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="No such file"):
        config.load()


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """It is named, not shown."""
    file = tmp_path / "x.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        config.load(file)


def secret(folder: Path, content: str, mode: int) -> Mqtt:
    """Write a password file and return the settings that name it."""
    file = folder / "password"
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)
    return Mqtt(username="u", password_file=file)


def test_the_password_is_read_from_its_file(tmp_path: Path) -> None:
    """The line's end is not part of it; spaces are."""
    assert config.read_password(secret(tmp_path, "pass word \n", 0o640)) == "pass word "
    assert config.read_password(Mqtt()) is None


@pytest.mark.hazard("T13")
@pytest.mark.parametrize(("content", "mode", "told"), [("p", 0o644, "everyone"), ("\n", 0o600, "empty")])
def test_a_bad_password_file_is_refused(tmp_path: Path, content: str, mode: int, told: str) -> None:
    """A secret that everyone can read is none, and an empty one is a mistake."""
    with pytest.raises(ConfigError, match=told):
        config.read_password(secret(tmp_path, content, mode))


@pytest.mark.hazard("T13")
def test_every_file_that_is_named_is_looked_at(tmp_path: Path) -> None:
    """What is missing and what is open to all are told together."""
    key = tmp_path / "key.pem"
    key.touch()
    key.chmod(0o644)
    content = f"[mqtt]\nusername='u'\npassword_file='p'\ntls = {{ ca='ca.pem', cert='cert.pem', key='{key}' }}"
    faults = config.file_faults(config.parse(content, tmp_path / "x.toml"))
    assert [fault.split(":")[0] for fault in faults] == [str(tmp_path / name) for name in ("ca.pem", "cert.pem")] + [
        str(key),
        str(tmp_path / "p"),
    ]
    key.chmod(stat.S_IRUSR)
    for name in ("ca.pem", "cert.pem"):
        (tmp_path / name).touch()
    assert len(config.file_faults(config.parse(content, tmp_path / "x.toml"))) == 1


@pytest.mark.hazard("H17")
def test_the_hash_follows_what_can_change_an_alert_and_nothing_else() -> None:
    """The same readings make the same alerts wherever database and broker are."""

    def hashed(content: str) -> str:
        return config.parse(content, Path("x.toml")).hash

    assert hashed("[store]\npath = 'a.db'\n[mqtt]\nport = 1884") == Settings().hash
    assert hashed("[monitor]\nsilent_after = '20m'") != Settings().hash
    assert hashed("[[wards]]\nid = 'a'\nname = 'A'") != Settings().hash
    assert hashed("[monitor]\nsilent_after = '900s'") == Settings().hash
    assert hashed("[monitor]\nping_url_file = 'x'\nping_every = '2m'") == Settings().hash


@pytest.mark.hazard("H17")
def test_the_settings_cannot_be_changed() -> None:
    """They are read once and are the same for every thread."""
    for record in (Settings(), Settings().mqtt, Ward(id="a", name="A")):
        with pytest.raises(AttributeError):
            setattr(record, fields(record)[0].name, None)


LIMITED = """
[[wards]]
id = "resp"
name = "Respiratory"
[[wards.limits]]
rule = "news2_5"
author = "ann"
reason = "ward round"
from = 2026-11-12T09:00:00Z
limit_on = 6
limit_off = 5
on_delay = "10m"
[[wards]]
id = "frail"
name = "Frailty"
[[wards.limits]]
rule = "news2_red"
author = "ben"
reason = "ward round"
from = "2026-11-12T09:00:00+01:00"
to = 2027-01-01T00:00:00Z
level = 1
"""


def test_a_ward_has_its_own_limits() -> None:
    """Each with who, why, from when and until when, in the words of the table of rules."""
    first, second = (ward.limits[0].of(ward.id) for ward in config.parse(LIMITED, Path("v.toml")).wards)
    assert (first.subject, first.rule, first.author, first.to_ms) == ("resp", "news2_5", "ann", None)
    assert first.changes == {"limit_on": 6, "limit_off": 5, "on_delay": "10m"}
    assert (second.changes, second.from_ms) == ({"level": 1}, 1_794_470_400_000)
    assert second.in_force(1_794_470_400_000)
    assert not second.in_force(1_798_761_600_000)


@pytest.mark.hazard("H17")
def test_every_fault_of_a_wards_limits_is_told_with_its_line() -> None:
    """All at once, each at the table of the right ward."""
    content = LIMITED.replace('author = "ann"', 'author = " "').replace("limit_off = 5", 'limit_off = "5"')
    content = content.replace("news2_red", "news2_blue").replace("level = 1", "lvel = 1").replace("2027-01", "2026-01")
    with pytest.raises(ConfigError) as refused:
        config.parse(content, Path("v.toml"))
    lines = [(fault.split(":")[1], fault.partition("wards.limits")[2][:10]) for fault in refused.value.faults]
    assert lines == [
        ("7", ".author: i"),
        ("11", ".limit_off"),
        ("17", ".rule: 'ne"),
        ("22", ".lvel: unk"),
    ]


@pytest.mark.hazard("H17")
@pytest.mark.parametrize(
    ("was", "becomes", "line", "said"),
    [
        ("limit_off = 5", "", 5, "given together"),
        ("limit_off = 5", "limit_off = 7", 5, "wrong side"),
        ("2027-01-01", "2026-01-01", 16, "ends before it begins"),
        ("level = 1", "", 16, "changes nothing"),
        ('rule = "news2_red"', 'rule = "news2_7"', 16, "level 3 cannot be taken off or down"),
    ],
)
def test_a_limit_that_cannot_hold_is_a_fault_of_the_configuration(was: str, becomes: str, line: int, said: str) -> None:
    """It is refused before any daemon runs by it."""
    with pytest.raises(ConfigError) as refused:
        config.parse(LIMITED.replace(was, becomes), Path("v.toml"))
    (fault,) = refused.value.faults
    assert fault.startswith(f"v.toml:{line}: wards.limits: ")
    assert said in fault


@pytest.mark.hazard("H17")
@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("9999-12-31T23:59:59-12:00", "beyond the calendar"),
        ("0001-01-01T00:00:00+12:00", "beyond the calendar"),
        ("2027-01-01T00:00:00", "no time with Z or an offset"),
        ("2027-01-01", "no time with Z or an offset"),
    ],
)
def test_a_time_that_is_no_moment_is_a_fault_of_the_configuration(time: str, said: str) -> None:
    """One beyond the calendar's ends, or without an offset, is told as it was written."""
    with pytest.raises(ConfigError) as refused:
        config.parse(LIMITED.replace("2027-01-01T00:00:00Z", time), Path("v.toml"))
    (fault,) = refused.value.faults
    assert fault.startswith(f"v.toml:21: wards.limits.to: {time} is {said}")


def test_a_limit_is_part_of_what_alerts_are_made_by() -> None:
    """Every alert stores the hash of the configuration; another limit is another hash."""
    one, other = (config.parse(text, Path("v.toml")).hash for text in (LIMITED, LIMITED.replace('"10m"', '"11m"')))
    assert one != other
