"""Measure the planted truths of the sample shop straight from its files, without custmeasure.

Run as ``python tests/shop/sample_measures.py data/sample LARGE`` it prints the table of truths of
``data/README.md``: LARGE is a folder made at a large scale, whose figures are all but exact.
"""

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

DAY = pd.Timedelta(days=1)
STEPS = ("visit", "view_product", "add_to_cart", "begin_checkout", "purchase")


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    se: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the normal interval."""
        z = stats.norm.ppf(0.5 + confidence / 2)
        return self.value - z * self.se, self.value + z * self.se


def rate(hits: pd.Series | np.ndarray) -> Estimate:
    """Return the share of True with its standard error."""
    hits = np.asarray(hits, float)
    return Estimate(hits.mean(), np.sqrt(hits.mean() * (1 - hits.mean()) / len(hits)))


def rate_of(hits: pd.Series, unit: pd.Series) -> Estimate:
    """Return the share of True where a unit has several rows: its standard error is of units."""
    share = hits.mean()
    off = (hits - share).groupby(unit).sum()
    return Estimate(share, np.sqrt((off**2).sum()) / len(hits))


def mean(values: pd.Series) -> Estimate:
    """Return the mean with its standard error."""
    return Estimate(values.mean(), values.std() / np.sqrt(len(values)))


def minus(one: Estimate, other: Estimate) -> Estimate:
    """Return the difference of two independent estimates."""
    return Estimate(one.value - other.value, float(np.hypot(one.se, other.se)))


def weighted(parts: list[tuple[Estimate, int]]) -> Estimate:
    """Return the average of estimates in strata, weighted by the given sizes."""
    total = sum(n for _, n in parts)
    value = sum(part.value * n for part, n in parts) / total
    return Estimate(value, np.sqrt(sum((part.se * n) ** 2 for part, n in parts)) / total)


@lru_cache(maxsize=64)
def table(folder: Path, name: str, columns: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Read one table."""
    return pd.read_parquet(folder / f"{name}.parquet", columns=list(columns) if columns else None)


def seoul(at: pd.Series) -> pd.Series:
    """Return the instants on the shop's clock."""
    return at.dt.tz_convert("Asia/Seoul")


def day(text: str) -> pd.Timestamp:
    """Return the start of a day in Seoul."""
    return pd.Timestamp(text, tz="Asia/Seoul")


# Visits ---------------------------------------------------------------------------------------


@cache
def visits(folder: Path) -> pd.DataFrame:
    """Return one row a session: how many of the steps it reached, and its first product page."""
    names = ("session_id", "visitor_id", "at", "event", "page", "device", "channel", "customer_id")
    events = table(folder, "events", names)
    number = events["event"].map({step: i for i, step in enumerate(STEPS)})
    by = events.assign(number=number).groupby("session_id", sort=False)
    visit = by.agg(
        visitor_id=("visitor_id", "first"), at=("at", "min"), depth=("number", "max"),
        device=("device", "first"), channel=("channel", "first"),
        signed_in=("customer_id", "first"),
    )  # fmt: skip
    views = events[events["event"] == "view_product"]
    visit["page"] = views.groupby("session_id", sort=False)["page"].first()
    return visit.reset_index()


def step_rate(folder: Path, step: int, which: Callable[[pd.DataFrame], pd.Series]) -> Estimate:
    """Return the share of visits at ``step`` that reached the next one."""
    visit = visits(folder)
    there = visit[(visit["depth"] >= step) & which(visit)]
    return rate_of(there["depth"] > step, there["visitor_id"])


def checkout_rate(folder: Path, device: str) -> Estimate:
    """Return begin_checkout → purchase within a visit, on one device."""
    return step_rate(folder, 3, lambda v: v["device"] == device)


