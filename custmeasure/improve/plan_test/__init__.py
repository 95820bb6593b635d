"""How long must a test run?

From the shop's own past: how many different people come in one week, two weeks, three (ever fewer new
ones, because the same people come back), what they do today, and how much they differ. From these
follow, for each number of whole weeks, the smallest difference that a test of that length sees and the
chance that it sees the smallest difference that matters, looked at as it will be looked at. Whole
weeks, because weekdays differ. When no realistic number of weeks is enough, the answer says so, and
what would be.

Frame, one row a number of weeks: ``n_weeks, n_days, n_units`` (different units, all variants together),
``mde_rel_diff`` and ``mde_diff`` (the smallest increase seen with the wanted power, ÷ the baseline and
plain), ``power_rate`` (the chance to see ``min_effect``).

>>> result = plan_test_from_counts(0.05, units_a_day=300, min_effect=0.2, method="one_look")
>>> result.weeks
8
>>> result.frame[["n_weeks", "n_units"]].head(2).values.tolist()
[[1, 2100], [2, 4200]]
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence

import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable
from custmeasure.errors import check_choice
from custmeasure.improve.plan_test.ask import WEEK, Ask
from custmeasure.improve.plan_test.entry import check_names
from custmeasure.improve.plan_test.plan import Plan, changes
from custmeasure.improve.plan_test.reading import (
    PURCHASE,
    baseline_of,
    check_weeks,
    day_of,
    design_of,
    few_note,
    instead_of,
    latest,
    measured,
    number,
    read_metric,
    traffic_notes,
    typed_traffic,
    written,
)
from custmeasure.improve.plan_test.result import PlanTestResult, answer, plan_of
from custmeasure.improve.plan_test.store import read_plan, store_plan
from custmeasure.improve.plan_test.traffic import Entry, read_traffic
from custmeasure.shop import Shop
from custmeasure.show.result import missing_verdict
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.planning import Baseline

__all__ = [
    "Plan",
    "PlanTestResult",
    "changes",
    "plan_of",
    "plan_test",
    "plan_test_from_counts",
    "read_plan",
    "store_plan",
]

UNITS = ("visitor_id", "customer_id")
MAX_WEEKS = 26


def plan_test(
    shop: Shop,
    *,
    metric: str = "conversion",
    min_effect: float = 0.1,
    shares: Mapping[str, float] | None = None,
    method: str = "planned_end",
    entry: str | None = None,
    page: str | None = None,
    unit: str = "visitor_id",
    window: str | dt.timedelta | None = None,
    cuped: bool = False,
    before: str | dt.timedelta = "28d",
    max_weeks: int = MAX_WEEKS,
    alpha: float = 0.05,
    power: float = 0.8,
) -> PlanTestResult:
    """Return how many weeks a test needs at the shop's own traffic.

    Parameters
    ----------
    shop
        The shop; its ``events`` say who comes and what they do.
    metric
        ``"conversion"`` (the event of ``[metrics.conversion]``), ``"revenue"`` (net amount a unit), or
        another metric of shop.toml that counts events: a conversion or a ratio (``event`` ÷ ``per``).
    min_effect
        The smallest relative difference that matters (0.1 is 10 %).
    shares
        Variant → share of the units, the control first; two equal halves when not given.
    method
        How the test will be looked at: ``"planned_end"`` (every day, alpha spent by a plan),
        ``"open_end"`` (every day, always valid) or ``"one_look"`` (on the last day).
    entry, page
        What lets a unit in: an event (the funnel's first step when not given) and the page it happens on.
    unit
        ``"visitor_id"`` or ``"customer_id"``.
    window
        How long after coming in the metric counts; the metric's own when not given.
    cuped
        Whether the analysis will use what units did in the time ``before`` they came in.
    max_weeks
        The longest test that is realistic here.
    alpha, power
        Two-sided level, and the wanted chance to see ``min_effect``.

    Returns
    -------
    PlanTestResult
        ``weeks`` is the recommended number of whole weeks; None, with what would work, when none is
        enough. The verdict is always cannot_tell: nothing was tested yet.

    Raises
    ------
    UnknownName
        For a metric, event, page, unit or method that does not exist, with the nearest one.
    UsageError
        For a window, level, share or number of weeks that cannot be used.
    """
    settings = read_metric(shop, metric)
    check_choice("column", unit, UNITS)
    length = dates.parse_window(window or settings.get("window", "7d"))
    check_weeks(max_weeks)
    design = design_of(shares, alpha, power, method)
    events = shop.table("events")
    orders = shop.table("orders")
    needed = [events, orders] if metric == "revenue" else [events]
    if missing := [table.name for table in needed if isinstance(table, MissingTable)]:
        return _nothing(missing_verdict(missing[0]))
    if isinstance(events, MissingTable):  # for the type checker: said above
        return _nothing(missing_verdict("events"))
    way_in = Entry(unit, entry or next(iter(shop.steps), None), page)
    event = str(settings.get("event", PURCHASE))
    check_names(events, way_in, event, settings.get("per"))
    traffic = read_traffic(events, way_in, shop.timezone, shop.as_of, WEEK * max_weeks)
    if traffic is None:
        return _nothing(_too_young())
    past = latest(shop, way_in, length, dates.parse_window(before, "before"))
    seen = measured(metric, events, orders, past, settings)
    foreseen = number(seen["correlation"])
    if cuped and math.isfinite(foreseen):
        design = design_of(shares, alpha, power, method, correlation=foreseen)
    ask = Ask(
        metric, length, min_effect, baseline_of(seen, is_amount=metric == "revenue"), design,
        traffic.by_day, foreseen, shop.currency,
    )  # fmt: skip
    definition = {
        "entry": way_in.event, "page": page, "unit": unit, "window": written(window, settings),
        "shares": shares, "start": day_of(past.start, shop), "end": day_of(past.end, shop, -1),
        "n_measured": int(seen["n"]), "as_of": dates.local(shop.as_of, shop.timezone),
        "timezone": shop.timezone, "engine": events.engine,
    }  # fmt: skip
    instead = list(instead_of(ask, shop, events, past, event)) if metric != "revenue" else []
    notes = [*traffic_notes(traffic, max_weeks), *few_note(int(seen["k"]))]
    return answer(ask, definition, notes, instead)


def plan_test_from_counts(
    baseline: float | Baseline,
    *,
    units_a_day: float | None = None,
    units_by_day: Sequence[float] | None = None,
    min_effect: float = 0.1,
    shares: Mapping[str, float] | None = None,
    method: str = "planned_end",
    window: str | dt.timedelta = "7d",
    correlation: float = 0.0,
    max_weeks: int = MAX_WEEKS,
    alpha: float = 0.05,
    power: float = 0.8,
    metric: str = "conversion",
    currency: str = "KRW",
) -> PlanTestResult:
    """Return how many weeks a test needs, from numbers that were typed in.

    Parameters
    ----------
    baseline
        Today's conversion rate (0.03 is 3 %), or a `Baseline` of a mean amount or a ratio.
    units_a_day
        New different units a day, the same every day; or
    units_by_day
        Different units by the end of each day, at least 7.
    correlation
        Between the metric and what units did before, when the analysis will use it.
    metric, currency
        What the baseline is (``"revenue"`` shows money), for the reader.
    min_effect, shares, method, window, max_weeks, alpha, power
        As `plan_test`.

    Raises
    ------
    UsageError
        When neither or both kinds of traffic are given, and as `plan_test`.
    """
    check_weeks(max_weeks)
    design = design_of(shares, alpha, power, method, correlation=correlation)
    base = baseline if isinstance(baseline, Baseline) else Baseline.of_rate(baseline)
    by_day = typed_traffic(units_a_day, units_by_day, WEEK * max_weeks)
    length = dates.parse_window(window)
    ask = Ask(metric, length, min_effect, base, design, by_day, currency=currency)
    return answer(ask, {"window": str(window), "shares": shares})


def _nothing(verdict: Verdict) -> PlanTestResult:
    empty = pd.DataFrame(columns=list(PlanTestResult.COLUMNS))
    return PlanTestResult(empty, {}, verdict=verdict)


def _too_young() -> Verdict:
    return Verdict("cannot_tell", Text(
        "이렇게 들어온 사람의 자료가 한 주가 되지 않습니다. 한 주가 지나면 계획할 수 있습니다. "
        "지금은 plan_test_from_counts에 수를 적어 계산할 수 있습니다.",
        "There is less than a week of data on people who come in like this. After one week it can be "
        "planned; until then type the numbers into plan_test_from_counts.",
    ), code="NO_UNITS")  # fmt: skip
