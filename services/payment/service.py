"""`payment`: money leaves a channel only on a grant signed by the department that owns it (资金渠道不变)."""

from pathlib import Path

from yimen.aid.v1 import events_pb2 as aid
from yimen.runtime.declaration import Service

from services.payment.dispatch import ask_bank, send_instructions
from services.payment.handlers import on_adjusted, on_granted
from services.payment.imprest import on_supplement
from services.payment.ledger import balances
from services.payment.servicer import payment_mount
from services.payment.tables import METADATA

SERVICE = Service(
    name="payment",
    title="资金支付",
    purpose="A channel per department, double entry, reserve then post, imprest funds, instructions to the bank",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers={aid.AidGranted: on_granted, aid.BenefitAdjusted: on_adjusted,
              aid.SupplementFiled: on_supplement},
    servicers=lambda app: [payment_mount(app)],
    loops=(send_instructions, ask_bank),
    peers=("directory", "bank"),
    gauges={"yimen.channel.balance": balances},
)
