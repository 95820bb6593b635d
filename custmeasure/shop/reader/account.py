"""What came out of reading: the rows, and what became of every record of every file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from custmeasure.errors import DataError
from custmeasure.shop.reader.problems import Problem
from custmeasure.show.words import Text

MOST_REJECTED = 0.05  # of a table's rows
FEW_REJECTED = 20  # so few rows never stop a table of which some can be read


def too_many_rejected(n_rejected: int, n_in_file: int) -> bool:
    """Return whether so many rows were rejected that the table cannot be used.

    A few bad rows of a small file are left out and named; one row in twenty of a large one is no slip.
    """
    none_left = n_rejected and n_rejected == n_in_file
    return bool(none_left or n_rejected > max(FEW_REJECTED, MOST_REJECTED * n_in_file))


@dataclass(frozen=True)
class Account:
    """What became of the records of one file: in the file = used + rejected + duplicate + outside.

    Attributes
    ----------
    file
        The file's name.
    n_in_file
        Data records, counted from the file itself; blank lines are none.
    n_used, n_rejected, n_duplicate, n_outside
        Used; not readable as declared; removed because the same key came again; outside the period.
    encoding
        How the bytes of a text file were read.

    Raises
    ------
    DataError
        When the sum does not hold.
    """

    file: str
    n_in_file: int
    n_used: int
    n_rejected: int = 0
    n_duplicate: int = 0
    n_outside: int = 0
    encoding: str | None = None

    def __post_init__(self) -> None:
        found = self.n_used + self.n_rejected + self.n_duplicate + self.n_outside
        if self.n_in_file != found:
            raise DataError(
                ko=f"{self.file}: 파일의 {self.n_in_file:,}행과 처리한 {found:,}행이 다릅니다. "
                "이 파일로는 보고서를 만들지 않습니다.",
                en=f"{self.file}: {self.n_in_file:,} records in the file, but {found:,} accounted for. "
                "No report is made from it.",
            )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not used: what is wrong with it, and its fields as delivered."""

    problem: Problem
    raw: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Reading:
    """A table read from its files.

    Attributes
    ----------
    table
        The rows used, under the contract's names; or the Parquet files themselves where every row can be
        used as it lies.
    columns
        The names of its columns.
    delivered
        (name, its name in the Parquet files) where the two differ; empty for an Arrow table.
    accounts
        One a file, in the files' order.
    problems
        Those that block and one a rejected value, as far as they were kept.
    n_more
        Rejected rows beyond those kept.
    notes
        What a reader should know of how the files were read.
    merges
        (spelling as delivered, spelling used) of texts whose plain spelling differs.
    rejected
        The rejected rows that were kept.
    headers
        File → its delivered column names.
    hidden
        Delivered columns whose values are never shown.
    """

    table: pa.Table | tuple[Path, ...]
    columns: tuple[str, ...]
    delivered: tuple[tuple[str, str], ...] = ()
    accounts: tuple[Account, ...] = ()
    problems: tuple[Problem, ...] = ()
    n_more: int = 0
    notes: tuple[Text, ...] = ()
    merges: tuple[tuple[str, str], ...] = ()
    rejected: tuple[Rejected, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    @property
    def blocked(self) -> bool:
        """Whether a problem stands in the way of using the table."""
        return any(problem.blocks for problem in self.problems)
