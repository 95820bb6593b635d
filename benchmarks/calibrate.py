"""How often the statistics err, measured: ``python -m benchmarks.calibrate [--repeats 100000 | --quick]``.

Every figure is a share of simulated tests, made with the functions that the notebooks use, or a number
that needs no chance. The table is kept in docs/calibration.md; the tests run the same with 5,000 repeats
against the same bands, which leave 4 standard errors of 20,000 repeats.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from benchmarks.simulated import (
    ALPHA,
    BUYING,
    CONVERTING,
    SKEW,
    Flags,
    Rng,
    conversions,
    false_alarms,
    means_differ,
    most_false_alarms,
    revenue,
    share,
    wilson_coverage,
)
from custmeasure.improve.copy_test.reading import FEW_BUYERS, SKEWED
from custmeasure.stats import (
    Baseline,
    Columns,
    Design,
    Joint,
    Moments,
    alpha_spending,
    anytime_critical,
    anytime_level,
    anytime_sample_ratio,
    compare,
    compare_means,
    holm,
    plan_units,
    shrink,
)
from custmeasure.stats.placebo import HIGHEST, LOWEST, Placebo, random_splits
from custmeasure.stats.proportion import rates_differ
from custmeasure.stats.randomisation import coins
from custmeasure.stats.tails import normal_quantile

KEPT = Path(__file__).parent.parent / "docs" / "calibration.md"
REPEATS = 100_000
QUICK = 5_000
UNITS = 1_000  # a variant, in all

UNEVEN = "false alarms, revenue, 500 units against 4,500"

HEAD = """# Calibration

How often the statistics err, measured with the functions that the notebooks use. `make calibrate` writes this
table ({repeats:,} tests a line, a fixed seed); CI repeats it with 5,000. The ids are those of the scenarios.
A *false alarm* is a difference claimed where there is none, at the level 0.05; *any look* counts a test that
claimed one at any of its daily looks. *Exact*: summed over every outcome, nothing drawn. Conversion:
{converting:.0%} of {units:,} units a variant. Revenue: {buying:.0%} buy, amounts log-normal with
sigma {skew}: one order in a hundred is 30 times the usual one.

| id | what | measured | must be | kept |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Figure:
    """One line of the table: a measured number and the band that it must lie in."""

    scenario: str
    what: str
    value: float
    least: float = 0.0
    most: float = math.inf

    @property
    def is_kept(self) -> bool:
        """Whether the number lies in its band."""
        return self.least <= self.value <= self.most

    def __str__(self) -> str:
        band = f"≤ {self.most:g}" if not self.least else f"{self.least:g} to {self.most:g}"
        kept = "yes" if self.is_kept else "**no**"
        if math.isinf(self.most):
            band = kept = ""
        return f"| {self.scenario} | {self.what} | {self.value:.4f} | {band} | {kept} |"


# --- one look -------------------------------------------------------------------------------------


def one_look(repeats: int) -> list[Figure]:
    """Return the false alarms of one look, and the coverage of one rate."""

    def money(units: int) -> Callable[[int, Rng], Flags]:
        def trial(n: int, rng: Rng) -> Flags:
            mean, var = revenue(n, 1, units, rng)
            return means_differ(mean[:, :, 0], var[:, :, 0], units, ALPHA)

        return trial

    def uneven(pooled: bool) -> Callable[[int, Rng], Flags]:
        def trial(n: int, rng: Rng) -> Flags:
            arms = [revenue(n, 1, units, rng) for units in (500, 4_500)]
            mean, var = (np.stack([arm[i][0, :, 0] for arm in arms]) for i in (0, 1))
            return means_differ(mean, var, (500, 4_500), ALPHA, pooled=pooled)

        return trial

    exact = false_alarms(CONVERTING, UNITS)
    figures = [Figure("T01", "false alarms, conversion (exact)", exact, 0.044, 0.056)]
    figures += [
        Figure(
            "T02", f"false alarms, revenue, {units:,} units a variant",
            share(repeats, units, money(units)), 0.03 if units * BUYING >= 50 else 0.0, 0.056,
        )
        for units in (200, 1_000, 5_000)
    ]  # fmt: skip
    figures += [
        Figure(
            "T02",
            f"{UNEVEN}: too many; random splits find it (T03)",
            share(repeats, 90, uneven(False)),
        ),
        Figure(
            "T02", f"{UNEVEN}, one variance for both", share(repeats, 90, uneven(True)), most=0.06
        ),
    ]
    return figures + [
        Figure(
            "T06", f"coverage of Wilson, {p:.1%} of {n:,} (exact)", wilson_coverage(p, n), 0.94, 1
        )
        for p, n in ((0.01, 200), (0.001, 5_000))
    ]


# --- looking every day ----------------------------------------------------------------------------


