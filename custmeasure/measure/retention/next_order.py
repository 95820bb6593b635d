"""How long until the next order? Kaplan–Meier, with those who have not come back yet.

A customer who has not ordered again when the data end is neither lost nor a success: up to that day the
customer counts among those who could have come back, after it as nothing.

Frame, one row a day on which somebody came back or somebody's data end (and segment): ``gap_days`` since
the order before, ``n_at_risk`` customers who had not come back before and whose data reach so far,
``n_again`` who came back on that day, ``again_rate``: the share that has come back by then (1 −
Kaplan–Meier), with Greenwood's interval on the log-log scale.
"""

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Readable
from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.measure.retention.judge import no_customers, segment_name
from custmeasure.measure.retention.orders import purchases
from custmeasure.measure.retention.plan import check_by
from custmeasure.measure.retention.purchases import Int64, Purchases
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.multiple import holm
from custmeasure.stats.survival import Survival, kaplan_meier, log_rank, smallest_ratio

MILESTONES = (7, 14, 30, 60, 90, 120, 180, 270, 365)
_ALL = ""


@dataclass(frozen=True, eq=False, repr=False)
class NextOrder(Result):
    """How long until the next order; see the module for the columns.

    Attributes
    ----------
    summary
        One row a segment: ``segment, n_customers, n_again, median_gap_days`` with its interval (blank
        where fewer than half have come back).
    pairs
        One row a pair of segments: ``segment, other, chi_square, p_value, p_value_adj`` (log-rank, Holm).
    """

    summary: pd.DataFrame = field(kw_only=True)
    pairs: pd.DataFrame = field(kw_only=True)

    name: ClassVar[str] = "next_order"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "gap_days", "n_at_risk", "n_again",
        "again_rate", "again_rate_ci_lower", "again_rate_ci_upper",
    )  # fmt: skip
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {"gap_days": fmt.whole}

    @property
    def by(self) -> str | None:
        """The column that the curves are split by."""
        first = str(self.frame.columns[0])
        return None if first == "gap_days" else first

    def at(self, days: Sequence[int]) -> pd.DataFrame:
        """Return who has come back by some days: a row a day that the data reach (and segment).

        ``n_again`` counts those who came back by that day.
        """
        keys = [self.by] if self.by else []
        parts = self.frame.groupby(keys, sort=False) if keys else [(_ALL, self.frame)]
        rows: list[dict[Hashable, object]] = []
        for _, part in parts:
            for day in days:
                before, after = part[part["gap_days"] <= day], part[part["gap_days"] >= day]
                if len(before) and len(after):
                    so_far: dict[Hashable, object] = {
                        "gap_days": day,
                        "n_at_risk": after["n_at_risk"].iloc[0],
                        "n_again": before["n_again"].sum(),
                    }
                    rows.append({**before.iloc[-1].to_dict(), **so_far})
        return pd.DataFrame(rows, columns=self.frame.columns)

    def shown_frame(self) -> pd.DataFrame:
        """Return the rows of some days that a reader thinks in."""
        return self.at(MILESTONES) if len(self.frame) else self.frame

    def headline(self, lang: Lang | None = None) -> str:
        """Return which segment comes back later, or how soon half of the customers do."""
        return f"{self.reason.in_(lang)} {self.said(lang)}".strip()

    def said(self, lang: Lang | None = None) -> str:
        """Return how many have come back by 30 days (or the last day known before)."""
        if self.by or not len(self.frame):
            return ""
        shown = self.at([day for day in MILESTONES if day <= 30])
        if not len(shown):
            return ""
        row = shown.iloc[-1]
        low, high, rate = (
            fmt.show("again_rate", row[f"again_rate{end}"], lang)
            for end in ("_ci_lower", "_ci_upper", "")
        )
        ends = fmt.interval(low, high, lang)
        worth, days = (f"{rate} ({ends})" if ends else rate), int(row["gap_days"])
        return pick(
            f"주문한 지 {days}일 안에 {worth}가 다시 주문합니다.",
            f"{worth} order again within {days} days.",
            lang,
        )


