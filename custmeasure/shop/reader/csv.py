"""Delimited text, read strictly: the structure by the byte scanner, the values by their declared types.

Scanning runs one buffer ahead in a thread of its own. Every record keeps its line, so that nothing needs
to be read twice to say where a problem lies.
"""

import csv
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from custmeasure.shop.reader import scan, values
from custmeasure.shop.reader.encoding import (
    Feed,
    Undecodable,
    Unreadable,
    check_not_both,
    encodings,
    undecodable,
)
from custmeasure.shop.reader.gather import Gather, Part
from custmeasure.shop.reader.headers import check_present, checked_header, cut_at_limit
from custmeasure.shop.reader.problems import Problem, counted
from custmeasure.shop.reader.scan import Bytes, Scan, Scanner
from custmeasure.shop.reader.spec import DELIMITERS, Spec
from custmeasure.shop.reader.values import Cells, Column
from custmeasure.show.words import Text

_BUFFER = 4 << 20
_LARGEST = 64 << 20
_SEPARATOR = re.compile(rb"sep=([,;|\t])\r?\n")  # a first line that Excel writes and reads
_BUFFERS = 3  # one is filled, one is read, the rows of one are being appended


class Piece(NamedTuple):
    """A buffer and what the scanner found in it."""

    data: Bytes
    scan: Scan


class CsvBlock:
    """The whole records of one buffer."""

    def __init__(self, piece: Piece, spec: Spec, header: tuple[str, ...], delimiter: str) -> None:
        found = piece.scan
        self.lines, self.records = found.line, found.record
        self.plain = not (found.flags & scan.CARE).any()
        self._bytes = piece.data
        self._found = found
        self._delimiter = delimiter
        self._places = {
            new: header.index(old) for new, old in spec.columns.items() if old in header
        }
        data, self._fields = _unescaped(piece)
        self._data = values.fixed(data)

    def cells(self, name: str) -> Cells:
        """Return a column as texts."""
        place = self._places[name]
        return Cells(self._data, self._fields[:, place])

    def read(self, name: str) -> Column | None:  # noqa: ARG002
        """Return nothing: everything is text."""
        return None

    def text(self, row: int, name: str) -> str:
        """Return one value as seen."""
        return self.cells(name).text(row)

    def raw(self, row: int) -> tuple[str, ...]:
        """Return all fields of a record."""
        first, last = self._found.first[row], self._found.last[row]
        return fields(self._bytes[first:last], self._delimiter)

    def cell(self, row: int, name: str | None) -> str | None:  # noqa: ARG002
        """Return nothing: there are no cells."""
        return None


def read_csv(path: Path, spec: Spec) -> Part:
    """Read a delimited text file.

    Raises
    ------
    Unreadable
        When it has no header, cannot be decoded, is cut off or is no table.
    """
    found: list[tuple[str, Undecodable]] = []
    for encoding in encodings(path, spec.encoding):
        feed = Feed(path, encoding)
        try:
            part = _read(feed, spec)
            if spec.encoding is None:
                check_not_both(feed)
        except Undecodable as error:
            found.append((encoding, error))
            if error.mixed:
                break
        else:
            return part
        finally:
            feed.close()
    raise Unreadable(undecodable(path.name, found))


def csv_header(path: Path, spec: Spec) -> tuple[str, ...]:
    """Return the columns of a delimited text file.

    Raises
    ------
    Unreadable
        When it has no header or cannot be decoded.
    """
    found: list[tuple[str, Undecodable]] = []
    for encoding in encodings(path, spec.encoding):
        feed = Feed(path, encoding)
        try:
            return _Source(feed, spec).header
        except Undecodable as error:
            found.append((encoding, error))
        finally:
            feed.close()
    raise Unreadable(undecodable(path.name, found))