def levels(method: str, days: int, a_day: int) -> list[float]:
    """Return the level of each day's look."""
    if method == "plain":
        return [ALPHA] * days
    n = [2 * a_day * day for day in range(1, days + 1)]
    if method == "open end":
        return [anytime_level(k, ALPHA) for k in n]
    return list(alpha_spending(n, [day / days for day in range(1, days + 1)], alpha=ALPHA).levels)


def any_look(metric: str, method: str, days: int) -> Callable[[int, Rng], Flags]:
    """Return a trial: does a test of ``days`` days claim a difference on any of them."""
    a_day = UNITS // days
    level = levels(method, days, a_day)

    def conversion(n: int, rng: Rng) -> Flags:
        k_t, k_c = conversions(n, days, a_day, rng)
        looks = [rates_differ(k_t[:, d], a_day * (d + 1), k_c[:, d], a_day * (d + 1), level[d])
                 for d in range(days) if level[d] > 0]  # fmt: skip
        return np.asarray(np.any(looks, axis=0))

    def money(n: int, rng: Rng) -> Flags:
        mean, var = revenue(n, days, a_day, rng)
        looks = [means_differ(mean[:, :, d], var[:, :, d], a_day * (d + 1), level[d])
                 for d in range(days) if level[d] > 0]  # fmt: skip
        return np.asarray(np.any(looks, axis=0))

    return conversion if metric == "conversion" else money


def every_day(repeats: int) -> list[Figure]:
    """Return the false alarms of daily looks, and what they cost in width."""
    figures = [
        Figure(
            "T04", f"any look of {days} days, {metric}, {method}",
            share(repeats, days, any_look(metric, method, days)),
            most=math.inf if method == "plain" else 0.056,
        )
        for days in (14, 28)
        for metric in ("conversion", "revenue")
        for method in ("plain", "planned end", "open end")
    ]  # fmt: skip
    z = normal_quantile(ALPHA)
    figures += [
        Figure("T05", f"last interval ÷ one look's, planned end, {days} daily looks",
               alpha_spending([day / days for day in range(1, days + 1)]).critical[-1] / z, 1, 1.15)
        for days in (14, 28, 90)
    ]  # fmt: skip
    return figures + [
        Figure(
            "T05", f"interval ÷ one look's, open end, {n:,} units", anytime_critical(n) / z, 1, 1.65
        )
        for n in (2_000, 5_000, 20_000)
    ]


def split_every_day(repeats: int) -> list[Figure]:
    """Return how often a split that is as planned is called broken on any of 60 days."""
    days, a_day, level = 60, 100, 0.05
    n = a_day * np.arange(1, days + 1)
    allowed = [_allowed(int(units), level) for units in n]

    def trial(n_tests: int, rng: Rng) -> Flags:
        seen = rng.binomial(a_day, 0.5, (n_tests, days)).cumsum(axis=1)
        return np.asarray((np.abs(seen - n / 2) > allowed).any(axis=1))

    figure = share(repeats, 60, trial)
    return [Figure("T11", "split as planned, any of 60 looks at the level 0.05", figure, most=0.05)]


