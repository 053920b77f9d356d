"""What is done to a running stack: each kind of fault once (short), or many at random (long), from a seed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import sqlalchemy as sa
import yaml
from kombu import Connection
from yimen.aid.v1 import aid_pb2
from yimen.bus.deadletters import dead_letters, send_again
from yimen.bus.envelope import CONTENT_TYPE
from yimen.bus.topology import dead_queue_of, exchange_of
from yimen.kernel import limits
from yimen.kernel.clock import FileClock
from yimen.kernel.errors import Fault
from yimen.policy.travel import seal
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import wait_until
from yimen.roster.v1 import roster_pb2
from yimen.rpc.health import is_serving
from yimen.runtime.registry import services
from yimen.security.keys import KeyRing
from yimen.stack.components import Components, start_private
from yimen.stack.private import wait_for_broker, wait_for_postgres
from yimen.stack.stack import Stack
from yimen.store.tables import outbox
from yimen.store.unit import Store

from tests.faults.proxy import Line

PUBLISHED_AGAIN = 30
GARBAGE = (
    ("basic_living", "aid.granted.v1", b"\xff\xfe not protobuf"),  # undecodable
    ("basic_living", "aid.granted.v9", b""),  # a version of tomorrow
    ("housing", "aid.granted.v1", b""),  # claims to come from a department that did not say it
)
# Field 999 with the text "x": what a message of the next version may carry beside what we know.
UNKNOWN_FIELD = r"\xba3e0178"
NEWER_PRODUCER = f"""
create or replace function speak_newer() returns trigger language plpgsql as
$$ begin new.body := new.body || '{UNKNOWN_FIELD}'::bytea; return new; end $$;
create or replace trigger speak_newer before insert on outbox for each row execute function speak_newer();
"""
MEMORY_NONE, MEMORY_USUAL = "0.00001", "0.4"


@dataclass
class Fire:
    """The faults over one stack."""

    stack: Stack
    own: Components
    database: Line
    broker: Line
    rng: random.Random
    long: bool
    month: Month | None = None
    struck: list[str] = field(default_factory=list)
    garbage: int = 0

    @property
    def kinds(self) -> list[str]:
        """Everything that can be done."""
        return sorted(name.removeprefix("do_") for name in dir(self) if name.startswith("do_"))

    def strike(self, kind: str) -> None:
        """Do it, and put right what a county would put right."""
        self.struck.append(kind)
        getattr(self, f"do_{kind}")()
        self.database.mend()
        self.broker.mend()

    # ------------------------------------------------------------------------------------------ processes
    def _anybody(self) -> str:
        return self.rng.choice(sorted(self.stack.services))

    def do_kill_worker(self) -> None:
        name = self._anybody()
        self.stack.kill("worker", name)
        self._start_upgraded("worker", name)

    def do_kill_server(self) -> None:
        name = self._anybody()
        self.stack.kill("server", name)
        self._start_upgraded("server", name)
        self.stack.wait_ready()

    def _start_upgraded(self, kind: str, name: str) -> None:
        self.stack.releases.pop(f"{name} {kind}", None)
        self.stack.start_process(kind, name)

    def finish_upgrade(self) -> None:
        """Who still runs the release before: the worker before the server, which brings what the old one cannot read."""
        for process in sorted(self.stack.releases, key=lambda process: process.endswith("server")):
            name, kind = process.split()
            self.stack.stop_process(kind, name)
            self._start_upgraded(kind, name)
        self.stack.wait_ready()
        self.fetch_back()

    def fetch_back(self) -> None:
        """`yimen dlq retry` of what can be read by now: a release before 0.2 sends a type of the next one there."""
        for name in self.stack.services:
            for letter in dead_letters(self.stack.state.tenancy.broker_admin, name):
                if letter.may_be_sent_again:
                    send_again(self.stack.state.tenancy.broker_admin, name, letter.event_id)

    def do_rolling_restart(self) -> None:
        """An upgrade in steps: who still runs the release before comes back with this one."""
        names = sorted(self.stack.services)
        for name in names if self.long else self.rng.sample(names, 3):
            for kind in ("worker", "server"):
                begun = time.monotonic()
                self.stack.stop_process(kind, name)
                assert time.monotonic() - begun < limits.STOP_GRACE_S + 1, f"{name} {kind} did not stop in time"
                self._start_upgraded(kind, name)
        self.stack.wait_ready()

    def do_peer_hangs(self) -> None:
        pid = self.stack.state.pids["roster server"]
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: ") T " in Path(f"/proc/{pid}/stat").read_text(), 10, "the server does not stop")
        begun = time.monotonic()
        try:
            self.stack.peers.stub("roster").GetHousehold(roster_pb2.GetHouseholdRequest(household_id="x"))
            raise AssertionError("a stopped server has answered")
        except Fault as fault:
            assert fault.code == "PEER_UNAVAILABLE"
        finally:
            os.kill(pid, signal.SIGCONT)
        assert time.monotonic() - begun < limits.RPC_DEADLINE_S + 1

    # ------------------------------------------------------------------------------------------ broker
    def do_broker_crash(self) -> None:
        self.own.own["rabbitmq"].kill()
        self.own.own["rabbitmq"].start()
        wait_for_broker(self.own.broker)

    def do_broker_unreachable(self) -> None:
        self.broker.cut()
        time.sleep(60 if self.long else 4)

    def do_broker_hangs(self) -> None:
        self.broker.hang()
        time.sleep(20 if self.long else 3)

    def do_broker_blocks(self) -> None:
        """The memory alarm: nobody may publish. Servers go on answering, what they say waits in the outbox."""
        self.own.rabbitmqctl("set_vm_memory_high_watermark", MEMORY_NONE)
        time.sleep(30 if self.long else 4)
        assert all(is_serving(address) for address in self.stack.state.addresses.values())
        self.own.rabbitmqctl("set_vm_memory_high_watermark", MEMORY_USUAL)

    def do_newer_producer(self) -> None:
        """Some services already speak the next version: every message of theirs carries a field nobody else knows."""
        for name in self.rng.sample(sorted(self.stack.services), 4):
            store = Store(self.stack.databases[name])
            with store.transaction() as tx:
                tx.connection.exec_driver_sql(NEWER_PRODUCER)
            store.close()

    def do_published_again(self) -> None:
        """Old events once more, after newer ones: duplicates, out of order."""
        for name in self.rng.sample(sorted(self.stack.services), 5):
            store = Store(self.stack.databases[name])
            with store.transaction() as tx:
                rows = tx.find(outbox, order_by=outbox.c.position)
                chosen = self.rng.sample([row["event_id"] for row in rows], min(PUBLISHED_AGAIN, len(rows)))
                tx.connection.execute(sa.update(outbox).where(outbox.c.event_id.in_(chosen)).values(published_at=None))
            store.close()

    def do_garbage(self) -> None:
        """Messages that nobody can read end in the dead letters and stop nothing."""
        for claimed, wire_type, body in GARBAGE:
            headers = {"ce-id": f"garbage-{self.garbage}", "ce-type": wire_type, "ce-source": claimed,
                       "ce-subject": "garbage", "ce-sequence": "1", "ce-partitionkey": "garbage"}
            with Connection(self.stack.state.tenancy.brokers["basic_living"]) as connection:
                channel = connection.default_channel
                channel.basic_publish(
                    amqp.Message(body, content_type=CONTENT_TYPE, application_headers=headers),
                    exchange=exchange_of("basic_living"), routing_key="aid.granted.all")
            self.garbage += 1

    # ------------------------------------------------------------------------------------------ database
    def do_database_crash(self) -> None:
        self.own.own["postgres"].kill()
        self.own.own["postgres"].start()
        wait_for_postgres(self.own.postgres)

    def do_database_unreachable(self) -> None:
        """Cut in the middle of whatever is being committed."""
        self.database.cut()
        time.sleep(20 if self.long else 2)

    def do_database_slow(self) -> None:
        self.database.slow(0.05)
        time.sleep(20 if self.long else 4)

    # ------------------------------------------------------------------------------------------ time and policy
    def do_clock_back(self) -> None:
        now = self.stack.clock.now()
        self.stack.clock.move_to(now - timedelta(hours=1))
        # Who starts now sees the earlier time.
        self.do_kill_worker()
        time.sleep(1)
        self.stack.clock.move_to(now)

    def do_pack_replaced(self) -> None:
        """A new version with the same rules comes into force while cases are under way."""
        assert self.month is not None
        tokens, today = self.month.tokens, self.stack.clock.now().date().isoformat()
        desk, ring = self.stack.peers.department("medical"), KeyRing(self.stack.keys, "medical")
        known = desk.ListPacks(aid_pb2.ListPacksRequest()).packs
        if any(pack.effective_from == today for pack in known):
            return  # it was struck today already, and no two packs come into force on one day
        before = next(pack for pack in known if pack.state == "approved" and pack.effective_from <= today)
        changed = yaml.safe_load(Path("services/medical/policy/medical-2026.yaml").read_text())
        changed |= {"version": f"2026.2.{len(self.struck)}", "effective": self.stack.clock.now().date(),
                    "supersedes": before.version}
        text = seal(yaml.safe_dump(changed, allow_unicode=True), "medical", ring.sign)
        first, second = (tokens.role("policy_officer", department="medical", number=number) for number in (1, 2))
        proposed = desk.ProposePack(aid_pb2.ProposePackRequest(yaml=text), token=first, timeout_s=30.0)
        desk.ApprovePack(aid_pb2.ApprovePackRequest(pack_hash=proposed.pack_hash), token=second)
        if "medical server" not in self.stack.releases:  # to the release before, a pack is in force once it is approved
            desk.ActivatePack(aid_pb2.ActivatePackRequest(pack_hash=proposed.pack_hash), token=first)

    # ------------------------------------------------------------------------------------------ afterwards
    def dead_letters(self) -> int:
        """Messages in all dead-letter queues."""
        with Connection(self.stack.state.tenancy.broker_admin) as connection:
            channel = connection.default_channel
            return sum(int(channel.queue_declare(dead_queue_of(name), passive=True).message_count)
                       for name in self.stack.services)


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@contextmanager
def burning(folder: Path, seed: int, long: bool, previous: Path | None) -> Iterator[Fire]:
    """A stack on servers of our own, with a line that can be cut before each of them.

    Half of its processes, drawn from the seed, run `previous`, the Python of another release, until they are upgraded.
    """
    own = start_private()
    stack: Stack | None = None
    rng = random.Random(seed)
    processes = sorted(f"{name} {kind}" for name in services() for kind in ("server", "worker"))
    releases = dict.fromkeys(rng.sample(processes, len(processes) // 2), previous) if previous else {}
    with Line(_port(own.postgres)) as database, Line(_port(own.broker)) as broker:
        try:
            through = replace(own, postgres=own.postgres.replace(str(_port(own.postgres)), str(database.port)),
                              broker=own.broker.replace(str(_port(own.broker)), str(broker.port)))
            folder.mkdir()
            FileClock(folder / "clock").move_to(start_moment())
            stack = Stack.start(folder, f"fire{os.getpid()}", folder / "clock", components=through,
                                releases=releases)
            yield Fire(stack, own, database, broker, rng, long)
        finally:
            if stack is not None:
                stack.stop_processes()
                stack.peers.close()
            own.stop()
