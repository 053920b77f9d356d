"""RabbitMQ and PostgreSQL for a stack: from the environment, reachable here, unpacked from Debian, or compose.

A server that we did not start is only lent to us: we make databases, roles, a virtual host and users with
names of our own and take them away again.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from yimen.bus.reach import check_broker
from yimen.bus.topology import broker_definitions
from yimen.kernel.errors import Fault
from yimen.runtime.declaration import Service
from yimen.stack import debian
from yimen.stack.private import START_S_MAX, OwnServer, start_broker, start_postgres

POSTGRES_VARIABLE, BROKER_VARIABLE = "YIMEN_POSTGRES_URL", "YIMEN_AMQP_ADMIN_URL"
# "private" starts servers of our own even where others are reachable.
CHOICE_VARIABLE = "YIMEN_COMPONENTS"
LOCAL_POSTGRES = ("postgresql://postgres@127.0.0.1:5432/postgres", "postgresql:///postgres")
LOCAL_BROKER = "amqp://guest:guest@127.0.0.1:5672//"
COMPOSE_POSTGRES = "postgresql://postgres:yimen@127.0.0.1:5432/postgres"


@dataclass
class Components:
    """Where the servers are and what must be stopped at the end."""

    postgres: str
    broker: str
    # How to call rabbitmqctl for this broker; empty where we cannot administer it.
    ctl: list[str] = field(default_factory=list)
    ctl_environment: dict[str, str] = field(default_factory=dict)
    # Servers that we started ourselves, by name.
    own: dict[str, OwnServer] = field(default_factory=dict)
    folder: str = ""
    origin: str = ""

    def rabbitmqctl(self, *arguments: str) -> str:
        """Raises Fault BROKER_UNAVAILABLE when the call fails."""
        done = subprocess.run([*self.ctl, *arguments], env={**os.environ, **self.ctl_environment}, capture_output=True,
                              text=True, timeout=START_S_MAX, check=False)
        if done.returncode:
            raise Fault("BROKER_UNAVAILABLE", attempts=1, where=f"rabbitmqctl {arguments[0]}: {done.stderr[-200:]}")
        return done.stdout

    def stop(self) -> None:
        """Stop what we started and remove its files."""
        for server in reversed(self.own.values()):
            server.stop()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    @classmethod
    def from_state(cls, raw: dict[str, Any]) -> Components:
        """As it was before it went through `asdict`."""
        return cls(**{**raw, "own": {name: OwnServer(**server) for name, server in raw["own"].items()}})


def obtain() -> Components:
    """The first way that works. Raises Fault SETTING_MISSING with what to do when none does."""
    if os.environ.get(POSTGRES_VARIABLE) and os.environ.get(BROKER_VARIABLE):
        return Components(os.environ[POSTGRES_VARIABLE], os.environ[BROKER_VARIABLE], _local_ctl(), origin="environment")
    if os.environ.get(CHOICE_VARIABLE) != "private":
        found = _reachable()
        if found is not None:
            return found
    try:
        return start_private()
    except Fault:
        if _compose_up():
            return Components(COMPOSE_POSTGRES, LOCAL_BROKER, origin="docker compose")
        raise


def _reachable() -> Components | None:
    for url in LOCAL_POSTGRES:
        try:
            with psycopg.connect(url, connect_timeout=3) as connection:
                row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
            check_broker(LOCAL_BROKER)
        except (psycopg.Error, Fault):
            continue
        if row and row[0]:
            return Components(url, LOCAL_BROKER, _local_ctl(), origin="reachable")
    return None


def _local_ctl() -> list[str]:
    ctl = shutil.which("rabbitmqctl") or shutil.which("rabbitmqctl", path="/usr/sbin")
    if ctl is None:
        return []
    done = subprocess.run([ctl, "-q", "list_vhosts"], capture_output=True, timeout=START_S_MAX, check=False)
    return [ctl, "-q"] if done.returncode == 0 else []


def start_private() -> Components:
    """Servers of our own, from unpacked packages. Raises Fault SETTING_MISSING."""
    root = debian.unpack()
    folder = Path(tempfile.mkdtemp(prefix="yimen-", dir="/var/tmp"))
    folder.chmod(0o755)
    components = Components("", "", folder=str(folder), origin="private")
    try:
        components.postgres, components.own["postgres"] = start_postgres(root, folder)
        broker = start_broker(root, folder)
        components.own |= {"epmd": broker.epmd, "rabbitmq": broker.server}
        components.broker, components.ctl, components.ctl_environment = broker.url, broker.ctl, broker.server.environment
        broker.wait()
    except BaseException:
        components.stop()
        raise
    return components


def _compose_up() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    done = subprocess.run([docker, "compose", "up", "-d", "--wait", "postgres", "rabbitmq"], capture_output=True,
                          timeout=600, check=False)
    return done.returncode == 0


# ------------------------------------------------------------------------------------------------ tenancy
@dataclass(frozen=True)
class Tenancy:
    """What a stack has been given on the servers: a database and a broker user for each service."""

    databases: dict[str, str]
    brokers: dict[str, str]
    # For the administrator: declares exchanges, queues and bindings.
    broker_admin: str
    vhost: str
    # Whether each service has a broker user of its own with its own permissions.
    separate_users: bool


def settle_in(components: Components, instance: str, services: Sequence[Service]) -> Tenancy:
    """Make databases, roles, virtual host and users for a stack named `instance`."""
    password, names = secrets.token_hex(12), [service.name for service in services]
    databases = make_databases(components.postgres, instance, names, password)
    vhost = f"yimen_{instance}"
    if not components.ctl:
        brokers = dict.fromkeys(names, components.broker)
        return Tenancy(databases, brokers, components.broker, "", False)
    definitions = broker_definitions(vhost, services, dict.fromkeys(names, password), f"{vhost}_")
    admin = {"name": f"{vhost}_admin", "password": password, "tags": "administrator"}
    definitions["users"].append(admin)
    definitions["permissions"].append({"user": admin["name"], "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"})
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(definitions, file)
    Path(file.name).chmod(0o644)
    try:
        components.rabbitmqctl("import_definitions", file.name)
    finally:
        Path(file.name).unlink()
    host = components.broker.split("@", 1)[1].split("/", 1)[0]

    def url(user: str) -> str:
        return f"amqp://{user}:{password}@{host}/{vhost}"

    return Tenancy(databases, {name: url(f"{vhost}_{name}") for name in names}, url(str(admin["name"])), vhost, True)


def make_databases(admin: str, instance: str, names: list[str], password: str) -> dict[str, str]:
    """A database with its owner for each name; nobody else may connect. Returns their URLs by name."""
    made: dict[str, str] = {}
    with psycopg.connect(admin, autocommit=True) as connection:
        host, port = connection.info.host, connection.info.port
        for name in names:
            label = f"yimen_{instance}_{name}"
            connection.execute(f'create role "{label}" login password \'{password}\'')
            connection.execute(f'create database "{label}" owner "{label}"')
            connection.execute(f'revoke connect on database "{label}" from public')
            where = f"?host={host}" if host.startswith("/") else ""
            address = "" if where else f"{host}:{port}"
            made[name] = f"postgresql+psycopg://{label}:{password}@{address}/{label}{where}"
    return made


def drop_databases(admin: str, instance: str, names: list[str]) -> None:
    """Databases and owners of these names, whether they exist or not."""
    with psycopg.connect(admin, autocommit=True) as connection:
        for name in names:
            label = f"yimen_{instance}_{name}"
            connection.execute(f'drop database if exists "{label}" with (force)')
            connection.execute(f'drop role if exists "{label}"')


def move_out(components: Components, instance: str, names: list[str]) -> None:
    """Take away everything that `settle_in` made."""
    drop_databases(components.postgres, instance, names)
    if components.ctl:
        vhost = f"yimen_{instance}"
        known = [line.split("\t")[0] for line in components.rabbitmqctl("list_users").splitlines()]
        integrators = [user for user in known if user.startswith(f"{vhost}_for_")]
        users = ",".join(f'<<"{user}">>' for user in [*(f"{vhost}_{name}" for name in [*names, "admin"]), *integrators])
        components.rabbitmqctl("eval", f'[rabbit_auth_backend_internal:delete_user(U, <<"yimen">>) || U <- [{users}], '
                                       "rabbit_auth_backend_internal:exists(U)].")
        if vhost in components.rabbitmqctl("list_vhosts").split():
            components.rabbitmqctl("delete_vhost", vhost)
