"""A line between a client and a server whose quality can be ruined: a TCP proxy of one's own, on loopback.

What goes in at one end comes out at the other, until somebody resets it, lets one end vanish, holds everything up, or
makes it slow or choppy. It knows nothing of MQTT.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from tests.integration.broker import LOOPBACK, free_port, wait_until

READ_BYTES = 65_536
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, and throw away what is unsent
TENTHS = 10
SHORTEST, LONGEST = 1, 7  # bytes of a choppy line's pieces


@dataclass(eq=False, kw_only=True)
class _Call:
    """One connection: its two ends, and whether its far end has vanished without a word."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    vanished: bool = False


class Line:
    """The way to one port. Every method may be called from any thread."""

    def __init__(self, port: int, seed: int = 0) -> None:
        """Lead to a port of this machine; nothing listens before start()."""
        self.host, self.port, self._to = LOOPBACK, free_port(), port
        self.calls = 0
        self._answering = False
        self._chance = Random(seed)
        self._open: set[_Call] = set()
        self._bytes_per_s: int | None = None
        self._choppy = False
        self._loop = asyncio.new_event_loop()
        self._passable = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)

    def start(self) -> None:
        """Listen."""
        self._passable.set()
        self._thread.start()
        wait_until(lambda: self._answering, "the line listens")

    def stop(self) -> None:
        """End every connection, and listen no more."""
        self._loop.call_soon_threadsafe(self._tasks_over)
        self._thread.join()

    def reset(self) -> None:
        """End every connection with a reset at both ends, and lose what is under way."""
        self._now(self._reset)

    def half_open(self) -> None:
        """Let the far end of every connection vanish: the near end is told nothing and gets no answer any more."""
        self._now(self._vanish)

    def hold(self) -> None:
        """Let nothing through, in neither direction, until released; connections stand."""
        self._now(self._passable.clear)

    def release(self) -> None:
        """Let through again what was held."""
        self._now(self._passable.set)

    def slow(self, bytes_per_s: int | None) -> None:
        """Let through so much and no more; None is without a limit."""
        self._bytes_per_s = bytes_per_s

    def choppy(self, *, on: bool) -> None:
        """Cut what passes into pieces of a few bytes."""
        self._choppy = on

    def _now(self, act: Callable[[], None]) -> None:
        done = threading.Event()

        def acted() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(acted)
        done.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._listen())
        self._loop.close()

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._serve, self.host, self.port)
        self._answering = True
        async with server:
            await server.serve_forever()

    def _tasks_over(self) -> None:
        self._reset()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        """Carry one connection; nobody at the far end is a reset at the near one."""
        try:
            far_reader, far = await asyncio.open_connection(LOOPBACK, self._to)
        except OSError:
            _abort(near)
            return
        call = _Call(near=near, far=far)
        self._open.add(call)
        self.calls += 1
        try:
            with suppress(asyncio.CancelledError):  # as the line is taken down
                there = asyncio.ensure_future(self._carry(reader, far, call))
                back = asyncio.ensure_future(self._carry(far_reader, near, call))
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
                if call.vanished:
                    await there
        finally:
            self._open.discard(call)
            for end in (near, far):
                end.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, call: _Call) -> None:
        """Carry one direction until it ends; of a connection whose far end has vanished everything is swallowed."""
        with suppress(OSError):
            while chunk := await source.read(self._most()):
                await self._passable.wait()
                if self._bytes_per_s is not None:  # no test waits here: it is how long a slow line takes for so much
                    await asyncio.sleep(len(chunk) / self._bytes_per_s)
                if not call.vanished:
                    await self._put(sink, chunk)

    def _most(self) -> int:
        return READ_BYTES if self._bytes_per_s is None else max(1, self._bytes_per_s // TENTHS)

    async def _put(self, sink: asyncio.StreamWriter, chunk: bytes) -> None:
        while chunk:
            size = self._chance.randint(SHORTEST, LONGEST) if self._choppy else len(chunk)
            sink.write(chunk[:size])
            await sink.drain()
            await asyncio.sleep(0)  # no time passes: the other direction has its turn between two pieces
            chunk = chunk[size:]

    def _reset(self) -> None:
        for call in list(self._open):
            _abort(call.near)
            _abort(call.far)

    def _vanish(self) -> None:
        for call in list(self._open):
            call.vanished = True
            _abort(call.far)


def _abort(end: asyncio.StreamWriter) -> None:
    if end.is_closing():  # its socket may be closed: an error here would leave the line standing, and whoever ends it
        return
    end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    end.transport.abort()


@contextmanager
def running_line(port: int, seed: int = 0) -> Iterator[Line]:
    """Run a line to a port; nothing of it is left."""
    line = Line(port, seed)
    line.start()
    try:
        yield line
    finally:
        line.stop()
