"""The twelve promises (design section 2), each checked over the databases, the broker's ledgers and the bank.

Each check returns what is wrong, in words with ids only; an empty list means held. The checks read the
databases directly: they are an auditor's instrument and use nothing that the services say of themselves.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from yimen.aid.v1 import events_pb2 as aid
from yimen.department.assemble import department_of
from yimen.kernel.ids import canonical
from yimen.policy.pack import Pack
from yimen.rehearsal.bank import judge
from yimen.runtime.declaration import Service
from yimen.security.keys import KeyRing
from yimen.security.masking import finds_personal_data
from yimen.store import audit
from yimen.store.unit import Store

ROWS_AT_A_TIME = 1000
FOUND_MAX = 5  # violations shown per promise; the first ones tell enough
NOTICE_DAYS_LEGAL = 7
FUND_KINDS = ("treasury", "available", "reserved", "batch", "paid", "imprest", "purchase", "debt")
# Days after which a payment must stand on a statement of the bank, or on somebody's list.
RECONCILED_DAYS_MAX = 15
Row = dict[str, Any]


@dataclass
class Evidence:
    """Everything that the checks look at."""

    services: dict[str, Service]
    databases: dict[str, str]
    keys: Path
    bank_file: Path
    today: Any
    # Text that leaves the platform or is kept for engineers: logs, spans.
    texts: list[Path] = field(default_factory=list)
    # Names and numbers of the people of the rehearsal, to look for where they must not be.
    planted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stores = {name: Store(url) for name, url in self.databases.items()}
        self._packs: dict[str, Pack] = {}
        # The services whose databases were read since this was emptied.
        self.read: set[str] = set()

    def rows(self, service: str, query: str, **values: Any) -> list[Row]:
        """Rows of a service's database."""
        with self.tx(service) as tx:
            return [dict(row._mapping) for row in tx.connection.execute(sa.text(query), values)]

    def each(self, service: str, query: str) -> Iterator[Row]:
        """The same, a few at a time: for tables that grow with the households."""
        self.read.add(service)
        with self._stores[service].transaction(write=False, steady=True) as tx:
            found = tx.connection.execution_options(yield_per=ROWS_AT_A_TIME).execute(sa.text(query))
            for row in found:
                yield dict(row._mapping)

    def tx(self, service: str) -> Any:
        """A reading transaction on a service's database."""
        self.read.add(service)
        return self._stores[service].transaction(write=False)

    def alone(self, check: Callable[..., list[str]], service: str, *known: Any) -> list[str]:
        """What a check finds in one service's database by itself, given what is known from elsewhere."""
        return check(self, service, *known)

    def pack(self, service: str, source: str) -> Pack:
        """A department's policy pack, compiled once."""
        if source not in self._packs:
            self._packs[source] = Pack(source, department_of(self.services[service]).facts())
        return self._packs[source]

    @property
    def departments(self) -> list[str]:
        """Names of the departments."""
        return [service.name for service in self.services.values() if service.is_department]

    def grants(self) -> list[tuple[Row, aid.Grant]]:
        """Every plan of the payment service with the grant that it was signed from."""
        return [(row, aid.Grant.FromString(bytes(row["grant"]))) for row in self.rows("payment", 'select * from plan')]

    def close(self) -> None:
        """Give the connections back."""
        for store in self._stores.values():
            store.close()


def p1_open_work_has_an_owner(e: Evidence) -> list[str]:
    """Every accepted application ends with each item closed, or has an open task with an owner and a date."""
    tasks: set[str] = set()
    for name in e.services:
        tasks |= {row["subject"] for row in e.rows(name, "select subject from task where done_at is null")}
    wrong = []
    for row in e.rows("intake", "select application_id, state from application where state not in ('closed',"
                                " 'intake_refused', 'withdrawn')"):
        items = e.rows("intake", "select case_id from item_status where application_id = :a and closed_at is null"
                                 " and \"trigger\" = 'application'", a=row["application_id"])
        if not items and row["application_id"] not in tasks:
            wrong.append(f"申请 {row['application_id']} 未办结且无人负责")
        wrong += [f"事项 {item['case_id']} 未办结且无人负责" for item in items if item["case_id"] not in tasks]
    return wrong


