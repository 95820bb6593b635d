"""What changed between two funnels, and where: two periods, or two groups of people.

The change of the overall rate is split exactly. *Mix*: the groups' shares among those who entered
changed. *Each step*: within groups, more or fewer went on there. The number at the last step changes
also with *traffic*: more or fewer people entered. The split is arithmetic; it names no cause.

Frame, one row a part: ``part``; people at the step before and the rate of both sides
(``n_people_before, before_rate, n_people_after, after_rate``); ``diff`` = after − before with Newcombe's
interval; ``p_value``; ``p_value_adj`` (Holm over the steps); ``overall_diff``, what the part adds to the
change of the overall rate; ``n_change``, what it adds to the number at the last step. The rows below
``(overall)`` add up to it.

>>> before = FunnelResult.from_counts(["visit", "cart", "buy"], [1000, 300, 90])
>>> after = FunnelResult.from_counts(["visit", "cart", "buy"], [1000, 300, 45])
>>> change = compare_funnels(before, after)
>>> str(change.verdict), change.frame["overall_diff"].round(3).tolist()
('worse', [-0.045, nan, 0.0, -0.045])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.language import Lang
from custmeasure.measure.funnel.alike import check_alike, shared_definition, side_notes
from custmeasure.measure.funnel.cells import MIN_CELL, folded_note
from custmeasure.measure.funnel.change_rows import DIFFERENCE, MIX, OVERALL, SIDES, TRAFFIC, Pair
from custmeasure.measure.funnel.change_words import change_verdict, parts_verdict
from custmeasure.measure.funnel.result import FunnelResult
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.words import Text
from custmeasure.stats.tails import check_level


def signed_count(value: float, _lang: Lang, _: str = "") -> str:
    """Return a difference of two counts, with its sign."""
    number = round(value)
    return f"{number:+,}".replace("-", "−") if number else "0"


_NUMBERS = (*SIDES, *DIFFERENCE, "p_value_adj", "overall_diff", "n_change")


@dataclass(frozen=True, eq=False, repr=False)
class FunnelParts(Result):
    """Each group's parts of the change between two funnels, those that add most first.

    Frame: ``segment``, then the columns of `FunnelChange`. A group's row ``(overall)`` holds what it
    adds in all; its traffic, mix and steps add up to it, and the groups' rows of one part add up to
    that part of the whole. ``p_value_adj``: Holm over the groups, and over all their steps.
    """

    name: ClassVar[str] = "funnel_parts"
    COLUMNS: ClassVar[tuple[str, ...]] = ("segment", "part", *_NUMBERS)
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {"n_change": signed_count}
    SHOWN: ClassVar[int] = 8

    def shown_frame(self) -> pd.DataFrame:
        """Return the steps and mixes that add most, without the p-values that are not adjusted."""
        rows = self.frame[~self.frame["part"].isin((OVERALL, TRAFFIC))]
        return rows.drop(columns=["p_value", "n_change"]).head(self.SHOWN)

    def headline(self, lang: Lang | None = None) -> str:
        """Return which group's step adds most."""
        return self.reason.in_(lang)

    def caption(self, lang: Lang | None = None) -> str:  # noqa: ARG002
        """Return nothing: the definition stands under the whole change."""
        return ""


