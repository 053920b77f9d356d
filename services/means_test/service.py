"""`means_test`: one verification for all departments (统一救助对象核查)."""

from pathlib import Path

from yimen.aid.v1 import events_pb2 as aid
from yimen.intake.v1 import events_pb2 as intake
from yimen.runtime.declaration import Service

from services.means_test.handlers import collect_answers, on_accepted, on_review_due, on_withdrawn
from services.means_test.preview import report
from services.means_test.servicer import means_test_mount
from services.means_test.tables import METADATA

SERVICE = Service(
    name="means_test",
    title="统一核查",
    purpose="Authorised data matching over eight sources, home visit by two, one signed report read by right",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers={intake.ApplicationAccepted: on_accepted, intake.ApplicationWithdrawn: on_withdrawn,
              aid.ReviewDue: on_review_due},
    servicers=lambda app: [means_test_mount(app)],
    loops=(collect_answers,),
    peers=("directory", "intake"),
    preview=report,
)
