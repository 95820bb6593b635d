"""From files to one table: each file read, the parts joined, every record accounted for."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.errors import EnvironmentProblem, UsageError
from custmeasure.shop.contract import TABLES
from custmeasure.shop.reader import kernels, values
from custmeasure.shop.reader.account import Account, Reading, Rejected, too_many_rejected
from custmeasure.shop.reader.columns import TYPES
from custmeasure.shop.reader.csv import csv_header, read_csv
from custmeasure.shop.reader.duplicates import sift
from custmeasure.shop.reader.encoding import Unreadable
from custmeasure.shop.reader.excel import excel_header, read_excel
from custmeasure.shop.reader.gather import Part
from custmeasure.shop.reader.notes import notes_of
from custmeasure.shop.reader.parquet import as_they_lie, check_drift, parquet_header, read_parquet
from custmeasure.shop.reader.problems import DataBlocked, Problem, counted
from custmeasure.shop.reader.sniff import Stamp, kind_of, while_still
from custmeasure.shop.reader.spec import Spec, opening
from custmeasure.show.words import Text

MERGES = 1000  # pairs of spellings that are listed

Paths = Path | str | Sequence[Path | str]
R = TypeVar("R")

_READERS: dict[str, Callable[[Path, Spec], Part]] = {
    "text": read_csv, "xlsx": read_excel, "parquet": read_parquet,
}  # fmt: skip
_HEADERS: dict[str, Callable[[Path, Spec], tuple[str, ...]]] = {
    "text": csv_header, "xlsx": excel_header, "parquet": parquet_header,
}  # fmt: skip


def read_source(paths: Paths, spec: Spec) -> Reading:
    """Read one table from its files.

    Parameters
    ----------
    paths
        One file or several that hold the same columns; where a key comes in two, the later one is newer.
    spec
        How the table is read: `spec_for`.

    Returns
    -------
    Reading
        The rows that can be used and an account of all others.

    Raises
    ------
    DataBlocked
        When the table cannot be used; its ``reading`` holds the rejected rows.
    EnvironmentProblem
        When a file is not there or may not be read.
    """
    files = _paths(paths)
    problems: list[Problem] = []
    kinds = [_tried(path, partial(kind_of, path), problems) for path in files]
    if not problems and set(kinds) == {"parquet"}:
        reading = _as_they_lie(files, spec)
        if reading is not None:
            return reading
        problems += _tried(files[0], lambda: check_drift(files, spec), problems) or []
    parts = [
        _tried(path, partial(_READERS[kind], path, spec), problems)
        for path, kind in zip(files, kinds, strict=True)
        if kind is not None
    ]
    return _assembled([part for part in parts if part is not None], problems, spec)


def delivered_columns(paths: Paths, section: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return the columns that a table's files have, in the order in which they first come.

    Parameters
    ----------
    paths
        Its files.
    section
        ``[tables.NAME]`` of shop.toml: encoding, delimiter and sheet count here.

    Raises
    ------
    DataBlocked
        When a file is not what its name says, or a column has no name or one that stands twice.
    """
    spec = opening(section or {})
    problems: list[Problem] = []
    headers = [_tried(path, partial(_header, path, spec), problems) for path in _paths(paths)]
    if problems:
        raise DataBlocked(problems)
    return tuple(dict.fromkeys(name for header in headers for name in header or ()))


def _paths(paths: Paths) -> list[Path]:
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [Path(path) for path in given]
    if not files:
        raise UsageError(ko="읽을 파일이 없습니다.", en="There is no file to read.")
    for path in files:
        if not path.is_file():
            raise EnvironmentProblem(
                ko=f"파일이 없습니다: {path}. 경로를 확인하십시오.",
                en=f"There is no file {path}. Check the path.",
            )
    return files


def _header(path: Path, spec: Spec) -> tuple[str, ...]:
    return _HEADERS[kind_of(path)](path, spec)


