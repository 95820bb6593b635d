"""The data check: what came in, and what became of every row of every file.

For each table ``rows in file = used + rejected + duplicates + outside the period``. What was read in a way a
reader should know of stands below: problems, spellings made one, contact data that stayed out.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from custmeasure.errors import listed
from custmeasure.shop.contract import TABLES
from custmeasure.shop.delivered import Delivered
from custmeasure.show.result import Listing
from custmeasure.show.words import Text, Verdict

COLUMNS = (
    "table", "file", "n_in_file", "n_used", "n_rejected", "n_duplicate", "n_outside",
    "first_at", "last_at",
)  # fmt: skip
SAID = 20  # problems that are said, the others are counted


@dataclass(frozen=True)
class Accounted:
    """One table with what became of its rows; ``n_outside`` lie after the report's period."""

    name: str
    found: Delivered
    n_outside: int
    first_at: dt.datetime | None
    last_at: dt.datetime | None

    @property
    def row(self) -> dict[str, object]:
        """The table's row in the check."""
        found = self.found
        outside = found.n_outside + self.n_outside
        return {
            "table": self.name,
            "file": found.file,
            "n_in_file": found.n_in_file,
            "n_used": found.n_in_file - found.n_rejected - found.n_duplicate - outside,
            "n_rejected": found.n_rejected,
            "n_duplicate": found.n_duplicate,
            "n_outside": outside,
            "first_at": self.first_at,
            "last_at": self.last_at,
        }


def check_tables(
    tables: Sequence[Accounted],
    as_of: dt.datetime | None,
    timezone: str,
    names: Sequence[str] = (),
) -> Listing:
    """Return what became of the rows of each table, or of those named and those that lost rows.

    Returns
    -------
    Listing
        Columns ``table, file, n_in_file, n_used, n_rejected, n_duplicate, n_outside, first_at,
        last_at``; the first number is the sum of the four after it.
    """
    shown = [each for each in tables if not names or each.name in names or _lost(each)]
    frame = pd.DataFrame([each.row for each in shown], columns=list(COLUMNS))
    notes = [note for each in shown for note in _notes(each)]
    notes += _problems(tables)
    n_more = len(tables) - len(shown)
    if n_more:
        others = "1 other table was" if n_more == 1 else f"{n_more} other tables were"
        notes.append(Text(
            f"다른 표 {n_more}개도 모두 읽었고, 빠진 행이 없습니다.",
            f"{others} read too and lost no row.",
        ))  # fmt: skip
    here = {each.name for each in tables}
    missing = [name for name in names or TABLES if name not in here]
    if missing:
        said = ", ".join(missing)
        notes.append(Text(f"없는 표: {said}.", f"Tables not here: {said}."))
    n_rejected = sum(each.found.n_rejected for each in tables)
    return Listing(
        frame,
        {"as_of": as_of, "timezone": timezone},
        tuple(dict.fromkeys(notes)),
        verdict=_verdict(len(tables), n_rejected),
    )


def _lost(table: Accounted) -> bool:
    return bool(table.found.n_rejected or table.found.n_duplicate)


def provenance(table: Accounted) -> dict[str, object]:
    """Return a table's files, their SHA-256 and its row accounting."""
    row = table.row
    return {
        "file": row["file"],
        "sha256": fingerprint(table.found),
        "rows_in_file": row["n_in_file"],
        "rows_used": row["n_used"],
        "rows_rejected": row["n_rejected"],
        "rows_duplicate": row["n_duplicate"],
        "rows_outside": row["n_outside"],
    }


def fingerprint(found: Delivered) -> str:
    """Return the SHA-256 of a table's file; of several, that of theirs; empty for a database."""
    if found.sha256 is not None:
        return found.sha256
    digests = []
    for path in found.paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    if len(digests) < 2:
        return "".join(digests)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _notes(table: Accounted) -> list[Text]:
    """Return what a reader should know of how a table was read."""
    found, notes = table.found, list(table.found.notes)
    if found.merges:
        pairs = listed([f"{old} → {new}" for old, new in found.merges])
        notes.append(Text(
            f"{found.file}: 다르게 적힌 같은 값 {len(found.merges):,}개를 하나로 보았습니다: {pairs}.",
            f"{found.file}: {len(found.merges):,} spellings were taken as the same: {pairs}.",
        ))  # fmt: skip
    if found.dropped:
        names = listed(list(found.dropped))
        notes.append(Text(
            f"{found.file}: 연락처라서 넣지 않은 열 {len(found.dropped)}개: {names}.",
            f"{found.file}: {len(found.dropped)} columns of contact data stayed out: {names}.",
        ))  # fmt: skip
    if found.pseudonyms:
        names = ", ".join(found.pseudonyms)
        notes.append(Text(
            f"{found.file}: 전화번호나 이메일이던 {names}을(를) 가명으로 바꾸었습니다.",
            f"{found.file}: {names} held phones or e-mails and are pseudonyms now.",
        ))  # fmt: skip
    return notes


def _problems(tables: Sequence[Accounted]) -> list[Text]:
    """Return the first problems, one a line, and how many rows more there are."""
    problems = list(dict.fromkeys(p for each in tables for p in each.found.problems))
    lines = [Text(problem.said("ko"), problem.said("en")) for problem in problems[:SAID]]
    rest = len(problems) - SAID
    if rest > 0:
        lines.append(Text(
            f"그 밖의 {rest:,}개는 실행 폴더의 rejected/에 있습니다.",
            f"and {rest:,} more, kept in rejected/ of the run's folder.",
        ))  # fmt: skip
    return lines


def _verdict(n_tables: int, n_rejected: int) -> Verdict:
    if n_rejected:
        reason = Text(
            f"표 {n_tables}개를 읽었고, {n_rejected:,}행은 읽지 못해 뺐습니다.",
            f"{n_tables} tables read; {n_rejected:,} rows could not be read and were left out.",
        )
        return Verdict("cannot_tell", reason, code="ROWS_REJECTED")
    reason = Text(
        f"표 {n_tables}개를 모두 읽었습니다. 빠진 행이 없습니다.",
        f"All {n_tables} tables were read. No row was lost.",
    )
    return Verdict("no_difference", reason, code="CHECK")
