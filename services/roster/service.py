"""`roster`: the shared ledger of households, categories and benefits (一共享)."""

from pathlib import Path

from yimen.aid.v1 import events_pb2 as aid
from yimen.runtime.declaration import Service

from services.roster.handlers import TIMER, on_adjusted, on_granted, on_turn
from services.roster.preview import household
from services.roster.servicer import roster_mount
from services.roster.spdci import tables as _spdci_tables  # noqa: F401  (adds to METADATA)
from services.roster.spdci.admission import integrators_mount
from services.roster.spdci.callbacks import answer_waiting, deliver, forget_old
from services.roster.spdci.desk import Desk
from services.roster.tables import METADATA

SERVICE = Service(
    name="roster",
    title="统一台账",
    purpose="Households, categories (only from decisions) and benefits, bitemporal; reads by right and with purpose",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers={aid.AidGranted: on_granted, aid.BenefitAdjusted: on_adjusted},
    timers={TIMER: on_turn},
    servicers=lambda app: [roster_mount(app), integrators_mount(app)],
    loops=(answer_waiting, deliver, forget_old),
    web=Desk,
    preview=household,
)
