"""The few things that Spark says otherwise than DuckDB, so that one constant text runs on both.

Texts are written once, for DuckDB, over the contract's names. sqlglot reads them and writes Spark's SQL:
the names of types, where nulls stand in an order, ``$name`` as ``:name``. What it cannot know stands here.
A function that is not listed is refused, because one that has the same name on both need not give the same
answer: ``skewness`` does not, and ``hash`` does not either.

======================================  =====================================================================
DuckDB                                  Spark
======================================  =====================================================================
``timezone(zone, instant)``             ``from_utc_timestamp``: the clock on the wall, as if it were in UTC
``hash(x)``                             ``xxhash64(x)`` without its sign; other numbers, used as names only
``epoch_us(instant)``                   ``unix_micros(instant)``
``day - day``                           ``datediff(day, day)``
``list_position``, ``list_extract``     ``array_position`` (null, not 0, where there is none), ``element_at``
``len($list)``                          ``size(:list)``
``quantile_cont``, ``quantile_disc``    ``percentile``, ``percentile_disc … WITHIN GROUP``
``skewness`` (G1, of a sample)          ``skewness`` (g1, of a population), corrected
``QUALIFY``                             a filter around the query
``net_amount(amount, discount, refund)``  its three terms; a macro in DuckDB
======================================  =====================================================================
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from custmeasure.engine.connection import NET_AMOUNT
from custmeasure.errors import EnvironmentProblem, UsageError, listed

if TYPE_CHECKING:
    from sqlglot import exp  # type: ignore[import-not-found, unused-ignore]
else:

    class _Expressions:
        """sqlglot's expressions, loaded when the first one is named: only who uses Spark needs them."""

        def __getattr__(self, name: str) -> Any:
            try:
                return getattr(importlib.import_module("sqlglot.expressions"), name)
            except ImportError:
                raise missing("sqlglot", "pip install 'custmeasure[spark]'") from None

    exp = _Expressions()

# Functions that give the same answer on both, by the names that sqlglot gives them.
ALIKE = frozenset({
    "ANY_VALUE", "ARG_MAX", "ARG_MIN", "ARRAY_CONTAINS", "AVG", "CASE", "CAST", "COALESCE", "CORR",
    "COUNT", "COUNT_IF", "COVAR_SAMP", "DENSE_RANK", "EXISTS", "EXTRACT", "GREATEST", "GROUPING", "IF",
    "LAG", "LEAD", "LEAST", "LEFT", "LOWER", "MAX", "MIN", "NULLIF", "NTILE", "RANK", "ROW_NUMBER",
    "STDDEV_SAMP", "SUM", "TIMESTAMP_TRUNC", "UPPER", "VARIANCE",
    "AND", "OR", "XOR",
})  # fmt: skip

_KEPT = "_kept"
Rule = Callable[["exp.Expr"], "exp.Expr"]
_WORDS = {"UBIGINT": "BIGINT", "INT128": "DECIMAL(38, 0)", "UINT64": "BIGINT"}


@dataclass(frozen=True)
class Spoken:
    """A text in Spark's words.

    Attributes
    ----------
    tree
        What sqlglot read; `named` gives its tables their names.
    unsigned
        The columns of the answer that are hashes: whole numbers without a sign.
    """

    tree: "exp.Expr"
    unsigned: tuple[str, ...]

    def named(self, names: dict[str, str], *, apart_by: str | None = None) -> str:
        """Return the text with each table under the name it has on Spark.

        Parameters
        ----------
        names
            Table → its name on Spark.
        apart_by
            A column: rows with one value of it come to one place, there in the text's order.
        """
        tree = self.tree.copy()
        for table in tree.find_all(exp.Table):
            if table.name in names and not table.db:
                kept = table.alias_or_name
                table.set("this", exp.to_identifier(names[table.name]))
                table.set("alias", exp.TableAlias(this=exp.to_identifier(kept)))
        if apart_by is not None:
            _set_apart(tree, apart_by)
        return str(tree.sql(dialect="spark", comments=False))


