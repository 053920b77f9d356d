"""Ours: the relay, as the server process runs it."""

import sys
import time

from yimen.bus.publisher import Publisher
from yimen.bus.relay import relay_once
from yimen.bus.topology import exchange_of
from yimen.kernel import limits
from yimen.testing.host import Host

database, broker = sys.argv[1:3]
host, publisher = Host("sink", database), Publisher(broker, exchange_of("sink"))
while True:
    if not relay_once(host, publisher):
        time.sleep(limits.RELAY_IDLE_MS / 1000)
