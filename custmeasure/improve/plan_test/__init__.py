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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable, Table
from custmeasure.errors import UnknownName, UsageError, check_choice
from custmeasure.improve.plan_test.entry import check_names
from custmeasure.improve.plan_test.result import (
    WEEK,
    Ask,
    PlanTestResult,
    answer,
    earlier,
    plan_of,
    shortest,
)
from custmeasure.improve.plan_test.store import METHODS, Plan, changes, read_plan, store_plan
from custmeasure.improve.plan_test.traffic import (
    Entry,
    Past,
    Traffic,
    measure_amount,
    measure_event,
    measure_ratio,
    read_traffic,
)
from custmeasure.shop import Shop
from custmeasure.show.result import missing_verdict
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.planning import Baseline, Design

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

PURCHASE = "purchase"
UNITS = ("visitor_id", "customer_id")
METRICS = ("conversion", "revenue")
HISTORY = dt.timedelta(weeks=8)
MAX_WEEKS = 26
# With fewer people who did it, today's value is itself hardly known.
ENOUGH = 50


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
    settings = _metric(shop, metric)
    check_choice("column", unit, UNITS)
    length = dates.parse_window(window or settings.get("window", "7d"))
    _check_weeks(max_weeks)
    design = _design(shares, alpha, power, method)
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
    past = _past(shop, way_in, length, dates.parse_window(before, "before"))
    seen = _measured(metric, events, orders, past, settings)
    foreseen = _number(seen["correlation"])
    if cuped and math.isfinite(foreseen):
        design = _design(shares, alpha, power, method, correlation=foreseen)
    ask = Ask(
        metric, length, min_effect, _baseline(seen, is_amount=metric == "revenue"), design,
        traffic.by_day, foreseen, shop.currency,
    )  # fmt: skip
    definition = {
        "entry": way_in.event, "page": page, "unit": unit, "window": _written(window, settings),
        "shares": shares, "start": _day(past.start, shop), "end": _day(past.end, shop, -1),
        "n_measured": int(seen["n"]), "as_of": dates.local(shop.as_of, shop.timezone),
        "timezone": shop.timezone, "engine": events.engine,
    }  # fmt: skip
    instead = list(_instead(ask, shop, events, past, event)) if metric != "revenue" else []
    notes = [*_traffic_notes(traffic, max_weeks), *_few(int(seen["k"]))]
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
    _check_weeks(max_weeks)
    design = _design(shares, alpha, power, method, correlation=correlation)
    base = baseline if isinstance(baseline, Baseline) else Baseline.of_rate(baseline)
    by_day = _typed(units_a_day, units_by_day, WEEK * max_weeks)
    length = dates.parse_window(window)
    ask = Ask(metric, length, min_effect, base, design, by_day, currency=currency)
    return answer(ask, {"window": str(window), "shares": shares})


def _metric(shop: Shop, metric: str) -> Mapping[str, Any]:
    """Return what shop.toml says about a metric that can be planned from events and orders."""
    declared = shop.settings.metrics
    known = list(dict.fromkeys((*METRICS, *declared)))
    if metric not in known:
        raise UnknownName("metric", metric, known)
    said = declared.get(metric) or declared.get("conversion", {})
    kind, table = said.get("kind", "conversion"), said.get("table", "events")
    if metric != "revenue" and (kind not in ("conversion", "ratio") or table != "events"):
        raise UsageError(
            ko=f"지표 '{metric}'은(는) 방문 기록으로 셀 수 없어 여기서 계획하지 못합니다. 평균과 분산을 "
            "plan_test_from_counts에 주십시오.",
            en=f"Metric '{metric}' is not counted from events, so it cannot be planned from them. Give its "
            "mean and variance to plan_test_from_counts.",
        )
    return said


def _check_weeks(max_weeks: int) -> None:
    if isinstance(max_weeks, bool) or max_weeks not in range(1, 105):
        raise UsageError(
            ko=f"max_weeks {max_weeks!r}: 1부터 104까지의 주 수여야 합니다.",
            en=f"max_weeks {max_weeks!r} must be a number of weeks from 1 to 104.",
        )


def _design(
    shares: Mapping[str, float] | None,
    alpha: float,
    power: float,
    method: str,
    correlation: float = 0.0,
) -> Design:
    check_choice("method", method, METHODS)
    parts = tuple(float(share) for share in shares.values()) if shares else (1.0, 1.0)
    return Design(
        parts, alpha, power, "once" if method == "one_look" else method, correlation=correlation
    )


def _past(shop: Shop, entry: Entry, window: dt.timedelta, before: dt.timedelta) -> Past:
    """Return the latest eight weeks of units whose window is over."""
    known = shop.as_of or dt.datetime.max.replace(tzinfo=dt.UTC)
    local = dates.local(known + dt.timedelta(microseconds=1) - window, shop.timezone)
    end = dates.day_start(local.date(), shop.timezone) if local else known
    return Past(entry, end - HISTORY, end, shop.as_of, window, before)


