"""Which cohort comes back less: each cohort's rate beside that of all others."""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.language import Lang
from custmeasure.measure.retention.judge import cohort_name, cohort_verdict, first_returns
from custmeasure.measure.retention.result import RetentionResult
from custmeasure.show.result import Result
from custmeasure.show.words import Text
from custmeasure.stats.groups import against_rest
from custmeasure.stats.multiple import benjamini_hochberg


@dataclass(frozen=True, eq=False, repr=False)
class CohortGaps(Result):
    """Each cohort against all others at one period, the lowest first.

    Frame: ``cohort, cohort_size, n_retained, retained_rate`` with its interval, ``others_rate, diff``
    with its interval, ``p_value, p_value_adj`` (Benjamini–Hochberg over the cohorts), ``since_period``: the
    first period from which on the cohort is surely below the others (Benjamini–Hochberg over all finished
    cells of all cohorts); blank where it is not.
    """

    name: ClassVar[str] = "cohort_gaps"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "cohort", "cohort_size", "n_retained",
        "retained_rate", "retained_rate_ci_lower", "retained_rate_ci_upper",
        "others_rate", "diff", "diff_ci_lower", "diff_ci_upper", "p_value", "p_value_adj", "since_period",
    )  # fmt: skip

    def shown_frame(self) -> pd.DataFrame:
        """Return the rows without the p-values that are not adjusted."""
        return self.frame.drop(columns="p_value")

    def headline(self, lang: Lang | None = None) -> str:
        """Return which cohorts come back less."""
        return self.reason.in_(lang)


_OBSERVED = Text(
    "코호트끼리 견준 관찰입니다. 무엇 때문인지는 말하지 않습니다.",
    "Cohorts differ in many things. The gap is associated with the cohort; "
    "it does not say what causes it.",
)


def cohort_gaps(result: RetentionResult, *, period: int = 1, alpha: float = 0.05) -> CohortGaps:
    """Compare each cohort with all others at one period after joining.

    Parameters
    ----------
    result
        A retention table.
    period
        Which period after joining, 1 or later.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    UsageError
        When ``period`` is below 1.
    """
    if period < 1:
        raise UsageError(
            ko=f"period {period}: 1 이상의 수여야 합니다.", en=f"period {period} must be 1 or more."
        )
    unit = str(result.definition.get("period"))
    cells = first_returns(result.frame, period)
    k, n = list(map(int, cells["n_retained"])), list(map(int, cells["cohort_size"]))
    gaps = against_rest(k, n, alpha)
    diff = [gap.diff for gap in gaps]
    since = _since(result.frame, alpha)
    frame = cells.assign(
        since_period=pd.array([since.get(c, pd.NA) for c in cells["cohort"]], dtype="Int64"),
        cohort=[cohort_name(c, unit) for c in cells["cohort"]],
        others_rate=cells["retained_rate"] - diff,
        diff=diff,
        diff_ci_lower=[gap.diff_ci_lower for gap in gaps],
        diff_ci_upper=[gap.diff_ci_upper for gap in gaps],
        p_value=[gap.p_value for gap in gaps],
        p_value_adj=benjamini_hochberg([gap.p_value for gap in gaps]),
    ).sort_values("diff", ignore_index=True)
    definition = {"compared_at": period, "confidence": 1 - alpha}
    verdict = result.verdict
    if len(result.frame):
        verdict = cohort_verdict(result.frame, alpha, unit, period)
    return CohortGaps(frame[list(CohortGaps.COLUMNS)], definition, (_OBSERVED,), verdict=verdict)


def _since(frame: pd.DataFrame, alpha: float) -> dict[pd.Timestamp, int]:
    """Return cohort → the first period at which it is surely below the others."""
    ripe = frame[frame["mature"] & (frame["period"] > 0) & (frame["cohort_size"] > 0)]
    cells = []
    for period, part in ripe.groupby("period"):
        k, n = list(map(int, part["n_retained"])), list(map(int, part["cohort_size"]))
        for cohort, gap in zip(part["cohort"], against_rest(k, n, alpha), strict=True):
            cells.append((cohort, int(str(period)), gap.diff, gap.p_value))
    sure = benjamini_hochberg([p_value for *_, p_value in cells]) < alpha
    low = [cell[:2] for cell, is_sure in zip(cells, sure, strict=True) if is_sure and cell[2] < 0]
    return {cohort: min(k for other, k in low if other == cohort) for cohort, _ in low}
