"""New, current, resurrected, dormant: who is a customer in each period, and who fell asleep?

Frame, one row a period: ``period_on`` (its first day), ``n_active`` customers who bought = ``n_new`` (for
the first time in these data) + ``n_current`` (bought in the period before, too) + ``n_resurrected`` (bought
before that, but not in the period before); ``n_dormant`` bought in the period before and not in this one;
``kept_rate`` = ``n_current`` ÷ ``n_active`` of the period before, with its Wilson interval; ``mature``. A
period that is not over is blank.
"""

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Readable
from custmeasure.errors import check_choice
from custmeasure.language import Lang
from custmeasure.measure.retention.calendar import PERIODS, WEEK_STARTS, frequency
from custmeasure.measure.retention.judge import cohort_name, no_customers
from custmeasure.measure.retention.orders import purchases
from custmeasure.measure.retention.purchases import Purchases, day_number, day_of
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.proportion import wilson

LAST = 3  # finished periods that the verdict looks at


@dataclass(frozen=True, eq=False, repr=False)
class Lifecycle(Result):
    """Who is a customer in each period; see the module for the columns."""

    name: ClassVar[str] = "lifecycle"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "period_on", "n_active", "n_new", "n_current", "n_resurrected", "n_dormant",
        "kept_rate", "kept_rate_ci_lower", "kept_rate_ci_upper", "mature",
    )  # fmt: skip

    def headline(self, lang: Lang | None = None) -> str:
        """Return whether more customers came than fell asleep."""
        return self.reason.in_(lang)

    def shown_frame(self) -> pd.DataFrame:
        """Return the rows with periods named as a reader names them."""
        period = str(self.definition.get("period", "month"))
        names = [cohort_name(each, period) for each in self.frame["period_on"]]
        return self.frame.assign(period_on=names).drop(columns="mature")


def lifecycle(
    orders: Readable,
    *,
    period: str = "month",
    week_start: str = "monday",
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    timezone: str | None = None,
    alpha: float = 0.05,
) -> Lifecycle:
    """Count new, current, resurrected and dormant customers period by period.

    Parameters
    ----------
    orders
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns.
    period, week_start
        ``"day"``, ``"week"`` or ``"month"``; the first day of a week, ``"monday"`` or ``"sunday"``.
    start, end
        Days; the periods from that of the first to that of the second. Earlier orders still say who is new.
    as_of
        The last instant that is known; the shop's own when not given.
    timezone
        Where days begin; the table's own when not given.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    UnknownName
        For a period, column or time zone that does not exist.
    UsageError
        For a day that cannot be read.
    """
    check_choice("period", period, [each for each in PERIODS if each != "hour"])
    check_choice("week_start", week_start, WEEK_STARTS)
    first, last = dates.parse_span(start, end)
    bought = purchases(orders, as_of=as_of, timezone=timezone)
    if isinstance(bought, Verdict):
        return Lifecycle(pd.DataFrame(columns=list(Lifecycle.COLUMNS)), {}, verdict=bought)
    freq = frequency(period, week_start)
    frame = _frame(bought, freq, alpha)
    frame = frame[_inside(frame, freq, first, last)].reset_index(drop=True)
    definition = bought.definition(
        alpha, period=period, week_start=week_start if week_start != "monday" else None,
        start=first, end=last,
    )  # fmt: skip
    return Lifecycle(frame, definition, tuple(_notes(bought)), verdict=_judged(frame, alpha))


