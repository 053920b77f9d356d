"""The audit chain: rows are sealed in order, each seal hashes its rows and the seal before it, and is signed.

A row that is changed, removed or slipped in after sealing breaks the hash of its seal; a seal that is
removed breaks the chain or misses the anchor that another service keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yimen.kernel import limits
from yimen.kernel.ids import canonical, digest
from yimen.store.tables import audit, audit_seal
from yimen.store.unit import Row, Tx

GENESIS = "0" * 64
# The actor of what is done with the `yimen` command on a deployment.
OPERATOR = "operator"


@dataclass(frozen=True)
class Seal:
    """One closed stretch of the log."""

    seal_no: int
    rows: int
    hash: str


def record(tx: Tx, at: datetime, actor: str, act: str, subject: str, detail: dict[str, Any]) -> None:
    """Add a row; it is sealed soon after by the service's server process."""
    tx.append(audit, at=at, actor=actor, act=act, subject=subject, detail=detail)


def _content(row: Row) -> list[Any]:
    return [row["row_id"], row["at"].isoformat(), row["actor"], row["act"], row["subject"], canonical(row["detail"])]


def _hash(previous: str, rows: Sequence[Row]) -> str:
    return digest([previous, [_content(row) for row in rows]])


def seal(tx: Tx, now: datetime, sign: Callable[[bytes], bytes]) -> Seal | None:
    """Close the rows that are not sealed yet; None when there are none. Run by one process per service."""
    rows = tx.find(audit, seal_no=None, order_by=audit.c.row_id, limit=limits.SEAL_ROWS_MAX)
    if not rows:
        return None
    last = tx.first(audit_seal, order_by=audit_seal.c.seal_no.desc(), lock=True)
    number, previous = (last["seal_no"] + 1, last["hash"]) if last else (1, GENESIS)
    closed = Seal(number, len(rows), _hash(previous, rows))
    tx.update(audit, {"row_id": [row["row_id"] for row in rows]}, seal_no=number)
    tx.insert(audit_seal, seal_no=number, rows=closed.rows, previous=previous, hash=closed.hash,
              signature=sign(closed.hash.encode()), sealed_at=now)
    return closed


def verify(tx: Tx, check: Callable[[bytes, bytes], bool], anchors: Sequence[Seal] = ()) -> list[str]:
    """What is wrong with the log, in words; empty when it proves whole.

    `check(message, signature)` verifies the service's key; `anchors` are the seals kept by supervision.
    """
    problems: list[str] = []
    previous, hashes = GENESIS, {}
    for number, row in enumerate(tx.find(audit_seal, order_by=audit_seal.c.seal_no), start=1):
        rows = tx.find(audit, seal_no=row["seal_no"], order_by=audit.c.row_id)
        if row["seal_no"] != number:
            problems.append(f"第 {number} 号封条缺失")
        if row["previous"] != previous or _hash(previous, rows) != row["hash"] or len(rows) != row["rows"]:
            problems.append(f"第 {row['seal_no']} 号封条与其 {len(rows)} 行日志不符:有行被改动、删除或插入")
        if not check(row["hash"].encode(), row["signature"]):
            problems.append(f"第 {row['seal_no']} 号封条的签名无效")
        previous = row["hash"]
        hashes[row["seal_no"]] = row["hash"]
    problems.extend(
        f"监督服务存有第 {anchor.seal_no} 号封条,本地日志没有或不同"
        for anchor in anchors if hashes.get(anchor.seal_no) != anchor.hash
    )
    return problems
