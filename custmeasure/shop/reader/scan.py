# ruff: noqa: ANN001, ANN202, PLR0912, PLR0914, PLR0915 - numba takes arrays by position
"""The byte scanner: where every record and field of a delimited text begins and ends.

It is RFC 4180 taken strictly. A quote is special only as the first byte of a field; inside quotes two
quotes stand for one; after the closing quote the field must end. Records end with LF, CRLF or CR.
Records without any content (empty lines, ``,,,``) are blank and no records.

A buffer is scanned from a record's first byte on; a record that is not complete stays for the next
buffer. Records with as many fields as the header come out as a table of byte ranges, all others as a list
of faults, each with its record number, its line and its bytes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

FIELD_LIMIT = 64 * 1024  # bytes of one field
COLUMN_LIMIT = 16_384  # Excel's; a header with more is not a table

SHORT, LONG, JUNK = 1, 2, 3  # too few fields, too many, text after a closing quote
DONE, NEEDS_MORE, FULL, UNCLOSED, TOO_LONG, TOO_WIDE = 0, 1, 2, 3, 4, 5

CARE, ESCAPED = 1, 2  # a record with bytes beyond plain text; with "" inside quotes

_QUOTE, _LF, _CR, _SPACE = 34, 10, 13, 32

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


class Scan(NamedTuple):
    """What one call of `scan` found.

    Attributes
    ----------
    start, stop
        (n_records, width) byte range of every field, quotes not included.
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

    start: Ints
    stop: Ints
    line: Longs
    record: Longs
    first: Ints
    last: Ints
    flags: Bytes
    faults: Longs
    used: int
    status: int
    status_line: int


@dataclass
class Scanner:
    """Scans buffers one after the other and knows the line and the record it has come to.

    Attributes
    ----------
    delimiter
        The byte between fields.
    width
        Fields a record must have; -1 takes one record, the header, as wide as it is.
    """

    delimiter: int
    width: int
    n_lines: int = 0
    n_records: int = 0
    n_blank: int = 0

    def scan(self, data: Bytes, n: int, final: bool) -> Scan:
        """Scan ``data[:n]``; ``final`` says that nothing follows."""
        width = COLUMN_LIMIT if self.width < 0 else self.width
        out = self._space(n, width)
        state = np.array([self.n_lines, self.n_records, self.n_blank, 0, 0, 0, 0, 0], np.int64)
        classes = _classes(self.delimiter)
        _scan(data, n, final, self.delimiter, self.width, classes, *out, state)
        self.n_lines, self.n_records, self.n_blank = (int(value) for value in state[:3])
        used, n_rows, n_faults, status, line = (int(value) for value in state[3:])
        start, stop, lines, records, first, last, flags, faults = out
        shape = (n_rows, width)
        return Scan(
            start[: n_rows * width].reshape(shape), stop[: n_rows * width].reshape(shape),
            lines[:n_rows], records[:n_rows], first[:n_rows], last[:n_rows], flags[:n_rows],
            faults[:n_faults], used, status, line,
        )  # fmt: skip

    def _space(self, n: int, width: int) -> tuple[Any, ...]:
        """Return room for what ``n`` bytes can hold at most; what is not written costs nothing."""
        rows = 1 if self.width < 0 else n // max(width, 2) + 2
        fields = rows * width
        return (
            np.empty(fields, np.int32), np.empty(fields, np.int32),
            np.empty(rows, np.int64), np.empty(rows, np.int64),
            np.empty(rows, np.int32), np.empty(rows, np.int32), np.empty(rows, np.uint8),
            np.empty((4096, 6), np.int64),
        )  # fmt: skip


def _classes(delimiter: int) -> Bytes:
    """Return what each byte means inside a field without quotes; 0 is plain text."""
    classes = np.zeros(256, np.uint8)
    classes[:32] = classes[127:] = 2
    classes[_SPACE] = 3
    classes[[delimiter, _LF, _CR]] = 1
    return classes


@numba.njit(nogil=True, cache=True)
def _scan(  # type: ignore[no-untyped-def]
    data, n, final, delimiter, width, classes,
    start, stop, lines, records, first, last, flags, faults, state,
):  # fmt: skip
    line, record, blank = state[0], state[1], state[2]
    n_rows = n_faults = 0
    room = len(start) if width < 0 else width
    status, status_line = 0, 0
    i = 0
    while i < n:
        if n_rows == len(flags) or n_faults == len(faults):
            status = 2
            break
        begin, begin_line, count, flag = i, line, 0, 0
        content = junk = ended = False
        base = n_rows * room
        while not ended:
            opened = line
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
                        line += 1
                    if c < 32 or c > 126 or (c == 32 and i + 1 < n and data[i + 1] == 32):
                        flag |= 1
                    i += 1
                right = i
                if not closed:
                    status = 3 if final else 1
                    if right - left > 65536:
                        status = 4
                    break
                i += 1
                if i < n and classes[data[i]] != 1:
                    junk = True
                    while i < n and classes[data[i]] != 1:
                        i += 1
            else:
                left = i
                while i < n:
                    kind = classes[data[i]]
                    if kind == 1:
                        break
                    if kind == 2 or (kind == 3 and i + 1 < n and data[i + 1] == 32):
                        flag |= 1
                    i += 1
                right = i
            if right - left > 65536:
                status = 4
                break
            if i == n and not final:
                status = 1
                break
            if right > left:
                content = True
                if data[left] == 32 or data[right - 1] == 32:
                    flag |= 1
            if count < room:
                start[base + count] = left
                stop[base + count] = right
            count += 1
            if i == n:
                ended = True
            elif data[i] == delimiter:
                i += 1
                if width < 0 and count >= room:
                    status = 5
                    break
            elif data[i] == 10:
                i += 1
                line += 1
                ended = True
            elif i + 1 < n or final:
                i += 2 if i + 1 < n and data[i + 1] == 10 else 1
                line += 1
                ended = True
            else:
                status = 1
                break
        if not ended:
            i = begin
            status_line = opened + 1
            line = begin_line
            break
        if i == n and data[n - 1] != 10 and data[n - 1] != 13:
            line += 1
        if not content:
            blank += 1
            continue
        record += 1
        fault = 3 if junk else 0
        if width >= 0 and count != width:
            fault = 1 if count < width else 2
        if fault:
            faults[n_faults, 0] = fault
            faults[n_faults, 1] = record
            faults[n_faults, 2] = begin_line + 1
            faults[n_faults, 3] = begin
            faults[n_faults, 4] = i
            faults[n_faults, 5] = count
            n_faults += 1
            continue
        lines[n_rows] = begin_line + 1
        records[n_rows] = record
        first[n_rows] = begin
        last[n_rows] = i
        flags[n_rows] = flag
        n_rows += 1
        if width < 0:
            state[6] = 0
            state[7] = count
            break
    state[0], state[1], state[2] = line, record, blank
    state[3], state[4], state[5] = i, n_rows, n_faults
    state[6] = status
    if status:
        state[7] = status_line