def p2_no_payment_without_grant(e: Evidence) -> list[str]:
    """No payment without a grant signed by the channel's owner."""
    ring = KeyRing(e.keys, "auditor")
    owners = {row["channel"]: row["owner"] for row in e.rows("payment", "select * from channel")}
    good = {row["grant_id"] for row, grant in e.grants()
            if owners.get(grant.channel) == grant.service == row["signed_by"]
            and ring.verify(row["signed_by"], bytes(row["grant"]), bytes(row["signature"]))}
    moved = e.each("payment", "select i.grant_id, i.instalment_id from instalment i where i.state <> 'planned'")
    return [f"款项 {row['instalment_id']} 没有有效的给付决定" for row in moved if row["grant_id"] not in good]


def p3_one_payment_per_instalment(e: Evidence) -> list[str]:
    """One payment per instalment, whatever is redelivered, reordered or killed."""
    if not e.bank_file.exists():
        return []
    with closing(sqlite3.connect(e.bank_file)) as bank:
        at_bank = {row[0]: row for row in bank.execute("select instruction_id, account, amount_fen, received_on from paid")}
    wrong: list[str] = []
    paid_by_instalment: dict[str, list[str]] = {}
    for row in e.rows("payment", "select * from instruction"):
        known = at_bank.pop(row["instruction_id"], None)
        if known is None:
            continue
        if judge(known[1], date.fromisoformat(known[3]), e.today)[0] != "returned":
            paid_by_instalment.setdefault(row["instalment_id"], []).append(row["instruction_id"])
        if known[2] != row["amount_fen"]:
            wrong.append(f"指令 {row['instruction_id']} 金额与银行不符")
    wrong += [f"银行收到未登记的指令 {one}" for one in at_bank]
    wrong += [f"款项 {one} 付了 {len(found)} 次" for one, found in paid_by_instalment.items() if len(found) > 1]
    return wrong + _never_compared(e)


def _never_compared(e: Evidence) -> list[str]:
    """Whatever the bank has settled stands on a statement, or on a dated list with an owner."""
    limit = (e.today - timedelta(days=RECONCILED_DAYS_MAX)).isoformat()
    return [f"指令 {row['instruction_id']} 没有对账" for row in e.each(
        "payment", "select instruction_id from instruction where state = 'settled' and reconciled_on is null and queried_on < "
                   f"'{limit}' and instruction_id not in (select instruction_id from discrepancy)")]


def p4_channels_balance(e: Evidence) -> list[str]:
    """Paid + reserved ≤ budget of the channel at every instant; the ledger sums to zero."""
    wrong: list[str] = []
    balance: dict[str, int] = {}
    kinds = {row["account_id"]: (row["channel"], row["kind"], row["balance_fen"])
             for row in e.rows("payment", "select * from account")}
    # "At every instant": the transfers are replayed in order, and no account but the treasury goes below zero.
    for row in e.each("payment", "select * from transfer order by at"):
        for name, change in ((row["from_account"], -row["amount_fen"]), (row["to_account"], row["amount_fen"])):
            balance[name] = balance.get(name, 0) + change
    for name, (_, kind, stored) in kinds.items():
        if balance.get(name, 0) != stored:
            wrong.append(f"账户 {name} 余额与流水不符")
        if kind not in ("treasury", "penalised") and stored < 0:
            wrong.append(f"账户 {name} 透支")
    for channel in {one[0] for one in kinds.values()}:
        held = {kind: sum(b for c, k, b in kinds.values() if c == channel and k == kind) for kind in
                (*FUND_KINDS, "fine", "penalised")}
        if sum(held[kind] for kind in FUND_KINDS) or held["fine"] + held["penalised"]:
            wrong.append(f"渠道 {channel} 账不平")
        if sum(held[kind] for kind in ("paid", "reserved", "batch", "purchase", "debt")) > -held["treasury"]:
            wrong.append(f"渠道 {channel} 支出超过预算")
    return wrong


def p5_decisions_replay(e: Evidence) -> list[str]:
    """Every decision replays to the same outcome from its stored facts and policy version."""
    return [found for name in e.departments for found in e.alone(_not_replayed, name)]


def _not_replayed(e: Evidence, name: str) -> list[str]:
    ring, wrong = KeyRing(e.keys, "auditor"), []
    packs = {row["hash"]: e.pack(name, row["source"]) for row in e.rows(name, "select hash, source from policy_pack")}
    for row in e.each(name, "select * from decision where decided_at is not null"):
        stored = json.loads(row["facts"]) if isinstance(row["facts"], str) else row["facts"]
        again = packs[row["pack_hash"]].decide(row["item"], stored)
        same = (again.outcome, again.rule_id, again.amount_fen, again.category, again.facts_hash) == (
            row["outcome"], row["rule_id"], row["amount_fen"], row["category"], row["facts_hash"])
        if not same or not ring.verify(name, canonical(again.core()).encode(), bytes(row["signature"])):
            wrong.append(f"决定 {row['decision_id']} 重放不一致")
    return wrong


