"""`vwmon init`: a ward set up step by step. What is asked is vwmon.cli.init_questions'; vwmon.setting_up does it."""

import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vwmon import config as settings_of
from vwmon.cli import context, init_asking, render
from vwmon.cli.init_next import steps, steps_of_a_ward
from vwmon.cli.init_questions import CANARY_DEVICE, OF_A_WARD, QUESTIONS, Found
from vwmon.cli.options import ConfigOption
from vwmon.clock import Clock
from vwmon.errors import ConfigError, ConflictError, UsageError, VwmonError

if TYPE_CHECKING:
    from vwmon.setting_up import Done

INTERRUPTED = 130
THERE = """\
{file} is there already, and nothing was written
another ward: vwmon init --add-ward --config {file}
all anew, with a copy of it kept: vwmon init --force --config {file}
anything else: edit it, then vwmon check-config {file}"""
SYSTEM_STORE = Path("/var/lib/vwmon/vwmon.db")


def _option(metavar: str, words: str) -> Any:  # noqa: ANN401 -- typer's own
    return typer.Option(metavar=metavar, help=words, show_default=False)


@dataclass(frozen=True, kw_only=True)
class How:
    """How it is gone about: where the file is, what the options say, and what they allow."""

    file: Path
    given: dict[str, str]
    yes: bool
    force: bool

    @property
    def asks(self) -> bool:
        """Tell whether there is somebody to ask."""
        return not self.yes and at_a_terminal()


def init(
    *,
    config: ConfigOption = None,
    ward: Annotated[str | None, _option("ID", "The ward's id, as in the topics of its devices.")] = None,
    name: Annotated[str | None, _option("NAME", "Its name, for people.")] = None,
    time_zone: Annotated[str | None, _option("ZONE", "Its time zone; else Europe/London.")] = None,
    hours: Annotated[str | None, _option("HOURS", "When it is staffed, as 08:00-20:00; else always.")] = None,
    ca: Annotated[str | None, _option("FILE", "The authority that signed the broker's certificate.")] = None,
    cert: Annotated[str | None, _option("FILE", "The daemon's own certificate.")] = None,
    key: Annotated[str | None, _option("FILE", "Its key; else credential:key, which systemd hands over.")] = None,
    broker: Annotated[str | None, _option("BROKER", "HOST, HOST:PORT or a socket's path; else localhost.")] = None,
    username: Annotated[str | None, _option("NAME", "The user name at the broker.")] = None,
    password_file: Annotated[str | None, _option("FILE", "The file that holds its password.")] = None,
    store: Annotated[str | None, _option("FILE", "The database, on a local disk.")] = None,
    channel: Annotated[str | None, _option("NAME=FILE,...", "Ways to tell people: files of Apprise URLs.")] = None,
    people: Annotated[str | None, _option("LOGIN[:ROLE],...", "Who can be told, by every channel.")] = None,
    tier_1: Annotated[str | None, _option("WHO,...", "Whom of them at once.")] = None,
    tier_2: Annotated[str | None, _option("WHO,...", "Whom when the first answer is overdue.")] = None,
    tier_3: Annotated[str | None, _option("WHO,...", "Whom after that.")] = None,
    allow_as: Annotated[str | None, _option("yes|no", "Whether --as NAME may say who acts; else no.")] = None,
    user: Annotated[str | None, _option("NAME", "Who runs the daemon, and gets the files; as root only.")] = None,
    device: Annotated[str | None, _option("DEVICE", "A first device to register.")] = None,
    profile: Annotated[str | None, _option("PROFILE", "Its kind: one of vwmon devices profiles.")] = None,
    canary: Annotated[
        str | None, _option("yes|no", "Whether to admit a made-up patient to try the ward with; else no.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; write it.", show_default=False)] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where there is a configuration; it is kept.", show_default=False)
    ] = False,
    add_ward: Annotated[
        bool, typer.Option("--add-ward", help="Add a ward to the configuration there is.", show_default=False)
    ] = False,
) -> None:
    """Set a ward up, step by step: the configuration, the database, and what to do then.

    At a terminal everything is asked that no option says, each answer is tried at once, and the file is shown before it
    is written. Ctrl-C leaves nothing behind. Secrets are named by their files and never typed in. Where there is a
    configuration already, a ward can be added to it.

    Exit codes: 5 there is a configuration, and neither --add-ward nor --force; 8 what would be written has faults.
    """
    options = dict(locals())  # an option is named as the question that it answers
    answers = {each.name: options[each.name] for each in QUESTIONS if options[each.name] is not None}
    file = (config or _usual_file()).expanduser().absolute()
    how = How(file=file, given=answers, yes=yes, force=force)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _begin(how, add_ward=add_ward)
    except (KeyboardInterrupt, typer.Abort):
        render.say()
        render.say("Interrupted. Nothing was written.")
        raise typer.Exit(INTERRUPTED) from None


