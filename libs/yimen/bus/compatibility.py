"""What a feed's contract may become: more. An old type goes only when its successor has stood beside it long enough."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

OVERLAP = timedelta(days=180)
REPLACED_ON = "x-replaced-on"


def problems(old: dict[str, Any], new: dict[str, Any], today: date) -> list[str]:
    """Why integrators who read by `old` (an AsyncAPI document) could not read by `new`; empty when they can."""
    wrong: list[str] = []
    before, after = old["components"]["messages"], new["components"]["messages"]
    for name, message in before.items():
        replaced_on = message.get(REPLACED_ON, "")
        if name in after:
            wrong += [f"{name}: {problem}" for problem in _fields(_data(old, name), _data(new, name))]
            if replaced_on and after[name].get(REPLACED_ON, "") != replaced_on:
                wrong.append(f"{name}: the day of its successor has changed")
        elif not replaced_on:
            wrong.append(f"{name}: gone without a successor; publish a new major beside it first")
        elif today < date.fromisoformat(replaced_on) + OVERLAP:
            wrong.append(f"{name}: goes before {date.fromisoformat(replaced_on) + OVERLAP}")
    for name, message in after.items():
        if message.get(REPLACED_ON) and not _has_successor(name, after):
            wrong.append(f"{name}: names the day of a successor that is not there")
    return wrong


def _has_successor(name: str, messages: dict[str, Any]) -> bool:
    stem, version = name.rsplit(".v", 1)
    return any(f"{stem}.v{later}" in messages for later in range(int(version) + 1, int(version) + 10))


def _data(document: dict[str, Any], name: str) -> dict[str, Any]:
    schema = document["components"]["messages"][name]["payload"]["$ref"].rsplit("/", 1)[1]
    data: dict[str, Any] = document["components"]["schemas"][schema]["properties"]["data"]
    return data


def _fields(old: dict[str, Any], new: dict[str, Any], where: str = "data") -> list[str]:
    if old.get("type") != new.get("type"):
        return [f"{where} was {old.get('type')} and is {new.get('type')}"]
    wrong: list[str] = []
    for name, field in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            wrong.append(f"{where}.{name} is gone")
        else:
            wrong += _fields(field, new["properties"][name], f"{where}.{name}")
    if "items" in old:
        wrong += _fields(old["items"], new["items"], f"{where}[]")
    return wrong
