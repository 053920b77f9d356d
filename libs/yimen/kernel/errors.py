"""Typed errors with a stable code and a sentence that says what to do.

`CATALOGUE` is the one table of codes; `STATUS` the one table that maps a kind of fault to gRPC, HTTP and
exit codes. A detail put into a message must never be personal data: it reaches logs and other services.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What went wrong, coarsely; it decides the status code on every wire."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    PRECONDITION = "precondition"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Status:
    """Codes of one kind on the three wires."""

    grpc: str
    http: int
    exit: int


STATUS: dict[Kind, Status] = {
    Kind.INVALID: Status("INVALID_ARGUMENT", 400, 2),
    Kind.UNAUTHENTICATED: Status("UNAUTHENTICATED", 401, 3),
    Kind.FORBIDDEN: Status("PERMISSION_DENIED", 403, 4),
    Kind.NOT_FOUND: Status("NOT_FOUND", 404, 5),
    Kind.CONFLICT: Status("ALREADY_EXISTS", 409, 6),
    Kind.PRECONDITION: Status("FAILED_PRECONDITION", 422, 7),
    Kind.EXHAUSTED: Status("RESOURCE_EXHAUSTED", 429, 8),
    Kind.UNAVAILABLE: Status("UNAVAILABLE", 503, 9),
    Kind.INTERNAL: Status("INTERNAL", 500, 1),
}

CATALOGUE: dict[str, tuple[Kind, str]] = {
    # --- identity and households
    "ID_MALFORMED": (Kind.INVALID, "第{position}位成员的身份证号格式不对:应为17位数字加1位校验码,请核对证件后重新录入。"),
    "ID_CHECKSUM_WRONG": (Kind.INVALID, "第{position}位成员的身份证号校验码不符,请核对证件后重新录入。"),
    "ID_BORN_LATER": (Kind.INVALID, "第{position}位成员的出生日期在 {today} 之后,请核对证件后重新录入。"),
    "ID_DATE_WRONG": (Kind.INVALID, "第{position}位成员的身份证号中的出生日期不存在,请核对证件后重新录入。"),
    "ID_REPEATED": (Kind.INVALID, "同一身份证号在申请表中出现两次,请删除重复的成员。"),
    "MEMBER_IN_TWO_HOUSEHOLDS": (
        Kind.CONFLICT, "第{position}位成员已登记在另一户(台账户号 {household_id}),请先办理迁户或更正成员。"),
    "NO_MEMBERS": (Kind.INVALID, "申请没有家庭成员,请至少录入申请人本人。"),
    "TOO_MANY_MEMBERS": (Kind.INVALID, "一户最多录入 {limit} 名成员,请核对家庭成员名单。"),
    # --- intake
    "KEY_MISSING": (Kind.INVALID, "缺少幂等键 idempotency_key,请为这次提交生成一个并在重试时沿用。"),
    "KEY_REUSED": (Kind.CONFLICT, "同一幂等键已用于内容不同的申请,请换一个新键提交。"),
    "NO_ITEMS": (Kind.INVALID, "没有选择救助事项,请至少选择一项。"),
    "UNKNOWN_ITEM": (Kind.INVALID, "救助事项 {item} 不在事项目录中,请用 ListItems 查看现有事项。"),
    "ITEM_NOT_BY_APPLICATION": (Kind.INVALID, "救助事项 {item} 由部门按类别主动给付,无需申请。"),
    "ITEM_FACT_MISSING": (Kind.INVALID, "救助事项 {item} 还需要填写 {fact}。"),
    "ITEM_FACT_WRONG": (Kind.INVALID, "救助事项 {item} 的 {fact} 取值不对:{expected}。"),
    "MEMBER_INDEX_WRONG": (Kind.INVALID, "救助事项 {item} 指向的成员序号不存在,请核对 member_index。"),
    "AREA_UNKNOWN": (Kind.INVALID, "区划代码 {code} 不在本县,请核对户籍村(居)代码。"),
    "FIELD_WRONG": (Kind.INVALID, "字段 {field} 取值不对:{expected}。"),
    "APPLICATION_NOT_FOUND": (Kind.NOT_FOUND, "没有受理号为 {receipt_no} 的申请,请核对受理号。"),
    "APPLICATION_STATE": (Kind.PRECONDITION, "申请当前状态为 {state},不能{act}。"),
    "AUTHORISATION_MISSING": (Kind.PRECONDITION, "还有 {count} 名成员未签核对授权书,签齐前不得查询任何数据(R016)。"),
    "REASON_REQUIRED": (Kind.INVALID, "必须写明理由代码和文字理由。"),
    "TEMPORARY_IDENTITY_NOT_ALLOWED": (Kind.INVALID, "事项 {item} 不接受身份不明人员,请补录身份证号或改选救助管理事项。"),
    # --- authority
    "TOKEN_MISSING": (Kind.UNAUTHENTICATED, "请求没有携带身份令牌,请登录后重试。"),
    "TOKEN_STALE": (Kind.UNAUTHENTICATED, "身份令牌已过期,请重新登录。"),
    "TOKEN_FORGED": (Kind.UNAUTHENTICATED, "身份令牌签名无效,请重新登录;若再次出现请报告信息安全员。"),
    "ROLE_MISSING": (Kind.FORBIDDEN, "此操作需要岗位 {role},当前人员不具备。"),
    "OUTSIDE_AREA": (Kind.FORBIDDEN, "此操作超出当前人员的管辖区域,请转交有管辖权的人员。"),
    "WRONG_DEPARTMENT": (Kind.FORBIDDEN, "只有 {department} 的人员可以办理本部门事项。"),
    "WRONG_LEVEL": (Kind.FORBIDDEN, "此决定应由 {required} 级作出,当前人员为 {actual} 级,请转交。"),
    "NO_DELEGATION": (Kind.FORBIDDEN, "该乡镇对事项 {item} 没有有效的书面赋权(R101),请由县级作出决定。"),
    "SEPARATION_OF_DUTIES": (Kind.FORBIDDEN, "调查、提出、审批必须由不同人员办理;当前人员已办理过「{earlier}」。"),
    "OFFICER_UNKNOWN": (Kind.FORBIDDEN, "机构名录中没有此人员,请联系县级管理员登记。"),
    "SERVICE_NOT_ALLOWED": (Kind.FORBIDDEN, "服务 {caller} 无权调用此接口。"),
    "READ_NOT_ALLOWED": (Kind.FORBIDDEN, "按读取权限表,{reader} 不得读取 {data}。"),
    "PURPOSE_REQUIRED": (Kind.INVALID, "跨部门读取必须写明用途 purpose 和案件 case_id。"),
    # --- cases and policy
    "CASE_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {case_id} 的案件,请核对编号与部门。"),
    "CASE_STATE": (Kind.PRECONDITION, "案件当前状态为 {state},不能{act}。"),
    "STANDARD_UNKNOWN": (Kind.INVALID, "本县没有名为 {name} 的标准,请核对名称。"),
    "STANDARD_RATIO_LOW": (Kind.PRECONDITION, "农村与城市低保标准之比为 {ratio},低于 {least}(R060),请调整后再提出。"),
    "STANDARD_OVERLAPS": (Kind.CONFLICT, "{name} 在 {day} 已有标准,请改用其他生效月份。"),
    "PROPOSAL_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {proposal_id} 的标准调整方案,请核对编号。"),
    "RUN_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {run_id} 的批量办理,请核对编号与部门。"),
    "LEAD_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {lead_id} 的线索,请核对编号。"),
    "CONSENT_MISSING": (Kind.PRECONDITION, "该家庭尚未同意提出申请;请先走访并登记其意愿。"),
    "RECONSIDERATION_NOT_FOUND": (Kind.NOT_FOUND, "本案没有文号为 {document_no} 的行政复议,请先登记受理。"),
    "RECONSIDERATION_LATE": (Kind.PRECONDITION, "决定作出已超过 {days} 日,不在复议申请期限内。"),
    "VISIT_FIRST": (Kind.PRECONDITION, "本户已抽中县级入户抽查,请先登记入户结果再审批。"),
    "EMERGENCY_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {emergency_id} 的突发公共事件,请核对编号。"),
    "IMPREST_BLOCKED": (Kind.PRECONDITION, "该乡镇逾期未补材料的先行救助 {overdue_fen} 分,超过限额 {limit_fen} 分的 {share},"
                                           "请补齐材料后再补充。"),
    "IMPREST_ABOVE_LIMIT": (Kind.PRECONDITION, "备用金限额 {limit_fen} 分,现有 {balance_fen} 分,补充后将超过限额。"),
    "BATCH_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {batch_id} 的发放批次,请核对编号。"),
    "BATCH_CHANGED": (Kind.CONFLICT, "批次在审核后有变动(现为第 {revision} 版),请重新编制并审核后再发放。"),
    "BATCH_REVIEW_FIRST": (Kind.PRECONDITION, "到期款项须先编制批次,由另一人审核后发放:yimen pay batch prepare。"),
    "HOLD_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {hold_id} 的暂缓记录,请核对编号。"),
    "ACCOUNT_NAME_DIFFERS": (Kind.INVALID, "账户户名与登记的收款人不一致,请用本人实名账户;更换收款人须由家庭重新登记。"),
    "BUDGET_NOT_OPEN": (Kind.PRECONDITION, "渠道 {channel} 的 {year} 年预算尚未下达。"),
    "PURCHASE_ABOVE_CAP": (Kind.PRECONDITION, "购买服务不得超过当年专项资金的2%:上限 {cap_fen} 分,已用 {bought_fen} 分。"),
    "TRANSFER_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {transfer_id} 的账目,请核对编号。"),
    "TRANSFER_NOT_REVERSIBLE": (Kind.PRECONDITION, "「{kind}」不能直接冲正,请按退回、追回或停发办理。"),
    "BANK_FILE_WRONG": (Kind.INVALID, "银行文件({where})不能接收:{problem}。文件未作任何处理,请银行更正后重发。"),
    "STATEMENT_CONFLICT": (Kind.CONFLICT, "编号为 {statement_id} 的对账单已接收过,而内容不同,请与银行核实。"),
    "STATEMENT_GAP": (Kind.PRECONDITION,
                      "对账单期初 {opening_fen} 分与 {day} 的期末 {closing_fen} 分不衔接,请先取得缺少的对账单。"),
    "DISCREPANCY_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {discrepancy_id} 的对账差异,请核对编号。"),
    "DEBT_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {debt_id} 的追回款,请核对编号。"),
    "RECHECK_NOT_FOUND": (Kind.NOT_FOUND, "本级没有待决定的复核申请,请核对案件编号和级别。"),
    "RECOVERY_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {recovery_id} 的追回调查,请核对编号与部门。"),
    "FINE_OUT_OF_RANGE": (Kind.INVALID, "罚款只适用于骗取救助,应为骗取金额的1–3倍:{least_fen}–{most_fen} 分,或不罚。"),
    "REVIEW_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {review_id} 的复核,请核对编号与部门。"),
    "CREDIT_NOT_FOUND": (Kind.NOT_FOUND, "追回调查 {recovery_id} 没有信用记录:只有认定骗取救助的才有。"),
    "CREDIT_NOT_REPAIRABLE": (Kind.PRECONDITION, "还不能修复:须退清款项,且不早于 {earliest}。"),
    "JUSTICE_NOT_FOUND": (Kind.NOT_FOUND, "追回调查 {recovery_id} 没有移送司法的记录。"),
    "NOT_ON_ROSTER": (Kind.NOT_FOUND, "此人不在 {month} 的公益性劳动名册上。"),
    "CARE_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {agreement_id} 的照料协议,请核对编号。"),
    "FACILITY_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {facility_id} 的供养机构,请先登记。"),
    "FACILITY_FULL": (Kind.PRECONDITION, "机构的 {beds} 张床位已满,请另选机构。"),
    "CONFERENCE_TASK_NOT_FOUND": (Kind.NOT_FOUND, "本部门没有编号为 {task_id} 的会商任务,请核对编号与部门。"),
    "TIP_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {tip_id} 的举报,请核对编号。"),
    "TIP_OWN_UNIT": (Kind.PRECONDITION, "不能把举报交给被举报的单位,请转办其他单位。"),
    "OFFER_NOT_DUE": (Kind.PRECONDITION, "此人不是低保或低保边缘家庭中有劳动能力的成员,不在推荐就业的范围。"),
    "OFFER_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {offer_id} 的就业推荐,请核对编号。"),
    "NOT_STANDING": (Kind.PRECONDITION, "本案没有正在享受的待遇或类别,不能复核或调整。"),
    "CHANGE_IN_FUTURE": (Kind.INVALID, "变化发生日期 {occurred_on} 晚于今天,请核对。"),
    "DECISION_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {decision_id} 的决定,请核对编号与部门。"),
    "MINUTES_REQUIRED": (Kind.PRECONDITION, "集体研究或一事一议的决定必须附会议记录编号。"),
    "ADVANCE_ABOVE_TIER": (Kind.FORBIDDEN, "先行救助金额超过乡镇权限 {limit_fen} 分,须先取得 {required} 级批准编号。"),
    "ANNUAL_CAP_EXCEEDED": (Kind.PRECONDITION, "本户年度临时救助总额将超过封顶线 {cap_fen} 分,尚可救助 {left_fen} 分。"),
    "FACT_MISSING": (Kind.PRECONDITION, "决定所需的事实 {fact} 尚未取得,不能作出决定。"),
    "PACK_INVALID": (Kind.INVALID, "政策包无效({where}):{problem}。请改正后重新提交。"),
    "PACK_EFFECTIVE_IN_PAST": (Kind.INVALID, "政策包生效日期 {effective} 早于今天 {today},不得追溯生效。"),
    "PACK_NOT_FOUND": (Kind.NOT_FOUND, "没有版本或散列值为 {hash} 的政策包,请用 yimen policy history 查看。"),
    "PACK_STATE": (Kind.PRECONDITION, "政策包 {version} 目前为 {state},不能{act}。"),
    "PACK_STALE": (Kind.PRECONDITION, "政策包写明取代 {said},而届时生效的是 {actual},请以后者为底稿并改写 supersedes。"),
    "PACK_OVERLAPS": (Kind.PRECONDITION, "已有政策包 {version} 自 {effective} 起生效,同一天不能有两个,请改生效日期。"),
    "PACK_UNSIGNED": (Kind.INVALID, "政策包没有签名,请先执行 yimen policy sign。"),
    "PACK_TAMPERED": (Kind.FORBIDDEN, "{what} 的内容与签名不符,已拒绝使用,请查明是谁改动的。"),
    "PACK_NONE_ACTIVE": (Kind.PRECONDITION, "部门 {department} 在 {day} 没有生效的政策包。"),
    "CALENDAR_MISSING": (Kind.PRECONDITION, "{year} 年的工作日历尚未公布或未导入,请先由县级管理员导入。"),
    "STANDARD_MISSING": (Kind.PRECONDITION, "{day} 没有公布的标准 {name},请先由县级管理员导入。"),
    "HOUSEHOLD_NOT_FOUND": (Kind.NOT_FOUND, "台账中没有户号 {household_id}。"),
    "EVENT_NOT_FOUND": (Kind.NOT_FOUND, "发件箱中没有编号为 {event_id} 的事件。"),
    "EVENT_ALREADY_PUBLISHED": (Kind.PRECONDITION, "事件 {event_id} 已经发布,说出的话不能收回。"),
    "DEAD_LETTER_NOT_FOUND": (Kind.NOT_FOUND, "死信中没有编号为 {event_id} 的消息。"),
    "DEAD_LETTER_UNREADABLE": (Kind.PRECONDITION, "死信 {event_id} 不能重投:{problem}。请查明来源,写明理由放弃。"),
    "WEBHOOK_NOT_FOUND": (Kind.NOT_FOUND, "没有名为 {name} 的订阅。"),
    "TOO_MANY_IDS": (Kind.INVALID, "一次最多查询 {limit} 个身份证号,请分批查询。"),
    "INTEGRATOR_NOT_FOUND": (Kind.NOT_FOUND, "没有名为 {sender_id} 的机构。"),
    "VERIFICATION_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {verification_id} 的核查任务。"),
    "REPORT_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {report_id} 的核查报告。"),
    "WARNING_FIRST": (Kind.PRECONDITION, "终止核查前须先书面告知(WarnHousehold),给申请人改正的期限。"),
    "WARNING_RUNS": (Kind.PRECONDITION, "书面告知的期限到 {until} 为止,期满仍不配合才能终止。"),
    "VISIT_NEEDS_TWO": (Kind.PRECONDITION, "入户调查必须由两名不同的工作人员共同进行。"),
    "DISASTER_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {disaster_id} 的受灾事件。"),
    # --- disclosure, supervision
    "NOTICE_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {notice_id} 的公示。"),
    "NOTICE_STATE": (Kind.PRECONDITION, "公示当前状态为 {state},不能{act}。"),
    "OBJECTION_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {objection_id} 的异议。"),
    "MONTH_NOT_OVER": (Kind.PRECONDITION, "{month} 尚未结束,月末后才能抽取样本。"),
    "CHECK_NOT_DUE": (Kind.NOT_FOUND, "案件 {case_id} 不在 {pool} 核查名单中。"),
    # --- money
    "CHANNEL_NOT_FOUND": (Kind.NOT_FOUND, "没有资金渠道 {channel}。"),
    "CHANNEL_NOT_OWNED": (Kind.FORBIDDEN, "资金渠道 {channel} 属于 {owner},{grantor} 的给付决定不能动用。"),
    "GRANT_SIGNATURE_WRONG": (Kind.FORBIDDEN, "给付决定的签名无效,不得付款。"),
    "BALANCE_TOO_LOW": (Kind.PRECONDITION, "账户 {account} 余额 {balance_fen} 分,不足以支出 {amount_fen} 分。"),
    "AMOUNT_WRONG": (Kind.INVALID, "金额必须为正整数分且不超过 {limit_fen} 分。"),
    "INSTALMENT_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {instalment_id} 的待付款项。"),
    "INSTALMENT_STATE": (Kind.PRECONDITION, "款项当前状态为 {state},不能{act}。"),
    "ACCOUNT_MISSING": (Kind.PRECONDITION, "该户没有登记收款账户,请先由窗口登记。"),
    "TRANSFER_CONFLICT": (Kind.CONFLICT, "转账编号 {transfer_id} 已用于内容不同的转账。"),
    # --- messages and machines
    "EVENT_TYPE_UNKNOWN": (Kind.INVALID, "不认识的事件类型 {type}:请核对类型名;若由新版本发出,升级本服务后再处理。"),
    "EVENT_UNDECODABLE": (Kind.INVALID, "事件 {type} 的内容不是有效的 protobuf,消息已移入死信队列。"),
    "EVENT_SOURCE_FORGED": (Kind.FORBIDDEN, "事件 {type} 自称来自 {claimed},却经由 {exchange} 送达,消息已移入死信队列。"),
    "PAYLOAD_TOO_LARGE": (Kind.INVALID, "内容 {size} 字节,超过上限 {limit} 字节,请拆分后提交。"),
    "PARKED_NOT_FOUND": (Kind.NOT_FOUND, "没有编号为 {event_id} 的搁置事件。"),
    "PEER_UNAVAILABLE": (Kind.UNAVAILABLE, "服务 {peer} 暂时不可用,请稍后重试。"),
    "DATABASE_UNAVAILABLE": (Kind.UNAVAILABLE, "数据库连接不上,已重试 {attempts} 次,请检查 {where}。"),
    "BROKER_UNAVAILABLE": (Kind.UNAVAILABLE, "消息服务器连接不上,已重试 {attempts} 次,请检查 {where}。"),
    "SOURCE_UNAVAILABLE": (Kind.UNAVAILABLE, "数据源 {source} 暂时不可用,核对请求将自动重试。"),
    "SETTING_MISSING": (Kind.INVALID, "缺少设置 {name},请在环境变量中给出。"),
    "SERVICE_UNKNOWN": (Kind.INVALID, "没有名为 {name} 的服务,现有:{known}。"),
    "FILE_WRONG": (Kind.INVALID, "文件 {name} 不能读取:{problem}。"),
    "INTERNAL": (Kind.INTERNAL, "系统内部错误,已记录,请把追踪号告诉运维人员。"),
}


class Fault(Exception):
    """An error with a code of `CATALOGUE`. `details` hold codes, counts and surrogate ids only."""

    def __init__(self, code: str, /, **details: object) -> None:
        kind, sentence = CATALOGUE[code]
        self.code = code
        self.kind = kind
        self.details = {name: str(value) for name, value in details.items()}
        self.message = sentence.format_map(self.details)
        super().__init__(f"{code}: {self.message}")

    @property
    def status(self) -> Status:
        """The codes of this fault on each wire."""
        return STATUS[self.kind]


class NotYet(Exception):
    """A handler met an event before its cause: park it until the next event of the case or its retry time."""
