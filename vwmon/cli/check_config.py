"""`vwmon check-config`: every fault of a configuration at once, before the daemon meets them one by one."""

from pathlib import Path
from typing import Annotated

import typer

from vwmon import config
from vwmon.cli import render
from vwmon.cli.options import ConfigOption
from vwmon.errors import ConfigError

FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The file to check; else the one that would be used.", show_default=False),
]


def check_config(file: FileArgument = None, config_file: ConfigOption = None) -> None:
    """Check a configuration file, and the certificates, secrets and calendars that it names.

    Exit code 8 when there is any fault; every one is named with its line.
    """
    settings = config.load(file or config_file)
    from vwmon import channels, rota

    faults = [*config.file_faults(settings), *channels.faults(settings), *rota.faults(settings)]
    if faults:
        raise ConfigError(*faults)
    render.say(f"{settings.path or 'no file, the defaults'}: good")
    for credential in config.credentials(settings):
        render.say(f"not looked at, because systemd hands it to the daemon: {credential}")
    if not settings.notify.channels:
        render.say("no channel is named under [notify]; the list alone tells of alerts")
    elif not settings.duty:
        render.say("nobody is on duty by [[duty]]: every channel is told of every alert, at every tier")
    if not settings.wards:
        render.say("no ward is named; times are shown in UTC")
