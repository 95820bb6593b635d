"""How a test is watched, and what each look at it may claim.

A daily report is a look every day, and the plain level at every look finds differences that are not
there in one test of four. With a planned last day the level is spent over the looks; without one an
always-valid sequence is used; only one single look at the planned end is the classical test. The looks
are the earlier reports that history knows; where there is no history every day counts as one.
"""

import datetime as dt
import functools
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from custmeasure import dates
from custmeasure.errors import UsageError, check_choice
from custmeasure.history import History
from custmeasure.shop import Shop
from custmeasure.show.words import Text
from custmeasure.stats.anytime import anytime_level, anytime_p_value
from custmeasure.stats.sequential import Looks, alpha_spending, repeated_p_value

METHODS = ("auto", "planned", "open", "one_look")
# The names that stored plans use.
STORED = {"planned_end": "planned", "open_end": "open", "one_look": "one_look"}
HISTORY = "CUSTMEASURE_HISTORY"  # the environment variable that names the file of earlier runs
# A look that may claim nothing has an interval at this level, so that it has one at all.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Watch:
    """How a test is watched.

    Attributes
    ----------
    method
        ``"one_look"``, ``"planned"`` (alpha spending) or ``"open"`` (always valid).
    alpha
        Level of the whole test.
    days
        The days of the looks, this one last; empty where they are not known.
    information, fractions
        Units whose window was over at each look, and the share of the planned time that was.
    """

    method: str = "one_look"
    alpha: float = 0.05
    days: tuple[dt.date, ...] = ()
    information: tuple[float, ...] = ()
    fractions: tuple[float, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether the planned end has come."""
        return self.method == "planned" and bool(self.fractions) and self.fractions[-1] >= 1

    @property
    def levels(self) -> tuple[float, ...]:
        """The level of every look of a planned test."""
        return _spent(self.information, self.fractions, self.alpha).levels

    def level(self, n: int) -> float:
        """Return the two-sided level that this look may use, at ``n`` units of both variants."""
        if self.method == "planned" and self.information:
            return max(self.levels[-1], _NOTHING)
        if self.method == "open" and n > 0:
            return max(anytime_level(n, self.alpha), _NOTHING)
        return self.alpha

    def level_at_end(self, n: int) -> float:
        """Return the level to plan with: nearly the whole at a planned end, this look's without one."""
        return self.level(n) if self.method == "open" else self.alpha

    def p_value(self, p_value: float, n: int) -> float:
        """Return a plain p-value with all looks taken into account: below alpha as the level says."""
        if math.isnan(p_value):
            return p_value
        if self.method == "planned" and self.information:
            return _repeated(p_value, self.information, self.fractions)
        if self.method == "open" and n > 0:
            return anytime_p_value(p_value, n, self.alpha)
        return p_value


@functools.lru_cache(maxsize=64)
def _spent(information: tuple[float, ...], fractions: tuple[float, ...], alpha: float) -> Looks:
    return alpha_spending(information, fractions, alpha=alpha)


@functools.lru_cache(maxsize=256)
def _repeated(
    p_value: float, information: tuple[float, ...], fractions: tuple[float, ...]
) -> float:
    return repeated_p_value(p_value, information, fractions)


def watch(
    method: str,
    alpha: float,
    finished: Mapping[dt.date, int],
    *,
    last_day: dt.date | None,
    today: dt.date | None,
    looked: Sequence[dt.date] | None,
) -> Watch:
    """Return how a test is watched.

    Parameters
    ----------
    method
        ``"planned"``, ``"open"`` or ``"one_look"``; ``"auto"`` plans where there is a last day.
    alpha
        Level of the whole test.
    finished
        Day → units whose window ended on it.
    last_day
        The day on which the last planned window ends; None without a planned end.
    today
        The last complete day.
    looked
        The days of earlier looks; None when nobody knows, and every day is taken for one.

    Raises
    ------
    UnknownName
        For another method.
    UsageError
        For ``"planned"`` without an end.
    """
    chosen = check_choice("mode", method, METHODS)
    if chosen == "auto":
        chosen = "planned" if last_day else "open"
    if chosen == "planned" and last_day is None:
        raise UsageError(
            ko="method='planned'에는 끝나는 날(end)이 있어야 합니다. shop.toml의 실험에 적으십시오.",
            en="method='planned' needs a last day: give end, or declare it for the experiment.",
        )
    if not finished or chosen == "one_look":
        return Watch(chosen, alpha)
    first, until = min(finished), today or max(finished)
    now = min(until, last_day) if last_day and chosen == "planned" else until
    every = [first + dt.timedelta(days=i) for i in range(max((now - first).days, 0) + 1)]
    days = every if looked is None else [day for day in every if day in set(looked) or day == now]
    known = _running(finished, days)
    kept = [(day, n) for day, n in zip(days, known, strict=True) if n > 0]
    if chosen == "open" or last_day is None:
        return Watch("open", alpha, tuple(day for day, _ in kept))
    whole = (last_day - first).days + 1
    return Watch(
        "planned",
        alpha,
        tuple(day for day, _ in kept),
        tuple(float(n) for _, n in kept),
        tuple(min(((day - first).days + 1) / whole, 1.0) for day, _ in kept),
    )


def _running(finished: Mapping[dt.date, int], days: Sequence[dt.date]) -> list[int]:
    """Return how many units had finished by the end of each day."""
    return [sum(n for day, n in finished.items() if day <= until) for until in days]


def last_day(end: dt.date | None, window: str | dt.timedelta, timezone: str) -> dt.date | None:
    """Return the day on which the window of who enters last, on the day ``end``, is over."""
    if end is None:
        return None
    over = dates.day_end(end, timezone) + dates.parse_window(window)
    local = dates.local(over, timezone)
    return local.date() if local else None


def looked_at(
    shop: Shop, history: str | Path | None, today: dt.date | None
) -> list[dt.date] | None:
    """Return the last complete day of every earlier report, or None where there is no history.

    Parameters
    ----------
    shop
        The shop.
    history
        The file of earlier runs; when not given the one that the environment names, or ``runs``
        beside the reports of the shop's folder.
    today
        The last complete day of this report; later reports do not count.
    """
    named = history or os.environ.get(HISTORY)
    path = Path(named) if named else shop.folder / "runs" / "history.sqlite"
    if not path.is_file():
        return None
    before = (today or dt.date.max - dt.timedelta(days=1)) + dt.timedelta(days=1)
    past = History(path).past("exposures", before)
    return [dt.date.fromisoformat(each.report_date) - dt.timedelta(days=1) for each in past]


def watch_note(watched: Watch, *, is_known: bool) -> Text:
    """Return how the looks were taken into account, in one sentence."""
    if watched.method == "one_look":
        return Text(
            "이 판정은 미리 정한 날에 한 번 볼 때 맞습니다. 날마다 보다가 차이가 난 날 멈추면 "
            "없는 차이를 있다고 할 때가 많습니다.",
            "This answer holds for one look on a day fixed beforehand. Looking every day and stopping at "
            "the first difference often finds differences that are not there.",
        )
    n = len(watched.days)
    if watched.method == "open":
        return Text(
            "끝나는 날이 없는 시험이라, 언제 몇 번을 보아도 맞는 넓은 구간을 썼습니다. "
            "끝나는 날을 미리 정하면 구간이 좁아집니다.",
            "The test has no planned end, so its interval is a wider one that stays right however "
            "often it is looked at. A planned end makes it narrower.",
        )
    counted_ko = "" if is_known else " 지난 보고서의 기록이 없어 날마다 본 것으로 셌습니다."
    counted_en = (
        "" if is_known else " No record of earlier reports was found: every day counts as a look."
    )
    return Text(
        f"이번까지 {n:,}번 본 것을 셈에 넣었습니다. 구간과 p값은 날마다 보아도 맞습니다.{counted_ko}",
        f"All {n:,} looks so far are taken into account: interval and p-value stay right under daily "
        f"looks.{counted_en}",
    )
