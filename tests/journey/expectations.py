"""What a hand-written household says must come of it, compared with what came of it."""

from __future__ import annotations

from typing import Any

from yimen.rehearsal.households import Household
from yimen.rehearsal.month import Month
from yimen.rehearsal.promises import Evidence


def differences(month: Month, evidence: Evidence) -> list[str]:
    """One line for each expectation that was not met."""
    wrong: list[str] = []
    for story in month.stories:
        receipt = month.receipts[story.key]
        row = evidence.rows("intake", "select * from application where receipt_no = :r", r=receipt)[0]
        items = evidence.rows("intake", "select * from item_status where application_id = :a", a=row["application_id"])
        if row["state"] != "closed":
            wrong.append(f"{story.key}: application is {row['state']}")
        for item, expected in story.expect.items():
            found = [one for one in items if one["item"] == item]
            wrong += [f"{story.key} {item}: {problem}" for problem in _item(found, expected, evidence)]
        wrong += _feedback(story, items, evidence)
    return wrong


def _item(found: list[dict[str, Any]], expected: dict[str, Any], evidence: Evidence) -> list[str]:
    if len(found) != expected.get("times", 1):
        return [f"{len(found)} cases instead of {expected.get('times', 1)}"]
    wrong = []
    for one in found:
        if one["state"] != expected["outcome"]:
            wrong.append(f"{one['state']} instead of {expected['outcome']}")
        case = evidence.rows(one["service"], "select * from aid_case where case_id = :c", c=one["case_id"])[0]
        made = evidence.rows(one["service"], "select * from decision where case_id = :c order by proposed_at",
                             c=one["case_id"])
        if "amount_fen" in expected and made[0]["amount_fen"] != expected["amount_fen"]:
            wrong.append(f"{made[0]['amount_fen']} fen instead of {expected['amount_fen']}")
        if "category" in expected and made[0]["category"] != expected["category"]:
            wrong.append(f"category {made[0]['category']} instead of {expected['category']}")
        if "review" in expected:
            wrong += _reviewed(one, made[-1], expected["review"], evidence)
        if "level" in expected and case["decide_level"] != expected["level"]:
            wrong.append(f"decided at {case['decide_level']} instead of {expected['level']}")
        if expected["outcome"] == "granted" and expected.get("amount_fen"):
            wrong += _paid(one, expected, evidence)
        if expected["outcome"] == "refused" and not one["reason"]:
            wrong.append("refused without a reason in words")
    return wrong


def _paid(one: dict[str, Any], expected: dict[str, Any], evidence: Evidence) -> list[str]:
    plan = evidence.rows("payment", "select * from plan where case_id = :c order by recorded_at",
                         c=one["case_id"])[0]
    paid = evidence.rows("payment", "select * from instalment where grant_id = :g and state = 'settled'", g=plan["grant_id"])
    if not paid or paid[0]["amount_fen"] != expected["amount_fen"]:
        return ["the first instalment was not paid to the fen"]
    vouchers = evidence.rows("payment", "select kind from transfer where kind = 'pay_imprest' and to_account = :p"
                                        " and reference in (select reference from transfer)",
                             p=f"{plan['channel']}:paid")
    if expected.get("via") == "imprest" and not vouchers:
        return ["not paid from the imprest fund"]
    return []


def _reviewed(one: dict[str, Any], last: dict[str, Any], expected: dict[str, Any], evidence: Evidence) -> list[str]:
    """What a review came to, and that the rest of the plan follows it."""
    reviews = evidence.rows(one["service"], "select * from review where case_id = :c order by opened_on", c=one["case_id"])
    results = [row["result"] for row in reviews]
    wrong = [] if results == expected["results"] else [f"reviews came to {results}"]
    if last["amount_fen"] != expected["amount_fen"]:
        wrong.append(f"{last['amount_fen']} fen after the review instead of {expected['amount_fen']}")
    planned = evidence.rows("payment", "select distinct i.amount_fen as fen from instalment i join plan p on p.grant_id ="
                                       " i.grant_id where p.case_id = :c and i.state = 'planned'", c=one["case_id"])
    rest = {row["fen"] for row in planned}
    if rest != ({expected["amount_fen"]} if expected["amount_fen"] else set()):
        wrong.append(f"the rest of the plan pays {sorted(rest)}")
    return wrong


def _feedback(story: Household, items: list[dict[str, Any]], evidence: Evidence) -> list[str]:
    wrong = []
    for one in items:
        told = {row["receiver"] for row in evidence.rows("intake", "select receiver from feedback where case_id = :c",
                                                         c=one["case_id"])}
        if told != {"window", "applicant"}:
            wrong.append(f"{story.key} {one['item']}: only {sorted(told)} were told")
    return wrong