def _read(feed: Feed, spec: Spec) -> Part:
    source = _Source(feed, spec)
    gather = Gather(feed.path.name, spec, source.header)
    check_present(gather)
    shifted = False
    with ThreadPoolExecutor(1) as ahead:
        pieces = source.pieces()
        coming = ahead.submit(next, pieces, None)
        while piece := coming.result():
            coming = ahead.submit(next, pieces, None)
            gather.add(CsvBlock(piece, spec, source.header, source.delimiter))
            _faults(gather, piece, source)
            shifted = shifted or bool((piece.scan.faults[:, 0] == scan.LONG).any())
    if shifted:
        gather.block_whole_rows()
    if source.problem:
        gather.problems.append(source.problem)
    if source.n_blank:
        gather.notes.append(_blank_note(feed.path.name, source.n_blank))
    cut_at_limit(gather, source.n_records + 1)
    return gather.finish(source.n_records, feed.encoding)


class _Source:
    """A text file as scanned pieces; its header is read at once."""

    def __init__(self, feed: Feed, spec: Spec) -> None:
        self.problem: Problem | None = None
        self._feed = feed
        self._buffers = [np.empty(_BUFFER, np.uint8) for _ in range(_BUFFERS)]
        self._n = self._fill(self._buffers[0], 0)
        said = _SEPARATOR.match(self._buffers[0][:8].tobytes())
        skipped = said.end() if said else 0
        head = self._buffers[0][skipped : self._n]
        self.delimiter = spec.delimiter or (said[1].decode() if said else _delimiter(head))
        scanner = Scanner(ord(self.delimiter), -1, n_lines=1 if said else 0)
        found = scanner.scan(head, len(head), final=self._n < _BUFFER)
        if found.status not in (scan.DONE, scan.NEEDS_MORE):
            raise Unreadable(_stopped(feed.path.name, found))
        if not len(found.line):
            raise Unreadable(_no_header(feed.path.name, found))
        names = fields(head[found.first[0] : found.last[0]], self.delimiter)
        self.header = checked_header(feed.path.name, names, line=int(found.line[0]))
        self._scanner = Scanner(ord(self.delimiter), len(names), scanner.n_lines)
        self._at = skipped + found.used

    @property
    def n_records(self) -> int:
        """Records so far."""
        return self._scanner.n_records

    @property
    def n_blank(self) -> int:
        """Records without any content so far."""
        return self._scanner.n_blank

    def pieces(self) -> Iterator[Piece]:
        """Scan buffer after buffer; stop early at what cannot be a table, with `problem` set."""
        turn, at, n = 0, self._at, self._n
        data = self._buffers[0]
        final = False
        while True:
            found = self._scanner.scan(data[at:], n - at, final)
            yield Piece(data[at:], found)  # even when empty: buffers are used again in turn
            at += found.used
            if found.status == scan.FULL:
                continue
            if found.status not in (scan.DONE, scan.NEEDS_MORE):
                self.problem = _stopped(self._feed.path.name, found)
                return
            if final:
                return
            turn = (turn + 1) % _BUFFERS
            self._make_room(turn, n - at)
            rest, data = data[at:n], self._buffers[turn]
            data[: len(rest)] = rest
            got = self._fill(data, len(rest))
            at, n, final = 0, len(rest) + got, got == 0

    def _make_room(self, turn: int, n: int) -> None:
        """Let a record that fills a buffer have a larger one."""
        size = len(self._buffers[turn])
        while 2 * n > size:
            size *= 2
        if size > _LARGEST:
            raise Unreadable(_record_too_long(self._feed.path.name, self._scanner.n_lines + 1))
        if size > len(self._buffers[turn]):
            self._buffers[turn] = np.empty(size, np.uint8)

    def _fill(self, data: Bytes, at: int) -> int:
        """Fill a buffer from ``at`` on; return how many bytes came."""
        begin = at
        while len(data) - at >= len(data) // 4:
            got = self._feed.fill(data, at, len(data) - at)
            if not got:
                break
            at += got
        return at - begin


def fields(record: Bytes, delimiter: str) -> tuple[str, ...]:
    """Return the fields of one record, as well as they can be told apart."""
    text = record.tobytes().decode("utf-8", "replace").rstrip("\r\n")
    try:
        return tuple(next(csv.reader([text], delimiter=delimiter), ()))
    except csv.Error:
        return (text,)