def _frame(bought: Purchases, freq: str, alpha: float) -> pd.DataFrame:
    """Return every period from the first purchase to the last known day."""
    if not len(bought.day):
        return pd.DataFrame(columns=list(Lifecycle.COLUMNS))
    days = pd.PeriodIndex(bought.day.astype("datetime64[D]"), freq=freq)
    base = days.asi8.min()
    last = pd.Period(day_of(bought.last_day), freq)
    n_periods = int(last.ordinal - base) + 1
    _, once = np.unique(bought.customer * n_periods + (days.asi8 - base), return_index=True)
    customer, period = bought.customer[once], (days.asi8 - base)[once]
    before = np.where(np.append(-1, customer[:-1]) == customer, np.append(-9, period[:-1]), -9)
    counts = {
        name: np.bincount(period[kind], minlength=n_periods)
        for name, kind in (
            ("n_active", np.full(len(period), True)),
            ("n_new", before == -9),
            ("n_current", before == period - 1),
            ("n_resurrected", (before >= 0) & (before < period - 1)),
        )
    }
    active_before = np.append(0, counts["n_active"][:-1])
    counts["n_dormant"] = active_before - counts["n_current"]
    periods = pd.period_range(periods_from(base, freq), last)
    over = np.array([day_number(each.end_time.date()) <= bought.last_day for each in periods])
    frame = pd.DataFrame({"period_on": periods.to_timestamp(), **counts, "mature": over})
    known = over & (active_before > 0)
    lower, upper = wilson(
        np.where(known, counts["n_current"], 0), np.where(known, active_before, 0), alpha
    )
    rate = np.full(n_periods, np.nan)
    np.divide(counts["n_current"], active_before, out=rate, where=known)
    frame = frame.assign(kept_rate=rate, kept_rate_ci_lower=lower, kept_rate_ci_upper=upper)
    for name in counts:
        frame[name] = frame[name].astype("Int64").where(frame["mature"])
    return frame[list(Lifecycle.COLUMNS)]


def periods_from(ordinal: int, freq: str) -> pd.Period:
    """Return the period with an ordinal."""
    return pd.PeriodIndex.from_ordinals([ordinal], freq=freq)[0]  # type: ignore[attr-defined, no-any-return]


def _inside(
    frame: pd.DataFrame, freq: str, first: dt.date | None, last: dt.date | None
) -> "pd.Series[bool]":
    inside = pd.Series(True, index=frame.index)
    if first is not None:
        inside &= frame["period_on"] >= pd.Period(pd.Timestamp(first), freq).start_time
    if last is not None:
        inside &= frame["period_on"] <= pd.Timestamp(last)
    return inside


def _judged(frame: pd.DataFrame, alpha: float) -> Verdict:
    """Say whether more came than fell asleep over the last finished periods, the very first left out."""
    rows = frame[frame["mature"].astype(bool)].iloc[1:].tail(LAST)
    if not len(rows):
        return no_customers()
    came = int(rows["n_new"].sum() + rows["n_resurrected"].sum())
    left = int(rows["n_dormant"].sum())
    lower, upper = wilson(came, came + left, alpha)
    counted = (
        f"끝난 최근 {len(rows)}개 기간에 새로 오거나 돌아온 고객은 {came:,}명, 잠든 고객은 {left:,}명입니다.",
        f"In the last {len(rows)} finished periods {came:,} customers were new or came back, "
        f"and {left:,} fell asleep.",
    )
    if lower > 0.5:
        said, word = (
            ("사는 고객이 늘고 있습니다.", "The number of buying customers grows."),
            "better",
        )
    elif upper < 0.5:
        said, word = (
            ("사는 고객이 줄고 있습니다.", "The number of buying customers shrinks."),
            "worse",
        )
    else:
        said = (
            "늘고 있는지 줄고 있는지는 아직 모릅니다.",
            "Whether it grows or shrinks cannot be told yet.",
        )
        word = "cannot_tell"
    reason = Text(f"{said[0]} {counted[0]}", f"{said[1]} {counted[1]}")
    return Verdict(word, reason, code="NO_GAP" if word == "cannot_tell" else None)


def _notes(bought: Purchases) -> list[Text]:
    new = Text(
        "새 고객은 이 자료에서 처음 산 고객입니다. 자료가 시작될 때는 그 전부터 산 고객도 그렇게 보입니다.",
        "'New' is new in these data: at their beginning, older customers look new too.",
    )
    return [new, *bought.notes()]
