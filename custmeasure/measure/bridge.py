"""Why is this not the number in my admin page?

From everything ordered to what the shop keeps, step by step: gross, less discounts, less cancelled
orders, less refunds, is net. Each step stands by the day of the order and, where the table has
``paid_at``, by the day of the payment; people are counted with each guest checkout as a new buyer
and with guests of the same id (or ``person_id``, where an export tells it) as one. Admin pages differ
in exactly these choices, so the admin's number is usually found on one of the lines.

Frame, one row a basis and line: ``basis, line, n_orders, n_buyers, n_buyers_each_guest, amount``
(what the line adds or takes away) and ``running_amount`` (what is left after it).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable, Readable, Table, as_table, query
from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.result import Result, missing_verdict
from custmeasure.show.words import Text, Verdict

LINES = ("gross", "discounts", "cancels", "refunds", "net")
BASES = {"order_date": "at", "payment_date": "paid_at"}
NEAR = 0.001  # an admin page rounds; one in a thousand is the same number

_TOTALS = """
    WITH inside AS (
        SELECT *, coalesce(amount, 0) AS gross, coalesce(discount, 0) AS less_discount,
               coalesce(refund, 0) AS less_refund, coalesce(status, '') = 'cancelled' AS cancelled,
               CASE WHEN coalesce(is_guest, false) THEN order_id ELSE customer END AS checkout,
               coalesce(person, customer) AS buyer
        FROM orders
        WHERE ($first IS NULL OR moment >= CAST($first AS TIMESTAMPTZ))
              AND ($last IS NULL OR moment <= CAST($last AS TIMESTAMPTZ)))
    SELECT line, count(*) AS n_orders, count(DISTINCT buyer) AS n_buyers,
           count(DISTINCT checkout) AS n_buyers_each_guest, coalesce(sum(worth), 0) AS amount
    FROM (
        SELECT 'gross' AS line, buyer, checkout, gross AS worth FROM inside
        UNION ALL SELECT 'discounts', buyer, checkout, -less_discount FROM inside
            WHERE less_discount <> 0
        UNION ALL SELECT 'cancels', buyer, checkout, -less_refund FROM inside WHERE cancelled
        UNION ALL SELECT 'refunds', buyer, checkout, -less_refund FROM inside
            WHERE NOT cancelled AND less_refund <> 0
        UNION ALL SELECT 'net', buyer, checkout, net_amount(amount, discount, refund) FROM inside
            WHERE NOT cancelled)
    GROUP BY line"""


@dataclass(frozen=True, eq=False, repr=False)
class BridgeResult(Result):
    """From gross to net, line by line; see the module for the columns."""

    name: ClassVar[str] = "bridge"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "basis", "line", "n_orders", "n_buyers", "n_buyers_each_guest", "amount", "running_amount",
    )  # fmt: skip
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {"amount": fmt.money}

    def headline(self, lang: Lang | None = None) -> str:
        """Return gross and net, or which line is the admin's number."""
        return self.reason.in_(lang)


def bridge(
    orders: Readable,
    *,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    admin_amount: float | None = None,
) -> BridgeResult:
    """Add up the orders of a period from gross to net, and find the admin page's number.

    Parameters
    ----------
    orders
        The shop's orders; ``paid_at``, an extra column, adds the lines by the day of payment.
    start, end
        The first and the last day, both included.
    admin_amount
        The sales that the admin page shows for the same days, in the shop's currency.

    Returns
    -------
    BridgeResult
        The verdict is ``no_difference`` when a line equals the admin's number to one in a thousand,
        and ``cannot_tell`` otherwise.

    Raises
    ------
    UsageError
        For a day that cannot be read, or an amount below 0.
    """
    if admin_amount is not None and not admin_amount >= 0:
        raise UsageError(
            ko=f"admin_amount {admin_amount}: 0 이상의 금액이어야 합니다.",
            en=f"admin_amount {admin_amount} must be an amount of 0 or more.",
        )
    first, last = dates.parse_span(start, end)
    table = as_table(orders)
    if isinstance(table, MissingTable):
        empty = pd.DataFrame(columns=list(BridgeResult.COLUMNS))
        return BridgeResult(empty, {}, verdict=missing_verdict(table.name))
    bases = {basis: column for basis, column in BASES.items() if column in table.columns}
    parts = [_lines(table, basis, column, first, last) for basis, column in bases.items()]
    frame = pd.concat(parts, ignore_index=True)
    currency = table.currency or "KRW"
    return BridgeResult(
        frame,
        {
            "start": first,
            "end": last,
            "timezone": table.timezone,
            "currency": currency,
            "engine": table.engine,
        },
        _notes(frame, bases),
        verdict=_verdict(frame, admin_amount, currency),
    )


