"""Generates the Python code of the contracts in protos/ into build/proto (never committed).

Run directly (`python deploy/protogen.py`) or by the build backend before an install.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "protos"
TARGET = ROOT / "build" / "proto"

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run directly, outside a build
    BuildHookInterface = object


def generate() -> None:
    """Compile every proto file; refuses to leave a half-generated tree behind."""
    from importlib.resources import files

    from grpc_tools import protoc

    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    protos = sorted(str(p.relative_to(SOURCE)) for p in SOURCE.rglob("*.proto"))
    include = str(files("grpc_tools") / "_proto")
    code = protoc.main(
        ["protoc", f"-I{SOURCE}", f"-I{include}", f"--python_out={TARGET}", f"--pyi_out={TARGET}",
         f"--grpc_python_out={TARGET}", *protos]
    )
    if code:
        shutil.rmtree(TARGET, ignore_errors=True)
        sys.exit(f"protoc failed with {code}: correct the proto files named above")


class ProtoBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Called by hatchling before a wheel or an editable install is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        generate()


if __name__ == "__main__":
    generate()
