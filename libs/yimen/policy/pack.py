"""A checked pack: loads only when every name, type, divisor, amount and example proves right (fail closed)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yimen.kernel.errors import Fault
from yimen.kernel.ids import digest
from yimen.kernel.money import AMOUNT_FEN_MAX, in_fen, parse_yuan, round_fen, yuan
from yimen.policy.expression import BOOL, NUMBER, TEXT, Expression, ExpressionError, Name
from yimen.policy.model import CaseFile, PackFile, Rule

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
PACK_BYTES_MAX = 200_000
UNSHOWN = "没有案例"
PACKS_PARSED = 64  # kept; the same text is not read twice


@dataclass(frozen=True)
class Fact:
    """A fact that rules may look at: its type, its smallest value, where it comes from."""

    type: str
    source: str
    minimum: float | None = None
    title: str = ""

    def as_name(self) -> Name:
        """The fact as the expression checker sees it."""
        return Name(self.type, self.minimum)


@dataclass(frozen=True)
class Decision:
    """What the rules say of one case, with everything needed to say it again."""

    item: str
    outcome: str
    rule_id: str
    clause: str
    reason: str
    amount_fen: int
    category: str
    instalments: int
    every_months: int
    pack_version: str
    pack_hash: str
    facts_hash: str
    # The facts and parameters that the tried rules looked at.
    inputs: Mapping[str, Any]
    # Each rule tried, in order: its id and whether it held.
    trail: Sequence[tuple[str, bool]]

    def core(self) -> dict[str, Any]:
        """The part that must be equal when a decision is replayed, and that is signed."""
        return {"item": self.item, "outcome": self.outcome, "rule_id": self.rule_id, "amount_fen": self.amount_fen,
                "category": self.category, "instalments": self.instalments, "every_months": self.every_months,
                "pack_hash": self.pack_hash, "facts_hash": self.facts_hash}


class CompiledRule:
    """A rule with its expressions, checked against the names that exist."""

    def __init__(self, rule: Rule, names: Mapping[str, Name]) -> None:
        self.rule = rule
        self.when = Expression(rule.when, names, BOOL)
        self.amount = Expression(rule.amount, names, NUMBER) if rule.amount is not None else None
        for name in _PLACEHOLDER.findall(rule.reason):
            if name not in names:
                raise ExpressionError(f"理由中的 {{{name}}} 既不是事实也不是参数")
        if rule.outcome == "refuse" and (rule.amount or rule.category):
            raise ExpressionError("不予救助的规则不能带金额或类别")

    @property
    def names(self) -> frozenset[str]:
        """Every fact and parameter that it looks at."""
        return self.when.names | (self.amount.names if self.amount else frozenset())


def _broken(where: str, problem: object) -> Fault:
    return Fault("PACK_INVALID", where=where, problem=problem)


class Pack:
    """One version of a department's policy, ready to decide."""

    def __init__(self, source: str, facts: Mapping[str, Fact]) -> None:
        """`source` is the YAML text. Raises Fault PACK_INVALID with the place and the problem."""
        self.source = source
        self.file = _parse(source)
        self.hash = digest(_said_by(self.file))
        self._facts = facts
        self.parameters = {name: parameter.value for name, parameter in self.file.parameters.items()}
        clash = set(self.parameters) & set(facts)
        if clash:
            raise _broken("parameters", f"名称 {sorted(clash)[0]} 同时是事实")
        names = {name: fact.as_name() for name, fact in facts.items()}
        names |= {name: Name(_type_of(p.value), value=p.value, inclusive=p.inclusive)
                  for name, p in self.file.parameters.items()}
        self._rules = {item: self._compile(item, names) for item in self.file.items}

    def _compile(self, item: str, names: Mapping[str, Name]) -> list[CompiledRule]:
        compiled: list[CompiledRule] = []
        for rule in self.file.items[item].rules:
            if any(rule.id == other.rule.id for rules in [compiled] for other in rules):
                raise _broken(rule.id, "规则编号重复")
            try:
                compiled.append(CompiledRule(rule, names))
            except ExpressionError as error:
                raise _broken(rule.id, error) from None
        if compiled[-1].rule.when.strip() != "true":
            raise _broken(item, "最后一条规则的 when 必须为 true,使每个案件都有结论")
        return compiled

    def needs(self, item: str) -> frozenset[str]:
        """The facts that the item's rules look at."""
        return frozenset().union(*(rule.names for rule in self._rules[item])) - set(self.parameters)

    def rules_of(self, item: str) -> Sequence[CompiledRule]:
        """The item's rules in their order."""
        return self._rules[item]

    def title_of(self, name: str) -> str:
        """What a fact or a parameter is called by people."""
        if name in self._facts:
            return self._facts[name].title or name
        return self.file.parameters[name].title or name

    def has(self, item: str) -> bool:
        """Whether the pack decides this item."""
        return item in self._rules

    def decide(self, item: str, facts: Mapping[str, Any],
               overrides: Mapping[str, Any] | None = None) -> Decision:
        """The first rule that holds. Raises Fault FACT_MISSING rather than guess.

        `facts` may hold more than needed; only what the item needs is kept and hashed.
        """
        needed: dict[str, Any] = {}
        for name in sorted(self.needs(item)):
            value = facts.get(name)
            if value is None or _type_of(value) != self._facts[name].type:
                raise Fault("FACT_MISSING", fact=name)
            needed[name] = value
        context = {**self.parameters, **(overrides or {}), **needed}
        trail: list[tuple[str, bool]] = []
        for compiled in self._rules[item]:
            holds = compiled.when.value(context) is True
            trail.append((compiled.rule.id, holds))
            if holds:
                return self._decision(item, compiled, context, needed, trail)
        raise AssertionError("the last rule always holds")

    def _decision(self, item: str, compiled: CompiledRule, context: Mapping[str, Any],
                  needed: Mapping[str, Any], trail: list[tuple[str, bool]]) -> Decision:
        rule = compiled.rule
        amount = round_fen(compiled.amount.value(context)) if compiled.amount else 0
        if not 0 <= amount <= AMOUNT_FEN_MAX:
            raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
        tried = self._rules[item][: len(trail)]
        looked_at = frozenset().union(*(one.names for one in tried))
        return Decision(
            item, rule.outcome, rule.id, rule.basis, _fill(rule.reason, context), amount, rule.category or "",
            rule.instalments, rule.every_months, self.file.version, self.hash, digest(needed),
            {name: context[name] for name in sorted(looked_at)}, tuple(trail),
        )

    # ------------------------------------------------------------------------------------------ examples
    def check_cases(self, files: Sequence[CaseFile]) -> list[str]:
        """Every example decided; every rule shown by one. Returns what is wrong, in words."""
        problems, shown = [], set()
        for file in files:
            if file.item not in self._rules:
                problems.append(f"{file.item}:政策包没有此事项")
                continue
            for case in file.cases:
                facts = {name: in_fen(value) for name, value in {**file.given, **case.facts}.items()}
                overrides = {name: in_fen(value) for name, value in case.parameters.items()}
                try:
                    decision = self.decide(file.item, facts, overrides)
                except Fault as fault:
                    problems.append(f"{file.item}「{case.name}」:{fault.message}")
                    continue
                shown.add(decision.rule_id)
                problems.extend(_differences(file.item, case.name, decision, case.expect.model_dump()))
        for item, rules in self._rules.items():
            problems.extend(f"{item}:规则 {rule.rule.id} {UNSHOWN}" for rule in rules if rule.rule.id not in shown)
        return problems