@functools.lru_cache(maxsize=256)
def spoken(text: str) -> Spoken:
    """Return a constant text, written for DuckDB, in Spark's words.

    Raises
    ------
    UsageError
        When it uses a function of which nobody said how it reads on Spark.
    """
    tree = _read(text)
    columns = tree.selects if isinstance(tree, exp.Query) else []
    hashed = tuple(each.alias_or_name for each in columns if _is_hash(each))
    for select in list(tree.find_all(exp.Select)):
        _around(select)
    for node in reversed(
        list(tree.bfs())
    ):  # from the leaves up: a rule finds its arguments translated
        if (new := _said(node)) is not node:
            node.replace(new)
    _check(tree)
    return Spoken(tree, hashed)


def missing(what: str, how: str) -> EnvironmentProblem:
    """Return what somebody must install before Spark can be asked."""
    return EnvironmentProblem(
        ko=f"Spark를 쓰려면 {what}이(가) 필요합니다. 설치: {how}",
        en=f"Spark needs {what}. Install it: {how}",
    )


def _read(text: str) -> "exp.Expr":
    """Return what sqlglot reads in a text written for DuckDB."""
    return exp.maybe_parse(text, dialect="duckdb")


def _is_hash(column: "exp.Expr") -> bool:
    """Whether a column of the answer is a hash, or a number that stands for one."""
    named = any(each.name.lower() == "hash" for each in column.find_all(exp.Anonymous))
    return named or any(cast.to.is_type("ubigint") for cast in column.find_all(exp.Cast))


def _check(tree: "exp.Expr") -> None:
    known = ALIKE | set(_SPARK)
    strange = {name for each in tree.find_all(exp.Func) if (name := _name(each)) not in known}
    if strange:
        names = listed(sorted(strange))
        raise UsageError(
            ko=f"이 분석은 Spark에서 쓸 수 없습니다: {names}. DuckDB로 여십시오.",
            en=f"This does not run on Spark: {names}. Open the data with DuckDB.",
        )


def _name(function: "exp.Func") -> str:
    name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
    return str(name).upper()


# --- one rule a construct -----------------------------------------------------------------------------

# What the rules below write, under Spark's names.
_SPARK = {
    "FROM_UTC_TIMESTAMP", "XXHASH64", "UNIX_MICROS", "DATEDIFF", "ARRAY_POSITION", "TRY_ELEMENT_AT",
    "SIZE", "PERCENTILE", "PERCENTILE_DISC", "SKEWNESS", "SQRT",
}  # fmt: skip


def _said(node: "exp.Expr") -> "exp.Expr":
    """Return a node as Spark says it."""
    name = _name(node) if isinstance(node, exp.Func) else node.key.upper()
    rule = _RULES.get(name)
    return rule(node) if rule else node


def _call(name: str, *arguments: "exp.Expr") -> "exp.Anonymous":
    return exp.Anonymous(this=name, expressions=list(arguments))


def _renamed(name: str) -> Rule:
    return lambda node: _call(name, *_arguments(node))


def _arguments(node: "exp.Expr") -> "list[exp.Expr]":
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [node.this, *([node.expression] if node.args.get("expression") else [])]


def _clock(node: "exp.Expr") -> "exp.Expr":
    zone, instant = _arguments(node)
    return _call("FROM_UTC_TIMESTAMP", instant, zone)


def _hash(node: "exp.Expr") -> "exp.Expr":
    positive = exp.Literal.number(2**63 - 1)
    return exp.paren(exp.BitwiseAnd(this=_call("XXHASH64", *_arguments(node)), expression=positive))


def _position(node: "exp.Expr") -> "exp.Expr":
    return exp.Nullif(
        this=_call("ARRAY_POSITION", *_arguments(node)), expression=exp.Literal.number(0)
    )


def _length(node: "exp.Expr") -> "exp.Expr":
    """Return a list's length; only a bound value is a list."""
    return _call("SIZE", node.this) if isinstance(node.this, exp.Placeholder) else node


def _discrete(node: "exp.Expr") -> "exp.Expr":
    value, share = _arguments(node)
    order = exp.Order(expressions=[exp.Ordered(this=value)])
    return exp.WithinGroup(this=_call("PERCENTILE_DISC", share), expression=order)


