# ruff: noqa: ANN001, ANN202, PLR0911, PLR0912, PLR0914, PLR0915 - numba takes arrays by position
"""The byte scanner: where every record and field of a delimited text begins and ends.

It is RFC 4180 taken strictly. A quote is special only as the first byte of a field; inside quotes two
quotes stand for one; after the closing quote the field must end. Records end with LF, CRLF or CR.
Records without any content (empty lines, ``,,,``) are blank and no records.

A buffer is scanned from a record's first byte on; a record that is not complete stays for the next
buffer. Records with as many fields as the header come out as a table of byte ranges, all others as a list
of faults, each with its record number, its line and its bytes.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from custmeasure.shop.reader.wide import WIDTH, lowest, marked

FIELD_LIMIT = 64 * 1024  # bytes of one field
COLUMN_LIMIT = 16_384  # Excel's; a header with more is not a table
_FAULTS = 4096  # that one call can tell

SHORT, LONG, JUNK = 1, 2, 3  # too few fields, too many, text after a closing quote
DONE, NEEDS_MORE, FULL, UNCLOSED, TOO_LONG, TOO_WIDE = 0, 1, 2, 3, 4, 5

CARE, ESCAPED = 1, 2  # a record with bytes beyond plain text; with "" inside quotes

_QUOTE, _LF, _CR, _SPACE = 34, 10, 13, 32
_FIELD_END, _RECORD_END, _BLANK, _QUOTING, _OTHER = 1, 2, 3, 4, 5

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


class Scan(NamedTuple):
    """What one call of `Scanner.scan` found; good until the third call from there.

    Attributes
    ----------
    fields
        (n_records, width, 2) where every field starts and stops, quotes not included.
    line, record
        (n_records,) the line where a record begins and its number, both from 1.
    first, last
        (n_records,) byte range of the whole record.
    flags
        (n_records,) `CARE`, `ESCAPED`.
    faults
        (n_faults, 6) kind, record, line, first byte, last byte, number of fields.
    used
        Bytes that need not be scanned again.
    status, status_line
        `DONE`, or what is in the way and the line where it begins.
    """

    fields: Ints
    line: Longs
    record: Longs
    first: Ints
    last: Ints
    flags: Bytes
    faults: Longs
    used: int
    status: int
    status_line: int


class Scanner:
    """Scans buffers one after the other and knows the line and the record it has come to.

    Parameters
    ----------
    delimiter
        The byte between fields.
    width
        Fields a record must have; -1 takes one record, the header, as wide as it is.
    n_lines
        Lines before the first buffer.
    """

    def __init__(self, delimiter: int, width: int, n_lines: int = 0) -> None:
        self.delimiter = delimiter
        self.width = width
        self.n_lines = n_lines
        self.n_records = 0
        self.n_blank = 0
        self._rooms: list[tuple[Any, ...]] = []

    def scan(self, data: Bytes, n: int, final: bool) -> Scan:
        """Scan ``data[:n]``; ``final`` says that nothing follows."""
        room = self._room(n)
        state = np.array([self.n_lines, self.n_records, self.n_blank, 0, 0, 0, 0, 0], np.int64)
        _scan(data, n, final, self.delimiter, self.width, _classes(self.delimiter), *room, state)
        self.n_lines, self.n_records, self.n_blank = (int(value) for value in state[:3])
        used, n_rows, n_faults, status, line = (int(value) for value in state[3:])
        *by_row, faults = room
        of_rows = [each[:n_rows] for each in by_row]
        return Scan(*of_rows, faults[:n_faults], used, status, line)  # type: ignore[call-arg]

    def _room(self, n: int) -> tuple[Any, ...]:
        """Return room for what ``n`` bytes can hold at most, one of three in turn."""
        width = COLUMN_LIMIT if self.width < 0 else self.width
        rows = 1 if self.width < 0 else n // max(width, 2) + 2
        room = self._rooms.pop(0) if len(self._rooms) > 2 else None
        if room is None or len(room[0]) < rows:
            room = (
                np.empty((rows, width, 2), np.int32),
                np.empty(rows, np.int64), np.empty(rows, np.int64),
                np.empty(rows, np.int32), np.empty(rows, np.int32), np.empty(rows, np.uint8),
                np.empty((_FAULTS, 6), np.int64),
            )  # fmt: skip
        self._rooms.append(room)
        return room


def _classes(delimiter: int) -> Bytes:
    """Return what each byte means inside a field without quotes; 0 is plain text."""
    classes = np.zeros(256, np.uint8)
    classes[:32] = classes[127:] = _OTHER
    classes[_SPACE], classes[_QUOTE] = _BLANK, _QUOTING
    classes[[_LF, _CR]] = _RECORD_END
    classes[delimiter] = _FIELD_END
    return classes


@numba.njit(nogil=True, cache=True)
def _scan(  # type: ignore[no-untyped-def]
    data, n, final, delimiter, width, classes,
    fields, lines, records, first, last, flags, faults, state,
):  # fmt: skip
    """Scan records until the buffer, the room or the text ends."""
    line, record, blank = state[0], state[1], state[2]
    row, n_faults, status, status_line = 0, 0, 0, 0
    i, base = 0, np.uint64(0)
    marks = _look(data, base, delimiter)
    while i < n and status == 0:
        if row == len(flags) or n_faults == len(faults):
            status = 2
            break
        end, count, flag, content, base, marks = _plain(
            data, i, n, delimiter, fields, row, base, marks
        )
        more, junk = 1, False
        if end < 0:
            end, count, flag, content, more, junk, status = _any(
                data, i, n, final, delimiter, classes, fields, row
            )
            base = np.uint64(end)
            marks = _look(data, base, delimiter)
        if status == 0 and width < 0 and count > fields.shape[1]:
            status = 5
        if status:
            status_line = line + more
            break
        line += more
        if not content:
            blank += 1
            i = end
            continue
        record += 1
        fault = 3 if junk else 0
        if width >= 0 and count != width:
            fault = 1 if count < width else 2
        if fault:
            faults[n_faults, 0], faults[n_faults, 1] = fault, record
            faults[n_faults, 2], faults[n_faults, 5] = line - more + 1, count
            faults[n_faults, 3], faults[n_faults, 4] = i, end
            n_faults += 1
            i = end
            continue
        lines[row], records[row], flags[row] = line - more + 1, record, flag
        first[row], last[row] = i, end
        row += 1
        i = end
        if width < 0:
            break
    state[0], state[1], state[2], state[3] = line, record, blank, i
    state[4], state[5], state[6], state[7] = row, n_faults, status, status_line


@numba.njit(nogil=True, cache=True)
def _look(data, base, delimiter):  # type: ignore[no-untyped-def]
    """Return which of the next bytes are not plain; none where there are not enough to look at."""
    if base + np.uint64(WIDTH) > np.uint64(len(data)):
        return np.uint64(0)
    return marked(data, base, np.uint8(delimiter))


@numba.njit(nogil=True, cache=True)
def _plain(data, i, n, delimiter, fields, row, base, marks):  # type: ignore[no-untyped-def]
    """Find the fields of a record without quotes, going from one byte that is not plain to the next.

    ``marks`` are those from ``base`` on that have not been met yet.

    Returns where the next record begins (-1: it has quotes, or is not whole, or is very long), the number
    of fields, the flags, whether any field is filled, and ``base`` and ``marks`` for the next record.
    """
    # Places are unsigned, so that numba need not ask whether they count from the end.
    one, wide = np.uint64(1), np.uint64(WIDTH)
    n, size, place = np.uint64(n), np.uint64(len(data)), np.uint64(0)
    width = np.uint64(fields.shape[1])
    begin = left = np.uint64(i)
    flag = 0
    while True:
        while not marks:
            base += wide
            if base + wide > size:
                return -1, 0, 0, False, base, marks
            marks = marked(data, base, np.uint8(delimiter))
        i = base + lowest(marks)
        marks &= marks - one
        if i >= n:
            return -1, 0, 0, False, base, marks
        c = data[i]
        if c == delimiter:
            if place < width:
                fields[row, place, 0], fields[row, place, 1] = left, i
            place += one
            left = i + one
        elif c == 10 or c == 13:  # noqa: PLR1714 - faster
            if place < width:
                fields[row, place, 0], fields[row, place, 1] = left, i
            place += one
            content = i - begin >= place
            if i - begin > np.uint64(65536) or (c == 13 and i + one == n):
                return -1, 0, 0, False, base, marks
            i += one
            if c == 13 and data[i] == 10:
                i += one
                base, marks = i, _look(data, i, delimiter)
            return np.int64(i), np.int64(place), flag, content, base, marks
        elif c == 34:
            if i == left:
                return -1, 0, 0, False, base, marks
        elif c != 32 or i == left or i + one == n:
            flag = 1
        else:
            after = data[i + one]
            if after == 32 or after == delimiter or after == 10 or after == 13:  # noqa: PLR1714
                flag = 1


@numba.njit(nogil=True, cache=True)
def _any(data, i, n, final, delimiter, classes, fields, row):  # type: ignore[no-untyped-def]
    """Find the fields of any record.

    Returns as `_plain` and besides: the lines it takes (when something is in the way, the line of the
    record at which it begins), whether text stands after a closing quote, and the status.
    """
    count, flag, more = 0, 0, 0
    content = junk = False
    while True:
        opened = more + 1
        if i < n and data[i] == 34:
            i += 1
            left = i
            closed = False
            while i < n:
                c = data[i]
                if c == 34:
                    if i + 1 < n and data[i + 1] == 34:
                        flag |= 2
                        i += 2
                        continue
                    closed = i + 1 < n or final
                    break
                if c == 10 or (c == 13 and i + 1 < n and data[i + 1] != 10):
                    more += 1
                if c < 32 or c > 126 or (c == 32 and i + 1 < n and data[i + 1] == 32):
                    flag |= 1
                i += 1
            right = i
            if right - left > 65536:
                return 0, 0, 0, False, opened, False, 4
            if not closed:
                return 0, 0, 0, False, opened, False, 3 if final else 1
            i += 1
            while i < n and not 1 <= classes[data[i]] <= 2:
                junk = True
                i += 1
        else:
            left = i
            while i < n and not 1 <= classes[data[i]] <= 2:
                kind = classes[data[i]]
                if kind == 5 or (kind == 3 and i + 1 < n and data[i + 1] == 32):
                    flag |= 1
                i += 1
            right = i
        if right - left > 65536:
            return 0, 0, 0, False, opened, False, 4
        if (i == n or (data[i] == 13 and i + 1 == n)) and not final:
            return 0, 0, 0, False, opened, False, 1
        if right > left:
            content = True
            if data[left] == 32 or data[right - 1] == 32:
                flag |= 1
        if count < fields.shape[1]:
            fields[row, count, 0], fields[row, count, 1] = left, right
        count += 1
        if i == n or data[i] != delimiter:
            break
        i += 1
    if i < n:
        i += 2 if data[i] == 13 and i + 1 < n and data[i + 1] == 10 else 1
    return i, count, flag, content, more + 1, junk, 0
