"""Before the first start of a compose deployment: keys, databases with roles, tables, exchanges and queues.

The broker's container offers no administration from outside, so the services share its user; give each its
own with the permissions of `yimen.bus.topology.permissions_of` where you can run `rabbitmqctl`.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from yimen.bus.topology import declare_at
from yimen.kernel.errors import Fault
from yimen.rehearsal import bank
from yimen.runtime.registry import services
from yimen.security.fields import make_field_key
from yimen.security.keys import ISSUER, make_pair
from yimen.stack.components import make_databases
from yimen.store import migrate
from yimen.store.unit import Store

INSTANCE = "compose"


def _need(name: str) -> str:
    if not os.environ.get(name):
        raise Fault("SETTING_MISSING", name=name)
    return os.environ[name]


def prepare() -> None:
    """Safe to repeat: what exists is left alone, tables are brought up to date."""
    admin, password, keys = _need("YIMEN_POSTGRES_URL"), _need("YIMEN_PASSWORD"), Path(_need("YIMEN_KEYS"))
    known = services()
    for name in [*known, ISSUER, bank.NAME]:
        make_pair(keys, name)
        make_field_key(keys, name)
    with psycopg.connect(admin) as connection:
        rows = connection.execute("select datname from pg_database").fetchall()
        here, host, port = {row[0] for row in rows}, connection.info.host, connection.info.port
    make_databases(admin, INSTANCE, [name for name in known if f"yimen_{INSTANCE}_{name}" not in here], password)
    for name, service in known.items():
        label = f"yimen_{INSTANCE}_{name}"
        store = Store(f"postgresql+psycopg://{label}:{password}@{host}:{port}/{label}")
        migrate.upgrade(store, service.migrations)
        store.close()
    declare_at(_need("YIMEN_AMQP_ADMIN_URL"), list(known.values()))


if __name__ == "__main__":
    prepare()