def checkout_change(folder: Path) -> Estimate:
    """Return how begin_checkout → purchase on mobile changed on 2026-06-01."""
    after = day("2026-06-01")
    rates = [
        step_rate(folder, 3, lambda v, side=side: (v["device"] == "mobile") & side(v["at"]))
        for side in (lambda at: at >= after, lambda at: at < after)
    ]
    return minus(*rates)


def cart_change(folder: Path) -> Estimate:
    """Return how view_product → add_to_cart of first visits changed on 2026-05-18."""
    first = visits(folder)["session_id"].str.endswith("-001")
    before = step_rate(folder, 1, lambda v: first & (v["at"] < day("2026-03-02")))
    after = step_rate(folder, 1, lambda v: first & (v["at"] >= day("2026-05-18")))
    return minus(after, before)


def poor_page(folder: Path) -> Estimate:
    """Return view_product → add_to_cart of /product/0109 less that of all other pages."""
    page = "/product/0109"
    rates = [
        step_rate(folder, 1, lambda v, keep=keep: keep(v["page"]))
        for keep in (lambda p: p == page, lambda p: p != page)
    ]
    return minus(*rates)


@cache
def furthest(folder: Path, window: pd.Timedelta = 7 * DAY) -> pd.DataFrame:
    """Return, for each visitor, how many steps the best attempt reached within the window."""
    events = table(folder, "events", ("visitor_id", "at", "event", "device"))
    number = events["event"].map({step: i for i, step in enumerate(STEPS)}).to_numpy()
    code, ids = pd.factorize(events["visitor_id"])
    at = events["at"].to_numpy("datetime64[us]").astype("int64")
    order = np.lexsort((number, at, code))
    depth = np.zeros(len(ids), int)
    limit, last, owner = window // pd.Timedelta(microseconds=1), [0] * 5, -1
    for who, when, step in zip(*(x[order].tolist() for x in (code, at, number)), strict=True):
        if who != owner:
            owner, last = who, [-1] * 5
        start = when if step == 0 else last[step - 1]
        if start >= 0 and when - start <= limit and start >= last[step]:
            last[step] = start
            depth[who] = max(depth[who], step)
    device = events.drop_duplicates("visitor_id").set_index("visitor_id")["device"]
    return pd.DataFrame({"depth": depth, "device": device.reindex(ids).to_numpy()})


def funnel_rate(folder: Path, step: int, device: str) -> Estimate:
    """Return the visitors' 7-day step rate (best attempt) on one device."""
    best = furthest(folder)
    there = best[(best["depth"] >= step) & (best["device"] == device)]
    return rate(there["depth"] > step)


def funnel_overall(folder: Path) -> Estimate:
    """Return the visitors' 7-day rate from visit to purchase."""
    return rate(furthest(folder)["depth"] == 4)


# Experiments ----------------------------------------------------------------------------------


@cache
def test_units(folder: Path, experiment: str) -> pd.DataFrame:
    """Return one row a unit that saw one variant only: its first exposure, converted in 7 days."""
    seen = table(folder, "exposures")
    seen = seen[seen["experiment"] == experiment]
    unit = seen.groupby("unit_id").agg(
        at=("at", "min"), variant=("variant", "first"), n_variants=("variant", "nunique")
    )
    events = table(folder, "events", ("visitor_id", "at", "event"))
    bought = events.loc[events["event"] == "purchase", ["visitor_id", "at"]]
    pairs = bought.merge(unit, left_on="visitor_id", right_index=True, suffixes=("_buy", ""))
    wait = pairs["at_buy"] - pairs["at"]
    ids = pairs.loc[(wait >= 0 * DAY) & (wait <= 7 * DAY), "visitor_id"]
    return unit.assign(converted=unit.index.isin(ids))


def copy_rate(folder: Path, experiment: str, variant: str) -> Estimate:
    """Return the 7-day conversion of one variant."""
    unit = test_units(folder, experiment)
    return rate(unit.loc[(unit["n_variants"] == 1) & (unit["variant"] == variant), "converted"])


