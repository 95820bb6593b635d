"""Rejected rows, kept in a file that a spreadsheet opens and that runs nothing there."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from custmeasure import language
from custmeasure.language import Lang
from custmeasure.shop.privacy import redact
from custmeasure.shop.reader.account import Reading, Rejected
from custmeasure.shop.reader.keys import visible
from custmeasure.shop.reader.problems import HIDDEN, rejected_name

# What a spreadsheet may take for a formula, in plain and in full width.
_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@\t\r\0＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(?:\.[0-9]+)?")


def write_rejected(reading: Reading, folder: Path, lang: Lang | None = None) -> tuple[Path, ...]:
    """Write the rejected rows of each file to ``folder/rejected/<file>.csv``.

    Parameters
    ----------
    reading
        What was read; of a table that is blocked, `DataBlocked.reading`.
    folder
        The run's folder.
    lang
        Of the rules and the header.

    Returns
    -------
    tuple
        The files written, in UTF-8 with its mark: line, column, value, rule, and the row's fields, of
        which contact columns, and phones and e-mails anywhere, show ``***``.
    """
    by_file: dict[str, list[Rejected]] = {}
    for rejected in reading.rejected:
        by_file.setdefault(rejected.problem.file, []).append(rejected)
    written = []
    for file, rows in by_file.items():
        path = folder / "rejected" / rejected_name(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        header = reading.headers.get(file, ())
        _write(path, _lines(rows, header, reading.hidden, lang))
        written.append(path)
    return tuple(written)


def spreadsheet_safe(value: str) -> str:
    """Return a text that no spreadsheet takes for a formula; a number stays a number.

    Examples
    --------
    >>> spreadsheet_safe("=SUM(1)")
    "'=SUM(1)"
    >>> spreadsheet_safe("-5")
    '-5'
    """
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def _write(path: Path, lines: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="", errors="backslashreplace") as file:
        csv.writer(file).writerows([spreadsheet_safe(value) for value in line] for line in lines)


def _lines(
    rows: Iterable[Rejected], header: Sequence[str], hidden: frozenset[str], lang: Lang | None
) -> Iterable[Sequence[str]]:
    ko, en = ("줄", "열", "값", "이유"), ("line", "column", "value", "rule")
    named = [language.pick(*pair, lang) for pair in zip(ko, en, strict=True)]
    yield [*named, *map(visible, header)]
    for problem, raw in ((row.problem, row.raw) for row in rows):
        place = problem.cell or str(problem.line or problem.row or "")
        said = (place, problem.column or "", problem.value or "", problem.rule.in_(lang))
        yield [*said, *_masked(raw, header, hidden)]


def _masked(raw: Sequence[str], header: Sequence[str], hidden: frozenset[str]) -> Sequence[str]:
    """Return a row's fields without contact data; where fields cannot be told apart, none of them."""
    if hidden and len(raw) != len(header):
        return [HIDDEN] * len(raw)
    names = header if len(header) == len(raw) else [""] * len(raw)
    return [
        HIDDEN if name in hidden else redact(value) for name, value in zip(names, raw, strict=True)
    ]
