"""`vwmon run`: the daemon in the foreground, for a service manager. What it does is vwmon.daemon's."""

import logging
import signal
import threading

from vwmon.cli.context import resolve
from vwmon.cli.options import ConfigOption, DbOption

FORMAT = "%(levelname)s %(name)s %(message)s"  # the journal adds the time


def run(config: ConfigOption = None, db: DbOption = None) -> None:
    """Watch the ward: take readings from the broker, score them, and keep the list of alerts.

    Runs until SIGTERM or Ctrl-C. The database must exist: vwmon db migrate makes it. Exit code 5: another
    daemon is at work on it.
    """
    settings = resolve(config, db)
    from vwmon.clock import Clock
    from vwmon.daemon import Daemon

    logging.basicConfig(level=logging.INFO, format=FORMAT)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Daemon(settings, Clock(), gone_within=_gone_within).run(stop)


def _gone_within(seconds: float) -> None:
    """Let the system end this process after a time, whatever it waits for by then.

    Python waits for all threads before it ends, and for ever for one that never began for want of memory.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
