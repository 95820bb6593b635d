"""What a funnel looks like: its rows from counts, its verdict against a target, its headline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.language import Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.proportion import wilson


@dataclass(frozen=True, eq=False, repr=False)
class FunnelResult(Result):
    """How many units reached each step; see the module for the columns.

    Attributes
    ----------
    times
        How long the steps took: ``segment`` (where split), ``step`` (``(whole)`` is the whole way),
        ``n_reached``, ``mean_hours``, ``quartile1_hours``, ``median_hours``, ``quartile3_hours``. A step's
        time runs from the nearest step before that is not optional, in the best attempt.
    distribution
        How many took how long: ``segment`` (where split), ``step``, ``from_hours`` (included),
        ``to_hours`` (not included), ``n_reached``.
    amounts
        The amount at the last step: ``segment`` (where split), ``n_reached`` (entrants),
        ``n_conversions``, ``total_amount``, ``entrant_amount`` and ``conversion_amount`` with their
        intervals.
    optional
        The places of the steps that may be missing, from 0.
    """

    times: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)
    distribution: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)
    amounts: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)
    optional: tuple[int, ...] = field(default=(), kw_only=True)

    name: ClassVar[str] = "funnel"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "step", "n_reached",
        "step_rate", "step_rate_ci_lower", "step_rate_ci_upper",
        "overall_rate", "overall_rate_ci_lower", "overall_rate_ci_upper",
        "median_hours_to_step",
    )  # fmt: skip

    @classmethod
    def from_counts(
        cls,
        steps: Sequence[str],
        n_reached: Sequence[int] | Mapping[str, Sequence[int]],
        *,
        median_hours: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        optional: Sequence[int] = (),
        by: str = "segment",
        target: float | None = None,
        alpha: float = 0.05,
        definition: Mapping[str, object] | None = None,
        notes: Sequence[Text] = (),
    ) -> Self:
        """Return a funnel from how many reached each step.

        Parameters
        ----------
        steps
            The steps' names, in order.
        n_reached
            (n_steps,) counts, never rising but after an optional step; or segment → such counts.
        median_hours
            (n_steps,) hours from the step before; or segment → such hours.
        optional
            The places (from 0) of steps that may be missing: neither the first nor the last. Rates and times
            of the step after run from the step before.
        by
            The name of the segments' column.
        target
            The overall rate aimed at, in [0, 1]; the verdict compares with it.
        alpha
            1 - the confidence of the intervals.

        Raises
        ------
        UsageError
            When a count is missing, not whole, negative or larger than the one before, when the
            target is no share of 1, or ``by`` is the name of another column.
        """
        _check(by, target)
        bases = base_steps(len(steps), optional)
        groups = n_reached if isinstance(n_reached, Mapping) else {"": n_reached}
        hours = median_hours if isinstance(median_hours, Mapping) else {"": median_hours}
        parts = [
            _rows(steps, _checked(steps, counts, bases), hours.get(segment), alpha, bases).assign(
                **{by: segment}
            )
            for segment, counts in groups.items()
        ]
        columns = ([by] if isinstance(n_reached, Mapping) else []) + list(cls.COLUMNS)
        empty = pd.DataFrame(columns=[by, *cls.COLUMNS])
        frame = pd.concat(parts, ignore_index=True) if parts else empty
        totals = [sum(counts[k] for counts in groups.values()) for k in range(len(steps))]
        known = {**(definition or {}), "target": target, "confidence": 1 - alpha}
        verdict = _verdict(steps, totals, target, alpha)
        places = tuple(optional)
        return cls(frame[columns], known, tuple(notes), verdict=verdict, optional=places)

    @property
    def by(self) -> str | None:
        """The column that splits the rows, or None."""
        first = self.frame.columns[0]
        return None if first == "step" else str(first)

    def headline(self, lang: Lang | None = None) -> str:
        """Return the verdict and how many got from the first step to the last."""
        parts = (f"{self.verdict.word(lang)}.", self.said(lang), self.reason.in_(lang))
        return " ".join(part for part in parts if part)

    def said(self, lang: Lang | None = None) -> str:
        """Return how many got from the first step to the last, with the interval."""
        totals = self.totals()
        if not totals or not totals[0]:
            return ""
        lower, upper = wilson(totals[-1], totals[0], 1 - float(str(self.definition["confidence"])))
        rate = fmt.percent(totals[-1] / totals[0], lang or "en")
        ends = fmt.interval(fmt.show("x_rate", lower, lang), fmt.show("x_rate", upper, lang), lang)
        first, last = (value_label(step, lang) for step in (self.steps[0], self.steps[-1]))
        shown = f"{rate} ({ends})" if ends else rate
        return pick(
            f"첫 단계({first}) {totals[0]:,}명 가운데 {shown}가 {last}까지 갔습니다.",
            f"{shown} of {totals[0]:,} got from {first} to {last}.",
            lang,
        )

    @property
    def steps(self) -> list[str]:
        """The steps' names, in order."""
        n = len(self.frame) // self._n_segments()
        return [str(step) for step in self.frame["step"].iloc[:n]]

    @property
    def bases(self) -> list[int]:
        """The place of the step that each step's rate divides by: the nearest before, not optional."""
        return base_steps(len(self.steps), self.optional)

    def totals(self) -> list[int]:
        """Return how many reached each step, all segments together."""
        counts = self.frame["n_reached"].to_numpy(dtype=np.int64)
        return [int(n) for n in counts.reshape(self._n_segments(), -1).sum(axis=0)]

    def _n_segments(self) -> int:
        return 1 if self.by is None else max(1, int(self.frame[self.by].nunique(dropna=False)))


