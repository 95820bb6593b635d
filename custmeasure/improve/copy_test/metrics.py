"""What a test measures: the kinds of metric that ``[metrics.NAME]`` in shop.toml declares.

========== ===========================================================================================
conversion whether a unit did it: an ``event``, or any row of a ``table``
mean       how much a unit did: the sum of ``column`` over its rows, or how many rows without one
ratio      a sum over all units ÷ another: ``event`` ÷ ``per``, or ``column`` ÷ rows (or ÷ ``per_column``)
quantile   a ``quantile`` of the values of ``column``, such as the median order
========== ===========================================================================================

``window`` (how long after the first exposure), ``cap`` (a quantile below 1, or an amount: what is above
counts as the cap), ``direction`` (``"up"`` or ``"down"``: which way is better), ``covariate`` (days before
the exposure in which the same is measured, ``"28d"``), ``margin`` (for a guardrail: the relative loss that
is still acceptable), ``title``.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from custmeasure import dates
from custmeasure.errors import UnknownName, UsageError, check_choice
from custmeasure.shop import Shop
from custmeasure.shop.contract import KEYS, TABLES
from custmeasure.show.words import Text
from custmeasure.stats.quantile import check_share
from custmeasure.stats.winsor import check_cap

KINDS = ("conversion", "mean", "ratio", "quantile")
DIRECTIONS = ("up", "down")
CONVERSION, REVENUE, PURCHASE = "conversion", "revenue", "purchase"
NET = "net_amount"

# The tables that say what a unit did, each with its own instant.
SOURCES = ("events", "orders", "contacts", "reviews", "touches")
LONGEST_COVARIATE = dt.timedelta(days=366)


@dataclass(frozen=True)
class Metric:
    """One metric, checked.

    Attributes
    ----------
    name, title
        Its name, and what a reader calls it.
    kind, table, event, column, per, per_column, quantile
        What is counted; see the module.
    window
        How long after the first exposure.
    cap
        The quantile or amount to which larger values are cut; None without.
    direction
        ``"up"`` when more is better.
    covariate
        How long before the first exposure the same is measured; None without.
    margin
        The relative loss that a guardrail accepts.
    """

    name: str
    title: Text
    kind: str = "conversion"
    table: str = "events"
    event: str | None = PURCHASE
    column: str | None = None
    per: str | None = None
    per_column: str | None = None
    quantile: float = 0.5
    window: str | dt.timedelta = "7d"
    cap: float | None = None
    direction: str = "up"
    covariate: dt.timedelta | None = None
    margin: float = 0.05

    @property
    def sign(self) -> int:
        """1 when more is better, -1 when less is."""
        return 1 if self.direction == "up" else -1

    @property
    def is_money(self) -> bool:
        """Whether its values are amounts of the shop's currency."""
        return (
            self.column is not None and self.column.endswith("amount") and self.per_column is None
        )

    @property
    def is_revenue(self) -> bool:
        """Whether it is the net amount a unit, the oldest of the metrics."""
        return self.kind == "mean" and self.table == "orders" and self.column == NET

    @property
    def top(self) -> str:
        """How a unit's rows become its value: any of them, their number, or the sum of a column."""
        if self.kind == "conversion":
            return "any"
        return "sum" if self.column else "count"

    @property
    def bottom(self) -> str | None:
        """How a unit's rows become a ratio's denominator; None for the other kinds."""
        if self.kind != "ratio":
            return None
        return "sum" if self.per_column else "count"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its table that it needs, apart from units, instants and events."""
        return tuple(name for name in (self.column, self.per_column) if name)


def read_metric(
    shop: Shop,
    name: str,
    *,
    window: str | dt.timedelta | None = None,
    covariate: str | dt.timedelta | None = None,
) -> Metric:
    """Return a metric of the shop: declared in shop.toml, ``"conversion"`` or ``"revenue"``.

    Parameters
    ----------
    shop
        The shop.
    name
        The metric's name.
    window, covariate
        Given here, they go before what shop.toml says; a covariate of ``"none"`` switches it off.

    Raises
    ------
    UnknownName
        For a metric, kind, table or direction that does not exist, with the nearest one.
    UsageError
        For a window, cap, quantile or covariate that cannot be used.
    """
    declared = shop.settings.metrics
    known = list(dict.fromkeys((CONVERSION, REVENUE, *declared)))
    if name not in known:
        raise UnknownName("metric", name, known)
    said = dict(declared.get(name) or {})
    if name == REVENUE:
        said = {"kind": "mean", "table": "orders", "column": NET, **said}
        said.setdefault("window", declared.get(CONVERSION, {}).get("window", "7d"))
    metric = _metric(name, said)
    asked = covariate if covariate not in (None, "") else said.get("covariate")
    return replace(
        metric, window=window or said.get("window", "7d"), covariate=_before(asked, name)
    )


def _metric(name: str, said: Mapping[str, Any]) -> Metric:
    kind = check_choice("kind", said.get("kind", "conversion"), KINDS)
    table = check_choice("table", said.get("table", "events"), SOURCES)
    event = said.get("event", PURCHASE if table == "events" and "column" not in said else None)
    metric = Metric(
        name=name,
        title=_title(name, said),
        kind=kind,
        table=table,
        event=None if event is None else str(event),
        column=said.get("column"),
        per=said.get("per"),
        per_column=said.get("per_column"),
        quantile=check_share(said.get("quantile", 0.5)),
        cap=None if said.get("cap") is None else check_cap(said["cap"]),
        direction=check_choice("direction", said.get("direction", "up"), DIRECTIONS),
        margin=_margin(said.get("margin", 0.05), name),
    )
    _check(metric)
    return metric


def _check(metric: Metric) -> None:
    if metric.kind == "quantile" and not metric.column:
        raise _lacking(metric, "column")
    if (
        metric.kind == "ratio"
        and metric.table == "events"
        and not (metric.per or metric.per_column)
    ):
        raise _lacking(metric, "per")
    if metric.event is not None and metric.table != "events":
        raise UsageError(
            ko=f"[metrics.{metric.name}]: event는 events 표에만 있습니다. table을 지우십시오.",
            en=f"[metrics.{metric.name}]: only events have an event. Leave table out.",
        )
    names = [column.name for column in TABLES[metric.table]]
    for column in metric.columns:
        declared = next((c for c in TABLES[metric.table] if c.name == column), None)
        derived = metric.table == "orders" and column == NET
        if declared is not None and declared.kind not in ("number", "count") and not derived:
            raise UnknownName("column", column, names, where=metric.table)


def _title(name: str, said: Mapping[str, Any]) -> Text:
    if name == REVENUE and "title" not in said:
        return Text("1인당 순매출", "Net revenue a person")
    if name == CONVERSION and "title" not in said:
        return Text("전환율", "Conversion rate")
    title = str(said.get("title", name))
    return Text(title, title)


def _margin(value: object, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    raise UsageError(
        ko=f"[metrics.{name}] margin {value!r}: 0과 1 사이의 상대 차이여야 합니다(예: 0.05 = 5%).",
        en=f"[metrics.{name}] margin {value!r} must be a relative difference between 0 and 1.",
    )


def _before(value: object, name: str) -> dt.timedelta | None:
    """Return how long before the exposure a covariate is measured; after it is refused (T27)."""
    if value in (None, "", "none"):
        return None
    if isinstance(value, str) and value.lstrip().startswith(("-", "+", "after")):
        raise UsageError(
            ko=f"{name}의 covariate {value!r}: 시험이 시작된 뒤의 값은 쓸 수 없습니다. 문구가 바꾼 값으로 "
            "보정하면 효과가 지워집니다. 처음 보기 전의 기간을 '28d'처럼 적으십시오.",
            en=f"{name}: covariate {value!r} is measured after the exposure. The copy may have changed "
            "it, and adjusting for it would remove the effect. Give a time before, such as '28d'.",
        )
    length = dates.parse_window(value, "covariate")
    if length <= LONGEST_COVARIATE:
        return length
    raise UsageError(
        ko=f"{name}의 covariate {value!r}: 1년보다 길 수 없습니다.",
        en=f"{name}: covariate {value!r} cannot be longer than a year.",
    )


def _lacking(metric: Metric, key: str) -> UsageError:
    return UsageError(
        ko=f"[metrics.{metric.name}]: kind가 {metric.kind}이면 {key}을(를) 적어야 합니다.",
        en=f"[metrics.{metric.name}]: a {metric.kind} needs {key}.",
    )


def key_of(table: str) -> str:
    """Return the column that names one row of ``table``."""
    return KEYS[table]