def _unescaped(piece: Piece) -> tuple[Bytes, scan.Ints]:
    """Return the buffer and its fields with ``""`` inside quotes written as one quote."""
    data, found = piece
    rows = np.flatnonzero(found.flags & scan.ESCAPED)
    if not len(rows):
        return data, found.fields
    extra, quote = bytearray(), ord('"')
    for row in rows:
        for place in found.fields[row]:
            start, stop = map(int, place)
            if stop <= start or start == 0 or data[start - 1] != quote:
                continue
            text = data[start:stop].tobytes()
            if b'""' in text:
                place[0] = len(data) + len(extra)
                extra += text.replace(b'""', b'"')
                place[1] = len(data) + len(extra)
    return np.concatenate([data, values.as_bytes(extra)]), found.fields


def _faults(gather: Gather, piece: Piece, source: _Source) -> None:
    """Reject the records that have too few fields; those with too many stop the table."""
    width = len(source.header)
    for kind, record, line, first, last, n_fields in piece.scan.faults.tolist():
        raw = fields(piece.data[first:last], source.delimiter)
        rule = Text(
            f"칸이 {n_fields}개인데 머리글은 {width}개입니다",
            f"{counted(n_fields, 'field')}, but the header has {width}",
        )
        do = Text("그 줄을 고치십시오.", "Correct that line.")
        if kind == scan.LONG:
            do = Text(
                "값 안의 구분자를 따옴표로 감싸 다시 내보내십시오.",
                "Export again with quotes around values that hold the delimiter.",
            )
        if kind == scan.JUNK:
            rule = Text("닫는 따옴표 뒤에 글자가 있습니다", "text stands after a closing quote")
        problem = Problem(gather.file, rule, do, record, line, blocks=kind != scan.SHORT)
        gather.reject(problem, raw)


def _delimiter(head: Bytes) -> str:
    """Return the delimiter of the header: a comma unless another sign stands there more often."""
    text = head[: scan.FIELD_LIMIT].tobytes().decode("utf-8", "ignore").lstrip("\r\n")
    first = text.splitlines()[0] if text else ""
    return max(DELIMITERS, key=first.count)


def _no_header(file: str, found: Scan) -> Problem:
    if found.status == scan.NEEDS_MORE:
        return _record_too_long(file, 1)
    return Problem(
        file,
        Text("머리글 없이 빈 줄만 있습니다", "there is no header, only empty lines"),
        Text(
            "첫 줄에 열 이름을 넣어 다시 내보내십시오.",
            "Export it again with the columns' names first.",
        ),
        blocks=True,
    )


def _stopped(file: str, found: Scan) -> Problem:
    """Say why the scanner could not go on."""
    if found.status == scan.UNCLOSED:
        rule = Text(
            "여기서 열린 따옴표가 닫히지 않습니다", "the quote opened on this line is not closed"
        )
        do = Text("따옴표를 닫거나 지우십시오.", "Close the quote or remove it.")
    elif found.status == scan.TOO_WIDE:
        rule = Text(
            f"열이 {scan.COLUMN_LIMIT:,}개를 넘습니다",
            f"there are more than {scan.COLUMN_LIMIT:,} columns",
        )
        do = Text("구분자를 확인하십시오.", "Check the delimiter.")
    else:
        rule = Text(
            f"한 값이 {scan.FIELD_LIMIT:,}바이트를 넘습니다",
            f"one value is longer than {scan.FIELD_LIMIT:,} bytes",
        )
        do = Text("따옴표가 닫혔는지 확인하십시오.", "Check that its quote is closed.")
    return Problem(file, rule, do, line=found.status_line, blocks=True)


def _record_too_long(file: str, line: int) -> Problem:
    return Problem(
        file,
        Text("한 행이 너무 깁니다", "one record is too long"),
        Text("따옴표와 구분자를 확인하십시오.", "Check the quotes and the delimiter."),
        line=line,
        blocks=True,
    )


def _blank_note(file: str, n: int) -> Text:
    return Text(
        f"{file}: 내용 없는 빈 줄 {n:,}개는 세지 않았습니다.",
        f"{file}: {counted(n, 'line')} without any content, not counted.",
    )