def time_to_next_order(
    orders: Readable,
    *,
    after: int = 1,
    by: str | None = None,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    timezone: str | None = None,
    alpha: float = 0.05,
) -> NextOrder:
    """Follow customers from one order to the next.

    Parameters
    ----------
    orders
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns. Orders of a
        customer on one day are one purchase.
    after
        After which purchase: 1 follows customers from their first to their second.
    by
        A column; a customer belongs to its value at that purchase. The segments are compared by log-rank
        tests, Holm between the pairs.
    start, end
        Days (both included) of the first purchase.
    as_of
        The last instant that is known; the shop's own when not given.
    timezone
        Where days begin; the table's own when not given.
    alpha
        1 - the confidence of the intervals, and the level of the comparison.

    Raises
    ------
    UnknownName
        For a column or time zone that does not exist.
    UsageError
        For a day that cannot be read, or a purchase that is no number from 1 on.
    """
    _check(after, by)
    first, last = dates.parse_span(start, end)
    bought = purchases(orders, as_of=as_of, timezone=timezone, by=by)
    if isinstance(bought, Verdict):
        return _empty(bought)
    chosen = bought.between(first, last) & (bought.number == after)
    definition = bought.definition(alpha, after_order=after, by=by, start=first, end=last)
    followed = _Followed(
        bought.gap[chosen], bought.came_back[chosen], bought.segment[chosen], bought.segments
    )
    if not chosen.any():
        return _empty(no_customers(), definition)
    return _measured(followed, bought, definition, by, alpha)


@dataclass(frozen=True)
class _Followed:
    """How long each customer was followed, whether the next order came, and the segment."""

    gap: Int64
    again: np.ndarray
    segment: Int64
    names: list[str]

    def parts(self) -> list[tuple[str, np.ndarray]]:
        """Return the segments that have anybody, the largest first."""
        sizes = np.bincount(self.segment, minlength=len(self.names))
        places = np.argsort(-sizes, kind="stable")
        return [(self.names[i], self.segment == i) for i in places if sizes[i]]


def _measured(
    followed: _Followed,
    bought: Purchases,
    definition: Mapping[str, object],
    by: str | None,
    alpha: float,
) -> NextOrder:
    frames, rows = [], []
    for name, own in followed.parts():
        curve = kaplan_meier(followed.gap[own], followed.again[own], alpha=alpha)
        part = _frame(curve)
        frames.append(part if by is None else part.assign(**{by: name}))
        rows.append(_summed(name, curve, int(own.sum())))
    columns = [*([by] if by else []), *NextOrder.COLUMNS]
    frame = pd.concat(frames, ignore_index=True)[columns]
    summary, pairs = pd.DataFrame(rows), _pairs(followed)
    verdict = _judged(summary, pairs, by, alpha) if by else _told(summary)
    notes = (*_noticed(followed, verdict), *bought.notes())
    return NextOrder(frame, definition, notes, verdict=verdict, summary=summary, pairs=pairs)


def _frame(curve: Survival) -> pd.DataFrame:
    return pd.DataFrame({
        "gap_days": curve.times.astype(np.int64),
        "n_at_risk": curve.n_at_risk.astype(np.int64),
        "n_again": curve.n_events.astype(np.int64),
        "again_rate": 1 - curve.survival,
        "again_rate_ci_lower": 1 - curve.ci_upper,
        "again_rate_ci_upper": 1 - curve.ci_lower,
    })  # fmt: skip


def _summed(name: str, curve: Survival, n: int) -> dict[str, object]:
    median, lower, upper = curve.quantile()
    return {
        "segment": name, "n_customers": n, "n_again": int(curve.n_events.sum()),
        "median_gap_days": median, "median_gap_days_ci_lower": lower,
        "median_gap_days_ci_upper": upper,
    }  # fmt: skip


