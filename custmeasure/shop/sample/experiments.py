"""The tests: who saw which variant, and the daily totals of a page whose traffic is not split."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from custmeasure.shop.sample import clock, ids, words
from custmeasure.shop.sample.draw import Flags, Frame, Rng, chance, rows, spread_out, stack
from custmeasure.shop.sample.files import Columns, named
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
    """Return the daily totals of two tests on a SmartStore page: A on one day, B on the next."""
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
    usual = clock.day_weights()[day] * clock.N_DAYS * _VISITORS_A_DAY * scale
    visitors = rng.poisson(usual * np.exp(0.08 * rng.standard_normal(len(day))))
    sold = rng.binomial(visitors, np.take(rates, variant))
    won: NDArray[Any] = np.round(sold * 27_400 * np.exp(0.1 * rng.standard_normal(len(day))), -1)
    return {
        "experiment": np.full(len(day), test), "day": day, "variant": variant,
        "n_visitors": visitors, "n_conversions": sold, "revenue": won,
    }  # fmt: skip
