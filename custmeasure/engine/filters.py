"""Filters: which rows count, as triples of a column, an operator and a value.

``[("channel", "in", ["naver", "kakao"]), ("amount", ">=", 30_000)]`` keeps the rows that pass every
triple. A text is compared as text, a number as a number, a flag as a flag. ``None`` asks for what is
missing: ``("coupon", "=", None)``; a row without a value passes ``!=`` and ``not in``, because it is
not that value, and no other comparison.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from duckdb import CoalesceOperator, ColumnExpression, ConstantExpression, Expression, sqltypes

from custmeasure.errors import UsageError, check_choice

Filter: TypeAlias = tuple[str, str, object]
Filters: TypeAlias = Sequence[Filter]

_COMPARED: dict[str, Callable[[Expression, Expression], Expression]] = {
    "=": lambda column, value: column == value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in", "not in")


def check_filters(filters: object, name: str = "where") -> tuple[Filter, ...]:
    """Return filters whose form is right; whether their columns exist is the table's to say.

    Raises
    ------
    UsageError
        When they are no triples, or a value does not fit its operator.
    UnknownName
        For an operator that does not exist, with those that do.
    """
    if filters is None:
        return ()
    if isinstance(filters, str) or not isinstance(filters, Iterable):
        raise _no_triple(filters, name)
    return tuple(_checked(each, name) for each in filters)


def _checked(given: object, name: str) -> Filter:
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 3:
        raise _no_triple(given, name)
    column, operator, value = given
    check_choice("operator", operator, OPERATORS)
    several = isinstance(value, list | tuple | set | frozenset)
    values = tuple(value) if several else (value,)
    fits = several == (operator in ("in", "not in")) and all(map(_plain, values))
    ranked = operator in ("=", "!=", "in", "not in") or value is not None
    if not isinstance(column, str) or not fits or not ranked:
        raise _no_triple(given, name)
    return column, operator, values if several else value


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _no_triple(given: object, name: str) -> UsageError:
    return UsageError(
        ko=f"{name} {given!r}: (열, 연산자, 값) 세 가지를 묶은 목록이어야 합니다. "
        "예: [('channel', '=', 'naver'), ('amount', '>=', 30000)].",
        en=f"{name} {given!r} must be a list of triples of column, operator and value, such as "
        "[('channel', '=', 'naver'), ('amount', '>=', 30000)].",
    )


def passes(filters: Iterable[Filter]) -> Expression:
    """Return whether a row passes every filter, as an expression that is never null."""
    passed = ConstantExpression(True)
    for column, operator, value in filters:
        passed = passed & CoalesceOperator(
            _passes(column, operator, value), ConstantExpression(False)
        )
    return passed


def _passes(column: str, operator: str, value: object) -> Expression:
    if operator in ("!=", "not in"):
        asked = ("=", value) if operator == "!=" else ("in", value)
        return ~CoalesceOperator(_passes(column, *asked), ConstantExpression(False))
    if isinstance(value, tuple):
        found = ConstantExpression(False)
        for each in value:
            found = found | CoalesceOperator(_passes(column, "=", each), ConstantExpression(False))
        return found
    if value is None:
        return ColumnExpression(column).isnull()
    kind = _type_of(value)
    return _COMPARED[operator](
        ColumnExpression(column).cast(kind), ConstantExpression(value).cast(kind)
    )


def _type_of(value: object) -> sqltypes.DuckDBPyType:
    if isinstance(value, bool):
        return sqltypes.BOOLEAN
    return sqltypes.DOUBLE if isinstance(value, int | float) else sqltypes.VARCHAR
