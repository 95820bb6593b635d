"""What changed between cohorts: since which cohort do customers come back more, or less?

Every place between two cohorts is tried, so the largest difference found is compared with the largest that
chance alone produces when all cohorts share one rate (a parametric bootstrap of the maximum).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.language import Lang
from custmeasure.measure.retention.judge import cohort_name, first_returns
from custmeasure.measure.retention.result import RetentionResult
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.bootstrap import SEED
from custmeasure.stats.proportion import compare_rates, wilson
from custmeasure.stats.tails import Floats

REPEATS = 4000

_OBSERVED = Text(
    "먼저 온 코호트와 나중에 온 코호트를 견준 관찰입니다. 무엇 때문인지는 말하지 않습니다.",
    "Earlier and later cohorts are compared as they are. The change is associated with the time; "
    "it does not say what causes it.",
)
_BEGINNING = Text(
    "자료가 시작되는 때의 코호트에는 그 전부터 사던 고객이 섞여 있어 더 잘 돌아오는 것처럼 보입니다.",
    "The cohorts at the beginning of the data hold older customers too, and so look more loyal.",
)


@dataclass(frozen=True, eq=False, repr=False)
class CohortChange(Result):
    """The cohorts before and since the largest change, two rows.

    Frame: ``part`` (``before`` or ``since``), ``cohort`` (its first), ``n_cohorts, cohort_size, n_retained,
    retained_rate`` with its interval; on the second row ``diff`` with its interval and ``p_value_adj``,
    which takes into account that every place was tried.
    """

    name: ClassVar[str] = "cohort_change"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "part", "cohort", "n_cohorts", "cohort_size", "n_retained",
        "retained_rate", "retained_rate_ci_lower", "retained_rate_ci_upper",
        "diff", "diff_ci_lower", "diff_ci_upper", "p_value_adj",
    )  # fmt: skip

    def headline(self, lang: Lang | None = None) -> str:
        """Return since when customers come back more, or less."""
        return self.reason.in_(lang)


def cohort_change(
    result: RetentionResult, *, period: int = 1, seed: int = SEED, alpha: float = 0.05
) -> CohortChange:
    """Find since which cohort customers come back more or less at one period after joining.

    Parameters
    ----------
    result
        A retention table that is not split.
    period
        Which period after joining, 1 or later.
    seed
        What chance is drawn from: the same seed gives the same bytes.
    alpha
        1 - the confidence of the intervals, and the level of the verdict.

    Raises
    ------
    UsageError
        When ``period`` is below 1, or the table is split.
    """
    if period < 1 or result.by:
        raise UsageError(
            ko=f"period {period}: 1 이상의 수여야 하고, 나누지 않은(by 없는) 표여야 합니다.",
            en=f"period {period} must be 1 or more, and the table must not be split (by).",
        )
    definition = {"compared_at": period, "seed": str(seed), "confidence": 1 - alpha}
    cells = first_returns(result.frame, period)
    if len(cells) < 2:
        reason = Text(
            "견줄 코호트가 아직 둘이 되지 않습니다.", "There are not yet two cohorts to compare."
        )
        empty = pd.DataFrame(columns=list(CohortChange.COLUMNS))
        verdict = Verdict("cannot_tell", reason, code="ONE_COHORT")
        return CohortChange(
            empty, definition, verdict=verdict if len(result.frame) else result.verdict
        )
    k, n = cells["n_retained"].to_numpy(float), cells["cohort_size"].to_numpy(float)
    apart = _apart(k[None], n)[0]
    place = int(np.argmax(np.abs(apart))) + 1
    p_value = _chance(k, n, float(np.abs(apart).max()), seed)
    unit = str(result.definition.get("period"))
    frame = _frame(cells, place, p_value, unit, alpha)
    return CohortChange(frame, definition, (_OBSERVED, _BEGINNING), verdict=_judged(frame, alpha))


def _apart(k: Floats, n: Floats) -> Floats:
    """Return (n_tries, n_places) z of the cohorts since each place against those before it."""
    before_k, before_n = k.cumsum(axis=1)[:, :-1], n.cumsum()[:-1]
    all_k, all_n = k.sum(axis=1, keepdims=True), n.sum()
    rate = all_k / all_n
    gap = (all_k - before_k) / (all_n - before_n) - before_k / before_n
    error = np.sqrt(rate * (1 - rate) * (1 / before_n + 1 / (all_n - before_n)))
    return np.asarray(np.divide(gap, error, out=np.zeros_like(gap), where=error > 0))


def _chance(k: Floats, n: Floats, largest: float, seed: int) -> float:
    """Return how often chance alone finds a change as large: Davison and Hinkley (1997), eq. 4.11."""
    draw = np.random.default_rng(seed)
    again = draw.binomial(n.astype(int), k.sum() / n.sum(), (REPEATS, len(n))).astype(np.float64)
    reached = int((np.abs(_apart(again, n)).max(axis=1) >= largest - 1e-12).sum())
    return (1 + reached) / (1 + REPEATS)


def _frame(
    cells: pd.DataFrame, place: int, p_value: float, unit: str, alpha: float
) -> pd.DataFrame:
    parts = (cells.iloc[:place], cells.iloc[place:])
    k = [int(part["n_retained"].sum()) for part in parts]
    n = [int(part["cohort_size"].sum()) for part in parts]
    lower, upper = wilson(k, n, alpha)
    seen = compare_rates(k[1], n[1], k[0], n[0], alpha)
    blank = float("nan")
    return pd.DataFrame({
        "part": ["before", "since"],
        "cohort": [cohort_name(part["cohort"].iloc[0], unit) for part in parts],
        "n_cohorts": [len(part) for part in parts],
        "cohort_size": n,
        "n_retained": k,
        "retained_rate": [each / size for each, size in zip(k, n, strict=True)],
        "retained_rate_ci_lower": lower,
        "retained_rate_ci_upper": upper,
        "diff": [blank, seen.diff],
        "diff_ci_lower": [blank, seen.diff_ci_lower],
        "diff_ci_upper": [blank, seen.diff_ci_upper],
        "p_value_adj": [blank, p_value],
    })  # fmt: skip


def _judged(frame: pd.DataFrame, alpha: float) -> Verdict:
    since = frame.iloc[1]
    if not since["p_value_adj"] < alpha:
        reason = Text(
            "어느 코호트부터 달라졌다고 말할 수는 없습니다.",
            "It cannot be said that customers come back more or less since some cohort.",
        )
        return Verdict("cannot_tell", reason, code="NO_CHANGE")
    better = since["diff"] > 0
    ko, en = ("더", "more") if better else ("덜", "less")
    return Verdict("better" if better else "worse", Text(
        f"{since['cohort']} 코호트부터 그 전보다 {ko} 돌아옵니다.",
        f"Since the cohort of {since['cohort']} customers come back {en} than before.",
    ))  # fmt: skip
