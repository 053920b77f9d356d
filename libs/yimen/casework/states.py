"""States of an aid case and what may happen in each (requirements 2.1–2.3). No state may be skipped."""

from __future__ import annotations

from enum import StrEnum

from yimen.kernel.errors import Fault


class State(StrEnum):
    """Where a case is. The glossary's words where it has one."""

    ACCEPTED = "accepted"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    APPRAISING = "appraising"
    PRE_NOTICE = "pre_notice"
    OBJECTION_REVIEW = "objection_review"
    DECIDING = "deciding"
    CONFIRMED = "confirmed"
    IN_BENEFIT = "in_benefit"
    URGENT_OPENED = "urgent_opened"
    SUPPLEMENT_DUE = "supplement_due"
    CLOSED = "closed"


class Act(StrEnum):
    """What moves a case."""

    OPEN_VERIFICATION = "open_verification"
    REPORT_ISSUED = "report_issued"
    ASSESS = "assess"
    PROPOSE_WITH_NOTICE = "propose_with_notice"
    PROPOSE = "propose"
    OBJECT = "object"
    DISMISS_OBJECTION = "dismiss_objection"
    UPHOLD_OBJECTION = "uphold_objection"
    END_NOTICE = "end_notice"
    CONFIRM = "confirm"
    REFUSE = "refuse"
    DELIVER = "deliver"
    DELIVER_ONCE = "deliver_once"
    OPEN_URGENT = "open_urgent"
    ADVANCE = "advance"
    SUPPLEMENT = "supplement"
    CALL_APPRAISAL = "call_appraisal"
    HOLD_APPRAISAL = "hold_appraisal"
    WITHDRAW = "withdraw"
    TERMINATE = "terminate"
    FOLLOW_CATEGORY = "follow_category"
    STOP = "stop"
    RESUME = "resume"
    KEEP_CATEGORY = "keep_category"
    REVERSE = "reverse"


_S, _A = State, Act

TRANSITIONS: dict[tuple[State, Act], State] = {
    (_S.ACCEPTED, _A.OPEN_VERIFICATION): _S.VERIFYING,
    (_S.VERIFYING, _A.REPORT_ISSUED): _S.VERIFIED,
    (_S.VERIFYING, _A.TERMINATE): _S.CLOSED,  # the household did not cooperate
    (_S.ACCEPTED, _A.ASSESS): _S.VERIFIED,  # items without means test
    (_S.VERIFIED, _A.CALL_APPRAISAL): _S.APPRAISING,  # only when disputed (K6)
    (_S.APPRAISING, _A.HOLD_APPRAISAL): _S.VERIFIED,
    (_S.VERIFIED, _A.PROPOSE_WITH_NOTICE): _S.PRE_NOTICE,
    (_S.VERIFIED, _A.PROPOSE): _S.DECIDING,  # single-department items (2.2) and refusals
    (_S.PRE_NOTICE, _A.OBJECT): _S.OBJECTION_REVIEW,
    (_S.OBJECTION_REVIEW, _A.OBJECT): _S.OBJECTION_REVIEW,
    (_S.OBJECTION_REVIEW, _A.DISMISS_OBJECTION): _S.PRE_NOTICE,
    (_S.OBJECTION_REVIEW, _A.UPHOLD_OBJECTION): _S.CLOSED,
    (_S.PRE_NOTICE, _A.UPHOLD_OBJECTION): _S.CLOSED,  # of several, another had been dismissed before
    (_S.PRE_NOTICE, _A.END_NOTICE): _S.DECIDING,
    (_S.DECIDING, _A.CONFIRM): _S.CONFIRMED,
    (_S.DECIDING, _A.REFUSE): _S.CLOSED,
    (_S.CONFIRMED, _A.DELIVER): _S.IN_BENEFIT,  # the first of several payments has arrived
    (_S.CONFIRMED, _A.DELIVER_ONCE): _S.CLOSED,
    (_S.ACCEPTED, _A.OPEN_URGENT): _S.URGENT_OPENED,
    (_S.URGENT_OPENED, _A.ADVANCE): _S.SUPPLEMENT_DUE,
    (_S.URGENT_OPENED, _A.REFUSE): _S.CLOSED,
    (_S.SUPPLEMENT_DUE, _A.SUPPLEMENT): _S.CLOSED,
    (_S.ACCEPTED, _A.FOLLOW_CATEGORY): _S.CONFIRMED,  # 免申即享: the category's decision carries it
    (_S.CONFIRMED, _A.STOP): _S.CLOSED,  # by a later decision (R052)
    (_S.IN_BENEFIT, _A.STOP): _S.CLOSED,
    (_S.CLOSED, _A.RESUME): _S.IN_BENEFIT,  # a category alone becomes one that pays
    (_S.IN_BENEFIT, _A.KEEP_CATEGORY): _S.CLOSED,  # and the other way round
    (_S.CLOSED, _A.REVERSE): _S.IN_BENEFIT,  # a reconsideration reversed the refusal (requirements 2.8)
    **{
        (state, _A.WITHDRAW): _S.CLOSED
        for state in (_S.ACCEPTED, _S.VERIFYING, _S.VERIFIED, _S.APPRAISING, _S.PRE_NOTICE, _S.OBJECTION_REVIEW, _S.URGENT_OPENED)
    },
}

# The case stands still for the applicant's purposes: the item can be closed.
RESTING = frozenset({State.CLOSED, State.IN_BENEFIT})

TITLES = {
    State.ACCEPTED: "已受理", State.VERIFYING: "核查中", State.VERIFIED: "待提出意见",
    State.APPRAISING: "民主评议中", State.PRE_NOTICE: "公示中",
    State.OBJECTION_REVIEW: "异议复查", State.DECIDING: "待审批", State.CONFIRMED: "已确认", State.IN_BENEFIT: "享受中",
    State.URGENT_OPENED: "急难受理", State.SUPPLEMENT_DUE: "待补充材料", State.CLOSED: "已办结",
}
_ACT_TITLES = {
    Act.PROPOSE: "提出意见", Act.PROPOSE_WITH_NOTICE: "提出意见", Act.CONFIRM: "审批", Act.REFUSE: "审批",
    Act.ADVANCE: "先行救助", Act.SUPPLEMENT: "补充材料", Act.DELIVER_ONCE: "登记救助结果", Act.WITHDRAW: "撤回",
    Act.CALL_APPRAISAL: "发起民主评议", Act.HOLD_APPRAISAL: "登记民主评议",
}


def step(state: State | str, act: Act) -> State:
    """The next state. Raises Fault CASE_STATE when the act is not open in this state."""
    found = TRANSITIONS.get((State(state), act))
    if found is None:
        raise Fault("CASE_STATE", state=TITLES[State(state)], act=_ACT_TITLES.get(act, act.value))
    return found
