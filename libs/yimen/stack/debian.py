"""Servers from Debian packages, unpacked into a folder of our own: nothing is installed, root is not needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from yimen.kernel.errors import Fault

PACKAGES = ("rabbitmq-server", "postgresql")
DOWNLOAD_S_MAX = 600


def cache_folder() -> Path:
    """Where the unpacked packages stay; a folder that the unprivileged server user can enter."""
    return Path(os.environ.get("YIMEN_DEBIAN_CACHE", f"/var/tmp/yimen-debian-{os.getuid()}"))


def unpack(packages: tuple[str, ...] = PACKAGES) -> Path:
    """The folder with the unpacked packages and what they need beyond this machine's own.

    Raises Fault SETTING_MISSING on a machine without apt or without a package mirror.
    """
    root = cache_folder()
    marker = root / "complete"
    if marker.exists():
        return root
    if not shutil.which("apt-get"):
        raise Fault("SETTING_MISSING", name="YIMEN_POSTGRES_URL 和 YIMEN_AMQP_ADMIN_URL(本机没有 apt-get)")
    shutil.rmtree(root, ignore_errors=True)
    archive = root / "archive"
    for folder in (archive, root / "lists" / "partial", root / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True)
    options = ["-o", f"Dir::State::Lists={root}/lists", "-o", f"Dir::Cache={root}/cache", "-o", "Debug::NoLocking=1",
               "-o", "APT::Sandbox::User="]
    _run(["apt-get", *options, "-qq", "update"], archive)
    plan = _run(["apt-get", *options, "-s", "--no-install-recommends", "install", *packages], archive)
    needed = sorted({*re.findall(r"^Inst (\S+)", plan, re.MULTILINE), *_always(packages, options, archive)})
    _run(["apt-get", *options, "-qq", "download", *needed], archive)
    for package in archive.glob("*.deb"):
        _run(["dpkg", "-x", str(package), str(root)], archive)
    shutil.rmtree(archive)
    marker.touch()
    return root


def _always(packages: tuple[str, ...], options: list[str], folder: Path) -> list[str]:
    """What the servers consist of, even where this machine has it installed."""
    found = list(packages)
    for package in packages:
        text = _run(["apt-cache", *options, "depends", package], folder)
        found += [name for name in re.findall(r"Depends: (\S+)", text)
                  if name.startswith(("erlang", "postgresql-1", "postgresql-client-1")) and "<" not in name]
    return found


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_S_MAX, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise Fault("SETTING_MISSING", name=f"RabbitMQ 和 PostgreSQL({command[0]} 失败:{type(error).__name__})") from error
    return done.stdout
