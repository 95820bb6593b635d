"""What was said: contacts, promises, reviews and referrals."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from custmeasure.shop.sample import aftersale, clock, ids, words
from custmeasure.shop.sample.draw import (
    Flags,
    Frame,
    Rng,
    around,
    chance,
    choose,
    cumulated,
    n_rows,
    rows,
    spread_out,
    stack,
)
from custmeasure.shop.sample.files import Columns, named, only
from custmeasure.shop.sample.truths import Truths

_AGENTS = cumulated([0.31, 0.28, 0.22, 0.16, 0.03])
_PLEASED_RATE = np.array([0.74, 0.76, 0.88, 0.58, 0.75])  # csat of 4 or 5, by agent
_CONTACT_CHANNELS = cumulated([0.34, 0.36, 0.22, 0.08])
# By words.REASONS: minutes until the first reply, answered share, minutes of work.
_REPLY_MINUTES = np.array([25, 30, 25, 30, 45, 60, 190, 20])
_ANSWERED_RATE = np.array([0, 0, 0, 0, 0.90, 1.00, 0.74, 0.92])
_HANDLE_MINUTES = np.array([6, 4, 4, 7, 5, 14, 9, 5])
_RESTOCK_KEPT_RATE = 0.65


def contacts(rng: Rng, questions: Frame, order: Frame, back: Frame) -> Frame:
    """Draw all contacts of a block in time order: questions before and after buying.

    Returns
    -------
    Frame
        One row a contact; ``order`` is the row of its order, -1 when it is about none.
    """
    n = len(order["at"])
    shipped, late = order["shipped_at"], order["late"]
    wonders = np.where(late, (order["promised_day"] + 1) * clock.DAY, shipped) + spread_out(
        rng, 4 * clock.HOUR, 18 * clock.HOUR, n
    )
    arrived = order["delivered_at"] + spread_out(rng, clock.HOUR, 3 * clock.DAY, n)
    changes = order["cancelled"] & chance(rng, 0.5, n)
    soon = order["at"] + spread_out(rng, 10 * clock.MINUTE, clock.HOUR, n)
    parts = [
        _before(questions),
        _after(rng, order, words.WHERE_IS_IT, order["asks_where"], wonders),
        _after(rng, order, words.COMPLAINT, order["complaint"], arrived),
        _after(rng, order, words.RETURN_REQUEST, order["returned"], back["asked_at"]),
        _after(rng, order, words.ORDER_CHANGE, changes, soon),
    ]
    contact = stack(parts)
    contact = stack([contact, _tries_again(rng, contact)])
    contact = rows(contact, contact["at"] < clock.END)
    return rows(contact, np.lexsort((contact["reason"], contact["who"], contact["at"])))


def _before(questions: Frame) -> Frame:
    n = n_rows(questions)
    columns = {name: questions[name] for name in ("who", "at", "answered", "reply_at")}
    return columns | {
        "reason": questions["reason"].astype(np.int64),
        "order": np.full(n, -1),
        "fault": np.full(n, -1),
        "resolved_at": questions["reply_at"] + 10 * clock.MINUTE,
        "again": np.zeros(n, bool),
    }


def _after(rng: Rng, order: Frame, reason: int, asks: Flags, at: clock.Seconds) -> Frame:
    which = np.flatnonzero(asks)
    n, at = len(which), at[which]
    reply = (around(rng, _REPLY_MINUTES[reason], 0.8, n) * clock.MINUTE).astype(np.int64) + 20
    reply += clock.opening(at) - at
    work = (around(rng, 90, 1.0, n) * clock.MINUTE).astype(np.int64)
    complaint = reason == words.COMPLAINT
    took = order["resolution"][which] if complaint else reply + work
    return {
        "who": order["who"][which],
        "at": at,
        "answered": chance(rng, _ANSWERED_RATE[reason], n),
        "reply_at": at + np.minimum(reply, took // 2),
        "reason": np.full(n, reason),
        "order": which,
        "fault": order["fault"][which].astype(np.int64) if complaint else np.full(n, -1),
        "resolved_at": at + took,
        "again": np.zeros(n, bool),
    }


def _tries_again(rng: Rng, contact: Frame) -> Frame:
    """Return a second contact of some who had no answer about their order, within two days."""
    left_alone = ~contact["answered"] & (contact["order"] >= 0)
    second = rows(contact, left_alone & chance(rng, 0.5, n_rows(contact)))
    n = n_rows(second)
    later = spread_out(rng, 4 * clock.HOUR, 2 * clock.DAY, n)
    moved = {name: second[name] + later for name in ("at", "reply_at", "resolved_at")}
    return second | moved | {"answered": np.ones(n, bool), "again": np.ones(n, bool)}


def contact_columns(
    rng: Rng, contact: Frame, customer_id: Any, order_id: Any, first: int
) -> Columns:
    """Return the contacts with who answered, how long it took and what the customer said."""
    n, answered = n_rows(contact), contact["answered"]
    agent = choose(rng, _AGENTS, np.zeros(n, np.int64))
    quick = contact["resolved_at"] - contact["at"] <= clock.DAY
    pleased = chance(rng, _PLEASED_RATE[agent] - 0.25 * ~quick)
    told = answered & chance(rng, 0.38, n)
    score = np.where(pleased, rng.integers(4, 6, n), rng.integers(1, 4, n))
    would = np.where(pleased, rng.integers(7, 11, n), rng.integers(0, 8, n))
    minutes = np.round(around(rng, _HANDLE_MINUTES[contact["reason"]], 0.5, n), 1)
    return {
        "contact_id": ids.numbered("C", first + np.arange(n), 8),
        "customer_id": customer_id.take(contact["who"]),
        "at": clock.instants(contact["at"]),
        "reason": named(words.REASONS, contact["reason"]),
        "channel": named(words.CONTACT_CHANNELS, choose(rng, _CONTACT_CHANNELS, 0 * agent)),
        "order_id": order_id_of(order_id, contact["order"]),
        "first_reply_at": clock.instants(contact["reply_at"], answered),
        "resolved_at": clock.instants(contact["resolved_at"], answered),
        "reopened": answered & chance(rng, np.where(quick, 0.08, 0.20)),
        "handle_minutes": np.where(answered, minutes, np.nan),
        "fault": named(words.FAULTS, contact["fault"]),
        "csat": np.where(told, score, np.nan),
        "nps": np.where(told & chance(rng, 0.5, n), would, np.nan),
        "agent": only(named(words.AGENTS, agent), answered),
    }


def order_id_of(order_id: Any, row: NDArray[np.int64]) -> Any:
    """Return the order's id of each row number, null for -1."""
    if not len(order_id):
        return only(ids.digits(np.zeros(len(row)), 1), row >= 0)
    return only(order_id.take(np.maximum(row, 0)), row >= 0)


