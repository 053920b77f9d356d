"""The worker process: nameko consumes, each batch is handled on one native thread in one transaction.

Run as `python -m yimen.bus.worker NAME…`. Patching comes before every other import and leaves threads alone
(`thread=False`): grpcio, psycopg and SQLAlchemy then work unmodified in `tpool`'s native threads, and the hub
stays free for heartbeats.
"""

# ruff: noqa: E402, I001
from __future__ import annotations

import os
import warnings

# The system's resolver is enough for one broker's address, and a fifth of a second is saved at each start.
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
with warnings.catch_warnings():
    # eventlet announces its retirement at import; it stays inside this package until nameko leaves it.
    warnings.simplefilter("ignore")
    import eventlet

eventlet.monkey_patch(thread=False)

import logging
import signal
import sys
from pathlib import Path
from typing import Any

import eventlet.event
import eventlet.green.threading
import eventlet.queue
import eventlet.tpool
import nameko
import nameko.amqp.consume
from nameko.messaging import Consumer as ConsumerEntrypoint
from nameko.runners import ServiceRunner

from yimen.bus.envelope import Envelope, from_headers
from yimen.bus.events import check_readable
from yimen.bus.topology import exchange_of, quorum_queue
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.runtime.app import App
from yimen.runtime.boot import boot
from yimen.telemetry import logs

# nameko waits on this event from green threads; the native one would block the hub.
nameko.amqp.consume.Event = eventlet.green.threading.Event

_log = logging.getLogger(__name__)
RETRY_S_FIRST, RETRY_S_MAX = 0.5, 30.0
ALIVE_VARIABLE, ALIVE_S = "YIMEN_ALIVE_FILE", 5.0
STOP_MARGIN_S = 2.0  # of the grace, for closing connections


class RawConsumer(nameko.amqp.consume.Consumer):  # type: ignore[misc]
    """Hands over messages as they are; decoding is ours, so that garbage cannot stop the consumer."""

    def get_consumers(self, consumer_cls: Any, channel: Any) -> list[Any]:
        consumer = consumer_cls(queues=self.queues, on_message=lambda message: self.on_message(None, message),
                                auto_declare=False)
        consumer.qos(prefetch_count=self.prefetch_count)
        return [consumer]


class EventBatches(ConsumerEntrypoint):  # type: ignore[misc]
    """The one entrypoint of a service: its queue, in batches, in order."""

    consumer_cls = RawConsumer

    def __init__(self, app: App) -> None:
        super().__init__(quorum_queue(app.name), prefetch_count=limits.PREFETCH_EVENTS)
        self._app = app
        self._arrived: eventlet.queue.LightQueue = eventlet.queue.LightQueue()
        self._stopping = False
        self._finished = eventlet.event.Event()

    @property
    def amqp_uri(self) -> str:
        return self._app.settings.amqp_url

    def start(self) -> None:
        self.container.spawn_managed_thread(self._work, identifier=f"batches of {self._app.name}")
        if file := os.environ.get(ALIVE_VARIABLE):
            self.container.spawn_managed_thread(lambda: self._show_alive(Path(file)), identifier="alive")
        super().start()

    def stop(self) -> None:
        """Finish and acknowledge the batch in hand; what has only been fetched goes back to the broker."""
        self._stopping = True
        self._arrived.put(None)
        with eventlet.Timeout(limits.STOP_GRACE_S - STOP_MARGIN_S, False):
            self._finished.wait()
        super().stop()

    def _show_alive(self, file: Path) -> None:
        """For a probe: touched while the hub turns and the consumer has not ended."""
        while not self._stopping:
            file.touch()
            eventlet.sleep(ALIVE_S)

    def handle_message(self, body: Any, message: Any) -> None:
        self._arrived.put(message)

    def _work(self) -> None:
        while not self._stopping:
            batch = self._collect()
            if batch and not self._stopping:
                self._handle(batch)
        self._finished.send()

    def _collect(self) -> list[Any]:
        """The first message as soon as it is there, and what else arrives within a moment."""
        batch = [self._arrived.get()]
        while len(batch) < limits.BATCH_EVENTS_MAX:
            try:
                batch.append(self._arrived.get(timeout=limits.BATCH_WAIT_MS_MAX / 1000))
            except eventlet.queue.Empty:
                break
        return [message for message in batch if message is not None]

    def _handle(self, messages: list[Any]) -> None:
        readable: list[Envelope] = []
        kept: list[Any] = []
        for message in messages:
            try:
                readable.append(read(message))
                kept.append(message)
            except Fault as fault:
                _log.error("message to the dead-letter queue", extra={"code": fault.code})
                self._tell_broker(message, accept=False)
        pause, done = RETRY_S_FIRST, not kept
        while not done and not self._stopping:
            try:
                eventlet.tpool.execute(self._app.processor.handle_batch, readable)
                done = True
            except Fault as fault:
                # The database is away: keep the messages, let the heartbeats run, try again.
                _log.warning("batch undone", extra={"code": fault.code, "retry_in_s": pause})
                eventlet.sleep(pause)
                pause = min(pause * 2, RETRY_S_MAX)
        if done:
            for message in kept:
                self._tell_broker(message, accept=True)

    def _tell_broker(self, message: Any, accept: bool) -> None:
        try:
            if message.channel.connection:
                message.ack() if accept else message.reject(requeue=False)
        except Exception as error:
            # The connection is gone: the broker delivers it again, and the inbox knows it.
            _log.info("acknowledgement lost", extra={"error": type(error).__name__})


def read(message: Any) -> Envelope:
    """The envelope of a delivered message. Raises a Fault for what belongs in the dead-letter queue."""
    # An empty body arrives as None, a text body (somebody else's publisher) as str.
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body or b"")
    event = from_headers(message.headers or {}, body)
    entered = message.delivery_info.get("exchange", "")
    if entered != exchange_of(event.source):
        raise Fault("EVENT_SOURCE_FORGED", type=event.type[:64], claimed=event.source[:40], exchange=entered[:64])
    check_readable(event.type, event.body)
    return event


def worker_class(app: App) -> type:
    """A nameko service for one of ours."""

    def on_events(self: Any) -> None:
        """Never called: the entrypoint hands its batches to the processor itself."""

    return type(f"{app.name}_worker", (), {
        "name": app.name, "on_events": EventBatches.decorator(app)(on_events)})


def main(names: list[str]) -> None:
    """Run the workers of these services until SIGTERM."""
    logs.set_up("+".join(names))
    runner = ServiceRunner()
    apps = [boot(name, broker=True) for name in names]
    nameko.config.setup({"AMQP_URI": apps[0].settings.amqp_url, "max_workers": 1})
    for app in apps:
        runner.add_service(worker_class(app))

    def stop(*_: Any) -> None:
        eventlet.spawn_n(runner.stop)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    runner.start()
    _log.info("worker ready")
    runner.wait()
    for app in apps:
        app.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Fault as fault:
        _log.error("worker cannot start", extra={"code": fault.code, "reason": fault.message})
        sys.exit(fault.status.exit)