def _lines(
    table: Table, basis: str, column: str, first: dt.date | None, last: dt.date | None
) -> pd.DataFrame:
    rows = table.pick(
        order_id=("order_id", "text"), customer=("customer_id", "text"),
        moment=(column, "instant"), amount=("amount", "number"),
        discount=("discount_amount", "number?"), refund=("refund_amount", "number?"),
        status=("status", "text?"), is_guest=("is_guest", "flag?"), person=("person_id", "text?"),
    )  # fmt: skip
    span = {
        "first": dates.day_start(first, table.timezone).isoformat() if first else None,
        "last": dates.day_end(last, table.timezone).isoformat() if last else None,
    }
    totals = query(_TOTALS, span, orders=rows).to_pandas().set_index("line")
    lines = totals.reindex(list(LINES)).fillna(0).rename_axis("line").reset_index()
    counts = ["n_orders", "n_buyers", "n_buyers_each_guest"]
    lines[counts] = lines[counts].astype("int64")
    lines["running_amount"] = lines["amount"].where(lines["line"] != "net", 0).cumsum()
    return pd.DataFrame(lines.assign(basis=basis)[list(BridgeResult.COLUMNS)])


def _notes(frame: pd.DataFrame, bases: Mapping[str, str]) -> tuple[Text, ...]:
    notes = []
    net = frame[frame["line"] == "net"].iloc[0]
    if net["n_buyers"] != net["n_buyers_each_guest"]:
        notes.append(Text(
            f"비회원 주문을 매번 새 고객으로 세면 산 사람이 {net['n_buyers_each_guest']:,}명, "
            f"같은 비회원을 하나로 세면 {net['n_buyers']:,}명입니다.",
            f"Counting each guest checkout as a new buyer gives {net['n_buyers_each_guest']:,} "
            f"buyers; counting the same guest once gives {net['n_buyers']:,}.",
        ))  # fmt: skip
    if "payment_date" not in bases:
        notes.append(Text(
            "결제일(paid_at) 열이 없어 주문일로만 셌습니다.",
            "There is no column paid_at, so days are those of the order, not of the payment.",
        ))  # fmt: skip
    return tuple(notes)


def _verdict(frame: pd.DataFrame, admin_amount: float | None, currency: str) -> Verdict:
    if admin_amount is None:
        own = frame[frame["basis"] == frame["basis"].iloc[0]]
        left = dict(zip(own["line"], own["running_amount"].astype(float), strict=True))
        gross, net = left["gross"], left["refunds"]
        said = {lang: [fmt.money(x, lang, currency) for x in (gross, net)] for lang in LANGUAGES}
        reason = Text(
            f"주문한 금액은 {said['ko'][0]}, 할인·취소·환불을 뺀 순매출은 {said['ko'][1]}입니다. "
            "관리자 화면의 금액을 admin_amount에 적으면 어느 줄인지 찾아 줍니다.",
            f"{said['en'][0]} was ordered; after discounts, cancels and refunds {said['en'][1]} "
            "remains. Write your admin page's number as admin_amount to find its line.",
        )
        return Verdict("cannot_tell", reason, code="NO_ADMIN_NUMBER")
    return _found(frame[frame["line"] != "net"], admin_amount, currency)


def _found(frame: pd.DataFrame, admin_amount: float, currency: str) -> Verdict:
    """Say which running amount lies nearest to the admin's number."""
    away = (frame["running_amount"] - admin_amount).abs()
    row = frame.iloc[int(away.to_numpy().argmin())]
    same = bool(away.min() <= NEAR * max(admin_amount, 1))
    said = {lang: _said(row, admin_amount, currency, lang) for lang in LANGUAGES}
    if same:
        reason = Text(
            f"관리자 화면의 금액은 {said['ko'][0]}입니다.",
            f"Your admin's number is {said['en'][0]}.",
        )
        return Verdict("no_difference", reason)
    reason = Text(
        f"관리자 화면의 금액과 같은 줄이 없습니다. 가장 가까운 것은 {said['ko'][0]}이고 "
        f"차이는 {said['ko'][1]}입니다. 기간과 빠진 주문을 확인하십시오.",
        f"No line equals your admin's number. The nearest is {said['en'][0]}; the gap is "
        f"{said['en'][1]}. Check the period and orders that are missing.",
    )
    return Verdict("cannot_tell", reason, code="NO_MATCH")


def _said(row: pd.Series, admin_amount: float, currency: str, lang: Lang) -> tuple[str, str]:
    line = value_label(f"after_{row['line']}", lang)
    basis = value_label(str(row["basis"]), lang)
    gap = fmt.money_change(float(row["running_amount"]) - admin_amount, lang, currency)
    amount = fmt.money(float(row["running_amount"]), lang, currency)
    return f"{line} ({basis}) {amount}", gap