def _tried(path: Path, work: Callable[[], R], problems: list[Problem]) -> R | None:
    """Return what ``work`` makes of a file; None, with its problem noted, when it cannot be read."""
    try:
        return while_still(path, work)
    except Unreadable as error:
        problems.append(error.problem)
        return None


def _as_they_lie(files: Sequence[Path], spec: Spec) -> Reading | None:
    """Return Parquet files whose every row can be used where it lies; None when some cannot.

    Those are read again row by row, which says what is wrong.
    """
    before = list(map(Stamp.of, files))
    try:
        reading = as_they_lie(files, spec)
    except (Unreadable, OSError):
        return None
    return reading if list(map(Stamp.of, files)) == before else None


def _assembled(parts: list[Part], problems: list[Problem], spec: Spec) -> Reading:
    """Join the parts, sift out duplicates, and account for every record."""
    problems = problems + [problem for part in parts for problem in part.problems]
    sifted = sift(_joined(parts, spec), parts, spec)
    accounts = tuple(map(_account, parts, sifted.n_duplicate, sifted.rejected))
    problems += _of_the_whole(parts, accounts, spec) if not problems else []
    rejected = tuple(
        each
        for part, more in zip(parts, sifted.rejected, strict=True)
        for each in (*part.rejected, *more)
    )
    kept = [each.problem for each in rejected if not each.problem.blocks]
    table = _with_constants(_with_aliases(sifted.table, spec), spec)
    reading = Reading(
        table=table,
        columns=tuple(table.column_names),
        accounts=accounts,
        problems=(*problems, *kept),
        n_more=sum(part.n_more for part in parts),
        notes=notes_of(parts, sifted, spec),
        merges=_merges(parts, spec),
        rejected=rejected,
        headers={part.file: part.header for part in parts},
        hidden=spec.hidden,
    )
    if reading.blocked:
        raise DataBlocked(reading.problems, reading.n_more, reading)
    return reading


def _account(part: Part, n_duplicate: int, rejected: Sequence[Rejected]) -> Account:
    """Account for a file: its records as the file counts them, its rows as the table holds them."""
    return Account(
        file=part.file,
        n_in_file=part.n_in_file,
        n_used=part.table.num_rows - n_duplicate - len(rejected),
        n_rejected=part.n_rejected + len(rejected),
        n_duplicate=n_duplicate,
        encoding=part.encoding,
    )


def _of_the_whole(parts: Sequence[Part], accounts: Sequence[Account], spec: Spec) -> list[Problem]:
    """Return the problems that no single row has."""
    found = [_mixed_zones(name, parts, spec) for name in spec.read_columns]
    found += [_too_many_rejected(accounts), _no_rows(accounts, spec)]
    return [problem for problem in found if problem is not None]


def _mixed_zones(name: str, parts: Sequence[Part], spec: Spec) -> Problem | None:
    clocks = [part.clocks[name] for part in parts if name in part.clocks]
    n_naive = sum(clock.n_naive for clock in clocks)
    n_aware = sum(clock.n_aware for clock in clocks)
    if not n_naive or not n_aware or spec.timezone_declared:
        return None
    return Problem(
        ", ".join(part.file for part in parts),
        Text(
            f"시간대가 없는 시각 {n_naive:,}개와 있는 시각 {n_aware:,}개가 섞여 있습니다",
            f"{counted(n_naive, 'time')} without a time zone, mixed with {n_aware:,} that have one",
        ),
        Text(
            f'shop.toml의 [tables.{spec.table}]에 timezone = "{spec.timezone}"처럼 적으십시오.',
            f'Write timezone = "{spec.timezone}" or another under [tables.{spec.table}] in shop.toml.',
        ),
        column=spec.columns[name],
        blocks=True,
    )


def _too_many_rejected(accounts: Sequence[Account]) -> Problem | None:
    n_rejected = sum(account.n_rejected for account in accounts)
    n_in_file = sum(account.n_in_file for account in accounts)
    if not too_many_rejected(n_rejected, n_in_file):
        return None
    worst = max(accounts, key=lambda account: account.n_rejected)
    return Problem(
        worst.file,
        Text(
            f"{n_in_file:,}행 가운데 {n_rejected:,}행을 읽을 수 없습니다",
            f"{n_rejected:,} of {counted(n_in_file, 'row')} cannot be read",
        ),
        Text("아래 이유를 보고 고치십시오.", "See the reasons below."),
        blocks=True,
    )


