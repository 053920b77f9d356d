"""`payment`: money leaves a channel only on a grant signed by the department that owns it (资金渠道不变).

Read `ledger.py` (the books), `lines.py` (budget lines), `handlers.py` (a grant arrives), `batches.py` (two persons before money
leaves), `dispatch.py` and `outcomes.py` (the bank), `reconcile.py` (its statements), `debts.py` (money that comes back).
"""

from pathlib import Path

from yimen.aid.v1 import events_pb2 as aid
from yimen.runtime.declaration import Service

from services.payment import batches, lines, reconcile
from services.payment.bank.files import read_inbox
from services.payment.debts import on_ordered
from services.payment.dispatch import ask_bank, send_instructions
from services.payment.handlers import on_adjusted, on_granted
from services.payment.imprest import on_supplement
from services.payment.ledger import balances
from services.payment.servicer import payment_mount
from services.payment.servicer_batches import batch_mount
from services.payment.servicer_books import books_mount
from services.payment.servicer_debts import debt_mount
from services.payment.tables import METADATA

SERVICE = Service(
    name="payment",
    title="资金支付",
    purpose="A channel per department and budget lines, double entry, batches seen by two, the bank, reconciliation, recovery",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers={aid.AidGranted: on_granted, aid.BenefitAdjusted: on_adjusted, aid.SupplementFiled: on_supplement,
              aid.RecoveryDecided: on_ordered},
    timers={lines.FUND_TIMER: lines.fund_year, reconcile.CHECK_TIMER: reconcile.check_unreconciled},
    servicers=lambda app: [payment_mount(app), batch_mount(app), books_mount(app), debt_mount(app)],
    loops=(batches.turn, send_instructions, ask_bank, read_inbox, reconcile.fetch_statements),
    peers=("directory", "bank"),
    gauges={"yimen.channel.balance": balances},
)
