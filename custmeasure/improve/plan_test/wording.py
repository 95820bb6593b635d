"""How a plan is said: how long it takes, or what works where no time is enough."""

import datetime as dt
import math
from collections.abc import Callable, Sequence

import pandas as pd

from custmeasure.improve.plan_test.ask import SETTLED, Ask
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.planning import Design, plan_units

# From here on a covariate is worth asking for: it saves a tenth of the units.
WORTH_IT = 0.32


def each(sentence: Callable[[Lang], str]) -> Text:
    """Return ``sentence`` said in every language."""
    said = {lang: sentence(lang) for lang in LANGUAGES}
    return Text(said["ko"], said["en"])


def verdict(ask: Ask, frame: pd.DataFrame, weeks: int | None, instead: Sequence[Text]) -> Verdict:
    """Return how many weeks will do, or what would where none does."""
    if not ask.baseline.mean or not ask.baseline.var:
        return Verdict("cannot_tell", Text(
            "지난 자료에 전환이 하나도 없거나 모두 같아, 얼마나 걸릴지 계산할 수 없습니다. "
            "더 자주 일어나는 행동을 지표로 고르십시오.",
            "In the past nobody did this, or everybody alike, so how long it takes cannot be computed. "
            "Choose something that happens more often.",
        ), code="ZERO_VARIANCE")  # fmt: skip
    if weeks is not None:
        row = frame[frame["n_weeks"] == weeks].iloc[0]
        return Verdict("cannot_tell", each(lambda lang: _feasible(ask, row, lang)), code="PLAN")
    return Verdict(
        "cannot_tell",
        each(lambda lang: _infeasible(ask, frame.iloc[-1], instead, lang)),
        code="TOO_LITTLE_TRAFFIC",
    )


def _effect(ask: Ask, rel_diff: float, lang: Lang) -> str:
    """Return a difference as a reader sees it: ``13.5% → 14.9% (10%)``."""
    show = fmt.money if ask.metric == "revenue" else fmt.percent
    ends = (show(ask.baseline.mean * factor, lang, ask.currency) for factor in (1, 1 + rel_diff))
    return f"{' → '.join(ends)} (+{_percent(rel_diff)})"


def _feasible(ask: Ask, row: pd.Series, lang: Lang) -> str:
    weeks, units = int(row["n_weeks"]), _round(row["n_units"])
    wait = math.ceil(ask.window / dt.timedelta(days=1))
    chance = _percent(ask.design.power)
    effect = _effect(ask, ask.min_effect, lang)
    after = pick(
        f" 마지막 사람의 기한까지 {wait}일 더 기다린 뒤 판정합니다." if wait else "",
        f" The verdict comes {wait} days later, when the last person's window is over."
        if wait
        else "",
        lang,
    )
    return pick(
        f"{weeks}주면 됩니다. 그동안 약 {units:,}명이 들어와 {effect} 차이를 {chance} 확률로 "
        f"가립니다.{after}",
        f"{_weeks(weeks)} will do: about {units:,} people come in, enough to see {effect} with a chance "
        f"of {chance}.{after}",
        lang,
    )


def _infeasible(ask: Ask, row: pd.Series, instead: Sequence[Text], lang: Lang) -> str:
    weeks, units = int(row["n_weeks"]), _round(row["n_units"])
    needed = plan_units(ask.baseline, ask.min_effect, ask.at(SETTLED))
    effect = _effect(ask, ask.min_effect, lang)
    times = needed / max(row["n_units"], 1)
    first = pick(
        f"{weeks}주로도 모자랍니다. {effect} 차이를 가리려면 약 {_round(needed):,}명이 필요한데 {weeks}주에 "
        f"{units:,}명이 옵니다(약 {times:.1f}배 필요).",
        f"Even {_weeks(weeks)} are too few: {effect} takes about {_round(needed):,} people, and {units:,} "
        f"come in that time (about {times:.1f} times as many are needed).",
        lang,
    ) if math.isfinite(needed) else pick(
        f"{effect}는 있을 수 없는 값입니다.", f"{effect} cannot be.", lang
    )  # fmt: skip
    ways = [_bolder(row, lang), *(way.in_(lang) for way in instead)]
    return f"{first} {pick('대신 할 수 있는 것:', 'What would work:', lang)} {' '.join(filter(None, ways))}"


