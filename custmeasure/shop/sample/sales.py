"""Customers, orders, their lines and their returns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from custmeasure.shop.sample import aftersale, clock, ids, words
from custmeasure.shop.sample.draw import (
    Flags,
    Frame,
    Rng,
    chance,
    choose,
    cumulated,
    rows,
    spread_out,
    stack,
)
from custmeasure.shop.sample.files import Columns, named, only
from custmeasure.shop.sample.truths import Truths

_PRODUCTS = cumulated([product.weight for product in words.PRODUCTS])
_PRICE = np.array([product.price for product in words.PRODUCTS])
_STATED = cumulated([0.56, 0.17, 0.09, 0.13, 0.05])
# What lies behind a stated 단순변심 that is none: words.FOUND_REASONS 1 to 3; then for the product
# whose page promises another taste.
_BEHIND = cumulated([(0.42, 0.38, 0.20), (0.15, 0.75, 0.10)])
# The found reason that says the same as a stated one.
_SAME = np.array([0, 4, 5, 6, 7])
_FOUND_RATE = 0.62
_STATED_LATE = words.STATED_REASONS.index("배송지연")


def number_customers(people: Frame, ends: Frame, first: int) -> Frame:
    """Give the customers of a block their numbers from ``first`` on, in the order in which they joined.

    Returns
    -------
    Frame
        One row a visitor: ``number`` (-1 is no customer), ``guest`` and ``joined_at``.
    """
    who = np.flatnonzero(ends["known_at"] < clock.END)
    who = who[np.argsort(ends["known_at"][who], kind="stable")]
    number = np.full(len(people["visitor"]), -1)
    number[who] = first + np.arange(len(who))
    return {"number": number, "guest": ends["guest"], "joined_at": ends["known_at"]}


def customers(rng: Rng, people: Frame, customer: Frame) -> Columns:
    """Return the customers of a block; a guest never told anything about herself."""
    who = np.flatnonzero(customer["number"] >= 0)
    who = who[np.argsort(customer["number"][who])]
    guest = customer["guest"][who]
    told = ~guest & chance(rng, 0.9, len(who))
    return {
        "customer_id": ids.customers(customer["number"][who], guest),
        "joined_at": clock.instants(customer["joined_at"][who], ~guest),
        "age_band": only(named(clock.AGES, people["age"][who]), told),
        "gender": only(named(words.GENDERS, people["gender"][who]), told),
        "region": only(named(words.REGIONS, people["region"][who]), ~guest),
        "channel": named(words.CHANNELS, people["channel"][who]),
    }


def price(rng: Rng, order: Frame) -> tuple[Frame, Frame]:
    """Draw the lines of each order and add up its amounts.

    Returns
    -------
    lines, amounts
        One row a line (``order``, ``product``, ``quantity``, ``amount``), in the order of orders;
        one row an order (``amount``, ``discount``, ``main`` of its first line, ``cost``).
    """
    lines = _lines(rng, order)
    n = len(order["at"])
    amount = np.bincount(lines["order"], lines["amount"], n)
    share = np.array([off for _, off, _ in words.COUPONS])[order["coupon"]]
    won = np.array([off for _, _, off in words.COUPONS])[order["coupon"]]
    discount = np.minimum(np.floor(amount * share / 10) * 10 + won, amount)
    cost = np.round(amount * (0.42 + 0.08 * rng.random(n)) + 2_500, -1)
    main = lines["amount"][lines["main"]]
    return lines, {"amount": amount, "discount": discount, "main": main, "cost": cost}


def _lines(rng: Rng, order: Frame) -> Frame:
    n = len(order["at"])
    any_product = np.zeros(n, np.int64)
    second, third = (choose(rng, _PRODUCTS, any_product) for _ in range(2))
    main = order["product"]
    has_second = chance(rng, 0.38, n) & (second != main)
    has_third = chance(rng, 0.12, n) & (third != main) & (third != second)
    parts = ((main, np.ones(n, bool)), (second, has_second), (third, has_third))
    lines = stack([_line(rng, number, *part) for number, part in enumerate(parts)])
    return rows(lines, np.argsort(lines["order"], kind="stable"))


def _line(rng: Rng, number: int, product: NDArray[np.int64], has: Flags) -> Frame:
    order = np.flatnonzero(has)
    quantity = 1 + chance(rng, 0.22, len(order)) + chance(rng, 0.05, len(order))
    return {
        "order": order,
        "product": product[order],
        "quantity": quantity,
        "amount": quantity * _PRICE[product[order]],
        "main": np.full(len(order), number == 0),
    }


def refund(rng: Rng, order: Frame, amounts: Frame, truths: Truths) -> Frame:
    """Draw the cancels, returns and exchanges: one row an order, times at `clock.END` are never."""
    n = len(order["at"])
    asked = order["delivered_at"] + spread_out(rng, 2 * clock.HOUR, 5 * clock.DAY, n)
    sent_back = asked + spread_out(rng, clock.HOUR, 20 * clock.HOUR, n)
    cancelled_at = order["at"] + spread_out(rng, clock.HOUR, 20 * clock.HOUR, n)
    kept = spread_out(rng, 0.5 * clock.DAY, aftersale.REFUND_PROMISE, n)
    broken = spread_out(rng, aftersale.REFUND_PROMISE + clock.HOUR, 9 * clock.DAY, n)
    paid_back = np.where(order["broken"], broken, kept)
    happened = order["returned"] | order["cancelled"]
    at = np.where(order["cancelled"], cancelled_at, sent_back)
    paid = amounts["amount"] - amounts["discount"]
    main = np.floor(amounts["main"] * paid / amounts["amount"])
    return {
        "asked_at": np.where(order["returned"], asked, clock.END),
        "at": np.where(happened, at, clock.END),
        "kind": np.select([order["cancelled"], order["exchange"]], [2, 1], 0),
        "settled_at": np.where(order["cancelled"], cancelled_at, sent_back + paid_back),
        "amount": np.select([order["cancelled"], order["exchange"]], [paid, 0], main),
        **_reasons(rng, order, truths),
    }


def _reasons(rng: Rng, order: Frame, truths: Truths) -> Frame:
    n = len(order["at"])
    stated = choose(rng, _STATED, np.zeros(n, np.int64)).astype(np.int64)
    other = 1 + choose(rng, _BEHIND, (order["product"] == words.POOR_PRODUCT).astype(int))
    hides = (stated == 0) & ~chance(rng, truths.really_change_of_mind_rate, n)
    found = np.where(hides, other, _SAME[stated])
    looked_into = ~order["cancelled"] & chance(rng, _FOUND_RATE, n)
    late = chance(rng, 0.2, n) * _STATED_LATE
    return {
        "stated": np.where(order["cancelled"], late, stated),
        "found": np.where(looked_into, found, -1),
    }


def orders(order: Frame, amounts: Frame, back: Frame, order_id: Any, customer_id: Any) -> Columns:
    """Return the orders: what has not happened by the year's end is not in them."""
    arrives = ~order["cancelled"]
    repaid = (back["at"] < clock.END) & (back["settled_at"] < clock.END) & (back["amount"] > 0)
    shipped, delivered = (
        arrives & (order[name] < clock.END) for name in ("shipped_at", "delivered_at")
    )
    status = np.select([repaid & ~arrives, repaid, delivered, shipped], [0, 1, 2, 3], 4)
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "at": clock.instants(order["at"]),
        "amount": amounts["amount"],
        "status": named(("cancelled", "refunded", "delivered", "shipped", "paid"), status),
        "discount_amount": amounts["discount"],
        "refund_amount": np.where(repaid, back["amount"], 0),
        "refunded_at": clock.instants(back["settled_at"], repaid),
        "cost_amount": amounts["cost"],
        "coupon": named(tuple(code for code, _, _ in words.COUPONS), order["coupon"]),
        "channel": named(words.CHANNELS, order["channel"]),
        "is_guest": order["guest"],
        "promised_ship_on": clock.days(order["promised_ship_day"]),
        "shipped_at": clock.instants(order["shipped_at"], shipped),
        "promised_delivery_on": clock.days(order["promised_day"]),
        "delivered_at": clock.instants(order["delivered_at"], delivered),
    }


