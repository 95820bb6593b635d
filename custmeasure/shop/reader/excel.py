"""Excel workbooks, read cell by cell as they were saved: openpyxl in its read-only mode.

Numbers and dates keep the type that the workbook gives them; a text in such a column is read as declared.
Ids must be texts, or whole numbers that Excel holds exactly, never both.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from custmeasure.shop.reader import kernels, values
from custmeasure.shop.reader.encoding import Unreadable
from custmeasure.shop.reader.gather import Gather, Part
from custmeasure.shop.reader.headers import check_present, cut_at_limit
from custmeasure.shop.reader.problems import Problem
from custmeasure.shop.reader.spec import Spec
from custmeasure.shop.reader.values import Cells, Column
from custmeasure.shop.reader.workbook import (
    EXACT,
    HEADER_WITHIN,
    Marks,
    Sheet,
    as_text,
    listed,
    marks_of,
    notes_of,
    opened,
)
from custmeasure.show.words import Text

_ROWS = 4096
_BEYOND = 8  # columns after the last name in which a value is still noticed
_MAX_ROW = 1_048_576
_STRINGS = {str, type(None)}

_PADDED = re.compile(r"0{2,}")


class ExcelBlock:
    """Some rows of a worksheet."""

    plain = False

    def __init__(
        self, rows: Sequence[tuple[int, Sequence[Any]]], n_before: int, at: "_Places"
    ) -> None:
        self.lines = np.array([number for number, _ in rows], np.int64)
        self.records = np.arange(n_before + 1, n_before + 1 + len(rows))
        self._rows = [row for _, row in rows]
        self._columns = list(zip(*self._rows, strict=True))
        self._at = at

    def values(self, name: str) -> Sequence[Any]:
        """Return a column's values as openpyxl gives them."""
        return self._columns[self._at.places[name]]

    def column(self, place: int) -> Sequence[Any]:
        """Return the values of one column of the sheet, counted from 0."""
        return self._columns[place]

    def cells(self, name: str) -> Cells:
        """Return a column as texts."""
        column = self.values(name)
        if not set(map(type, column)) <= _STRINGS:
            column = [None if value is None else as_text(value) for value in column]
        return values.cells_of(list(column))

    def read(self, name: str) -> Column | None:
        """Return a typed column; None when it holds nothing but texts."""
        kind = self._at.spec.kinds[name]
        column = self.values(name)
        types = set(map(type, column))
        if kind == "flag" or types in ({str}, _STRINGS):
            return None
        own = _numbers(column, types) if kind in ("number", "count") else _moments(column)
        if kind == "day":
            own = Column((own.values // 86_400_000_000).astype(np.int32), own.state)
        if kind == "count":
            own = values.whole(own)
        if str in types:
            self._add_texts(name, column, own)
        return own

    def _add_texts(self, name: str, column: Sequence[Any], own: Column) -> None:
        """Read the texts among typed values as declared."""
        spec = self._at.spec
        rows = [row for row, value in enumerate(column) if isinstance(value, str)]
        cells = values.cells_of([column[row] for row in rows])
        style = values.number_style(spec.numbers)
        read = values.read(spec.kinds[name], cells, spec.date_style(name), style)
        own.values[rows], own.state[rows] = read.values, read.state

    def text(self, row: int, name: str) -> str:
        """Return one value as seen."""
        value = self.values(name)[row]
        return "" if value is None else as_text(value)

    def raw(self, row: int) -> tuple[str, ...]:
        """Return the values of a row."""
        width = self._at.width
        return tuple("" if value is None else as_text(value) for value in self._rows[row][:width])

    def cell(self, row: int, name: str | None) -> str | None:
        """Return the name of a cell: ``Sheet1!A2``."""
        return self._at.name(0 if name is None else self._at.places[name], int(self.lines[row]))


class _Places:
    """Where the columns of a table stand in its sheet."""

    def __init__(self, sheet: Sheet, spec: Spec) -> None:
        self.spec = spec
        self.title = sheet.sheet.title
        self.width = len(sheet.names)
        self.places = {
            n: sheet.names.index(old) for n, old in spec.columns.items() if old in sheet.names
        }

    def name(self, column: int, row: int) -> str:
        """Return the name of a cell."""
        from openpyxl.utils import (  # type: ignore[import-untyped]  # noqa: PLC0415
            get_column_letter,
        )

        return f"{self.title}!{get_column_letter(column + 1)}{row}"


def read_excel(path: Path, spec: Spec) -> Part:
    """Read one worksheet of a workbook.

    Raises
    ------
    Unreadable
        When it is damaged, has no such sheet or no header.
    """
    with opened(path, spec) as sheet:
        marks = marks_of(sheet)
        gather = Gather(path.name, spec, sheet.header)
        check_present(gather)
        places = _Places(sheet, spec)
        _block_marks(gather, marks, places)
        _block_padded(gather, sheet, places)
        n_records = _take_in(gather, sheet, places)
        gather.notes += notes_of(path.name, sheet, marks)
        return gather.finish(n_records)


def excel_header(path: Path, spec: Spec) -> tuple[str, ...]:
    """Return the columns of a worksheet.

    Raises
    ------
    Unreadable
        When it is damaged, has no such sheet or no header.
    """
    with opened(path, spec) as sheet:
        return tuple(name for name in sheet.names if name is not None)


def _take_in(gather: Gather, sheet: Sheet, places: _Places) -> int:
    """Take in all rows below the header; return how many there are."""
    watch = _Watch(gather, places)
    rows = _rows(sheet)
    n_records = last = 0
    while numbered := list(islice(rows, _ROWS)):
        last = numbered[-1][0]
        filled = [pair for pair in numbered if pair[1].count(None) != len(pair[1])]
        if last > _MAX_ROW:
            raise Unreadable(_too_many_rows(gather.file))
        if filled:
            block = ExcelBlock(filled, n_records, places)
            n_records += len(filled)
            watch.look(block)
            gather.add(block)
    cut_at_limit(gather, last, places.title)
    return n_records


def _rows(sheet: Sheet) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Return the rows below the header with their numbers, all as wide as the header and a bit more."""
    width = len(sheet.names) + _BEYOND
    rows = sheet.sheet.iter_rows(values_only=True, max_col=width)
    return islice(enumerate(rows, 1), sheet.row, None)


class _Watch:
    """Looks for what would turn one id into two, and for values outside the columns."""

    def __init__(self, gather: Gather, places: _Places) -> None:
        self._gather = gather
        self._places = places
        self._ids = [name for name in gather.names if places.spec.is_id(name)]
        self._first: dict[tuple[str, type], str] = {}
        self._told: set[str] = set()

    def look(self, block: ExcelBlock) -> None:
        """Look at one block."""
        for name in self._ids:
            self._look_at_id(name, block)
        self._look_beyond(block)

    def _look_at_id(self, name: str, block: ExcelBlock) -> None:
        column = block.values(name)
        if set(map(type, column)) <= _STRINGS and (name, float) not in self._first:
            self._note(name, str, column, block)
            return
        self._note(name, str, column, block)
        self._note(name, float, column, block)
        number, text = self._first.get((name, float)), self._first.get((name, str))
        if number and text:
            self._tell(name, number, _MIXED_IDS.format(number, text))
        for row, value in enumerate(column):
            if isinstance(value, int | float) and not isinstance(value, bool):
                if abs(value) >= EXACT:
                    self._tell(name, block.cell(row, name), _LONG_ID.format())
                elif isinstance(value, float) and not value.is_integer():
                    self._tell(name, block.cell(row, name), _BROKEN_ID.format())

    def _note(self, name: str, type_: type, column: Sequence[Any], block: ExcelBlock) -> None:
        """Remember the first cell of a column that holds a text (`str`) or a number (`float`)."""
        if (name, type_) in self._first:
            return
        wanted = str if type_ is str else (int, float)
        for row, value in enumerate(column):
            if isinstance(value, wanted) and not isinstance(value, bool):
                self._first[name, type_] = str(block.cell(row, name))
                return

    def _tell(self, name: str, cell: str | None, said: tuple[Text, Text]) -> None:
        if name not in self._told:
            self._told.add(name)
            self._gather.block(*said, cell=cell, column=self._places.spec.columns[name])

    def _look_beyond(self, block: ExcelBlock) -> None:
        unnamed = [i for i, name in enumerate(self._gather.header) if not name]
        for place in (*unnamed, *range(self._places.width, self._places.width + _BEYOND)):
            for row, value in enumerate(block.column(place)):
                if value is not None and f"#{place}" not in self._told:
                    self._told.add(f"#{place}")
                    cell = self._places.name(place, int(block.lines[row]))
                    self._gather.block(*_NO_NAME.format(), cell=cell)


@dataclass(frozen=True)
class _Said:
    """A rule and what to do, with places for the cells that are named."""

    rule: tuple[str, str]
    do: tuple[str, str]

    def format(self, *cells: str) -> tuple[Text, Text]:
        """Return both with the cells' names in place."""
        ko, en = (each.format(*cells) for each in self.rule)
        return Text(ko, en), Text(*self.do)


_AS_TEXT = ("그 열을 텍스트로 바꾸어 다시 저장하십시오.", "Make the column text and save it again.")
_MIXED_IDS = _Said(
    ("숫자({0})와 텍스트({1})가 섞여 한 대상이 둘이 될 수 있습니다",
     "numbers ({0}) and texts ({1}) are mixed, so that one may become two"), _AS_TEXT,
)  # fmt: skip
_LONG_ID = _Said(
    ("2^53 이상의 숫자라 Excel이 뒷자리를 이미 바꾸었습니다",
     "a number of 2^53 or more: Excel has already changed its last digits"),
    ("원래 자료에서 텍스트로 다시 내보내십시오.", "Export it again as text where it comes from."),
)  # fmt: skip
_BROKEN_ID = _Said(("식별자가 소수입니다", "an id is a number with a fraction"), _AS_TEXT)
_PADDED_ID = _Said(
    ("숫자에 서식({0})으로 앞의 0을 붙여 보여 줍니다",
     "a number that its format ({0}) shows with leading zeros"), _AS_TEXT,
)  # fmt: skip
_NO_NAME = _Said(
    ("이름 없는 열에 값이 있습니다", "a value stands in a column without a name"),
    (
        "머리글에 이름을 적거나 값을 지우십시오.",
        "Write a name into the header or remove the value.",
    ),
)
_ERRORS = _Said(
    ("오류 값이 든 셀이 있습니다({0})", "cells hold an error such as #DIV/0! ({0})"),
    ("수식을 고치거나 비우십시오.", "Correct the formula or empty the cell."),
)
_UNCALCULATED = _Said(
    (
        "계산된 값이 저장되지 않은 수식이 있습니다({0})",
        "formulas were saved without their values ({0})",
    ),
    ("Excel에서 열어 저장하십시오.", "Open the file in Excel and save it."),
)


def _block_marks(gather: Gather, marks: Marks, places: _Places) -> None:
    for cells, said in ((marks.errors, _ERRORS), (marks.uncalculated, _UNCALCULATED)):
        if cells:
            gather.block(*said.format(listed(cells)), cell=f"{places.title}!{cells[0]}")


def _block_padded(gather: Gather, sheet: Sheet, places: _Places) -> None:
    """Block ids whose leading zeros are only drawn by the number format."""
    top = islice(sheet.sheet.iter_rows(min_row=sheet.row + 1, max_col=places.width), HEADER_WITHIN)
    ids = [name for name in gather.names if places.spec.is_id(name)]
    for row in top:
        for name in list(ids):
            cell = row[places.places[name]]
            if isinstance(cell.value, int) and _PADDED.fullmatch(str(cell.number_format)):
                said = _PADDED_ID.format(cell.number_format)
                at = f"{places.title}!{cell.coordinate}"
                gather.block(*said, cell=at, column=places.spec.columns[name])
                ids.remove(name)


def _numbers(column: Sequence[Any], types: set[type]) -> Column:
    """Return the numbers of a column; anything but a finite number is wrong."""
    if types <= {int, float, type(None)}:
        numbers = np.array(column, np.float64)
        state = np.where([value is None for value in column], kernels.MISSING, kernels.READ)
        state[(state == kernels.READ) & ~np.isfinite(numbers)] = kernels.WRONG
        return Column(np.nan_to_num(numbers), state.astype(np.uint8))
    right = [isinstance(v, int | float) and not isinstance(v, bool) for v in column]
    known = [value if ok else None for value, ok in zip(column, right, strict=True)]
    read = _numbers(known, {float})
    wrong = [v is not None and not ok for v, ok in zip(column, right, strict=True)]
    return Column(read.values, np.where(wrong, kernels.WRONG, read.state).astype(np.uint8))


def _moments(column: Sequence[Any]) -> Column:
    """Return the moments of a column, as clocks show them, in µs since 1970."""
    first = dt.datetime(kernels.FIRST_YEAR, 1, 1)  # noqa: DTZ001 - a cell has no zone
    column = [_moment(value) for value in column]
    known = [value if isinstance(value, dt.datetime) else None for value in column]
    micros = pa.array(known, pa.timestamp("us")).cast(pa.int64()).fill_null(0).to_numpy()
    state = np.array([_moment_state(value, first) for value in column], np.uint8)
    return Column(micros.copy(), state)


def _moment(value: Any) -> Any:
    """Return a day as its midnight; all else as it is."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a cell has no zone
    return value


def _moment_state(value: Any, first: dt.datetime) -> int:
    if value is None:
        return kernels.MISSING
    if not isinstance(value, dt.datetime):
        return kernels.WRONG
    return kernels.READ if first <= value and value.year <= kernels.LAST_YEAR else kernels.WRONG


def _too_many_rows(file: str) -> Problem:
    return Problem(
        file,
        Text(f"행 번호가 {_MAX_ROW:,}을 넘습니다", f"row numbers go beyond {_MAX_ROW:,}"),
        Text("다시 내보내십시오.", "Export it again."),
        blocks=True,
    )
