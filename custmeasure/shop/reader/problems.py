"""What is wrong with a file: one line a problem, in Korean and English.

A problem names the file, the line (in Excel the cell), the column, the value as seen, the rule it breaks
and what to do. Problems that block stop the table; all others reject one row.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from custmeasure.errors import DataError
from custmeasure.language import Lang
from custmeasure.shop.reader.keys import visible
from custmeasure.show.words import Text

if TYPE_CHECKING:
    from custmeasure.shop.reader.account import Reading

SAID = 20  # problems that are printed, the others are counted
HIDDEN = "***"  # a value of a contact column

_VALUE_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    file
        The file's name.
    rule
        What is broken: a predicate of the value when there is one, else a sentence; no full stop.
    do
        What to do: a sentence with its full stop.
    row, line
        The record's number in the table and its line in the file, both from 1.
    column
        As delivered.
    cell
        In Excel: ``Sheet1!A2``.
    value
        As seen; `HIDDEN` in a contact column.
    blocks
        Whether the table cannot be used; if not, the row is rejected.
    """

    file: str
    rule: Text
    do: Text
    row: int | None = None
    line: int | None = None
    column: str | None = None
    cell: str | None = None
    value: str | None = None
    blocks: bool = False

    def said(self, lang: Lang | None = None) -> str:
        """Return the problem as one line."""
        text = Text(self._said_ko(), self._said_en())
        return text.in_(lang)

    def _said_en(self) -> str:
        places = [visible(self.file)]
        if self.cell or self.line or self.row:
            places.append(self.cell or (f"line {self.line}" if self.line else f"row {self.row}"))
        if self.column is not None:
            places.append(f'column "{visible(self.column)}"')
        rule = str(self.rule) if self.value is None else f'"{shown(self.value)}" {self.rule}'
        return f"{' '.join(places)}: {rule}. {self.do}".rstrip()

    def _said_ko(self) -> str:
        places = [visible(self.file)]
        if self.cell or self.line or self.row:
            places.append(self.cell or (f"{self.line}줄" if self.line else f"{self.row}행"))
        if self.column is not None:
            places.append(f"'{visible(self.column)}' 열")
        rule = self.rule.ko if self.value is None else f'"{shown(self.value)}"은(는) {self.rule.ko}'
        return f"{' '.join(places)}: {rule}. {self.do.ko}".rstrip()


def shown(value: str) -> str:
    """Return a value short enough for a line, with what cannot be seen spelled out."""
    text = visible(value)
    return text if len(text) <= _VALUE_SHOWN else text[: _VALUE_SHOWN - 1] + "…"


def counted(n: int, noun: str) -> str:
    """Return a number and its noun: ``1 row``, ``2,000 rows``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


class DataBlocked(DataError):
    """The table cannot be used until its problems are solved.

    Parameters
    ----------
    problems
        All problems; those that block are said first.
    n_more
        Problems that were counted but not kept.
    reading
        What was read besides, so that its rejected rows can be written.
    """

    problems: tuple[Problem, ...]
    reading: "Reading | None"

    def __init__(
        self,
        problems: Iterable[Problem],
        n_more: int = 0,
        reading: "Reading | None" = None,
    ) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: not problem.blocks))
        self.n_more = n_more
        self.reading = reading
        super().__init__(ko=self._lines("ko"), en=self._lines("en"))

    def __reduce__(self) -> tuple[object, ...]:
        return DataBlocked, (self.problems, self.n_more)

    def _lines(self, lang: Lang) -> str:
        lines = [problem.said(lang) for problem in self.problems[:SAID]]
        rest = self.problems[SAID:]
        if rest or self.n_more:
            lines.append(_more(rest, self.n_more).in_(lang))
        return "\n".join(lines)


def _more(rest: Sequence[Problem], n_more: int) -> Text:
    """Say how many problems are not printed, and where they can be read."""
    n = len(rest) + n_more
    rejected = Counter(problem.file for problem in rest if problem.row)
    if not rejected:
        return Text(f"그 밖에 {n:,}개가 더 있습니다.", f"and {n:,} more.")
    (file, _), *others = rejected.most_common()
    ko = f" 외 {len(others)}개 파일" if others else ""
    en = f" and {counted(len(others), 'more file')}" if others else ""
    place = f"rejected/{rejected_name(file)}"
    return Text(f"그 밖의 {n:,}개는 {place}{ko}에 있습니다.", f"and {n:,} more in {place}{en}.")


def rejected_name(file: str) -> str:
    """Return the name under which the rejected rows of ``file`` are kept."""
    return file if Path(file).suffix.lower() == ".csv" else f"{file}.csv"
