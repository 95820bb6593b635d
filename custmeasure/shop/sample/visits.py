"""What visitors do: visit after visit, in which each earlier one decides what comes next.

All visitors of a block make their first visit together, then those who return make their second,
and so on until nobody has a visit left in the year. So every planted effect acts where it does in
a real shop: a late parcel lowers the chance that this customer comes back, and nothing else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from custmeasure.shop.sample import clock, words
from custmeasure.shop.sample.aftersale import buy, comes_back, days_until_next
from custmeasure.shop.sample.draw import (
    Flags,
    Frame,
    Rng,
    around,
    chance,
    choose,
    cumulated,
    rows,
    shifted,
    spread_out,
    stack,
)
from custmeasure.shop.sample.truths import (
    COPY_B_FOR_ALL,
    DETAIL_PAGE_COPY,
    NEW_MOBILE_CHECKOUT,
    SUMMER_REELS,
    VALENTINE,
    Truths,
)

_PRODUCTS = cumulated([product.weight for product in words.PRODUCTS])
_CATEGORY = np.array([words.CATEGORIES.index(product.category) for product in words.PRODUCTS])
# After a visit that sold nothing: how likely another one soon, by how far this one came.
_RETURN_RATE = np.array([0.10, 0.20, 0.38, 0.48])
_QUESTION_RATE = np.array([0.06, 0.22, 0.38, 0.44])
_QUESTION_KINDS = cumulated([0.74, 0.10, 0.10, 0.06])


class Year(NamedTuple):
    """A block's year: one row a visit, an order, a question before buying, a visitor."""

    visits: Frame
    orders: Frame
    questions: Frame
    ends: Frame


def live(rng: Rng, people: Frame, truths: Truths) -> Year:
    """Let the visitors of a block live through the year."""
    state = _start(people)
    visits, orders, questions = [], [], []
    while (who := np.flatnonzero(state["next_at"] < clock.END)).size:
        visit = _visit(rng, people, state, who, truths)
        bought = visit["depth"] == words.PURCHASE
        visits.append(visit)
        orders.append(_order(rng, people, state, rows(visit, bought), truths))
        questions.append(_leave(rng, people, state, rows(visit, ~bought), truths))
    return Year(stack(visits), stack(orders), stack(questions), state)


def _start(people: Frame) -> Frame:
    old = people["old_customer"]
    n = len(old)
    return {
        "next_at": people["first_at"].copy(),
        "n_visits": np.zeros(n, np.int64),
        "n_orders": np.where(old, 2, 0),
        "known": old.copy(),
        "known_at": np.where(old, people["joined_at"], clock.END),
        "first_order_at": np.where(old, people["joined_at"], clock.END),
        "gift_arm": np.full(n, -1, np.int8),
        "sure": np.zeros(n, bool),
        "guest": np.zeros(n, bool),
    }


def _visit(rng: Rng, people: Frame, state: Frame, who: NDArray[np.int64], truths: Truths) -> Frame:
    """Make the next visit of ``who``: where from, how far, and when each step happens."""
    n = len(who)
    at = state["next_at"][who]
    known = state["known"][who]
    visit = {
        "who": who,
        "number": state["n_visits"][who],
        "at": at,
        "channel": _channel(rng, people["channel"][who], state["n_visits"][who], known),
        "device": people["device"][who],
        "product": choose(rng, _PRODUCTS, np.zeros(n, np.int64)),
        "n_views": 1 + chance(rng, 0.35, n) + chance(rng, 0.15, n),
        "copy": _copy_seen(people["arm"][who, 0], at),
        "signed_in": known & chance(rng, 0.85, n),
    }
    visit["campaign"] = _campaign(rng, visit["channel"], at)
    visit["step_at"] = _step_times(rng, at)
    passed = rng.random((n, 4)) < _step_chances(visit, state["n_orders"][who] > 0, truths)
    passed[state["sure"][who]] = True
    in_time = visit["step_at"][:, 1:] < clock.END
    visit["depth"] = (passed & in_time).cumprod(axis=1).sum(axis=1)
    state["n_visits"][who] += 1
    state["sure"][who] = False
    return visit


