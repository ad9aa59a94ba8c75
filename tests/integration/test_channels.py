"""Real sending through Apprise to a webhook on this machine: what counts as taken, and what is kept from the log."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.integration.webhook import DROP, REFUSE, SILENT, SLOW, Webhook, listening
from vwmon import channels, config
from vwmon.channels import Address
from vwmon.config import Channel, Notify, Settings
from vwmon.errors import ConfigError


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """A webhook."""
    with listening() as running:
        yield running


def written(file: Path, *lines: str) -> Path:
    """Write a file of addresses that only we may read."""
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def settings(*files: Path) -> Settings:
    """Give settings with a channel for each file, named as it is."""
    return Settings(notify=Notify(channels=tuple(Channel(name=file.stem, urls_file=file) for file in files)))


def loaded(folder: Path, hook: Webhook) -> Address:
    """Give the webhook as an address."""
    return channels.load(settings(written(folder / "pager.urls", hook.url)))["pager"]


def test_a_message_arrives_as_it_was_written(tmp_path: Path, hook: Webhook) -> None:
    """Subject and text, line by line."""
    assert loaded(tmp_path, hook).send("subject", "one\ntwo") is None
    (post,) = hook.posted
    assert (post["title"], post["message"]) == ("subject", "one\ntwo")


@pytest.mark.hazard("H3")
@pytest.mark.parametrize(("answer", "posted"), [(REFUSE, 0), (SILENT, 0), (DROP, 1)])
def test_what_was_not_confirmed_was_not_taken(tmp_path: Path, hook: Webhook, answer: str, posted: int) -> None:
    """An error, no answer, and a connection that ends without one: each is a failure with a reason."""
    hook.answer = answer
    trouble = loaded(tmp_path, hook).send("subject", "text")
    assert trouble
    assert "hush-hush" not in trouble
    assert len(hook.posted) == posted


def test_a_slow_answer_is_an_answer(tmp_path: Path, hook: Webhook) -> None:
    """Within the timeout."""
    hook.answer = SLOW
    assert loaded(tmp_path, hook).send("subject", "text") is None


def test_nobody_listening_is_a_failure(tmp_path: Path, hook: Webhook) -> None:
    """And no exception."""
    address = loaded(tmp_path, hook)
    hook.stop()
    assert address.send("subject", "text")


@pytest.mark.hazard("T13")
def test_no_secret_reaches_the_log(tmp_path: Path, hook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    """Apprise says addresses in full; the journal is read by many."""
    caplog.set_level(logging.DEBUG, logger="vwmon")
    hook.answer = REFUSE
    loaded(tmp_path, hook).send("subject", "text")
    with pytest.raises(ConfigError) as caught:
        channels.load(settings(written(tmp_path / "bad.urls", "slack://hush-hush", "nonsense://hush-hush")))
    assert "hush-hush" not in caplog.text + str(caught.value)


def test_each_line_of_a_file_is_an_address_of_its_own(tmp_path: Path, hook: Webhook) -> None:
    """So that one that fails is tried again without the others being told twice; comments and empty lines are none."""
    file = written(tmp_path / "ward.urls", "# the ward's phones", hook.url, "", hook.url, hook.url)
    found = channels.load(settings(file, written(tmp_path / "mail.urls", hook.url)))
    assert list(found) == ["ward", "ward#2", "ward#3", "mail"]
    assert channels.of_channel(found, "ward") == ["ward", "ward#2", "ward#3"]


def test_every_fault_is_told_at_once_with_its_line(tmp_path: Path, hook: Webhook) -> None:
    """A file that is not there, that is empty, that everyone may read, and a line that is no address."""
    everyone = written(tmp_path / "open.urls", hook.url)
    everyone.chmod(0o644)
    gone, empty = tmp_path / "gone.urls", written(tmp_path / "empty.urls", "# nothing")
    bad = written(tmp_path / "bad.urls", hook.url, "what?")
    asked = settings(gone, empty, everyone, bad)
    with pytest.raises(ConfigError) as caught:
        channels.load(asked)
    assert caught.value.faults == channels.faults(asked)
    assert caught.value.faults == (
        f"{gone}: No such file or directory",
        f"{empty}: there is no address in it",
        f"{everyone}: everyone on this machine may read this secret; chmod o-rwx it",
        f"{bad}:2: not an address that Apprise knows",
    )


def test_without_the_extra_channels_are_refused(tmp_path: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """By check-config and at the start, with what to install; without channels nothing is missing."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    asked = settings(written(tmp_path / "pager.urls", hook.url))
    with pytest.raises(ConfigError, match=r"pip install 'vwmon\[notify\]'"):
        channels.load(asked)
    assert channels.faults(asked) == (channels.NOT_INSTALLED,)
    assert channels.load(Settings()) == {}
    assert channels.faults(Settings()) == ()


def test_a_credential_is_looked_at_by_the_daemon_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there only while the daemon runs."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    text = "[notify.channels.pager]\nurls_file = 'credential:pager'\n"
    asked = config.parse(text, tmp_path / "x.toml")
    assert channels.faults(asked) == ()
    assert config.credentials(asked) == (config.CREDENTIALS / "pager",)
    assert config.file_faults(asked) == []


def test_check_config_looks_at_the_addresses(vwmon: Command, tmp_path: Path, hook: Webhook) -> None:
    """Before the night in which they are needed."""
    file = tmp_path / "x.toml"
    file.write_text("[notify.channels.pager]\nurls_file = 'pager.urls'\n", encoding="utf-8")
    written(tmp_path / "pager.urls", "what?")
    refused = vwmon("check-config", file)
    assert (refused.exit_code, refused.stderr) == (
        8,
        f"error: {tmp_path / 'pager.urls'}:1: not an address that Apprise knows\n",
    )
    written(tmp_path / "pager.urls", hook.url)
    assert vwmon("check-config", file).exit_code == 0


def test_a_channel_is_tried_out_by_hand(vwmon: Command, tmp_path: Path, hook: Webhook) -> None:
    """It says what became of each address; a refusal is exit code 1, a channel that is not there 3."""
    file = tmp_path / "x.toml"
    file.write_text("[notify.channels.pager]\nurls_file = 'pager.urls'\n", encoding="utf-8")
    written(tmp_path / "pager.urls", hook.url, hook.url)
    done = vwmon("notify", "test", "pager", "--config", file)
    assert (done.exit_code, done.stdout) == (0, "pager: taken\npager#2: taken\n")
    assert hook.subjects == ["vwmon: a test message"] * 2
    hook.answer = REFUSE
    done = vwmon("notify", "test", "pager", "--config", file)
    assert done.exit_code == 1
    assert done.stdout.startswith("pager: NOT taken: ")
    unknown = vwmon("notify", "test", "fax", "--config", file)
    assert (unknown.exit_code, unknown.stderr) == (3, "error: there is no channel 'fax'; there are pager\n")
    assert vwmon("notify", "test", "fax").stderr == "error: there is no channel 'fax'; none is configured\n"
