"""Marks: one bit for each thing that a row can stand for, together in one whole number.

A funnel asks of every event which steps it can serve and what it rules out; the answer is one number a row,
whatever the steps look like.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from duckdb import (
    CaseExpression,
    ColumnExpression,
    ConstantExpression,
    Expression,
    sqltypes,
)

from custmeasure.engine.filters import Filter, passes

_FEW = ((8, sqltypes.UTINYINT), (16, sqltypes.USMALLINT), (32, sqltypes.UINTEGER))


@dataclass(frozen=True)
class Mark:
    """What sets one bit.

    Attributes
    ----------
    any_of
        The names of which a row's must be one; every row when empty.
    where
        The filters that a row must pass.
    rest
        Whether the bit belongs instead to the rows that no mark before it is set for.
    """

    any_of: tuple[str, ...] = ()
    where: tuple[Filter, ...] = ()
    rest: bool = False


def mask(column: str, marks: Sequence[Mark]) -> Expression:
    """Return the bits of a row whose name stands in ``column``: bit k for the k-th mark."""
    kind = next((kind for most, kind in _FEW if len(marks) <= most), sqltypes.BIGINT)

    def number(value: int) -> Expression:
        return ConstantExpression(value).cast(kind)

    n_plain = next((k for k, mark in enumerate(marks) if mark.where or not mark.any_of), len(marks))
    bits = _bits_of(column, marks[:n_plain], number)
    for place, mark in enumerate(marks[n_plain:], n_plain):
        asked = bits == number(0) if mark.rest else _fits(column, mark)
        bits = bits + CaseExpression(asked, number(1 << place)).otherwise(number(0))
    return bits


def _bits_of(column: str, marks: Sequence[Mark], number: Callable[[int], Expression]) -> Expression:
    """Return the bits of marks that ask for names alone: one look at the name finds them all."""
    found: dict[str, int] = {}
    for place, mark in enumerate(marks):
        for name in mark.any_of:
            found[name] = found.get(name, 0) | 1 << place
    if not found:
        return number(0)
    (first, bits), *others = found.items()
    cases = CaseExpression(_is_one_of(column, (first,)), number(bits))
    for name, bits in others:
        cases = cases.when(_is_one_of(column, (name,)), number(bits))
    return cases.otherwise(number(0))


def named(column: str, marks: Iterable[Mark]) -> Expression | None:
    """Return whether a row's name is one that some mark asks for; None where any name may count."""
    names = asked_for(marks)
    return None if names is None else _is_one_of(column, names)


def asked_for(marks: Iterable[Mark]) -> tuple[str, ...] | None:
    """Return the names that marks ask for; None where any name may count."""
    listed = list(marks)
    if any(mark.rest or not mark.any_of for mark in listed):
        return None
    return tuple(dict.fromkeys(name for mark in listed for name in mark.any_of))


def _fits(column: str, mark: Mark) -> Expression:
    fits = _is_one_of(column, mark.any_of) if mark.any_of else ConstantExpression(True)
    return fits & passes(mark.where) if mark.where else fits


def _is_one_of(column: str, names: tuple[str, ...]) -> Expression:
    name = ColumnExpression(column).cast(sqltypes.VARCHAR)
    if len(names) == 1:
        return name == ConstantExpression(names[0])
    return name.isin(*map(ConstantExpression, names))
