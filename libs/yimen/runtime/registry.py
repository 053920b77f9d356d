"""Which services exist: each folder of `services/` with a `service.py`, and folders of YIMEN_SERVICE_PATH.

A department from outside is one folder on that path; nothing else changes.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from functools import cache, partial
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
def _folders(extra: str) -> dict[str, Callable[[], ModuleType]]:
    """How to load each service, by the name of its folder, which is its own."""
    import services

    inside = {folder.name for root in services.__path__ for folder in Path(root).iterdir()
              if (folder / "service.py").is_file()}
    found = {name: partial(importlib.import_module, f"services.{name}.service") for name in sorted(inside)}
    outside = [Path(part) for part in extra.split(os.pathsep) if part]
    return {**found, **{folder.name: partial(_load_outside, folder) for folder in outside}}


def _by_name() -> dict[str, Callable[[], ModuleType]]:
    return _folders(os.environ.get(EXTRA_PATH_VARIABLE, ""))


def services() -> dict[str, Service]:
    """All services by name, in a fixed order."""
    return {name: find(name) for name in _by_name()}


def find(name: str) -> Service:
    """One service; no other is loaded. Raises Fault SERVICE_UNKNOWN."""
    known = _by_name()
    if name not in known:
        raise Fault("SERVICE_UNKNOWN", name=name, known="、".join(known))
    found: Service = known[name]().SERVICE
    assert found.name == name, f"the folder {name} declares a service named {found.name}"
    return found