def p6_authority_is_own(e: Evidence) -> list[str]:
    """No policy or channel is touched under another department's authority."""
    wrong = [f"渠道 {grant.channel} 被 {grant.service} 动用" for row, grant in e.grants()
             if row["state"] == "reserved" and e.services[grant.service].channel is not None
             and e.services[grant.service].channel.name != grant.channel]  # type: ignore[union-attr]
    officers = {row["officer_id"]: row["department"] for row in e.rows("directory", "select * from officer")}
    for name in e.departments:
        for row in e.rows(name, "select decision_id, decided_by from decision where decided_at is not null"):
            by = row["decided_by"]
            if by != f"service:{name}" and officers.get(by, "?") not in ("", name):
                wrong.append(f"决定 {row['decision_id']} 由别的部门人员作出")
        for row in e.rows(name, "select version, proposed_by, approved_by from policy_pack where state = 'approved'"):
            for by in (row["proposed_by"], row["approved_by"]):
                if by != "installation" and officers.get(by, "?") != name:
                    wrong.append(f"{name} 的政策包 {row['version']} 由别的部门人员改动")
    return wrong


def p7_categories_from_decisions(e: Evidence) -> list[str]:
    """Roster categories change only from decision events."""
    wrong = []
    for row in e.rows("roster", "select * from category_record"):
        if row["authority"] not in e.departments:
            wrong.append(f"类别记录 {row['row_id']} 不是部门的决定")
            continue
        found = e.rows(row["authority"], "select category, outcome, result from decision where decision_id = :d",
                       d=row["decision_id"])
        if not found or found[0]["category"] != row["category"] or found[0]["result"] != "confirmed":
            wrong.append(f"类别记录 {row['row_id']} 没有对应的决定")
    return wrong


def p8_nothing_private_in_public(e: Evidence) -> list[str]:
    """Nothing that must not be published appears in a notice, the feed, a log, a span or a metric."""
    wrong = []
    for service, table in (("disclosure", "notice"), ("disclosure", "standing_list"), ("feed", "entry")):
        for row in e.each(service, f"select * from {table}"):
            text = json.dumps(row, ensure_ascii=False, default=str)
            wrong += [f"{table} 含 {kind}" for kind in finds_personal_data(text)]
            wrong += [f"{table} 含个人信息" for secret in e.planted if secret.isdigit() and secret in text]
    for path in e.texts:
        text = path.read_text(errors="replace") if path.exists() else ""
        wrong += [f"{path.name} 含个人信息" for secret in e.planted if secret in text]
    return wrong


def p9_notices_ran_their_period(e: Evidence) -> list[str]:
    """A notice has run its full legal period before the decision that waits for it."""
    wrong, notices = [], {row["case_id"]: row for row in e.rows("disclosure", "select * from notice")}
    for name in e.departments:
        # What a reconsideration has reversed is granted by its decision, not by one that a notice comes before.
        for row in e.rows(name, "select case_id, item, decided_on, outcome from aid_case where decided_on is not null"
                                " and outcome = 'granted' and \"trigger\" = 'application' and case_id not in"
                                " (select case_id from reconsideration where outcome = 'reversed') and case_id not in"
                                " (select case_id from recheck where outcome = 'reversed')"):
            notice = notices.get(row["case_id"])
            if notice is None:
                if _needs_notice(e.services[name], row["item"]):
                    wrong.append(f"案件 {row['case_id']} 未经公示")
                continue
            start, end, decided = (_day(notice["posted_from"]), _day(notice["posted_until"]), _day(row["decided_on"]))
            if end - start < timedelta(days=NOTICE_DAYS_LEGAL) or decided <= end:
                wrong.append(f"案件 {row['case_id']} 公示期不足")
    return wrong


def _needs_notice(service: Service, item: str) -> bool:
    return department_of(service).item(item).notice


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def p10_no_gap_and_in_order(e: Evidence) -> list[str]:
    """The feed has no gap and keeps the order within a case: what each service said of a subject must stand there
    completely, in the order in which it was said."""
    wrong = []
    said: dict[tuple[str, str], int] = {}
    for name in e.services:
        for row in e.rows(name, "select subject, count(*) as n, max(subject_seq) as top from outbox group by subject"):
            if row["n"] != row["top"]:
                wrong.append(f"{name} 关于 {row['subject']} 的事件编号有缺口")
            said[name, row["subject"]] = row["top"]
    heard = {(row["source"], row["subject"]): row["subject_seq"] for row in e.each("feed", "select * from heard")}
    wrong += [f"{name} 关于 {subject} 的事件未送达" for (name, subject), top in said.items()
              if heard.get((name, subject), 0) != top]
    return wrong + feed_gaps(e.each("feed", "select sequence, case_sequence, source, source_seq, subject from entry"
                                            " order by sequence"))