def _bolder(row: pd.Series, lang: Lang) -> str:
    if not math.isfinite(row["mde_rel_diff"]):
        return ""
    seen = _percent(math.ceil(row["mde_rel_diff"] * 100) / 100)
    return pick(
        f"{seen} 이상 달라질 만큼 크게 바꾼 문구라면 그 기간에 보입니다.",
        f"A copy bold enough to change it by {seen} or more shows in that time.",
        lang,
    )


def earlier(event: str, weeks: int) -> Text:
    """Return that an event that happens more often needs fewer weeks."""
    return Text(
        f"더 자주 일어나는 '{value_label(event, 'ko')}'(으)로 재면 {weeks}주에 보입니다.",
        f"Measured by '{value_label(event, 'en')}', which happens more often, it shows in "
        f"{_weeks(weeks)}.",
    )


def notes(ask: Ask) -> list[Text]:
    """Return what a statistician would say beside the plan."""
    return [*_method(ask.design), *_several(ask.design), *_foreseen(ask)]


def _method(design: Design) -> list[Text]:
    said = {
        "one_look": Text(
            "마지막 날에 한 번만 본다고 계산했습니다. 그 전에 보고 멈추면 이 약속은 깨집니다.",
            "This plan is for one look, on the last day. Looking before and stopping breaks its promise.",
        ),
        "planned_end": Text(
            "날마다 보아도 되는 방법(알파 소비)으로 계산했습니다. 큰 차이는 더 일찍 끝날 수 있습니다.",
            "Computed for a look every day (alpha spending): a large difference may end the test sooner.",
        ),
        "open_end": Text(
            "끝을 정하지 않고 언제 보아도 되는 방법으로 계산했습니다. 끝을 정하면 더 빨리 끝납니다.",
            "Computed for a test without a last day that may be looked at any time. With a planned end "
            "fewer people are needed.",
        ),
    }
    return [said[design.method]]


def _several(design: Design) -> list[Text]:
    n = len(design.shares) - 1
    if n < 2:
        return []
    return [Text(
        f"안 {n}개를 기준안과 견주므로 하나하나에는 더 엄한 수준({_percent(design.level)})을 썼습니다.",
        f"{n} variants are compared with the control, so each is held to a stricter level "
        f"({_percent(design.level)}).",
    )]  # fmt: skip


def _foreseen(ask: Ask) -> list[Text]:
    if ask.design.correlation:
        saved = _percent(ask.design.correlation**2)
        return [Text(
            f"이전 행동이 지표를 미리 알려 주어(상관 {ask.design.correlation:.2f}) 필요한 사람이 "
            f"{saved} 줄었습니다.",
            f"What people did before foresees the metric (correlation {ask.design.correlation:.2f}): "
            f"{saved} fewer people are needed.",
        )]  # fmt: skip
    if abs(ask.foreseen) >= WORTH_IT:
        saved = _percent(ask.foreseen**2)
        return [Text(
            f"이전 행동을 함께 쓰면(cuped) 필요한 사람이 {saved} 줄어듭니다.",
            f"Using what people did before (cuped) would save {saved} of the people.",
        )]  # fmt: skip
    return []


def _weeks(n: int) -> str:
    return "1 week" if n == 1 else f"{n} weeks"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def _round(n: float) -> int:
    """Return ``n`` to two digits that count: what is expected is not exact."""
    scale: int = 10 ** max(0, math.floor(math.log10(max(n, 1))) - 1)
    return round(n / scale) * scale
