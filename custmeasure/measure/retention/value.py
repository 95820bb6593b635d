"""What a customer has brought in so far: cumulative net revenue, cohort by cohort.

Frame, one row a cohort and period: ``cohort``, ``period`` (k), ``cohort_size``, ``value_amount``: the net
amount (amount − discount − refund) of all orders of the cohort's customers up to the end of period k ÷
``cohort_size``, with its bootstrap-t interval over customers; ``mature``. A refund counts in the period of
its order. A period that is not over is blank. The pooled row (`ValueCurve.pooled`) holds only the cohorts
that reached k.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Readable
from custmeasure.errors import check_choice
from custmeasure.language import Lang, pick
from custmeasure.measure.retention.calendar import PERIODS, WEEK_STARTS, Int64, frequency
from custmeasure.measure.retention.judge import cohort_name, nobody
from custmeasure.measure.retention.orders import purchases
from custmeasure.measure.retention.purchases import Purchases, day_number, day_of
from custmeasure.show import format as fmt
from custmeasure.show.labels import label
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.bootstrap import SEED, mean_intervals
from custmeasure.stats.mean import Moments, compare_means
from custmeasure.stats.multiple import benjamini_hochberg
from custmeasure.stats.tails import Floats

NOT_OVER = "·"
GROUPS = 1000  # of customers that are resampled together, at most
_LATER = {"day": ("일", "days"), "week": ("주", "weeks"), "month": ("개월", "months")}


@dataclass(frozen=True, eq=False, repr=False)
class ValueCurve(Result):
    """Cumulative net revenue a customer; see the module for the columns.

    Attributes
    ----------
    pooled
        ``period, n_cohorts, cohort_size, value_amount`` and its interval: the cohorts that reached k.
    """

    pooled: pd.DataFrame = field(kw_only=True)

    name: ClassVar[str] = "value_curve"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "cohort", "period", "cohort_size",
        "value_amount", "value_amount_ci_lower", "value_amount_ci_upper", "mature",
    )  # fmt: skip

    def display_frame(self, lang: Lang | None = None) -> pd.DataFrame:
        """Return a row a cohort and a column a period, the pooled row first."""
        rows = [self._row(pick("전체", "All", lang), self.pooled, lang)] if len(self.frame) else []
        period = str(self.definition.get("period", "month"))
        for cohort, part in self.frame.groupby("cohort", sort=True):
            if part["cohort_size"].iloc[0]:
                rows.append(self._row(cohort_name(cohort, period), part, lang))  # type: ignore[arg-type]
        return pd.DataFrame(rows).fillna("")

    def shown_frame(self) -> pd.DataFrame:
        """Return the table that `display_frame` shows."""
        return self.display_frame()

    def headline(self, lang: Lang | None = None) -> str:
        """Return which cohort stands out, then what a customer brings in the end."""
        return f"{self.reason.in_(lang)} {self.said(lang)}".strip()

    def said(self, lang: Lang | None = None) -> str:
        """Return what a customer has brought by the last age that half of the customers reached."""
        if not len(self.pooled):
            return ""
        reached = self.pooled[self.pooled["cohort_size"] >= self.pooled["cohort_size"].max() / 2]
        row = reached.iloc[-1]
        worth = self._show("value_amount", row["value_amount"], lang)
        ends = fmt.interval(
            self._show("value_amount", row["value_amount_ci_lower"], lang),
            self._show("value_amount", row["value_amount_ci_upper"], lang),
            lang,
        )
        shown, n = (f"{worth} ({ends})" if ends else worth), f"{row['cohort_size']:,.0f}"
        ko, en = _LATER[str(self.definition["period"])]
        k = int(row["period"])
        return pick(
            f"고객 {n}명은 처음 산 때부터 {k}{ko} 뒤까지 한 명당 {shown}을 남겼습니다.",
            f"By {k} {en} after the first order, {n} customers had brought {shown} each.",
            lang,
        )

    def _row(self, name: str, part: pd.DataFrame, lang: Lang | None) -> dict[str, str]:
        cells = {
            label("cohort", lang): name,
            label("cohort_size", lang): f"{part['cohort_size'].max():,}",
        }
        over = part["mature"] if "mature" in part else np.full(len(part), True)
        for k, worth, is_over in zip(part["period"], part["value_amount"], over, strict=True):
            cells[str(k)] = self._show("value_amount", worth, lang) if is_over else NOT_OVER
        return cells


def value_curve(
    orders: Readable,
    *,
    period: str = "month",
    week_start: str = "monday",
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    timezone: str | None = None,
    seed: int = SEED,
    alpha: float = 0.05,
) -> ValueCurve:
    """Add up what each cohort's customers have brought, period by period.

    Parameters
    ----------
    orders
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns.
    period, week_start
        ``"day"``, ``"week"`` or ``"month"``; the first day of a week, ``"monday"`` or ``"sunday"``.
    start, end
        Days; the cohorts from the period of the first to the period of the second.
    as_of
        The last instant that is known; the shop's own when not given.
    timezone
        Where days begin; the table's own when not given.
    seed
        What the resamples are drawn from: the same seed gives the same bytes.
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
    bought = purchases(orders, as_of=as_of, timezone=timezone, money=True)
    if isinstance(bought, Verdict):
        return _empty({}, bought)
    definition = bought.definition(
        alpha, seed=seed, period=period, week_start=week_start if week_start != "monday" else None,
        start=first, end=last, currency=bought.currency or "KRW",
    )  # fmt: skip
    freq = frequency(period, week_start)
    cohorts = _cohorts(bought, freq, first, last)
    if not cohorts:
        return _empty(definition, nobody())
    frame = pd.concat([_curve(each, alpha, seed) for each in cohorts], ignore_index=True)
    pooled = _pooled(cohorts, alpha, seed)
    verdict = _judged(cohorts, pooled, period, alpha)
    notes = (*_waiting(frame), *bought.notes())
    return ValueCurve(
        frame[list(ValueCurve.COLUMNS)], definition, notes, pooled=pooled, verdict=verdict
    )


