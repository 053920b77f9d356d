"""What a bank may bring: read a transaction at a time, checked against the standard's schemas; a wrong file changes nothing."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yimen.iso20022 import (
    Entry,
    Payment,
    Statement,
    StatusLine,
    read_initiation,
    read_statement,
    read_status,
    write_initiation,
    write_statement,
    write_status,
)
from yimen.iso20022.messages import fen_of, yuan_text
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault

NOW, DAY = datetime(2026, 4, 1, 9, tzinfo=CHINA), date(2026, 4, 1)


def _id(number: int) -> str:
    return str(uuid.UUID(int=number))


def _statement(path: Path, opening: int = 0, closing: int = -740_00) -> Path:
    write_statement(path, Statement("treasury-2026-04-01", "treasury", DAY, opening, closing), NOW, [Entry(_id(1), "debit", 740_00)])
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    payments = [Payment(_id(n), f"62170000000000{n:05d}", "张<三>&'李四'", n) for n in range(1, 1200)]
    write_initiation(tmp_path / "out.xml", _id(99), NOW, DAY, "county treasury", "treasury", payments, len(payments), sum(p.amount_fen for p in payments))
    identity, found = read_initiation(tmp_path / "out.xml")
    assert identity == _id(99).replace("-", "")
    assert [(uuid.UUID(hex=one.end_to_end_id).int, one.account, one.name, one.amount_fen) for one in found] == [
        (n, p.account, p.name, p.amount_fen) for n, p in enumerate(payments, start=1)]
    write_status(tmp_path / "status.xml", _id(5), NOW, identity, [StatusLine(_id(1), "settled"), StatusLine(_id(2), "returned", "ACCOUNT_CLOSED"),
                                                                  StatusLine(_id(3), "pending")])
    original, lines = read_status(tmp_path / "status.xml")
    assert original == identity and [(one.state, one.reason_code) for one in lines] == [("settled", ""), ("returned", "ACCOUNT_CLOSED"), ("pending", "")]
    head, entries = read_statement(_statement(tmp_path / "statement.xml"))
    assert (head.opening_fen, head.closing_fen, head.entries, head.booked_on) == (0, -740_00, 1, DAY)
    assert [one.amount_fen for one in entries] == [740_00]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**15))
def test_yuan_are_fen_are_yuan(fen: int) -> None:
    assert fen_of(yuan_text(fen), "CNY", "x") == fen


def _broken(path: Path, old: str, new: str) -> str:
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(Fault) as refused:
        for _one in read_statement(path)[1]:
            pass
    assert refused.value.code == "BANK_FILE_WRONG"
    return refused.value.message


def test_a_statement_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    assert "不等于" in _broken(_statement(tmp_path / "a.xml", closing=-739_00), "nothing", "nothing")


def test_three_decimals_another_currency_and_a_word_are_refused(tmp_path: Path) -> None:
    for old, new in (("740.00</Amt><CdtDbtInd>DBIT", "740.001</Amt><CdtDbtInd>DBIT"), ('Ccy="CNY">740.00', 'Ccy="USD">740.00'),
                     (">740.00<", ">seven<")):
        assert _broken(_statement(tmp_path / "a.xml"), old, new)


def test_a_truncated_file_an_unknown_element_and_no_file_at_all_are_refused(tmp_path: Path) -> None:
    whole = _statement(tmp_path / "a.xml").read_text()
    (tmp_path / "b.xml").write_text(whole[: len(whole) // 2])
    _broken(tmp_path / "b.xml", "nothing", "nothing")
    _broken(tmp_path / "a.xml", "<Ntry>", "<Surprise/><Ntry>")
    (tmp_path / "c.xml").write_bytes(b"\x00\xff\x00 not xml")
    with pytest.raises(Fault, match="BANK_FILE_WRONG"):
        read_statement(tmp_path / "c.xml")


def test_a_bomb_does_not_go_off_and_nothing_is_fetched(tmp_path: Path) -> None:
    whole = _statement(tmp_path / "a.xml").read_text()
    declaration, rest = whole.split("?>", 1)
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'{declaration}?><!DOCTYPE Document [<!ENTITY l0 "ha">{levels}]>{rest.replace("treasury-2026-04-01", "&l9;")}'
    (tmp_path / "bomb.xml").write_text(bomb)
    with pytest.raises(Fault, match="BANK_FILE_WRONG"):
        read_statement(tmp_path / "bomb.xml")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    outside = f'{declaration}?><!DOCTYPE Document [<!ENTITY x SYSTEM "{secret.as_uri()}">]>{rest.replace("treasury-2026-04-01", "&x;")}'
    (tmp_path / "outside.xml").write_text(outside)
    with pytest.raises(Fault) as refused:
        read_statement(tmp_path / "outside.xml")
    assert refused.value.code == "BANK_FILE_WRONG" and "secret" not in refused.value.message


def test_an_error_does_not_quote_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    write_initiation(path, _id(9), NOW, DAY, "county treasury", "treasury", [Payment(_id(1), "6217000000000001810", "郑立新", 1)], 1, 1)
    path.write_text(path.read_text().replace("<Cdtr>", "<Cdtr><Bad>郑立新</Bad>"))
    with pytest.raises(Fault) as refused:
        read_initiation(path)
    assert "郑立新" not in refused.value.message and "6217" not in refused.value.message
    # The head must fit what follows.
    write_initiation(path, _id(9), NOW, DAY, "county treasury", "treasury", [Payment(_id(1), "6217000000000001810", "郑立新", 1)], 2, 1)
    with pytest.raises(Fault, match="BANK_FILE_WRONG"):
        read_initiation(path)