@dataclass(frozen=True, eq=False, repr=False)
class FunnelChange(Result):
    """What changed between two funnels; see the module for the columns.

    Attributes
    ----------
    parts
        The same change by group; one group where the funnels are not split.
    """

    parts: FunnelParts = field(kw_only=True)

    name: ClassVar[str] = "funnel_change"
    COLUMNS: ClassVar[tuple[str, ...]] = ("part", *_NUMBERS)
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {"n_change": signed_count}

    def shown_frame(self) -> pd.DataFrame:
        """Return the frame without the p-values that are not adjusted."""
        return self.frame.drop(columns=["p_value"])

    @classmethod
    def from_counts(
        cls,
        steps: Sequence[str],
        before: Sequence[int] | Mapping[str, Sequence[int]],
        after: Sequence[int] | Mapping[str, Sequence[int]],
        *,
        by: str = "segment",
        names: tuple[str, str] = ("before", "after"),
        min_effect: float = 0.05,
        min_cell: int = MIN_CELL,
        alpha: float = 0.05,
    ) -> Self:
        """Return the change between two funnels typed in as counts.

        Parameters
        ----------
        steps, before, after, by
            As `FunnelResult.from_counts`: (n_steps,) counts, or segment → such counts, of both sides.
        names, min_effect, min_cell, alpha
            As `compare_funnels`.
        """
        sides = [FunnelResult.from_counts(steps, each, by=by) for each in (before, after)]
        return cls.of(*sides, names=names, min_effect=min_effect, min_cell=min_cell, alpha=alpha)

    @classmethod
    def of(
        cls,
        before: FunnelResult,
        after: FunnelResult,
        *,
        names: tuple[str, str],
        min_effect: float,
        min_cell: int,
        alpha: float,
    ) -> Self:
        """Return the change between two funnels; see `compare_funnels`."""
        check_level(alpha)
        _check_min_effect(min_effect)
        known = shared_definition(before, after, names) | {
            "min_effect": min_effect,
            "confidence": 1 - alpha,
        }
        for side in (before, after):
            if not len(side.frame):
                return cls._empty(side, known)
        check_alike(before, after)
        is_split = before.by is not None
        pair = Pair.of(before, after, min_cell)
        rows = pair.rows(alpha)
        frame = pair.whole(rows, alpha)[list(cls.COLUMNS)]
        if not is_split:
            frame = frame[frame["part"] != MIX].reset_index(drop=True)
        notes = (
            *side_notes(before, after, names),
            *folded_note(pair.n_folded, min_cell),
            _ARITHMETIC,
        )
        parts = FunnelParts(
            _sorted(rows), known, verdict=parts_verdict(rows, alpha, is_split=is_split)
        )
        verdict = change_verdict(frame, names, min_effect, alpha)
        return cls(frame, known, notes, parts=parts, verdict=verdict)

    @classmethod
    def _empty(cls, side: FunnelResult, known: Mapping[str, object]) -> Self:
        """Return the change of a side that has no rows, with that side's reason."""
        none = pd.DataFrame(columns=list(FunnelParts.COLUMNS))
        parts = FunnelParts(none, known, verdict=side.verdict)
        return cls(
            pd.DataFrame(columns=list(cls.COLUMNS)), known, parts=parts, verdict=side.verdict
        )


def compare_funnels(
    before: FunnelResult,
    after: FunnelResult,
    *,
    names: tuple[str, str] = ("before", "after"),
    min_effect: float = 0.05,
    min_cell: int = MIN_CELL,
    alpha: float = 0.05,
) -> FunnelChange:
    """Compare two funnels that count the same thing, and split the change.

    Parameters
    ----------
    before, after
        Two periods (see `two_periods`), or two groups of people (``events.keep([("device", "=",
        "mobile")])``), measured in the same way; both split by one column or neither.
    names
        What the two sides are called: ``("desktop", "mobile")``.
    min_effect
        The smallest relative change of the overall rate that matters: 0.05 is 5 %.
    min_cell
        Segments with fewer people, both sides together, become ``(others)``.
    alpha
        1 - the confidence of the intervals.

    Returns
    -------
    FunnelChange
        Its ``parts`` hold the same change by segment.

    Raises
    ------
    UsageError
        When the funnels differ in steps, window, order, unit or anything else that is counted,
        naming what differs.
    """
    return FunnelChange.of(
        before, after, names=names, min_effect=min_effect, min_cell=min_cell, alpha=alpha
    )


_ARITHMETIC = Text(
    "변화를 빠짐없이 나눈 셈이며, 무엇 때문에 변했는지는 말하지 않습니다.",
    "The change is divided without remainder. That is arithmetic; it does not say what caused it.",
)


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in their columns' order, those that add most to the overall rate first."""
    size = rows["overall_diff"].abs().fillna(-1.0).to_numpy(float)
    order = np.argsort(-size, kind="stable")
    return rows.iloc[order].reset_index(drop=True)[list(FunnelParts.COLUMNS)]


def _check_min_effect(min_effect: float) -> None:
    if isinstance(min_effect, bool) or not 0 < min_effect < float("inf"):
        raise UsageError(
            ko=f"min_effect {min_effect!r}: 0보다 큰 상대 차이여야 합니다(예: 0.05 = 5%).",
            en=f"min_effect {min_effect!r} must be a relative difference above 0, such as 0.05.",
        )
