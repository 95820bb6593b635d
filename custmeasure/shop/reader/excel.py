"""Excel workbooks, read cell by cell as they were saved: openpyxl in its read-only mode.

openpyxl gives values. What it does not say is looked up in the sheet's own XML beforehand: formulas that
were never calculated, error cells, hidden rows, merged cells, and entities, which are refused. Numbers and
dates keep the type that the workbook gives them; a text in such a column is read as declared.
"""

import datetime as dt
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import pyarrow as pa
from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]

from custmeasure.errors import CustmeasureError, nearest
from custmeasure.shop.reader import kernels, values
from custmeasure.shop.reader.encoding import Unreadable
from custmeasure.shop.reader.gather import Gather, Part
from custmeasure.shop.reader.headers import check_present, checked_header, cut_at_limit
from custmeasure.shop.reader.problems import Problem
from custmeasure.shop.reader.sniff import broken, too_large
from custmeasure.shop.reader.spec import Spec
from custmeasure.shop.reader.values import Cells, Column
from custmeasure.show.words import Text

_ROWS = 4096
_HEADER_WITHIN = 20  # rows at the top among which the header is looked for
_BEYOND = 8  # columns after the last name in which a value is still noticed
_EXACT = 2**53
_MAX_ROW = 1_048_576
_NAMED = 5  # cells named in one line
_LONGEST_ROW = 32 << 20  # bytes of a row's XML
_STRINGS = {str, type(None)}

_ERROR_CELL = re.compile(rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>')
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*"
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:</(?:\w+:)?c>|<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)"
)
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b([^>]*\bhidden="(?:1|true)"[^>]*)>')
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b([^>]*)>")
_NAME = re.compile(rb'\b(?:r|ref)="([A-Z0-9:]+)"')
_PADDED = re.compile(r"0{2,}")


@dataclass
class Marks:
    """What a sheet's XML says beside its values: cells and rows by their names."""

    errors: list[str] = field(default_factory=list)
    uncalculated: list[str] = field(default_factory=list)
    hidden_rows: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Sheet:
    """A worksheet, its header, and the row that holds it."""

    workbook: Any
    sheet: Any
    names: tuple[str | None, ...]
    row: int

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' names; one without a name is empty."""
        return tuple(name or "" for name in self.names)


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

    def __init__(self, sheet: _Sheet, spec: Spec) -> None:
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
    with _opened(path, spec) as sheet:
        marks = _marks(sheet)
        gather = Gather(path.name, spec, sheet.header)
        check_present(gather)
        places = _Places(sheet, spec)
        _block_marks(gather, marks, places)
        _block_padded(gather, sheet, places)
        n_records = _take_in(gather, sheet, places)
        gather.notes += _notes(path.name, sheet, marks)
        return gather.finish(n_records)


def excel_header(path: Path, spec: Spec) -> tuple[str, ...]:
    """Return the columns of a worksheet.

    Raises
    ------
    Unreadable
        When it is damaged, has no such sheet or no header.
    """
    with _opened(path, spec) as sheet:
        return tuple(name for name in sheet.names if name is not None)


