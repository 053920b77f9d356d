"""The same rules over many households at once, exactly: one column of numbers where `Pack.decide` has one number.

Numbers are fractions with one denominator for a whole column, in 64-bit integers, so that a household exactly at a
limit comes out as it does alone: 1.5 × 780.00 is no binary fraction here. What would not fit into 64 bits is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray
from yimen.kernel.errors import Fault
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.policy.expression import LIST, NUMBER, TEXT, Node
from yimen.policy.pack import CompiledRule, Pack

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
FITS = 2**62
NO_RULE = -1


@dataclass(frozen=True)
class Numbers:
    """`numerator / denominator` for each household; a numerator of one row stands for all."""

    numerator: Integers
    denominator: int = 1

    @classmethod
    def of(cls, value: Any) -> Numbers:
        """From a number as it is written, or from a column of them. Raises Fault AMOUNT_WRONG."""
        if isinstance(value, np.ndarray):
            if value.dtype.kind in "iu":
                return cls(value.astype(np.int64))
            parts = [Fraction(str(one)) for one in value.tolist()]
            below = reduce(lcm, (one.denominator for one in parts), 1)
            return cls(_checked([int(one * below) for one in parts]), below)
        part = Fraction(str(value))
        return cls(_checked([part.numerator]), part.denominator)

    def over(self, denominator: int) -> Integers:
        """The numerators over a multiple of the denominator."""
        return _times(self.numerator, denominator // self.denominator)


def _checked(values: list[int]) -> Integers:
    if any(abs(one) > FITS for one in values):
        raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    return np.array(values, dtype=np.int64)


def _largest(values: Integers) -> int:
    return int(np.abs(values).max(initial=0))


def _times(values: Integers, factor: int) -> Integers:
    if factor == 1:
        return values
    if _largest(values) * abs(factor) > FITS:
        raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    return values * np.int64(factor)


def _common(*columns: Numbers) -> tuple[list[Integers], int]:
    below = reduce(lcm, (one.denominator for one in columns))
    return [one.over(below) for one in columns], below


def _add(left: Numbers, right: Numbers, sign: int) -> Numbers:
    (a, b), below = _common(left, right)
    if _largest(a) + _largest(b) > FITS:
        raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    return Numbers(a + np.int64(sign) * b, below)


def _multiply(left: Numbers, right: Numbers) -> Numbers:
    if _largest(left.numerator) * _largest(right.numerator) > FITS:
        raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    return Numbers(left.numerator * right.numerator, left.denominator * right.denominator)


def _divide(left: Numbers, right: Numbers) -> Numbers:
    """By one number for all; the language knows that it is above zero. By a column only through common multiples."""
    below = reduce(lcm, {int(one) for one in np.unique(right.numerator)})
    flipped = Numbers(np.int64(below) // right.numerator * np.int64(right.denominator), below)
    return _multiply(left, flipped)


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal}


class Columns:
    """The facts of many households by name, and a pack's parameters, ready for expressions."""

    def __init__(self, facts: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        self._values = {**parameters, **facts}

    def value(self, node: Node) -> Any:
        """A column of numbers, truths or words. Raises Fault FACT_MISSING for a name that is not there."""
        if node.op == "literal":
            if node.type == NUMBER:
                return Numbers.of(node.text)
            return node.text.strip("'") if node.type == TEXT else node.text == "true"
        if node.op == "name":
            if node.text not in self._values:
                raise Fault("FACT_MISSING", fact=node.text)
            return Numbers.of(self._values[node.text]) if node.type == NUMBER else self._values[node.text]
        parts = [self.value(part) for part in node.parts]
        if node.op in _COMPARE:
            return self._compared(node, *parts)
        return _OPERATIONS[node.op](*parts)

    @staticmethod
    def _compared(node: Node, left: Any, right: Any) -> Any:
        if node.parts[0].type == NUMBER:
            (left, right), _ = _common(left, right)
        return _COMPARE[node.op](left, right)


def _choose(test: Any, first: Any, second: Any) -> Any:
    if isinstance(first, Numbers):
        (a, b), below = _common(first, second)
        return Numbers(np.where(test, a, b), below)
    return np.where(test, first, second)


def _pick(choose: Callable[[Integers, Integers], Integers]) -> Callable[..., Numbers]:
    def pick(*columns: Numbers) -> Numbers:
        values, below = _common(*columns)
        return Numbers(reduce(choose, values), below)

    return pick


def _half_up(one: Numbers) -> Integers:
    return (2 * one.numerator + one.denominator) // (2 * one.denominator)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: _add(a, b, 1), "-": lambda a, b: _add(a, b, -1), "*": _multiply, "/": _divide,
    "negative": lambda a: Numbers(-a.numerator, a.denominator),
    "and": np.logical_and, "or": np.logical_or, "not": np.logical_not, "?": _choose,
    LIST: lambda *words: words, "in": lambda value, words: np.isin(value, words),
    "min": _pick(np.minimum), "max": _pick(np.maximum),
    "floor": lambda a: Numbers(a.numerator // a.denominator), "ceil": lambda a: Numbers(-(-a.numerator // a.denominator)),
    "round": lambda a: Numbers(_half_up(a)),
}


@dataclass(frozen=True)
class Outcomes:
    """For each household the place of the rule that decided, and the fen of one instalment."""

    rules: tuple[CompiledRule, ...]
    rule: Integers
    amount_fen: Integers


def decide_columns(pack: Pack, item: str, facts: Mapping[str, NDArray[Any]],
                   parameters: Mapping[str, Any] | None = None) -> Outcomes:
    """What `pack.decide` says of each row of the columns. Raises Fault FACT_MISSING or AMOUNT_WRONG."""
    size = len(next(iter(facts.values())))
    columns, rules = Columns(facts, {**pack.parameters, **(parameters or {})}), tuple(pack.rules_of(item))
    decided = np.full(size, NO_RULE, dtype=np.int64)
    amount = np.zeros(size, dtype=np.int64)
    for place, one in enumerate(rules):
        mine = np.broadcast_to(np.asarray(columns.value(one.when.node), dtype=bool), (size,)) & (decided == NO_RULE)
        if not mine.any():
            continue
        decided[mine] = place
        if one.amount is not None:
            fen = np.broadcast_to(_half_up(columns.value(one.amount.node)), (size,))[mine]
            if fen.min() < 0 or fen.max() > AMOUNT_FEN_MAX:
                raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
            amount[mine] = fen
    return Outcomes(rules, decided, amount)
