"""Where a split funnel differs: each segment's step rates beside those of all others."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang
from custmeasure.measure.funnel.cells import (
    MIN_CELL,
    OTHERS,
    by_segment,
    check_min_cell,
    folded,
    folded_note,
)
from custmeasure.measure.funnel.result import FunnelResult
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.groups import against_rest
from custmeasure.stats.multiple import benjamini_hochberg


@dataclass(frozen=True, eq=False, repr=False)
class FunnelGaps(Result):
    """Each segment's step rate against all other segments together, the most people lost first.

    Frame: ``segment, step, n_before, n_reached, step_rate`` with its interval, ``n_others,
    others_rate, diff`` with its interval, ``p_value, p_value_adj`` (Benjamini–Hochberg over all rows),
    ``n_lost`` (people who would have gone on at the others' rate; negative where more went on). Small
    segments are one row, ``(others)``, which is never called the worst: it is many groups.
    """

    name: ClassVar[str] = "funnel_gaps"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "segment", "step", "n_before", "n_reached",
        "step_rate", "step_rate_ci_lower", "step_rate_ci_upper",
        "n_others", "others_rate", "diff", "diff_ci_lower", "diff_ci_upper",
        "p_value", "p_value_adj", "n_lost",
    )  # fmt: skip
    SHOWN: ClassVar[int] = 8

    def shown_frame(self) -> pd.DataFrame:
        """Return the first rows, without what a reader can do without."""
        return self.frame.drop(columns=["n_reached", "n_others", "p_value"]).head(self.SHOWN)

    def headline(self, lang: Lang | None = None) -> str:
        """Return where the most people are lost."""
        return self.reason.in_(lang)


def funnel_gaps(
    result: FunnelResult, *, min_cell: int = MIN_CELL, alpha: float = 0.05
) -> FunnelGaps:
    """Compare each segment of a split funnel with all its other segments, step by step.

    Parameters
    ----------
    result
        A funnel split by a column.
    min_cell
        Segments that fewer people entered become ``(others)``.
    alpha
        1 - the confidence of the intervals, and the share of false alarms allowed among the rows
        called worse.

    Raises
    ------
    UsageError
        When the funnel is not split, or ``min_cell`` is not 1 or more.
    """
    check_min_cell(min_cell)
    if result.by is None and len(result.frame):
        raise UsageError(
            ko="나누지 않은 깔때기입니다. funnel(..., by='device')처럼 나눌 열을 주십시오.",
            en="This funnel is not split. Give funnel() the column to split by: by='device'.",
        )
    shown, n_folded = _folded(result, min_cell, alpha) if len(result.frame) else (result, 0)
    parts = [_at_step(shown, k, alpha) for k in range(1, len(shown.steps))]
    frame = (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=FunnelGaps.COLUMNS)
    )
    frame["p_value_adj"] = benjamini_hochberg(frame["p_value"].to_numpy(float))
    frame = frame.sort_values("n_lost", ascending=False, kind="stable", ignore_index=True)
    definition = {"by": result.by, "confidence": 1 - alpha}
    return FunnelGaps(
        frame[list(FunnelGaps.COLUMNS)],
        definition,
        (*_notes(len(frame) - FunnelGaps.SHOWN), *folded_note(n_folded, min_cell)),
        verdict=_verdict(frame, result, min_cell, alpha),
    )


def _folded(result: FunnelResult, min_cell: int, alpha: float) -> tuple[FunnelResult, int]:
    """Return the funnel with its small segments in one, and how many stand there; sums are exact."""
    counts, n_groups = by_segment(result)
    names, n_folded = folded({name: int(own[0]) for name, own in counts.items()}, min_cell)
    together: dict[str, np.ndarray] = {}
    for name, own in counts.items():
        together[names[name]] = together.get(names[name], 0) + own
    ordered = sorted(together, key=lambda name: name == OTHERS)
    shown = FunnelResult.from_counts(
        result.steps, {name: together[name].tolist() for name in ordered},
        optional=result.optional, by=str(result.by), alpha=alpha,
    )  # fmt: skip
    return shown, n_folded + n_groups


_OBSERVED = Text(
    "나눈 집단끼리 견준 관찰입니다. 그 차이가 무엇 때문인지는 말하지 않습니다.",
    "These groups differ in many things. The gap is associated with the group; "
    "it does not say what causes it.",
)


def _notes(n_hidden: int) -> tuple[Text, ...]:
    if n_hidden <= 0:
        return (_OBSERVED,)
    hidden = Text(
        f"가장 많이 잃는 {FunnelGaps.SHOWN}줄만 보입니다. 나머지 {n_hidden:,}줄은 .frame에 있습니다.",
        f"Only the {FunnelGaps.SHOWN} rows that lose the most are shown; .frame holds {n_hidden:,} more.",
    )
    return _OBSERVED, hidden


def _at_step(result: FunnelResult, k: int, alpha: float) -> pd.DataFrame:
    """Return one row a segment for step ``k``, beside the nearest step before that is not optional."""
    place, base = result.frame.groupby(result.by, sort=False).cumcount(), result.bases[k]
    rows = result.frame[place == k]
    n_before = result.frame[place == base]["n_reached"].to_numpy(np.int64)
    n_reached = rows["n_reached"].to_numpy(np.int64)
    gaps = against_rest(n_reached.tolist(), n_before.tolist(), alpha)
    diff = np.array([gap.diff for gap in gaps])
    rates = ["step_rate", "step_rate_ci_lower", "step_rate_ci_upper"]
    return pd.DataFrame({
        "segment": rows[result.by].to_numpy(),
        "step": f"{result.steps[base]} → {result.steps[k]}",
        "n_before": n_before,
        "n_reached": n_reached,
        **{name: rows[name].to_numpy() for name in rates},
        "n_others": n_before.sum() - n_before,
        "others_rate": rows["step_rate"].to_numpy() - diff,
        "diff": diff,
        "diff_ci_lower": [gap.diff_ci_lower for gap in gaps],
        "diff_ci_upper": [gap.diff_ci_upper for gap in gaps],
        "p_value": [gap.p_value for gap in gaps],
        "n_lost": -diff * n_before,
    })  # fmt: skip


def _verdict(frame: pd.DataFrame, result: FunnelResult, min_cell: int, alpha: float) -> Verdict:
    """Name the gap that loses the most people, among those that chance does not explain."""
    if not len(frame):
        return result.verdict
    own = frame[frame["segment"] != OTHERS]
    if not len(own):
        reason = Text(
            f"집단마다 들어온 사람이 {min_cell}명이 안 되어 견줄 수 없습니다.",
            f"Fewer than {min_cell} people entered in each group, too few to compare.",
        )
        return Verdict("cannot_tell", reason, code="TOO_FEW_UNITS")
    sure = own[(own["p_value_adj"] < alpha) & (own["diff"] < 0)]
    if not len(sure):
        reason = Text(
            "어느 집단도 다른 집단보다 확실히 나쁘다고 할 수 없습니다.",
            "No group can be said to do worse than the others.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP")
    return Verdict("worse", _worst(sure.iloc[0]))


def _worst(row: pd.Series) -> Text:
    said: dict[Lang, str] = {lang: _numbers(row, lang) for lang in LANGUAGES}
    who = {lang: value_label(row["segment"], lang) for lang in LANGUAGES}
    step = {lang: value_label(row["step"], lang) for lang in LANGUAGES}
    return Text(
        f"가장 많이 새는 곳은 {who['ko']}의 {step['ko']} 단계입니다. {said['ko']}",
        f"The biggest leak is {who['en']} at {step['en']}. {said['en']}",
    )


def _numbers(row: pd.Series, lang: Lang) -> str:
    own, others = fmt.percent(row["step_rate"], lang), fmt.percent(row["others_rate"], lang)
    ends = fmt.interval(
        fmt.points(row["diff_ci_lower"], lang), fmt.points(row["diff_ci_upper"], lang), lang
    )
    n, n_others, lost = (f"{row[name]:,.0f}" for name in ("n_before", "n_others", "n_lost"))
    if lang == "ko":
        return (
            f"{n}명 가운데 {own}만 다음으로 갔고, 나머지 {n_others}명은 {others}가 갔습니다"
            f"(차이 {ends}). 나머지만큼 갔다면 약 {lost}명이 더 갔을 것입니다."
        )
    return (
        f"{own} of {n} went on, against {others} of the other {n_others} (difference {ends}). "
        f"At the others' rate about {lost} more people would have gone on."
    )