def _within(node: "exp.Expr") -> "exp.Expr":
    """Return ``percentile_cont(p) WITHIN GROUP (ORDER BY x)``, which sqlglot would approximate."""
    inner = node.this
    if not isinstance(inner, exp.PercentileCont):
        return node
    return _call("PERCENTILE", node.expression.expressions[0].this, inner.this)


def _skewness(node: "exp.Expr") -> "exp.Expr":
    # G1 = g1 sqrt(n (n - 1)) / (n - 2), Joanes and Gill (1998), The Statistician 47, eq. 2
    n = exp.cast(exp.Count(this=node.this.copy()), "double")
    g1 = _call("SKEWNESS", node.this)
    root = exp.Sqrt(
        this=exp.Mul(this=n, expression=exp.paren(exp.Sub(this=n.copy(), expression=_one())))
    )
    less = exp.Nullif(this=exp.Sub(this=n.copy(), expression=_one(2)), expression=_one(0))
    some = exp.Greatest(this=less, expressions=[_one()])
    few = exp.If(this=exp.LT(this=n.copy(), expression=_one(3)), true=exp.Null())
    whole = exp.Div(this=exp.Mul(this=g1, expression=root), expression=some, typed=False)
    return exp.Case(ifs=[few], default=whole)


def _one(number: int = 1) -> "exp.Expr":
    return exp.Literal.number(number)


def _net(node: "exp.Expr") -> "exp.Expr":
    """Return what `connection.NET_AMOUNT` makes of its arguments."""
    macro = _read(NET_AMOUNT)
    names = [each.name for each in macro.this.expressions]
    given = dict(zip(names, _arguments(node), strict=True))
    filled = macro.expression.transform(
        lambda each: given[each.name] if isinstance(each, exp.Column) else each
    )
    return exp.paren(filled)


def _difference(node: "exp.Expr") -> "exp.Expr":
    """Return the days between two days."""
    both = [node.this, node.expression]
    if all(isinstance(each, exp.Cast) and each.to.is_type("date") for each in both):
        return _call("DATEDIFF", *both)
    return node


def _type(node: "exp.Expr") -> "exp.Expr":
    word = _WORDS.get(node.sql(dialect="duckdb").upper())
    return exp.DataType.build(word, dialect="spark") if word else node


_RULES: Mapping[str, Rule] = {
    "TIMEZONE": _clock,
    "HASH": _hash,
    "EPOCH_US": _renamed("UNIX_MICROS"),
    "LIST_POSITION": _position,
    "LIST_EXTRACT": _renamed("TRY_ELEMENT_AT"),
    "LENGTH": _length,
    "PERCENTILE_CONT": lambda node: (
        _call("PERCENTILE", *_arguments(node)) if node.expression else node
    ),
    "QUANTILE": lambda node: _call("PERCENTILE", *_arguments(node)),
    "PERCENTILE_DISC": lambda node: _discrete(node) if node.expression else node,
    "SKEWNESS": _skewness,
    "NET_AMOUNT": _net,
    "SUB": _difference,
    "DATATYPE": _type,
    "WITHINGROUP": _within,
}


def _around(select: "exp.Select") -> None:
    """Turn ``QUALIFY`` into a filter around the query that it stands in."""
    qualify = select.args.get("qualify")
    if qualify is None:
        return
    inner = select.copy()
    outside = {key: inner.args.pop(key, None) for key in ("order", "limit", "with_")}
    inner.set("qualify", None)
    inner.set("expressions", [*inner.selects, exp.alias_(qualify.this.copy(), _KEPT)])
    columns: list[exp.Expr] = [exp.column(each.alias_or_name) for each in select.selects]
    if select.is_star:
        columns = [exp.Star(except_=[exp.column(_KEPT)])]
    outer = exp.select(*columns).from_(inner.subquery("_all")).where(exp.column(_KEPT))
    select.args.clear()
    for key, value in {**outer.args, **outside}.items():
        select.set(key, value)


def _set_apart(tree: "exp.Expr", column: str) -> None:
    """Bring rows of one unit to one place, in the order that the text asks for."""
    order = tree.args.get("order")
    tree.set("order", None)
    tree.set("distribute", exp.Distribute(expressions=[exp.column(column)]))
    if order is not None:
        tree.set("sort", exp.Sort(expressions=order.expressions))
