"""The release before this one, so that both can be on the wire at once."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def previous_release(folder: Path, commit: str = "") -> Path | None:
    """A Python with the code of `commit`, by default of main as it was before this checkout's own changes, in
    `folder`; None where there is no history (an archive). The libraries are ours, the code is not."""
    if not commit:
        commit = subprocess.run(["sh", "deploy/last_main.sh"], cwd=ROOT, capture_output=True, text=True,
                                check=False).stdout.strip()
    if not commit:
        return None
    code = folder / "code"
    code.mkdir(parents=True)
    with subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-x", "-C", str(code)], stdin=archive.stdout, check=True)
    subprocess.run([sys.executable, "deploy/protogen.py"], cwd=code, check=True)
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    scheme = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    # Folders named in a .pth file are not searched for further .pth files: our own code stays out.
    paths = [code / "libs", code / "build" / "proto", code, sysconfig.get_path("purelib")]
    Path(sysconfig.get_path("purelib", vars=scheme), "release.pth").write_text("\n".join(map(str, paths)))
    return python
