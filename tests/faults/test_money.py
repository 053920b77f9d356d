"""A batch is paid while payment, the bank and the database are killed: nobody is paid twice, nobody never, and every instruction ends on
a statement of the bank.

`make test` does it with some hundreds of instructions, `pytest tests/faults/test_money.py --money-instructions 100000` with a
county's worth. What is killed when, and which account does what, follow from `--fire-seed`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.topology import declare_at
from yimen.directory.v1 import directory_pb2
from yimen.kernel.clock import CHINA, FileClock
from yimen.kernel.ids import derived
from yimen.payment.v1 import batches_pb2, payment_pb2
from yimen.rehearsal import bank
from yimen.rehearsal.county import County, areas, officers, outsiders
from yimen.rehearsal.patience import insist
from yimen.rehearsal.players import corrected_account
from yimen.rehearsal.promises import Evidence, p3_one_payment_per_instalment, p4_channels_balance
from yimen.rehearsal.tokens import Tokens
from yimen.rehearsal.world import make_keys
from yimen.rpc.client import Peers, over_network
from yimen.runtime.app import App
from yimen.runtime.registry import find
from yimen.runtime.settings import Settings
from yimen.security.identity import issue_service_token
from yimen.security.keys import KeyRing
from yimen.stack.components import Components, drop_databases, make_databases, start_private
from yimen.stack.private import free_port, wait_for_postgres
from yimen.store.unit import Store
from yimen.telemetry.tracing import Telemetry

from services.payment import lines
from services.payment.handlers import on_granted
from services.payment.tables import channel, payee

NAMES = ["payment", "directory"]
CHANNEL, OWNER, TOWNSHIP = "basic_living_relief", "basic_living", "990101001"
PAYDAY, LAST_DAY = date(2026, 4, 1), date(2026, 4, 20)
ACCOUNTS = {"10": 76, "91": 4, "92": 4, "93": 6, "94": 4, "95": 3, "96": 3}
PAGE, KILLS_A_DAY, WAIT_S = 500, 3, 1800.0


class Till:
    """Payment's server and the bank, each a process that dies when asked."""

    def __init__(self, folder: Path, own: Components, sample: County, rng: random.Random) -> None:
        self.folder, self.own, self.rng = folder, own, rng
        self.instance = f"money{os.getpid()}"
        self.urls = make_databases(own.postgres, self.instance, NAMES, "money")
        self.url = self.urls["payment"]
        make_keys(folder / "keys", [*NAMES, "intake", OWNER], 1)
        self.clock = FileClock(folder / "clock")
        self.to(PAYDAY - timedelta(days=1))
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in (*NAMES, bank.NAME)}
        self.app, directory = (App(find(name), Settings(self.urls[name], "", folder / "keys", "", {}, self.clock, "", ""),
                                   over_network(self.addresses.__getitem__)) for name in NAMES)
        for app in (self.app, directory):
            app.migrate()
        directory.close()
        declare_at(own.broker, [find(name) for name in NAMES])
        self.tokens = Tokens(folder / "keys", self.clock, [*officers(sample, []), *outsiders(sample)])
        ring = KeyRing(folder / "keys", "intake")
        self.peers = Peers(over_network(self.addresses.__getitem__), lambda: issue_service_token(ring, self.clock.now()), Telemetry("till"))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.killed: Counter[str] = Counter()

    def to(self, day: date) -> None:
        self.clock.move_to(datetime.combine(day, datetime.min.time().replace(hour=9), CHINA))

    def start(self, name: str) -> None:
        commands = {**{one: ["-m", "yimen.runtime.server", one] for one in NAMES},
                    bank.NAME: ["-m", "yimen.cli.main", "bank", "--file", str(self.folder / "bank.db"), "--keys", str(self.folder / "keys"),
                                "--clock", str(self.folder / "clock"), "--listen", self.addresses[bank.NAME]]}
        environment = {**os.environ, "YIMEN_DATABASE_URL": self.urls.get(name, ""), "YIMEN_AMQP_URL": self.own.broker,
                       "YIMEN_KEYS": str(self.folder / "keys"), "YIMEN_LISTEN": self.addresses[name], "YIMEN_BANK": self.addresses[bank.NAME],
                       "YIMEN_PEERS": f"directory={self.addresses['directory']}", "YIMEN_CLOCK_FILE": str(self.folder / "clock")}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen([sys.executable, *commands[name]], env=environment, stdout=log, stderr=log, start_new_session=True)

    def kill(self, name: str) -> None:
        self.killed[name] += 1
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()
        self.start(name)

    def restart_database(self) -> None:
        self.killed["postgres"] += 1
        self.own.own["postgres"].kill()
        self.own.own["postgres"].start()
        wait_for_postgres(self.own.postgres)

    def one(self, query: str) -> int:
        store = Store(self.url)
        try:
            with store.transaction(write=False) as tx:
                return int(tx.connection.exec_driver_sql(query).scalar() or 0)
        finally:
            store.close()

    def call(self, contract: str, method: str, request: Any, token: str) -> Any:
        stub = self.peers.stub("payment", contract)
        return insist(lambda: getattr(stub, method)(request, token=token, timeout_s=60.0), pause_s=0.5)

    def until(self, query: str, what: str, kills: int = 0) -> None:
        """Wait until the query counts nothing, killing now and then."""
        end = time.monotonic() + WAIT_S
        while (left := self.one(query)) > 0:
            assert time.monotonic() < end, f"{what}: {left}"
            time.sleep(self.rng.uniform(0.2, 1.2))
            if kills:
                kills -= 1
                self.kill(self.rng.choice(["payment", "payment", bank.NAME]))

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.peers.close()
        self.app.close()
        drop_databases(self.own.postgres, self.instance, NAMES)