def copy_effect(folder: Path, experiment: str) -> Estimate:
    """Return B less A in the 7-day conversion."""
    return minus(copy_rate(folder, experiment, "B"), copy_rate(folder, experiment, "A"))


def split(folder: Path, experiment: str) -> Estimate:
    """Return B's share of the units (planned: a half)."""
    unit = test_units(folder, experiment)
    return rate(unit.loc[unit["n_variants"] == 1, "variant"] == "B")


def crossover(folder: Path) -> Estimate:
    """Return the share of units that saw both variants, over the three tests."""
    seen = table(folder, "exposures")
    n_variants = seen.groupby(["experiment", "unit_id"])["variant"].nunique()
    return rate(n_variants.to_numpy() > 1)


def copy_days(folder: Path, experiment: str) -> Estimate:
    """Return B less A in the daily totals, standard error from the days."""
    total = table(folder, "copy_days")
    total = total[total["experiment"] == experiment]
    sides = []
    for variant in "BA":
        part = total[total["variant"] == variant]
        n, sold = part["n_visitors"].to_numpy(), part["n_conversions"].to_numpy()
        ratio = sold.sum() / n.sum()
        spread = np.sqrt(np.sum((sold - ratio * n) ** 2) * len(n) / (len(n) - 1)) / n.sum()
        sides.append(Estimate(ratio, spread))
    return minus(*sides)


# Customers who come back ------------------------------------------------------------------------


@cache
def reorders(folder: Path) -> pd.DataFrame:
    """Return the orders with what happened to them and whether another one came in 60 days."""
    order = table(folder, "orders").sort_values("at", kind="stable")
    by = order.groupby("customer_id")["at"]
    gap = by.shift(-1) - order["at"]
    promised = pd.to_datetime(order["promised_delivery_on"]).dt.tz_localize("Asia/Seoul")
    complaint = table(folder, "contacts").query("reason == 'complaint'")
    took = (complaint["resolved_at"] - complaint["at"]).set_axis(complaint["order_id"])
    promise = table(folder, "promises").query("kind != 'restock'").set_index("order_id")
    kept = promise["kept_at"] <= promise["promised_at"]
    joined = table(folder, "customers").set_index("customer_id")["joined_at"]
    old = order["customer_id"].map(joined < day("2025-11-01")).astype(bool)
    return order.assign(
        nth=by.cumcount() + 1 + 2 * old,
        again=gap <= 60 * DAY,
        mature=order["at"] <= day("2026-11-01") - 60 * DAY,
        late=order["delivered_at"] >= promised + DAY,
        arrived=order["delivered_at"].notna(),
        complaint=order["order_id"].isin(complaint["order_id"]),
        took=order["order_id"].map(took[~took.index.duplicated()]),
        kept=order["order_id"].map(kept[~kept.index.duplicated()]),
    )


def again(folder: Path, which: Callable[[pd.DataFrame], pd.Series]) -> Estimate:
    """Return the share of arrived orders that another one followed within 60 days."""
    order = reorders(folder)
    return rate(order.loc[order["mature"] & order["arrived"] & which(order), "again"])


def late_effect(folder: Path) -> Estimate:
    """Return late less in time, orders without a complaint."""
    calm = [lambda o, late=late: ~o["complaint"] & (o["late"] == late) for late in (True, False)]
    return minus(*(again(folder, which) for which in calm))


def complaint_effect(folder: Path, *, slow: bool) -> Estimate:
    """Return complaints settled slowly (over 24 h) or fast, less no complaint; parcels in time."""

    def with_one(o: pd.DataFrame) -> pd.Series:
        return ~o["late"] & o["complaint"] & ((o["took"] > DAY) == slow) & (o["kept"] != False)  # noqa: E712

    return minus(again(folder, with_one), again(folder, lambda o: ~o["late"] & ~o["complaint"]))


