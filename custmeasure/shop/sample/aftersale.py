"""What happens to an order: coupon, parcel, gift, complaint, return, and whether they come back."""

import numpy as np
from numpy.typing import NDArray

from custmeasure.shop.sample import clock, words
from custmeasure.shop.sample.draw import (
    Flags,
    Frame,
    Rng,
    around,
    chance,
    choose,
    cumulated,
    spread_out,
)
from custmeasure.shop.sample.truths import (
    BUSY_WEEKS,
    PARCEL_GIFT,
    SHIPPING_NOTICES,
    WORSE_COHORT,
    Truths,
)

_PACKED_FROM = 14 * clock.HOUR
REFUND_PROMISE = 3 * clock.DAY
CALLBACK_PROMISE = clock.DAY

# Whose fault a complaint is (words.FAULTS), for parcels in time and late ones.
_FAULTS = cumulated([(0.36, 0.34, 0.04, 0.26), (0.04, 0.32, 0.56, 0.08)])


def buy(rng: Rng, people: Frame, state: Frame, visit: Frame, new: Flags, truths: Truths) -> Frame:
    """Make the orders of visits that bought, and all that will happen to each of them."""
    who, n = visit["who"], len(visit["who"])
    order = {name: visit[name] for name in ("who", "channel", "product")}
    order |= {
        "at": visit["step_at"][:, words.PURCHASE],
        "n_orders": state["n_orders"][who],
        "guest": state["guest"][who],
        "region": people["region"][who],
        "cancelled": chance(rng, 0.03, n),
    }
    order["coupon"] = _coupon(rng, people["deal_seeker"][who], new, order["at"])
    order["gift"] = _gift(rng, state, order)
    order |= _parcel(rng, order, truths)
    order |= _trouble(rng, order, people["serial_returner"][who], truths)
    order |= _care(rng, order, truths)
    return order


def _coupon(rng: Rng, deal_seeker: Flags, new: Flags, at: clock.Seconds) -> NDArray[np.int64]:
    """Return the coupon of each order, a code of `words.COUPONS`."""
    half = new & clock.between(at, *WORSE_COHORT)
    rate = np.select([deal_seeker, half, new], [0.92, 0.65, 0.35], 0.14)
    later = np.where(chance(rng, 0.6, len(at)), words.KAKAO_COUPON, words.REGULAR_COUPON)
    code = np.select([half, new], [words.HALF_PRICE, words.WELCOME], later)
    return np.where(chance(rng, rate), code, 0).astype(np.int64)


def _gift(rng: Rng, state: Frame, order: Frame) -> NDArray[np.int8]:
    """Toss a coin for the parcel gift, once a customer: 1 gift, 0 none, -1 not in the trial."""
    who = order["who"]
    enters = clock.between(order["at"], *PARCEL_GIFT) & (state["gift_arm"][who] < 0)
    arm = np.where(enters & ~order["cancelled"], rng.integers(0, 2, len(who)), -1)
    state["gift_arm"][who] = np.maximum(state["gift_arm"][who], arm)
    return arm.astype(np.int8)


def _parcel(rng: Rng, order: Frame, truths: Truths) -> Frame:
    """Ship and deliver: late is after the promised day, half of it because shipped late."""
    at, n = order["at"], len(order["at"])
    day = at // clock.DAY
    busy = np.any([clock.between(at, *weeks) for weeks in BUSY_WEEKS], axis=0)
    rate = truths.late_rate * (1 + busy) + 0.08 * (order["region"] >= words.FAR_REGION)
    late = chance(rng, rate) & ~order["cancelled"]
    slow = late & chance(rng, 0.5, n)
    ship_day = day + (at % clock.DAY >= _PACKED_FROM) + 2 * slow
    shipped = ship_day * clock.DAY + spread_out(rng, _PACKED_FROM, 18 * clock.HOUR, n)
    on_time_day = ship_day + 1 + chance(rng, 0.4, n)
    late_day = np.maximum(day + 3 + rng.geometric(0.45, n), ship_day + 1)
    hours = spread_out(rng, 9 * clock.HOUR, 21 * clock.HOUR, n)
    return {
        "late": late,
        "promised_ship_day": day + 1,
        "shipped_at": shipped,
        "promised_day": day + 3,
        "delivered_at": np.where(late, late_day, on_time_day) * clock.DAY + hours,
    }


