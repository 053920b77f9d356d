"""A bank that exchanges ISO 20022 files: pain.001 out, pain.002 and camt.053 in, through one folder.

`out/` is what we hand over (the bank takes it away into `sent/`), `in/` what it brings; what was read goes to `done/`, what
could not
be read to `rejected/` with the reason beside it. A message is written under its own id and appears when it is complete, so
writing it twice is writing it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from yimen.iso20022 import Payment, write_initiation
from yimen.kernel.errors import Fault
from yimen.runtime.app import App

from services.payment.bank import Order, Outcome

OUT, SENT, IN, DONE, REJECTED = "out", "sent", "in", "done", "rejected"
FILES_A_TURN_MAX = 20
DEBTOR, DEBIT_ACCOUNT = "county treasury", "treasury"


class FileBank:
    """What is written is pending until a file says more."""

    batch_max = 10_000

    def __init__(self, folder: str, app: App) -> None:
        self._folder, self._app = Path(folder), app
        try:
            for name in (OUT, SENT, IN, DONE, REJECTED):
                (self._folder / name).mkdir(parents=True, exist_ok=True)
        except OSError:
            raise Fault("PEER_UNAVAILABLE", peer="bank") from None

    def submit(self, message_id: str, orders: Sequence[Order]) -> list[Outcome]:
        if not self._was_written(message_id):
            try:
                write_initiation(self._folder / OUT / f"{message_id}.xml", message_id, self._app.county_now(), self._app.today(),
                                 DEBTOR, DEBIT_ACCOUNT, (Payment(one.instruction_id, one.account, one.name, one.amount_fen)
                                                         for one in orders),
                                 len(orders), sum(one.amount_fen for one in orders))
            except OSError:
                raise Fault("PEER_UNAVAILABLE", peer="bank") from None
        return [Outcome(one.instruction_id, "pending") for one in orders]

    def _was_written(self, message_id: str) -> bool:
        return any((self._folder / name / f"{message_id}.xml").exists() for name in (OUT, SENT))

    def query(self, asked: Mapping[str, str]) -> list[Outcome]:
        """Of a message that never got as far as the folder the bank knows nothing; of the others its files will tell."""
        return [Outcome(one, "pending" if self._was_written(message_id) else "unknown") for one, message_id in asked.items()]

    def statement(self, day: date, path: Path) -> bool:
        """They come by themselves (`read_inbox`)."""
        return False


def read_inbox(app: App) -> bool:
    """Take in what the bank has brought, oldest name first; True when there was something."""
    where = app.settings.bank
    if not where.startswith("file:"):
        return False
    from services.payment import reconcile

    folder = Path(where.removeprefix("file:"))
    brought = sorted((folder / IN).glob("*.xml"))[:FILES_A_TURN_MAX]
    for path in brought:
        try:
            reconcile.take_in_path(app, path)
        except Fault as fault:
            if fault.code in ("DATABASE_UNAVAILABLE", "PEER_UNAVAILABLE"):
                raise
            (folder / REJECTED / f"{path.name}.txt").write_text(str(fault) + "\n")
            path.rename(folder / REJECTED / path.name)
            reconcile.refused(app, path.name[:80], fault)
        else:
            path.rename(folder / DONE / path.name)
            reconcile.taken_in(app, path.name[:80])
    return bool(brought)
