"""The table contract: what tables a shop has, what columns they have, and what type each is.

Every id is text exactly as delivered, every ``_at`` an instant in UTC, every ``_on`` and ``day`` a day,
every ``n_`` a whole number. Columns beyond the contract stay available as segments, as text.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "instant", "day", "number", "count", "flag"]


@dataclass(frozen=True)
class Column:
    """One column of the contract: its name, type, and whether a table must have it."""

    name: str
    kind: Kind
    required: bool = False


def _table(required: str, optional: str = "") -> tuple[Column, ...]:
    """Read ``"order_id:text at:instant"`` into columns; text is the type when none is named."""
    columns = []
    for words, must in ((required, True), (optional, False)):
        for word in words.split():
            name, _, kind = word.partition(":")
            columns.append(Column(name, kind or "text", must))  # type: ignore[arg-type]
    return tuple(columns)


TABLES: dict[str, tuple[Column, ...]] = {
    "events": _table(
        "visitor_id at:instant event",
        "event_id customer_id session_id page channel campaign device variant",
    ),
    "orders": _table(
        "order_id customer_id at:instant amount:number",
        "status discount_amount:number refund_amount:number refunded_at:instant cost_amount:number "
        "coupon channel is_guest:flag promised_ship_on:day shipped_at:instant "
        "promised_delivery_on:day delivered_at:instant",
    ),
    "order_items": _table("order_id product_id", "product_name quantity:number amount:number"),
    "customers": _table("customer_id", "joined_at:instant age_band gender region channel"),
    "exposures": _table("experiment unit_id variant at:instant"),
    "copy_days": _table(
        "experiment day:day variant n_visitors:count n_conversions:count", "revenue_amount:number"
    ),
    "copy_tests": _table(
        "experiment variant n_units:count n_conversions:count", "ended_on:day tags title"
    ),
    "contacts": _table(
        "contact_id customer_id at:instant reason",
        "channel order_id first_reply_at:instant resolved_at:instant reopened:flag "
        "handle_minutes:number fault csat:number nps:number agent",
    ),
    "returns": _table(
        "return_id order_id at:instant kind stated_reason", "found_reason product_id amount:number"
    ),
    "reviews": _table("review_id at:instant rating:number", "customer_id order_id product_id text"),
    "touches": _table(
        "touch_id customer_id kind at:instant",
        "order_id replied_at:instant cost_amount:number minutes:number assigned_variant",
    ),
    "promises": _table(
        "promise_id customer_id kind promised_at:instant", "kept_at:instant order_id"
    ),
    "referrals": _table("referrer_id referred_id at:instant"),
    "spend": _table("day:day kind amount:number", "channel"),
}

# The columns that name one row; two rows with the same key are the same row delivered twice.
KEYS: dict[str, str] = {
    "events": "event_id",
    "orders": "order_id",
    "customers": "customer_id",
    "contacts": "contact_id",
    "returns": "return_id",
    "reviews": "review_id",
    "touches": "touch_id",
    "promises": "promise_id",
}

# The column whose instants date a table, and so say how far its data reach.
CLOCKS: dict[str, str] = {
    name: next(c.name for c in columns if c.kind in ("instant", "day"))
    for name, columns in TABLES.items()
    if any(c.kind in ("instant", "day") and c.required for c in columns)
}