def feed_gaps(entries: Iterable[Row]) -> list[str]:
    """Where the numbers of the feed, of a case, or of a source about a case do not follow one another."""
    wrong: list[str] = []
    last, by_case, by_source = 0, dict[str, int](), dict[tuple[str, str], int]()
    for row in entries:
        subject, source = row["subject"], (row["source"], row["subject"])
        if row["sequence"] != last + 1:
            wrong.append(f"事件流在 {last} 之后缺号")
        if row["case_sequence"] != by_case.get(subject, 0) + 1:
            wrong.append(f"事件流关于 {subject} 的编号有缺口:{row['case_sequence']}")
        if row["source_seq"] <= by_source.get(source, 0):
            wrong.append(f"{row['source']} 关于 {subject} 的事件乱序:{row['source_seq']}")
        last, by_case[subject], by_source[source] = row["sequence"], row["case_sequence"], row["source_seq"]
    return wrong


def p11_audit_is_whole(e: Evidence) -> list[str]:
    """The audit log proves that nothing was removed or rewritten."""
    anchors: dict[str, list[audit.Seal]] = {}
    for row in e.rows("supervision", "select * from anchor"):
        anchors.setdefault(row["service"], []).append(audit.Seal(row["seal_no"], row["rows"], row["hash"]))
    return [found for name in e.services for found in e.alone(_audit_problems, name, *anchors.get(name, []))]


def _audit_problems(e: Evidence, name: str, *anchors: audit.Seal) -> list[str]:
    ring = KeyRing(e.keys, "auditor")
    with e.tx(name) as tx:
        found = audit.verify(tx, lambda message, signature: ring.verify(name, message, bytes(signature)), anchors)
    return [f"{name}:{problem}" for problem in found]


def p12_reads_are_by_right(e: Evidence) -> list[str]:
    """No read across departments outside the rights matrix, and each such read is logged with its purpose."""
    wrong = []
    admitted = {f"integrator:{row['sender_id']}" for row in e.rows("roster", "select sender_id from integrator")}
    for service in ("roster", "means_test"):
        for row in e.each(service, "select * from read_log"):
            if not row["case_id"] or not row["purpose"]:
                wrong.append(f"{service} 的读取 {row['row_id']} 没有用途")
            if row["reader"].removeprefix("service:") not in e.services and row["reader"] not in admitted:
                wrong.append(f"{service} 的读取 {row['row_id']} 既非服务也非获准的机构所为")
    for row in e.rows("means_test", "select reader, view from read_log group by reader, view"):
        if row["view"] == "full" and row["reader"] not in ("service:basic_living", "service:supervision"):
            wrong.append(f"{row['reader']} 读取了完整核查报告")
    return wrong


PROMISES: dict[int, tuple[str, Callable[[Evidence], list[str]]]] = {
    1: ("每件受理的申请都有结果,或有责任人和期限", p1_open_work_has_an_owner),
    2: ("没有渠道主管部门签名的给付决定就不付款", p2_no_payment_without_grant),
    3: ("每期款项只付一次", p3_one_payment_per_instalment),
    4: ("支出加预留不超过预算,账目平衡", p4_channels_balance),
    5: ("每个决定都能按当时的事实和政策重放", p5_decisions_replay),
    6: ("政策和资金不受别的部门动用", p6_authority_is_own),
    7: ("台账类别只随决定变动", p7_categories_from_decisions),
    8: ("不该公开的不出现在公示、日志和追踪中", p8_nothing_private_in_public),
    9: ("公示期满才作决定", p9_notices_ran_their_period),
    10: ("事件无缺口且按案有序", p10_no_gap_and_in_order),
    11: ("审计日志未被删改", p11_audit_is_whole),
    12: ("跨部门读取合乎权限并留痕", p12_reads_are_by_right),
}


def check_all(evidence: Evidence) -> dict[int, list[str]]:
    """Number → what is wrong with it; empty lists where the promise is held."""
    return {number: check(evidence)[:FOUND_MAX] for number, (_, check) in PROMISES.items()}
