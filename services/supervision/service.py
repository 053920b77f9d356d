"""`supervision`: sees everything, decides nothing: samples, full checks, indicators, anchors (监督)."""

from pathlib import Path

from yimen.runtime.declaration import Service

from services.supervision import credit, relatives
from services.supervision.handlers import HANDLERS
from services.supervision.servicer import supervision_mount
from services.supervision.servicer_credit import credit_mount
from services.supervision.servicer_tips import tips_mount
from services.supervision.tables import METADATA

SERVICE = Service(
    name="supervision",
    title="综合监管",
    purpose="30 % sample, three 100 % pools, handling days, overdue list, anchors of every audit chain",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers=HANDLERS,
    servicers=lambda app: [supervision_mount(app), credit_mount(app), tips_mount(app)],
    timers={relatives.TIMER: relatives.match_all, credit.TIMER: credit.on_expired},
    peers=("directory", "roster"),
)