def _measured(
    metric: str, events: Table, orders: object, past: Past, settings: Mapping[str, Any]
) -> Mapping[str, float]:
    event = str(settings.get("event", PURCHASE))
    if metric == "revenue" and isinstance(orders, Table):
        return measure_amount(events, orders, past)
    if settings.get("kind") == "ratio":
        return measure_ratio(events, past, event, str(settings.get("per", past.entry.event)))
    return measure_event(events, past, event)


def _baseline(seen: Mapping[str, float], *, is_amount: bool = False) -> Baseline:
    n = int(seen["n"])
    mean, var = _number(seen["mean_y"], 0.0), _number(seen["var_y"], 0.0)
    if is_amount:
        return Baseline(mean, var)
    if "mean_d" in seen:
        if not _number(seen["mean_d"], 0.0):
            return Baseline(0.0, 0.0)
        return Baseline.of_ratio(
            mean, seen["mean_d"], var, _number(seen["var_d"], 0.0), _number(seen["cov_yd"], 0.0)
        )
    return Baseline.of_rate(seen["k"] / n if n else 0.0)


def _instead(ask: Ask, shop: Shop, events: Table, past: Past, event: str) -> Iterator[Text]:
    """Yield the funnel's earlier steps that would show the same relative difference in time."""
    if shortest(ask) is not None or event not in shop.steps:
        return
    place = shop.steps.index(event)
    first = shop.steps.index(past.entry.event) + 1 if past.entry.event in shop.steps else 1
    for step in reversed(shop.steps[first:place]):
        base = _baseline(measure_event(events, past, step))
        other = Ask(
            step, ask.window, ask.min_effect, base, ask.design, ask.by_day, currency=ask.currency
        )
        weeks = shortest(other) if base.mean and base.var else None
        if weeks is not None:
            yield earlier(step, weeks)
            return


def _traffic_notes(traffic: Traffic, max_weeks: int) -> list[Text]:
    low, high = min(traffic.weeks), max(traffic.weeks)
    notes = [Text(
        f"최근 {len(traffic.weeks)}주 동안 한 주에 {low:,}명에서 {high:,}명이 왔습니다. "
        "같은 사람이 다시 오므로 새로 들어오는 사람은 갈수록 줄어든다고 세었습니다.",
        f"In the latest {len(traffic.weeks)} weeks {low:,} to {high:,} people came a week. The same people "
        "come back, so fewer and fewer new ones come in; that is counted.",
    )]  # fmt: skip
    if traffic.n_seen_days < WEEK * max_weeks:
        seen = traffic.n_seen_days // WEEK
        notes.append(Text(
            f"자료가 {seen}주뿐이어서, 그 뒤는 마지막 주처럼 이어진다고 보았습니다.",
            f"The data reach over {seen} weeks only; beyond them the last week is taken to go on.",
        ))  # fmt: skip
    return notes


def _few(n_did: int) -> list[Text]:
    if n_did >= ENOUGH:
        return []
    return [Text(
        f"지난 자료에서 그렇게 한 사람이 {n_did:,}명뿐이어서, 이 계획은 어림입니다.",
        f"Only {n_did:,} people did it in the past data, so this plan is a rough one.",
    )]  # fmt: skip


def _typed(a_day: float | None, by_day: Sequence[float] | None, n_days: int) -> Sequence[float]:
    if (a_day is None) == (by_day is None):
        raise UsageError(
            ko="units_a_day와 units_by_day 가운데 하나만 주십시오.",
            en="Give either units_a_day or units_by_day.",
        )
    days = np.asarray(
        by_day if a_day is None else a_day * np.arange(1, n_days + 1), dtype=np.float64
    )
    growing = len(days) >= WEEK and np.isfinite(days).all() and days[0] >= 0
    if not growing or (np.diff(days) < 0).any():
        raise UsageError(
            ko="날마다의 인원은 7일 이상이고 줄지 않는 수여야 합니다.",
            en="The units by day must be 7 numbers or more that never fall.",
        )
    return [float(n) for n in days[:n_days]]


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


def _written(window: str | dt.timedelta | None, settings: Mapping[str, Any]) -> str:
    return str(window or settings.get("window", "7d"))


def _day(instant: dt.datetime, shop: Shop, days: int = 0) -> dt.date | None:
    local = dates.local(instant, shop.timezone)
    return None if local is None else local.date() + dt.timedelta(days=days)


def _number(value: float | None, default: float = math.nan) -> float:
    return default if value is None or not math.isfinite(value) else float(value)
