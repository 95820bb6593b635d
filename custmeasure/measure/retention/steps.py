"""From the first order to the second, and on: how many go on within the window?

Frame, one row a step (and segment): ``step`` (``1 → 2``), ``n_customers`` customers whose k-th purchase is
at least a window old, ``n_again`` those of them who bought again within the window, ``again_rate`` ÷
``n_customers`` with its Wilson interval, ``median_gap_days`` of those who did, and ``n_pending``, whose
window is not over: they are in no rate, whether they bought again or not.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Readable
from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.measure.retention.judge import lower_than_rest, no_customers, segment_name
from custmeasure.measure.retention.orders import purchases
from custmeasure.measure.retention.plan import check_by
from custmeasure.measure.retention.purchases import Purchases, whole_days
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.proportion import wilson


@dataclass(frozen=True, eq=False, repr=False)
class OrderSteps(Result):
    """How many customers go on from one order to the next; see the module for the columns."""

    name: ClassVar[str] = "order_steps"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "step", "n_customers", "n_again", "again_rate", "again_rate_ci_lower", "again_rate_ci_upper",
        "median_gap_days", "n_pending",
    )  # fmt: skip

    @classmethod
    def from_counts(
        cls,
        counts: Sequence[tuple[int, int]],
        *,
        target: float | None = None,
        alpha: float = 0.05,
    ) -> Self:
        """Return the table of steps that somebody counted.

        Parameters
        ----------
        counts
            (customers whose window is over, those of them who bought again) for each step.
        target
            The share aimed at from the first order to the second.
        alpha
            1 - the confidence of the intervals.

        Examples
        --------
        >>> OrderSteps.from_counts([(200, 70), (70, 40)]).said("en")
        '35.0% (28.7% to 41.8%) of 200 customers ordered a second time.'
        """
        rows = [_row(k, n, again, np.nan, 0, alpha) for k, (n, again) in enumerate(counts, start=1)]
        frame = pd.DataFrame(rows, columns=list(cls.COLUMNS))
        definition = {"target": target, "confidence": 1 - alpha}
        return cls(frame, definition, verdict=_judged(frame, None, target, alpha))

    @property
    def by(self) -> str | None:
        """The column that the table is split by."""
        first = str(self.frame.columns[0])
        return None if first == "step" else first

    def headline(self, lang: Lang | None = None) -> str:
        """Return how many ordered a second time, and what that says."""
        return f"{self.said(lang)} {self.reason.in_(lang)}".strip()

    def said(self, lang: Lang | None = None) -> str:
        """Return how many customers ordered a second time."""
        first = self.frame[self.frame["step"] == "1 → 2"] if len(self.frame) else self.frame
        n, again = int(first["n_customers"].sum()), int(first["n_again"].sum())
        if not n:
            return ""
        lower, upper = wilson(again, n, 1 - float(str(self.definition["confidence"])))
        rate = fmt.show("again_rate", again / n, lang)
        low, high = (fmt.show("again_rate", float(end), lang) for end in (lower, upper))
        ends = fmt.interval(low, high, lang)
        shown = f"{rate} ({ends})" if ends else rate
        window = str(self.definition.get("window") or "").removesuffix("d")
        days_ko, days_en = (f"{window}일 안에 ", f" within {window} days") if window else ("", "")
        return pick(
            f"처음 산 {n:,}명 가운데 {shown}가 {days_ko}두 번째로 주문했습니다.",
            f"{shown} of {n:,} customers ordered a second time{days_en}.",
            lang,
        )


def order_steps(
    orders: Readable,
    *,
    window: str | dt.timedelta = "90d",
    n_steps: int = 3,
    by: str | None = None,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    timezone: str | None = None,
    target: float | None = None,
    alpha: float = 0.05,
) -> OrderSteps:
    """Count how many customers go on from their first order to the second, the third, ….

    Parameters
    ----------
    orders
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns. Orders of a
        customer on one day are one purchase.
    window
        How long a customer may take from one purchase to the next: ``"90d"``.
    n_steps
        How many steps are asked about.
    by
        A column; a customer belongs to its value at the first purchase.
    start, end
        Days (both included) of the first purchase.
    as_of
        The last instant that is known; the shop's own when not given.
    timezone
        Where days begin; the table's own when not given.
    target
        The share aimed at from the first purchase to the second.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    UnknownName
        For a column or time zone that does not exist.
    UsageError
        For a window or day that cannot be read, a target that is no share, or fewer than one step.
    """
    days = whole_days(window)
    first, last = dates.parse_span(start, end)
    _check(n_steps, target, by)
    bought = purchases(orders, as_of=as_of, timezone=timezone, by=by)
    if isinstance(bought, Verdict):
        return OrderSteps(pd.DataFrame(columns=list(OrderSteps.COLUMNS)), {}, verdict=bought)
    frame = _frame(bought.only(bought.between(first, last)), days, n_steps, by, alpha)
    definition = bought.definition(
        alpha, window=f"{days}d", by=by, start=first, end=last, target=target
    )
    notes = (*_pending(frame), *bought.notes())
    return OrderSteps(frame, definition, notes, verdict=_judged(frame, by, target, alpha))


def _check(n_steps: int, target: float | None, by: str | None) -> None:
    if not isinstance(n_steps, int) or isinstance(n_steps, bool) or n_steps < 1:
        raise UsageError(
            ko=f"n_steps {n_steps!r}: 1 이상의 정수여야 합니다.",
            en=f"n_steps {n_steps!r} must be a whole number, 1 or more.",
        )
    if target is not None and not 0 <= target <= 1:
        raise UsageError(
            ko=f"목표(target) {target}: 0과 1 사이의 비율이어야 합니다. 3%는 0.03입니다.",
            en=f"target {target} must be a share between 0 and 1: 3% is 0.03.",
        )
    check_by(by, OrderSteps.COLUMNS)


def _frame(
    bought: Purchases, days: int, n_steps: int, by: str | None, alpha: float
) -> pd.DataFrame:
    over = bought.day + days <= bought.last_day
    again = bought.came_back & (bought.gap <= days)
    segment = bought.segment[np.searchsorted(bought.customer, bought.customer)]
    rows = []
    for place, name in enumerate(bought.segments):
        for k in range(1, n_steps + 1):
            here = (bought.number == k) & (segment == place)
            if by is not None and not here.any():
                continue
            done, gaps = here & over, bought.gap[here & over & again]
            median = float(np.median(gaps)) if len(gaps) else np.nan
            row = _row(k, int(done.sum()), len(gaps), median, int((here & ~over).sum()), alpha)
            rows.append(row if by is None else {by: name, **row})
    columns = [*([by] if by else []), *OrderSteps.COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def _row(
    k: int, n: int, again: int, median: float, pending: int, alpha: float
) -> dict[str, object]:
    lower, upper = wilson(again, n, alpha)
    return {
        "step": f"{k} → {k + 1}",
        "n_customers": n,
        "n_again": again,
        "again_rate": again / n if n else np.nan,
        "again_rate_ci_lower": float(lower),
        "again_rate_ci_upper": float(upper),
        "median_gap_days": median,
        "n_pending": pending,
    }


def _pending(frame: pd.DataFrame) -> list[Text]:
    n = int(frame.loc[frame["step"] == "1 → 2", "n_pending"].sum())
    note = Text(
        f"처음 산 뒤 기한이 아직 지나지 않은 {n:,}명은 빼고 셌습니다. 떠난 고객이 아닙니다.",
        f"{n:,} customers are still within their window after the first order and are left out. "
        "They have not left.",
    )
    return [note] if n else []


def _judged(frame: pd.DataFrame, by: str | None, target: float | None, alpha: float) -> Verdict:
    first = frame[frame["step"] == "1 → 2"]
    if not first["n_customers"].sum():
        return no_customers()
    if by is not None:
        return _segments_judged(first, by, alpha)
    lower, upper = first["again_rate_ci_lower"].iloc[0], first["again_rate_ci_upper"].iloc[0]
    if target is None:
        reason = Text(
            "목표가 없어 좋고 나쁨은 말하지 않습니다.",
            "There is no target, so there is no verdict.",
        )
        return Verdict("cannot_tell", reason, code="NO_TARGET")
    if lower > target:
        return Verdict("better", Text("목표보다 높습니다.", "That is above the target."))
    if upper < target:
        return Verdict("worse", Text("목표보다 낮습니다.", "That is below the target."))
    reason = Text(
        "목표보다 높은지 낮은지는 아직 모릅니다. 구간이 목표를 품고 있습니다.",
        "Above or below the target cannot be told yet: the interval takes in the target.",
    )
    return Verdict("cannot_tell", reason, code="TOO_FEW_UNITS")


def _segments_judged(first: pd.DataFrame, by: str, alpha: float) -> Verdict:
    rows = first[first["n_customers"] > 0].reset_index(drop=True)
    low = lower_than_rest(rows["n_again"], rows["n_customers"], alpha) if len(rows) > 1 else []
    if not low:
        reason = Text(
            "두 번째 주문으로 확실히 덜 이어진 묶음은 없습니다.",
            "No segment can be said to order a second time less than the others.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP")
    ko, en = (", ".join(segment_name(by, rows[by][i], lang) for i in low) for lang in LANGUAGES)
    return Verdict("worse", Text(
        f"{ko} 고객은 다른 고객보다 두 번째 주문을 덜 했습니다.",
        f"{en} ordered a second time less than the others.",
    ))  # fmt: skip
