"""Servers of our own: PostgreSQL and RabbitMQ from unpacked packages, on free ports, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from yimen.bus.reach import check_broker
from yimen.kernel.errors import Fault

START_S_MAX = 90.0
STOP_S_MAX = 20.0
UNPRIVILEGED = "nobody"


@dataclass
class OwnServer:
    """A server process and how to start it again."""

    command: list[str]
    environment: dict[str, str]
    log: str
    # Whom it runs as; empty: as we do.
    user: str = ""
    pid: int = 0

    def start(self) -> None:
        """A new process, in a session of its own."""
        with Path(self.log).open("a") as log:
            self.pid = subprocess.Popen(self.command, env=self.environment, user=self.user or None, cwd="/", stdout=log,
                                        stderr=subprocess.STDOUT, start_new_session=True).pid

    def kill(self) -> None:
        """SIGKILL for the process and its session; returns when they are gone."""
        for number in (signal.SIGQUIT, signal.SIGKILL) if "postgres" in self.command[0] else (signal.SIGKILL,):
            # A postmaster that is killed outright leaves shared memory behind; SIGQUIT is its crash.
            _signal_session(self.pid, number)
            self._wait(STOP_S_MAX / 2)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when it does not listen."""
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        if not self._wait(STOP_S_MAX):
            _signal_session(self.pid, signal.SIGKILL)

    def _wait(self, limit_s: float) -> bool:
        end = time.monotonic() + limit_s
        while alive(self.pid):
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True


def _signal_session(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def alive(pid: int) -> bool:
    """Whether the process is there; a child that has ended is reaped."""
    try:
        finished, _ = os.waitpid(pid, os.WNOHANG)
        return finished == 0
    except ChildProcessError:
        return Path(f"/proc/{pid}").exists()


def free_port() -> int:
    """A port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _libraries(root: Path) -> str:
    return ":".join(str(path) for path in root.glob("usr/lib/*-linux-gnu*"))


def start_postgres(root: Path, folder: Path) -> tuple[str, OwnServer]:
    """URL of its superuser, and the server; returns when it answers."""
    programs = max(root.glob("usr/lib/postgresql/*/bin"))
    version = programs.parent.name
    data, port = folder / "postgres", free_port()
    data.mkdir()
    # PostgreSQL refuses to run as root.
    user = UNPRIVILEGED if os.getuid() == 0 else ""
    if user:
        shutil.chown(data, user)
    environment = {"PATH": os.environ.get("PATH", ""), "LD_LIBRARY_PATH": _libraries(root), "LC_ALL": "C.UTF-8"}
    subprocess.run([str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-L",
                    str(root / "usr" / "share" / "postgresql" / version)],
                   check=True, env=environment, user=user or None, cwd="/", stdout=subprocess.DEVNULL, timeout=START_S_MAX)
    server = OwnServer(
        [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c",
         f"unix_socket_directories={data}", "-c", "max_connections=400", "-c", "jit=off"],
        environment, str(folder / "postgres.log"), user)
    server.start()
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    wait_for_postgres(url)
    return url, server


@dataclass
class OwnBroker:
    """A RabbitMQ node with a name server of its own, so that none is left behind."""

    url: str
    ctl: list[str]
    epmd: OwnServer
    server: OwnServer

    def wait(self) -> None:
        """Returns when it takes connections."""
        wait_for_broker(self.url)


def start_broker(root: Path, folder: Path) -> OwnBroker:
    """Started, not yet awaited."""
    sbin = max(root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin"))
    port, epmd_port = free_port(), free_port()
    erlang = root / "usr" / "lib" / "erlang"
    home = folder / "rabbit"
    home.mkdir()
    (home / "plugins").write_text("[].")
    environment = {
        "PATH": f"{root}/usr/bin:{os.environ.get('PATH', '')}", "LD_LIBRARY_PATH": _libraries(root), "HOME": str(home),
        "ERL_ROOTDIR": str(erlang), "ERL_EPMD_PORT": str(epmd_port), "LC_ALL": "C.UTF-8",
        "RABBITMQ_NODENAME": f"yimen{port}@localhost", "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"), "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "RABBITMQ_CONF_ENV_FILE": str(home / "env.conf"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"), "RABBITMQ_PID_FILE": str(home / "pid"),
    }
    log = str(folder / "rabbit.log")
    epmd = OwnServer([str(max(erlang.glob("erts-*/bin/epmd"))), "-port", str(epmd_port), "-address", "127.0.0.1"],
                     environment, log)
    epmd.start()
    server = OwnServer([str(sbin / "rabbitmq-server")], {**os.environ, **environment}, log)
    server.start()
    return OwnBroker(f"amqp://guest:guest@127.0.0.1:{port}//",
                     [str(sbin / "rabbitmqctl"), "-q", "-n", environment["RABBITMQ_NODENAME"]], epmd, server)


def wait_for_postgres(url: str) -> None:
    """Raises Fault SETTING_MISSING when it takes no connection within START_S_MAX."""
    _until(lambda: psycopg.connect(url, connect_timeout=2).close(), psycopg.Error, "PostgreSQL")


def wait_for_broker(url: str) -> None:
    """Raises Fault SETTING_MISSING when it takes no connection within START_S_MAX."""
    _until(lambda: check_broker(url), Fault, "RabbitMQ")


def _until(attempt: Callable[[], None], error: type[Exception], what: str) -> None:
    end = time.monotonic() + START_S_MAX
    while True:
        try:
            attempt()
            return
        except error:
            if time.monotonic() > end:
                raise Fault("SETTING_MISSING", name=f"{what}(私有实例 {START_S_MAX:.0f} 秒内没有启动)") from None
            time.sleep(0.3)
