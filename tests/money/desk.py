"""Short words for what officers do with money in a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from yimen.kernel.errors import Fault
from yimen.payment.v1 import batches_pb2 as batches
from yimen.payment.v1 import books_pb2 as books
from yimen.payment.v1 import debts_pb2 as debts
from yimen.rehearsal.month import Month

CHANNEL = "basic_living_relief"


class Finance:
    """Two finance officers, a panel and an auditor at payment's desk."""

    def __init__(self, month: Month) -> None:
        self.month, self.peers = month, month.world.peers
        self.first, self.second = (lambda: month.tokens.role("finance_officer")), (lambda: month.tokens.role("finance_officer", number=2))
        self.auditor, self.panel = (lambda: month.tokens.of("auditor-1")), (lambda: month.tokens.role("coordination_panel"))

    @property
    def batches(self) -> Any:
        return self.peers.stub("payment", "yimen.payment.v1.batches:Batch")

    @property
    def books(self) -> Any:
        return self.peers.stub("payment", "yimen.payment.v1.books:Books")

    @property
    def debts(self) -> Any:
        return self.peers.stub("payment", "yimen.payment.v1.debts:Debt")

    def prepare(self, due_on: str, channel: str = CHANNEL, token: str = "") -> Any:
        answer = self.batches.PrepareBatch(batches.PrepareBatchRequest(channel=channel, due_on=due_on), token=token or self.first())
        self.month.world.settle()
        return self.batch(answer.batch.batch_id)

    def batch(self, batch_id: str) -> Any:
        found = self.batches.ListBatches(batches.ListBatchesRequest(), token=self.auditor()).batches
        return next(one for one in found if one.batch_id == batch_id)

    def review(self, batch: Any, token: str = "") -> Any:
        return self.batches.ReviewBatch(batches.ReviewBatchRequest(batch_id=batch.batch_id, revision=batch.revision),
                                        token=token or self.second()).batch

    def release(self, batch_id: str, token: str = "") -> Any:
        answer = self.batches.ReleaseReviewedBatch(batches.ReleaseReviewedBatchRequest(batch_id=batch_id), token=token or self.second())
        self.month.world.settle()
        return answer.batch

    def pay(self, due_on: str, channel: str = CHANNEL) -> Any:
        batch = self.prepare(due_on, channel)
        self.review(batch)
        self.release(batch.batch_id)
        return self.batch(batch.batch_id)

    def overview(self, channel: str = CHANNEL) -> Any:
        found = self.books.GetOverview(books.GetOverviewRequest(), token=self.auditor()).channels
        return next(one for one in found if one.channel == channel)

    def line(self, name: str, channel: str = CHANNEL) -> Any:
        return next(one for one in self.overview(channel).lines if one.line == name)

    def owed(self, case_id: str = "") -> list[Any]:
        return list(self.debts.ListDebts(debts.ListDebtsRequest(case_id=case_id), token=self.auditor()).debts)


def code_of(act: Callable[[], Any]) -> str:
    with pytest.raises(Fault) as refused:
        act()
    return refused.value.code
