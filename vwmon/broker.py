"""A broker of one's own on loopback, for the demonstration: the installed mosquitto, else the embedded one.

It ends with the process that started it, however that process ends: both kinds watch a pipe from it.
A ward's broker is not started from here; deploy/mosquitto is for that.
"""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vwmon.errors import BrokerError

LOOPBACK = "127.0.0.1"
READY_S, LOOK_S = 10.0, 0.05

MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 1000
max_queued_messages 100000
set_tcp_nodelay true
log_type error
"""

# The embedded broker speaks MQTT 5 only on a listener declared for it.
EMBEDDED = """\
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 4000
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 1000
"""

# The shell waits for the end of its standard input, which is ours; then it stops the broker.
KEEPER = '"$0" -c "$1" </dev/null & broker=$!; cat >/dev/null; kill $broker; wait $broker'


@contextmanager
def local_broker(folder: Path) -> Iterator[tuple[int, str]]:
    """Run a broker with its files in `folder`; yield its port and its name, and stop it at the end.

    Raises BrokerError when there is none to run or it does not answer in time.
    """
    port = free_port()
    mosquitto = find_mosquitto()
    running = _mosquitto(mosquitto, folder, port) if mosquitto else _embedded(folder, port)
    with running as name:
        _wait_until_it_answers(port)
        yield port, name


def find_mosquitto() -> str | None:
    """Find the installed mosquitto; Debian keeps it outside an ordinary user's path."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _mosquitto(program: str, folder: Path, port: int) -> Iterator[str]:
    settings = folder / "mosquitto.conf"
    settings.write_text(MOSQUITTO.format(port=port), encoding="utf-8")
    keeper = subprocess.Popen(  # noqa: S603 -- a fixed script; the program and file are arguments
        ["/bin/sh", "-c", KEEPER, program, str(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield "mosquitto"
    finally:
        keeper.communicate()


@contextmanager
def _embedded(folder: Path, port: int) -> Iterator[str]:
    try:
        from iotcore import Broker
    except ImportError as error:
        raise BrokerError(
            "no broker for the demonstration: install mosquitto, or the extra: pip install 'vwmon[demo]'"
        ) from error
    settings = folder / "broker.toml"
    settings.write_text(EMBEDDED.format(port=port), encoding="utf-8")
    broker = Broker(config_path=str(settings))
    broker.start()
    try:
        yield "embedded broker (iotcore)"
    finally:
        broker.stop()


def _wait_until_it_answers(port: int) -> None:
    pause = threading.Event()
    for _ in range(round(READY_S / LOOK_S)):
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except ConnectionRefusedError:
            pause.wait(LOOK_S)
        else:
            return
    raise BrokerError(f"the broker did not answer on {LOOPBACK}:{port} within {READY_S:.0f} s")
