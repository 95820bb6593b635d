"""Which copy sells better?

Units (visitors or customers) were split at random between variants of a page, a headline, a message.
A unit counts once, in the variant it saw, from its first exposure; it *converts* when it does what the
metric names within ``window`` after that, the end included. A unit that saw two variants is left out of
both and counted. A unit whose window is not over at ``as_of`` is pending and left out. Nothing is
judged when only one variant was recorded, a variant is not in the plan, or the split is not the
planned one: the effect is then replaced by the reason.

Frame, one row a variant, the control first: ``n_units``; ``n_conversions`` and ``conversion_rate``
(÷ ``n_units``) with Wilson's interval, or ``revenue_amount`` (mean net amount a unit, 0 for who bought
nothing) with a t interval; ``diff`` (− control) with Newcombe's or Welch's interval; ``rel_diff``
(÷ control) with the interval of MOVER-R or Fieller; ``p_value``; ``p_value_adj`` (Holm over the
treatments). Intervals and p-values never disagree about 0.

>>> result = copy_test_from_counts({"A": (238, 17), "B": (238, 45)})
>>> str(result.verdict)
'better'
>>> result.frame[["variant", "n_units", "n_conversions"]].values.tolist()
[['A', 238, 17], ['B', 238, 45]]
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from custmeasure.engine import MissingTable, Table
from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test.effects import Rate
from custmeasure.improve.copy_test.reading import (
    REVENUE,
    Setup,
    read_conversions,
    read_revenue,
)
from custmeasure.improve.copy_test.result import (
    CopyTestResult,
    Plan,
    RevenueTestResult,
    conclude,
    missing_copy_test,
    nobody,
)
from custmeasure.shop import Shop
from custmeasure.show.result import missing_verdict
from custmeasure.stats import Moments

__all__ = [
    "CopyTestResult",
    "RevenueTestResult",
    "copy_test",
    "copy_test_from_counts",
    "copy_test_from_moments",
]

METRICS = ("conversion", REVENUE)


def copy_test(
    shop: Shop,
    experiment: str,
    *,
    metric: str = "conversion",
    control: str | None = None,
    window: str | dt.timedelta | None = None,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    alpha: float = 0.05,
    min_effect: float = 0.05,
) -> CopyTestResult:
    """Compare the variants of an experiment that is in the shop's ``exposures``.

    Parameters
    ----------
    shop
        The shop; its ``[experiments.NAME]`` may declare ``control``, ``shares``, ``unit``, ``window``,
        ``start`` and ``end``, and its ``[metrics.NAME]`` the ``event`` and ``window``.
    experiment
        The experiment's name.
    metric
        ``"conversion"`` (the event of ``[metrics.conversion]``, ``"purchase"`` when not declared; for
        customers, an order), ``"revenue"`` (amount − discount − refund of orders; a visitor's are
        those of the customers that ``events`` names for it, an order counting once, for the visitor
        who entered the test last before it), or another metric that shop.toml declares.
    control
        The variant that the others are compared with; the declared one, or the first by name.
    window
        How long after the first exposure a conversion counts (``"7d"``).
    start, end
        The days (both included) of the first exposure.
    as_of
        The last instant that is known; the shop's own when not given.
    alpha
        1 - the confidence of the intervals, and the level of the test.
    min_effect
        The smallest relative difference that matters: ``no_difference`` needs an interval inside it.

    Returns
    -------
    CopyTestResult
        ``verdict`` is better, worse, no_difference, cannot_tell (with what is missing) or invalid.

    Raises
    ------
    UnknownName
        For an experiment, variant, metric or event that does not exist, with the nearest one.
    UsageError
        For a window, a day, a level or a declared unit that cannot be used.
    """
    settings = _metric(shop, metric)
    declared = shop.settings.experiments.get(experiment, {})
    plan = Plan(control or declared.get("control"), declared.get("shares"), min_effect, alpha)
    exposures = shop.table("exposures")
    if isinstance(exposures, MissingTable):
        return missing_copy_test(missing_verdict("exposures"), revenue=metric == REVENUE)
    setup = Setup.of(
        shop,
        exposures,
        experiment,
        metric=metric,
        event=str(settings.get("event", "purchase")),
        window=window or declared.get("window") or settings.get("window", "7d"),
        start=start or declared.get("start"),
        end=end or declared.get("end"),
        as_of=as_of,
    )
    tables = [table for table in setup.tables if isinstance(table, Table)]
    if missing := [table.name for table in setup.tables if isinstance(table, MissingTable)]:
        return missing_copy_test(missing_verdict(missing[0]), revenue=metric == REVENUE)
    read = read_revenue if metric == REVENUE else read_conversions
    reading = read(setup, *tables)
    if not reading.samples:
        return missing_copy_test(nobody(), reading.definition, revenue=metric == REVENUE)
    return conclude(
        reading.samples,
        plan,
        enrolled=reading.enrolled,
        traffic=reading.traffic,
        definition=reading.definition,
        notes=reading.notes,
        unanswerable=reading.unanswerable,
    )


def copy_test_from_counts(
    counts: Mapping[str, tuple[int, int]],
    *,
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    metric: str = "conversion",
) -> CopyTestResult:
    """Compare variants from counts: ``{"A": (n_units, n_conversions), …}``.

    Parameters
    ----------
    counts
        Variant → units and how many of them converted, each unit once.
    control
        The variant that the others are compared with; the first one when not given.
    shares
        Variant → planned share of the units, in any unit; equal when not given.
    min_effect, alpha
        As `copy_test`.
    metric
        What a conversion is, for the reader.

    Raises
    ------
    UnknownName
        When ``control`` is not one of the variants.
    UsageError
        When counts are no counts, or there are more conversions than units.
    """
    samples = {str(name): _rate(name, pair) for name, pair in counts.items()}
    plan = Plan(control, shares, min_effect, alpha)
    return conclude(samples, plan, definition={"metric": metric})


def copy_test_from_moments(
    moments: Mapping[str, Moments],
    *,
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    metric: str = REVENUE,
    currency: str = "KRW",
) -> CopyTestResult:
    """Compare variants by the mean of an amount a unit: ``{"A": Moments(n, mean, var), …}``.

    Parameters
    ----------
    moments
        Variant → units, mean amount a unit (0 for who bought nothing) and unbiased variance.
    currency
        In which the amounts are.
    control, shares, min_effect, alpha, metric
        As `copy_test_from_counts`.
    """
    samples = {str(name): _moments(name, sample) for name, sample in moments.items()}
    plan = Plan(control, shares, min_effect, alpha)
    return conclude(samples, plan, definition={"metric": metric, "currency": currency})


def _metric(shop: Shop, metric: str) -> Mapping[str, Any]:
    """Return what shop.toml says about a metric; revenue takes the window of conversion."""
    declared = shop.settings.metrics
    known = list(dict.fromkeys((*METRICS, *declared)))
    if metric not in known:
        raise UnknownName("metric", metric, known)
    return declared.get(metric) or declared.get("conversion", {})


def _rate(name: object, pair: object) -> Rate:
    if isinstance(pair, tuple | list) and len(pair) == 2:
        n, k = pair
        return Rate(n, k)
    raise UsageError(
        ko=f"{name}안의 {pair!r}: (인원, 전환) 두 수를 주십시오. 예: {{'A': (1000, 30)}}.",
        en=f"{name}: {pair!r} is not (units, conversions), such as {{'A': (1000, 30)}}.",
    )


def _moments(name: object, sample: object) -> Moments:
    if isinstance(sample, Moments):
        return sample
    raise UsageError(
        ko=f"{name}안의 {sample!r}: Moments(인원, 평균, 분산)를 주십시오.",
        en=f"{name}: {sample!r} is not Moments(n, mean, var).",
    )
