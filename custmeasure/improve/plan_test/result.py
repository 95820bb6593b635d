"""What a plan looks like: what each number of weeks can show, and how many are enough."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.improve.plan_test.store import Plan
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.planning import Baseline, Design, plan_mde, plan_power, plan_units
from custmeasure.stats.tails import Floats

WEEK = 7
SHOWN_WEEKS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 39, 52)
MOST_LOOKS = {"once": 1, "planned_end": 56, "open_end": 28}
# After so many days' looks the units needed hardly change any more, and they are quickly computed.
SETTLED = 2 * WEEK
# From here on a covariate is worth asking for: it saves a tenth of the units.
WORTH_IT = 0.32


@dataclass(frozen=True)
class Ask:
    """What a plan is asked for.

    Attributes
    ----------
    metric, window
        What is measured, and within how long after a unit came in.
    min_effect
        The smallest relative difference that matters.
    baseline, design
        What units do today; how the test is run (`looks` follow from the days).
    by_day
        (n_days,) different units by the end of each day.
    foreseen
        How well what units did before foresees the metric (a correlation), whether used or not.
    currency
        Of amounts.
    """

    metric: str
    window: dt.timedelta
    min_effect: float
    baseline: Baseline
    design: Design
    by_day: Sequence[float] | Floats
    foreseen: float = math.nan
    currency: str = "KRW"

    def at(self, n_days: int) -> Design:
        """Return the design of a test of ``n_days``, looked at every day unless once.

        More looks than `MOST_LOOKS` change the units by less than 1 % and take long to compute.
        """
        return replace(self.design, looks=min(n_days, MOST_LOOKS[self.design.method]))

    @property
    def n_weeks(self) -> int:
        """The longest test that is looked at."""
        return len(self.by_day) // WEEK


@dataclass(frozen=True, eq=False, repr=False)
class PlanTestResult(Result):
    """What each number of weeks can show; see the module for the columns.

    ``weeks`` is the shortest number of whole weeks that is enough, or None.
    """

    name: ClassVar[str] = "plan_test"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "n_weeks", "n_days", "n_units", "mde_rel_diff", "mde_diff", "power_rate",
    )  # fmt: skip
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {"baseline": fmt.plain}
    weeks: int | None = field(default=None, kw_only=True)

    @property
    def formats(self) -> Mapping[str, fmt.Formatter]:
        """Amounts are money; a rate's difference is in percentage points."""
        if self.definition.get("metric") == "revenue":
            return {"mde_diff": fmt.money_change, "baseline": fmt.money}
        return {"baseline": fmt.percent}

    def shown_frame(self) -> pd.DataFrame:
        """Return the weeks that are printed: the first ones, then ever fewer, and the recommended."""
        wanted = {*SHOWN_WEEKS, self.weeks or 0, len(self.frame)}
        return self.frame[self.frame["n_weeks"].isin(wanted)]

    def headline(self, lang: Lang | None = None) -> str:
        """Return how long it takes; nothing is judged yet."""
        return self.reason.in_(lang)


def answer(
    ask: Ask,
    definition: Mapping[str, object],
    notes: Sequence[Text] = (),
    instead: Sequence[Text] = (),
) -> PlanTestResult:
    """Return the plan for what was asked.

    Parameters
    ----------
    ask
        Metric, traffic and design.
    definition, notes
        What the result carries beside its own.
    instead
        What would work where the weeks do not suffice, one sentence each.
    """
    if not 0 < ask.min_effect < math.inf or isinstance(ask.min_effect, bool):
        raise UsageError(
            ko=f"min_effect {ask.min_effect!r}: 0보다 큰 상대 차이여야 합니다(예: 0.1 = 10%).",
            en=f"min_effect {ask.min_effect!r} must be a relative difference above 0, such as 0.1.",
        )
    frame = table(ask)
    enough = frame.loc[frame["power_rate"] >= ask.design.power - 1e-9, "n_weeks"]
    weeks = int(enough.iloc[0]) if len(enough) else None
    definition = {
        **definition, "metric": ask.metric, "baseline": ask.baseline.mean,
        "min_effect": ask.min_effect, "shares": _shares(definition, ask.design),
        "alpha": ask.design.alpha, "power_rate": ask.design.power,
        "method": "one_look" if ask.design.method == "once" else ask.design.method,
        "n_needed": _needed(ask, weeks), "correlation": ask.design.correlation or None,
        "currency": ask.currency,
    }  # fmt: skip
    verdict = _verdict(ask, frame, weeks, instead)
    return PlanTestResult(frame, definition, (*notes, *_notes(ask)), verdict=verdict, weeks=weeks)