def at_a_terminal() -> bool:
    """Tell whether there is somebody who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _begin(how: How, *, add_ward: bool) -> None:
    there = how.file.exists()
    if add_ward and not there:
        raise UsageError(f"{how.file} is not there, so no ward can be added to it; leave --add-ward out")
    if there:
        _allow(how.file)
    if not there or (how.force and not add_ward):
        _set_up(how)
    elif add_ward or (how.asks and _wants_another(how.file)):
        _add_ward(how)
    else:
        raise ConflictError(THERE.format(file=how.file))


def _allow(file: Path) -> None:
    """Raise RefusedError when a configuration is not this login's to change; one with faults is mended by who may."""
    with suppress(ConfigError):
        context.allow(settings_of.load(file))


def _usual_file() -> Path:
    """Give the place that commands find by themselves: for root the system's, else the user's own."""
    import os

    named = os.environ.get("VWMON_CONFIG")
    if named:
        return Path(named)
    return settings_of.SYSTEM_FILE if os.geteuid() == 0 else settings_of.user_file()


def _set_up(how: How) -> None:
    from vwmon import setting_up, written
    from vwmon.patients.plans import CANARY
    from vwmon.patients.records import By

    store = SYSTEM_STORE if how.file == settings_of.SYSTEM_FILE else how.file.with_name("vwmon.db")
    if how.asks:
        _say_what_comes(how.file)
    found = _answers(how, QUESTIONS, {"store_default": store})
    content = written.whole(init_asking.values(found))
    _check(content, how.file)
    _show(content, how)
    made_up = setting_up.Canary(patient=CANARY, device=CANARY_DEVICE) if found["canary"] else None
    wanted = setting_up.Wanted(
        config=how.file,
        content=content,
        store=found["store"],
        ward=found["ward"],
        user=found.get("user"),
        device=found["device"],
        profile=found.get("profile", ""),
        canary=made_up,
        force=how.force,
    )
    by = By(actor=context.actor("", settings_of.parse(content, how.file)), at_ms=Clock().now_ms())
    try:
        done = setting_up.set_up(wanted, by)
    except OSError as error:
        raise VwmonError(f"{error.filename}: {error.strerror}; nothing was written") from error
    _tell(done, wanted)
    for line in steps(found, how.file):
        render.say(line)


def _add_ward(how: How) -> None:
    from vwmon import setting_up, written

    before = how.file.read_text(encoding="utf-8")
    settings_of.parse(before, how.file)
    found = _answers(how, OF_A_WARD, {})
    content = written.with_ward(before, init_asking.ward(found), how.file)
    _check(content, how.file)
    _show(content.removeprefix(before.rstrip("\n")), how)
    kept = setting_up.replace(how.file, content)
    render.say(f"Added the ward {found['ward']} to {how.file}; as it was before: {kept}")
    for line in steps_of_a_ward(found, how.file):
        render.say(line)


def _answers(how: How, questions: Any, base: Found) -> Found:  # noqa: ANN401 -- a part of the table of questions
    if how.asks:
        return init_asking.at_terminal(questions, how.given, base)
    return init_asking.from_options(questions, how.given, base, yes=how.yes)


def _check(content: str, file: Path) -> None:
    """Look the file over as check-config would; ConfigError before anything is written."""
    from vwmon.cli.check_config import faults_of
    from vwmon.clock import Clock

    faults = faults_of(settings_of.parse(content, file), Clock().now_ms())
    if faults:
        raise ConfigError(*faults)


def _show(content: str, how: How) -> None:
    if not how.asks:
        return
    render.say()
    render.say(f"This is written to {how.file}:")
    for line in content.splitlines():
        render.say(f"  {line}".rstrip())
    render.say()
    if not init_asking.confirmed("Write it"):
        raise typer.Abort


def _wants_another(file: Path) -> bool:
    wards = [ward.id for ward in settings_of.load(file).wards]
    render.say(f"{file} is there already, with {'the wards ' + ', '.join(wards) if wards else 'no ward'}.")
    return init_asking.confirmed("Add a ward to it")


def _say_what_comes(file: Path) -> None:
    for line in (
        f"This sets up a ward: {file}, its database, and what to do then.",
        "Enter takes what stands in brackets. Nothing is written before you have seen it; Ctrl-C ends it.",
        "",
    ):
        for part in render.folded(line):
            render.say(part)


def _tell(done: "Done", wanted: Any) -> None:  # noqa: ANN401 -- vwmon.setting_up is imported by whoever needs it
    render.say(f"Wrote {wanted.config}")
    if done.before is not None:
        render.say(f"As it was before: {done.before}")
    if done.store.created:
        render.say(f"Made the database {wanted.store}")
        if wanted.device:
            render.say(f"Registered the device {wanted.device}")
        if wanted.canary is not None:
            render.say(f"Admitted the made-up patient {wanted.canary.patient} with the device {wanted.canary.device}")
        return
    render.say(f"The database {wanted.store} was there already" + (", and was migrated" if done.store.applied else ""))
    if wanted.device or wanted.canary is not None:
        render.warn("note: no device and no patient was put into a database that was there already")
