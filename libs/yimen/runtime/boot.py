"""Starting a service's process: what it stands on must be there, or it says so, waits, and gives up in the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from yimen.bus.reach import check_broker
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.runtime.app import App
from yimen.runtime.registry import find
from yimen.runtime.settings import from_environment

_log = logging.getLogger(__name__)


def patiently(check: Callable[[], None], code: str, where: str) -> None:
    """Try START_ATTEMPTS_MAX times with a clear log line each. Raises Fault `code` in the end."""
    for attempt in range(1, limits.START_ATTEMPTS_MAX + 1):
        try:
            check()
            return
        except Fault as fault:
            _log.warning("waiting", extra={"code": fault.code, "where": where, "attempt": attempt,
                                           "of": limits.START_ATTEMPTS_MAX})
            if attempt < limits.START_ATTEMPTS_MAX:
                time.sleep(limits.START_WAIT_S)
    raise Fault(code, attempts=limits.START_ATTEMPTS_MAX, where=where)


def boot(name: str, broker: bool) -> App:
    """The app of a service with its settings from the environment; database (and broker) are reachable."""
    app = App(find(name), from_environment(name))
    patiently(app.store.ping, "DATABASE_UNAVAILABLE", app.store.where)
    if broker and app.settings.amqp_url:
        patiently(lambda: check_broker(app.settings.amqp_url), "BROKER_UNAVAILABLE", "YIMEN_AMQP_URL")
    return app
