"""Traffic but few purchases: is it the page, the checkout, or the traffic itself?

The rule: where visits of a product page are at or above their usual level and too few of its people go
on to the cart or to an order, look at that page. Where people reach the cart as usual and fewer of them
order, look at the checkout. Where fewer people come, look at the traffic. Everybody counts on the first
product page they see.

*Usual*, for visits: the same weekdays of the weeks before, with an interval that allows for how much
days differ. For a rate: its target, or else both what the other pages do (allowing for how much pages
differ) and what the page itself did before. All comparisons of one answer share one promise: the chance
that any of them is a false alarm is at most alpha (Holm, half of it for pages, half for channels).

Frame, one row a page, and a page and channel: ``page, channel`` (``(all)`` is the whole page),
``problem``; ``n_visits`` beside ``n_expected`` and its interval; ``n_people, n_carts, n_orders``;
``cart_rate`` ÷ people, ``checkout_rate`` = orders ÷ carts, ``order_rate`` ÷ people, each with Wilson's
interval, what is usual (``usual_…``), against what (``…_against``: target, pages, past), and the
adjusted p-value; ``n_lost``, people more who would have gone on at the usual level.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, TypeAlias

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable, Readable, Table, as_table
from custmeasure.errors import UnknownName, UsageError
from custmeasure.measure.funnel.cells import MIN_CELL, TOP
from custmeasure.measure.funnel.landing_judge import RATES, Rule, judged
from custmeasure.measure.funnel.landing_log import ALL, LandingCounts, count_landing
from custmeasure.measure.funnel.landing_words import FLAGGED, landing_verdict
from custmeasure.measure.funnel.periods import two_periods
from custmeasure.measure.funnel.steps import Step
from custmeasure.show.result import Result, missing_verdict
from custmeasure.show.words import Text, Verdict

# Rate → the value aimed at.
Targets: TypeAlias = Mapping[str, float | None]

_VISIT_COLUMNS = ("page", "day", "n_visits")
_PEOPLE_COLUMNS = ("page", "is_now", "n_people", "n_carts", "n_orders")


def _of_rate(rate: str) -> tuple[str, ...]:
    short = rate.removesuffix("_rate")
    ends = (f"{rate}_ci_lower", f"{rate}_ci_upper")
    return rate, *ends, f"usual_{rate}", f"{short}_against", f"p_value_adj_{short}"


@dataclass(frozen=True, eq=False, repr=False)
class LandingResult(Result):
    """Each page's visits and rates beside what is usual; see the module for the columns."""

    name: ClassVar[str] = "landing"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "page", "channel", "problem",
        "n_visits", "n_expected", "n_expected_ci_lower", "n_expected_ci_upper",
        "p_value_adj_visits", "n_people", "n_carts", "n_orders",
        *(column for rate in RATES for column in _of_rate(rate)), "n_lost",
    )  # fmt: skip
    SHOWN: ClassVar[int] = 8

    def shown_frame(self) -> pd.DataFrame:
        """Return the pages with a problem, then the most visited, without what can be done without."""
        frame = self.frame[(self.frame["channel"] == ALL) | self.frame["problem"].isin(FLAGGED)]
        frame = frame.head(self.SHOWN)
        aside = (
            "p_value",
            "checkout",
            "usual_checkout",
            "usual_order",
            "n_carts",
            "n_orders",
            "n_lost",
        )
        kept = [
            name
            for name in frame.columns
            if not name.startswith(aside) and not name.endswith("_against")
        ]
        if frame["channel"].eq(ALL).all():
            kept.remove("channel")
        return frame[kept].dropna(axis="columns", how="all")

    @classmethod
    def from_counts(
        cls,
        visits: pd.DataFrame,
        people: pd.DataFrame,
        *,
        start: str | dt.date,
        targets: Targets | None = None,
        min_effect: float = 0.2,
        alpha: float = 0.05,
    ) -> Self:
        """Judge pages from counts typed in.

        Parameters
        ----------
        visits
            ``page, day, n_visits`` and, where known, ``channel``: one row a day, from weeks before
            ``start`` on. A day without a row is a day without a visit.
        people
            ``page, is_now, n_people, n_carts, n_orders`` (and ``channel``): people of the period
            (``is_now``) and of the weeks before. ``n_carts`` blank: no cart step.
        start
            The first day of the period.
        targets, min_effect, alpha
            As `landing`.

        Raises
        ------
        UnknownName
            For a column that is not there.
        UsageError
            For a target that is no share of 1.
        """
        first = dates.parse_day(start, "start")
        seen = [_with_channel(frame) for frame in (visits, people)]
        for frame, needed in zip(seen, (_VISIT_COLUMNS, _PEOPLE_COLUMNS), strict=True):
            _check_columns(frame, needed)
        has_cart = bool(people["n_carts"].notna().all())
        filled = seen[1].assign(n_carts=seen[1]["n_carts"] if has_cart else seen[1]["n_orders"])
        days = [dates.parse_day(day, "day") for day in seen[0]["day"]]
        known = sorted(set(days))
        counts = LandingCounts(
            seen[0].assign(day=days),
            filled[["page", "channel", *_PEOPLE_COLUMNS[1:]]],
            [day for day in known if day < first],
            [day for day in known if day >= first],
        )
        rule = Rule(_checked_targets(targets), min_effect, has_cart, alpha)
        return cls.of(counts, rule, {"start": first})

    @classmethod
    def of(cls, counts: LandingCounts, rule: Rule, definition: Mapping[str, object]) -> Self:
        """Return the answer from what was counted."""
        known = {**definition, "min_effect": rule.min_effect, "confidence": 1 - rule.alpha}
        if not counts.people["is_now"].astype(bool).any():
            empty = pd.DataFrame(columns=list(cls.COLUMNS))
            return cls(empty, known, verdict=landing_verdict(empty, rule))
        rows = _sorted(judged(counts, rule))
        verdict = landing_verdict(rows, rule)
        return cls(rows[list(cls.COLUMNS)], known, _notes(counts, rows), verdict=verdict)


