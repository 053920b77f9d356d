"""RabbitMQ and PostgreSQL for a stack: from the environment, reachable here, unpacked from Debian, or compose.

A server that we did not start is only lent to us: we make databases, roles, a virtual host and users with
names of our own and take them away again.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from yimen.bus.reach import check_broker
from yimen.kernel.errors import Fault
from yimen.stack import debian

POSTGRES_VARIABLE, BROKER_VARIABLE = "YIMEN_POSTGRES_URL", "YIMEN_AMQP_ADMIN_URL"
# "private" starts servers of our own even where others are reachable.
CHOICE_VARIABLE = "YIMEN_COMPONENTS"
LOCAL_POSTGRES = ("postgresql://postgres@127.0.0.1:5432/postgres", "postgresql:///postgres")
LOCAL_BROKER = "amqp://guest:guest@127.0.0.1:5672//"
START_S_MAX = 90.0
UNPRIVILEGED = "nobody"
COMPOSE_POSTGRES = "postgresql://postgres:yimen@127.0.0.1:5432/postgres"


@dataclass
class Components:
    """Where the servers are and what must be stopped at the end."""

    postgres: str
    broker: str
    # How to call rabbitmqctl for this broker; empty where we cannot administer it.
    ctl: list[str] = field(default_factory=list)
    ctl_environment: dict[str, str] = field(default_factory=dict)
    pids: list[int] = field(default_factory=list)
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
        for pid in reversed(self.pids):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
            end = time.monotonic() + 20
            while _alive(pid) and time.monotonic() < end:
                time.sleep(0.1)
            if _alive(pid):
                os.kill(pid, signal.SIGKILL)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        finished, _ = os.waitpid(pid, os.WNOHANG)
        return finished == 0
    except ChildProcessError:
        return Path(f"/proc/{pid}").exists()


def obtain() -> Components:
    """The first way that works. Raises Fault SETTING_MISSING with what to do when none does."""
    if os.environ.get(POSTGRES_VARIABLE) and os.environ.get(BROKER_VARIABLE):
        return Components(os.environ[POSTGRES_VARIABLE], os.environ[BROKER_VARIABLE], _local_ctl(), origin="environment")
    if os.environ.get(CHOICE_VARIABLE) != "private":
        found = _reachable()
        if found is not None:
            return found
    try:
        return _start_private()
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


def free_port() -> int:
    """A port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ------------------------------------------------------------------------------------------------ private
def _start_private() -> Components:
    root = debian.unpack()
    folder = Path(tempfile.mkdtemp(prefix="yimen-", dir="/var/tmp"))
    folder.chmod(0o755)
    libraries = ":".join(str(path) for path in root.glob("usr/lib/*-linux-gnu*"))
    components = Components("", "", folder=str(folder), origin="private")
    try:
        components.postgres = _start_postgres(root, folder, libraries, components.pids)
        _start_broker(root, folder, libraries, components)
    except BaseException:
        components.stop()
        raise
    return components


def _start_postgres(root: Path, folder: Path, libraries: str, pids: list[int]) -> str:
    programs = max(root.glob("usr/lib/postgresql/*/bin"))
    version = programs.parent.name
    data, port = folder / "postgres", free_port()
    data.mkdir()
    # PostgreSQL refuses to run as root.
    user = UNPRIVILEGED if os.getuid() == 0 else None
    if user:
        shutil.chown(data, user)
    environment = {"PATH": os.environ.get("PATH", ""), "LD_LIBRARY_PATH": libraries, "LC_ALL": "C.UTF-8"}
    subprocess.run([str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-L",
                    str(root / "usr" / "share" / "postgresql" / version)],
                   check=True, env=environment, user=user, cwd="/", stdout=subprocess.DEVNULL, timeout=START_S_MAX)
    server = subprocess.Popen(
        [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c",
         f"unix_socket_directories={data}", "-c", "max_connections=400", "-c", "jit=off"],
        env=environment, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=(folder / "postgres.log").open("w"),
        start_new_session=True)
    pids.append(server.pid)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    _until(lambda: psycopg.connect(url, connect_timeout=2).close(), psycopg.Error, "PostgreSQL")
    return url


