"""Files from the bank, read as they come and checked on the way: nothing is taken in of a file that is not whole and right.

A file is read twice: once to the end to check it, once to use it. Entities are never resolved and nothing is fetched, so a file
cannot grow in the reader's memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from lxml import etree
from yimen.iso20022.messages import (
    CAMT_053,
    FILE_BYTES_MAX,
    NAMESPACE,
    PAIN_001,
    PAIN_002,
    PAYMENTS_MAX,
    REASONS,
    SCHEMAS,
    STATES,
    Entry,
    Payment,
    Statement,
    StatusLine,
    fen_of,
)
from yimen.kernel.errors import Fault

T = TypeVar("T")
_BALANCES = {"OPBD": "opening", "CLBD": "closing"}


@cache
def _schema(message: str) -> Any:
    return etree.XMLSchema(etree.parse(str(SCHEMAS / f"{message}.xsd")))


def _elements(path: Path, message: str, *names: str, check: bool = False) -> Iterator[Any]:
    """The complete elements of these names, one at a time. Raises Fault BANK_FILE_WRONG."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise Fault("BANK_FILE_WRONG", where=message, problem=f"文件超过 {FILE_BYTES_MAX // 1024 // 1024} MB")
    space = "{" + NAMESPACE + message + "}"
    try:
        found = etree.iterparse(str(path), events=("end",), tag=[space + name for name in names], resolve_entities=False,
                                no_network=True, load_dtd=False, huge_tree=False, schema=_schema(message) if check else None)
        for _, element in found:
            if element.getroottree().docinfo.doctype:
                raise Fault("BANK_FILE_WRONG", where=message, problem="文件含有 DOCTYPE,不予读取")
            yield element
            # What was read is let go, with what stood before it.
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except (etree.XMLSyntaxError, OSError) as error:
        # The parser's own words may quote the file, which holds names and accounts: only the place is told.
        place = getattr(error, "position", ("?", "?"))
        raise Fault("BANK_FILE_WRONG", where=message, problem=f"第 {place[0]} 行不是完整有效的 {message} 报文") from None


def _text(element: Any, path: str) -> str:
    space = "{" + element.tag[1:].partition("}")[0] + "}"
    found = element.find("/".join(space + part for part in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def _money(element: Any, path: str, where: str) -> int:
    space = "{" + element.tag[1:].partition("}")[0] + "}"
    found = element.find("/".join(space + part for part in path.split("/")))
    if found is None:
        raise Fault("BANK_FILE_WRONG", where=where, problem="缺少金额")
    return fen_of((found.text or "").strip(), found.get("Ccy", ""), where)


def read_initiation(path: Path) -> tuple[str, Iterator[Payment]]:
    """(message id, payments) of a pain.001. Raises Fault BANK_FILE_WRONG, also when its head does not fit its payments."""
    head: dict[str, str] = {}
    count, total = 0, 0
    for element in _elements(path, PAIN_001, "GrpHdr", "CdtTrfTxInf", check=True):
        if element.tag.endswith("GrpHdr"):
            head = {name: _text(element, name) for name in ("MsgId", "NbOfTxs", "CtrlSum")}
        else:
            count, total = count + 1, total + _money(element, "Amt/InstdAmt", PAIN_001)
    if head.get("NbOfTxs") != str(count) or (head.get("CtrlSum") and fen_of(head["CtrlSum"], "CNY", PAIN_001) != total):
        raise Fault("BANK_FILE_WRONG", where=PAIN_001, problem="笔数或总额与明细不符")
    return head["MsgId"], (
        Payment(_text(one, "PmtId/EndToEndId"), _text(one, "CdtrAcct/Id/Othr/Id"), _text(one, "Cdtr/Nm"),
                _money(one, "Amt/InstdAmt", PAIN_001)) for one in _elements(path, PAIN_001, "CdtTrfTxInf"))


def read_status(path: Path) -> tuple[str, Iterator[StatusLine]]:
    """(original message id, lines) of a pain.002. Raises Fault BANK_FILE_WRONG."""
    original, count = "", 0
    for element in _elements(path, PAIN_002, "OrgnlGrpInfAndSts", "TxInfAndSts", check=True):
        if element.tag.endswith("OrgnlGrpInfAndSts"):
            original = _text(element, "OrgnlMsgId")
            continue
        count += 1
        state = _text(element, "TxSts")
        if state not in STATES:
            raise Fault("BANK_FILE_WRONG", where=PAIN_002, problem=f"第 {count} 笔的状态 {state[:4]} 不认识")
    _require_few(count, PAIN_002)
    return original, (
        StatusLine(_text(one, "OrgnlEndToEndId"), STATES[_text(one, "TxSts")], _reason(_text(one, "StsRsnInf/Rsn/Cd")))
        for one in _elements(path, PAIN_002, "TxInfAndSts"))


def _reason(code: str) -> str:
    return REASONS.get(code, code)


def _require_few(count: int, where: str) -> None:
    if count > PAYMENTS_MAX:
        raise Fault("BANK_FILE_WRONG", where=where, problem=f"超过 {PAYMENTS_MAX} 笔")


def read_statement(path: Path) -> tuple[Statement, Iterator[Entry]]:
    """(head, entries) of a camt.053 with one statement. Raises Fault BANK_FILE_WRONG, also when opening, entries and closing do
    not add up."""
    balances: dict[str, int] = {}
    head, entries, moved, heads = {"id": "", "account": "", "day": ""}, 0, 0, 0
    for element in _elements(path, CAMT_053, "Id", "Bal", "Ntry", "Stmt", "Acct", check=True):
        name = element.tag.rpartition("}")[2]
        parent = element.getparent().tag.rpartition("}")[2] if element.getparent() is not None else ""
        if name == "Id" and parent == "Stmt":
            head["id"] = (element.text or "").strip()
        elif name == "Id" and parent == "Othr" and not head["account"]:
            head["account"] = (element.text or "").strip()
        elif name == "Bal":
            kind = _BALANCES.get(_text(element, "Tp/CdOrPrtry/Cd"), "")
            balances[kind] = _signed(element)
            head["day"] = _text(element, "Dt/Dt")
        elif name == "Ntry":
            entries, moved = entries + 1, moved + _signed(element)
        elif name == "Stmt":
            heads += 1
    if heads != 1 or not {"opening", "closing"} <= set(balances):
        raise Fault("BANK_FILE_WRONG", where=CAMT_053, problem="应当是一份对账单,有期初和期末余额")
    if balances["opening"] + moved != balances["closing"]:
        raise Fault("BANK_FILE_WRONG", where=CAMT_053, problem="期初余额加明细不等于期末余额")
    _require_few(entries, CAMT_053)
    found = Statement(head["id"], head["account"], date.fromisoformat(head["day"]), balances["opening"], balances["closing"],
                      entries)
    return found, (
        Entry(_text(one, "NtryDtls/TxDtls/Refs/EndToEndId"), "debit" if _text(one, "CdtDbtInd") == "DBIT" else "credit",
              _money(one, "Amt", CAMT_053), _reason(_text(one, "NtryDtls/TxDtls/RtrInf/Rsn/Cd")))
        for one in _elements(path, CAMT_053, "Ntry"))


def _signed(element: Any) -> int:
    fen = _money(element, "Amt", CAMT_053)
    return -fen if _text(element, "CdtDbtInd") == "DBIT" else fen
