"""`disclosure`: public notices with objections, standing lists, masking (公示)."""

from pathlib import Path

from yimen.aid.v1 import events_pb2 as aid
from yimen.runtime.declaration import Service

from services.disclosure.handlers import end_notice, on_adjusted, on_case_closed, on_granted, on_proposed, turn_list
from services.disclosure.servicer import disclosure_mount
from services.disclosure.tables import METADATA

SERVICE = Service(
    name="disclosure",
    title="信息公开",
    purpose="Notices at township and village for their legal period, objections, standing lists; only allowed fields",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers={aid.AidProposed: on_proposed, aid.AidGranted: on_granted, aid.BenefitAdjusted: on_adjusted,
              aid.CaseClosed: on_case_closed},
    timers={"notice_end": end_notice, "list_turn": turn_list},
    servicers=lambda app: [disclosure_mount(app)],
    peers=("directory", "roster"),
)
