"""Tables for spreadsheets, CSV or XLSX, a row at a time. What people have written stays text: no cell is ever taken for a
formula, and a long number (an account, a receipt) keeps its digits."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import xlsxwriter
from yimen.kernel.errors import Fault
from yimen.kernel.money import FEN_PER_YUAN

# How a formula begins, in any spreadsheet (OWASP, CSV injection); full-width forms are read as the same.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
DIGITS_AS_TEXT = 11  # a spreadsheet shows longer numbers with an exponent
SHEET_NAME_MAX = 31
ROWS_MAX = 1_048_575  # of an XLSX sheet, below its heading


class Fen(int):
    """An amount: a number with two decimals in the sheet."""


Cell = str | int | Fen


def write_sheet(path: Path, title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Write `path` by its suffix (.csv, .xlsx); returns how many rows. Raises Fault FILE_WRONG for another suffix."""
    if path.suffix == ".csv":
        return _csv(path, headings, rows)
    if path.suffix == ".xlsx":
        return _xlsx(path, title, headings, rows)
    raise Fault("FILE_WRONG", name=path.name, problem="只能导出 .csv 或 .xlsx")


def safe_text(text: str) -> str:
    """The same text, with an apostrophe before what a spreadsheet would compute, and a tab before a long number."""
    if text.isdigit() and len(text) > DIGITS_AS_TEXT:
        return "\t" + text
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    count = 0
    # The mark at the beginning tells Excel that it is UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(headings)
        for row in rows:
            writer.writerow([_plain(cell) for cell in row])
            count += 1
    return count


def _plain(cell: Cell) -> str:
    if isinstance(cell, Fen):
        sign = "-" if cell < 0 else ""
        return f"{sign}{abs(cell) // FEN_PER_YUAN}.{abs(cell) % FEN_PER_YUAN:02d}"
    return safe_text(cell) if isinstance(cell, str) else str(cell)


def _xlsx(path: Path, title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    count = 0
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet, bold = book.add_worksheet(title[:SHEET_NAME_MAX]), book.add_format({"bold": True})
        money = book.add_format({"num_format": "#,##0.00"})
        sheet.freeze_panes(1, 0)
        for column, heading in enumerate(headings):
            sheet.set_column(column, column, 20)
            sheet.write_string(0, column, heading, bold)
        for count, row in enumerate(rows, start=1):
            if count > ROWS_MAX:
                raise Fault("FILE_WRONG", name=path.name, problem=f"超过 {ROWS_MAX} 行,请导出 .csv")
            for column, cell in enumerate(row):
                if isinstance(cell, Fen):
                    sheet.write_number(count, column, cell / FEN_PER_YUAN, money)
                elif isinstance(cell, str):
                    sheet.write_string(count, column, cell)
                else:
                    sheet.write_number(count, column, cell)
    return count
