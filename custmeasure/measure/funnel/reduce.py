"""From one attempt a unit to a few numbers a segment: counts, times, amounts.

Everything is one pass over the units, whatever the number of segments. Beyond the first `TOP` segments
(by people) the others are one row together, so that every sum stays exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from custmeasure.engine.begun import in_threads
from custmeasure.engine.sequence import Attempts
from custmeasure.measure.funnel.plan import Plan
from custmeasure.stats.mean import Moments

TOP = 50
NONE, NOT_REACHED = "(none)", "(not reached)"
WHOLE = "(whole)"  # from the first step to the last
HOUR, SECOND = 3_600_000_000, 1_000_000  # µs
# Where a distribution of times is cut: minutes, hours, days.
_CUTS = [60, 300, 900, 1800, *(3600 * n for n in (1, 3, 6, 12))]
_CUTS += [86_400 * n for n in (1, 2, 3, 7, 14, 30, 60, 90, 180, 365)]

Int64 = npt.NDArray[np.int64]
Places = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Groups:
    """The segment of every unit.

    Attributes
    ----------
    labels
        The segments, in the order of their rows; one without a name when nothing is split.
    place
        (n_units,) the place of each unit's segment, in as few bytes as hold it: short numbers sort fast.
    n_others
        How many segments the last row holds together; 0 when each has its own.
    """

    labels: tuple[str, ...]
    place: Places
    n_others: int = 0


def groups(attempts: Attempts, *, split: bool, top: int = TOP) -> Groups:
    """Return the segments of the units; beyond ``top`` of them, by people, the others together."""
    if not split:
        return Groups(("",), np.zeros(len(attempts.taken), np.uint8))
    own = [NONE if name is None else name for name in attempts.segments]
    names = np.array([*own, NOT_REACHED], object)  # the last, which a group of -1 finds
    labels, place = np.unique(names, return_inverse=True)
    sizes = np.zeros(len(labels), np.int64)
    np.add.at(sizes, place, attempts.sizes())
    seen = np.flatnonzero(sizes)
    if len(seen) <= top:
        ranks = np.maximum(np.cumsum(sizes > 0) - 1, 0)
        return Groups(tuple(labels[seen]), _short(ranks[place])[attempts.group])
    largest = seen[np.lexsort((seen, -sizes[seen]))][:top]
    ranks = np.full(len(labels), top)
    ranks[largest] = np.arange(top)
    n_others = len(seen) - top
    shown = (*labels[largest], f"others ({n_others:,})")
    return Groups(shown, _short(ranks[place])[attempts.group], n_others)


def _short(places: Int64) -> Places:
    """Return places, none below 0, in as few bytes as hold them."""
    return places.astype(np.min_scalar_type(int(places.max(initial=0))))


def counts(attempts: Attempts, plan: Plan, segments: Groups) -> Int64:
    """Return (n_segments, n_steps) how many units took each step."""
    return attempts.counts(segments.place, len(segments.labels), len(plan.steps))


# --- times ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waits:
    """How long a step took: (n_reached,) µs of each segment."""

    step: str
    by_segment: list[Int64]


def waits(attempts: Attempts, plan: Plan, segments: Groups, reached: Int64) -> list[Waits]:
    """Return the times of each step but the first, and of the whole way of those who went it.

    ``reached`` is (n_segments, n_steps) people.
    """
    asked = [(step, plan.labels[step], attempts.waited(step)) for step in range(1, len(plan.steps))]
    musts = [step for step in range(1, len(plan.steps)) if step not in plan.optional]
    asked += [(musts[-1], WHOLE, attempts.whole(musts))] if musts else []

    def dealt(step: int, label: str, waited: Int64) -> Waits:
        return Waits(label, attempts.dealt(step, waited, segments.place, reached[:, step]))

    nobody = [np.empty(0, np.int64)] * len(segments.labels)
    found = in_threads(dealt, asked)
    return found if musts else [*found, Waits(WHOLE, nobody)]


def times(found: Sequence[Waits], segments: Groups) -> pd.DataFrame:
    """Return the mean and the quartiles of the times, one row a segment and step; blank for nobody."""
    names = ["segment", "step", "n_reached", "mean_hours"]
    names += ["quartile1_hours", "median_hours", "quartile3_hours"]
    heads = [(label, each.step) for place, label in enumerate(segments.labels) for each in found]
    waited = [(each.by_segment[place],) for place in range(len(segments.labels)) for each in found]
    rows = [(*head, *said) for head, said in zip(heads, in_threads(_summary, waited), strict=True)]
    return pd.DataFrame(rows, columns=names)


def _summary(waited: Int64) -> tuple[float, ...]:
    """Return n, mean and quartiles in hours; whole µs add up exactly, whatever their order."""
    if not len(waited):
        return (0, *[float("nan")] * 4)
    quartiles = np.quantile(waited, [0.25, 0.5, 0.75]) / HOUR
    return (len(waited), int(waited.sum()) / len(waited) / HOUR, *map(float, quartiles))


def distribution(
    found: Sequence[Waits], segments: Groups, plan: Plan, bins: int | None
) -> pd.DataFrame:
    """Return how many units took how long: from (included) to (not included), one row each.

    Without ``bins`` the rows are cut at minutes, hours and days that people use; with it they are about
    so many of one length, in whole seconds from the shortest time on.
    """
    names = ["segment", "step", "from_hours", "to_hours", "n_reached"]
    parts, asked = [], []
    for each in found:
        cuts = _cuts(each.by_segment, plan.window.total_seconds(), bins)
        hours = np.array(cuts) / HOUR
        for label, waited in zip(segments.labels, each.by_segment, strict=True):
            part = {"segment": label, "step": each.step, "from_hours": hours[:-1]}
            parts.append({**part, "to_hours": hours[1:]})
            asked.append((waited, cuts))
    counted = in_threads(_counted, asked)
    frames = [
        pd.DataFrame({**part, "n_reached": n}) for part, n in zip(parts, counted, strict=True)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)


def _counted(waited: Int64, cuts: list[int]) -> Int64:
    return np.histogram(waited, cuts)[0] if len(waited) else np.zeros(len(cuts) - 1, np.int64)


def _cuts(by_segment: Sequence[Int64], window: float, bins: int | None) -> list[int]:
    """Return where the rows of a distribution begin, and the end of the last, in µs."""
    somebody = [waited for waited in by_segment if len(waited)]
    low = min((int(waited.min()) for waited in somebody), default=0)
    high = max((int(waited.max()) for waited in somebody), default=0)
    if bins is None or not somebody:
        ends = [0, *(cut for cut in _CUTS if cut < window), int(window)]
        n = next((n for n, end in enumerate(ends) if end > high // SECOND), len(ends) - 1)
        return [end * SECOND for end in ends[: n + 1]]
    width = max(1, -(-(high - low) // (bins * SECOND))) * SECOND
    return [low + n * width for n in range((high - low) // width + 2)]


# --- amounts ----------------------------------------------------------------------------------------


def amounts(
    attempts: Attempts, plan: Plan, segments: Groups, reached: Int64, alpha: float
) -> pd.DataFrame:
    """Return the amount at the last step, one row a segment: together, an entrant and a conversion.

    Intervals are t intervals of the mean over units (see `stats.mean`); each unit counts once.
    """
    last = max(step for step in range(len(plan.steps)) if step not in plan.optional)
    paid = np.nan_to_num(attempts.amount[attempts.reached(last)])
    each = attempts.dealt(last, paid, segments.place, reached[:, last])
    rows = [
        {"segment": label, **_money(values, int(n), alpha)}
        for label, n, values in zip(segments.labels, reached[:, 0], each, strict=True)
    ]
    return pd.DataFrame(rows)


def _money(values: npt.NDArray[np.float64], n_units: int, alpha: float) -> dict[str, float]:
    sold = Moments.from_values(values)
    entered = sold + Moments(n_units - sold.n, 0.0, 0.0)
    row: dict[str, float] = {"n_reached": n_units, "n_conversions": sold.n}
    row["total_amount"] = sold.mean * sold.n if sold.n else 0.0
    for name, moments in (("entrant", entered), ("conversion", sold)):
        lower, upper = moments.interval(alpha)
        row |= {f"{name}_amount": moments.mean}
        row |= {f"{name}_amount_ci_lower": lower, f"{name}_amount_ci_upper": upper}
    return row
