"""A workbook opened safely: which sheet is read, where its header is, and what its XML says besides.

openpyxl gives values. What it does not say is looked up in the sheet's own XML: formulas that were never
calculated, error cells, hidden rows, merged cells. Files that declare XML entities are refused.
"""

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]

from custmeasure.errors import CustmeasureError, nearest
from custmeasure.shop.reader.encoding import Unreadable
from custmeasure.shop.reader.headers import checked_header
from custmeasure.shop.reader.problems import Problem
from custmeasure.shop.reader.sniff import DAMAGE, broken, too_large
from custmeasure.shop.reader.spec import Spec
from custmeasure.show.words import Text

HEADER_WITHIN = 20  # rows at the top among which the header is looked for
EXACT = 2**53  # whole numbers from here on have lost digits in a workbook
_NAMED = 5  # cells named in one line
_LONGEST_ROW = 32 << 20  # bytes of a row's XML

_ERROR_CELL = re.compile(rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>')
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*"
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:</(?:\w+:)?c>|<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)"
)
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b([^>]*\bhidden="(?:1|true)"[^>]*)>')
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b([^>]*)>")
_NAME = re.compile(rb'\b(?:r|ref)="([A-Z0-9:]+)"')


@dataclass
class Marks:
    """What a sheet's XML says beside its values: cells and rows by their names."""

    errors: list[str] = field(default_factory=list)
    uncalculated: list[str] = field(default_factory=list)
    hidden_rows: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sheet:
    """A worksheet, its header, and the row that holds it."""

    workbook: Any
    sheet: Any
    names: tuple[str | None, ...]
    row: int

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' names; one without a name is empty."""
        return tuple(name or "" for name in self.names)


@contextmanager
def opened(path: Path, spec: Spec) -> Iterator[Sheet]:
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
    except (*DAMAGE, ParseError):
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
    return list(islice(sheet.iter_rows(values_only=True), HEADER_WITHIN))


def _with_header(file: str, workbook: Any, sheet: Any) -> Sheet:
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
                return Sheet(workbook, sheet, names, i + 1)
    raise Unreadable(_no_header(file))


def listed(names: Sequence[str]) -> str:
    """Return the first names and how many more there are."""
    more = f" (+{len(names) - _NAMED:,})" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def marks_of(sheet: Sheet) -> Marks:
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


def _xml(sheet: Sheet) -> Iterator[bytes]:
    """Return a sheet's XML in pieces that end with a whole row."""
    left = b""
    with sheet.workbook._archive.open(sheet.sheet._worksheet_path) as part:
        while read := part.read(1 << 20):
            whole, mark, left = (left + read).rpartition(b"row>")
            if len(left) > _LONGEST_ROW:
                raise Unreadable(too_large(Path(sheet.workbook._archive.filename), len(left)))
            yield whole + mark
    yield left


def notes_of(file: str, sheet: Sheet, marks: Marks) -> Iterator[Text]:
    """Return what a reader should know of the sheet: what was not read, hidden, merged."""
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
            f"{file}: 숨은 행도 읽었습니다: {listed(marks.hidden_rows)}.",
            f"{file}: hidden rows were read too: {listed(marks.hidden_rows)}.",
        )
    if marks.merged:
        yield Text(
            f"{file}: 병합된 셀은 왼쪽 위 칸에만 값이 있습니다: {listed(marks.merged)}.",
            f"{file}: of merged cells only the first has the value: {listed(marks.merged)}.",
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
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)


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
