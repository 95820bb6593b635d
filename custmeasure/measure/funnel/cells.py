"""Small groups folded into one, so that no row speaks for a handful of people and every sum stays exact."""

import re
from collections.abc import Mapping

import numpy as np

from custmeasure.errors import UsageError
from custmeasure.measure.funnel.result import FunnelResult
from custmeasure.show.words import Text

OTHERS = "(others)"
MIN_CELL = 10  # people below which a group is no row of its own
TOP = 50  # rows of their own
_PUT_TOGETHER = re.compile(r"others \(([0-9,]+)\)")  # what a funnel itself put together


def folded(
    sizes: Mapping[str, int], min_cell: int = MIN_CELL, top: int = TOP
) -> tuple[dict[str, str], int]:
    """Return each group's name in the answer, the largest first, and how many were folded.

    Parameters
    ----------
    sizes
        Group → people; ``(others)`` stays what it is.
    min_cell
        The fewest people a row of its own needs.
    top
        How many rows of their own there are at most.

    Raises
    ------
    UsageError
        When ``min_cell`` is not 1 or more.
    """
    check_min_cell(min_cell)
    ranked = sorted(sizes.keys() - {OTHERS}, key=lambda name: (-sizes[name], name))
    own = {name for name in ranked[:top] if sizes[name] >= min_cell}
    names = {name: name if name in own else OTHERS for name in (*ranked, *sizes)}
    return names, len(ranked) - len(own)


def by_segment(result: FunnelResult) -> tuple[dict[str, np.ndarray], int]:
    """Return segment → (n_steps,) people of a split funnel.

    What the funnel itself put together is ``(others)``; the second number says how many groups that is.
    """
    reached = result.frame["n_reached"].to_numpy(np.int64).reshape(-1, len(result.steps))
    counts: dict[str, np.ndarray] = {}
    n_groups = 0
    for name, own in zip(result.frame[result.by][:: len(result.steps)], reached, strict=True):
        together = _PUT_TOGETHER.fullmatch(str(name))
        segment = OTHERS if together else str(name)
        n_groups += int(together[1].replace(",", "")) if together else 0
        counts[segment] = counts.get(segment, 0) + own
    return counts, n_groups


def check_min_cell(min_cell: int) -> None:
    """Refuse what is no number of people.

    Raises
    ------
    UsageError
        When ``min_cell`` is not 1 or more.
    """
    if isinstance(min_cell, bool) or not isinstance(min_cell, int) or min_cell < 1:
        raise UsageError(
            ko=f"min_cell {min_cell!r}: 1 이상의 정수여야 합니다.",
            en=f"min_cell {min_cell!r} must be a whole number of 1 or more.",
        )


def folded_note(n_folded: int, min_cell: int) -> tuple[Text, ...]:
    """Return what is said of the groups that were folded."""
    if not n_folded:
        return ()
    note = Text(
        f"{min_cell}명이 안 되거나 {TOP}번째 밖의 작은 집단 {n_folded:,}개는 '(나머지)'로 묶었습니다. "
        "합은 그대로입니다.",
        f"{n_folded:,} small groups (fewer than {min_cell} people, or beyond the first {TOP}) are "
        "put together as '(others)'. The sums stay exact.",
    )
    return (note,)
