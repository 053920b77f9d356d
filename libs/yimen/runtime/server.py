"""The server process: gRPC, the outbox relay, due timers, parked events, audit seals. No eventlet here.

Run as `python -m yimen.runtime.server NAME…`.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable

from yimen.bus.publisher import Publisher
from yimen.bus.relay import relay_once
from yimen.bus.topology import exchange_of
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.rpc.server import RpcServer
from yimen.runtime import gauges
from yimen.runtime.app import App
from yimen.runtime.boot import boot
from yimen.runtime.housekeeping import Rounds, seal_audit
from yimen.runtime.web import WebServer
from yimen.store.bell import Bell
from yimen.telemetry import logs

_log = logging.getLogger(__name__)
PAUSE_S_MAX = 5.0
HOUSEKEEPING_PAUSE_S = 0.2
SEAL_PAUSE_S = 10.0
# Between looks at an outbox that has a bell.
RELAY_RUNG_S = 1.0


class Server:
    """One service's server: its gRPC answers and its background threads."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stop = threading.Event()
        self._publisher = Publisher(app.settings.amqp_url, exchange_of(app.name))
        self._rpc: RpcServer = app.rpc_server(app.settings.listen)
        offers = app.service.web
        self._web = WebServer(offers(app), app.settings.web_listen) if offers and app.settings.web_listen else None
        self._rounds = Rounds(app)
        loops: dict[str, Callable[[], bool]] = {
            "relay": self._relay, "housekeeping": self._rounds.take, "seal": lambda: seal_audit(app)}
        self._wakes = {name: threading.Event() for name in loops}
        self._bell = Bell(app.store.engine, [self._wakes["relay"], self._rounds.rung])
        self._threads = [threading.Thread(target=self._loop, args=(name, work), name=f"{app.name}-{name}", daemon=True)
                         for name, work in loops.items()]

    def start(self) -> None:
        """First steps, then answer calls, then work in the background."""
        self._app.start()
        self._rpc.start()
        gauges.watch(self._app)
        self._bell.start()
        if self._web is not None:
            self._web.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Not ready any more, finish what runs, end; all within STOP_GRACE_S."""
        end = time.monotonic() + limits.STOP_GRACE_S
        self._stop.set()
        self._bell.close()
        for wake in self._wakes.values():
            wake.set()
        self._rpc.stop()
        if self._web is not None:
            self._web.stop()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._publisher.close()
        self._app.close()

    def _idle_s(self, name: str) -> float:
        """How long to wait when there was nothing to do; a ring ends it."""
        if name == "seal":
            return SEAL_PAUSE_S
        if name == "relay":
            return RELAY_RUNG_S if self._bell.is_heard else limits.RELAY_IDLE_MS / 1000
        return HOUSEKEEPING_PAUSE_S

    def _loop(self, name: str, work: Callable[[], bool]) -> None:
        """Work while there is some; after an error wait longer each time, with a log line."""
        wake, pause = self._wakes[name], 0.0
        while not self._stop.is_set():
            try:
                wake.clear()
                more = work()
                pause = self._idle_s(name)
            except Exception as error:
                pause = min(max(pause, 0.1) * 2, PAUSE_S_MAX)
                _log.warning("background work failed", exc_info=error, extra={"loop": name, "retry_in_s": pause})
                self._stop.wait(pause)  # no ring ends this one
                continue
            if not more and wake.wait(pause) and name == "relay":
                self._stop.wait(limits.RELAY_GATHER_MS / 1000)

    def _relay(self) -> bool:
        try:
            return relay_once(self._app, self._publisher) > 0
        except self._publisher.errors as error:
            self._publisher.close()
            raise Fault("BROKER_UNAVAILABLE", attempts=1, where=type(error).__name__) from error


def main(names: list[str]) -> None:
    """Run the servers of these services until SIGTERM."""
    logs.set_up("+".join(names))
    servers = [Server(boot(name, broker=True)) for name in names]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for server in servers:
        server.start()
    _log.info("server ready")
    stop.wait()
    for server in servers:
        server.stop()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Fault as fault:
        _log.error("server cannot start", extra={"code": fault.code, "reason": fault.message})
        sys.exit(fault.status.exit)
