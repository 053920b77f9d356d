"""`directory`: who is where and may do what; standards and the working-day calendar."""

from pathlib import Path

from yimen.runtime.declaration import Service

from services.directory.servicer import directory_mount
from services.directory.tables import METADATA

SERVICE = Service(
    name="directory",
    title="机构名录",
    purpose="Area tree, officers and roles, written delegations (R101), published standards, working-day calendar",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    servicers=lambda app: [directory_mount(app)],
)
