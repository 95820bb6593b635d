"""Every customer's orders, one after another: what the measures of buying again are counted from.

Orders of one customer on one day are one purchase: a parcel forgotten and ordered five minutes later is
no coming back. Days are those of the shop's time zone, counted from 1970-01-01.
"""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from custmeasure import dates
from custmeasure.engine import AnyTable, MissingTable, Readable, Table, as_table, query
from custmeasure.errors import UsageError
from custmeasure.show.words import Text

Int64 = npt.NDArray[np.int64]
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


@dataclass(frozen=True)
class Purchases:
    """The purchases of every customer, customer after customer, each in the order of time.

    Attributes
    ----------
    customer
        (n_purchases,) 0, 1, …
    number
        (n_purchases,) which purchase of the customer it is: 1, 2, …
    day
        (n_purchases,) days since 1970-01-01.
    net
        (n_purchases,) net amount of the day's orders.
    segment
        (n_purchases,) the place of its segment in ``segments``.
    segments
        Names; one, ``""``, where nothing is split.
    first_day, last_day
        The first purchase, and the last day that is known.
    known
        Whether somebody said what is known.
    n_nobody, n_orders
        Orders that name no customer; orders counted.
    """

    customer: Int64
    number: Int64
    day: Int64
    net: npt.NDArray[np.float64]
    segment: Int64
    segments: list[str]
    first_day: int
    last_day: int
    known: bool
    n_nobody: int
    n_orders: int

    @property
    def n_customers(self) -> int:
        """How many customers there are."""
        return int(self.customer[-1]) + 1 if len(self.customer) else 0

    @property
    def gap(self) -> Int64:
        """(n_purchases,) days to the customer's next purchase, or, without one, to the last known day."""
        following = np.append(self.day[1:], self.last_day)
        return np.where(self.came_back, following, self.last_day) - self.day

    @property
    def came_back(self) -> npt.NDArray[np.bool_]:
        """(n_purchases,) whether the customer bought again."""
        return np.append(
            self.customer[1:] == self.customer[:-1], np.zeros(min(1, len(self.day)), bool)
        )

    def between(self, start: dt.date | None, end: dt.date | None) -> npt.NDArray[np.bool_]:
        """(n_purchases,) whether the customer's first purchase lies within the days."""
        first = self.day[np.searchsorted(self.customer, self.customer)]
        inside = np.full(len(first), True)
        if start is not None:
            inside &= first >= day_number(start)
        if end is not None:
            inside &= first <= day_number(end)
        return inside

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Purchases":
        """Return the purchases of whole customers that are chosen."""
        _, customer = np.unique(self.customer[chosen], return_inverse=True)
        return replace(
            self, customer=customer, number=self.number[chosen], day=self.day[chosen],
            net=self.net[chosen], segment=self.segment[chosen],
        )  # fmt: skip

    def notes(self) -> list[Text]:
        """Return what must be said beside every number."""
        notes = []
        if self.n_nobody:
            notes.append(Text(
                f"누구의 것인지 모르는 주문 {self.n_nobody:,}건은 세지 않았습니다.",
                f"{self.n_nobody:,} orders name nobody and are not counted.",
            ))  # fmt: skip
        if not self.known:
            notes.append(Text(
                "자료가 언제까지인지(as_of) 몰라서, 마지막 주문이 있는 날까지 안다고 보았습니다.",
                "Nobody said how far the data reach (as_of), so they count as known up to the last order.",
            ))  # fmt: skip
        return notes


def whole_days(window: str | dt.timedelta, name: str = "window") -> int:
    """Return how many days a window lasts.

    Raises
    ------
    UsageError
        When it cannot be read, or is no whole number of days.
    """
    length = dates.parse_window(window, name)
    if length % dt.timedelta(days=1):
        raise UsageError(
            ko=f"{name} {window!r}: 날 단위로 적으십시오(예: 90d, 12w). 주문은 하루 단위로 셉니다.",
            en=f"{name} {window!r} must be whole days, such as 90d or 12w: orders count by the day.",
        )
    return length.days


def day_number(day: dt.date) -> int:
    """Return days since 1970-01-01."""
    return (day - dt.date(1970, 1, 1)).days


def day_of(number: int) -> dt.date:
    """Return the day that is ``number`` days after 1970-01-01."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(number))


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
) -> tuple[Purchases, Table] | MissingTable:
    """Read a shop's orders as purchases.

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
        return table
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
            return lines
        picked = lines.pick(
            order_id=("order_id", "text"), product=(by, "text"), amount=("amount", "number")
        )
        whole = table.pick(**columns, order_id=("order_id", "text"))
        rows = query(_OF_ITEMS, {**parameters, "letters": letters}, rows=whole, items=picked)
    return _folded(rows.to_pandas(), known, table, bool(by)), table


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
