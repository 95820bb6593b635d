"""Which copy sells better, where one page shows one copy at a time?

A marketplace page (a SmartStore product, say) shows every visitor of a day the same copy. So days are
compared, not people: two weeks side by side, the same weekdays in pairs, and in each pair a coin decides
which week shows the new copy (`plan_days` writes that plan). What is asked of the data is only what
the coins allow: days of a good week are alike, and that is not taken for thousands of independent
visitors. A copy that ran before and a copy that ran after are not compared at all; the reason says what
to do instead.

Two copies at a time: the coin of a pair of weeks has two sides, and a day shows one copy. Three at
once need 1.8 times the days of two (a third of the days a copy, two comparisons to adjust for), hardly less
than two tests in turn, of which the first can be acted on half-way. Compare two, then the winner with the
next.

Frame, the control first: ``n_days`` and ``n_visitors`` of the days that have a partner,
``n_conversions`` and ``conversion_rate`` (or ``revenue_a_visit_amount``, or ``n_visitors_a_day``) with
a t interval over days; ``diff`` and ``rel_diff`` of the pairs with the intervals of the coins' own test;
``p_value``: the share of all outcomes of the coins with a difference as large. Intervals and
p-value never disagree about 0.

>>> import pandas as pd
>>> days = pd.date_range("2026-04-06", periods=14)
>>> rows = pd.DataFrame({
...     "day": days, "variant": list("ABBAABA" "BAABBAB"), "n_visitors": 200,
...     "n_conversions": [6, 9, 10, 5, 7, 9, 8, 10, 6, 7, 11, 9, 6, 12]})
>>> result = copy_days_from_counts(rows)
>>> str(result.verdict), float(result.frame["p_value"][1])
('better', 0.015625)
"""

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable
from custmeasure.errors import UnknownName, UsageError, check_choice
from custmeasure.improve.copy_days.design import Design
from custmeasure.improve.copy_days.notes import drawn, left_out, not_two
from custmeasure.improve.copy_days.plan import (
    PlanDaysResult,
    plan_by_day,
    plan_days,
    plan_days_from_counts,
)
from custmeasure.improve.copy_days.reading import (
    METRICS,
    checked,
    experiments,
    last_complete_day,
    put_in_pairs,
    read_days,
)
from custmeasure.improve.copy_days.result import (
    KINDS,
    CopyDaysResult,
    RevenueDaysResult,
    VisitorDaysResult,
    nothing,
    table,
)
from custmeasure.improve.copy_days.verdict import decide
from custmeasure.improve.plan_test.store import Plan, read_plan
from custmeasure.shop import Shop
from custmeasure.show.result import missing_verdict
from custmeasure.stats.randomisation import compare_pairs

__all__ = [
    "CopyDaysResult",
    "PlanDaysResult",
    "RevenueDaysResult",
    "VisitorDaysResult",
    "copy_days",
    "copy_days_from_counts",
    "plan_by_day",
    "plan_days",
    "plan_days_from_counts",
]


def copy_days(
    shop: Shop,
    experiment: str,
    *,
    metric: str | None = None,
    control: str | None = None,
    carry_over: int = 0,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    alpha: float | None = None,
    min_effect: float | None = None,
) -> CopyDaysResult:
    """Compare the two copies of an experiment in the shop's ``copy_days``.

    What is not given is taken from the stored plan, then from ``[experiments.NAME]`` in shop.toml; what
    differs from the stored plan is a note.

    Parameters
    ----------
    shop
        The shop. The stored plan of the experiment, when there is one, says how the days were drawn.
    experiment
        The experiment's name.
    metric
        ``"conversion"`` (conversions a visitor), ``"revenue"`` (an amount a visitor) or ``"visitors"``
        (visitors a day: does the title bring more of them?).
    control
        The copy that the other is compared with.
    carry_over
        Days at the start of each run that do not count, because the copy before them still works; 0 is
        as planned.
    start, end
        The first and the last day.
    alpha
        1 - the confidence of the interval, and the level of the test; 0.05 when nobody said.
    min_effect
        The smallest relative difference that matters; 0.05 when nobody said.

    Returns
    -------
    CopyDaysResult
        ``verdict`` is better, worse, no_difference, cannot_tell (with the weeks that are missing) or
        invalid (``BEFORE_AFTER``, ``LONG_RUNS``: the days were not drawn).

    Raises
    ------
    UnknownName
        For an experiment, a metric or a copy that does not exist, with the nearest one.
    UsageError
        For days or levels that cannot be used.
    """
    plan = read_plan(shop, experiment)
    metric = check_choice("metric", metric or (plan.metric if plan else "conversion"), METRICS)
    source = shop.table("copy_days")
    if isinstance(source, MissingTable):
        return nothing(missing_verdict("copy_days"), metric)
    if experiment not in (seen := experiments(source)):
        raise UnknownName("experiment", experiment, seen, "copy_days.experiment")
    declared = _declared(shop, experiment, plan)
    first, last = dates.parse_span(start or declared.get("start"), end or declared.get("end"))
    known = last_complete_day(shop)
    until = min(day for day in (last, known) if day) if last or known else None
    rows = read_days(source, experiment, first, until)
    definition = {"experiment": experiment, "start": first, "end": last,
                  "as_of": dates.local(shop.as_of, shop.timezone), "timezone": shop.timezone}  # fmt: skip
    ends = plan.end if plan and plan.end and known and known < plan.end else None
    return _concluded(
        rows,
        metric,
        control=control or declared.get("control"),
        design=_design(rows, plan, first, carry_over),
        plan=plan,
        ends=ends,
        alpha=alpha or (plan.alpha if plan else 0.05),
        min_effect=min_effect or (plan.min_effect if plan and plan.metric == metric else 0.05),
        definition=definition,
        currency=shop.currency,
    )


