"""From a shop's orders to the purchases of every customer."""

import datetime as dt

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import AnyTable, MissingTable, Readable, Table, as_table, query
from custmeasure.measure.retention.purchases import Int64, Purchases, day_number
from custmeasure.show.result import missing_verdict
from custmeasure.show.words import Verdict

NONE = "(none)"
LETTERS = 1000  # of a value: all of it

_ORDERS = """
    SELECT CASE WHEN unit IS NULL THEN CAST(0 AS UBIGINT)
                ELSE greatest(hash(unit), CAST(1 AS UBIGINT)) END AS unit,
           CAST(timezone($timezone, moment) AS DATE) - DATE '1970-01-01' AS day,
           net_amount(amount, discount, refund) AS net, segment
    FROM rows
    WHERE moment IS NOT NULL AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))
    ORDER BY rows.unit, moment, rows.segment, net"""
_OF_ITEMS = """
    WITH largest AS (
        SELECT order_id, left(product, $letters) AS category, sum(amount) AS amount
        FROM items GROUP BY order_id, left(product, $letters)
        QUALIFY row_number() OVER (
            PARTITION BY order_id
            ORDER BY sum(amount) DESC NULLS LAST, left(product, $letters) NULLS LAST) = 1)
    SELECT CASE WHEN unit IS NULL THEN CAST(0 AS UBIGINT)
                ELSE greatest(hash(unit), CAST(1 AS UBIGINT)) END AS unit,
           CAST(timezone($timezone, moment) AS DATE) - DATE '1970-01-01' AS day,
           net_amount(rows.amount, discount, refund) AS net, category AS segment
    FROM rows LEFT JOIN largest USING (order_id)
    WHERE moment IS NOT NULL AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))
    ORDER BY rows.unit, moment, category, net"""


_EXAMPLES = """
    SELECT left(product, $letters) AS category, name FROM items
    WHERE product IS NOT NULL AND name IS NOT NULL
    GROUP BY left(product, $letters), name
    QUALIFY row_number() OVER (
        PARTITION BY left(product, $letters) ORDER BY count(*) DESC, name) = 1"""


def without_cancelled(orders: Readable) -> AnyTable:
    """Return the orders that were not cancelled; all of them where nobody says the status.

    Parameters
    ----------
    orders
        The shop's orders, or any table; its column ``status`` says ``cancelled``.
    """
    table = as_table(orders)
    if isinstance(table, MissingTable) or "status" not in table.columns:
        return table
    return table.keep([("status", "!=", "cancelled")])


def purchases(
    orders: Readable,
    *,
    as_of: str | dt.date | dt.datetime | None = None,
    timezone: str | None = None,
    by: str | None = None,
    items: Readable | None = None,
    letters: int = LETTERS,
    money: bool = False,
    unit: str = "customer_id",
) -> Purchases | Verdict:
    """Read a shop's orders as purchases, or say in a verdict that they are missing.

    Parameters
    ----------
    orders
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns.
    as_of
        The last instant that is known; a day that it does not cover to its end is not known.
    timezone
        Where days begin.
    by
        A column of the orders, or of ``items``: then an order belongs to the value of its largest lines.
    items
        The lines of the orders.
    letters
        How many letters of the item's value count: two of ``0103`` are its category, where a shop numbers
        its products so.
    money
        Whether amounts are needed.
    unit
        The column that names the customer.

    Raises
    ------
    UnknownName
        For a column or time zone that does not exist.
    """
    if timezone is not None:
        dates.zone(timezone)
    table = as_table(orders, timezone)
    if isinstance(table, MissingTable):
        return missing_verdict(table.name)
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    parameters = {"timezone": table.timezone, "as_of": None if known is None else known.isoformat()}
    columns = {
        "unit": (unit, "any"), "moment": ("at", "instant"),
        "amount": ("amount", "number" if money else "number?"),
        "discount": ("discount_amount", "number?"), "refund": ("refund_amount", "number?"),
    }  # fmt: skip
    if items is None or by is None:
        segment = {"segment": (by, "text") if by else ("", "text?")}
        rows = query(_ORDERS, parameters, rows=table.pick(**columns, **segment))
    else:
        lines = as_table(items)
        if isinstance(lines, MissingTable):
            return missing_verdict(lines.name)
        picked = lines.pick(
            order_id=("order_id", "text"), product=(by, "text"), amount=("amount", "number")
        )
        whole = table.pick(**columns, order_id=("order_id", "text"))
        rows = query(_OF_ITEMS, {**parameters, "letters": letters}, rows=whole, items=picked)
    return _folded(rows.to_pandas(), known, table, bool(by))


def named_by_example(segments: list[str], items: Readable, by: str, letters: int) -> list[str]:
    """Return categories that are the first letters of a number with their most sold product's name."""
    table = as_table(items)
    if letters >= LETTERS or isinstance(table, MissingTable) or "product_name" not in table.columns:
        return segments
    picked = table.pick(product=(by, "text"), name=("product_name", "text"))
    found = query(_EXAMPLES, {"letters": letters}, items=picked).to_pylist()
    names = {row["category"]: f"{row['category']} {_short(row['name'])}" for row in found}
    return [names.get(segment, segment) for segment in segments]


def _short(name: str) -> str:
    """Return the first two words of a product's name, without what stands in brackets."""
    return " ".join(name.split("(", maxsplit=1)[0].split()[:2])


def _folded(rows: pd.DataFrame, known: dt.datetime | None, table: Table, split: bool) -> Purchases:
    """Fold the orders of one customer and day into one purchase."""
    n_nobody = int((rows["unit"] == 0).sum())
    last = int(rows["day"].max()) if len(rows) else 0
    until = last if known is None else _last_whole_day(known, table.timezone)
    rows = rows[(rows["unit"] != 0) & (rows["day"] <= until)]
    unit, day = rows["unit"].to_numpy(np.uint64), rows["day"].to_numpy(np.int64)
    new_unit = np.append(True, unit[1:] != unit[:-1])[: len(unit)]
    first = new_unit | np.append(True, day[1:] != day[:-1])[: len(day)]
    place = np.cumsum(first) - 1
    customer = (np.cumsum(new_unit) - 1)[first]
    n_before = np.searchsorted(customer, customer)
    codes, names = _segments(rows["segment"].to_numpy(object)[first], split)
    return Purchases(
        customer=customer,
        number=np.arange(len(customer)) - n_before + 1,
        day=day[first],
        net=np.bincount(place, rows["net"].to_numpy(float), int(first.sum())).astype(np.float64),
        segment=codes,
        segments=names,
        first_day=int(day.min()) if len(day) else 0,
        last_day=until,
        known=known is not None,
        n_nobody=n_nobody,
        n_orders=len(rows),
        timezone=table.timezone,
        currency=table.currency,
        engine=table.engine,
    )


def _segments(values: np.ndarray, split: bool) -> tuple[Int64, list[str]]:
    if not split:
        return np.zeros(len(values), np.int64), [""]
    codes, names = pd.factorize(pd.Series(values, dtype=object).fillna(NONE), sort=True)
    return np.asarray(codes, np.int64), [str(name) for name in names]


def _last_whole_day(known: dt.datetime, timezone: str) -> int:
    """Return the last day that ``known`` covers to its end."""
    after = (known + dt.timedelta(microseconds=1)).astimezone(dates.zone(timezone))
    return day_number(after.date()) - 1
