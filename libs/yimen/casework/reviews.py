"""A review of a standing benefit: its states, and what its result is called (requirements 2.6). Pure."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from yimen.kernel.errors import Fault
from yimen.kernel.workdays import months_later


class ReviewState(StrEnum):
    """Where a review is."""

    VERIFYING = "verifying"
    VERIFIED = "verified"
    # A benefit that pays more than before under another category is announced like a new one.
    PRE_NOTICE = "pre_notice"
    DECIDING = "deciding"
    COMPLETED = "completed"


class Result(StrEnum):
    """What a review comes to; the glossary's words."""

    UNCHANGED = "unchanged"
    INCREASE = "increase"
    DECREASE = "decrease"
    STOP = "stop"
    CHANGE_CATEGORY = "change_category"
    # The approver did not follow: the benefit stays as it is.
    DISMISSED = "dismissed"


TITLES = {
    ReviewState.VERIFYING: "复核核查中", ReviewState.VERIFIED: "待提出复核意见", ReviewState.PRE_NOTICE: "公示中",
    ReviewState.DECIDING: "待审批", ReviewState.COMPLETED: "已完成",
}
RESULT_TITLES = {
    Result.UNCHANGED: "不变", Result.INCREASE: "增发", Result.DECREASE: "减发", Result.STOP: "停发",
    Result.CHANGE_CATEGORY: "变更类别", Result.DISMISSED: "维持原待遇",
}

PERIODIC, BIRTHDAY = "periodic", "birthday"
CHANGE_REPORT, DATA_HIT, COMPLAINT = "change_report", "data_hit", "complaint"
CATEGORY_CHANGE, STANDARD_CHANGE, REFUSED_WORK = "category_change", "standard_change", "refused_work"
# What changes without the household: nobody is verified anew for it.
BY_FACTS_KNOWN = (CATEGORY_CHANGE, STANDARD_CHANGE, REFUSED_WORK)
# What an officer may open a review for.
ASKED_CAUSES = (CHANGE_REPORT, DATA_HIT, COMPLAINT)

UNCOOPERATIVE, EXPIRED, GUARANTEE_ENDED = "uncooperative", "expired", "guarantee_ended"
# Why a benefit ends whatever the facts say: what an officer enters (5.3 rules 6 and 7, given up, or an aid in phases whose
# need has ended, R076), that the household did not cooperate after a written warning, or that a category has had its time.
GROUNDS = {"deceased": "受助人死亡", "moved_out": "迁出本县", "renounced": "家庭自愿放弃", "need_ended": "困难已经消除",
           UNCOOPERATIVE: "经书面告知,仍不配合复核", EXPIRED: "认定有效期届满,未重新认定",
           GUARANTEE_ENDED: "低保停止,分类增发随之停止"}
ENTERED_GROUNDS = ("deceased", "moved_out", "renounced", "need_ended")


def require_state(actual: str, *wanted: ReviewState, act: str) -> None:
    """Raises Fault CASE_STATE unless the review is in one of these states."""
    if actual not in wanted:
        raise Fault("CASE_STATE", state=TITLES[ReviewState(actual)], act=act)


def compare(before: tuple[str, int], outcome: str, after: tuple[str, int], margin_fen: int) -> Result:
    """What a new decision does to a standing benefit; `before` and `after` are (category, amount_fen).

    A difference of up to `margin_fen` is no clear change: the amount stays ([N*57号], requirements 2.6).
    """
    if outcome != "grant":
        return Result.STOP
    if before[0] != after[0]:
        return Result.CHANGE_CATEGORY
    if abs(after[1] - before[1]) <= margin_fen:
        return Result.UNCHANGED
    return Result.INCREASE if after[1] > before[1] else Result.DECREASE


def next_review(since: date, today: date, stable: bool, months_stable: int, months_unstable: int) -> date:
    """The day of the next periodic review of a benefit last looked at on `since`; today or earlier means: now (K3)."""
    due = months_later(since, months_stable if stable else months_unstable)
    return max(due, today) if due <= today else due


def periods(start: date, end: date, every_months: int) -> int:
    """How many payments fall on `start` and every `every_months` after it, before `end`."""
    count, day = 0, start
    while day < end:
        count += 1
        day = months_later(start, count * every_months)
    return count
