"""The decision of a test by the day, and how many more weeks it takes when it cannot tell."""

import bisect
import datetime as dt
import math
from collections.abc import Callable

import pandas as pd

from custmeasure.improve.copy_days.design import WEEK, Design
from custmeasure.improve.copy_days.result import against, each
from custmeasure.language import Lang, pick
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.randomisation import PairComparison, pairs_needed, power_of_pairs

POWER = 0.8
Said = Callable[[Lang], str]
TOO_LONG_WEEKS = 52


def decide(
    frame: pd.DataFrame,
    seen: PairComparison,
    design: Design,
    *,
    alpha: float,
    min_effect: float,
    metric: str,
    currency: str,
    ends: dt.date | None,
) -> Verdict:
    """Return the verdict; ``ends`` is the planned last day when it is still to come."""

    def sides(lang: Lang) -> str:
        return against(frame, metric, currency, lang)

    if seen.code == "TOO_FEW_PAIRS":
        return Verdict("cannot_tell", _too_few(seen, alpha, design), code=seen.code)
    if seen.code == "ZERO_VARIANCE" or (
        metric == "conversion" and not frame["n_conversions"].all()
    ):
        return Verdict("cannot_tell", _silent(sides), code="NO_CONVERSIONS")
    if ends is not None:
        return Verdict("cannot_tell", _not_over(sides, ends), code="NOT_OVER")
    if seen.p_value < alpha:
        return Verdict("better" if seen.diff > 0 else "worse", each(sides))
    if -min_effect < seen.rel_diff_ci_lower and seen.rel_diff_ci_upper < min_effect:
        return Verdict("no_difference", _small(sides, min_effect))
    return Verdict("cannot_tell", _not_yet(sides, seen, design, min_effect, alpha))


def weeks_needed(sd: float, diff: float, design: Design, alpha: float) -> float:
    """Return how many weeks show a difference with chance `POWER`; infinite beyond ten years."""
    blocks = range(1, 10 * TOO_LONG_WEEKS // 2)
    first = bisect.bisect_left(
        blocks, POWER, key=lambda n: power_of_pairs(diff, sd, WEEK * n, alpha)
    )
    return blocks[first] * design.block_days / WEEK if first < len(blocks) else math.inf


def _too_few(seen: PairComparison, alpha: float, design: Design) -> Text:
    needed = pairs_needed(alpha)
    weeks = math.ceil(needed / WEEK) * design.block_days // WEEK
    return Text(
        f"짝이 맞는 날이 {seen.n_pairs}쌍뿐입니다. {needed}쌍보다 적으면 어떤 차이도 "
        "우연과 가릴 수 없습니다. "
        f"적어도 {weeks}주를 계획하십시오.",
        f"Only {seen.n_pairs} pairs of days can be compared. With fewer than {needed} no difference can "
        f"be told from chance. Plan {weeks} weeks at least.",
    )


def _silent(sides: Said) -> Text:
    return each(lambda lang: f"{sides(lang)} " + pick(
        "견줄 값이 없습니다. 두 문구 모두 값이 기록되는지 확인하십시오.",
        "There is nothing to compare. Check that both copies are recorded.", lang,
    ))  # fmt: skip


def _not_over(sides: Said, ends: dt.date) -> Text:
    return each(lambda lang: f"{sides(lang)} " + pick(
        f"계획은 {ends}에 끝납니다. 그 전에 멈추면 우연한 차이를 믿게 되므로 그날 판정합니다.",
        f"The plan ends on {ends}. Stopping before it would take chance for an effect; the verdict "
        "comes then.", lang,
    ))  # fmt: skip


def _small(sides: Said, min_effect: float) -> Text:
    least = f"{100 * min_effect:g}%"
    return each(lambda lang: f"{sides(lang)} " + pick(
        f"차이가 있어도 ±{least}보다 작습니다. 어느 안을 써도 됩니다.",
        f"If there is a difference, it is below ±{least}. Either may be used.", lang,
    ))  # fmt: skip


def _not_yet(
    sides: Said, seen: PairComparison, design: Design, min_effect: float, alpha: float
) -> Text:
    sd = seen.se * math.sqrt(seen.n_pairs)
    weeks = weeks_needed(sd, min_effect * seen.control, design, alpha)
    return each(lambda lang: f"{sides(lang)} {_how_long(weeks, min_effect, lang)}")


def _how_long(weeks: float, min_effect: float, lang: Lang) -> str:
    least, chance = f"{100 * min_effect:g}%", f"{100 * POWER:g}%"
    if weeks > TOO_LONG_WEEKS:
        return pick(
            f"{least} 차이를 {chance} 확률로 가리려면 1년이 넘게 걸립니다. 더 크게 바꾼 문구라면 더 빨리 "
            "알 수 있습니다.",
            f"To see a difference of {least} with a chance of {chance} takes more than a year. A bolder "
            "change would show sooner.",
            lang,
        )
    return pick(
        f"{least} 차이를 {chance} 확률로 가리려면 모두 {weeks:.0f}주가 필요합니다.",
        f"To see a difference of {least} with a chance of {chance} takes {weeks:.0f} weeks in all.",
        lang,
    )