def table(ask: Ask) -> pd.DataFrame:
    """Return, a number of whole weeks, the units, the smallest difference seen, and the power."""
    weeks = np.arange(1, ask.n_weeks + 1)
    units = np.asarray(ask.by_day, dtype=np.float64)[weeks * WEEK - 1]
    mde = [
        plan_mde(ask.baseline, n, ask.at(WEEK * int(w))) for w, n in zip(weeks, units, strict=True)
    ]
    power = [_power(ask, n, WEEK * int(w)) for w, n in zip(weeks, units, strict=True)]
    return pd.DataFrame({
        "n_weeks": weeks, "n_days": weeks * WEEK, "n_units": np.rint(units).astype(np.int64),
        "mde_rel_diff": mde, "mde_diff": np.array(mde) * ask.baseline.mean, "power_rate": power,
    })  # fmt: skip


def _needed(ask: Ask, weeks: int | None) -> int | None:
    """Return the units, of all variants, that the smallest difference that matters takes."""
    days = SETTLED if ask.design.method == "open_end" or weeks is None else WEEK * weeks
    units = plan_units(ask.baseline, ask.min_effect, ask.at(days))
    return math.ceil(units) if math.isfinite(units) else None


def _power(ask: Ask, n_units: float, n_days: int) -> float:
    return plan_power(ask.baseline, ask.min_effect, n_units, ask.at(n_days))


def shortest(ask: Ask) -> int | None:
    """Return the fewest whole weeks that are enough, without a table of all of them."""
    least = plan_units(ask.baseline, ask.min_effect, replace(ask.design, method="once", looks=1))
    for week in range(1, ask.n_weeks + 1):
        n = ask.by_day[WEEK * week - 1]
        if n >= least and _power(ask, n, WEEK * week) >= ask.design.power - 1e-9:
            return week
    return None


def plan_of(
    result: PlanTestResult,
    experiment: str,
    *,
    start: dt.date,
    control: str | None = None,
    weeks: int | None = None,
    rule: str = "",
) -> Plan:
    """Return the plan of an experiment, ready for `store_plan`.

    Parameters
    ----------
    result
        From `plan_test`.
    experiment, start
        The experiment's name and its first day.
    control
        The variant that the others are compared with; the first of the plan's shares.
    weeks
        Whole weeks in which units enter; the recommended number when not given.
    rule
        What will be done with which answer.

    Raises
    ------
    UsageError
        When no number of weeks is enough and none was given, or there were no data to plan with.
    """
    length = weeks or result.weeks
    if length is None:
        raise UsageError(
            ko="이 가게의 방문으로는 충분한 기간이 없습니다. 그래도 하려면 --weeks로 기간을 정하십시오.",
            en="No number of weeks is enough at this shop's traffic. To go on all the same, say how "
            "many with --weeks.",
        )
    if not len(result.frame):
        raise UsageError(ko=result.reason.ko, en=str(result.reason))
    said = result.definition
    rows = result.frame.loc[result.frame["n_weeks"] == length, "n_units"]
    shares = {str(k): float(v) for k, v in said["shares"].items()}  # type: ignore[attr-defined]
    return Plan(
        experiment, control or next(iter(shares)), shares,
        metric=str(said["metric"]), window=_text(said.get("window")), unit=_text(said.get("unit")),
        start=start, end=start + dt.timedelta(days=WEEK * length - 1),
        alpha=float(str(said["alpha"])), power=float(str(said["power_rate"])),
        min_effect=float(str(said["min_effect"])), method=str(said["method"]),
        n_units=int(rows.iloc[0]) if len(rows) else None, rule=rule,
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _shares(definition: Mapping[str, object], design: Design) -> Mapping[str, float]:
    named = definition.get("shares")
    if isinstance(named, Mapping):
        return {str(name): float(share) / sum(named.values()) for name, share in named.items()}
    whole = sum(design.shares)
    return {chr(ord("A") + i): share / whole for i, share in enumerate(design.shares)}


# --- in words ---------------------------------------------------------------------------------------


def each(sentence: Callable[[Lang], str]) -> Text:
    """Return ``sentence`` said in every language."""
    said = {lang: sentence(lang) for lang in LANGUAGES}
    return Text(said["ko"], said["en"])


def _verdict(ask: Ask, frame: pd.DataFrame, weeks: int | None, instead: Sequence[Text]) -> Verdict:
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


def _notes(ask: Ask) -> list[Text]:
    return [*_method(ask.design), *_several(ask.design), *_foreseen(ask)]


def _method(design: Design) -> list[Text]:
    said = {
        "once": Text(
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
