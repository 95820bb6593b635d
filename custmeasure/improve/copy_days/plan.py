"""How many weeks must two copies take turns, where traffic cannot be split?

From the page's own past: how much the same weekdays of two weeks differ when nothing changes. The plan
says for each number of weeks (whole pairs of weeks) the smallest difference that the days can show, and
the chance that they show the smallest difference that matters. Days are the units: a page with many
visitors and restless weeks needs as long as a quiet page with few. It also counts what "this week
against last week" would have said in weeks in which nothing changed.

Frame, one row a number of weeks: ``n_weeks, n_days`` (that count), ``n_visitors, mde_rel_diff, mde_diff,
power_rate``.

>>> result = plan_days_from_counts(200, 0.04, min_effect=0.3)
>>> result.weeks
10
"""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable, Table
from custmeasure.errors import UsageError, check_choice
from custmeasure.improve.copy_days import plan_words
from custmeasure.improve.copy_days.design import WEEK, Design
from custmeasure.improve.copy_days.history import (
    Past,
    from_copy_days,
    from_visits,
    read_visits,
    week_on_week,
)
from custmeasure.improve.copy_days.reading import METRICS, last_complete_day, read_days
from custmeasure.improve.plan_test.entry import check_names
from custmeasure.improve.plan_test.store import Plan
from custmeasure.improve.plan_test.traffic import Entry
from custmeasure.language import Lang
from custmeasure.shop import Shop
from custmeasure.show import format as fmt
from custmeasure.show.result import Result, missing_verdict
from custmeasure.stats.randomisation import power_of_pairs
from custmeasure.stats.tails import check_level


@dataclass(frozen=True, eq=False, repr=False)
class PlanDaysResult(Result):
    """What each number of weeks can show; ``weeks`` is the shortest that is enough, or None."""

    name: ClassVar[str] = "plan_days"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "n_weeks", "n_days", "n_visitors", "mde_rel_diff", "mde_diff", "power_rate",
    )  # fmt: skip
    weeks: int | None = field(default=None, kw_only=True)

    @property
    def formats(self) -> Mapping[str, fmt.Formatter]:
        """Amounts are money, visitors are counted, a rate's difference is in percentage points."""
        shapes: dict[object, Mapping[str, fmt.Formatter]] = {
            "revenue": {"mde_diff": fmt.money_change, "baseline": fmt.money},
            "visitors": {"mde_diff": fmt.plain, "baseline": fmt.plain},
        }
        return shapes.get(self.definition.get("metric"), {"baseline": fmt.percent})

    def headline(self, lang: Lang | None = None) -> str:
        """Return how long it takes; nothing is judged yet."""
        return self.reason.in_(lang)


def plan_days(
    shop: Shop,
    *,
    metric: str = "conversion",
    min_effect: float = 0.2,
    carry_over: int = 0,
    event: str = "purchase",
    page: str | None = None,
    max_weeks: int = 26,
    alpha: float = 0.05,
    power: float = 0.8,
) -> PlanDaysResult:
    """Return how many weeks two copies must take turns on a page of this shop.

    Parameters
    ----------
    shop
        The shop; its ``copy_days`` say how restless the page's days are, or its ``events`` when
        there were no tests by the day.
    metric
        ``"conversion"``, ``"revenue"`` or ``"visitors"``.
    min_effect
        The smallest relative difference that matters (0.2 is 20 %).
    carry_over
        Days after a change that do not count, because the copy before still works.
    event, page
        Of ``events``: what a conversion is, and on which page.
    max_weeks
        The longest test that is realistic here.
    alpha, power
        Level, and the wanted chance to see ``min_effect``.

    Raises
    ------
    UnknownName
        For a metric, an event or a page that does not exist, with the nearest one.
    UsageError
        For an effect, level or number that cannot be used.
    """
    check_choice("metric", metric, METRICS)
    design = Design(dt.date(2026, 1, 5), carry_over)
    visits = _visits(shop, event, page)
    past = _past(shop, metric, carry_over, visits, page)
    definition = {
        "metric": metric, "page": page, "as_of": dates.local(shop.as_of, shop.timezone),
        "timezone": shop.timezone, "currency": shop.currency,
    }  # fmt: skip
    if past is None:
        empty = pd.DataFrame(columns=list(PlanDaysResult.COLUMNS))
        return PlanDaysResult(empty, definition, verdict=missing_verdict("copy_days"))
    weeks = week_on_week(visits)
    return _answer(past, design, metric, min_effect, max_weeks, alpha, power, definition, weeks)


def plan_days_from_counts(
    n_visitors_a_day: float,
    conversion_rate: float,
    *,
    restless: float = 1.0,
    min_effect: float = 0.2,
    carry_over: int = 0,
    max_weeks: int = 26,
    alpha: float = 0.05,
    power: float = 0.8,
) -> PlanDaysResult:
    """Return how many weeks two copies must take turns, from numbers that were typed in.

    Parameters
    ----------
    n_visitors_a_day, conversion_rate
        What the page does today.
    restless
        How many times as much as luck alone the days differ (1 is a page on which only luck differs;
        most pages have 1.2 to 2).
    min_effect, carry_over, max_weeks, alpha, power
        As `plan_days`.

    Raises
    ------
    UsageError
        For numbers that cannot be used.
    """
    usable = (
        0 < n_visitors_a_day < math.inf and 0 < conversion_rate < 1 and 1 <= restless < math.inf
    )
    if not usable:
        raise UsageError(
            ko="하루 방문은 0보다 크고, 전환율은 0과 1 사이, restless는 1 이상이어야 합니다.",
            en="Visitors a day must be above 0, the rate between 0 and 1, and restless 1 or more.",
        )
    sd = restless * math.sqrt(2 * conversion_rate * (1 - conversion_rate) / n_visitors_a_day)
    past = Past(n_visitors_a_day, conversion_rate, sd, 0)
    design = Design(dt.date(2026, 1, 5), carry_over)
    return _answer(past, design, "conversion", min_effect, max_weeks, alpha, power, {})