def _no_rows(accounts: Sequence[Account], spec: Spec) -> Problem | None:
    if spec.allow_empty or not accounts or any(account.n_in_file for account in accounts):
        return None
    return Problem(
        accounts[0].file,
        Text("머리글만 있고 행이 0개입니다", "there are 0 rows, only a header"),
        Text("기간을 확인하고 다시 내보내십시오.", "Check the period and export it again."),
        blocks=True,
    )


def _merges(parts: Sequence[Part], spec: Spec) -> tuple[tuple[str, str], ...]:
    pairs = {
        pair: None
        for part in parts
        for name, spellings in part.spellings.items()
        if spec.columns[name] not in spec.hidden
        for pair in spellings.items()
    }
    return tuple(pairs)[:MERGES]


def _joined(parts: Sequence[Part], spec: Spec) -> pa.Table:
    """Return the rows of all parts; a column that a part lacks is missing there."""
    names = [n for n in spec.read_columns if any(n in part.table.column_names for part in parts)]
    tables = [part.table for part in parts]
    return pa.table({name: _joined_column(name, tables, spec) for name in names})


def _joined_column(name: str, tables: Sequence[pa.Table], spec: Spec) -> pa.ChunkedArray:
    columns = [table[name] if name in table.column_names else None for table in tables]
    types = {column.type for column in columns if column is not None}
    type_ = types.pop() if len(types) == 1 else TYPES[spec.kinds[name]]
    whole = [
        pa.nulls(table.num_rows, type_) if column is None else column.cast(type_)
        for table, column in zip(tables, columns, strict=True)
    ]
    chunks = [
        chunk for each in whole for chunk in (each.chunks if hasattr(each, "chunks") else [each])
    ]
    joined = pa.chunked_array(chunks, type_)
    if not pa.types.is_dictionary(type_) or len(tables) == 1:
        return joined
    try:
        return joined.unify_dictionaries()
    except pa.ArrowInvalid:  # more different texts than its codes can count
        return joined.cast(pa.string())


def _with_aliases(table: pa.Table, spec: Spec) -> pa.Table:
    """Replace the declared spellings."""
    for name, pairs in spec.aliases.items():
        if name in table.column_names and pairs:
            place = table.column_names.index(name)
            column = table[name].cast(pa.string())
            found = pc.index_in(column, value_set=pa.array(list(pairs)))
            used = pc.take(pa.array(list(pairs.values())), found)
            table = table.set_column(place, name, pc.coalesce(used, column))
    return table


def _with_constants(table: pa.Table, spec: Spec) -> pa.Table:
    """Add the columns whose value shop.toml gives for every row."""
    contract = {column.name: column.kind for column in TABLES.get(spec.table, ())}
    for name, text in spec.constants.items():
        if name not in table.column_names:
            kind = spec.kinds.get(name, contract.get(name, "text"))
            value = _constant(name, text, kind, spec)
            table = table.append_column(name, pa.repeat(value, table.num_rows))
    return table


def _constant(name: str, text: str, kind: Any, spec: Spec) -> pa.Scalar:
    if kind == "text":
        return pa.scalar(text, pa.string())
    style = values.number_style(spec.numbers)
    column = values.read(kind, values.cells_of([text]), spec.date_style(name), style)
    if column.state[0] not in (kernels.READ, kernels.AWARE):
        raise UsageError(
            ko=f"[tables.{spec.table}.constants] {name} = {text!r}: 값의 종류가 맞지 않습니다.",
            en=f"[tables.{spec.table}.constants] {name} = {text!r} does not read as {kind}.",
        )
    return pa.scalar(np.asarray(column.values)[0].item(), TYPES[kind])
