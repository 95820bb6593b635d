"""What the shop sent: notices, gifts, check-ins, kindnesses and messages to win people back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from custmeasure.shop.sample import clock, ids
from custmeasure.shop.sample.care import order_id_of
from custmeasure.shop.sample.draw import Flags, Frame, Rng, chance, n_rows, rows, spread_out, stack
from custmeasure.shop.sample.files import Columns, named

KINDS = (
    "order_confirmation", "shipping_notice", "parcel_gift", "check_in", "review_request",
    "goodwill_coupon", "favour", "win_back",
)  # fmt: skip
ARMS = ("none", "gift")
# By kind: what one costs in won, minutes of work, how many are answered.
_COST = np.array([0, 9, 1_500, 9, 9, 3_000, 0, 9])
_MINUTES = np.array([0, 0, 1, 1, 0, 1, 6, 0])
_REPLY_RATE = np.array([0, 0, 0, 0.22, 0.05, 0.10, 0.30, 0.03])
_WIN_BACK_AFTER = 60 * clock.DAY


def touches(rng: Rng, order: Frame, customer_id: Any, order_id: Any, first: int) -> Columns:
    """Return the messages and gestures of a block in time order.

    Both arms of the parcel trial have a row (``assigned_variant`` gift or none). Check-ins go
    mostly to loyal customers, win-back messages to half of those who stayed away: neither changes
    anything, so whatever they seem to do is selection.
    """
    touch = stack(_kinds(rng, order))
    touch = rows(touch, touch["at"] < clock.END)
    touch = rows(touch, np.lexsort((touch["kind"], touch["order"], touch["at"])))
    n, kind = n_rows(touch), touch["kind"]
    given = touch["arm"] != 0
    replied = chance(rng, _REPLY_RATE[kind])
    reply_at = touch["at"] + spread_out(rng, 10 * clock.MINUTE, 2 * clock.DAY, n)
    return {
        "touch_id": ids.numbered("T", first + np.arange(n), 9),
        "customer_id": customer_id.take(order["who"][touch["order"]]),
        "kind": named(KINDS, kind),
        "at": clock.instants(touch["at"]),
        "order_id": order_id_of(order_id, np.where(kind == 7, -1, touch["order"])),
        "replied_at": clock.instants(reply_at, replied),
        "cost_amount": _COST[kind] * given,
        "minutes": _MINUTES[kind] * given,
        "assigned_variant": named(ARMS, touch["arm"]),
    }


def _kinds(rng: Rng, order: Frame) -> list[Frame]:
    n = len(order["at"])
    shipped, delivered, arrived = order["shipped_at"], order["delivered_at"], ~order["cancelled"]
    minute = spread_out(rng, 20, 20 * clock.MINUTE, n)
    away = order["at"] + _WIN_BACK_AFTER
    stays_away = (_next_order(order) > away) & chance(rng, 0.5, n)
    return [
        _sent(0, chance(rng, 0.97, n), order["at"] + 20),
        _sent(1, order["noticed"], shipped + minute),
        _sent(2, order["gift"] >= 0, shipped, order["gift"]),
        _sent(3, order["check_in"], delivered + 3 * clock.DAY + minute),
        _sent(4, arrived & chance(rng, 0.7, n), delivered + 5 * clock.DAY + minute),
        _sent(5, order["goodwill"] == 1, delivered + clock.DAY + minute),
        _sent(6, order["goodwill"] == 2, delivered + clock.DAY + minute),
        _sent(7, stays_away, away + minute),
    ]


def _sent(kind: int, which: Flags, at: clock.Seconds, arm: NDArray[Any] | None = None) -> Frame:
    order = np.flatnonzero(which)
    return {
        "kind": np.full(len(order), kind),
        "order": order,
        "at": at[order],
        "arm": np.full(len(order), -1) if arm is None else arm[order].astype(np.int64),
    }


def _next_order(order: Frame) -> clock.Seconds:
    """Return when the customer of each order orders again; `clock.END` and later is never."""
    by_customer = np.lexsort((order["at"], order["who"]))
    who, at = order["who"][by_customer], order["at"][by_customer]
    following = np.append(at[1:], clock.END)
    same = np.append(who[1:] == who[:-1], False)
    after = np.empty(len(at), np.int64)
    after[by_customer] = np.where(same, following, clock.END + _WIN_BACK_AFTER)
    return after