def order_items(lines: Frame, order_id: Any) -> Columns:
    """Return the lines of the orders."""
    return {
        "order_id": order_id.take(lines["order"]),
        "product_id": named(tuple(p.product_id for p in words.PRODUCTS), lines["product"]),
        "product_name": named(tuple(p.name for p in words.PRODUCTS), lines["product"]),
        "quantity": lines["quantity"],
        "amount": lines["amount"],
    }


def returns(order: Frame, back: Frame, order_id: Any, first: int) -> Columns:
    """Return the returns, exchanges and cancels, numbered from ``first``."""
    which = np.flatnonzero(back["at"] < clock.END)
    which = which[np.argsort(back["at"][which], kind="stable")]
    back = rows(back, which)
    product = named(tuple(p.product_id for p in words.PRODUCTS), order["product"][which])
    return {
        "return_id": ids.numbered("R", first + np.arange(len(which)), 7),
        "order_id": order_id.take(which),
        "at": clock.instants(back["at"]),
        "kind": named(words.RETURN_KINDS, back["kind"]),
        "stated_reason": named(words.STATED_REASONS, back["stated"]),
        "found_reason": named(words.FOUND_REASONS, back["found"]),
        "product_id": only(product, back["kind"] < 2),
        "amount": back["amount"],
    }
