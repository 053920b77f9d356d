"""The bank's word against ours, over every kind of bank: each instruction ends on a statement, or on a dated list with an owner."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from waitress.server import create_server
from yimen.iso20022 import Entry, Statement, StatusLine, write_statement, write_status
from yimen.kernel.clock import CHINA
from yimen.payment.v1 import books_pb2 as pb
from yimen.rehearsal.bank.book import Book
from yimen.rehearsal.bank.folder import FolderBank
from yimen.rehearsal.bank.web import WebBank

from services.payment import reconcile
from tests.journey.town import Town
from tests.money.desk import Finance, code_of

NOW = datetime(2026, 4, 5, 9, tzinfo=CHINA)


def _take_in(desk: Finance, content: bytes) -> Any:
    answer = desk.books.TakeInBankFile(pb.TakeInBankFileRequest(content=content), token=desk.first())
    desk.month.world.settle()
    return answer


def _listed(desk: Finance) -> list[tuple[str, int]]:
    found = desk.books.ListDiscrepancies(pb.ListDiscrepanciesRequest(open_only=True), token=desk.auditor()).discrepancies
    return sorted((one.kind, one.amount_fen) for one in found)


def _last(home: Town) -> tuple[date, int]:
    """The day after the last statement, and what that one closed with."""
    row = home.rows("payment", "select booked_on, closing_fen from statement order by booked_on desc")[0]
    return date.fromisoformat(row["booked_on"]) + timedelta(days=1), row["closing_fen"]


def _statement(path: Path, day: date, opening: int, entries: list[Entry], name: str = "", at: datetime = NOW) -> bytes:
    closing = opening + sum(one.amount_fen * (1 if one.direction == "credit" else -1) for one in entries)
    write_statement(path, Statement(name or f"extra-{day}", "treasury", day, opening, closing), at, entries)
    return path.read_bytes()


def test_every_payment_is_found_on_a_statement(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 8))
    rows = home.rows("payment", "select state, reconciled_on from instruction")
    assert rows and all(row["state"] == "settled" and row["reconciled_on"] for row in rows)
    heads = home.rows("payment", "select * from statement order by booked_on")
    assert all(one["opening_fen"] == before["closing_fen"] for before, one in itertools.pairwise(heads))
    assert sum(one["entries"] for one in heads) == sum(one["matched"] for one in heads) == len(rows)


def test_what_is_wrong_with_a_statement_is_listed_with_an_owner(town: Callable[..., Town], tmp_path: Path) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 8))
    desk = Finance(home.month)
    known = home.rows("payment", "select instruction_id, amount_fen from instruction order by instruction_id")[0]
    day, opening = _last(home)
    content = _statement(tmp_path / "s.xml", day, opening, [
        Entry(str(uuid.uuid4()), "debit", 5_00),  # we never said so
        Entry(known["instruction_id"], "debit", known["amount_fen"])])  # a second time
    answer = _take_in(desk, content)
    assert (answer.kind, answer.entries, answer.matched, answer.known) == ("camt.053", 2, 0, False)
    assert _listed(desk) == [("settled_twice", known["amount_fen"]), ("unknown_instruction", 5_00)]
    tasks = home.rows("payment", "select owner_role, due_on from task where kind = 'resolve_discrepancy' and done_at is null")
    assert len(tasks) == 2 and all(row["owner_role"] and row["due_on"] for row in tasks)
    assert _take_in(desk, content).known and len(_listed(desk)) == 2  # the same statement again
    changed = _statement(tmp_path / "t.xml", day, opening, [Entry(known["instruction_id"], "debit", 1_00)], f"extra-{day}")
    assert code_of(lambda: _take_in(desk, changed)) == "STATEMENT_CONFLICT"
    gap = _statement(tmp_path / "u.xml", day + timedelta(days=1), opening - 1, [])
    assert code_of(lambda: _take_in(desk, gap)) == "STATEMENT_GAP"
    found = desk.books.ListDiscrepancies(pb.ListDiscrepanciesRequest(open_only=True), token=desk.auditor()).discrepancies[0]

    def resolve(code: str, reason: str = "银行更正") -> Any:
        return desk.books.ResolveDiscrepancy(pb.ResolveDiscrepancyRequest(
            discrepancy_id=found.discrepancy_id, finding_code=code, reason=reason), token=desk.first())

    assert code_of(lambda: resolve("whatever")) == "FIELD_WRONG" and code_of(lambda: resolve("bank_error", "")) == "REASON_REQUIRED"
    resolve("bank_error")
    assert code_of(lambda: resolve("bank_error")) == "INSTALMENT_STATE" and len(_listed(desk)) == 1


def test_a_statement_cut_off_in_the_middle_is_taken_up_where_it_was(town: Callable[..., Town], tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """Found with 100,000 instructions under kill -9: the next day was asked for, and half a statement was never compared."""
    home = town("c18_wage_goes_up")
    desk, (day, opening) = Finance(home.month), _last(home)
    app = home.world.apps["payment"]
    file = tmp_path / "s.xml"
    entries = [Entry(str(uuid.uuid4()), "debit", 1) for _ in range(reconcile.GROUP_MAX + 100)]
    _statement(file, day, opening, entries)
    whole = reconcile._take_in_entries
    with monkeypatch.context() as cut:
        def die(ctx: Any, head: Any, entries: Any) -> None:
            if entries[0][0] > reconcile.GROUP_MAX:
                raise ConnectionError("killed")
            whole(ctx, head, entries)

        cut.setattr(reconcile, "_take_in_entries", die)
        with pytest.raises(ConnectionError):
            reconcile.take_in_path(app, file)

    def taken_in() -> int:
        return int(home.rows("payment", "select count(*) as n from statement_entry where statement_id = :s", s=f"extra-{day}")[0]["n"])

    def tasks() -> list[str]:
        found = home.rows("payment", "select detail from task where kind = 'bank_file_rejected' and done_at is null")
        return [row["detail"] for row in found]

    assert taken_in() == reconcile.GROUP_MAX
    asked: list[date] = []

    class Bank:
        def statement(self, on: date, path: Path) -> bool:
            asked.append(on)
            path.write_bytes(file.read_bytes())
            return True

    monkeypatch.setattr(reconcile, "bank_of", lambda app: Bank())
    home.world.clock.move_to(home.world.clock.now() + timedelta(days=1))
    # The bank tells another story of what is already in: a person is told, once, and nothing is taken in.
    _statement(file, day, opening, [Entry(str(uuid.uuid4()), "debit", 1), *entries[1:]])
    assert not reconcile.fetch_statements(app) and not reconcile.fetch_statements(app)
    assert asked == [day, day] and taken_in() == reconcile.GROUP_MAX
    assert len(tasks()) == 1 and "STATEMENT_CONFLICT" in tasks()[0]
    # It writes the same day anew, at another moment: the same statement, gone on with where it was.
    _statement(file, day, opening, entries, at=NOW + timedelta(hours=1))
    assert reconcile.fetch_statements(app) and asked == [day, day, day]
    assert taken_in() == reconcile.GROUP_MAX + 100 and tasks() == []
    assert _take_in(desk, _statement(tmp_path / "t.xml", day, opening, entries, at=NOW + timedelta(hours=2))).known
    reconcile.fetch_statements(app)
    assert day not in asked[3:]  # whole now: the next day's, when there is one


def test_a_large_file_comes_in_parts_and_only_whole(town: Callable[..., Town], tmp_path: Path) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 8))
    desk = Finance(home.month)
    day, opening = _last(home)
    content = _statement(tmp_path / "s.xml", day, opening, [Entry(str(uuid.uuid4()), "debit", 1) for _ in range(900)])
    parts = [content[start: start + 100_000] for start in range(0, len(content), 100_000)]
    upload = hashlib.sha256(content).hexdigest()

    def hand_in(part: int, upload_id: str = upload) -> Any:
        return desk.books.TakeInBankFile(pb.TakeInBankFileRequest(content=parts[part], upload_id=upload_id, part=part,
                                                                  more=part < len(parts) - 1), token=desk.first(), timeout_s=60.0)

    assert len(parts) == 3
    assert code_of(lambda: hand_in(len(parts) - 1)) == "BANK_FILE_WRONG"  # where are the others?
    for number in range(len(parts) - 1):
        hand_in(number)
        hand_in(number)  # said twice
    assert code_of(lambda: hand_in(len(parts) - 1, "another")) == "BANK_FILE_WRONG"
    answer = hand_in(len(parts) - 1)
    home.world.settle()
    assert (answer.entries, answer.matched) == (900, 0) and len(_listed(desk)) == 900
    assert not home.rows("payment", "select 1 as one from bank_file_part")


def test_a_payment_that_comes_back_after_days_is_where_it_was_before(town: Callable[..., Town], tmp_path: Path) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 8))
    desk = Finance(home.month)
    row = home.rows("payment", "select n.instruction_id, n.amount_fen, i.instalment_id, i.channel from instruction n join instalment i on"
                               " i.instalment_id = n.instalment_id where i.due_on = '2026-04-01' and i.channel = 'basic_living_relief'")[0]
    before = sum(one.paid_fen for one in desk.overview().lines)
    day, opening = _last(home)
    home.month.players.__dict__["_acts"].pop("correct_account")
    _take_in(desk, _statement(tmp_path / "s.xml", day, opening, [Entry(row["instruction_id"], "credit", row["amount_fen"], "NAME_MISMATCH")]))
    assert sum(one.paid_fen for one in desk.overview().lines) == before - row["amount_fen"]
    assert home.rows("payment", "select state from instalment where instalment_id = :i", i=row["instalment_id"])[0]["state"] == "returned"
    assert home.rows("payment", "select owner_role from task where kind = 'correct_account' and subject = :i and done_at is null",
                     i=row["instalment_id"])
    steps = desk.books.TraceYuan(pb.TraceYuanRequest(id=row["instalment_id"]), token=desk.auditor()).steps
    assert [one.what for one in steps if one.account_id][-2:] == ["银行付讫", "银行退回"] and steps[0].what == "预算下达"


def test_a_status_report_about_something_unknown_is_listed(town: Callable[..., Town], tmp_path: Path) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 6))
    desk = Finance(home.month)
    write_status(tmp_path / "s.xml", "S1", NOW, "nothing", [StatusLine(str(uuid.uuid4()), "settled")])
    answer = _take_in(desk, (tmp_path / "s.xml").read_bytes())
    assert (answer.kind, answer.entries, answer.matched) == ("pain.002", 1, 0) and _listed(desk) == [("unknown_instruction", 0)]
    assert code_of(lambda: _take_in(desk, b"<html/>")) == "BANK_FILE_WRONG"
    assert code_of(lambda: desk.books.TakeInBankFile(pb.TakeInBankFileRequest(content=b"x"), token=desk.auditor())) == "ROLE_MISSING"


# ------------------------------------------------------------------------------------------------ other kinds of bank
@contextmanager
def _other_bank(home: Town, where: str) -> Iterator[None]:
    app = home.world.apps["payment"]  # type: ignore[attr-defined]
    app.settings = replace(app.settings, bank=where)
    yield


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Callable[[Town], str]]:
    servers: list[Any] = []

    def start(home: Town) -> str:
        book = Book(home.world.bank_file, home.world.clock)
        server = create_server(WebBank(book, home.world.keys), host="127.0.0.1", port=0, threads=2)
        servers.append(server)
        threading.Thread(target=server.run, daemon=True).start()
        return f"http://127.0.0.1:{server.effective_port}"

    yield start
    for server in servers:
        server.close()


def test_the_same_over_http(town: Callable[..., Town], web: Callable[[Town], str]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    with _other_bank(home, web(home)):
        home.until(date(2026, 4, 8))
    rows = home.rows("payment", "select state, reconciled_on from instruction")
    assert rows and all(row["state"] == "settled" and row["reconciled_on"] for row in rows)


def test_http_that_answers_garbage_is_an_unknown_outcome_and_is_asked_again(town: Callable[..., Town], web: Callable[[Town], str],
                                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    where, answers = web(home), []
    plain = WebBank._answer

    def sometimes(self: WebBank, ids: list[str]) -> Any:
        answers.append(len(ids))
        found = plain(self, ids)
        if len(answers) % 3 == 1:
            found.set_data(b"{ not json")
        if len(answers) % 3 == 2:
            found.status_code = 500
        return found

    monkeypatch.setattr(WebBank, "_answer", sometimes)
    with _other_bank(home, where):
        deadline = time.monotonic() + 60
        home.until(date(2026, 4, 8))
        while home.rows("payment", "select 1 as one from instruction where state <> 'settled'") and time.monotonic() < deadline:
            time.sleep(1)
            home.world.settle()
    assert {row["state"] for row in home.rows("payment", "select state from instruction")} == {"settled"}


def test_the_same_by_files_in_a_folder(town: Callable[..., Town], tmp_path: Path) -> None:
    home = town("returned_payment", date(2026, 3, 3))
    folder = tmp_path / "exchange"
    with _other_bank(home, f"file:{folder}"):
        bank, day, reports = FolderBank(folder, Book(home.world.bank_file, home.world.clock)), date(2026, 3, 3), 0
        while day <= date(2026, 4, 9):
            home.until(day)
            if (folder / "out").exists():
                bank.collect()
                reports += 1
                for path in sorted((folder / "sent").glob("*.xml")):
                    bank.report(path, path.stem.replace("-", ""), 1000 + reports)  # and again: saying it twice changes nothing
                bank.close_day(day - timedelta(days=2))
            home.world.settle()
            day += timedelta(days=1)
    rows = home.rows("payment", "select state, reconciled_on, reason_code from instruction")
    assert {row["state"] for row in rows} == {"settled", "returned"}
    assert [row for row in rows if row["state"] == "settled" and not row["reconciled_on"]] == []
    assert not list((folder / "rejected").iterdir()) and not list((folder / "in").iterdir()) and list((folder / "done").iterdir())


def test_a_file_that_cannot_be_read_is_put_aside_and_somebody_is_told(town: Callable[..., Town], tmp_path: Path) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    folder = tmp_path / "exchange"
    (folder / "in").mkdir(parents=True)
    (folder / "rejected").mkdir()
    (folder / "in" / "odd.xml").write_text("<nothing/>")
    with _other_bank(home, f"file:{folder}"):
        home.until(date(2026, 3, 4))
    assert [path.name for path in sorted((folder / "rejected").iterdir())] == ["odd.xml", "odd.xml.txt"]
    assert home.rows("payment", "select 1 as one from task where kind = 'bank_file_rejected' and done_at is null")