def promises(
    rng: Rng, contact: Frame, order: Frame, back: Frame, customer_id: Any, order_id: Any, first: int
) -> Columns:
    """Return the promises that are due by the year's end; ``promised_at`` is when they are due.

    Callbacks within a day, refunds within three, and goods back in stock. Ship and delivery
    promises stand in ``orders``.
    """
    promise = stack([
        _callbacks(rng, contact, order),
        _refunds(order, back),
        _restocks(rng, contact),
    ])  # fmt: skip
    promise = rows(promise, promise["due_at"] < clock.END)
    promise = rows(promise, np.lexsort((promise["kind"], promise["who"], promise["due_at"])))
    return {
        "promise_id": ids.numbered("P", first + np.arange(n_rows(promise)), 7),
        "customer_id": customer_id.take(promise["who"]),
        "kind": named(("callback", "refund", "restock"), promise["kind"]),
        "promised_at": clock.instants(promise["due_at"]),
        "kept_at": clock.instants(promise["kept_at"]),
        "order_id": order_id_of(order_id, promise["order"]),
    }


def _callbacks(rng: Rng, contact: Frame, order: Frame) -> Frame:
    about = contact["order"]
    if not len(order["at"]):
        return _promise(rows(contact, about > len(about)), 0, np.empty(0, int), np.empty(0, int))
    first = (contact["reason"] == words.COMPLAINT) & ~contact["again"]
    mine = first & order["callback"][np.maximum(about, 0)]
    asked = rows(contact, mine)
    n, broken = n_rows(asked), order["broken"][about[mine]]
    kept = asked["at"] + spread_out(rng, clock.HOUR, aftersale.CALLBACK_PROMISE, n)
    too_late = (
        asked["at"] + aftersale.CALLBACK_PROMISE + spread_out(rng, clock.HOUR, 3 * clock.DAY, n)
    )
    never = broken & chance(rng, 0.6, n)
    kept_at = np.select([never, broken], [clock.END, too_late], kept)
    return _promise(asked, 0, asked["at"] + aftersale.CALLBACK_PROMISE, kept_at)


