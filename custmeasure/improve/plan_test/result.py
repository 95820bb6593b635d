"""What a plan looks like: what each number of weeks can show, and how many are enough."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.improve.plan_test import wording
from custmeasure.improve.plan_test.ask import WEEK, Ask, needed, table
from custmeasure.improve.plan_test.plan import Plan
from custmeasure.language import Lang
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.words import Text
from custmeasure.stats.planning import Design
from custmeasure.stats.tails import is_positive

SHOWN_WEEKS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 39, 52)


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
    if not is_positive(ask.min_effect):
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
        "method": ask.design.method,
        "n_needed": needed(ask, weeks), "correlation": ask.design.correlation or None,
        "currency": ask.currency,
    }  # fmt: skip
    verdict = wording.verdict(ask, frame, weeks, instead)
    return PlanTestResult(
        frame, definition, (*notes, *wording.notes(ask)), verdict=verdict, weeks=weeks
    )


def plan_of(
    result: PlanTestResult,
    experiment: str,
    *,
    start: dt.date,
    control: str | None = None,
    weeks: int | None = None,
    rule: str = "",
    strata: str | None = None,
    prior: float | None = None,
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
    strata, prior
        The groups inside which variants will be compared, and the usual size of effects; as `copy_test`.

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
        strata=strata, prior=prior,
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _shares(definition: Mapping[str, object], design: Design) -> Mapping[str, float]:
    named = definition.get("shares")
    if isinstance(named, Mapping):
        return {str(name): float(share) / sum(named.values()) for name, share in named.items()}
    whole = sum(design.shares)
    return {chr(ord("A") + i): share / whole for i, share in enumerate(design.shares)}
