"""The reasoning of a decision in Chinese, step by step with the numbers, fit to be handed to the applicant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yimen.kernel.money import round_fen, yuan
from yimen.policy.pack import Decision, Pack, written

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Step:
    """One rule that was tried: what it asks, with the values that were there, and whether it held."""

    rule_id: str
    question: str
    holds: bool
    basis: str


@dataclass(frozen=True)
class Reasoning:
    """How a decision came about. `amount` is empty where no money is given."""

    steps: tuple[Step, ...]
    amount: str


def reasoning(pack: Pack, made: Decision) -> Reasoning:
    """The steps of a decision that this pack has made."""
    rules = pack.rules_of(made.item)[: len(made.trail)]
    steps = tuple(Step(one.rule.id, _in_words(pack, one.when.said, made.inputs), holds, one.rule.basis)
                  for one, (_, holds) in zip(rules, made.trail, strict=True))
    last = rules[-1]
    amount = ""
    if last.amount is not None:
        exact = last.amount.value({**pack.parameters, **made.inputs})
        rounded = "" if float(exact).is_integer() else "(四舍五入到分)"
        amount = f"{_in_words(pack, last.amount.said, made.inputs)} = {yuan(round_fen(exact))}元{rounded}"
    return Reasoning(steps, amount)


def _in_words(pack: Pack, said: str, values: Mapping[str, Any]) -> str:
    def show(match: re.Match[str]) -> str:
        name = match[1]
        return f"{pack.title_of(name)} {written(name, values[name])}" if name in values else pack.title_of(name)

    return _PLACEHOLDER.sub(show, said)
