"""A table as it came in: what can be queried, where it came from, and what became of every row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from custmeasure.engine import Table
from custmeasure.shop.reader import Account, Problem, Reading
from custmeasure.show.words import Text


@dataclass(frozen=True)
class Delivered:
    """A table as it came in.

    Attributes
    ----------
    table
        What can be queried: the rows used.
    file
        Where they come from: file names inside the shop's folder, or a database.
    paths
        The files; none for a database.
    accounts
        What became of the records, one a file.
    notes
        What must be said of how they were read.
    problems
        What kept rows out, as far as it was kept.
    merges
        (spelling as delivered, spelling used) of ids and segments.
    dropped
        Delivered column of contact data → why it did not enter.
    pseudonyms
        Columns whose values were contact data and are pseudonyms now.
    reading
        What the strict reader read, for its rejected rows.
    sha256
        The fingerprint of its files when they were read, once the rows are kept elsewhere.
    """

    table: Table
    file: str
    paths: tuple[Path, ...]
    accounts: tuple[Account, ...]
    notes: tuple[Text, ...] = ()
    problems: tuple[Problem, ...] = ()
    merges: tuple[tuple[str, str], ...] = ()
    dropped: Mapping[str, Text] = field(default_factory=dict)
    pseudonyms: tuple[str, ...] = ()
    reading: Reading | None = None
    sha256: str | None = None

    @property
    def n_in_file(self) -> int:
        """Records in the files, counted from the files themselves."""
        return sum(account.n_in_file for account in self.accounts)

    @property
    def n_rejected(self) -> int:
        """Records that could not be read as declared."""
        return sum(account.n_rejected for account in self.accounts)

    @property
    def n_duplicate(self) -> int:
        """Records removed because the same row came again."""
        return sum(account.n_duplicate for account in self.accounts)

    @property
    def n_outside(self) -> int:
        """Records outside the period, left out by the source."""
        return sum(account.n_outside for account in self.accounts)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns as delivered, in the first file's order."""
        if self.reading and self.reading.headers:
            return next(iter(self.reading.headers.values()))
        return self.table.columns
