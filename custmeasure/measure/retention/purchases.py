"""Every customer's purchases, one after another: what the measures of buying again are counted from.

Orders of one customer on one day are one purchase: a parcel forgotten and ordered five minutes later is
no coming back. Days are those of the shop's time zone, counted from 1970-01-01.
"""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from custmeasure import dates
from custmeasure.errors import UsageError
from custmeasure.show.words import Text

Int64 = npt.NDArray[np.int64]


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
    timezone, currency, engine
        Where days begin; what amounts are in, if anybody said it; what counted them.
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
    timezone: str
    currency: str | None
    engine: str

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

    def definition(
        self, alpha: float, *, seed: int | None = None, **asked: object
    ) -> dict[str, object]:
        """Return what a measure was asked, then what decides every number that is counted here."""
        drawn = {} if seed is None else {"seed": str(seed)}
        return {
            **asked, "timezone": self.timezone, "as_of": day_of(self.last_day),
            "confidence": 1 - alpha, **drawn, "engine": self.engine,
        }  # fmt: skip

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
