"""What the timeline says of each event, in the words of a clerk: who, what, why, which clause.

An item stands as its code; whoever reads the timeline is given the title of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework.categories import CATEGORY_TITLES
from yimen.casework.reviews import RESULT_TITLES, Result
from yimen.disclosure.v1 import events_pb2 as disclosure
from yimen.kernel.money import yuan
from yimen.means_test.v1 import events_pb2 as means_test
from yimen.payment.v1 import events_pb2 as payment
from yimen.roster.v1 import events_pb2 as roster
from yimen.supervision.v1 import credit_pb2 as credit


@dataclass(frozen=True)
class Entry:
    """One line of the timeline."""

    what: str
    why: str = ""
    clause: str = ""
    actor: str = ""


def _money(fen: int) -> str:
    return f"{yuan(fen)}元"


def _opened(e: aid.CaseOpened) -> Entry:
    if e.trigger == "category":
        return Entry(f"{e.item} 免申即享:按台账类别自动启动")
    return Entry(f"{e.item} 转本部门办理")


def _proposed(e: aid.AidProposed) -> Entry:
    opinion = f"拟给予 {_money(e.amount_fen)}" if e.amount_fen else "拟给予"
    return Entry(f"{e.item} 提出审核意见:{opinion if e.outcome == 'grant' else '拟不予救助'}", e.reason, e.clause, e.actor)


def adjusted(e: aid.BenefitAdjusted) -> Entry:
    """What the applicant is told of an adjustment, too."""
    parts = [f"{e.item} {RESULT_TITLES[Result(e.kind)]}"]
    if e.category != e.previous_category and e.category:
        parts.append(f"类别变为{CATEGORY_TITLES.get(e.category, e.category)}")
    if e.amount_fen != e.previous_amount_fen:
        parts.append(f"每期由 {_money(e.previous_amount_fen)} 变为 {_money(e.amount_fen)}")
    parts.append(f"自 {e.effective_on} 起")
    if e.taper_until:
        parts.append(f"渐退期至 {e.taper_until},期内照原额发放")
    return Entry(",".join(parts), e.reason, e.clause, e.actor)


CAUSE_TITLES = {"periodic": "定期", "birthday": "成员达到规定年龄", "change_report": "家庭报告变化", "data_hit": "数据比对",
                "complaint": "举报", "category_change": "类别变化", "standard_change": "标准调整", "reconsideration": "行政复议",
                "recovery": "追回调查", "refused_work": "三次拒绝就业", "expired": "认定有效期届满",
                "guarantee_ended": "低保停止"}


LEVEL_TITLES = {"township": "乡镇", "county": "县级"}


def _granted(e: aid.AidGranted) -> Entry:
    parts = [f"{e.item} 确认"]
    if e.category:
        parts.append(f"认定为{CATEGORY_TITLES.get(e.category, e.category)}")
    if e.amount_fen:
        parts.append(f"每期 {_money(e.amount_fen)}")
    return Entry(",".join(parts), e.reason, e.clause, e.actor)


NARRATORS: dict[type[Any], Callable[[Any], Entry]] = {
    means_test.VerificationRequested: lambda e: Entry(f"启动统一核查,限 {e.due_on} 前完成", clause="R033"),
    means_test.VerificationCompleted: lambda e: Entry(
        "核查报告已共享各部门" + ("(沿用有效期内的报告)" if e.reused else ""), f"疑点 {e.doubts} 项", "R031",
        "、".join(e.surveyors)),
    means_test.HouseholdWarned: lambda e: Entry(f"书面告知不配合核查的后果,{e.until} 前可以改正", clause="requirements 2.1",
                                                actor=e.actor),
    means_test.VerificationRefused: lambda e: Entry("核查终止:经书面告知,期满仍不配合", e.finding_code, "requirements 2.1",
                                                    e.actor),
    aid.CaseOpened: _opened,
    aid.AppraisalHeld: lambda e: Entry(f"{e.item} 民主评议:到会 {e.attendees} 人,赞成 {e.agree},反对 {e.disagree}", clause="R040",
                                       actor=e.actor),
    aid.AidProposed: _proposed,
    aid.AidGranted: _granted,
    aid.AidRefused: lambda e: Entry(f"{e.item} 不予救助", e.reason, e.clause, e.actor),
    aid.OutputRecorded: lambda e: Entry(f"救助结果已落实:{e.kind}({e.detail_code})", actor=e.actor),
    aid.SupplementFiled: lambda e: Entry("先行救助的补充材料已交齐", clause="R069", actor=e.actor),
    aid.CaseClosed: lambda e: Entry(f"{e.item} 办结:{OUTCOME_TITLES.get(e.outcome, e.outcome)}", e.reason),
    aid.ReviewDue: lambda e: Entry(f"{e.item} 开始复核({CAUSE_TITLES.get(e.cause, e.cause)})", clause="R052"),
    aid.ReviewCompleted: lambda e: Entry(f"{e.item} 复核完成:{RESULT_TITLES[Result(e.result)]}", e.reason, "R052", e.actor),
    aid.BenefitAdjusted: adjusted,
    aid.ReconsiderationReceived: lambda e: Entry(f"{e.item} 行政复议已受理,限 {e.due_on} 前决定", clause="行政复议法§62",
                                                 actor=e.actor),
    aid.ReconsiderationDecided: lambda e: Entry(
        f"{e.item} 行政复议:{'维持原决定' if e.outcome == 'upheld' else '撤销原决定并改按复议结果办理'}"
        + (f",补发 {_money(e.arrears_fen)}" if e.arrears_fen else ""), e.document_no, "requirements 2.8", e.actor),
    aid.RecheckRequested: lambda e: Entry(f"{e.item} 申请复核,{LEVEL_TITLES[e.level]}限 {e.due_on} 前决定", clause="R127",
                                         actor=e.actor),
    aid.RecheckDecided: lambda e: Entry(
        f"{e.item} {LEVEL_TITLES[e.level]}复核:{'维持原决定' if e.outcome == 'upheld' else '改按复核结果办理'}"
        + (f",补发 {_money(e.arrears_fen)}" if e.arrears_fen else ""), e.reason, "requirements 2.8", e.actor),
    aid.RecoveryOpened: lambda e: Entry(f"{e.item} 启动追回调查,限 {e.due_on} 前结论", clause="requirements 2.7", actor=e.actor),
    aid.RecoveryDecided: lambda e: Entry(
        f"{e.item} 追回调查结论" + (f":应退 {_money(e.amount_fen)}" if e.amount_fen else "")
        + (f",罚款 {_money(e.fine_fen)}" if e.fine_fen else ""), e.reason, "国务院令649号§68", e.actor),
    credit.CreditRecorded: lambda e: Entry(f"记入信用记录,{e.expires_on} 到期;退清款项后可以申请修复,不影响申请救助",
                                           clause="R142"),
    credit.CreditEnded: lambda e: Entry(f"信用记录{CREDIT_ENDS[e.outcome]}", clause="R142"),
    disclosure.NoticePublished: lambda e: Entry(f"在乡镇和村(居)公示,{e.until} 期满", clause="R125", actor=e.actor),
    disclosure.ObjectionFiled: lambda e: Entry("公示期内收到异议,开始复查", e.reason_code, "R127"),
    disclosure.ObjectionResolved: lambda e: Entry(f"异议复查:{'成立' if e.upheld else '不成立'}", e.finding_code,
                                                  "R127", e.actor),
    disclosure.NoticeClosed: lambda e: Entry("公示撤下" if e.objection_upheld else "公示期满,无异议或异议不成立"),
    roster.CategoryChanged: lambda e: Entry(
        f"台账{'注销' if e.change == 'ended' else '登记'}类别:{CATEGORY_TITLES.get(e.category, e.category)}", clause="R047"),
    payment.PaymentPlanned: lambda e: Entry(f"资金已预留:{_money(e.total_fen)},分 {e.instalments} 期", e.channel, "R118"),
    payment.PaymentRejected: lambda e: Entry("资金未能支出", e.reason),
    payment.PaymentSettled: lambda e: Entry(f"第 {e.instalment_no} 期 {_money(e.amount_fen)} 已到账", e.channel, "R117"),
    payment.PaymentPlanEnded: lambda e: Entry(f"{e.from_due_on} 起的 {e.instalments} 期不再发放,预留退回渠道", e.channel,
                                              "R118"),
    payment.PaymentVoided: lambda e: Entry(f"第 {e.instalment_no} 期 {_money(e.amount_fen)} 撤销,资金退回渠道", e.reason_code),
    payment.DebtOpened: lambda e: Entry(f"列入追回款 {_money(e.amount_fen)}", e.channel, "R141"),
    payment.DebtRepaid: lambda e: Entry(f"已退还 {_money(e.amount_fen)},尚欠 {_money(e.outstanding_fen)}", e.channel, "R141"),
    payment.DebtClosed: lambda e: Entry(f"追回款{'已还清' if e.outcome == 'paid' else '经协调机构核销'}", e.channel, "R141"),
    payment.PaymentReturned: lambda e: Entry(f"第 {e.instalment_no} 期被银行退回,待更正账户", e.reason_code, "R117"),
}

CREDIT_ENDS = {"repaired": "已修复", "revoked": "已撤销", "expired": "已到期"}
OUTCOME_TITLES = {"granted": "已给予", "refused": "不予救助", "withdrawn": "申请人撤回", "stopped_by_objection": "异议成立,终止",
                  "terminated_uncooperative": "不配合核查,终止", "stopped": "停发"}