@dataclass(frozen=True)
class _Cohort:
    """The customers of one period: what each has brought by the end of each period since."""

    begins: pd.Timestamp
    sums: Floats  # (n_customers, n_periods)
    over: np.ndarray  # (n_periods,)

    def grouped(self, k: int) -> tuple[Floats, Floats]:
        """Return the sums of ``GROUPS`` groups of customers up to period k, and their sizes."""
        return grouped(self.sums[:, : k + 1])


def grouped(sums: Floats) -> tuple[Floats, Floats]:
    """Return what at most ``GROUPS`` groups of customers add up to, and how many each holds.

    Customers stand in the order of their ids' hashes, so every n-th is as good as drawn.
    """
    if len(sums) <= GROUPS:
        return sums, np.ones(len(sums))
    group = np.arange(len(sums)) % GROUPS
    totals = np.zeros((GROUPS, sums.shape[1]))
    np.add.at(totals, group, sums)
    return totals, np.bincount(group).astype(np.float64)


def _cohorts(
    bought: Purchases, freq: str, first: dt.date | None, last: dt.date | None
) -> list[_Cohort]:
    if not len(bought.day):
        return []
    period: Int64 = pd.PeriodIndex(bought.day.astype("datetime64[D]"), freq=freq).asi8
    joined = period[np.searchsorted(bought.customer, bought.customer)]
    final = pd.Period(day_of(bought.last_day), freq)
    made = []
    for ordinal in range(joined.min(), joined.max() + 1):
        cohort = pd.PeriodIndex.from_ordinals([ordinal], freq=freq)[0]  # type: ignore[attr-defined]
        if first is not None and cohort < pd.Period(pd.Timestamp(first), freq):
            continue
        if last is not None and cohort > pd.Period(pd.Timestamp(last), freq):
            continue
        made.append(_cohort(bought, cohort, joined == ordinal, period - ordinal, final))
    return made


def _cohort(
    bought: Purchases, cohort: pd.Period, inside: np.ndarray, k: Int64, final: pd.Period
) -> _Cohort:
    n_periods = final.ordinal - cohort.ordinal + 1
    _, customer = np.unique(bought.customer[inside], return_inverse=True)
    sums = np.zeros((int(customer.max()) + 1 if len(customer) else 0, n_periods))
    np.add.at(sums, (customer, k[inside]), bought.net[inside])
    ends = [day_number((cohort + i).end_time.date()) for i in range(n_periods)]
    return _Cohort(cohort.start_time, sums.cumsum(axis=1), np.array(ends) <= bought.last_day)