def _start_broker(root: Path, folder: Path, libraries: str, components: Components) -> None:
    sbin = max(root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin"))
    port, epmd_port = free_port(), free_port()
    erlang = root / "usr" / "lib" / "erlang"
    home = folder / "rabbit"
    home.mkdir()
    (home / "plugins").write_text("[].")
    environment = {
        "PATH": f"{root}/usr/bin:{os.environ.get('PATH', '')}", "LD_LIBRARY_PATH": libraries, "HOME": str(home),
        "ERL_ROOTDIR": str(erlang), "ERL_EPMD_PORT": str(epmd_port), "LC_ALL": "C.UTF-8",
        "RABBITMQ_NODENAME": f"yimen{port}@localhost", "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"), "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "RABBITMQ_CONF_ENV_FILE": str(home / "env.conf"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"), "RABBITMQ_PID_FILE": str(home / "pid"),
    }
    # Our own name server, so that none is left behind.
    epmd = subprocess.Popen([str(max(erlang.glob("erts-*/bin/epmd"))), "-port", str(epmd_port), "-address", "127.0.0.1"],
                            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    components.pids.append(epmd.pid)
    server = subprocess.Popen([str(sbin / "rabbitmq-server")], env={**os.environ, **environment},
                              stdout=(folder / "rabbit.log").open("w"), stderr=subprocess.STDOUT, start_new_session=True)
    components.pids.append(server.pid)
    components.broker = f"amqp://guest:guest@127.0.0.1:{port}//"
    components.ctl = [str(sbin / "rabbitmqctl"), "-q", "-n", environment["RABBITMQ_NODENAME"]]
    components.ctl_environment = environment
    _until(lambda: check_broker(components.broker), Fault, "RabbitMQ")


def _until(attempt: object, error: type[Exception], what: str) -> None:
    end = time.monotonic() + START_S_MAX
    while True:
        try:
            attempt()  # type: ignore[operator]
            return
        except error:
            if time.monotonic() > end:
                raise Fault("SETTING_MISSING", name=f"{what}(私有实例 {START_S_MAX:.0f} 秒内没有启动)") from None
            time.sleep(0.3)


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


def settle_in(components: Components, instance: str, names: list[str], permissions: dict[str, tuple[str, str, str]]) -> Tenancy:
    """Make databases, roles, virtual host and users for a stack named `instance`."""
    password = secrets.token_hex(12)
    databases = make_databases(components.postgres, instance, names, password)
    vhost = f"yimen_{instance}"
    if not components.ctl:
        brokers = dict.fromkeys(names, components.broker)
        return Tenancy(databases, brokers, components.broker, "", False)
    users = [{"name": f"{vhost}_{name}", "password": password, "tags": ""} for name in names]
    admin = {"name": f"{vhost}_admin", "password": password, "tags": "administrator"}
    granted = [{"user": f"{vhost}_{name}", "vhost": vhost, "configure": c, "write": w, "read": r}
               for name, (c, w, r) in permissions.items()]
    granted.append({"user": admin["name"], "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"})
    definitions = {"vhosts": [{"name": vhost}], "users": [*users, admin], "permissions": granted}
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
        users = ",".join(f'<<"{vhost}_{name}">>' for name in [*names, "admin"])
        components.rabbitmqctl("eval", f'[rabbit_auth_backend_internal:delete_user(U, <<"yimen">>) || U <- [{users}], '
                                       "rabbit_auth_backend_internal:exists(U)].")
        if vhost in components.rabbitmqctl("list_vhosts").split():
            components.rabbitmqctl("delete_vhost", vhost)