def _trouble(rng: Rng, order: Frame, serial: Flags, truths: Truths) -> Frame:
    """Draw questions about the parcel, complaints, returns, and the promises made about them."""
    n, late, arrived = len(order["at"]), order["late"], ~order["cancelled"]
    notices = order["at"] >= clock.day_no(SHIPPING_NOTICES) * clock.DAY
    asks = np.take(truths.where_is_it_rate, late.astype(int))
    complaint = arrived & chance(rng, 0.035 + 0.10 * late)
    poor = order["product"] == words.POOR_PRODUCT
    rate = np.where(poor, truths.poor_product_return_rate, truths.return_rate)
    returned = arrived & chance(rng, np.where(serial, truths.serial_return_rate, rate))
    exchange = returned & chance(rng, 0.25, n)
    callback, refund = complaint & chance(rng, 0.5, n), returned & ~exchange
    broken = chance(rng, 0.28, n)
    return {
        "asks_where": arrived & chance(rng, asks * np.where(notices, truths.notice_where_is_it_times, 1)),
        "complaint": complaint,
        "resolution": (around(rng, 18, 0.9, n) * clock.HOUR).astype(np.int64) + clock.HOUR,
        "fault": choose(rng, _FAULTS, late.astype(int)),
        "returned": returned,
        "exchange": exchange,
        "callback": callback,
        "refund": refund,
        "broken": broken & (callback | refund),
    }  # fmt: skip


def _care(rng: Rng, order: Frame, truths: Truths) -> Frame:
    """Draw what the shop does for the customer afterwards; loyal customers get more of it."""
    loyal = order["n_orders"] >= 3
    arrived = ~order["cancelled"]
    noticed = np.where(
        order["at"] >= clock.day_no(SHIPPING_NOTICES) * clock.DAY, *truths.notice_rate[::-1]
    )
    kindness = chance(rng, np.where(loyal, 0.10, 0.04)) & arrived
    return {
        "goodwill": kindness * rng.integers(1, 3, len(loyal)),
        "check_in": chance(rng, np.where(loyal, 0.60, 0.15)) & arrived,
        "noticed": chance(rng, noticed) & arrived,
    }


def comes_back(rng: Rng, people: Frame, state: Frame, order: Frame, truths: Truths) -> Flags:
    """Decide who comes back, from the planted points of everything that happened."""
    who = order["who"]
    nth = np.minimum(order["n_orders"], len(truths.comeback_rate)) - 1
    slow = order["resolution"] > clock.DAY
    points = (
        truths.worse_cohort_points * clock.between(state["first_order_at"][who], *WORSE_COHORT)
        + truths.gift_points * (order["gift"] == 1)
        + truths.late_points * order["late"]
        + truths.slow_complaint_points * (order["complaint"] & slow)
        + truths.fast_complaint_points * (order["complaint"] & ~slow)
        + truths.broken_promise_points * order["broken"]
        + truths.goodwill_points * (order["goodwill"] > 0)
        + truths.deal_seeker_points * people["deal_seeker"][who]
        + truths.guest_points * order["guest"]
        + truths.referred_points * (people["channel"][who] == words.REFERRAL)
    )
    return chance(rng, np.clip(np.take(truths.comeback_rate, nth) + points, 0.03, 0.95))


def days_until_next(rng: Rng, category: NDArray[np.int64]) -> NDArray[np.float64]:
    """Draw how many days the parcel lasts, by its category."""
    return around(rng, np.take(words.CATEGORY_DAYS, category), 0.5, len(category))