@contextmanager
def _till(folder: Path, sample: County, seed: int) -> Iterator[Till]:
    own = start_private()
    try:
        till = Till(folder, own, sample, random.Random(seed))
        try:
            yield till
        finally:
            till.stop()
    finally:
        own.stop()


def _grant_to_many(till: Till, count: int) -> int:
    """Signed grants, due on the pay day, to accounts that do what their endings say; returns the sum in fen."""
    ring, total = KeyRing(till.folder / "keys", OWNER), 0
    with till.app.work("finance") as ctx:
        ctx.tx.insert(channel, channel=CHANNEL, owner=OWNER, title="救助", year=2026)
        for level, fen in (("county", 10**12), ("central", count * 200_00)):
            lines.allocate(ctx, lines.require_channel(ctx, CHANNEL), 2026, level, fen, f"文〔2026〕{level}")
    envelope: Any = type("E", (), {"source": OWNER})
    for start in range(0, count, PAGE):
        with till.app.work("service:payment") as ctx:
            for number in range(start, min(count, start + PAGE)):
                fen = till.rng.randint(1, 900_00)
                total += fen
                home = derived("household", number)
                ending = till.rng.choices(list(ACCOUNTS), list(ACCOUNTS.values()))[0]
                ctx.tx.insert(payee, household_id=home, account_sealed=till.app.vault.encrypt(f"621700{number:011d}{ending}"),
                              name_sealed=till.app.vault.encrypt("某某"))
                grant = aid.Grant(grant_id=derived("grant", number), channel=CHANNEL, service=OWNER, case_id=derived("case", number),
                                  decision_id=derived("decision", number), household_id=home, instalment_fen=fen, instalments=1,
                                  first_due_on=PAYDAY.isoformat(), via="bank", township_code=TOWNSHIP, application_id=derived("a", number),
                                  every_months=1, item="temporary_aid").SerializeToString(deterministic=True)
                on_granted(ctx, aid.AidGranted(signed_grant=aid.SignedGrant(grant=grant, signature=ring.sign(grant), signed_by=OWNER)), envelope)
    return total