def _allowed(n: int, level: float) -> float:
    """Return how far from half the always-valid check lets the units of a variant be."""
    off = 0
    while anytime_sample_ratio({"A": n // 2 + off + 1, "B": n - n // 2 - off - 1}).p_value >= level:
        off += 1
        if off >= n - n // 2 - 1:
            return math.inf
    return float(off)


# --- several metrics, few conversions, covariates -------------------------------------------------


def family(repeats: int) -> list[Figure]:
    """Return how often any of 20 metrics without a difference is called different."""

    def trial(n: int, rng: Rng) -> Flags:
        return np.array([(holm(row) < ALPHA).any() for row in rng.uniform(size=(n, 20))])

    return [Figure("T12", "any of 20 metrics, Holm", share(repeats, 12, trial), most=0.06)]


def few_conversions(repeats: int) -> list[Figure]:
    """Return what happens at 1 % of 200 units, where an arm often has no conversion at all."""

    def both_empty(n: int, rng: Rng) -> Flags:
        k_t, k_c = rng.binomial(200, 0.01, (2, n))
        return np.asarray((k_t == 0) & (k_c == 0))

    silent = float(rates_differ(0, 200, 0, 200, ALPHA))
    return [
        Figure("T13", "false alarms, 1% of 200 units (exact)", false_alarms(0.01, 200), most=0.056),
        *(
            Figure("T13", f"the most at any rate, {n_t} units against {n_c} (exact)",
                   most_false_alarms(n_t, n_c), most=0.06)
            for n_t, n_c in ((20, 20), (100, 100), (20, 180))
        ),
        Figure("T13", "tests of 1% of 200 units that convert none", share(repeats, 13, both_empty)),
        Figure("T13", "of these, called different", silent, most=0.0),
    ]  # fmt: skip


def ratio_metric(repeats: int) -> list[Figure]:
    """Return the false alarms of a ratio: orders ÷ sessions, 400 people a variant randomised."""

    def one(rng: Rng) -> Joint:
        sessions = 1 + rng.poisson(rng.gamma(1.0, 3.0, 400))
        return Joint.from_values(rng.binomial(sessions, rng.beta(1, 9, 400)), sessions)

    def trial(n_tests: int, rng: Rng) -> Flags:
        columns, pairs = Columns(0, 1), ((one(rng), one(rng)) for _ in range(n_tests))
        return np.array([compare(a, b, columns, ALPHA).p_value < ALPHA for a, b in pairs])

    return [
        Figure("T08", "false alarms of a ratio, 400 people", share(repeats, 8, trial), most=0.07)
    ]


def covariate(repeats: int) -> list[Figure]:
    """Return the false alarms with a covariate from before (CUPED), and what it saves."""
    n = 400

    def trial(skewed: bool) -> Callable[[int, Rng], Flags]:
        def one(rng: Rng) -> Joint:
            before = rng.standard_normal(n)
            after = 0.7 * before + math.sqrt(0.51) * rng.standard_normal(n)
            if skewed:
                before, after = np.exp(before), np.exp(after)
            return Joint.from_values(after, before)

        def flags(n_tests: int, rng: Rng) -> Flags:
            columns = Columns(covariate=1)
            pairs = ((one(rng), one(rng)) for _ in range(n_tests))
            return np.array([compare(a, b, columns, ALPHA).p_value < ALPHA for a, b in pairs])

        return flags

    base, plan = Baseline(1.0, 1.0), Design(method="planned_end", looks=28)
    saved = plan_units(base, 0.1, Design(**{**vars(plan), "correlation": 0.7}))
    return [
        Figure("T27", "false alarms with a covariate", share(repeats, 27, trial(False)), 0.044, 0.056),
        Figure("T27", "the same, log-normal amounts", share(repeats, 28, trial(True)), most=0.056),
        Figure("T27", "sample needed with a covariate at 0.7 ÷ without",
               saved / plan_units(base, 0.1, plan), most=0.55),
    ]  # fmt: skip


# --- the shop's own data, mean amounts, a base near 0, days --------------------------------------------


def own_data(repeats: int) -> list[Figure]:
    """Return how often random splits of a shop's own units differ, and how often that is noticed."""

    def outcomes(split: float) -> list[Placebo]:
        rng, n_shops = np.random.default_rng(3), max(repeats // 1_000, 20)
        shops = (np.where(rng.random(5_000) < BUYING, rng.lognormal(0, SKEW, 5_000), 0.0)
                 for _ in range(n_shops))  # fmt: skip
        return [
            random_splits(values[:, None], np.ones(len(values)), share=split) for values in shops
        ]

    even = [seen.significant_share for seen in outcomes(0.5)]
    uneven = [seen.status == "loose" for seen in outcomes(0.1)]
    return [
        Figure("T03", "random splits of 5,000 units' revenue that differ, the mean shop",
               float(np.mean(even)), LOWEST, HIGHEST),
        Figure("T03", "shops in which a split of 1 to 9 is found to be uncalibrated",
               float(np.mean(uneven)), 0.5, 1),
    ]  # fmt: skip


def mean_amount(units: int) -> Callable[[int, Rng], Flags]:
    """Return a trial: does the interval of mean revenue miss, and nothing on the page say so."""
    truth = BUYING * math.exp(SKEW**2 / 2)

    def trial(n: int, rng: Rng) -> Flags:
        buyers = rng.binomial(units, BUYING, n)
        owner = np.repeat(np.arange(n), buyers)
        amounts = rng.lognormal(0.0, SKEW, len(owner))
        first, second, third = (np.bincount(owner, amounts**k, n) / units for k in (1, 2, 3))
        var = second - first**2
        skew = (third - 3 * first * second + 2 * first**3) / var**1.5
        reach = -stdtrit(units - 1, ALPHA / 2) * np.sqrt(var / (units - 1))
        warned = (buyers < FEW_BUYERS) | (np.abs(skew) / math.sqrt(units) >= SKEWED)
        return np.asarray((np.abs(first - truth) > reach) & ~warned)

    return trial


def amounts(repeats: int) -> list[Figure]:
    """Return how often the interval of a mean amount misses without a word."""
    figures = [
        Figure("T07", f"interval of mean revenue misses unwarned, {units:,} units",
               share(max(repeats // 5, 1_000), units, mean_amount(units)), most=0.06)
        for units in (200, 1_000, 5_000, 20_000)
    ]  # fmt: skip

    def near_zero(n_tests: int, rng: Rng) -> Flags:
        """Net revenue with refunds: the control 3.5 standard errors above 0, 20 % more in truth."""
        means = rng.normal([4.2, 3.5], 1.0, (n_tests, 2))
        missed = []
        for m_t, m_c in means.tolist():
            seen = compare_means(Moments(400, m_t, 400.0), Moments(400, m_c, 400.0), ALPHA)
            given = not math.isnan(seen.rel_diff_ci_upper)
            missed.append(given and not seen.rel_diff_ci_lower <= 0.2 <= seen.rel_diff_ci_upper)
        return np.array(missed)

    missed = share(repeats, 18, near_zero)
    return [
        *figures,
        Figure("T18", "relative difference misses, control near 0", missed, most=0.056),
    ]


def by_days(repeats: int) -> list[Figure]:
    """Return the false alarms of copies that take turns by the day, the days' own ups and downs in it."""
    weekday = np.array([1.3, 1.1, 1.0, 1.0, 0.9, 0.6, 0.8])

    def turns(n_weeks: int, lasting: float) -> Callable[[int, Rng], Flags]:
        signs = coins(7 * n_weeks // 2, drawn=2_000)

        def trial(n: int, rng: Rng) -> Flags:
            noise = rng.standard_normal((n, 7 * n_weeks))
            for day in range(1, 7 * n_weeks):
                fresh = math.sqrt(1 - lasting**2) * noise[:, day]
                noise[:, day] = lasting * noise[:, day - 1] + fresh
            value = np.tile(weekday, n_weeks) * np.exp(0.25 * noise)
            weeks = value.reshape(n, n_weeks // 2, 2, 7)
            gap = (weeks[:, :, 0] - weeks[:, :, 1]).reshape(n, -1)
            gap *= rng.integers(0, 2, gap.shape) * 2.0 - 1
            far = np.abs(gap @ signs.T) >= np.abs(gap.sum(axis=1))[:, None] - 1e-12
            return np.asarray(far.mean(axis=1) < ALPHA)

        return trial

    return [
        Figure("days", f"false alarms, copies by the day, {n_weeks} weeks, autocorrelation {lasting:g}",
               share(max(repeats // 5, 5_000), n_weeks, turns(n_weeks, lasting)), 0.04, 0.06)
        for n_weeks, lasting in ((2, 0.6), (4, 0.0), (4, 0.6), (8, 0.9))
    ]  # fmt: skip


def past_tests(repeats: int) -> list[Figure]:
    """Return by how much the effects of winning tests are overstated, seen and shrunk."""
    n_tests, n_shops = 30, max(repeats // 100, 300)
    rng = np.random.default_rng(6)
    seen, said, inside = [], [], []
    for _ in range(n_shops):
        ses = 0.06 * rng.uniform(0.5, 1.5, n_tests)
        truth = rng.normal(0.02, 0.05, n_tests)
        effects = truth + rng.normal(0, ses)
        won = effects > 1.96 * ses
        shrunk = shrink(effects, ses, usual_spread=0.1)
        seen.append((effects - truth)[won])
        said.append((shrunk.effect - truth)[won])
        inside.append((shrunk.ci_lower <= truth) & (truth <= shrunk.ci_upper))
    return [
        Figure("–", "winning tests of 30: effect seen - true", float(np.concatenate(seen).mean())),
        Figure("–", "the same after shrinking", float(np.concatenate(said).mean()), -0.01, 0.01),
        Figure(
            "–", "coverage of the shrunk intervals", float(np.concatenate(inside).mean()), 0.93, 1
        ),
    ]


SECTIONS: tuple[Callable[[int], list[Figure]], ...] = (
    one_look, every_day, split_every_day, family, few_conversions, ratio_metric, covariate, own_data,
    amounts, by_days, past_tests,
)  # fmt: skip


def main() -> int:
    """Write the table and return 1 when a figure left its band."""
    parser = argparse.ArgumentParser(prog="benchmarks.calibrate", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="simulated tests a line")
    parser.add_argument("--quick", action="store_true", help="5,000 a line, nothing kept")
    asked = parser.parse_args()
    repeats = QUICK if asked.quick else asked.repeats
    figures = [figure for section in SECTIONS for figure in _said(section(repeats))]
    head = HEAD.format(
        repeats=repeats, converting=CONVERTING, units=UNITS, buying=BUYING, skew=SKEW
    )
    if not asked.quick:
        KEPT.write_text(head + "\n".join(map(str, figures)) + "\n", "utf-8")
    return int(not all(figure.is_kept for figure in figures))


def _said(figures: list[Figure]) -> list[Figure]:
    for figure in figures:
        print(figure, flush=True)
    return figures


if __name__ == "__main__":
    raise SystemExit(main())
