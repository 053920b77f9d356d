"""Which services exist: each folder of `services/` with a `service.py`, and folders of YIMEN_SERVICE_PATH.

A department from outside is one folder on that path; nothing else changes.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from yimen.kernel.errors import Fault
from yimen.runtime.declaration import Service

EXTRA_PATH_VARIABLE = "YIMEN_SERVICE_PATH"


def _load_outside(folder: Path) -> ModuleType:
    name = f"yimen_outside_{folder.name}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, folder / "service.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@cache
def _known(extra: str) -> dict[str, Service]:
    import services

    found: dict[str, Service] = {}
    for root in services.__path__:
        for folder in sorted(Path(root).iterdir()):
            if (folder / "service.py").is_file():
                declared = importlib.import_module(f"services.{folder.name}.service").SERVICE
                found[declared.name] = declared
    for folder in (Path(part) for part in extra.split(os.pathsep) if part):
        declared = _load_outside(folder).SERVICE
        found[declared.name] = declared
    return found


def services() -> dict[str, Service]:
    """All services by name, in a fixed order."""
    return _known(os.environ.get(EXTRA_PATH_VARIABLE, ""))


def find(name: str) -> Service:
    """Raises Fault SERVICE_UNKNOWN."""
    known = services()
    if name not in known:
        raise Fault("SERVICE_UNKNOWN", name=name, known="、".join(known))
    return known[name]
