"""The records of one file, taken in block by block: read as declared, or rejected with the reason.

Every kind of file comes through here, so that one rule holds for all of them.
"""

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from custmeasure.shop.privacy import redact
from custmeasure.shop.reader import kernels, reasons, values, zones
from custmeasure.shop.reader.account import Rejected
from custmeasure.shop.reader.columns import FixedColumn, Rooms, TextColumn
from custmeasure.shop.reader.keys import normal
from custmeasure.shop.reader.problems import HIDDEN, Problem
from custmeasure.shop.reader.reasons import Reason
from custmeasure.shop.reader.spec import FREE_TEXT, Spec
from custmeasure.shop.reader.values import Cells, Column
from custmeasure.show.words import Text

KEPT = 200_000  # rejected values of a file that are kept; the others are counted
SPELLINGS = 100_000  # changed spellings of a column that are remembered

TOTALS = frozenset(
    (
        "합계",
        "총합계",
        "총계",
        "소계",
        "계",
        "전체합계",
        "total",
        "grandtotal",
        "subtotal",
        "sum",
        "totals",
    )
)
_LAST_ROWS = 3  # among them a total is looked for
_MANY_ROWS = 10_000  # of a block: its columns are worth threads of their own
THREADS = min(4, os.cpu_count() or 1)

Mask = npt.NDArray[np.bool_]
R = TypeVar("R")


class Block(Protocol):
    """Some records of a file."""

    lines: npt.NDArray[np.int64]
    records: npt.NDArray[np.int64]
    plain: bool  # whether all its texts are known to be in their plain spelling

    def cells(self, name: str) -> Cells:
        """Return a column as texts."""

    def read(self, name: str) -> Column | None:
        """Return a column that the file holds with its type; None when it holds texts."""

    def text(self, row: int, name: str) -> str:
        """Return one value as seen."""

    def raw(self, row: int) -> tuple[str, ...]:
        """Return all fields of a record as delivered."""

    def cell(self, row: int, name: str | None) -> str | None:
        """Return where a value stands in a workbook."""


@dataclass
class Clock:
    """How the times of a column were written, and how many the zone's rule decided."""

    n_naive: int = 0
    n_aware: int = 0
    n_gap: int = 0
    n_fold: int = 0


@dataclass
class Part:
    """One file read.

    Attributes
    ----------
    file
        Its name.
    header
        Its columns as delivered.
    table
        The rows that can be used.
    lines
        Their lines, block by block.
    n_in_file, n_rejected
        Records in the file, and those rejected.
    rejected, n_more
        The rejected values that were kept, and how many were not.
    problems
        Those that block.
    notes
        What a reader should know.
    spellings
        Column → spelling as delivered → spelling used, where they differ.
    clocks
        Column of instants → how they were written.
    encoding
        Of a text file.
    lined
        Whether `lines` are lines of a file or a sheet; if not, the rows are only counted.
    """

    file: str
    header: tuple[str, ...]
    table: pa.Table
    lines: list[npt.NDArray[np.int32]]
    n_in_file: int
    n_rejected: int
    rejected: list[Rejected]
    n_more: int
    problems: list[Problem]
    notes: list[Text] = field(default_factory=list)
    spellings: dict[str, dict[str, str]] = field(default_factory=dict)
    clocks: dict[str, Clock] = field(default_factory=dict)
    encoding: str | None = None
    lined: bool = True

    @functools.cached_property
    def line_of_row(self) -> npt.NDArray[np.int32]:
        """(n_rows,) the line of every row that can be used."""
        return np.concatenate([np.zeros(0, np.int32), *self.lines])