def _channel(
    rng: Rng, first: NDArray[np.int64], number: NDArray[np.int64], known: Flags
) -> NDArray[np.int64]:
    """Return the channel of each visit: the first one again, direct, or a Kakao message."""
    dice = rng.random(len(first))
    later = np.where(dice < 0.5, first, np.where((dice < 0.7) & known, words.KAKAO, words.DIRECT))
    return np.where(number == 0, first, later).astype(np.int64)


def _campaign(rng: Rng, channel: NDArray[np.int64], at: clock.Seconds) -> NDArray[np.int64]:
    """Return the campaign of each visit, a code of `words.CAMPAIGNS`."""
    some = chance(rng, 0.4, len(at))
    instagram = channel == words.INSTAGRAM
    cases = [
        instagram & clock.between(at, *VALENTINE),
        instagram & clock.between(at, *SUMMER_REELS),
        (channel == words.NAVER_SHOPPING) & some,
        (channel == words.NAVER_SEARCH) & some,
        channel == words.KAKAO,
        channel == words.REFERRAL,
    ]
    return np.select(cases, np.arange(1, 7), 0).astype(np.int64)


def _copy_seen(arm: NDArray[np.int8], at: clock.Seconds) -> NDArray[np.int8]:
    """Return which copy the detail page shows: 0 is A, 1 is B; B for all after the test."""
    in_test = clock.between(at, *DETAIL_PAGE_COPY)
    return np.where(in_test, arm, at >= clock.day_no(COPY_B_FOR_ALL) * clock.DAY).astype(np.int8)


def _step_times(rng: Rng, at: clock.Seconds) -> clock.Seconds:
    """Return when each of the five steps would happen, one row a visit."""
    gaps = [spread_out(rng, *ends, len(at)) for ends in ((8, 90), (40, 480), (15, 240), (50, 320))]
    return np.column_stack([at, *gaps]).cumsum(axis=1)


def _step_chances(visit: Frame, loyal: Flags, truths: Truths) -> NDArray[np.float64]:
    """Return the chance of each step after the visit itself, given the one before."""
    view = np.take(truths.view_rate, visit["channel"])
    cart = (
        truths.copy_b_cart_logit * visit["copy"]
        + truths.instagram_cart_logit * (visit["channel"] == words.INSTAGRAM)
        + truths.poor_page_cart_logit * (visit["product"] == words.POOR_PAGE)
    )
    mobile = visit["device"] == words.DEVICES.index("mobile")
    newer = visit["at"] >= clock.day_no(NEW_MOBILE_CHECKOUT) * clock.DAY
    purchase = np.take(truths.purchase_rate, visit["device"])
    steps = (
        view,
        shifted(truths.cart_rate, cart),
        np.full(len(loyal), truths.checkout_rate),
        shifted(purchase, truths.new_mobile_checkout_logit * (mobile & newer)),
    )
    more = zip(steps, truths.loyal_logit, strict=True)
    return np.column_stack([shifted(step, logit * loyal) for step, logit in more])


