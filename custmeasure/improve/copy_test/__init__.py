"""Which copy sells better?

Units (visitors or customers) were split at random between variants of a page, a headline, a message.
A unit counts once, in the variant it saw, from its first exposure; what it does within ``window`` after
that, the end included, counts. A unit that saw two variants is left out of both and counted. A unit
whose window is not over at ``as_of`` is pending and left out.

Checks come first, in this order: fresh data, the sum of rows, units in two variants, the split, and
random splits of the shop's own units (a test that finds differences there is not used). A failed check
replaces the effect by its reason. Then every look is taken into account: with a planned end the level
is spent over the looks, without one an always-valid interval is used. Then, in order: a guardrail that
got worse, goals that got better, goals that got worse, no difference worth having, cannot tell yet.

Frame, one row a variant, the control first: ``n_units``; ``n_conversions`` and ``conversion_rate``
(÷ ``n_units``) with Wilson's interval, or ``revenue_amount`` (mean net amount a unit, 0 for who bought
nothing) or ``metric_value`` (another mean, a ratio, a quantile) with a t interval; ``diff`` (− control)
with Newcombe's or Welch's interval; ``rel_diff`` (÷ control) with the interval of MOVER-R or Fieller;
``p_value``; ``p_value_adj`` (Holm over all treatments and decision metrics). Intervals and p-values hold
under the looks, and never disagree about 0. Further frames: ``metrics``, ``daily``, ``segments``,
``checks``.

>>> result = copy_test_from_counts({"A": (238, 17), "B": (238, 45)})
>>> str(result.verdict)
'better'
>>> result.frame[["variant", "n_units", "n_conversions"]].values.tolist()
[['A', 238, 17], ['B', 238, 45]]
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from custmeasure.errors import UsageError
from custmeasure.improve.copy_test.asking import Request, answer
from custmeasure.improve.copy_test.effects import Rate
from custmeasure.improve.copy_test.looks import Watch
from custmeasure.improve.copy_test.result import (
    CopyTestResult,
    Plan,
    Question,
    RevenueTestResult,
    ValueTestResult,
    conclude,
)
from custmeasure.shop import Shop
from custmeasure.show.words import Text
from custmeasure.stats import Moments

__all__ = [
    "CopyTestResult",
    "RevenueTestResult",
    "ValueTestResult",
    "copy_test",
    "copy_test_from_counts",
    "copy_test_from_moments",
]


def copy_test(
    shop: Shop,
    experiment: str,
    *,
    metric: str | None = None,
    metrics: Sequence[str] = (),
    guardrails: Sequence[str] | None = None,
    control: str | None = None,
    method: str = "auto",
    covariate: str | dt.timedelta | None = None,
    by: str | None = None,
    window: str | dt.timedelta | None = None,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    alpha: float | None = None,
    min_effect: float | None = None,
    history: str | Path | None = None,
) -> CopyTestResult:
    """Compare the variants of an experiment that is in the shop's ``exposures``.

    What is not given is taken from the stored plan of the experiment, then from
    ``[experiments.NAME]`` in shop.toml; whatever differs from the stored plan is a note.

    Parameters
    ----------
    shop
        The shop.
    experiment
        The experiment's name.
    metric
        ``"conversion"`` (the event of ``[metrics.conversion]``, ``"purchase"`` when not declared; for
        customers, an order), ``"revenue"`` (amount − discount − refund of orders; a visitor's are
        those of the customers that ``events`` names for it, an order counting once, for the visitor
        who entered the test last before it), or another metric that shop.toml declares.
    metrics
        Several metrics that decide together (Holm), the one that the table shows first.
    guardrails
        Metrics that must not suffer; they do not count in the family.
    control
        The variant that the others are compared with; the declared one, or the first by name.
    method
        How looks are taken into account: ``"planned"`` (alpha spending until the planned end),
        ``"open"`` (always valid), ``"one_look"`` (the classical answer of a single look), or
        ``"auto"``: as the plan says, else planned where there is an end and open where there is none.
    covariate
        How long before the first exposure the same metric is measured to sharpen the comparison
        (``"28d"``); ``"none"`` switches off what shop.toml declares.
    by
        A column of exposures, or of events, as it was when a unit entered: splits the units into
        segments.
    window
        How long after the first exposure an action counts (``"7d"``).
    start, end
        The days (both included) of the first exposure.
    as_of
        The last instant that is known; the shop's own when not given.
    alpha
        1 - the confidence of the intervals, and the level of the test.
    min_effect
        The smallest relative difference that matters: ``no_difference`` needs an interval inside it.
    history
        The file of earlier runs, which says when the test was looked at; ``runs/history.sqlite`` of
        the shop's folder when not given. Where there is none every day counts as a look.

    Returns
    -------
    CopyTestResult
        ``verdict`` is better, worse, no_difference, cannot_tell (with what is missing) or invalid.

    Raises
    ------
    UnknownName
        For an experiment, variant, metric, event, column or method that does not exist, with the
        nearest one.
    UsageError
        For a window, a day, a level, a covariate or a declared unit that cannot be used.
    """
    return answer(Request(
        shop=shop, experiment=experiment, metric=metric, metrics=tuple(metrics),
        guardrails=None if guardrails is None else tuple(guardrails), control=control,
        method=method, covariate=covariate, by=by, window=window, start=start, end=end,
        as_of=as_of, alpha=alpha, min_effect=min_effect, history=history,
    ))  # fmt: skip


def copy_test_from_counts(
    counts: Mapping[str, tuple[int, int]],
    *,
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    metric: str = "conversion",
    method: str = "one_look",
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
    method
        ``"one_look"``, or ``"open"`` for counts that are looked at again and again.

    Raises
    ------
    UnknownName
        When ``control`` is not one of the variants.
    UsageError
        When counts are no counts, or there are more conversions than units.
    """
    samples = {str(name): _rate(name, pair) for name, pair in counts.items()}
    plan = Plan(control, shares, min_effect, alpha)
    question = Question(samples, metric, watch=_watch(method, alpha))
    return conclude([question], plan, definition={"metric": metric})


def copy_test_from_moments(
    moments: Mapping[str, Moments],
    *,
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    metric: str = "revenue",
    currency: str = "KRW",
    method: str = "one_look",
) -> CopyTestResult:
    """Compare variants by the mean of an amount a unit: ``{"A": Moments(n, mean, var), …}``.

    Parameters
    ----------
    moments
        Variant → units, mean amount a unit (0 for who bought nothing) and unbiased variance.
    currency
        In which the amounts are.
    control, shares, min_effect, alpha, metric, method
        As `copy_test_from_counts`.
    """
    samples = {str(name): _moments(name, sample) for name, sample in moments.items()}
    plan = Plan(control, shares, min_effect, alpha)
    title = Text("1인당 순매출", "Net revenue a person")
    question = Question(
        samples, metric, title, "revenue_amount", watch=_watch(method, alpha), is_money=True
    )
    return conclude([question], plan, definition={"metric": metric, "currency": currency})


def _watch(method: str, alpha: float) -> Watch:
    if method in ("one_look", "open"):
        return Watch(method, alpha)
    raise UsageError(
        ko=f"method {method!r}: 수만 줄 때는 'one_look'이나 'open'을 쓸 수 있습니다.",
        en=f"method {method!r}: with counts alone, 'one_look' or 'open' can be used.",
    )


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
