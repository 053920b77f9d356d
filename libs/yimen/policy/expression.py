"""The expressions of a policy pack: a checked subset of zen-engine's language.

They are parsed here, so that a pack can be refused before it decides anything: unknown names, mixed types,
divisors that can be zero and amounts that can be negative (zen itself is silent about the first three).
The checked expression is then compiled by zen-engine, which evaluates in decimals.

Beside zen's operators there is `within(value, limit, parameter)`: `value <= limit` when the parameter is
marked `inclusive`, else `value < limit`. So a threshold says in one place whether it includes its number
(requirements section 0, boundary words).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import zen

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|('[^']*')|([A-Za-z_]\w*)|(<=|>=|==|!=|[-+*/<>()\[\],?:]))")
_COMPARE = {"<", "<=", ">", ">=", "==", "!="}
NUMBER, BOOL, TEXT, LIST = "number", "bool", "text", "list"
EXPRESSION_CHARS_MAX = 1_000


class ExpressionError(Exception):
    """What is wrong with an expression, in a sentence for the author of the pack."""


@dataclass(frozen=True)
class Name:
    """What a name may stand for: a fact or a parameter."""

    type: str
    # The smallest value that it can have; None when it can be anything.
    minimum: float | None = None
    # The value, when it is fixed: a parameter.
    value: Any = None
    inclusive: bool | None = None


@dataclass(frozen=True)
class Node:
    """One step of an expression: its type, whether it is certainly ≥ 0 or > 0, its text for zen, its names."""

    type: str
    text: str
    names: frozenset[str] = frozenset()
    not_negative: bool = False
    positive: bool = False
    # The same in Chinese, with {name} for each fact and parameter.
    said: str = ""
    # The same as a tree: the operator, function, name or literal, and what it works on.
    op: str = ""
    parts: tuple[Node, ...] = ()


# How a comparison is said; `within` says itself whether it includes its limit.
_SAID = {"<": "低于", "<=": "不超过", ">": "超过", ">=": "达到", "==": "是", "!=": "不是", "+": "+", "-": "−", "*": "×", "/": "÷",
         "and": ",且", "or": ",或者"}
_CONTRARY = {"<": ">=", ">=": "<", "<=": ">", ">": "<=", "==": "!=", "!=": "=="}
_ROUNDED = {"floor": "向下取整", "ceil": "向上取整", "round": "四舍五入"}


class _Parser:
    def __init__(self, source: str, names: Mapping[str, Name]) -> None:
        if len(source) > EXPRESSION_CHARS_MAX:
            raise ExpressionError(f"表达式超过 {EXPRESSION_CHARS_MAX} 个字符")
        self._names, self._tokens, at = names, [], 0
        while source[at:].strip():
            match = _TOKEN.match(source, at)
            if match is None:
                raise ExpressionError(f"不认识的符号:{source[at:].strip()[:10]}")
            self._tokens.append(match.group().strip())
            at = match.end()
        self._at = 0

    def whole(self) -> Node:
        node = self._choice()
        if self._at < len(self._tokens):
            raise ExpressionError(f"多余的内容:{self._tokens[self._at]}")
        return node

    # ------------------------------------------------------------------------------------------- tokens
    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise ExpressionError("表达式不完整")
        self._at += 1
        return token

    def _accept(self, *tokens: str) -> str:
        return self._next() if self._peek() in tokens else ""

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise ExpressionError(f"缺少 {token}")

    # ------------------------------------------------------------------------------------------- levels
    def _choice(self) -> Node:
        test = self._any()
        if not self._accept("?"):
            return test
        _want(test, BOOL)
        first = self._choice()
        self._expect(":")
        second = self._choice()
        _same(first, second)
        return Node(first.type, f"({test.text} ? {first.text} : {second.text})", test.names | first.names | second.names,
                    first.not_negative and second.not_negative, first.positive and second.positive,
                    f"({test.said}时为 {first.said},否则为 {second.said})", "?", (test, first, second))

    def _any(self) -> Node:
        return self._chain(self._all, "or")

    def _all(self) -> Node:
        return self._chain(self._negation, "and")

    def _chain(self, below: Callable[[], Node], word: str) -> Node:
        node = below()
        while self._accept(word):
            right = below()
            _want(node, BOOL)
            _want(right, BOOL)
            node = Node(BOOL, f"({node.text} {word} {right.text})", node.names | right.names,
                        said=f"({node.said}{_SAID[word]} {right.said})", op=word, parts=(node, right))
        return node

    def _negation(self) -> Node:
        if self._accept("not"):
            node = self._negation()
            _want(node, BOOL)
            return Node(BOOL, f"(not {node.text})", node.names, said=_denied(node), op="not", parts=(node,))
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        if operator := self._accept(*_COMPARE):
            right = self._sum()
            _same(left, right)
            if operator not in ("==", "!="):
                _want(left, NUMBER)
            return Node(BOOL, f"({left.text} {operator} {right.text})", left.names | right.names,
                        said=f"{left.said} {_SAID[operator]} {right.said}", op=operator, parts=(left, right))
        if self._accept("in"):
            right = self._sum()
            _want(right, LIST)
            return Node(BOOL, f"({left.text} in {right.text})", left.names | right.names,
                        said=f"{left.said} 属于 {right.said}", op="in", parts=(left, right))
        return left

    def _sum(self) -> Node:
        node = self._product()
        while operator := self._accept("+", "-"):
            right = self._product()
            _want(node, NUMBER)
            _want(right, NUMBER)
            plus = operator == "+"
            node = Node(NUMBER, f"({node.text} {operator} {right.text})", node.names | right.names,
                        plus and node.not_negative and right.not_negative,
                        plus and node.not_negative and right.not_negative and (node.positive or right.positive),
                        f"{node.said} {_SAID[operator]} {right.said}", operator, (node, right))
        return node

    def _product(self) -> Node:
        node = self._unary()
        while operator := self._accept("*", "/"):
            right = self._unary()
            _want(node, NUMBER)
            _want(right, NUMBER)
            if operator == "/" and not right.positive:
                raise ExpressionError(f"除数 {right.text} 可能为零")
            node = Node(NUMBER, f"({node.text} {operator} {right.text})", node.names | right.names,
                        node.not_negative and right.not_negative, node.positive and right.positive,
                        f"{_grouped(node.said)} {_SAID[operator]} {_grouped(right.said)}", operator, (node, right))
        return node

    def _unary(self) -> Node:
        if self._accept("-"):
            node = self._unary()
            _want(node, NUMBER)
            return Node(NUMBER, f"(-{node.text})", node.names, said=f"−{_grouped(node.said)}", op="negative",
                        parts=(node,))
        return self._atom()

    def _atom(self) -> Node:
        token = self._next()
        if token == "(":
            node = self._choice()
            self._expect(")")
            return node
        if token == "[":
            items = self._items("]")
            return Node(LIST, f"[{', '.join(item.text for item in items)}]", _names(items),
                        said="、".join(item.said for item in items), op="list", parts=tuple(items))
        if token[0].isdigit():
            return Node(NUMBER, token, not_negative=True, positive=float(token) > 0, said=token, op="literal")
        if token.startswith("'"):
            return Node(TEXT, token, said=token.strip("'"), op="literal")
        if token in ("true", "false"):
            return Node(BOOL, token, said="其余情形" if token == "true" else "任何情形都不", op="literal")
        if self._accept("("):
            return _call(token, self._items(")"), self._names)
        return self._name(token)

    def _items(self, end: str) -> list[Node]:
        items: list[Node] = []
        while not self._accept(end):
            items.append(self._choice())
            if self._peek() != end:
                self._expect(",")
        return items

    def _name(self, token: str) -> Node:
        known = self._names.get(token)
        if known is None:
            raise ExpressionError(f"名称 {token} 既不是事实也不是参数")
        low = known.value if isinstance(known.value, int | float) and not isinstance(known.value, bool) else known.minimum
        return Node(known.type, token, frozenset({token}), low is not None and low >= 0, low is not None and low > 0,
                    f"{{{token}}}", "name")


def _denied(node: Node) -> str:
    """The contrary in words: 不超过 becomes 超过."""
    if node.op in _CONTRARY:
        left, right = node.parts
        return f"{left.said} {_SAID[_CONTRARY[node.op]]} {right.said}"
    return f"并非“{node.said}”"


def _grouped(said: str) -> str:
    """In brackets when something is added up in it."""
    return f"({said})" if " + " in said or " − " in said else said


def _names(nodes: list[Node]) -> frozenset[str]:
    return frozenset().union(*(node.names for node in nodes))


def _want(node: Node, kind: str) -> None:
    if node.type != kind:
        raise ExpressionError(f"{node.text} 应为 {kind},实为 {node.type}")


def _same(left: Node, right: Node) -> None:
    if left.type != right.type:
        raise ExpressionError(f"{left.text}({left.type})与 {right.text}({right.type})类型不同,不能比较")


def _call(function: str, arguments: list[Node], names: Mapping[str, Name]) -> Node:
    if function == "within" and len(arguments) == 3:
        value, limit, flag = arguments
        known = names.get(flag.text)
        if known is None or known.inclusive is None:
            raise ExpressionError(f"参数 {flag.text} 没有注明 inclusive")
        _want(value, NUMBER)
        _want(limit, NUMBER)
        operator = "<=" if known.inclusive else "<"
        return Node(BOOL, f"({value.text} {operator} {limit.text})", value.names | limit.names,
                    said=f"{value.said} {_SAID[operator]} {limit.said}", op=operator, parts=(value, limit))
    if function in ("min", "max") and len(arguments) > 1:
        for argument in arguments:
            _want(argument, NUMBER)
        settle = all if function == "min" else any
        return Node(NUMBER, f"{function}([{', '.join(a.text for a in arguments)}])", _names(arguments),
                    settle(a.not_negative for a in arguments), settle(a.positive for a in arguments),
                    f"({'、'.join(a.said for a in arguments)})中{'较小' if function == 'min' else '较大'}的", function,
                    tuple(arguments))
    if function in ("floor", "ceil", "round") and len(arguments) == 1:
        _want(arguments[0], NUMBER)
        return Node(NUMBER, f"{function}({arguments[0].text})", arguments[0].names, arguments[0].not_negative,
                    said=f"{arguments[0].said} {_ROUNDED[function]}", op=function, parts=(arguments[0],))
    raise ExpressionError(f"没有函数 {function}({len(arguments)} 个参数)")


class Expression:
    """A checked and compiled expression."""

    def __init__(self, source: str, names: Mapping[str, Name], type: str) -> None:
        """Raises ExpressionError; `type` is what the expression must yield."""
        node = _Parser(source, names).whole()
        _want(node, type)
        if type == NUMBER and not node.not_negative:
            raise ExpressionError("金额可能为负,请用 max(0, …) 兜底")
        self.names, self.node = node.names, node
        # The whole needs no brackets around it.
        self.said = node.said[1:-1] if node.op in ("and", "or") else node.said
        try:
            self._compiled = zen.compile_expression(node.text)
        except RuntimeError as error:
            raise ExpressionError("规则引擎不能编译此表达式") from error

    def value(self, context: Mapping[str, Any]) -> Any:
        """Evaluate on exactly the names that the expression uses."""
        return self._compiled.evaluate({name: context[name] for name in self.names})
