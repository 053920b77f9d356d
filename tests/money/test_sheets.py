"""Exports open clean in a spreadsheet: amounts are numbers, accounts keep their digits, and nothing is ever a formula."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yimen.cli.flow import picture
from yimen.cli.sheets import FORMULA_STARTS, Fen, safe_text, write_sheet
from yimen.kernel.errors import Fault

EVIL = ['=HYPERLINK("http://evil.example","点这里")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1", "=cmd|' /C calc'!A0", "=1+1"]
ROWS = [("户主", "6217000000000001810", Fen(740_00)), *((text, "1", Fen(-1)) for text in EVIL)]


def test_a_csv_has_no_formula_and_keeps_its_digits(tmp_path: Path) -> None:
    assert write_sheet(tmp_path / "a.csv", "x", ("名", "账号", "金额"), ROWS) == len(ROWS)
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.reader(file))
    assert read[1] == ["户主", "\t6217000000000001810", "740.00"]
    assert all(row[0].startswith("'") for row in read[2:]) and {row[2] for row in read[2:]} == {"-0.01"}


def test_a_workbook_has_text_numbers_and_no_formula(tmp_path: Path) -> None:
    write_sheet(tmp_path / "a.xlsx", "发放清单", ("名", "账号", "金额"), ROWS)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None and sheet.title == "发放清单"
    cells = [list(row) for row in sheet.iter_rows(min_row=2)]
    assert all(cell.data_type != "f" for row in cells for cell in row)
    assert (cells[0][1].value, cells[0][1].data_type, cells[0][2].value) == ("6217000000000001810", "s", 740)
    assert cells[1][0].value == EVIL[0]


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="FILE_WRONG"):
        write_sheet(tmp_path / "a.pdf", "x", ("a",), [])


@given(st.text(max_size=30))
def test_whatever_is_written_no_cell_begins_a_formula(text: str) -> None:
    safe = safe_text(text)
    assert text in safe and (not safe.startswith(FORMULA_STARTS) or (safe.startswith("\t") and safe[1:].isdigit()))


def test_the_picture_is_one_page_that_needs_nothing_else_and_escapes_what_it_is_given() -> None:
    line = SimpleNamespace(line="c", year=2026, level="county", budget_fen=1000_00, available_fen=100_00, reserved_fen=300_00, in_batch_fen=0,
                           paid_fen=600_00, purchased_fen=0, owed_back_fen=0, idle_fen=5_00)
    channel = SimpleNamespace(channel="c", title="<script>alert(1)</script>", lines=[line], imprest_fen=0)
    paid = [SimpleNamespace(channel="c", township_code=f"t{n}", households=n, instalments=n, amount_fen=n * 100) for n in range(1, 25)]
    page = picture([channel], paid, {"t24": "大镇"}, "示例县", "2026-04-10")
    assert page.count("<script") == 0 and "http" not in page and "大镇" in page and "其余 10 个乡镇" in page and "600.00" in page
    assert picture([], [], {}, "县", "2026-04-10")  # nothing has moved yet
