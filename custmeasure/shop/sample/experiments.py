"""The tests: who saw which variant, daily totals of a page that is not split, tests of earlier years."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from custmeasure.shop.sample import clock, ids, words
from custmeasure.shop.sample.draw import Flags, Frame, Rng, chance, rows, spread_out, stack
from custmeasure.shop.sample.files import Columns, named
from custmeasure.shop.sample.plans import title_days
from custmeasure.shop.sample.truths import (
    DETAIL_PAGE_COPY,
    FREE_SHIPPING_BANNER,
    HEADLINE_COPY,
    SMARTSTORE_THUMBNAIL,
    SMARTSTORE_TITLE,
    Truths,
)

EXPERIMENTS = ("detail_page_copy", "headline_copy", "free_shipping_banner")
DAY_EXPERIMENTS = ("smartstore_title", "smartstore_thumbnail")
_PERIODS = (DETAIL_PAGE_COPY, HEADLINE_COPY, FREE_SHIPPING_BANNER)
_VISITORS_A_DAY = 220

# Kinds of copy, and the tests of earlier years: name, last day, kinds of A, kinds of B.
TAGS = ("benefit_first", "proof", "price_first", "number", "question", "comparison")
PAST_TESTS: tuple[tuple[str, str, str, str], ...] = (
    ("home_title_2024_09", "2024-09-29", "", "benefit_first"),
    ("beans_page_2024_11", "2024-11-17", "question", "proof"),
    ("gift_page_2024_12", "2024-12-15", "", "price_first"),
    ("kakao_message_2025_01", "2025-01-26", "", "number"),
    ("drip_bag_page_2025_02", "2025-02-23", "price_first", "benefit_first"),
    ("home_title_2025_03", "2025-03-23", "", "question"),
    ("cold_brew_page_2025_04", "2025-04-20", "", "proof number"),
    ("subscription_page_2025_05", "2025-05-18", "question", "benefit_first proof"),
    ("capsule_page_2025_05", "2025-05-25", "", "comparison"),
    ("first_order_mail_2025_06", "2025-06-22", "number", "benefit_first"),
    ("beans_page_2025_06", "2025-06-29", "price_first", "proof"),
    ("summer_banner_2025_07", "2025-07-27", "", "price_first number"),
    ("cold_brew_page_2025_08", "2025-08-17", "comparison", "benefit_first"),
    ("grinder_page_2025_08", "2025-08-31", "", "comparison proof"),
    ("home_title_2025_09", "2025-09-21", "question", "price_first"),
    ("gift_page_2025_10", "2025-10-12", "", "benefit_first number"),
)
_PAST_RATE = 0.13


def exposures(rng: Rng, visits: Frame, people: Frame, truths: Truths) -> Columns:
    """Return a row for each visit that saw a variant, so a visitor may have several.

    The detail page is seen at ``view_product``, headline and banner at the visit. The banner's B
    loses rows: it loads late, so most visitors who leave at once are gone before it is logged.
    """
    view = visits["depth"] >= words.VIEW
    everybody = np.ones(len(view), bool)
    logged = ~_lost(rng, visits, people, truths)
    seen = stack([
        _seen(visits, people, 0, view, words.VIEW),
        _seen(visits, people, 1, everybody, words.VISIT),
        _seen(visits, people, 2, logged, words.VISIT),
    ])  # fmt: skip
    seen = stack([seen, _crossing(rng, seen, truths)])
    seen = rows(seen, np.lexsort((seen["experiment"], seen["visitor"], seen["at"])))
    return {
        "experiment": named(EXPERIMENTS, seen["experiment"]),
        "unit_id": ids.visitors(seen["visitor"]),
        "variant": named(words.VARIANTS, seen["variant"]),
        "at": clock.instants(seen["at"]),
    }


def _seen(visits: Frame, people: Frame, test: int, which: Flags, step: int) -> Frame:
    at = visits["step_at"][:, step]
    which = which & clock.between(at, *_PERIODS[test])
    who = visits["who"][which]
    return {
        "experiment": np.full(len(who), test),
        "visitor": people["visitor"][who],
        "variant": people["arm"][who, test],
        "at": at[which],
    }


def _lost(rng: Rng, visits: Frame, people: Frame, truths: Truths) -> Flags:
    """Say which visits lost their row: variant B of the banner, gone at once."""
    b = people["arm"][visits["who"], EXPERIMENTS.index("free_shipping_banner")] == 1
    gone = visits["depth"] == words.VISIT
    return chance(rng, truths.banner_b_lost_rate * (b & gone))


def _crossing(rng: Rng, seen: Frame, truths: Truths) -> Frame:
    """Return a second row, with the other variant, for the few who lost their cookie."""
    crossing = rows(seen, chance(rng, truths.crossover_rate, len(seen["at"])))
    last = np.array([(clock.day_no(last) + 1) * clock.DAY - 1 for _, last in _PERIODS])
    later = crossing["at"] + spread_out(rng, clock.HOUR, 2 * clock.DAY, len(crossing["at"]))
    at = np.minimum(later, last[crossing["experiment"]])
    return crossing | {"variant": 1 - crossing["variant"], "at": at}


def copy_days(rng: Rng, scale: float, truths: Truths) -> Columns:
    """Return the daily totals of two tests on a SmartStore page.

    The title's days follow the stored plan; the thumbnail's copies simply took turns.
    """
    tests = (
        (0, SMARTSTORE_TITLE, truths.title_rates),
        (1, SMARTSTORE_THUMBNAIL, truths.thumbnail_rates),
    )
    total = stack([_days(rng, scale, *test) for test in tests])
    return {
        "experiment": named(DAY_EXPERIMENTS, total["experiment"]),
        "day": clock.days(total["day"]),
        "variant": named(words.VARIANTS, total["variant"]),
        "n_visitors": total["n_visitors"],
        "n_conversions": total["n_conversions"],
        "revenue_amount": total["revenue"],
    }


def _days(
    rng: Rng, scale: float, test: int, period: tuple[str, str], rates: tuple[float, float]
) -> Frame:
    day = np.arange(clock.day_no(period[0]), clock.day_no(period[1]) + 1)
    variant = (day - day[0]) % 2
    if period == SMARTSTORE_TITLE:
        variant = np.array([words.VARIANTS.index(name) for name in title_days()])
    usual = clock.day_weights()[day] * clock.N_DAYS * _VISITORS_A_DAY * scale
    visitors = rng.poisson(usual * np.exp(0.08 * rng.standard_normal(len(day))))
    sold = rng.binomial(visitors, np.take(rates, variant))
    won: NDArray[Any] = np.round(sold * 27_400 * np.exp(0.1 * rng.standard_normal(len(day))), -1)
    return {
        "experiment": np.full(len(day), test), "day": day, "variant": variant,
        "n_visitors": visitors, "n_conversions": sold, "revenue": won,
    }  # fmt: skip


def copy_tests(rng: Rng, scale: float, truths: Truths) -> Columns:
    """Return the totals of the tests of earlier years, two rows a test, with the kinds of each copy."""
    effect = dict(zip(TAGS, truths.tag_effects, strict=True))
    size = rng.integers(1200, 5200, len(PAST_TESTS))
    base = _PAST_RATE * np.exp(0.1 * rng.standard_normal(len(PAST_TESTS)))
    own = truths.tag_spread * rng.standard_normal(len(PAST_TESTS))
    kinds = [tags for _, _, a, b in PAST_TESTS for tags in (a, b)]
    worth = np.array([sum(effect[tag] for tag in tags.split()) for tags in kinds]).reshape(-1, 2)
    worth[:, 1] += own
    n = rng.poisson(np.repeat(size * scale, 2).reshape(-1, 2)) + 1
    sold = rng.binomial(n, base[:, None] * np.exp(worth))
    names = [name for name, *_ in PAST_TESTS for _ in words.VARIANTS]
    ended = [dt.date.fromisoformat(day) for _, day, *_ in PAST_TESTS for _ in words.VARIANTS]
    return {
        "experiment": pa.array(names),
        "variant": pa.array([*words.VARIANTS] * len(PAST_TESTS)),
        "n_units": n.ravel(),
        "n_conversions": sold.ravel(),
        "ended_on": pa.array(ended, pa.date32()),
        "tags": pa.array([tags.replace(" ", ", ") or None for tags in kinds]),
        "title": pa.array([name.replace("_", " ") for name in names]),
    }