def plan_by_day(
    result: PlanDaysResult,
    experiment: str,
    *,
    start: dt.date,
    control: str = "A",
    treatment: str = "B",
    weeks: int | None = None,
    rule: str = "",
) -> Plan:
    """Return the plan of an experiment with the copy of every day, ready for `store_plan`.

    The coins are drawn from the experiment's name and its first day, so the same question gives the
    same plan and nobody can draw until it pleases.

    Raises
    ------
    UsageError
        When no number of weeks is enough and none was given, the weeks are not whole pairs, or there
        were no data to plan with.
    """
    if not len(result.frame):
        raise UsageError(ko=result.reason.ko, en=str(result.reason))
    said = result.definition
    design = Design(start, int(str(said["carry_over"])))
    block = design.block_days // WEEK
    length = weeks or result.weeks
    if length is None or length % block:
        raise UsageError(
            ko=f"기간을 --weeks로 정하십시오. {block}주씩 늘어납니다.",
            en=f"Say how many weeks with --weeks, in steps of {block}.",
        )
    days = design.schedule(length * WEEK, control, treatment, f"{experiment} {start}")
    named = {str(day): str(name) for day, name in zip(days["day"], days["variant"], strict=True)}
    return Plan(
        experiment, control, {control: 0.5, treatment: 0.5}, kind="by_day",
        metric=str(said["metric"]), start=start, end=start + dt.timedelta(days=len(days) - 1),
        alpha=float(str(said["alpha"])), power=float(str(said["power_rate"])),
        min_effect=float(str(said["min_effect"])), method="one_look", rule=rule,
        carry_over=design.carry_over, days=named,
    )  # fmt: skip


def _visits(shop: Shop, event: str, page: str | None) -> pd.DataFrame:
    events = shop.table("events")
    if isinstance(events, MissingTable):
        return pd.DataFrame(columns=["experiment", "day", "n_visitors", "n_conversions"])
    check_names(events, Entry("visitor_id", None, page), event)
    return read_visits(shop, events, event, page)


def _past(
    shop: Shop, metric: str, carry_over: int, visits: pd.DataFrame, page: str | None
) -> Past | None:
    """Return what is known of the page: earlier tests by the day, else the shop's own visits."""
    table = shop.table("copy_days")
    past = None
    if isinstance(table, Table) and page is None:
        rows = read_days(table, None, None, last_complete_day(shop))
        past = from_copy_days(rows, metric, carry_over) if len(rows) else None
    if past is None and metric != "revenue":
        past = from_visits(visits, metric, carry_over)
    return past


def _answer(
    past: Past,
    design: Design,
    metric: str,
    min_effect: float,
    max_weeks: int,
    alpha: float,
    power: float,
    definition: Mapping[str, object],
    weeks_apart: tuple[int, int] = (0, 0),
) -> PlanDaysResult:
    check_level(alpha)
    check_level(power, "power")
    if not 0 < min_effect < math.inf or max_weeks not in range(1, 105):
        raise UsageError(
            ko="min_effect는 0보다 큰 상대 차이, max_weeks는 1부터 104까지여야 합니다.",
            en="min_effect must be a relative difference above 0, max_weeks from 1 to 104.",
        )
    frame = _table(past, design, min_effect, max_weeks, alpha, power)
    enough = frame.loc[frame["power_rate"] >= power, "n_weeks"]
    weeks = int(enough.iloc[0]) if len(enough) else None
    definition = {
        **definition, "metric": metric, "baseline": past.value, "min_effect": min_effect,
        "alpha": alpha, "power_rate": power, "carry_over": design.carry_over,
        "n_pairs": past.n_pairs or None, "table": past.source or None,
    }  # fmt: skip
    verdict = plan_words.verdict(past, frame, weeks, min_effect, power, metric)
    return PlanDaysResult(
        frame, definition, plan_words.notes(weeks_apart, design), verdict=verdict, weeks=weeks
    )


def _table(
    past: Past, design: Design, min_effect: float, max_weeks: int, alpha: float, power: float
) -> pd.DataFrame:
    block = design.block_days // WEEK
    blocks = np.arange(1, max(max_weeks // block, 1) + 1)
    pairs = WEEK * blocks
    seen = np.array([_smallest(past, int(n), alpha, power) for n in pairs])
    return pd.DataFrame({
        "n_weeks": block * blocks, "n_days": 2 * pairs,
        "n_visitors": np.rint(2 * pairs * past.n_visitors).astype(np.int64),
        "mde_rel_diff": seen, "mde_diff": seen * past.value,
        "power_rate": [_power(past, min_effect, int(n), alpha) for n in pairs],
    })  # fmt: skip


def _power(past: Past, rel_diff: float, n_pairs: int, alpha: float) -> float:
    """Return the chance to see a relative difference; better days also differ more."""
    grown = math.sqrt((1 + (1 + rel_diff) ** 2) / 2)
    return power_of_pairs(rel_diff * past.value, past.sd * grown, n_pairs, alpha)


def _smallest(past: Past, n_pairs: int, alpha: float, power: float) -> float:
    """Return the smallest relative increase seen with chance ``power``; NaN when none is."""
    low, high = 0.0, 1e4
    if not past.value or _power(past, high, n_pairs, alpha) < power:
        return math.nan
    for _ in range(60):
        middle = (low + high) / 2
        if _power(past, middle, n_pairs, alpha) < power:
            low = middle
        else:
            high = middle
    return high
