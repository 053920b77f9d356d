"""A department changes its own policy: checked, tried, signed, proposed, endorsed, activated; and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner
from yimen.aid.v1 import aid_pb2
from yimen.cli.main import app
from yimen.department.assemble import department_of
from yimen.department.facts import CATALOGUE
from yimen.department.packs import PackShelf
from yimen.department.tables import policy_pack
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.policy.diff import differences
from yimen.policy.pack import Pack
from yimen.policy.travel import seal, unseal
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import EmbeddedWorld
from yimen.runtime.registry import services
from yimen.security.keys import KeyRing

SOURCE = Path("services/basic_living/policy/basic_living-2026.yaml").read_text()
STORIES = ("c01_dibao_and_university", "c02_exactly_at_standard", "c04_rural_family", "c07_above_edge", "c10_private_car")
DAYS = 18
EFFECTIVE = start_moment().date() + timedelta(days=40)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory, sample: County) -> Iterator[Month]:
    """A county that has decided a few households."""
    world = EmbeddedWorld(tmp_path_factory.mktemp("authority"), start_moment())
    running = Month(world, sample, 0, 1, [read(FILES / f"{name}.yaml") for name in STORIES])
    running.prepare()
    for day in range(DAYS):
        running.play(start_moment().date() + timedelta(days=day))
    yield running
    world.close()


def _draft(*changes: tuple[str, str], version: str = "2026.4", effective: date = EFFECTIVE, supersedes: str = "2026.3") -> str:
    text = SOURCE.replace('version: "2026.3"', f'version: "{version}"').replace('supersedes: "2026.2"', f'supersedes: "{supersedes}"')
    text = text.replace("effective: 2026-01-01", f"effective: {effective}")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


LOWER_EDGE = ("edge_multiple: {title: 低保边缘线的倍数, value: 1.5", "edge_multiple: {title: 低保边缘线的倍数, value: 1.0")
HIGHER_EDGE = ("edge_multiple: {title: 低保边缘线的倍数, value: 1.5", "edge_multiple: {title: 低保边缘线的倍数, value: 1.6")
RICHER = ("minimum_grant_fen: {title: 每月最低发放额, value: 100", "minimum_grant_fen: {title: 每月最低发放额, value: 80000")


def _simulated(month: Month, text: str, limit: int = 2, roster: bool = False) -> Any:
    token = month.tokens.role("policy_officer", department="basic_living", number=1)
    desk, total, after = month.world.peers.department("basic_living"), aid_pb2.SimulatePackResponse(), ""
    while True:
        some = desk.SimulatePack(aid_pb2.SimulatePackRequest(yaml=text, after=after, limit=limit, roster=roster),
                                 token=token)
        for name in ("cases", "gain", "lose", "enter", "leave", "undetermined", "month_delta_fen", "once_delta_fen"):
            setattr(total, name, getattr(total, name) + getattr(some, name))
        total.changes.extend(some.changes)
        after = some.next
        if not after:
            return total


def test_a_draft_is_tried_on_the_recorded_cases_before_anybody_approves(month: Month) -> None:
    same = _simulated(month, _draft())
    assert same.cases == len(STORIES) and not (same.gain or same.lose or same.enter or same.leave or same.changes)
    assert _simulated(month, _draft(), limit=1000).cases == same.cases  # however many at a time
    lower = _simulated(month, _draft(LOWER_EDGE))
    assert (lower.leave, lower.enter, lower.month_delta_fen) == (1, 0, 0)  # C02 is exactly at the standard
    assert [(one.rule_before, one.rule_after) for one in lower.changes] == [("BL-DIBAO-20", "BL-DIBAO-90")]
    higher = _simulated(month, _draft(HIGHER_EDGE))
    assert (higher.enter, higher.leave) == (1, 0)  # C07 is exactly at 1.5
    richer = _simulated(month, _draft(RICHER))
    # C01 is given 740.00 and C04 1,140.00 a month: at least 800.00 is 60.00 more for one of them.
    assert (richer.gain, richer.lose, richer.month_delta_fen, richer.once_delta_fen) == (1, 0, 6_000, 0)


def test_a_draft_is_tried_on_the_whole_roster_and_every_read_is_logged(month: Month) -> None:
    world: Any = month.world
    households = _simulated(month, _draft(), roster=True)
    assert households.cases == len(STORIES) and not (households.gain or households.enter or households.leave)
    # C02 is exactly at the standard: with the lower edge it loses its category, and its ill member the 单人户低保 that it
    # never asked for; on the roster it is counted what the rules would give, whoever has applied.
    lower = _simulated(month, _draft(LOWER_EDGE), roster=True)
    assert [(one.rule_before, one.rule_after) for one in lower.changes] == [
        ("BL-DIBAO-20", "BL-DIBAO-90"), ("BL-SINGLE-10", "BL-SINGLE-02")]
    assert (lower.leave, lower.month_delta_fen) == (2, -78_000)
    for service in ("roster", "means_test"):
        with world.apps[service].store.transaction(write=False) as tx:
            reads = tx.find(world.services[service].tables.tables["read_log"], purpose="simulate_policy")
        assert reads and all(row["case_id"].startswith("policy:") and row["reader"] == "service:basic_living" for row in reads)
    text = Path("services/vagrant/policy/vagrant-2026.yaml").read_text()  # who may not read reports is not asked for them
    token = month.tokens.role("policy_officer", department="vagrant", number=1)
    told = month.world.peers.department("vagrant").SimulatePack(
        aid_pb2.SimulatePackRequest(yaml=text, roster=True), token=token)
    assert told.cases == len(STORIES)


def test_activation_waits_for_its_day_and_every_version_stays_computable(month: Month) -> None:
    desk, tokens = month.world.peers.department("basic_living"), month.tokens
    first, second = (tokens.role("policy_officer", department="basic_living", number=number) for number in (1, 2))
    ring = KeyRing(month.world.keys, "basic_living")
    text = seal(_draft(RICHER), "basic_living", ring.sign)
    proposed = desk.ProposePack(aid_pb2.ProposePackRequest(yaml=text), token=first)
    again = desk.ProposePack(aid_pb2.ProposePackRequest(yaml=text), token=first)
    assert again.pack_hash == proposed.pack_hash
    desk.ApprovePack(aid_pb2.ApprovePackRequest(pack_hash=proposed.pack_hash), token=second)
    desk.ActivatePack(aid_pb2.ActivatePackRequest(pack_hash=proposed.pack_hash), token=first)

    def in_force(day: str = "") -> str:
        return str(desk.GetPack(aid_pb2.GetPackRequest(date=day)).pack.version)

    assert in_force() == "2026.3" == in_force((EFFECTIVE - timedelta(days=1)).isoformat())
    assert in_force(EFFECTIVE.isoformat()) == "2026.4"
    before = month.world.clock.now()
    month.world.clock.move_to(datetime.combine(EFFECTIVE, before.timetz(), CHINA))
    assert in_force() == "2026.4"
    world: Any = month.world
    with world.apps["basic_living"].work("", write=False) as ctx:
        decisions = [row["decision_id"] for row in ctx.tx.find(policy_tables()["decision"])]
    for decision_id in decisions:  # made under 2026.2, which is no longer in force
        answer = desk.ReplayDecision(aid_pb2.ReplayDecisionRequest(decision_id=decision_id))
        assert answer.same and answer.stored.pack_version == "2026.3"
    listed = desk.ListPacks(aid_pb2.ListPacksRequest()).packs
    assert [(one.version, one.state) for one in listed] == [("2026.4", "approved"), ("2026.3", "approved")]
    assert listed[0].proposed_by != listed[0].approved_by and listed[0].activated_by == listed[0].proposed_by
    with pytest.raises(Fault, match="YYYY"):
        in_force("2026-02-31")


def policy_tables() -> Any:
    from yimen.department.tables import METADATA

    return METADATA.tables


def test_a_pack_that_was_changed_in_the_database_decides_nothing(month: Month) -> None:
    world: Any = month.world
    shelf = PackShelf(department_of(services()["medical"]))
    with world.apps["medical"].work("") as ctx:
        row = shelf.in_force(ctx, ctx.today)
        assert shelf.active(ctx, ctx.today).hash == row["hash"]
        ctx.tx.update(policy_pack, {"hash": row["hash"]}, source=row["source"].replace("value: 0.7", "value: 0.9"))
        with pytest.raises(Fault) as refused:
            shelf.active(ctx, ctx.today)
        assert refused.value.code == "PACK_TAMPERED"
        ctx.tx.update(policy_pack, {"hash": row["hash"]}, source=row["source"], signature=b"x" * 64)
        with pytest.raises(Fault) as refused:
            PackShelf(department_of(services()["medical"])).active(ctx, ctx.today)
        assert refused.value.code == "PACK_TAMPERED"
        ctx.tx.update(policy_pack, {"hash": row["hash"]}, signature=row["signature"])


# ------------------------------------------------------------------------------------------------ files
def test_a_signed_file_is_the_same_pack_and_no_byte_may_change(tmp_path: Path) -> None:
    from yimen.security.keys import make_pair

    make_pair(tmp_path, "basic_living")
    ring = KeyRing(tmp_path, "basic_living")
    text = seal(SOURCE, "basic_living", ring.sign)
    source, signer = unseal(text, ring.verify)
    facts = department_of(services()["basic_living"]).facts()
    assert signer == "basic_living" and Pack(source, facts).hash == Pack(SOURCE, facts).hash == Pack(text, facts).hash
    assert seal(text, "basic_living", ring.sign).count("signed-by") == 1
    for wrong in (text.replace("780", "790", 1).replace("1.5", "1.6", 1), text.replace("basic_living ", "medical ", 1)
                  .replace("signed-by: basic_living", "signed-by: medical"), text[:-10] + "AAAAAAAA=\n"):
        with pytest.raises(Fault) as refused:
            unseal(wrong, ring.verify)
        assert refused.value.code in ("PACK_TAMPERED", "PACK_UNSIGNED")


def test_a_pack_keeps_the_hash_under_which_it_has_decided_when_the_language_grows() -> None:
    pack = Pack(Path("tests/eighth/legal_aid/policy/legal_aid-2026.yaml").read_text(), CATALOGUE)
    assert pack.hash == "ca449aefc3d53778c059cbc3583b2f626f61194cc754659ceb382f0ff1278a7d"  # as 0.1.0 said it


def test_examples_travel_with_a_draft_that_means_to_change_them(tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"

    def check(examples: str) -> Any:
        draft.write_text(_draft(RICHER) + examples)
        return CliRunner().invoke(app, ["policy", "check", "basic_living", str(draft)])

    cases = yaml.safe_load(Path("services/basic_living/cases/dibao.yaml").read_text())
    for case in cases["cases"]:
        if case["expect"].get("amount", 0) and case["expect"]["rule"] in ("BL-DIBAO-09", "BL-DIBAO-10", "BL-DIBAO-14"):
            case["expect"]["amount"] = max(800, case["expect"]["amount"])
    good = check(yaml.safe_dump({"examples": [cases]}, allow_unicode=True))
    assert good.exit_code == 0 and ":dibao「" not in good.output, good.output
    cases["cases"][0]["expect"]["amount"] = 1
    wrong = check(yaml.safe_dump({"examples": [cases]}, allow_unicode=True))
    assert wrong.exit_code == 1 and "错误:dibao「C01" in wrong.output


def test_differences_name_what_changed() -> None:
    facts = department_of(services()["basic_living"]).facts()
    lines = differences(Pack(SOURCE, facts).file, Pack(_draft(RICHER), facts).file)
    assert "~ version:2026.3 → 2026.4" in lines and "~ 参数 minimum_grant_fen 的 value:100 → 80000" in lines
    assert differences(Pack(SOURCE, facts).file, Pack(SOURCE, facts).file) == []


def test_a_draft_is_checked_without_anything_running(tmp_path: Path) -> None:
    def check(text: str) -> Any:
        (tmp_path / "draft.yaml").write_text(text)
        return CliRunner().invoke(app, ["policy", "check", "basic_living", str(tmp_path / "draft.yaml")])

    good = check(_draft(RICHER))
    assert good.exit_code == 0 and "案例结果不同" in good.output and "可以提出" in good.output
    for text, problem in ((SOURCE.replace("cat_destitute", "cat_destitut"), "既不是事实也不是参数"),
                          (SOURCE.replace("pack: basic_living", "pack: medical"), "属于 medical"),
                          (SOURCE.replace("parameters:\n", "parameters:\n  edge_multiple: {value: 2, unit: x, source: x}\n"), "写了两次"),
                          ("{", "YAML 格式不对"), ("", "")):
        refused = check(text)
        assert isinstance(refused.exception, Fault) and refused.exception.code == "PACK_INVALID"
        assert problem in refused.exception.message