def missing_funnel(steps: Sequence[str], verdict: Verdict) -> FunnelResult:
    """Return the funnel of a shop that has no events: every count blank, the reason as verdict."""
    frame = pd.DataFrame(columns=list(FunnelResult.COLUMNS))
    return FunnelResult(frame, {"steps": list(steps)}, verdict=verdict)


def _check(by: str, target: float | None) -> None:
    if by in FunnelResult.COLUMNS:
        raise UsageError(
            ko=f"by={by!r}: 결과의 열 이름과 같습니다. 그 열의 이름을 바꾸십시오.",
            en=f"by={by!r} is a column of the answer itself. Rename that column.",
        )
    if target is not None and not 0 <= target <= 1:
        raise UsageError(
            ko=f"목표(target) {target}: 0과 1 사이의 비율이어야 합니다. 3%는 0.03입니다.",
            en=f"target {target} must be a share between 0 and 1: 3% is 0.03.",
        )


def _is_whole(n: object) -> bool:
    return isinstance(n, int | float | np.number) and float(n).is_integer()


def base_steps(n_steps: int, optional: Sequence[int] = ()) -> list[int]:
    """Return for each step the place of the nearest step before that is not optional; for the first 0.

    Raises
    ------
    UsageError
        When the first or the last step is optional, or an optional one does not exist.
    """
    if any(place not in range(1, n_steps - 1) for place in optional):
        raise UsageError(
            ko=f"optional {list(optional)}: 첫 단계와 마지막 단계 사이의 자리(0부터)여야 합니다.",
            en=f"optional {list(optional)} must be places (from 0) between the first and the last step.",
        )
    musts = [place for place in range(n_steps) if place not in optional]
    return [0, *(max(must for must in musts if must < place) for place in range(1, n_steps))]


def _checked(steps: Sequence[str], counts: Sequence[int], bases: Sequence[int]) -> list[int]:
    """Return the counts as whole numbers, one a step, never rising but after an optional step."""
    whole = [int(n) for n in counts if _is_whole(n)]
    falling = len(whole) == len(bases) and all(
        whole[base] >= n for base, n in zip(bases, whole, strict=True)
    )
    if whole and len(whole) == len(counts) == len(steps) and falling and min(whole) >= 0:
        return whole
    raise UsageError(
        ko=f"단계 {list(steps)}에 {list(counts)}: 단계마다 0 이상의 수가 하나씩 있고, "
        "뒤로 갈수록 늘지 않아야 합니다.",
        en=f"Steps {list(steps)} with {list(counts)}: give one count of 0 or more a step, "
        "never rising.",
    )


def _rows(
    steps: Sequence[str],
    counts: Sequence[int],
    hours: Sequence[float] | None,
    alpha: float,
    bases: Sequence[int],
) -> pd.DataFrame:
    reached = np.asarray(counts, np.int64)
    before = np.r_[0, reached[list(bases[1:])]]
    data: dict[str, object] = {"step": list(steps), "n_reached": reached}
    data |= _rate("step_rate", reached, before, alpha, blank_first=True)
    data |= _rate("overall_rate", reached, np.full(len(reached), reached[0]), alpha)
    data["median_hours_to_step"] = np.full(len(reached), np.nan) if hours is None else hours
    return pd.DataFrame(data)


def _rate(
    name: str, reached: np.ndarray, base: np.ndarray, alpha: float, *, blank_first: bool = False
) -> dict[str, np.ndarray]:
    """Return ``reached / base`` with Wilson intervals; the first step's are not estimates."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(base > 0, reached / base, np.nan)
    lower, upper = wilson(np.minimum(reached, base), base, alpha)
    lower[0] = upper[0] = np.nan
    if blank_first:
        rate[0] = np.nan
    return {name: rate, f"{name}_ci_lower": lower, f"{name}_ci_upper": upper}


def _verdict(
    steps: Sequence[str], totals: Sequence[int], target: float | None, alpha: float
) -> Verdict:
    """Judge the overall rate against its target by its interval."""
    n, k = totals[0], totals[-1]
    if n == 0:
        reason = Text(
            f"이 기간에 첫 단계({value_label(steps[0], 'ko')})를 하고 기한이 끝난 사람이 없습니다.",
            f"Nobody entered with {value_label(steps[0], 'en')} in this period and finished the window.",
        )
        return Verdict("cannot_tell", reason, code="NO_UNITS")
    if target is None:
        reason = Text(
            "목표도 비교할 것도 없어, 어디에서 멈추는지는 알아도 그것이 좋은지는 알 수 없습니다.",
            "There is no target and nothing to compare with, so this says where people stop, "
            "not whether that is good.",
        )
        return Verdict("cannot_tell", reason, code="NO_TARGET")
    lower, upper = (float(end) for end in wilson(k, n, alpha))
    return _against_target(lower, upper, target)


def _against_target(lower: float, upper: float, target: float) -> Verdict:
    aim = fmt.percent(target, "en")
    if lower > target:
        return Verdict(
            "better", Text(f"목표 {aim}보다 높습니다.", f"That is above the target of {aim}.")
        )
    if upper < target:
        return Verdict(
            "worse", Text(f"목표 {aim}보다 낮습니다.", f"That is below the target of {aim}.")
        )
    reason = Text(
        f"목표 {aim}보다 높은지 낮은지 가리기에는 아직 사람이 적습니다.",
        f"There are too few people to say whether that is above or below the target of {aim}.",
    )
    return Verdict("cannot_tell", reason, code="TOO_FEW_UNITS")
