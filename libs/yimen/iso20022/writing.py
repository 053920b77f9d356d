"""Files for the bank, written as they go: a million payments need no more memory than one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from lxml import etree
from yimen.iso20022.messages import (
    ACCEPTED,
    CAMT_053,
    CURRENCY,
    NAME_CHARACTERS_MAX,
    NAMESPACE,
    PAIN_001,
    PAIN_002,
    PENDING,
    REASON_CODES,
    REJECTED,
    Entry,
    Payment,
    Statement,
    StatusLine,
    yuan_text,
)

_STATUS = {"settled": ACCEPTED, "pending": PENDING, "returned": REJECTED}
AGENT = "NOTPROVIDED"
ID_CHARACTERS_MAX = 35  # of every identification in these messages


@contextmanager
def _document(path: Path, message: str) -> Iterator[Any]:
    """The root element, open; the file appears under its name when it is complete and on the disk."""
    partial = path.with_suffix(path.suffix + ".partial")
    with partial.open("wb") as raw:
        with etree.xmlfile(raw, encoding="utf-8") as out:
            out.write_declaration()
            with out.element("Document", nsmap={None: NAMESPACE + message}):
                yield out
        raw.flush()
        os.fsync(raw.fileno())
    partial.rename(path)


def _tree(name: str, *children: Any, **attributes: str) -> Any:
    element = etree.Element(name, attributes)
    for child in children:
        if isinstance(child, str):
            element.text = child
        elif child is not None:
            element.append(child)
    return element


def _amount(name: str, fen: int) -> Any:
    return _tree(name, yuan_text(fen), Ccy=CURRENCY)


def _account(name: str, number: str) -> Any:
    return _tree(name, _tree("Id", _tree("Othr", _tree("Id", number))))


def _agent(name: str) -> Any:
    return _tree(name, _tree("FinInstnId", _tree("Othr", _tree("Id", AGENT))))


def write_initiation(path: Path, message_id: str, at: datetime, due_on: date, debtor: str, debit_account: str,
                     payments: Iterable[Payment], count: int, total_fen: int) -> None:
    """pain.001: `count` and `total_fen` stand in its head and are what `payments` come to."""
    identity = message_id.replace("-", "")[:ID_CHARACTERS_MAX]
    with _document(path, PAIN_001) as out, out.element("CstmrCdtTrfInitn"):
        out.write(_head(identity, at, _tree("NbOfTxs", str(count)), _tree("CtrlSum", yuan_text(total_fen)),
                        _tree("InitgPty", _tree("Nm", debtor))))
        with out.element("PmtInf"):
            for part in (_tree("PmtInfId", identity), _tree("PmtMtd", "TRF"), _tree("BtchBookg", "false"),
                         _tree("NbOfTxs", str(count)), _tree("CtrlSum", yuan_text(total_fen)),
                         _tree("ReqdExctnDt", _tree("Dt", due_on.isoformat())), _tree("Dbtr", _tree("Nm", debtor)),
                         _account("DbtrAcct", debit_account), _agent("DbtrAgt")):
                out.write(part)
            for one in payments:
                out.write(_tree(
                    "CdtTrfTxInf",
                    _tree("PmtId", _tree("EndToEndId", one.end_to_end_id.replace("-", ""))),
                    _tree("Amt", _amount("InstdAmt", one.amount_fen)),
                    _tree("Cdtr", _tree("Nm", one.name[:NAME_CHARACTERS_MAX] or AGENT)),
                    _account("CdtrAcct", one.account)))


def write_status(path: Path, message_id: str, at: datetime, original_id: str, lines: Iterable[StatusLine]) -> None:
    """pain.002 about one pain.001."""
    with _document(path, PAIN_002) as out, out.element("CstmrPmtStsRpt"):
        out.write(_head(message_id.replace("-", "")[:ID_CHARACTERS_MAX], at))
        out.write(_tree("OrgnlGrpInfAndSts", _tree("OrgnlMsgId", original_id), _tree("OrgnlMsgNmId", PAIN_001)))
        with out.element("OrgnlPmtInfAndSts"):
            out.write(_tree("OrgnlPmtInfId", original_id))
            for one in lines:
                out.write(_tree("TxInfAndSts", _tree("OrgnlEndToEndId", one.end_to_end_id.replace("-", "")),
                                _tree("TxSts", _STATUS[one.state]), _reason("StsRsnInf", one.reason_code)))


def write_statement(path: Path, head: Statement, at: datetime, entries: Iterable[Entry]) -> None:
    """camt.053 of one day."""
    with _document(path, CAMT_053) as out, out.element("BkToCstmrStmt"):
        day = head.booked_on.isoformat()
        out.write(_head(head.statement_id[:ID_CHARACTERS_MAX], at))
        with out.element("Stmt"):
            out.write(_tree("Id", head.statement_id[:ID_CHARACTERS_MAX]))
            out.write(_account("Acct", head.account))
            for code, fen in (("OPBD", head.opening_fen), ("CLBD", head.closing_fen)):
                out.write(_tree("Bal", _tree("Tp", _tree("CdOrPrtry", _tree("Cd", code))), _amount("Amt", abs(fen)),
                                _tree("CdtDbtInd", "DBIT" if fen < 0 else "CRDT"), _tree("Dt", _tree("Dt", day))))
            for one in entries:
                out.write(_entry(one, day))


def _head(identity: str, at: datetime, *rest: Any) -> Any:
    return _tree("GrpHdr", _tree("MsgId", identity), _tree("CreDtTm", at.isoformat(timespec="seconds")), *rest)


def _reason(name: str, code: str) -> Any:
    """What it was, by the standard's code; nothing where nothing was wrong."""
    return _tree(name, _tree("Rsn", _tree("Cd", REASON_CODES.get(code, "NARR")))) if code else None


def _entry(one: Entry, day: str) -> Any:
    came_back = _reason("RtrInf", one.reason_code or "OTHER") if one.direction == "credit" else None
    return _tree(
        "Ntry", _amount("Amt", one.amount_fen), _tree("CdtDbtInd", "DBIT" if one.direction == "debit" else "CRDT"),
        _tree("Sts", _tree("Cd", "BOOK")), _tree("BookgDt", _tree("Dt", day)),
        _tree("BkTxCd", _tree("Prtry", _tree("Cd", "PMNT"))),
        _tree("NtryDtls", _tree("TxDtls", _tree("Refs", _tree("EndToEndId", one.end_to_end_id.replace("-", ""))), came_back)))