def _differences(item: str, name: str, decision: Decision, expected: dict[str, Any]) -> list[str]:
    actual = {"outcome": decision.outcome, "rule": decision.rule_id, "category": decision.category or None,
              "amount": decision.amount_fen}
    if expected["amount"] is not None:
        expected["amount"] = parse_yuan(expected["amount"])
    else:
        actual.pop("amount")
    if expected["category"] is None:
        actual.pop("category")
    return [f"{item}「{name}」:{field} 应为 {expected[field]},实为 {value}"
            for field, value in actual.items() if expected[field] != value]


def _said_by(file: PackFile) -> dict[str, Any]:
    """What the hash covers. A word that joined the language later counts only where it is used: a pack from before
    keeps the hash under which it has decided."""
    said = file.model_dump(mode="json")
    if not said["examples"]:
        del said["examples"]
    for parameter in said["parameters"].values():
        if not parameter["title"]:
            del parameter["title"]
    return said


class _Strict(yaml.SafeLoader):
    """YAML takes the last of two equal keys without a word; in a policy that would be a rule that nobody sees."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} 写了两次", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


@lru_cache(PACKS_PARSED)
def _parse(source: str) -> PackFile:
    if len(source.encode()) > PACK_BYTES_MAX:
        raise _broken("pack", f"超过 {PACK_BYTES_MAX} 字节")
    try:
        return PackFile.model_validate(yaml.load(source, Loader=_Strict))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        twice = getattr(error, "problem", None) or ""
        raise _broken(f"第 {mark.line + 1} 行" if mark else "pack", twice if "两次" in twice else "YAML 格式不对") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise _broken(".".join(str(part) for part in first["loc"]) or "pack", first["msg"]) from None


def _type_of(value: Any) -> str:
    return BOOL if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER


def _fill(reason: str, context: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda match: written(match[1], context.get(match[1], "—")), reason)


def written(name: str, value: Any) -> str:
    """A value as people read it: what ends in `_fen` is money."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if name.endswith("_fen") and not isinstance(value, str):
        return f"{yuan(round_fen(value))}元"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def load_cases(folder: Path) -> list[CaseFile]:
    """All example files of a folder. Raises Fault FILE_WRONG."""
    files = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            files.append(CaseFile.model_validate(yaml.safe_load(path.read_text())))
        except (ValidationError, yaml.YAMLError) as error:
            raise Fault("FILE_WRONG", name=path.name, problem=str(error)[:300]) from None
    return files


def check_examples(pack: Pack, files: Sequence[CaseFile]) -> tuple[list[str], list[str]]:
    """What forbids a pack (a rule that no example shows, an example of its own that comes out differently), and what
    is different by the department's files, as a draft may well intend."""
    own = pack.file.examples
    items = {file.item for file in own}
    rest = [file for file in files if file.item not in items]
    found = pack.check_cases([*own, *rest])
    wrong = set(pack.check_cases(own))
    problems = [one for one in found if one.endswith(UNSHOWN) or one in wrong]
    return problems, [one for one in found if one not in problems]


def load_checked(pack_path: Path, cases: Path, facts: Mapping[str, Fact]) -> Pack:
    """A pack with its examples. Raises Fault PACK_INVALID when any rule has no example or one fails."""
    pack = Pack(pack_path.read_text(), facts)
    problems, different = check_examples(pack, load_cases(cases))
    if problems or different:
        raise _broken("cases", ";".join([*problems, *different]))
    return pack