def _curve(cohort: _Cohort, alpha: float, seed: int) -> pd.DataFrame:
    n, n_periods = cohort.sums.shape
    worth, lower, upper = (np.full(n_periods, np.nan) for _ in range(3))
    done = int(cohort.over.sum())
    if n and done:
        worth[:done] = cohort.sums[:, :done].mean(axis=0)
        lower[:done], upper[:done] = mean_intervals(
            *cohort.grouped(done - 1), alpha=alpha, seed=seed
        )
    return pd.DataFrame({
        "cohort": cohort.begins, "period": np.arange(n_periods), "cohort_size": n,
        "value_amount": worth, "value_amount_ci_lower": lower, "value_amount_ci_upper": upper,
        "mature": cohort.over,
    })  # fmt: skip


def _pooled(cohorts: Sequence[_Cohort], alpha: float, seed: int) -> pd.DataFrame:
    """Return the row of all cohorts together, each period over those that reached it."""
    rows = []
    for k in range(max(cohort.sums.shape[1] for cohort in cohorts)):
        reached = [
            each for each in cohorts if len(each.over) > k and each.over[k] and len(each.sums)
        ]
        if not reached:
            break
        worth = np.concatenate([each.sums[:, k] for each in reached])
        lower, upper = mean_intervals(*grouped(worth[:, None]), alpha=alpha, seed=seed)
        rows.append((k, len(reached), len(worth), worth.mean(), lower[0], upper[0]))
    names = ["period", "n_cohorts", "cohort_size", *ValueCurve.COLUMNS[3:6]]
    return pd.DataFrame(rows, columns=names)


def _judged(cohorts: Sequence[_Cohort], pooled: pd.DataFrame, period: str, alpha: float) -> Verdict:
    """Compare each cohort with all others at the last age that half of the cohorts reached (Welch, BH)."""
    if not len(pooled):
        reason = Text("끝난 기간이 아직 없습니다.", "No period is over yet.")
        return Verdict("cannot_tell", reason, code="NO_UNITS")
    k = int(pooled.loc[pooled["n_cohorts"] >= pooled["n_cohorts"].max() / 2, "period"].iloc[-1])
    reached = [
        each for each in cohorts if len(each.over) > k and each.over[k] and len(each.sums) > 1
    ]
    own = [_moments(each.sums[:, k]) for each in reached]
    apart = [
        compare_means(each, sum(own[:i] + own[i + 1 :], Moments(0)), alpha)
        for i, each in enumerate(own)
    ]
    sure = benjamini_hochberg([each.p_value for each in apart]) < alpha
    low = [i for i, each in enumerate(apart) if sure[i] and each.diff < 0]
    if len(reached) < 2 or not low:
        reason = Text(
            "다른 코호트보다 확실히 적게 남긴 코호트는 없습니다.",
            "No cohort can be said to have brought less than the others at the same age.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP" if len(reached) > 1 else "ONE_COHORT")
    names = ", ".join(cohort_name(reached[i].begins, period) for i in low)
    return Verdict("worse", Text(
        f"{names} 코호트는 같은 나이의 다른 코호트보다 적게 남겼습니다.",
        f"The cohort of {names} has brought less than the others at the same age.",
    ))  # fmt: skip


def _moments(values: Floats) -> Moments:
    return Moments(len(values), float(values.mean()), float(values.var(ddof=1)))


def _waiting(frame: pd.DataFrame) -> list[Text]:
    waiting = int((~frame["mature"]).sum())
    note = Text(
        f"'{NOT_OVER}'로 표시한 {waiting:,}칸은 기간이 끝나지 않아 비워 두었습니다. 0이 아닙니다.",
        f"{waiting:,} cells marked '{NOT_OVER}' are not over yet and left blank. They are not 0.",
    )
    return [note] if waiting else []


def _empty(definition: Mapping[str, object], verdict: Verdict) -> ValueCurve:
    frame = pd.DataFrame(columns=list(ValueCurve.COLUMNS))
    pooled = pd.DataFrame(columns=["period", "n_cohorts", "cohort_size", *ValueCurve.COLUMNS[3:6]])
    return ValueCurve(frame, definition, pooled=pooled, verdict=verdict)
