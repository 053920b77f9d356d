"""HTTP for a service that offers it: waitress, some threads, limits on what comes in."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from waitress.server import create_server
from yimen.kernel import limits

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

THREADS = 4


class WebServer:
    """Serves one WSGI application; TLS ends before it."""

    def __init__(self, application: WSGIApplication, listen: str) -> None:
        """`listen` is `host:port`; port 0 takes a free one."""
        host, port = listen.rsplit(":", 1)
        self._server: Any = create_server(application, host=host, port=int(port), threads=THREADS,
                                     max_request_body_size=limits.PAYLOAD_BYTES_MAX, ident=None)
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.effective_port)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.close()
