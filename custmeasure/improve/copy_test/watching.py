"""What a look at a watched test may claim: the level of its interval, and its p-value.

With a planned end the level is spent over the looks, without one an always-valid sequence is used; only
one single look at the planned end is the classical test.
"""

import datetime as dt
import functools
import math
from dataclasses import dataclass

from custmeasure.show.words import Text
from custmeasure.stats.anytime import TUNED_FOR, anytime_level, anytime_p_value
from custmeasure.stats.sequential import Looks, alpha_spending, repeated_p_value

# A look that may claim nothing has an interval at this level, so that it has one at all.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Watch:
    """How a test is watched.

    Attributes
    ----------
    method
        ``"one_look"``, ``"planned_end"`` (alpha spending) or ``"open_end"`` (always valid).
    alpha
        Level of the whole test.
    days
        The days of the looks, this one last; empty where they are not known.
    information, fractions
        Units whose window was over at each look, and the share of the planned time that was.
    tuned_for
        Units of both variants at which an interval without an end is narrowest: as planned.
    """

    method: str = "one_look"
    alpha: float = 0.05
    days: tuple[dt.date, ...] = ()
    information: tuple[float, ...] = ()
    fractions: tuple[float, ...] = ()
    tuned_for: float = TUNED_FOR

    @property
    def is_last(self) -> bool:
        """Whether the planned end has come."""
        return self.method == "planned_end" and bool(self.fractions) and self.fractions[-1] >= 1

    @property
    def levels(self) -> tuple[float, ...]:
        """The level of every look of a planned test."""
        return _spent(self.information, self.fractions, self.alpha).levels

    def level(self, n: int) -> float:
        """Return the two-sided level that this look may use, at ``n`` units of both variants."""
        if self.method == "planned_end" and self.information:
            return max(self.levels[-1], _NOTHING)
        if self.method == "open_end" and n > 0:
            return max(anytime_level(n, self.alpha, self.tuned_for), _NOTHING)
        return self.alpha

    def level_at_end(self, n: int) -> float:
        """Return the level to plan with: nearly the whole at a planned end, this look's without one."""
        return self.level(n) if self.method == "open_end" else self.alpha

    def p_value(self, p_value: float, n: int) -> float:
        """Return a plain p-value with all looks taken into account: below alpha as the level says."""
        if math.isnan(p_value):
            return p_value
        if self.method == "planned_end" and self.information:
            return _repeated(p_value, self.information, self.fractions)
        if self.method == "open_end" and n > 0:
            return anytime_p_value(p_value, n, self.alpha, self.tuned_for)
        return p_value


@functools.lru_cache(maxsize=64)
def _spent(information: tuple[float, ...], fractions: tuple[float, ...], alpha: float) -> Looks:
    return alpha_spending(information, fractions, alpha=alpha)


@functools.lru_cache(maxsize=256)
def _repeated(
    p_value: float, information: tuple[float, ...], fractions: tuple[float, ...]
) -> float:
    return repeated_p_value(p_value, information, fractions)


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
    if watched.method == "open_end":
        return Text(
            "끝나는 날이 없는 시험이라, 언제 몇 번을 보아도 맞는 넓은 구간을 썼습니다. "
            "끝나는 날을 미리 정하면 구간이 좁아집니다.",
            "The test has no planned end, so its interval is a wider one that stays right however "
            "often it is looked at. A planned end makes it narrower.",
        )
    if n == 1 and is_known:
        return Text(
            "기록된 보기는 이번 한 번뿐입니다. 구간과 p값은 이 한 번에 맞습니다.",
            "This is the only look on record; interval and p-value hold for it.",
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
