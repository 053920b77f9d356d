"""Packs that are shipped are right; packs that are wrong are refused, each with its place and its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from yimen.department.assemble import department_of
from yimen.kernel.errors import Fault
from yimen.policy.expression import BOOL, NUMBER, TEXT
from yimen.policy.pack import Fact, Pack, load_cases, load_checked
from yimen.runtime.registry import services

DEPARTMENTS = [department_of(service) for service in services().values() if service.is_department]
FACTS = {"income_fen": Fact(NUMBER, "report", 0), "debt_fen": Fact(NUMBER, "report"), "kind": Fact(TEXT, "roster"),
         "urgent": Fact(BOOL, "request"), "size": Fact(NUMBER, "roster", 1)}
HEAD = """
pack: test
version: "1"
authority: 测试局
document: 测试〔2026〕1号
effective: 2026-01-01
parameters:
  limit_fen: {value: 1000, unit: fen, inclusive: true, source: test}
  zero: {value: 0, unit: ratio, source: test}
items:
  aid:
    title: 测试
    rules:
"""
LAST = '      - {id: TST-AID-90, when: "true", outcome: refuse, reason: 不符合, basis: test}\n'


def _rule(when: str = "urgent", amount: str = "limit_fen", reason: str = "可以", number: str = "10") -> str:
    return f'      - {{id: TST-AID-{number}, when: "{when}", outcome: grant, amount: "{amount}", reason: "{reason}", basis: test}}\n'


@pytest.mark.parametrize("department", DEPARTMENTS, ids=lambda d: d.name)
def test_a_shipped_pack_decides_every_example_as_written_and_shows_every_rule(department: object) -> None:
    for path in sorted((department.folder / "policy").glob("*.yaml")):  # type: ignore[attr-defined]
        pack = load_checked(path, department.folder / "cases", department.facts())  # type: ignore[attr-defined]
        assert set(pack.file.items) == {item.name for item in department.items}  # type: ignore[attr-defined]
        assert len(department.items) >= 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("body, problem", [
    (_rule(when="incme_fen < 5") + LAST, "incme_fen 既不是事实也不是参数"),
    (_rule(when="income_fen / debt_fen > 2") + LAST, "除数 debt_fen 可能为零"),
    (_rule(when="income_fen / zero > 2") + LAST, "除数 zero 可能为零"),
    (_rule(amount="limit_fen - income_fen") + LAST, "金额可能为负"),
    (_rule(amount="debt_fen") + LAST, "金额可能为负"),
    (_rule(when="kind == 3") + LAST, "类型不同"),
    (_rule(when="income_fen") + LAST, "应为 bool"),
    (_rule(when="urgent and") + LAST, "表达式不完整"),
    (_rule(when="urgent; drop") + LAST, "不认识的符号"),
    (_rule(when="sqrt(income_fen) > 2") + LAST, "没有函数 sqrt"),
    (_rule(when="within(income_fen, limit_fen, zero)") + LAST, "没有注明 inclusive"),
    (_rule(reason="欠 {unknown}") + LAST, "{unknown} 既不是事实也不是参数"),
    (_rule() + _rule() + LAST, "规则编号重复"),
    (_rule(), "最后一条规则的 when 必须为 true"),
    (_rule(number="1") + LAST, "String should match pattern"),
    (_rule().replace("amount", "ammount") + LAST, "Extra inputs are not permitted"),
    ("      - [\n", "YAML 格式不对"),
])
def test_a_wrong_pack_is_refused_with_its_reason(body: str, problem: str) -> None:
    with pytest.raises(Fault) as raised:
        Pack(HEAD + body, FACTS)
    assert raised.value.code == "PACK_INVALID" and problem in raised.value.message


def test_a_rule_without_an_example_refuses_the_pack(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(HEAD + _rule() + LAST)
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "aid.yaml").write_text(
        "item: aid\ncases:\n  - {name: 一, facts: {urgent: true}, expect: {outcome: grant, rule: TST-AID-10, amount: 10.00}}\n")
    with pytest.raises(Fault, match="TST-AID-90 没有案例"):
        load_checked(tmp_path / "pack.yaml", tmp_path / "cases", FACTS)


def test_an_example_that_comes_out_differently_refuses_the_pack(tmp_path: Path) -> None:
    pack = Pack(HEAD + _rule() + LAST, FACTS)
    (tmp_path / "aid.yaml").write_text(
        "item: aid\ncases:\n  - {name: 一, facts: {urgent: true}, expect: {outcome: grant, rule: TST-AID-10, amount: 10.01}}\n")
    assert any("amount 应为 1001,实为 1000" in problem for problem in pack.check_cases(load_cases(tmp_path)))


def test_a_missing_fact_is_refused_and_not_guessed() -> None:
    pack = Pack(HEAD + _rule(when="kind == 'x'") + LAST, FACTS)
    for facts in ({}, {"kind": None}, {"kind": 3}):
        with pytest.raises(Fault, match="FACT_MISSING"):
            pack.decide("aid", facts)


def test_within_follows_the_parameters_own_word() -> None:
    inclusive = Pack(HEAD + _rule(when="within(income_fen, limit_fen, limit_fen)") + LAST, FACTS)
    strict = Pack(HEAD.replace("inclusive: true", "inclusive: false")
                  + _rule(when="within(income_fen, limit_fen, limit_fen)") + LAST, FACTS)
    assert inclusive.decide("aid", {"income_fen": 1000}).outcome == "grant"
    assert strict.decide("aid", {"income_fen": 1000}).outcome == "refuse"
    assert strict.decide("aid", {"income_fen": 999}).outcome == "grant"