def landing(
    events: Readable,
    steps: Sequence[str | Step],
    *,
    view: str | None = None,
    window: str | dt.timedelta = "7d",
    days: int = 56,
    weeks: int = 8,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    by: str | None = "channel",
    unit: str = "visitor_id",
    targets: Targets | None = None,
    min_effect: float = 0.2,
    min_cell: int = MIN_CELL,
    alpha: float = 0.05,
) -> LandingResult:
    """Say whether few purchases come from a page, the checkout or the traffic.

    Parameters
    ----------
    events
        A shop's table, a pandas frame, an Arrow table or a path, with the column ``page``.
    steps
        The funnel's steps in order, as `funnel`. The step after ``view`` is the cart, the last one the
        order; with no step between the two only orders are judged. Optional steps are left out, and the
        window of a single step is not used.
    view
        The step that shows a product page; the second of four and more steps, else the first.
    window
        How long a person may take from the page to the order.
    days, start, end
        The period to judge: the days given, or the last ``days`` whose windows are over.
    weeks
        How many weeks before it say what is usual.
    as_of
        The last instant that is known; the shop's own when not given.
    by
        The column of the channel; None for pages alone.
    unit
        The column that names who is counted.
    targets
        ``cart_rate``, ``checkout_rate``, ``order_rate`` → the value aimed at; None for what is usual.
    min_effect
        The smallest relative shortfall that matters: 0.2 is a fifth.
    min_cell
        Pages and channels with fewer people become ``(others)``.
    alpha
        The chance of any false alarm that is accepted.

    Returns
    -------
    LandingResult

    Raises
    ------
    UnknownName
        For a step, column or target that does not exist.
    UsageError
        For a period, a length or a target that cannot be read.
    """
    table = as_table(events)
    length = dates.parse_window(window)
    targets = _checked_targets(targets)
    path = _path(steps, view)
    missing = _missing(table, path)
    if missing is not None or isinstance(table, MissingTable):
        empty = pd.DataFrame(columns=list(LandingResult.COLUMNS))
        return LandingResult(
            empty, {"steps": list(map(str, path))}, verdict=missing or missing_verdict("events")
        )
    rule = Rule(targets, min_effect, len(path) > 2, alpha)
    _, period = two_periods(table, days=days, window=length, start=start, end=end, as_of=as_of)
    if period["start"] is None or period["end"] is None:
        return LandingResult.of(_nobody(), rule, {"steps": list(map(str, path))})
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    channel = by if by in table.columns or by != "channel" else None
    counts = count_landing(
        table, path, by=channel, unit=unit, window=length, start=period["start"],
        end=period["end"], weeks=weeks, as_of=known, min_cell=min_cell,
    )  # fmt: skip
    definition = {
        "unit": unit, "window": str(window), **period, "weeks": weeks, "by": channel,
        "as_of": dates.local(known, table.timezone), "timezone": table.timezone,
        "engine": table.engine, "steps": list(map(str, path)),
    }  # fmt: skip
    return LandingResult.of(counts, rule, definition)


