"""The numbers of the rule of the landing page: what is usual, what lies below it, which half it is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from custmeasure.measure.funnel.cells import OTHERS
from custmeasure.measure.funnel.landing_log import ALL, LandingCounts
from custmeasure.stats.multiple import holm
from custmeasure.stats.proportion import compare_rates, wilson
from custmeasure.stats.split import rates_of
from custmeasure.stats.usual import beside_others, rate_against, usual_total

# Rate → what it counts ÷ what.
RATES = {
    "cart_rate": ("n_carts", "n_people"),
    "checkout_rate": ("n_orders", "n_carts"),
    "order_rate": ("n_orders", "n_people"),
}
PAGE, CHECKOUT, TRAFFIC = "look_at_page", "look_at_checkout", "look_at_traffic"
SEVERAL, NOTHING, UNKNOWN = "look_at_several", "nothing_seen", "cannot_tell_yet"
ENOUGH_WEEKS = 3
KEY = ["page", "channel"]


@dataclass(frozen=True)
class Rule:
    """What the rule is asked with.

    Attributes
    ----------
    targets
        Rate → the value aimed at; a rate without one is compared with what is usual.
    min_effect
        The smallest relative shortfall that matters.
    has_cart
        Whether there is a step between the page and the order.
    alpha
        The chance of any false alarm that is accepted.
    """

    targets: Mapping[str, float]
    min_effect: float
    has_cart: bool
    alpha: float

    @property
    def rates(self) -> list[str]:
        """The rates that exist."""
        return list(RATES) if self.has_cart else ["order_rate"]


def judged(counts: LandingCounts, rule: Rule) -> pd.DataFrame:
    """Return one row a page, and a page and channel, with what is usual and the problem seen."""
    people = with_totals(counts.people, ["is_now"])
    now = people[people["is_now"].astype(bool)].drop(columns="is_now").set_index(KEY)
    past = people[~people["is_now"].astype(bool)].drop(columns="is_now").set_index(KEY)
    past = past.reindex(now.index, fill_value=0)
    visits = with_totals(counts.visits, ["day"])
    rows = _visits(now, visits, counts, rule.alpha).join(_rates(now, rule))
    tests = _tests(rows, now, past, rule)
    return _with_tests(rows, tests, rule).reset_index()


def with_totals(counts: pd.DataFrame, more: list[str]) -> pd.DataFrame:
    """Add to rows of page and channel those of the page, under the channel ``(all)``."""
    if counts["channel"].eq(ALL).all():
        return counts
    counts = counts[counts["channel"] != ALL]
    totals = counts.drop(columns="channel").groupby(["page", *more], as_index=False).sum()
    return pd.concat([totals.assign(channel=ALL), counts], ignore_index=True)


def _visits(
    now: pd.DataFrame, visits: pd.DataFrame, counts: LandingCounts, alpha: float
) -> pd.DataFrame:
    """Return the visits of each row beside those of the same weekdays of the weeks before."""
    by_day = visits.pivot_table(index=KEY, columns="day", values="n_visits", aggfunc="sum")
    by_day = by_day.reindex(now.index)
    past, days = list(counts.past_days), list(counts.days)
    history = by_day.reindex(columns=past).fillna(0).to_numpy(float)
    period = by_day.reindex(columns=days).fillna(0).to_numpy(float)
    before = np.array([day.weekday() for day in past], int)
    asked = np.array([day.weekday() for day in days], int)
    seen = usual_total(history, before, period, asked, alpha)
    times = [int((before == day).sum()) for day in np.unique(asked)]
    known = bool(times) and min(times) >= ENOUGH_WEEKS
    blank = np.full(len(now), np.nan)
    return pd.DataFrame({
        "n_visits": period.sum(axis=1).astype(np.int64),
        "n_expected": seen.expected if known else blank,
        "n_expected_ci_lower": seen.lower if known else blank,
        "n_expected_ci_upper": seen.upper if known else blank,
        "visits_p": seen.p_value if known else blank,
    }, index=now.index)  # fmt: skip


def _rates(now: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Return people, carts and orders with their rates and Wilson's intervals."""
    frame = now.assign(n_carts=now["n_carts"] if rule.has_cart else np.nan)
    for rate, (hits, base) in RATES.items():
        k, n = now[hits].to_numpy(np.int64), now[base].to_numpy(np.int64)
        asked = rate in rule.rates
        lower, upper = wilson(k, n, rule.alpha)
        frame[rate] = rates_of(k, n) if asked else np.nan
        frame[f"{rate}_ci_lower"] = lower if asked else np.nan
        frame[f"{rate}_ci_upper"] = upper if asked else np.nan
    return frame


