"""One daemon to a database: a second one is refused, and one that was killed leaves nothing in the way."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vwmon.clock import Clock
from vwmon.config import Mqtt, Settings, Store
from vwmon.daemon import Daemon
from vwmon.errors import ConflictError
from vwmon.store import database
from vwmon.store.sole import sole_daemon

HOLD = """
import sys
from pathlib import Path
from vwmon.store.sole import sole_daemon
with sole_daemon(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_daemon_is_refused_before_it_touches_the_broker(tmp_path: Path) -> None:
    """Two would take the broker's session from each other without end; the refusal names the database."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    settings = Settings(store=Store(path=path), mqtt=Mqtt(host="127.0.0.1", port=1))
    over = threading.Event()
    over.set()
    with sole_daemon(path), pytest.raises(ConflictError, match=r"a daemon is at work on .*ward\.db already"):
        Daemon(settings, Clock()).run(over)
    with sole_daemon(path):
        pass


def test_a_daemon_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """The service manager starts the next one at once."""
    path = tmp_path / "ward.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConflictError), sole_daemon(path):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    with sole_daemon(path):
        pass


def test_the_lock_is_not_for_everyone(tmp_path: Path) -> None:
    """Whoever may open it may hold it, and keep the daemon from starting."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    before = os.umask(0)
    try:
        with sole_daemon(path):
            assert database.open_to_everyone(path) == []
    finally:
        os.umask(before)
    assert (tmp_path / "ward.db-daemon").exists()
