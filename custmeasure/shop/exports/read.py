"""The files of an export, read by the strict reader and made into tables of the contract."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from custmeasure.shop.exports.convert import (
    Converted,
    Fates,
    contact_dropped,
    convert,
    counted,
    own_key,
)
from custmeasure.shop.exports.mapping import ExportMapping
from custmeasure.shop.exports.nested import flat
from custmeasure.shop.exports.sheet import Key, delivered_names
from custmeasure.shop.reader.account import Account, Reading, Rejected, too_many_rejected
from custmeasure.shop.reader.encoding import Unreadable
from custmeasure.shop.reader.problems import DataBlocked, Problem
from custmeasure.shop.reader.sniff import broken, kind_of, while_still
from custmeasure.shop.reader.source import delivered_columns, read_source
from custmeasure.shop.reader.spec import Spec, opening
from custmeasure.show.words import Text

_BATCH = 1 << 16
_ID = " _id"  # the reader keeps columns whose name ends so digit for digit


@dataclass(frozen=True)
class Exported:
    """What came out of the files of an export.

    Attributes
    ----------
    readings
        Table of the contract → what was read for it. All share the accounts, for all come from the
        same rows.
    dropped
        Delivered column → why it does not enter.
    """

    readings: Mapping[str, Reading]
    dropped: Mapping[str, Text]


def read_export(
    mapping: ExportMapping,
    paths: Sequence[Path],
    section: Mapping[str, Any] | None = None,
    *,
    key: Key = own_key,
) -> Exported:
    """Read the files of one export into tables of the contract.

    Parameters
    ----------
    mapping
        How.
    paths
        The files, the newest last: of an order that comes in two files the later one counts.
    section
        ``[tables.NAME]`` of shop.toml: its encoding, delimiter, sheet, timezone, dates and numbers.
    key
        Gives the key of the pseudonyms; asked only when one is needed.

    Raises
    ------
    DataBlocked
        When the files cannot be used, or too many of their rows cannot.
    DataError
        When a column is missing that the mapping needs.
    """
    section = section or {}
    base = _parquet(mapping, paths) if _are_parquet(paths) else _texts(mapping, paths, section)
    table = base.table
    if not isinstance(table, pa.Table):
        raise TypeError("the rows of an export are read into memory")
    styles = {name: section[name] for name in ("timezone", "dates", "numbers") if name in section}
    files = ", ".join(account.file for account in base.accounts)
    done = convert(mapping, table, file=files, key=key, **styles)
    header = dict.fromkeys(name for names in base.headers.values() for name in names)
    dropped = contact_dropped(mapping, list(header)) | done.dropped
    return Exported(_readings(base, table, done, frozenset(dropped)), dropped)


def _are_parquet(paths: Sequence[Path]) -> bool:
    return all(path.suffix.lower() == ".parquet" for path in paths)


def _texts(mapping: ExportMapping, paths: Sequence[Path], section: Mapping[str, Any]) -> Reading:
    """Read the columns that the mapping uses, as texts."""
    header = delivered_columns(paths, section)
    ids = set(delivered_names(_ids(mapping), header).values())
    wanted = delivered_names(mapping.used, header).values()
    columns = {f"{name}{_ID}" if name in ids else name: name for name in dict.fromkeys(wanted)}
    declared = opening(section)
    spec = Spec(
        table=mapping.tables[0].name,
        columns=columns,
        kinds=dict.fromkeys(columns, "text"),
        encoding=declared.encoding,
        delimiter=declared.delimiter,
        sheet=declared.sheet,
        contact=frozenset(contact_dropped(mapping, header)),
    )
    reading = read_source(paths, spec)
    table = reading.table
    if isinstance(table, pa.Table):
        table = table.rename_columns([columns[name] for name in table.column_names])
    return replace(reading, table=table)


def _ids(mapping: ExportMapping) -> list[str]:
    """Return the columns that become ids."""
    makings = [
        making
        for table in mapping.tables
        for name, parts in table.columns.items()
        if name.endswith("_id")
        for making in parts
    ]
    values = [mapping.values[n] for m in makings for n in m.uses() if n in mapping.values]
    used = [name for making in (*makings, *values) for name in making.uses()]
    return [*used, *mapping.rows.key, *mapping.rows.group, *mapping.customer.id]


def _parquet(mapping: ExportMapping, paths: Sequence[Path]) -> Reading:
    """Read of Parquet files the columns that the mapping uses, nested ones as they are."""
    problems: list[Problem] = []
    parts = [_tried(path, mapping, problems) for path in paths]
    if problems:
        raise DataBlocked(problems)
    whole = [part for part in parts if part is not None]
    table = pa.concat_tables(whole, promote_options="permissive")
    accounts = [
        Account(path.name, part.num_rows, part.num_rows)
        for path, part in zip(paths, whole, strict=True)
    ]
    headers = {path.name: tuple(pq.read_schema(path).names) for path in paths}
    return Reading(table, tuple(table.column_names), accounts=tuple(accounts), headers=headers)


def _tried(path: Path, mapping: ExportMapping, problems: list[Problem]) -> pa.Table | None:
    def read() -> pa.Table:
        kind_of(path)
        return _flat(pq.ParquetFile(path), mapping.used)

    try:
        return while_still(path, read)
    except Unreadable as error:
        problems.append(error.problem)
    except pa.ArrowException:
        problems.append(broken(path))
    return None


def _flat(file: pq.ParquetFile, paths: Sequence[str]) -> pa.Table:
    """Return the columns that are used, each under its path; nested ones never as a whole in memory."""
    wanted = {path.split(".")[0] for path in paths} | set(paths)
    columns = [name for name in file.schema_arrow.names if name in wanted]
    empty = file.schema_arrow.empty_table().select(columns)
    parts = [flat(empty, paths)]
    for batch in file.iter_batches(_BATCH, columns=columns):
        parts.append(flat(pa.Table.from_batches([batch]), paths))
    return pa.concat_tables(parts)


def _readings(
    base: Reading, table: pa.Table, done: Converted, hidden: frozenset[str]
) -> dict[str, Reading]:
    """Return one reading a table; the files, accounts and problems are those of the export."""
    placed = [_placed(problem, base.accounts) for problem in done.problems]
    accounts = _accounts(base.accounts, done.fates)
    rejected = [
        Rejected(after, _fields(table, before.row, base.headers[after.file]))
        for before, after in zip(done.problems, placed, strict=True)
    ]
    shared = replace(
        base,
        accounts=accounts,
        problems=(*_too_many(accounts, done), *base.problems, *placed),
        n_more=base.n_more + counted(done.fates)[-1] - len(done.problems),
        notes=(*base.notes, *done.notes),
        rejected=(*base.rejected, *rejected),
        hidden=base.hidden | hidden,
    )
    if shared.blocked:
        raise DataBlocked(shared.problems, shared.n_more, shared)
    return {
        name: replace(shared, table=rows, columns=tuple(rows.column_names))
        for name, rows in done.tables.items()
    }


def _starts(accounts: Sequence[Account]) -> list[int]:
    """Return the first row of each file, and where the last one ends."""
    return [0, *accumulate(account.n_used for account in accounts)]


def _placed(problem: Problem, accounts: Sequence[Account]) -> Problem:
    """Return a problem with its file, and its row in that file."""
    row = (problem.row or 1) - 1
    number = bisect_right(_starts(accounts), row) - 1
    start = _starts(accounts)[number]
    return replace(problem, file=accounts[number].file, row=row - start + 1)


def _accounts(before: Sequence[Account], fates: Fates) -> tuple[Account, ...]:
    """Return the account of each file: what the reader left out, and what became of the rest."""
    accounts = []
    for account, (start, end) in zip(before, pairwise(_starts(before)), strict=True):
        n_used, n_duplicate, n_outside, n_rejected = counted(fates[start:end])
        accounts.append(replace(
            account,
            n_used=n_used,
            n_rejected=account.n_rejected + n_rejected,
            n_duplicate=account.n_duplicate + n_duplicate,
            n_outside=account.n_outside + n_outside,
        ))  # fmt: skip
    return tuple(accounts)


def _fields(table: pa.Table, row: int | None, header: Sequence[str]) -> tuple[str, ...]:
    """Return the fields of a row as far as they were read."""
    values = table.slice((row or 1) - 1, 1).to_pylist()[0]
    return tuple("" if values.get(name) is None else str(values[name]) for name in header)


def _too_many(accounts: Sequence[Account], done: Converted) -> tuple[Problem, ...]:
    """Return the problem that more rows were rejected than a table can do without."""
    n_in_file = sum(account.n_in_file for account in accounts)
    n_rejected = sum(account.n_rejected for account in accounts)
    if not done.problems or not too_many_rejected(n_rejected, n_in_file):
        return ()
    worst = max(accounts, key=lambda account: account.n_rejected)
    return (
        Problem(
            worst.file,
            Text(
                f"{n_in_file:,}행 가운데 {n_rejected:,}행을 읽을 수 없습니다",
                f"{n_rejected:,} of {n_in_file:,} rows cannot be read",
            ),
            Text("아래 이유를 보고 고치십시오.", "See the reasons below."),
            blocks=True,
        ),
    )