@pytest.mark.stack
@pytest.mark.timeout(7200)
def test_every_instruction_is_paid_once_whoever_is_killed(tmp_path: Path, sample: County, pytestconfig: pytest.Config) -> None:
    count, seed = pytestconfig.getoption("--money-instructions"), pytestconfig.getoption("--fire-seed")
    print(f"money seed {seed}, {count} instructions")
    with _till(tmp_path, sample, seed) as till:
        begun = time.monotonic()
        till.start("directory")
        insist(lambda: till.peers.stub("directory").LoadCounty(directory_pb2.LoadCountyRequest(
            areas=list(areas(sample)), officers=list(officers(sample, [])), calendar_years=[2026]),
            token=till.tokens.role("county_admin"), timeout_s=60.0), pause_s=1.0)
        total = _grant_to_many(till, count)
        till.start(bank.NAME)
        till.start("payment")
        till.to(PAYDAY)
        contract, first, second = "yimen.payment.v1.batches:Batch", (lambda: till.tokens.role("finance_officer")), (
            lambda: till.tokens.role("finance_officer", number=2))
        batch_id = till.call(contract, "PrepareBatch", batches_pb2.PrepareBatchRequest(channel=CHANNEL, due_on=PAYDAY.isoformat()),
                             first()).batch.batch_id
        till.until("select count(*) from batch where state = 'preparing'", "preparing", kills=2)
        assert till.one("select total_fen from batch") == total and till.one("select instalments from batch") == count
        till.call(contract, "ReviewBatch", batches_pb2.ReviewBatchRequest(batch_id=batch_id, revision=till.one("select revision from batch")), second())
        till.call(contract, "ReleaseReviewedBatch", batches_pb2.ReleaseReviewedBatchRequest(batch_id=batch_id), second())
        day, restarted = PAYDAY, False
        while day <= LAST_DAY and (day == PAYDAY or till.one("select count(*) from instalment where state <> 'settled'")
                                   or till.one("select count(*) from instruction where state = 'settled' and reconciled_on is null")):
            if not restarted:
                till.until("select count(*) from batch where state = 'releasing'", "releasing", kills=KILLS_A_DAY)
                till.restart_database()
                restarted = True
            till.until("select count(*) from instruction where state in ('committed', 'sending')", f"sending on {day}", kills=KILLS_A_DAY)
            _correct_accounts(till)
            day += timedelta(days=1)
            till.to(day)
            till.until(f"select 1 - count(*) from statement where booked_on = '{day - timedelta(days=1)}'", f"no statement before {day}")
        print(f"killed {dict(till.killed)}, {time.monotonic() - begun:.0f} s")
        _check(till, total, count, day)


def _correct_accounts(till: Till) -> None:
    """The window writes down an account that the bank pays to, for everything that came back and is not waiting for a person."""
    store = Store(till.url)
    with store.transaction(write=False) as tx:
        found = [row[0] for row in tx.connection.exec_driver_sql("select subject from task where kind = 'correct_account' and done_at is null")]
    store.close()
    for instalment_id in found:
        till.call("", "CorrectAccount", payment_pb2.CorrectAccountRequest(
            instalment_id=instalment_id, bank_account=corrected_account(instalment_id)), till.tokens.role("window_clerk", TOWNSHIP))


def _check(till: Till, total: int, count: int, day: date) -> None:
    evidence = Evidence({"payment": find("payment")}, {"payment": till.url}, till.folder / "keys", till.folder / "bank.db", day)
    try:
        states = Counter({row["state"]: row["n"] for row in evidence.rows("payment", "select state, count(*) as n from instalment group by state")})
        assert states == {"settled": count}, "somebody was never paid"
        assert p3_one_payment_per_instalment(evidence) == []  # nobody was paid twice, nothing was paid that we did not say
        assert p4_channels_balance(evidence) == []
        assert till.one("select sum(balance_fen) from account") == 0
        assert till.one("select sum(balance_fen) from account where kind = 'paid'") == total
        assert till.one("select count(*) from instruction where state = 'settled' and reconciled_on is null") == 0
        # What the bank did wrong by itself, and nothing else, is on the list; each with an owner and a day.
        listed = evidence.rows("payment", "select d.kind, t.owner_role, t.due_on from discrepancy d left join task t on t.subject ="
                                          " d.discrepancy_id and t.done_at is null")
        assert {row["kind"] for row in listed} <= {"settled_twice"} and all(row["owner_role"] and row["due_on"] for row in listed)
    finally:
        evidence.close()