class Gather:
    """Takes in the blocks of one file.

    Parameters
    ----------
    file
        Its name.
    spec
        How its table is read.
    header
        Its columns as delivered; those that the spec names and the file lacks stay missing.
    keep
        Whether the rows are kept; if not, they are only looked at.
    """

    def __init__(self, file: str, spec: Spec, header: Sequence[str], keep: bool = True) -> None:
        self.file = file
        self._keeps = keep
        self.spec = spec
        self.header = tuple(header)
        self.names = tuple(new for new, old in spec.read_columns.items() if old in header)
        self.problems: list[Problem] = []
        self.notes: list[Text] = []
        self.n_rejected = 0
        self._numbers = values.number_style(spec.numbers)
        self._texts = {n: TextColumn() for n in self.names if spec.kinds[n] == "text"}
        self._fixed = {n: FixedColumn(spec.kinds[n]) for n in self.names if spec.kinds[n] != "text"}
        self._pool = ThreadPoolExecutor(THREADS)  # starts no thread before it has work
        self._appending: list[Future[None]] = []
        self._lined = True
        self._rooms = Rooms()
        self._lines: list[npt.NDArray[np.int32]] = []
        self._rejected: list[Rejected] = []
        self._n_more = 0
        self._spellings: dict[str, dict[str, str]] = {}
        self._clocks = {n: Clock() for n in self._fixed if spec.kinds[n] == "instant"}
        self._last: list[tuple[Problem, tuple[str, ...]]] = []

    @property
    def changed(self) -> bool:
        """Whether a row so far cannot be used exactly as it lies in the file."""
        moved = any(clock.n_gap or clock.n_fold for clock in self._clocks.values())
        respelled = any(self._spellings.values())
        return bool(self.n_rejected or moved or respelled or self._last)

    def add(self, block: Block) -> None:
        """Take in a block: the rows that read as declared, the others with their reasons.

        The block's bytes must stay as they are until the next one has been taken in.
        """
        n = len(block.lines)
        if not n:
            return
        n_worked = 0 if block.plain else n
        texts = dict(self._each(lambda name: self._spelled(name, block), self._texts, n_worked))
        fixed = dict(self._each(lambda name: self._column(name, block), self._fixed, n))
        wrong = {name: mask for name, mask in self._wrong(texts, fixed) if mask.any()}
        self._lined = block.lines is not block.records
        self._remember_last(block)
        lines = block.lines
        if wrong:
            bad = np.logical_or.reduce(list(wrong.values()))
            self._reject_rows(block, wrong, np.flatnonzero(bad))
            keep = ~bad
            texts = {name: cells.keep(keep) for name, cells in texts.items()}
            fixed = {name: Column(c.values[keep], c.state[keep]) for name, c in fixed.items()}
            lines = lines[keep]
        self._append(texts, fixed, lines)

    def reject(self, problem: Problem, raw: tuple[str, ...]) -> None:
        """Reject one record for one reason."""
        self.n_rejected += 1
        self._keep(problem, raw)

    def block(
        self, rule: Text, do: Text, column: str | None = None, cell: str | None = None
    ) -> None:
        """Note a problem that stops the table."""
        self.problems.append(Problem(self.file, rule, do, column=column, cell=cell, blocks=True))

    def block_whole_rows(self) -> None:
        """Let the rows that were rejected as a whole, not for one value, stop the table."""
        self._rejected = [
            r if r.problem.column else Rejected(replace(r.problem, blocks=True), r.raw)
            for r in self._rejected
        ]

    def finish(self, n_in_file: int, encoding: str | None = None) -> Part:
        """Return what the file came to."""
        self._settle()
        self._pool.shutdown()
        self._check_last_rows()
        self._rejected.sort(key=lambda rejected: rejected.problem.row or 0)
        columns: dict[str, TextColumn | FixedColumn] = {**self._texts, **self._fixed}
        table = pa.table({name: columns[name].finish() for name in self.names})
        problems = [r.problem for r in self._rejected if r.problem.blocks]
        return Part(
            self.file, self.header, table, self._lines, n_in_file, self.n_rejected, self._rejected,
            self._n_more, self.problems + problems, self.notes, self._spellings, self._clocks,
            encoding, self._lined,
        )  # fmt: skip

    def _spelled(self, name: str, block: Block) -> Cells:
        """Return the texts of a column in their plain spelling."""
        cells = block.cells(name)
        marked = np.empty(len(cells.places), np.bool_)
        if block.plain or name in FREE_TEXT or not kernels.needs_care(*cells, marked):
            return cells
        seen = self._spellings.setdefault(name, {})
        places, extra = values.spaced(*cells.places.T), bytearray()
        for row in np.flatnonzero(marked):
            text = cells.text(int(row))
            spelled = normal(text)
            if spelled != text:
                places[row, 0] = len(cells.data) + len(extra)
                extra += spelled.encode()
                places[row, 1] = len(cells.data) + len(extra)
                if len(seen) < SPELLINGS:
                    seen[text] = spelled
        return Cells(values.fixed(np.concatenate([cells.data, values.as_bytes(extra)])), places)

    def _column(self, name: str, block: Block) -> Column:
        """Return a typed column, its instants in UTC."""
        kind = self.spec.kinds[name]
        column = block.read(name)
        if column is None:
            style = self.spec.date_style(name)
            column = values.read(kind, block.cells(name), style, self._numbers)
        return self._in_utc(name, column) if kind == "instant" else column

    def _in_utc(self, name: str, column: Column) -> Column:
        clock = self._clocks[name]
        naive = column.state == kernels.READ
        shifted = zones.to_utc(column.values[naive], self.spec.timezone)
        clock.n_naive += len(shifted.micros)
        clock.n_aware += int((column.state == kernels.AWARE).sum())
        clock.n_gap += shifted.n_gap
        clock.n_fold += shifted.n_fold
        column.values[naive] = shifted.micros
        return column

    def _wrong(
        self, texts: dict[str, Cells], fixed: dict[str, Column]
    ) -> Iterator[tuple[str, Mask]]:
        """Return, for each column, the rows whose value cannot stand."""
        required = self.spec.required
        for name, cells in texts.items():
            if name in required:
                yield name, cells.lengths == 0
        for name, column in fixed.items():
            wrong = column.state == kernels.WRONG
            yield name, wrong | (column.state == kernels.MISSING) if name in required else wrong

    def _each(
        self, work: Callable[[str], R], names: Iterable[str], n_rows: int
    ) -> list[tuple[str, R]]:
        """Do the work for each column, side by side when it is worth while."""
        listed = list(names)
        much = n_rows >= _MANY_ROWS and len(listed) > 1
        done = self._pool.map(work, listed) if much else map(work, listed)
        return list(zip(listed, done, strict=True))

    def _append(
        self, texts: dict[str, Cells], fixed: dict[str, Column], lines: npt.NDArray[np.int64]
    ) -> None:
        """Append the rows to their columns; many of them while the next block is read."""
        if not self._keeps:
            return
        self._settle()
        for name, cells in texts.items():
            self._submit(len(lines), functools.partial(self._texts[name].add, cells))
        for name, column in fixed.items():
            self._submit(len(lines), functools.partial(self._fixed[name].add, column))
        self._lines.append(self._rooms.keep(lines.astype(np.int32)))

    def _submit(self, n_rows: int, work: Callable[[], None]) -> None:
        if n_rows >= _MANY_ROWS:
            self._appending.append(self._pool.submit(work))
        else:
            work()

    def _settle(self) -> None:
        """Wait for the rows that are being appended: each column takes its blocks in their order."""
        for each in self._appending:
            each.result()
        self._appending.clear()

    def _reject_rows(
        self, block: Block, wrong: dict[str, Mask], rows: npt.NDArray[np.intp]
    ) -> None:
        self.n_rejected += len(rows)
        for row in map(int, rows):
            if len(self._rejected) >= KEPT:
                self._n_more += 1
                continue
            raw = block.raw(row)
            if _total(raw):
                self._keep(self._total_row(block, row, raw), raw)
                continue
            for name in wrong:
                if wrong[name][row]:
                    self._keep(self._problem(block, row, name), raw)

    def _keep(self, problem: Problem, raw: tuple[str, ...]) -> None:
        if len(self._rejected) < KEPT:
            self._rejected.append(Rejected(problem, raw))
        else:
            self._n_more += 1

    def _problem(self, block: Block, row: int, name: str) -> Problem:
        """Say what is wrong with one value."""
        spec, delivered = self.spec, self.spec.columns[name]
        text = block.text(row, name)
        reason = self._reason(name, text)
        shown = HIDDEN if delivered in spec.hidden else redact(text)
        return Problem(
            self.file,
            reason.rule,
            reason.do,
            *self._place(block, row),
            column=delivered,
            cell=block.cell(row, name),
            value=None if reason is reasons.EMPTY else shown,
            blocks=reason.blocks,
        )

    def _place(self, block: Block, row: int) -> tuple[int, int | None]:
        """Return the number of a record, and its line in a file that has lines."""
        return int(block.records[row]), int(block.lines[row]) if self._lined else None

    def _reason(self, name: str, text: str) -> Reason:
        if not normal(text):
            return reasons.EMPTY
        spec = self.spec
        return reasons.why_not(
            spec.kinds[name], text, spec.date_style(name), self._numbers, spec.table
        )

    def _total_row(self, block: Block, row: int, raw: Sequence[str]) -> Problem:
        return Problem(
            self.file,
            Text(
                f"'{_total(raw)}' 행은 기록이 아니라 합계입니다",
                f"the row '{_total(raw)}' is a total, not a record",
            ),
            Text("그 행을 지우십시오.", "Delete that row."),
            *self._place(block, row),
            cell=block.cell(row, None),
            blocks=True,
        )

    def _remember_last(self, block: Block) -> None:
        """Keep the last rows that are totals: only at the end of the file are they suspect."""
        n = len(block.lines)
        recent = [(row, block.raw(row)) for row in range(max(0, n - _LAST_ROWS), n)]
        found = [(self._total_row(block, row, raw), raw) for row, raw in recent if _total(raw)]
        self._last = (self._last if n < _LAST_ROWS else []) + found

    def _check_last_rows(self) -> None:
        known = {rejected.problem.row for rejected in self._rejected}
        self.problems += [problem for problem, _ in self._last if problem.row not in known]


def _total(raw: Sequence[str]) -> str | None:
    """Return the word of a row that adds up the rows above it: its first field that is filled."""
    first = next((field for field in map(normal, raw) if field), "")
    return first if first.casefold().strip(" :[]").replace(" ", "") in TOTALS else None
