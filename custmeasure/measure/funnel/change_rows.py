"""The numbers behind a change between two funnels: the segments side by side, split and tested."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from custmeasure.measure.funnel.cells import by_segment, folded
from custmeasure.measure.funnel.result import FunnelResult
from custmeasure.stats.multiple import holm
from custmeasure.stats.proportion import RateComparison, compare_rates
from custmeasure.stats.split import both_rates, rates_of, split_change, split_product

OVERALL, TRAFFIC, MIX = "(overall)", "(traffic)", "(mix)"
SIDES = ("n_people_before", "before_rate", "n_people_after", "after_rate")
DIFFERENCE = ("diff", "diff_ci_lower", "diff_ci_upper", "p_value")


@dataclass(frozen=True)
class Pair:
    """Two funnels side by side.

    Attributes
    ----------
    steps, segments
        Their names; one segment ``""`` where the funnels are not split.
    bases
        The place of the step that each step's rate divides by.
    before, after
        (n_segments, n_steps) people who reached each step.
    n_folded
        How many small segments stand together in the last.
    """

    steps: list[str]
    segments: list[str]
    bases: list[int]
    before: np.ndarray
    after: np.ndarray
    n_folded: int

    @classmethod
    def of(cls, before: FunnelResult, after: FunnelResult, min_cell: int) -> "Pair":
        """Lay two funnels of the same steps side by side, small segments folded."""
        sides = [_counts(before), _counts(after)]
        every = list(dict.fromkeys([*sides[0], *sides[1]]))
        sizes = {name: sum(int(side[name][0]) for side in sides if name in side) for name in every}
        names, n_folded = folded(sizes, min_cell) if before.by else ({"": ""}, 0)
        segments = list(dict.fromkeys(names.values()))
        both = np.zeros((2, len(segments), len(before.steps)), np.int64)
        for place, side in enumerate(sides):
            for name, counts in side.items():
                both[place, segments.index(names[name])] += counts
        return cls(before.steps, segments, before.bases, both[0], both[1], n_folded)

    def rows(self, alpha: float) -> pd.DataFrame:
        """Return every segment's part of the change, row by row.

        ``segment, part``, the two sides, their tested difference, ``overall_diff, n_change``. The
        segments' rows of one part add up to that part of the whole change.
        """
        k_0, k_1 = self.before, self.after
        split = split_change(k_0[:, -1], k_0[:, 0], k_1[:, -1], k_1[:, 0])
        points = split.weight[:, None] * self._by_step()
        people = (k_0[:, 0].sum() + k_1[:, 0].sum()) / 2
        parts = [
            self._parts(k_0[s], k_1[s], split.mix[s], split.traffic[s], points[s], people)
            for s in range(len(self.segments))
        ]
        frame = pd.concat(parts, ignore_index=True)
        per_segment = len(parts[0])
        frame.insert(0, "segment", np.repeat(np.array(self.segments, object), per_segment))
        return _tested(frame, alpha)

    def whole(self, rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
        """Return the parts of the whole change, from the segments' rows."""
        k_0, k_1 = self.before.sum(axis=0), self.after.sum(axis=0)
        frame = self._parts(k_0, k_1, 0.0, 0.0, np.zeros(len(self.steps) - 1), 0.0)
        added = rows.groupby("part", sort=False)[["overall_diff", "n_change"]].sum(min_count=1)
        frame[["overall_diff", "n_change"]] = added.to_numpy(float)
        return _tested(frame, alpha)

    def _by_step(self) -> np.ndarray:
        """Return (n_segments, n_steps - 1): what each step adds to the change of a segment's rate.

        Nobody has to take an optional step, so it adds nothing: NaN.
        """
        bases = self.bases[1:]
        musts = [k for k in range(1, len(self.steps)) if k in bases or k == len(self.steps) - 1]
        k_0, k_1 = self.before, self.after
        own = [bases[k - 1] for k in musts]
        rates = both_rates(k_0[:, musts], k_0[:, own], k_1[:, musts], k_1[:, own])
        added = np.full((len(self.segments), len(bases)), np.nan)
        added[:, [k - 1 for k in musts]] = split_product(*rates)
        return added

    def _parts(
        self,
        k_0: np.ndarray,
        k_1: np.ndarray,
        mix: float,
        traffic: float,
        points: np.ndarray,
        people: float,
    ) -> pd.DataFrame:
        """Return one change part by part: all of it, traffic (people alone, no points), mix, each step."""
        blank = (np.nan,) * len(SIDES)
        all_of_it = (mix + np.nansum(points), k_1[-1] - k_0[-1])
        rows: list[tuple[object, ...]] = [
            (OVERALL, *_sides(k_0[-1], k_0[0], k_1[-1], k_1[0]), *all_of_it),
            (TRAFFIC, *blank, np.nan, traffic),
            (MIX, *blank, mix, people * mix),
        ]
        for k, base in enumerate(self.bases[1:], start=1):
            sides = _sides(k_0[k], k_0[base], k_1[k], k_1[base])
            name = f"{self.steps[base]} → {self.steps[k]}"
            rows.append((name, *sides, points[k - 1], people * points[k - 1]))
        return pd.DataFrame(rows, columns=["part", *SIDES, "overall_diff", "n_change"])


def _counts(result: FunnelResult) -> dict[str, np.ndarray]:
    """Return segment → (n_steps,) counts; one segment without a name where the funnel is not split."""
    if result.by is None:
        return {"": result.frame["n_reached"].to_numpy(np.int64)}
    return by_segment(result)[0]


def _sides(k_0: int, n_0: int, k_1: int, n_1: int) -> tuple[float, ...]:
    rates = rates_of([k_0, k_1], [n_0, n_1])
    return float(n_0), float(rates[0]), float(n_1), float(rates[1])


def _tested(frame: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Add each row's difference; Holm over all overall rows, and over all steps of all segments."""
    seen = [difference(sides, alpha) for sides in frame[list(SIDES)].to_numpy(float)]
    frame = frame.assign(**{name: [getattr(each, name) for each in seen] for name in DIFFERENCE})
    adjusted = frame["p_value"].to_numpy(float).copy()
    whole = (frame["part"] == OVERALL).to_numpy()
    for family in (whole, ~whole):
        adjusted[family] = holm(adjusted[family])
    return frame.assign(p_value_adj=adjusted)


def difference(sides: np.ndarray, alpha: float) -> RateComparison:
    """Return after - before of ``(n before, rate before, n after, rate after)``, by Newcombe."""
    n_0, r_0, n_1, r_1 = (float(value) for value in np.nan_to_num(sides))
    return compare_rates(round(r_1 * n_1), round(n_1), round(r_0 * n_0), round(n_0), alpha)