def promise_effect(folder: Path) -> Estimate:
    """Return broken less kept callback and refund promises."""
    sides = [lambda o, kept=kept: o["kept"].eq(kept) for kept in (False, True)]
    return minus(*(again(folder, side) for side in sides))


def gift_effect(folder: Path) -> Estimate:
    """Return gift less none, as tossed: the share of customers with another order in 60 days."""
    touch = table(folder, "touches").query("kind == 'parcel_gift'")
    order = reorders(folder).set_index("order_id")["again"]
    came = touch["order_id"].map(order).astype(bool)
    return minus(*(rate(came[touch["assigned_variant"] == arm]) for arm in ("gift", "none")))


def touched(folder: Path, kinds: tuple[str, ...], *, alike: bool) -> Estimate:
    """Return the 60-day reorder of touched less other orders, within equally loyal or not."""
    touch = table(folder, "touches")
    ids = touch.loc[touch["kind"].isin(kinds), "order_id"]
    order = reorders(folder).query("mature and arrived")
    order = order.assign(touched=order["order_id"].isin(ids))
    strata = [part for _, part in order.groupby(order["nth"].clip(upper=4))] if alike else [order]
    parts = [
        (minus(rate(part.loc[part["touched"], "again"]), rate(part.loc[~part["touched"], "again"])),
         int(part["touched"].sum()))
        for part in strata
    ]  # fmt: skip
    return weighted(parts)


def win_back(folder: Path, *, naive: bool) -> Estimate:
    """Return the orders in the 30 days after a win-back message; less those without, not naive."""
    order = reorders(folder)
    gap = order.groupby("customer_id")["at"].shift(-1) - order["at"]
    away = order[(order["at"] <= day("2026-11-01") - 91 * DAY) & ~(gap <= 60.1 * DAY)]
    came = gap[away.index] <= 90 * DAY
    sent = table(folder, "touches").query("kind == 'win_back'")[["customer_id", "at"]]
    pairs = away[["order_id", "customer_id", "at"]].merge(sent, on="customer_id")
    wait = pairs["at_y"] - pairs["at_x"]
    got = away["order_id"].isin(pairs.loc[(wait >= 60 * DAY) & (wait < 60.1 * DAY), "order_id"])
    return rate(came[got]) if naive else minus(rate(came[got]), rate(came[~got]))


@cache
def cohorts(folder: Path) -> pd.DataFrame:
    """Return the customers: month of the first order, ordered again in one of 3 months after."""
    order = table(folder, "orders", ("customer_id", "at"))
    at = seoul(order["at"]).dt
    month = at.year * 12 + at.month
    first = month.groupby(order["customer_id"]).transform("min")
    later = (month - first).between(1, 3)
    back = later.groupby(order["customer_id"]).any()
    return pd.DataFrame({"cohort": first.groupby(order["customer_id"]).first(), "back": back})


def cohort_rate(folder: Path, month: str) -> Estimate:
    """Return the share of a monthly cohort that ordered in one of the next three months."""
    number = int(month[:4]) * 12 + int(month[5:])
    customer = cohorts(folder)
    return rate(customer.loc[customer["cohort"] == number, "back"])


def cohort_gap(folder: Path) -> Estimate:
    """Return cohort 2026-02 less the cohorts 2026-01 and 2026-03 to 2026-07."""
    customer = cohorts(folder)
    number = customer["cohort"] - 2026 * 12
    usual = number.isin([1, 3, 4, 5, 6, 7])
    return minus(rate(customer.loc[number == 2, "back"]), rate(customer.loc[usual, "back"]))


# Contacts -----------------------------------------------------------------------------------------


@cache
def contacts(folder: Path) -> pd.DataFrame:
    """Return the contacts with whether an order followed within 3 days, a visit within 30."""
    contact = table(folder, "contacts").sort_values("at", kind="stable")
    contact = contact[contact["at"] <= day("2026-11-01") - 30 * DAY]
    order = table(folder, "orders", ("customer_id", "at")).sort_values("at", kind="stable")
    found = pd.merge_asof(
        contact, order.assign(next_at=order["at"]), on="at", by="customer_id",
        direction="forward", allow_exact_matches=False,
    )  # fmt: skip
    return found.assign(
        bought=(found["next_at"] - found["at"]) <= 3 * DAY,
        bought_30=(found["next_at"] - found["at"]) <= 30 * DAY,
        answered=found["first_reply_at"].notna(),
    )


