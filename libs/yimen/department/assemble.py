"""From a department's declaration to a deployable service."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from yimen.department import birthdays, bulk
from yimen.department.cases import Desk
from yimen.department.declaration import Department
from yimen.department.handlers import ADDRESSED, Reactions, publish_catalogue
from yimen.department.reviews import EXPIRY_TIMER, TIMER
from yimen.department.servicer import department_mount
from yimen.department.tables import METADATA
from yimen.runtime.context import Context
from yimen.runtime.declaration import Service

MIGRATIONS = Path(__file__).parent / "migrations"
_DECLARED: dict[str, Department] = {}


def department_service(department: Department) -> Service:
    """The service that the registry finds as SERVICE in the department's `service.py`."""
    desk = Desk(department)

    def on_start(ctx: Context) -> None:
        desk.shelf.install(ctx)
        publish_catalogue(ctx, desk)

    tables = sa.MetaData()
    for metadata in (METADATA, *department.tables):
        for table in metadata.tables.values():
            table.to_metadata(tables)
    _DECLARED[department.name] = department
    return Service(
        name=department.name, title=department.title, purpose=department.purpose, tables=tables,
        migrations=(MIGRATIONS, *department.migrations), handlers={**Reactions(desk).table(), **department.handlers},
        addressed=ADDRESSED, loops=(desk.bulk.turn,),
        timers={TIMER: desk.reviews.on_due, EXPIRY_TIMER: desk.reviews.on_expired, bulk.TIMER: desk.bulk.on_start,
                birthdays.TIMER: birthdays.handler(desk),
                **department.timers},
        on_start=on_start, channel=department.channel,
        servicers=lambda app: [department_mount(app, desk), *department.servicers(app)],
        peers=("directory", "roster", "means_test"),
    )


def department_of(service: Service) -> Department:
    """The declaration that a service was assembled from. Raises KeyError for a shared service."""
    return _DECLARED[service.name]
