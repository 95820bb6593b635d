"""Counts, means and covariances of many columns by group, in one pass over the rows.

Squares are taken of what is left after a first guess of each column's mean, from the first rows of the
table: one pass is then as exact as two, because the guess only has to be near.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from custmeasure.engine.table import FIRST_ROWS, Elsewhere, Table, opened
from custmeasure.errors import DataError

Floats = NDArray[np.float64]
_GROUP = "part"


@dataclass(frozen=True)
class Group:
    """The rows of one group, reduced.

    Attributes
    ----------
    n
        Number of rows.
    mean
        (k,) means of the columns.
    cov
        (k, k) covariances divided by n - 1; of pairs that nobody asked for, NaN.
    """

    n: int
    mean: Floats
    cov: Floats


def grouped_moments(
    table: Table, by: str, columns: Sequence[str], pairs: Sequence[tuple[str, str]] | None = None
) -> Mapping[str, Group]:
    """Return the moments of ``columns`` for every value of ``by``.

    Parameters
    ----------
    table
        One row a unit.
    by
        The column that names a row's group; rows without one are left out.
    columns
        Columns of numbers.
    pairs
        The pairs whose covariances are wanted; all when not given. Variances are always there.

    Raises
    ------
    UnknownName
        For a column that does not exist, with the nearest one.
    DataError
        When a value is missing or cannot be read as a number.
    """
    with asked_moments(table, by, columns, pairs) as answer:
        return answer()


@contextmanager
def asked_moments(
    table: Table, by: str, columns: Sequence[str], pairs: Sequence[tuple[str, str]] | None = None
) -> Iterator[Callable[[], Mapping[str, Group]]]:
    """Give what returns `grouped_moments` when it is called, all but the pass over the rows being done."""
    places = {name: i for i, name in enumerate(columns)}
    wanted = _places(places, pairs)
    picked = {_GROUP: (by, "any"), **{_name(i): (name, "number") for name, i in places.items()}}
    asked = table.pick(**picked)

    def groups(guess: Sequence[float], sums: Iterable[Sequence[object]]) -> Mapping[str, Group]:
        return {str(row[0]): _group(row, guess, wanted, columns, table) for row in sums}

    elsewhere = asked.source
    if isinstance(elsewhere, Elsewhere):
        names = [_name(i) for i in range(len(columns))]
        yield lambda: groups(*elsewhere.sums(asked, _GROUP, names, wanted))
        return
    with opened({"units": asked}) as connection:
        try:
            rows = connection.table("units")
            guess = _guess(rows, len(columns))
            summed = _summed(rows, guess, wanted)
            yield lambda: groups(guess, summed.fetchall())
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            raise _unreadable(error, asked) from None


def _places(
    places: Mapping[str, int], pairs: Sequence[tuple[str, str]] | None
) -> list[tuple[int, int]]:
    """Return the pairs by the columns' places, every column with itself among them."""
    if pairs is None:
        return [(i, j) for i in places.values() for j in places.values() if i <= j]
    asked = {(min(places[a], places[b]), max(places[a], places[b])) for a, b in pairs}
    return sorted(asked | {(i, i) for i in places.values()})


def _name(i: int) -> str:
    return "c" + str(i)


def _guess(rows: duckdb.DuckDBPyRelation, k: int) -> list[float]:
    """Return a first guess of each column's mean."""
    means = [_call("avg", duckdb.ColumnExpression(_name(i))) for i in range(k)]
    (first,) = rows.limit(FIRST_ROWS).aggregate(means).fetchall() if k else ((),)
    return [float(value) if value is not None and np.isfinite(value) else 0.0 for value in first]


def _summed(
    rows: duckdb.DuckDBPyRelation, guess: Sequence[float], pairs: Sequence[tuple[int, int]]
) -> duckdb.DuckDBPyRelation:
    """Ask for the number of rows and of values, the sums of what is left, and of its products."""
    group = duckdb.ColumnExpression(_GROUP)
    rest = [
        (duckdb.ColumnExpression(_name(i)) - duckdb.ConstantExpression(value)).alias(_name(i))
        for i, value in enumerate(guess)
    ]
    left = rows.filter(group.isnotnull()).select(group, *rest)
    values = [duckdb.ColumnExpression(_name(i)) for i in range(len(guess))]
    asked = [
        group,
        _call("count", duckdb.StarExpression()),
        *[_call("count", value) for value in values],
        *[_call("sum", value) for value in values],
        *[_call("sum", values[i] * values[j]) for i, j in pairs],
    ]
    return left.aggregate(asked, _GROUP).order(_GROUP)


def _call(name: str, *arguments: duckdb.Expression) -> duckdb.Expression:
    return duckdb.FunctionExpression(name, *arguments)


def _group(
    row: Sequence[object],
    guess: Sequence[float],
    pairs: Sequence[tuple[int, int]],
    columns: Sequence[str],
    table: Table,
) -> Group:
    """Return a group's moments from its sums: the sums' own mean is taken off the products."""
    k, n = len(guess), int(str(row[1]))
    counts = [int(str(value)) for value in row[2 : 2 + k]]
    for name, count in zip(columns, counts, strict=True):
        if count < n:
            raise _missing(name, n - count, table)
    sums = np.array(row[2 + k : 2 + 2 * k], dtype=np.float64)
    cov = np.full((k, k), np.nan)
    for (i, j), product in zip(pairs, row[2 + 2 * k :], strict=True):
        value = (float(str(product)) - sums[i] * sums[j] / n) / max(n - 1, 1)
        cov[i, j] = cov[j, i] = max(value, 0.0) if i == j else value
    return Group(n, np.asarray(guess) + sums / n, cov)


def _missing(column: str, n: int, table: Table) -> DataError:
    return DataError(
        ko=f"{table.name}의 {column}에 빈 값이 {n:,}개 있습니다. 하지 않은 사람은 0으로 적으십시오.",
        en=f"{table.name}: {column} is empty in {n:,} rows. Write 0 for who did nothing.",
    )


def _unreadable(error: duckdb.Error, table: Table) -> DataError:
    first = str(error).splitlines()[0].removeprefix("Conversion Error: ")
    return DataError(
        ko=f"{table.name}: 값을 읽을 수 없습니다 ({first}). 그 열의 값을 고치십시오.",
        en=f"{table.name}: a value cannot be read ({first}). Correct that column's values.",
    )
