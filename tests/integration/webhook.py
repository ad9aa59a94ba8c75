"""A webhook on this machine that takes, refuses, delays or drops what is posted to it, for tests of sending."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TAKE, REFUSE, SILENT, DROP, SLOW, LATE = "take", "refuse", "silent", "drop", "slow", "late"
ELSEWHERE = "elsewhere"
TIMEOUT_S = 1.0
DELAYS_S = {SLOW: TIMEOUT_S / 2, LATE: TIMEOUT_S * 1.5}


class Webhook:
    """What was posted, and how the next posts are answered."""

    def __init__(self) -> None:
        """Take whatever comes; nothing listens before start()."""
        self.answer = TAKE
        self.posted: list[dict[str, Any]] = []
        self.answered: list[str] = []
        self.over = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def tried(self) -> int:
        """How many posts came."""
        return len(self.answered)

    @property
    def url(self) -> str:
        """The address as Apprise writes it, with a secret in it and short timeouts."""
        return f"json://ward:hush-hush@127.0.0.1:{self._port}/?cto={TIMEOUT_S}&rto={TIMEOUT_S}"

    @property
    def ping_url(self) -> str:
        """The address as one who waits for pings gives it: whoever knows its path may ping."""
        return f"http://127.0.0.1:{self._port}/hush-hush"

    @property
    def pings(self) -> list[tuple[str, str]]:
        """The paths and texts of what was taken."""
        return [(post["path"], post["message"]) for post in list(self.posted)]

    @property
    def subjects(self) -> list[str]:
        """The subjects of what was taken."""
        return [post["title"] for post in self.posted]

    def start(self) -> None:
        """Listen, on the same port as before."""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            """One post."""

            def do_POST(self) -> None:
                """Answer as the webhook is told to."""
                hook.took(self)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- as in the library
                """Say nothing."""

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Be down: nobody listens."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def took(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one post."""
        how = self.answer
        self.answered.append(how)
        content = request.rfile.read(int(request.headers["Content-Length"]))
        is_json = "json" in request.headers["Content-Type"]
        body = json.loads(content) if is_json else {"path": request.path, "message": content.decode()}
        if how == SILENT:
            self.over.wait(10)
            return
        if how in DELAYS_S:
            self.over.wait(DELAYS_S[how])
        if how != REFUSE:
            self.posted.append(body)
        if how == DROP:
            request.close_connection = True
            return
        request.send_response({REFUSE: 503, ELSEWHERE: 302}.get(how, 200))
        if how == ELSEWHERE:
            request.send_header("Location", f"{self.ping_url}/log-in")
        request.end_headers()


@contextmanager
def listening() -> Iterator[Webhook]:
    """Run a webhook; nothing of it is left."""
    hook = Webhook()
    hook.start()
    try:
        yield hook
    finally:
        hook.over.set()
        hook.stop()