def _refunds(order: Frame, back: Frame) -> Frame:
    which = np.flatnonzero(order["refund"] & (back["at"] < clock.END))
    asked = {"who": order["who"][which], "order": which}
    due_at = back["at"][which] + aftersale.REFUND_PROMISE
    return _promise(asked, 1, due_at, back["settled_at"][which])


def _restocks(rng: Rng, contact: Frame) -> Frame:
    asked = rows(contact, contact["reason"] == words.RESTOCK)
    n = n_rows(asked)
    due = asked["at"] + spread_out(rng, 5 * clock.DAY, 14 * clock.DAY, n)
    kept = chance(rng, _RESTOCK_KEPT_RATE, n)
    off = spread_out(rng, clock.HOUR, 3 * clock.DAY, n)
    return _promise(asked, 2, due, np.where(kept, due - off, due + off))


def _promise(asked: Frame, kind: int, due_at: clock.Seconds, kept_at: clock.Seconds) -> Frame:
    return {
        "who": asked["who"],
        "order": asked["order"],
        "kind": np.full(len(due_at), kind),
        "due_at": due_at,
        "kept_at": kept_at,
    }


def reviews(
    rng: Rng, order: Frame, customer_id: Any, order_id: Any, first: int, truths: Truths
) -> Columns:
    """Return the reviews: late parcels cost stars, a gift earns some and makes people write."""
    n = len(order["at"])
    gift = order["gift"] == 1
    writes = ~order["cancelled"] & chance(rng, 0.17 + 0.05 * gift)
    at = order["delivered_at"] + spread_out(rng, clock.DAY, 12 * clock.DAY, n)
    stars = 4.3 + truths.late_rating * order["late"] + truths.gift_rating * gift
    stars += -1.2 * order["complaint"] - 0.4 * (order["product"] == words.POOR_PRODUCT)
    rating = np.clip(np.round(stars + 0.8 * rng.standard_normal(n)), 1, 5).astype(np.int64)
    text = 3 * (rating - 1) + rng.integers(0, 3, n)
    which = np.flatnonzero(writes & (at < clock.END))
    which = which[np.argsort(at[which], kind="stable")]
    silent = chance(rng, 0.25, len(which))
    texts = tuple(sentence for three in words.REVIEW_TEXTS for sentence in three)
    products = tuple(product.product_id for product in words.PRODUCTS)
    return {
        "review_id": ids.numbered("V", first + np.arange(len(which)), 7),
        "at": clock.instants(at[which]),
        "rating": rating[which],
        "customer_id": customer_id.take(order["who"][which]),
        "order_id": order_id.take(which),
        "product_id": named(products, order["product"][which]),
        "text": named(texts, np.where(silent, -1, text[which])),
    }


def referrals(rng: Rng, people: Frame, order: Frame, customer_id: Any) -> Columns:
    """Return who brought whom: 70 % of the referrers had ordered twice before they did."""
    new = np.flatnonzero(
        (order["n_orders"] == 1) & (people["channel"][order["who"]] == words.REFERRAL)
    )
    new = new[chance(rng, 0.8, len(new))]
    at, referred = order["at"][new], order["who"][new]
    loyal = chance(rng, 0.7, len(new))
    pools = [_referrer(rng, order, times, at) for times in (1, 2)]
    referrer = np.where(loyal, pools[1], pools[0])
    known = np.flatnonzero((referrer >= 0) & (referrer != referred))
    return {
        "referrer_id": customer_id.take(referrer[known]),
        "referred_id": customer_id.take(referred[known]),
        "at": clock.instants(at[known]),
    }


def _referrer(rng: Rng, order: Frame, n_orders: int, at: clock.Seconds) -> NDArray[np.int64]:
    """Draw, for each instant, a customer whose ``n_orders``-th order was before it (-1: nobody)."""
    pool = np.flatnonzero((order["n_orders"] == n_orders) & ~order["late"] & ~order["complaint"])
    n_before = np.searchsorted(order["at"][pool], at)
    if not len(pool):
        return np.full(len(at), -1)
    pick = pool[(rng.random(len(at)) * n_before).astype(np.int64).clip(0, len(pool) - 1)]
    return np.where(n_before > 0, order["who"][pick], -1)