@contextmanager
def _opened(path: Path, spec: Spec) -> Iterator[_Sheet]:
    """Open a workbook safely; whatever breaks in it becomes one sentence."""
    from openpyxl import (  # type: ignore[import-untyped]  # noqa: PLC0415
        load_workbook,
    )

    try:
        _check_entities(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not read anyway
            workbook = load_workbook(path, read_only=True, data_only=True)
            try:
                yield _with_header(path.name, workbook, _chosen(path.name, workbook, spec))
            finally:
                workbook.close()
    except (CustmeasureError, Unreadable):
        raise
    except DefusedXmlException:
        raise Unreadable(_entities(path.name)) from None
    except OSError as error:
        if error.errno:
            raise
        raise Unreadable(broken(path)) from None
    except (
        ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, ParseError,
        RecursionError, TypeError, ValueError, zipfile.BadZipFile, zlib.error,
    ):  # fmt: skip
        raise Unreadable(broken(path)) from None


def _check_entities(path: Path) -> None:
    """Refuse XML that declares entities: a few of them unfold to more than memory holds."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                with archive.open(name) as part:
                    head = part.read(1 << 16)
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head or b"<\0!\0D\0O\0C" in head:
                    raise Unreadable(_entities(path.name))


def _chosen(file: str, workbook: Any, spec: Spec) -> Any:
    """Return the declared sheet, or the first that is visible and not empty."""
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    for sheet in sheets.values():
        sheet.reset_dimensions()  # some programs write a dimension of one cell, and the rest would be lost
    if spec.sheet is not None:
        if spec.sheet not in sheets:
            raise Unreadable(_no_sheet(file, spec.sheet, list(sheets)))
        return sheets[spec.sheet]
    visible = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
    for sheet in visible:
        if any(any(v is not None for v in row) for row in _top(sheet)):
            return sheet
    raise Unreadable(_no_header(file))


def _top(sheet: Any) -> list[tuple[Any, ...]]:
    return list(islice(sheet.iter_rows(values_only=True), _HEADER_WITHIN))


def _with_header(file: str, workbook: Any, sheet: Any) -> _Sheet:
    """Find the header: the first row with two names, or with one where no row has two."""
    filled = [[v is not None and as_text(v).strip() != "" for v in row] for row in _top(sheet)]
    for wanted in (2, 1):
        for i, marks in enumerate(filled):
            if sum(marks) >= wanted:
                row = _top(sheet)[i]
                width = len(marks) - marks[::-1].index(True)
                names = tuple(as_text(v) if m else None for v, m in zip(row, marks, strict=True))[
                    :width
                ]
                checked_header(
                    file, [n for n in names if n is not None], sheet=f"{sheet.title}!{i + 1}"
                )
                return _Sheet(workbook, sheet, names, i + 1)
    raise Unreadable(_no_header(file))


def _take_in(gather: Gather, sheet: _Sheet, places: _Places) -> int:
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


def _rows(sheet: _Sheet) -> Iterator[tuple[int, tuple[Any, ...]]]:
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
                if abs(value) >= _EXACT:
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
            gather.block(*said.format(_listed(cells)), cell=f"{places.title}!{cells[0]}")


def _block_padded(gather: Gather, sheet: _Sheet, places: _Places) -> None:
    """Block ids whose leading zeros are only drawn by the number format."""
    top = islice(sheet.sheet.iter_rows(min_row=sheet.row + 1, max_col=places.width), _HEADER_WITHIN)
    ids = [name for name in gather.names if places.spec.is_id(name)]
    for row in top:
        for name in list(ids):
            cell = row[places.places[name]]
            if isinstance(cell.value, int) and _PADDED.fullmatch(str(cell.number_format)):
                said = _PADDED_ID.format(cell.number_format)
                at = f"{places.title}!{cell.coordinate}"
                gather.block(*said, cell=at, column=places.spec.columns[name])
                ids.remove(name)


def _listed(names: Sequence[str]) -> str:
    more = f" (+{len(names) - _NAMED:,})" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _marks(sheet: _Sheet) -> Marks:
    """Look through the sheet's XML, row by row."""
    marks = Marks()
    looked = (
        (_ERROR_CELL, b't="e"', marks.errors),
        (_FORMULA, b"f", marks.uncalculated),
        (_HIDDEN_ROW, b"hidden=", marks.hidden_rows),
        (_MERGED, b"mergeCell", marks.merged),
    )
    for piece in _xml(sheet):
        formulas = b"<f" in piece or b":f" in piece
        for pattern, sign, found in looked:
            if formulas if sign == b"f" else sign in piece:
                found += [_name_in(attributes) for attributes in pattern.findall(piece)]
    return marks


def _name_in(attributes: bytes) -> str:
    """Return the cell, row or range that a tag names."""
    name = _NAME.search(attributes)
    return name[1].decode() if name else "?"


def _xml(sheet: _Sheet) -> Iterator[bytes]:
    """Return a sheet's XML in pieces that end with a whole row."""
    left = b""
    with sheet.workbook._archive.open(sheet.sheet._worksheet_path) as part:
        while read := part.read(1 << 20):
            whole, mark, left = (left + read).rpartition(b"row>")
            if len(left) > _LONGEST_ROW:
                raise Unreadable(too_large(Path(sheet.workbook._archive.filename), len(left)))
            yield whole + mark
    yield left


def _notes(file: str, sheet: _Sheet, marks: Marks) -> Iterator[Text]:
    title = sheet.sheet.title
    others = [other for other in sheet.workbook.worksheets if other.title != title]
    if others:
        shown = [other.title for other in others if other.sheet_state == "visible"]
        hidden = [other.title for other in others if other.sheet_state != "visible"]
        ko = [f"읽지 않은 시트: {', '.join(shown)}"] * bool(shown)
        ko += [f"읽지 않은 숨은 시트: {', '.join(hidden)}"] * bool(hidden)
        en = [f"not read: {', '.join(shown)}"] * bool(shown)
        en += [f"hidden and not read: {', '.join(hidden)}"] * bool(hidden)
        yield Text(
            f"{file}: '{title}' 시트를 읽었습니다. {'. '.join(ko)}.",
            f"{file}: sheet '{title}' was read; {'; '.join(en)}.",
        )
    if sheet.row > 1:
        yield Text(
            f"{file}: 머리글은 {sheet.row}행이며 그 위는 읽지 않았습니다.",
            f"{file}: the header is row {sheet.row}; what stands above was not read.",
        )
    if marks.hidden_rows:
        yield Text(
            f"{file}: 숨은 행도 읽었습니다: {_listed(marks.hidden_rows)}.",
            f"{file}: hidden rows were read too: {_listed(marks.hidden_rows)}.",
        )
    if marks.merged:
        yield Text(
            f"{file}: 병합된 셀은 왼쪽 위 칸에만 값이 있습니다: {_listed(marks.merged)}.",
            f"{file}: of merged cells only the first has the value: {_listed(marks.merged)}.",
        )
    if sheet.workbook.epoch.year == 1904:
        yield Text(
            f"{file}: 1904년부터 날짜를 세는 통합 문서입니다. 그에 맞게 읽었습니다.",
            f"{file}: this workbook counts days from 1904; its dates were read so.",
        )


def as_text(value: Any) -> str:
    """Return a cell's value as text: whole numbers without a point, moments as ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)


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


def _entities(file: str) -> Problem:
    return Problem(
        file,
        Text(
            "안에 XML 엔터티 선언이 있어 열지 않습니다",
            "it declares XML entities and is not opened",
        ),
        Text("Excel에서 새로 저장하십시오.", "Save it anew from Excel."),
        blocks=True,
    )


def _no_sheet(file: str, wanted: str, titles: list[str]) -> Problem:
    near = nearest(wanted, titles)
    hint_ko = f" 혹시 '{near}'인가요?" if near else ""
    hint_en = f" Is it '{near}'?" if near else ""
    return Problem(
        file,
        Text(f"'{wanted}' 시트가 없습니다(있는 것: {', '.join(titles)})",
             f"there is no sheet '{wanted}' (seen: {', '.join(titles)})"),
        Text(f"shop.toml의 sheet를 고치십시오.{hint_ko}", f"Correct sheet in shop.toml.{hint_en}"),
        blocks=True,
    )  # fmt: skip


def _no_header(file: str) -> Problem:
    return Problem(
        file,
        Text("내용이 있는 시트가 없습니다", "no sheet holds anything"),
        Text("다시 내보내십시오.", "Export it again."),
        blocks=True,
    )


def _too_many_rows(file: str) -> Problem:
    return Problem(
        file,
        Text(f"행 번호가 {_MAX_ROW:,}을 넘습니다", f"row numbers go beyond {_MAX_ROW:,}"),
        Text("다시 내보내십시오.", "Export it again."),
        blocks=True,
    )