def bought(folder: Path, reason: str, days: int = 3) -> Estimate:
    """Return the share of contacts that an order followed: what a naive report shows."""
    contact = contacts(folder)
    return rate(contact.loc[contact["reason"] == reason, "bought" if days == 3 else "bought_30"])


def answer_effect(folder: Path, reason: str, days: int = 3) -> Estimate:
    """Return answered less unanswered contacts of a reason: busy hours choose, not customers."""
    contact = contacts(folder)
    contact = contact[contact["reason"] == reason]
    column = "bought" if days == 3 else "bought_30"
    return minus(
        *(rate(contact.loc[contact["answered"] == side, column]) for side in (True, False))
    )


def answered(folder: Path, reason: str) -> Estimate:
    """Return the share of contacts that was answered."""
    contact = table(folder, "contacts")
    return rate(contact.loc[contact["reason"] == reason, "first_reply_at"].notna())


def refused_coupon(folder: Path) -> Estimate:
    """Return orders in 30 days after a refused coupon less after an answered coupon question."""
    return minus(bought(folder, "coupon_refused", 30), bought(folder, "coupon_question", 30))


def where_is_it(folder: Path, first: str, last: str) -> Estimate:
    """Return the share of orders followed by "where is my order" in a period."""
    order = table(folder, "orders")
    order = order[(order["at"] >= day(first)) & (order["at"] < day(last))]
    asked = table(folder, "contacts").query("reason == 'delivery_question'")["order_id"]
    return rate(order["order_id"].isin(asked))


def questions(folder: Path) -> Estimate:
    """Return product questions per visit since 2026-05-18 less before 2026-03-02."""
    asked = table(folder, "contacts").query("reason == 'product_question'")
    at, sides = visits(folder)["at"], []
    for first, last in (("2026-05-18", "2026-11-01"), ("2025-11-01", "2026-03-02")):
        mine = asked[asked["at"].between(day(first), day(last), "left")]
        total = at.between(day(first), day(last), "left").sum()
        by_customer = mine.groupby("customer_id").size()
        sides.append(Estimate(len(mine) / total, np.sqrt((by_customer**2).sum()) / total))
    return minus(*sides)


def asked_twice(folder: Path) -> Estimate:
    """Return the share of contacts about an order that the same question followed in 7 days."""
    contact = table(folder, "contacts").dropna(subset="order_id").sort_values("at", kind="stable")
    after = contact.groupby(["order_id", "reason"])["at"].shift(-1)
    return rate(after - contact["at"] <= 7 * DAY)


def serial_returners(folder: Path) -> Estimate:
    """Return the share of returns and exchanges by customers with two of them or more."""
    back = table(folder, "returns").query("kind != 'cancel'")
    order = table(folder, "orders").set_index("order_id")["customer_id"]
    who = back["order_id"].map(order)
    return rate(who.map(who.value_counts()) >= 2)


def pleased(folder: Path, agent: str) -> Estimate:
    """Return the share of an agent's ratings that are 4 or 5."""
    rated = table(folder, "contacts").dropna(subset="csat")
    return rate(rated.loc[rated["agent"] == agent, "csat"] >= 4)


# Returns, reviews, people -------------------------------------------------------------------------


def really_changed(folder: Path) -> Estimate:
    """Return the share of 단순변심 that is really that, where the reason was looked into."""
    back = table(folder, "returns").query("stated_reason == '단순변심'")
    return rate(back["found_reason"].dropna() == "단순변심")


