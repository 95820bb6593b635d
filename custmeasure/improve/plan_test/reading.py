"""What a plan needs of the shop: its metric, its latest weeks, and what units did in them."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from custmeasure import dates
from custmeasure.engine import Table
from custmeasure.errors import UnknownName, UsageError, check_choice
from custmeasure.improve.plan_test.ask import WEEK, Ask, shortest
from custmeasure.improve.plan_test.traffic import (
    Entry,
    Past,
    Traffic,
    measure_amount,
    measure_event,
    measure_ratio,
)
from custmeasure.improve.plan_test.wording import earlier
from custmeasure.shop import Shop
from custmeasure.show.words import Text
from custmeasure.stats.planning import METHODS, Baseline, Design

PURCHASE = "purchase"
METRICS = ("conversion", "revenue")
HISTORY = dt.timedelta(weeks=8)
# With fewer people who did it, today's value is itself hardly known.
ENOUGH = 50


def read_metric(shop: Shop, metric: str) -> Mapping[str, Any]:
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


def check_weeks(max_weeks: int) -> None:
    """Refuse a number of weeks that is none."""
    if isinstance(max_weeks, bool) or max_weeks not in range(1, 105):
        raise UsageError(
            ko=f"max_weeks {max_weeks!r}: 1부터 104까지의 주 수여야 합니다.",
            en=f"max_weeks {max_weeks!r} must be a number of weeks from 1 to 104.",
        )


def design_of(
    shares: Mapping[str, float] | None,
    alpha: float,
    power: float,
    method: str,
    correlation: float = 0.0,
) -> Design:
    """Return the design of a test with these shares, the control first."""
    check_choice("method", method, METHODS)
    parts = tuple(float(share) for share in shares.values()) if shares else (1.0, 1.0)
    return Design(parts, alpha, power, method, correlation=correlation)


def latest(shop: Shop, entry: Entry, window: dt.timedelta, before: dt.timedelta) -> Past:
    """Return the latest eight weeks of units whose window is over."""
    known = shop.as_of or dt.datetime.max.replace(tzinfo=dt.UTC)
    local = dates.local(known + dt.timedelta(microseconds=1) - window, shop.timezone)
    end = dates.day_start(local.date(), shop.timezone) if local else known
    return Past(entry, end - HISTORY, end, shop.as_of, window, before)


def measured(
    metric: str, events: Table, orders: object, past: Past, settings: Mapping[str, Any]
) -> Mapping[str, float]:
    """Return what the units of the past did, for a metric of shop.toml."""
    event = str(settings.get("event", PURCHASE))
    if metric == "revenue" and isinstance(orders, Table):
        return measure_amount(events, orders, past)
    if settings.get("kind") == "ratio":
        return measure_ratio(events, past, event, str(settings.get("per", past.entry.event)))
    return measure_event(events, past, event)


def baseline_of(seen: Mapping[str, float], *, is_amount: bool = False) -> Baseline:
    """Return today's value of the metric from what the units of the past did."""
    n = int(seen["n"])
    mean, var = number(seen["mean_y"], 0.0), number(seen["var_y"], 0.0)
    if is_amount:
        return Baseline(mean, var)
    if "mean_d" in seen:
        if not number(seen["mean_d"], 0.0):
            return Baseline(0.0, 0.0)
        return Baseline.of_ratio(
            mean, seen["mean_d"], var, number(seen["var_d"], 0.0), number(seen["cov_yd"], 0.0)
        )
    return Baseline.of_rate(seen["k"] / n if n else 0.0)


def instead_of(ask: Ask, shop: Shop, events: Table, past: Past, event: str) -> Iterator[Text]:
    """Yield the funnel's earlier steps that would show the same relative difference in time."""
    if shortest(ask) is not None or event not in shop.steps:
        return
    place = shop.steps.index(event)
    first = shop.steps.index(past.entry.event) + 1 if past.entry.event in shop.steps else 1
    for step in reversed(shop.steps[first:place]):
        base = baseline_of(measure_event(events, past, step))
        other = Ask(
            step, ask.window, ask.min_effect, base, ask.design, ask.by_day, currency=ask.currency
        )
        weeks = shortest(other) if base.mean and base.var else None
        if weeks is not None:
            yield earlier(step, weeks)
            return


def traffic_notes(traffic: Traffic, max_weeks: int) -> list[Text]:
    """Return how many people come a week, and how far the data reach."""
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


def few_note(n_did: int) -> list[Text]:
    """Return that a plan is a rough one, where few people did it in the past."""
    if n_did >= ENOUGH:
        return []
    return [Text(
        f"지난 자료에서 그렇게 한 사람이 {n_did:,}명뿐이어서, 이 계획은 어림입니다.",
        f"Only {n_did:,} people did it in the past data, so this plan is a rough one.",
    )]  # fmt: skip


def typed_traffic(
    a_day: float | None, by_day: Sequence[float] | None, n_days: int
) -> Sequence[float]:
    """Return the different units by the end of each day, from numbers that were typed in."""
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


def written(window: str | dt.timedelta | None, settings: Mapping[str, Any]) -> str:
    """Return the window as it was written."""
    return str(window or settings.get("window", "7d"))


def day_of(instant: dt.datetime, shop: Shop, days: int = 0) -> dt.date | None:
    """Return the day of an instant in the shop's time zone, some days later."""
    local = dates.local(instant, shop.timezone)
    return None if local is None else local.date() + dt.timedelta(days=days)


def number(value: float | None, default: float = math.nan) -> float:
    """Return a number that the engine gave, or the default where there is none."""
    return default if value is None or not math.isfinite(value) else float(value)
