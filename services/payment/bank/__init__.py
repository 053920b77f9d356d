"""The bank as a port: who pays is told once what to pay, is asked what became of it, and sends a statement of each day.

Which adapter speaks is said by `YIMEN_BANK`: `https://…` for a bank with an HTTP interface, `file:/folder` for one that exchanges
ISO 20022 files, `host:port` for a gRPC gateway (and the rehearsal).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from yimen.runtime.app import App

STATES = ("pending", "settled", "returned", "unknown")


@dataclass(frozen=True)
class Order:
    """One payment to one account; its id is the payment's identity at the bank, however often it is sent."""

    instruction_id: str
    account: str
    name: str
    amount_fen: int


@dataclass(frozen=True)
class Outcome:
    """What has become of an order: pending, settled, returned, or unknown (the bank has never seen it)."""

    instruction_id: str
    state: str
    reason_code: str = ""


class Bank(Protocol):
    """Every method raises Fault PEER_UNAVAILABLE when no answer came: then nobody knows what the bank has done."""

    # Orders in one message.
    batch_max: int

    def submit(self, message_id: str, orders: Sequence[Order]) -> list[Outcome]:
        """Hand over a message of orders; the same message again is the same."""
        ...

    def query(self, asked: Mapping[str, str]) -> list[Outcome]:
        """What became of these orders: instruction → the message that carried it. Nobody need answer for each."""
        ...

    def statement(self, day: date, path: Path) -> bool:
        """Write the day's camt.053 to a file, a part at a time; False while there is none."""
        ...


def bank_of(app: App) -> Bank:
    """The adapter that the settings name."""
    where = app.settings.bank
    if where.startswith("file:"):
        from services.payment.bank.files import FileBank

        return FileBank(where.removeprefix("file:"), app)
    if where.startswith(("http://", "https://")):
        from services.payment.bank.http import HttpBank

        return HttpBank(where, app)
    from services.payment.bank.gateway import GatewayBank

    return GatewayBank(app)