def return_rate(folder: Path, *, poor: bool) -> Estimate:
    """Return the returned or exchanged share of orders whose first line is, or is not, 0103."""
    line = table(folder, "order_items").drop_duplicates("order_id")
    order = line[(line["product_id"] == "0103") == poor]
    back = table(folder, "returns").query("kind != 'cancel'")["order_id"]
    return rate(order["order_id"].isin(back))


def stars(folder: Path, column: str) -> Estimate:
    """Return the stars of late (or gift) orders less the others'."""
    order = reorders(folder)
    gift = table(folder, "touches").query("assigned_variant == 'gift'")["order_id"]
    flag = order["late"] if column == "late" else order["order_id"].isin(gift)
    flagged = set(order.loc[flag & ~order["complaint"], "order_id"])
    others = set(order.loc[~flag & ~order["complaint"], "order_id"])
    review = table(folder, "reviews")
    sides = [review.loc[review["order_id"].isin(ids), "rating"] for ids in (flagged, others)]
    return minus(*(mean(side) for side in sides))


def age_share(folder: Path, age: str) -> Estimate:
    """Return an age band's share of the customers who ordered and told their age."""
    buyers = table(folder, "orders", ("customer_id",))["customer_id"].unique()
    customer = table(folder, "customers").dropna(subset="age_band")
    return rate(customer.loc[customer["customer_id"].isin(buyers), "age_band"] == age)


def hour_share(folder: Path, age: str, hours: tuple[int, int]) -> Estimate:
    """Return the share of an age band's orders placed from one hour up to another."""
    age_of = table(folder, "customers").set_index("customer_id")["age_band"]
    order = table(folder, "orders", ("customer_id", "at"))
    hour = seoul(order["at"]).dt.hour[order["customer_id"].map(age_of) == age]
    return rate((hour >= hours[0]) & (hour < hours[1]))


def only_coupons(folder: Path) -> Estimate:
    """Return the share of customers with 3 or more orders who never paid the full price."""
    order = table(folder, "orders", ("customer_id", "coupon"))
    by = order.assign(used=order["coupon"].notna()).groupby("customer_id")["used"]
    return rate(by.all()[by.size() >= 3])


def loyal_referrers(folder: Path) -> Estimate:
    """Return the share of referrals whose referrer had two orders or more before."""
    brought = table(folder, "referrals").sort_values("at", kind="stable")
    order = table(folder, "orders", ("customer_id", "at")).rename(columns={"at": "ordered_at"})
    pairs = brought.reset_index().merge(order, left_on="referrer_id", right_on="customer_id")
    before = pairs[pairs["ordered_at"] < pairs["at"]].groupby("index").size()
    return rate(before.reindex(brought.index, fill_value=0) >= 2)