def _pairs(followed: _Followed) -> pd.DataFrame:
    """Return the log-rank test of every two segments, Holm between them."""
    rows = []
    for (one, own), (other, others) in combinations(followed.parts(), 2):
        both = own | others
        test = log_rank(followed.gap[both], followed.again[both], own[both].astype(int))
        slower = one if _later(followed, own, others) else other
        rows.append((one, other, slower, test.chi_square, test.p_value))
    frame = pd.DataFrame(rows, columns=["segment", "other", "slower", "chi_square", "p_value"])
    return frame.assign(p_value_adj=holm(frame["p_value"].to_numpy(float)))


def _later(followed: _Followed, own: np.ndarray, others: np.ndarray) -> bool:
    """Whether fewer of ``own`` came back than expected beside ``others``."""
    until = min(followed.gap[own].max(), followed.gap[others].max())
    left = [
        float(kaplan_meier(followed.gap[each], followed.again[each]).at(until)[0])
        for each in (own, others)
    ]
    return left[0] > left[1]


def _judged(summary: pd.DataFrame, pairs: pd.DataFrame, by: str, alpha: float) -> Verdict:
    sure = pairs[pairs["p_value_adj"] < alpha]
    if not len(sure):
        reason = Text(
            "다시 주문하는 때가 다르다고 할 묶음이 없습니다.",
            "No two segments can be said to order again at a different time.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP" if len(summary) > 1 else "ONE_SEGMENT")
    worst = sure["slower"].value_counts().index[0]
    faster = [
        row.other if row.segment == worst else row.segment
        for row in sure.itertuples()
        if row.slower == worst
    ]
    ko, en = (
        (segment_name(by, worst, lang), ", ".join(segment_name(by, name, lang) for name in faster))
        for lang in LANGUAGES
    )
    return Verdict("worse", Text(
        f"{ko[0]} 고객은 {ko[1]} 고객보다 덜, 또는 늦게 다시 주문합니다.",
        f"{en[0]} order again later, or less, than {en[1]}.",
    ))  # fmt: skip


def _told(summary: pd.DataFrame) -> Verdict:
    days = summary["median_gap_days"].iloc[0]
    reason = Text(
        "아직 절반이 다시 주문하지 않았습니다.", "Fewer than half have ordered again so far."
    )
    if np.isfinite(days):
        reason = Text(
            f"절반은 {days:,.0f}일 안에 다시 주문합니다.",
            f"Half of them order again within {days:,.0f} days.",
        )
    return Verdict("cannot_tell", reason, code="NO_TARGET")


def _noticed(followed: _Followed, verdict: Verdict) -> list[Text]:
    """Say what difference could have been noticed where none was."""
    parts = followed.parts()
    if verdict.code != "NO_GAP" or len(parts) < 2:
        return []
    both = parts[0][1] | parts[1][1]
    ratio = smallest_ratio(float(followed.again[both].sum()), float(parts[0][1].sum() / both.sum()))
    if not np.isfinite(ratio):
        return []
    return [Text(
        f"가장 큰 두 묶음은 다시 주문하는 속도가 {ratio:.1f}배 이상 달라야 알아볼 수 있습니다(검정력 80%).",
        f"Between the two largest segments only a pace at least {ratio:.1f} times as fast would be noticed "
        "(power 80%).",
    )]  # fmt: skip


def _check(after: int, by: str | None) -> None:
    if not isinstance(after, int) or isinstance(after, bool) or after < 1:
        raise UsageError(
            ko=f"after {after!r}: 1 이상의 정수여야 합니다. 1은 첫 주문 뒤입니다.",
            en=f"after {after!r} must be a whole number, 1 or more: 1 is after the first order.",
        )
    check_by(by, NextOrder.COLUMNS)


def _empty(verdict: Verdict, definition: Mapping[str, object] | None = None) -> NextOrder:
    summary = ["segment", "n_customers", "n_again", "median_gap_days"]
    pairs = ["segment", "other", "slower", "chi_square", "p_value", "p_value_adj"]
    return NextOrder(
        pd.DataFrame(columns=list(NextOrder.COLUMNS)),
        definition or {},
        verdict=verdict,
        summary=pd.DataFrame(columns=summary),
        pairs=pd.DataFrame(columns=pairs),
    )