def _path(steps: Sequence[str | Step], view: str | None) -> list[Step]:
    """Return the steps that matter: what shows the page, the cart if there is one, the order."""
    if isinstance(steps, str):
        raise UsageError(
            ko=f"steps {steps!r}: 단계를 차례로 적은 목록이어야 합니다.",
            en=f"steps {steps!r} must be a list of events in order.",
        )
    musts = [step for step in map(Step.of, steps) if not step.optional]
    names = [step.label for step in musts]
    if view is not None and view not in names:
        raise UnknownName("step", view, names, "steps")
    rest = musts[names.index(view) if view else int(len(musts) > 3) :]
    return rest if len(rest) < 3 else [rest[0], rest[1], rest[-1]]


def _checked_targets(targets: Targets | None) -> Mapping[str, float]:
    for name in targets or {}:
        if name not in RATES:
            raise UnknownName("target", name, tuple(RATES), "targets")
    known = {name: value for name, value in (targets or {}).items() if value is not None}
    for name, value in known.items():
        if isinstance(value, bool) or not 0 < value < 1:
            raise UsageError(
                ko=f"목표 {name} {value}: 0과 1 사이의 비율이어야 합니다. 3%는 0.03입니다.",
                en=f"target {name} {value} must be a share between 0 and 1: 3% is 0.03.",
            )
    return known


def _missing(table: Table | MissingTable, path: Sequence[Step]) -> Verdict | None:
    """Return why there is no answer: no table, no column that names the page, no way to an order."""
    if isinstance(table, MissingTable):
        return missing_verdict(table.name)
    if len(path) < 2:
        reason = Text(
            "페이지를 본 뒤 주문까지 두 단계가 있어야 답할 수 있습니다. "
            "shop.toml의 [funnel]에 단계를 적으십시오.",
            "This needs a step that shows the page and an order after it. "
            "Name the steps under [funnel] in shop.toml.",
        )
        return Verdict("cannot_tell", reason, code="TOO_FEW_STEPS")
    if "page" in table.columns:
        return None
    reason = Text(
        "방문 기록에 페이지(page) 열이 없어, 어느 페이지의 문제인지 알 수 없습니다.",
        "The visits have no column 'page', so no page can be named.",
    )
    return Verdict("cannot_tell", reason, code="MISSING_COLUMN")


def _nobody() -> LandingCounts:
    visits = pd.DataFrame(columns=["page", "channel", "day", "n_visits"])
    people = pd.DataFrame(columns=["page", "channel", *_PEOPLE_COLUMNS[1:]])
    return LandingCounts(visits, people, [], [])


def _with_channel(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if "channel" in frame else frame.assign(channel=ALL)


def _check_columns(frame: pd.DataFrame, needed: Sequence[str]) -> None:
    for name in needed:
        if name not in frame.columns:
            raise UnknownName("column", name, [str(column) for column in frame.columns])


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a problem first, whole pages before channels, the most people first."""
    keys = (
        -rows["n_visits"].to_numpy(float),
        -np.nan_to_num(rows["n_lost"].to_numpy(float), nan=-np.inf),
        (rows["channel"] != ALL).to_numpy(),
        ~rows["problem"].isin(FLAGGED).to_numpy(),
    )
    return rows.iloc[np.lexsort(keys)].reset_index(drop=True)


def _notes(counts: LandingCounts, rows: pd.DataFrame) -> tuple[Text, ...]:
    notes = [Text(
        "사람은 처음 본 상품 페이지에 한 번만 셉니다. '보통'은 요일을 알지만 계절과 행사는 모릅니다.",
        "Everybody counts once, on the first product page they saw. 'Usual' knows weekdays, not seasons or "
        "sales.",
    )]  # fmt: skip
    if counts.n_pending:
        notes.append(Text(
            f"{counts.n_pending:,}명은 아직 기한 안에 있어 비율에서 뺐습니다.",
            f"{counts.n_pending:,} people are still within their window and are in no rate.",
        ))  # fmt: skip
    if rows["page"].eq("(others)").any():
        notes.append(Text(
            f"작은 페이지와 {TOP}번째 밖의 페이지는 '(나머지)'로 묶었고, 판정하지 않습니다.",
            f"Small pages and those beyond the first {TOP} are put together as '(others)' and not judged.",
        ))  # fmt: skip
    return tuple(notes)