MEASURES: dict[str, tuple[str, Callable[[Path], Estimate]]] = {
    "funnel_visit_to_purchase": (
        "visitors who bought within 7 days of a visit (best attempt)",
        funnel_overall,
    ),
    "funnel_checkout_to_purchase_mobile": (
        "**the leaking step and device**: mobile visitors at begin_checkout who bought, 7 days",
        lambda f: funnel_rate(f, 3, "mobile"),
    ),
    "funnel_checkout_to_purchase_desktop": (
        "the same on desktop",
        lambda f: funnel_rate(f, 3, "desktop"),
    ),
    "visit_checkout_to_purchase_mobile": (
        "the same within one visit (`session_id`), mobile",
        lambda f: checkout_rate(f, "mobile"),
    ),
    "visit_checkout_to_purchase_desktop": (
        "the same within one visit, desktop",
        lambda f: checkout_rate(f, "desktop"),
    ),
    "new_mobile_checkout_change": (
        "mobile begin_checkout → purchase within a visit, since 2026-06-01 less before",
        checkout_change,
    ),
    "copy_b_for_all_change": (
        "first visits' view_product → add_to_cart, since 2026-05-18 less before 2026-03-02",
        cart_change,
    ),
    "poor_page_0109_diff": (
        "view_product → add_to_cart of /product/0109 less all other pages",
        poor_page,
    ),
    "detail_page_copy_rate_a": (
        "7-day conversion from the first exposure, copy A",
        lambda f: copy_rate(f, "detail_page_copy", "A"),
    ),
    "detail_page_copy_diff": (
        "**the effect of copy B**: B less A",
        lambda f: copy_effect(f, "detail_page_copy"),
    ),
    "headline_copy_rate_a": (
        "7-day conversion from the first exposure, headline A",
        lambda f: copy_rate(f, "headline_copy", "A"),
    ),
    "headline_copy_diff": (
        "**the null test**: B less A",
        lambda f: copy_effect(f, "headline_copy"),
    ),
    "free_shipping_banner_share_b": (
        "**the broken split**: B's share of the units, planned 0.5",
        lambda f: split(f, "free_shipping_banner"),
    ),
    "free_shipping_banner_false_diff": (
        "what the broken test would claim for B less A, though B does nothing",
        lambda f: copy_effect(f, "free_shipping_banner"),
    ),
    "crossover_units": (
        "units of the three tests that saw both variants",
        crossover,
    ),
    "smartstore_title_diff": (
        "`copy_days`: conversion on B days less A days",
        lambda f: copy_days(f, "smartstore_title"),
    ),
    "smartstore_thumbnail_diff": (
        "`copy_days`, null: B days less A days",
        lambda f: copy_days(f, "smartstore_thumbnail"),
    ),
    "cohort_2026_02_rate": (
        "customers whose first order was in 2026-02 and who ordered in one of the next 3 months",
        lambda f: cohort_rate(f, "2026-02"),
    ),
    "cohort_2026_02_diff": (
        "**the worse cohort**: that less the cohorts 2026-01 and 2026-03 to 2026-07",
        cohort_gap,
    ),
    "gift_diff": (
        "**the parcel gift**, as tossed: share with another order within 60 days, gift less none",
        gift_effect,
    ),
    "late_diff": (
        "another order within 60 days: late parcels less parcels in time (no complaint)",
        late_effect,
    ),
    "slow_complaint_diff": (
        "the same: complaint settled after 24 h less no complaint (in time, no promise broken)",
        lambda f: complaint_effect(f, slow=True),
    ),
    "fast_complaint_diff": (
        "the same: complaint settled within 24 h less no complaint",
        lambda f: complaint_effect(f, slow=False),
    ),
    "broken_promise_diff": (
        "the same: callback or refund promise broken less kept",
        promise_effect,
    ),
    "goodwill_diff": (
        "the same: goodwill coupon or favour less neither, among customers with as many orders",
        lambda f: touched(f, ("goodwill_coupon", "favour"), alike=True),
    ),
    "check_in_naive_diff": (
        "the same: check-in message less none, as a naive report shows it",
        lambda f: touched(f, ("check_in",), alike=False),
    ),
    "check_in_diff": (
        "**only selection**: the same among customers with as many orders; nothing is left",
        lambda f: touched(f, ("check_in",), alike=True),
    ),
    "win_back_naive_rate": (
        "orders within 30 days of a win-back message, as a naive report shows it",
        lambda f: win_back(f, naive=True),
    ),
    "win_back_diff": (
        "**only selection**: that less those who stayed away as long and got no message",
        lambda f: win_back(f, naive=False),
    ),
    "product_question_naive_rate": (
        'orders within 3 days of a product question: the naive "callers buy"',
        lambda f: bought(f, "product_question"),
    ),
    "product_question_answered_diff": (
        "**what an answer adds**: answered less unanswered product questions",
        lambda f: answer_effect(f, "product_question"),
    ),
    "restock_question_naive_rate": (
        "orders within 3 days of a restock question",
        lambda f: bought(f, "restock_question"),
    ),
    "restock_question_answered_diff": (
        "**only selection**: answered less unanswered restock questions",
        lambda f: answer_effect(f, "restock_question"),
    ),
    "delivery_question_naive_rate_30d": (
        'orders within 30 days of "where is my order"',
        lambda f: bought(f, "delivery_question", 30),
    ),
    "delivery_question_answered_diff_30d": (
        "**only selection**: answered less unanswered",
        lambda f: answer_effect(f, "delivery_question", 30),
    ),
    "coupon_refused_diff_30d": (
        "orders within 30 days: coupon refused less coupon question answered",
        refused_coupon,
    ),
    "answered_product_question": (
        "product questions that got a reply",
        lambda f: answered(f, "product_question"),
    ),
    "answered_return_request": (
        "return requests that got a reply (second tries included)",
        lambda f: answered(f, "return_request"),
    ),
    "where_is_it_before_notices": (
        'orders followed by "where is my order", 2026-01-01 to 2026-03-31',
        lambda f: where_is_it(f, "2026-01-01", "2026-04-01"),
    ),
    "where_is_it_after_notices": (
        "the same 2026-04-01 to 2026-08-31, with shipping notices",
        lambda f: where_is_it(f, "2026-04-01", "2026-09-01"),
    ),
    "product_questions_change": (
        "product questions per visit, since 2026-05-18 less before 2026-03-02",
        questions,
    ),
    "asked_twice": (
        "contacts about an order that came again within 7 days",
        asked_twice,
    ),
    "csat_agent_a03": (
        "ratings of 4 or 5 for agent A03, the best",
        lambda f: pleased(f, "A03"),
    ),
    "csat_agent_a04": (
        "ratings of 4 or 5 for agent A04, the worst",
        lambda f: pleased(f, "A04"),
    ),
    "really_change_of_mind": (
        "share of stated 단순변심 that is really that, where looked into",
        really_changed,
    ),
    "return_rate_0103": (
        "orders led by product 0103 that came back or were exchanged",
        lambda f: return_rate(f, poor=True),
    ),
    "return_rate_others": (
        "orders led by any other product",
        lambda f: return_rate(f, poor=False),
    ),
    "serial_returners_share": (
        "returns and exchanges by customers with two or more of them",
        serial_returners,
    ),
    "late_stars_diff": (
        "stars of late orders less others (no complaint)",
        lambda f: stars(f, "late"),
    ),
    "gift_stars_diff": (
        "stars of orders with a gift less others (no complaint)",
        lambda f: stars(f, "gift"),
    ),
    "age_20s_share": (
        "buyers of known age who are in their 20s; the target says 0.35",
        lambda f: age_share(f, "20s"),
    ),
    "age_40s_share": (
        "buyers of known age who are in their 40s; the target says 0.15",
        lambda f: age_share(f, "40s"),
    ),
    "orders_21_to_24_by_20s": (
        "orders of the 20s placed from 21 to 24 o'clock",
        lambda f: hour_share(f, "20s", (21, 24)),
    ),
    "orders_06_to_10_by_50s": (
        "orders of the 50s+ placed from 6 to 10 o'clock",
        lambda f: hour_share(f, "50s+", (6, 10)),
    ),
    "only_with_coupon": (
        "customers with 3 or more orders who never ordered without a coupon",
        only_coupons,
    ),
    "loyal_referrers": (
        "referrals whose referrer had ordered twice or more before",
        loyal_referrers,
    ),
}


def row(name: str, here: Estimate, there: Estimate) -> str:
    """Return a measure's row of the table in ``data/README.md``."""
    low, high = here.interval()
    return (
        f"| `{name}` | {MEASURES[name][0]} | {there.value:.4f} ± {there.se:.4f} "
        f"| {here.value:.4f} | {low:.4f} to {high:.4f} |"
    )


def main(small: Path, large: Path) -> None:
    """Print the table of truths."""
    for name, (_, measure) in MEASURES.items():
        print(row(name, measure(small), measure(large)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
