"""Differentiated aid (R159): a county that gives more to the disabled, the ill, the old and the young, by its own pack."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from yimen.aid.v1 import aid_pb2
from yimen.policy.travel import seal
from yimen.security.keys import KeyRing

from tests.journey.town import Town

SOURCE = Path("services/basic_living/policy/basic_living-2026.yaml").read_text()
RATIOS = {"extra_ratio_minor": 0.15, "extra_ratio_serious_illness": 0.3}


def _activate(home: Town, effective: date) -> None:
    """The department's officers propose, approve and activate a pack with the county's ratios."""
    text = SOURCE.replace('supersedes: "2026.2"', 'supersedes: "2026.3"').replace('version: "2026.3"', 'version: "2026.4"')
    text = text.replace("effective: 2026-01-01", f"effective: {effective}")
    for name, ratio in RATIOS.items():
        line = next(one for one in text.splitlines() if one.strip().startswith(f"{name}:"))
        text = text.replace(line, line.replace("value: 0,", f"value: {ratio},"))
    desk, tokens = home.world.peers.department("basic_living"), home.month.tokens
    first, second = (tokens.role("policy_officer", department="basic_living", number=number) for number in (1, 2))
    pack = desk.ProposePack(aid_pb2.ProposePackRequest(yaml=seal(text, "basic_living", KeyRing(home.world.keys, "basic_living").sign)), token=first).pack_hash
    desk.ApprovePack(aid_pb2.ApprovePackRequest(pack_hash=pack), token=second)
    desk.ActivatePack(aid_pb2.ActivatePackRequest(pack_hash=pack), token=first)


def _extras(home: Town) -> dict[str, int]:
    """What is planned beside the guarantee, by its day."""
    found = home.rows("payment", "select i.due_on, sum(i.amount_fen) as fen from instalment i join plan p on p.grant_id = i.grant_id"
                                 " where i.state <> 'void' and p.case_id <> :c and p.channel = 'basic_living_relief' group by i.due_on"
                                 " order by i.due_on", c=home.case()["case_id"])
    return {row["due_on"]: row["fen"] for row in found}


def test_who_has_it_harder_is_given_more_and_no_longer_than_the_guarantee(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    _activate(home, date(2026, 3, 5))
    home.month.stories.clear()
    home.until(date(2026, 4, 3))
    rules = home.rows("basic_living", "select d.rule_id, d.amount_fen from decision d join aid_case c on c.decision_id = d.decision_id"
                                      " where c.item = 'differentiated_extra' order by d.rule_id")
    assert [(row["rule_id"], row["amount_fen"]) for row in rules] == [("BL-EXTRA-11", 234_00), ("BL-EXTRA-13", 117_00)]
    assert home.due()["2026-04-01"] == 740_00 and _extras(home)["2026-04-01"] == 351_00  # the guarantee is what it was
    home.world.peers.department("basic_living").OpenReview(
        aid_pb2.OpenReviewRequest(case_id=home.case()["case_id"], cause="change_report", ground="renounced", reason="家庭声明放弃"),
        token=home.month.tokens.role("township_officer", home.story.application.village_code))
    home.until(date(2026, 4, 28))
    assert "2026-05-01" not in home.due() and "2026-05-01" not in _extras(home)


def test_a_county_that_says_nothing_gives_nothing_more(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up")
    assert home.due()["2026-04-01"] == 740_00 and _extras(home) == {}
