"""`intake`: the one window (一门受理). Submit, accept, follow, feed back, close."""

from pathlib import Path

from yimen.runtime.declaration import Service

from services.intake.conferences import conferences_mount
from services.intake.domain import preview
from services.intake.handlers import HANDLERS
from services.intake.leads import leads_mount
from services.intake.servicer import intake_mount
from services.intake.tables import METADATA

SERVICE = Service(
    name="intake",
    title="统一受理窗口",
    purpose="One application for any number of items; one status, one timeline, feedback to window and applicant",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers=HANDLERS,
    servicers=lambda app: [intake_mount(app), leads_mount(app), conferences_mount(app)],
    peers=("directory", "roster", "payment"),
    preview=preview,
)
