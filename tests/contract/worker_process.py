"""A worker process for the conformance suite: the real nameko worker around the counting host."""

# ruff: noqa: I001
from yimen.bus import worker

import sys
from types import SimpleNamespace

import nameko
from nameko.runners import ServiceRunner

from yimen.bus.events import event_kinds
from yimen.testing.host import Host

name, database, broker, poison, unknown = sys.argv[1:6]
host = Host(name, database)
event_kinds().pop(unknown, None)  # a release in which this type was not invented yet
host.poison = set(filter(None, poison.split(",")))
app = SimpleNamespace(name=name, settings=SimpleNamespace(amqp_url=broker), processor=host.processor)
nameko.config.setup({"AMQP_URI": broker})
runner = ServiceRunner()
runner.add_service(worker.worker_class(app))  # type: ignore[arg-type]
runner.start()
print("ready", flush=True)
runner.wait()