def _tests(rows: pd.DataFrame, now: pd.DataFrame, past: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Return every comparison that is made, with p-values adjusted for all of them.

    ``(others)`` is judged by nobody: it is no page. Half of alpha goes to the pages, half to the pages
    by channel; Holm within each half.
    """
    own = rows.index.get_level_values("page") != OTHERS
    parts = [
        _test(rows[own], "visits", "past", rows["n_expected"], rows["n_visits"], rows["visits_p"])
    ]
    for rate in rule.rates:
        parts += _rate_tests(rate, rows[own], now[own], past[own], rule)
    tests = pd.concat(parts, ignore_index=True)
    whole = (tests["channel"] == ALL).to_numpy()
    halves = 1 if whole.all() else 2
    adjusted = tests["p_value"].to_numpy(float).copy()
    for family in (whole, ~whole):
        adjusted[family] = np.minimum(halves * holm(adjusted[family]), 1)
    return tests.assign(p_value_adj=adjusted)


def _test(
    rows: pd.DataFrame, what: str, against: str, usual: pd.Series, value: pd.Series, p: pd.Series
) -> pd.DataFrame:
    at = rows.index
    frame = pd.DataFrame(index=at).reset_index()
    return frame.assign(
        what=what, against=against, usual=usual.loc[at].to_numpy(float),
        value=value.loc[at].to_numpy(float), p_value=p.loc[at].to_numpy(float),
    )  # fmt: skip


def _rate_tests(
    rate: str, rows: pd.DataFrame, now: pd.DataFrame, past: pd.DataFrame, rule: Rule
) -> list[pd.DataFrame]:
    """Compare a rate with its target or, without one, with the other pages and with its own past."""
    hits, base = RATES[rate]
    if rate in rule.targets:
        target = rule.targets[rate]
        p = pd.Series(rate_against(now[hits], now[base], target), rows.index)
        return [_test(rows, rate, "target", pd.Series(target, rows.index), rows[rate], p)]
    usual, p = pd.Series(np.nan, rows.index), pd.Series(np.nan, rows.index)
    for _, part in now.groupby(level="channel"):
        seen = beside_others(part[hits], part[base], rule.alpha)
        usual.loc[part.index], p.loc[part.index] = seen.expected, seen.p_value
    before = pd.Series(rates_of(past[hits], past[base]), rows.index)
    quadruples = zip(now[hits], now[base], past[hits], past[base], strict=True)
    p_past = [
        compare_rates(int(k), int(n), int(k_0), int(n_0), rule.alpha).p_value
        for k, n, k_0, n_0 in quadruples
    ]
    return [
        _test(rows, rate, "pages", usual, rows[rate], p),
        _test(rows, rate, "past", before, rows[rate], pd.Series(p_past, rows.index)),
    ]


def _with_tests(rows: pd.DataFrame, tests: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Lay beside each row the comparison that surely goes against it, or else the first there is."""
    low = tests["value"] < tests["usual"]
    ranked = tests.assign(is_low=low & (tests["p_value_adj"] < rule.alpha))
    ranked["rank"] = np.where(ranked["is_low"], ranked["p_value_adj"], 2.0)
    ranked["rank"] += ranked["usual"].isna()
    ranked = ranked.sort_values("rank", kind="stable")
    most = ranked.drop_duplicates(["what", *KEY]).set_index(["what", *KEY])
    frame = rows.drop(columns="visits_p")
    for what in ("visits", *RATES):
        part = most.xs(what).reindex(frame.index) if what in most.index else _no_test(frame)
        short = what.removesuffix("_rate")
        frame[f"{short}_low"] = part["is_low"].eq(True)
        frame[f"p_value_adj_{short}"] = part["p_value_adj"]
        if what in RATES:
            frame[f"usual_{what}"] = part["usual"]
            frame[f"{short}_against"] = part["against"].where(part["usual"].notna(), "")
    frame["problem"] = [_problem(row, rule) for _, row in frame.iterrows()]
    frame["n_lost"] = _lost(frame)
    return frame


def _no_test(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {"is_low": False, "p_value_adj": np.nan, "usual": np.nan, "against": ""}, index=frame.index
    )


def _problem(row: pd.Series, rule: Rule) -> str:
    """Apply the rule: visits as usual, and too few go on from the page, means the page."""
    on_page = row["cart_low"] or (row["order_low"] and not row["checkout_low"])
    if on_page and np.isnan(row["n_expected"]):
        return UNKNOWN
    later = [PAGE] * bool(on_page) + [CHECKOUT] * bool(row["checkout_low"])
    few = row["n_visits"] < row["n_expected_ci_lower"]
    seen = [TRAFFIC] * bool(row["visits_low"] or (few and later)) + later
    if len(seen) > 1:
        return SEVERAL
    return seen[0] if seen else _not_seen(row, rule)


def _not_seen(row: pd.Series, rule: Rule) -> str:
    """Say that nothing is wrong only where a shortfall that matters would have been seen."""
    least = 1 - rule.min_effect
    fine = [row[f"{rate}_ci_lower"] > least * row[f"usual_{rate}"] for rate in rule.rates]
    fine.append(row["n_visits"] > least * row["n_expected"])
    return NOTHING if all(fine) else UNKNOWN


def _lost(frame: pd.DataFrame) -> np.ndarray:
    """Return how many more would have gone on at the usual level, where the problem is."""
    traffic = frame["n_expected"] - frame["n_visits"]
    cart = frame["n_people"] * (frame["usual_cart_rate"] - frame["cart_rate"])
    order = frame["n_people"] * (frame["usual_order_rate"] - frame["order_rate"])
    checkout = frame["n_carts"] * (frame["usual_checkout_rate"] - frame["checkout_rate"])
    page = cart.where(frame["cart_low"], order)
    several = page.where(frame["cart_low"] | frame["order_low"], checkout)
    choices = {PAGE: page, CHECKOUT: checkout, TRAFFIC: traffic, SEVERAL: several}
    lost = np.full(len(frame), np.nan)
    for problem, values in choices.items():
        here = (frame["problem"] == problem).to_numpy()
        lost[here] = values.to_numpy(float)[here]
    return lost