def copy_days_from_counts(
    rows: pd.DataFrame,
    *,
    metric: str = "conversion",
    control: str | None = None,
    carry_over: int = 0,
    alpha: float = 0.05,
    min_effect: float = 0.05,
    currency: str = "KRW",
) -> CopyDaysResult:
    """Compare two copies from a table of days that was typed in.

    Parameters
    ----------
    rows
        One row a day: ``day, variant, n_visitors, n_conversions`` and, for revenue,
        ``revenue_amount``.
    metric, control, carry_over, alpha, min_effect
        As `copy_days`.
    currency
        In which the amounts are.

    Raises
    ------
    UsageError
        When a column is missing or a day has more conversions than visitors.
    """
    check_choice("metric", metric, METRICS)
    days = checked(rows)
    return _concluded(
        days,
        metric,
        control=control,
        design=_design(days, None, None, carry_over),
        plan=None,
        ends=None,
        alpha=alpha,
        min_effect=min_effect,
        definition={},
        currency=currency,
    )


def _declared(shop: Shop, experiment: str, plan: Plan | None) -> Mapping[str, object]:
    declared = dict(shop.settings.experiments.get(experiment, {}))
    if plan is not None:
        declared |= {"control": plan.control, "start": plan.start, "end": plan.end}
    return declared


def _design(
    rows: pd.DataFrame, plan: Plan | None, first: dt.date | None, carry_over: int
) -> Design:
    """Return the design that the plan says, or the one that fits the first day."""
    if plan is not None and carry_over not in (0, plan.carry_over):
        raise UsageError(
            ko=f"carry_over {carry_over}: 계획은 {plan.carry_over}이고, 날은 그렇게 뽑았습니다. "
            "바꾸려면 새 실험을 계획하십시오.",
            en=f"carry_over {carry_over}: the plan says {plan.carry_over}, and the days were drawn like "
            "that. To change it, plan a new experiment.",
        )
    if plan is not None and plan.start is not None:
        return Design(plan.start, plan.carry_over)
    start = first or (rows["day"].min() if len(rows) else dt.date(2026, 1, 5))
    return Design(start.date() if isinstance(start, dt.datetime) else start, carry_over)


def _concluded(
    rows: pd.DataFrame,
    metric: str,
    *,
    control: object,
    design: Design,
    plan: Plan | None,
    ends: dt.date | None,
    alpha: float,
    min_effect: float,
    definition: Mapping[str, object],
    currency: str,
) -> CopyDaysResult:
    names = sorted(rows["variant"].unique())
    if len(names) != 2:
        return nothing(not_two(names, ends), metric, definition)
    if control is not None and control not in names:
        raise UnknownName("variant", control, names, where="control")
    if not 0 < min_effect < float("inf"):
        raise UsageError(
            ko=f"min_effect {min_effect!r}: 0보다 큰 상대 차이여야 합니다(예: 0.05 = 5%).",
            en=f"min_effect {min_effect!r} must be a relative difference above 0, such as 0.05.",
        )
    first = str(control or names[0])
    other = next(name for name in names if name != first)
    paired = put_in_pairs(rows, first, other, design, metric, planned=plan is not None)
    of = paired.pairs
    seen = compare_pairs(of["value_t"], of["value_c"], of["n_t"], of["n_c"], alpha)
    frame = table(paired.days, seen, (first, other), metric)
    definition = {
        **definition, "metric": metric, "control": first, "carry_over": design.carry_over,
        "n_pairs": seen.n_pairs, "n_days_left_out": paired.n_left_out, "alpha": alpha,
        "min_effect": min_effect, "currency": currency,
    }  # fmt: skip
    kind = KINDS[metric]
    if paired.wrong is not None:
        blank = frame.assign(**dict.fromkeys(frame.columns[-7:], float("nan")))
        return kind(blank, definition, verdict=paired.wrong, days=paired.days)
    verdict = decide(
        frame, seen, design, alpha=alpha, min_effect=min_effect, metric=metric,
        currency=currency, ends=ends,
    )  # fmt: skip
    run = {"metric": metric, "control": first, "alpha": alpha, "min_effect": min_effect,
           "start": definition.get("start"), "end": definition.get("end")}  # fmt: skip
    notes = (*left_out(paired.n_left_out), *drawn(paired.days, other, plan, run))
    return kind(frame, definition, notes, verdict=verdict, days=paired.days)
