"""How a plan by the day is said: how many weeks will do, or what works where none do."""

import math

import pandas as pd

from custmeasure.improve.copy_days.design import Design
from custmeasure.improve.copy_days.history import Past
from custmeasure.improve.copy_days.result import each
from custmeasure.language import Lang, pick
from custmeasure.show.words import Text, Verdict

# A plain test of two weeks is wrong so often by luck alone that less than this says nothing.
OFTEN = 0.1


def verdict(
    past: Past, frame: pd.DataFrame, weeks: int | None, min_effect: float, power: float, metric: str
) -> Verdict:
    """Return how many weeks will do, or what would where none do."""
    if not past.value:
        return Verdict("cannot_tell", Text(
            "지난 날들에 전환이 없어 계산할 수 없습니다.", "The past days have no conversion to plan with.",
        ), code="ZERO_VARIANCE")  # fmt: skip
    if weeks is None:
        return Verdict("cannot_tell", each(lambda lang: _too_long(frame, min_effect, lang)),
                       code="TOO_LITTLE_TRAFFIC")  # fmt: skip
    return Verdict("cannot_tell", each(lambda lang: _enough(weeks, min_effect, power, metric, lang)),
                   code="PLAN")  # fmt: skip


def _enough(weeks: int, min_effect: float, power: float, metric: str, lang: Lang) -> str:
    what = {
        "conversion": ("전환율", "conversion"), "revenue": ("방문 1회당 매출", "revenue a visit"),
        "visitors": ("하루 방문", "visits a day"),
    }  # fmt: skip
    name, effect, chance = pick(*what[metric], lang), f"{100 * min_effect:g}%", f"{100 * power:g}%"
    return pick(
        f"{weeks}주면 됩니다. 짝지은 요일마다 동전으로 문구를 정하면, {name}의 {effect} 차이를 {chance} "
        "확률로 가립니다.",
        f"{weeks} weeks will do. With a coin for each pair of weekdays, a difference of {effect} in {name} "
        f"shows with a chance of {chance}.",
        lang,
    )


def _too_long(frame: pd.DataFrame, min_effect: float, lang: Lang) -> str:
    last = frame.iloc[-1]
    effect, weeks = f"{100 * min_effect:g}%", int(last["n_weeks"])
    if math.isnan(last["mde_rel_diff"]):
        return pick(
            f"{weeks}주로는 어떤 차이도 가릴 수 없습니다. 방문이 더 많은 상품에서 시험하십시오.",
            f"{weeks} weeks show no difference of any size. Test it on a product with more visits.",
            lang,
        )
    seen = f"{math.ceil(100 * last['mde_rel_diff'])}%"
    return pick(
        f"{weeks}주로도 {effect} 차이는 가리기 어렵습니다. 그 기간에 보이는 것은 {seen} 이상의 차이입니다. "
        "더 크게 바꾼 문구를 시험하거나, 방문이 더 많은 상품에서 시험하십시오.",
        f"Even {weeks} weeks hardly show {effect}; what shows in that time is a difference of {seen} or "
        "more. Test a bolder copy, or test it on a product with more visits.",
        lang,
    )


def notes(weeks_apart: tuple[int, int], design: Design) -> tuple[Text, ...]:
    """Return what a plain test of neighbouring weeks would say, and what does not count."""
    tested, apart = weeks_apart
    notes = []
    if apart > OFTEN * tested:
        notes.append(Text(
            f"이번 주를 지난주와 견주지 않습니다. 이 가게의 이웃한 두 주 {tested}쌍을 그렇게 견주면 "
            f"{apart}쌍이 '다르다'고 나옵니다. 문구와는 상관없는 차이입니다.",
            f"This week is never compared with last week: of {tested} pairs of neighbouring weeks in this "
            f"shop's visits, a plain test calls {apart} different, whatever the copy was.",
        ))  # fmt: skip
    if design.carry_over:
        notes.append(Text(
            f"문구를 바꾼 뒤 {design.carry_over}일은 앞 문구가 남아 있을 수 있어 세지 않습니다.",
            f"For {_days(design.carry_over)} after a change the copy before may still work: not counted.",
        ))  # fmt: skip
    return tuple(notes)


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n} days"
