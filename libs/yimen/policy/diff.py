"""What two versions of a pack say differently, for those who must approve the later one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yimen.policy.model import ItemPolicy, PackFile, Rule

HEAD = ("version", "authority", "document", "effective", "supersedes")


def differences(before: PackFile, after: PackFile) -> list[str]:
    """One line for each thing that is new (`+`), gone (`-`) or different (`~`); empty when they say the same."""
    lines = [f"~ {name}:{getattr(before, name)} → {getattr(after, name)}" for name in HEAD
             if getattr(before, name) != getattr(after, name)]
    for name in [*before.parameters, *(one for one in after.parameters if one not in before.parameters)]:
        old, new = before.parameters.get(name), after.parameters.get(name)
        if old is None and new is not None:
            lines.append(f"+ 参数 {name} = {new.value} {new.unit}({new.source})")
        elif new is None:
            lines.append(f"- 参数 {name}")
        elif old is not None:
            lines += _fields(f"参数 {name}", old.model_dump(), new.model_dump())
    for item in [*before.items, *(one for one in after.items if one not in before.items)]:
        lines += _item(item, before.items.get(item), after.items.get(item))
    return lines


def _item(name: str, before: ItemPolicy | None, after: ItemPolicy | None) -> Iterator[str]:
    if before is None or after is None:
        yield f"{'-' if after is None else '+'} 事项 {name}"
        return
    old, new = {rule.id: rule for rule in before.rules}, {rule.id: rule for rule in after.rules}
    yield from (f"- 规则 {rule}" for rule in old if rule not in new)
    yield from (f"+ 规则 {rule}:当 {new[rule].when}" for rule in new if rule not in old)
    for rule in (one for one in old if one in new):
        yield from _fields(f"规则 {rule}", _said(old[rule]), _said(new[rule]))
    kept = [rule for rule in old if rule in new]
    if kept != [rule for rule in new if rule in old]:
        yield f"~ 事项 {name} 的规则顺序"


def _said(rule: Rule) -> dict[str, Any]:
    return rule.model_dump(exclude={"id"})


def _fields(what: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [f"~ {what} 的 {name}:{before[name]} → {after[name]}" for name in before if before[name] != after[name]]