def _order(rng: Rng, people: Frame, state: Frame, visit: Frame, truths: Truths) -> Frame:
    """Turn the visits that bought into orders, and decide when these customers come back."""
    who = visit["who"]
    new = state["first_order_at"][who] == clock.END
    at = visit["step_at"][:, words.PURCHASE]
    state["first_order_at"][who[new]] = at[new]
    state["guest"][who] |= people["guest"][who] & ~state["known"][who]
    _get_known(state, who, at)
    state["n_orders"][who] += 1
    order = buy(rng, people, state, visit, new, truths)
    again = comes_back(rng, people, state, order, truths)
    gap = days_until_next(rng, _CATEGORY[order["product"]]) * clock.DAY
    after = np.maximum(at + gap, order["delivered_at"] + clock.DAY // 2).astype(np.int64)
    state["next_at"][who] = np.where(again, _at_a_good_hour(rng, people, who, after), clock.END)
    return order


def _leave(rng: Rng, people: Frame, state: Frame, visit: Frame, truths: Truths) -> Frame:
    """Let the visits that sold nothing end: some ask a question, some return in a few days."""
    who, depth = visit["who"], visit["depth"]
    n, ended = len(who), visit["step_at"][np.arange(len(who)), depth] + clock.MINUTE
    signs_up = chance(rng, np.where(depth >= words.CART, 0.015, 0.001))
    asks = chance(rng, _question_rate(visit, state["known"][who], truths))
    _get_known(state, who[signs_up | asks], ended[signs_up | asks])
    back = chance(rng, shifted(_RETURN_RATE[depth], 1.7 * (state["n_orders"][who] > 0)))
    gap = np.maximum(around(rng, 1.4, 1.0, n) * clock.DAY, 1_800).astype(np.int64)
    later = _at_a_good_hour(rng, people, who, ended + gap)
    next_at = np.where(gap < clock.DAY // 2, ended + gap, later)
    state["next_at"][who] = np.where(back, np.maximum(next_at, ended + 1_800), clock.END)
    return _ask(rng, state, rows(visit, asks), ended[asks], truths)


def _question_rate(visit: Frame, known: Flags, truths: Truths) -> NDArray[np.float64]:
    """Return the chance of a question: mostly from known customers, less often after copy B."""
    answered_by_page = np.where(visit["copy"] == 1, truths.copy_b_questions_times, 1.0)
    return np.asarray(
        _QUESTION_RATE[visit["depth"]] * np.where(known, 1.0, 0.02) * answered_by_page
    )


def _ask(rng: Rng, state: Frame, visit: Frame, at: clock.Seconds, truths: Truths) -> Frame:
    """Let some ask: an answered product question sells by itself, a refused coupon drives away."""
    who, n = visit["who"], len(at)
    reason = choose(rng, _QUESTION_KINDS, np.zeros(n, np.int64))
    answered = chance(rng, answered_rate(at, truths))
    reply_at = clock.opening(at) + (around(rng, 25, 0.9, n) * clock.MINUTE).astype(np.int64) + 20
    helped = (reason == words.QUESTION) & answered & chance(rng, truths.answered_question_rate, n)
    soon = reply_at + spread_out(rng, 1_200, 20 * clock.HOUR, n)
    state["next_at"][who[helped]] = np.minimum(soon, clock.END)[helped]
    state["sure"][who[helped]] = True
    gone = (reason == words.COUPON_REFUSED) & chance(rng, truths.coupon_refused_rate, n)
    state["next_at"][who[gone]] = clock.END
    return {
        "who": who, "at": at, "reason": reason, "answered": answered, "reply_at": reply_at,
    }  # fmt: skip


def answered_rate(at: clock.Seconds, truths: Truths) -> NDArray[np.float64]:
    """Return the chance that a contact is answered: lower at lunch and on Mondays."""
    lunch = (at % clock.DAY) // clock.HOUR == 12
    busy = lunch | (clock.weekday(at // clock.DAY) == 0)
    return np.where(busy, truths.answered_rate_busy, truths.answered_rate)


def _get_known(state: Frame, who: NDArray[np.int64], at: clock.Seconds) -> None:
    fresh = ~state["known"][who]
    state["known"][who[fresh]] = True
    state["known_at"][who[fresh]] = at[fresh]


def _at_a_good_hour(
    rng: Rng, people: Frame, who: NDArray[np.int64], at: clock.Seconds
) -> clock.Seconds:
    """Move instants to a day and an hour at which these people shop, not before ``at``'s day."""
    day = clock.shopping_day(rng, at // clock.DAY)
    return clock.moment(rng, day, people["age"][who])
