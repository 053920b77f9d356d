"""Ours: the real nameko worker around the host."""

# ruff: noqa: I001
from yimen.bus import worker

import sys
from types import SimpleNamespace

import nameko
from nameko.runners import ServiceRunner

from tests.bench.hop.host import HopHost

database, broker = sys.argv[1:3]
host = HopHost("sink", database)
app = SimpleNamespace(name="sink", settings=SimpleNamespace(amqp_url=broker), processor=host.processor)
nameko.config.setup({"AMQP_URI": broker})
runner = ServiceRunner()
runner.add_service(worker.worker_class(app))  # type: ignore[arg-type]
runner.start()
runner.wait()
