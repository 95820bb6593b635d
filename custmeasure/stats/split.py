"""What a changed rate is made of: who came, and how well each part did; and which factor moved it.

Both splits are exact: the parts add up to the change to the last bits of a float, and swapping the two
sides changes every sign and nothing else. A rate of nobody takes the value of the other side, so that
a group which appears or disappears changes the mix and no rate.

References
----------
Kitagawa (1955), J. Am. Stat. Assoc. 50, 1168-1194. Shapley (1953), in Contributions to the Theory of
Games II, 307-317. Owen (1972), Management Science 18, 64-79 (the multilinear extension).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from custmeasure.stats.tails import Floats


@dataclass(frozen=True)
class Split:
    """The change of a total of ``n × rate``, by group; every field is (n_groups,).

    Attributes
    ----------
    weight
        The mean share of people in both sides.
    mix, rate
        The change of the overall rate that goes with the groups' shares, and with their rates.
    traffic, mix_count, rate_count
        The same for the count: more or fewer people in all, their shares, their rates.
    """

    weight: Floats
    mix: Floats
    rate: Floats
    traffic: Floats
    mix_count: Floats
    rate_count: Floats


def rates_of(k: ArrayLike, n: ArrayLike, other: ArrayLike | None = None) -> Floats:
    """Return ``k / n``; where n is 0, the value of ``other`` (NaN when not given)."""
    counts, units = np.asarray(k, float), np.asarray(n, float)
    instead = np.full(counts.shape, np.nan) if other is None else np.asarray(other, float)
    return np.where(units > 0, counts / np.where(units > 0, units, 1), instead)


def both_rates(
    k_0: ArrayLike, n_0: ArrayLike, k_1: ArrayLike, n_1: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the rates of both sides, each taking the other's (or 0) where it has nobody."""
    first, second = rates_of(k_0, n_0), rates_of(k_1, n_1)
    return (
        np.nan_to_num(np.where(np.isnan(first), second, first)),
        np.nan_to_num(np.where(np.isnan(second), first, second)),
    )


def split_change(k_0: ArrayLike, n_0: ArrayLike, k_1: ArrayLike, n_1: ArrayLike) -> Split:
    """Split the change from ``k_0 / n_0`` to ``k_1 / n_1`` by group into mix, rate and traffic.

    With the shares w and rates r of the groups, the overall rate R and the people N, a bar for the
    mean of both sides and a D for the change, each group's parts are

    - mix: ``Dw (r̄ - R̄)``; rate: ``w̄ Dr``. Summed over groups: DR, Kitagawa (1955);
    - traffic: ``DN mean(w r) + N̄ Dw R̄``; mix and rate times N̄. Summed over the three: the group's
      own change of k.

    Parameters
    ----------
    k_0, n_0, k_1, n_1
        (n_groups,) successes and people, before and after.

    Returns
    -------
    Split
        NaN throughout where a side has nobody at all.

    Examples
    --------
    >>> seen = split_change([20, 10], [100, 100], [4, 16], [40, 160])
    >>> float(seen.mix.sum().round(4)), float(seen.rate.sum().round(4))
    (-0.015, -0.035)
    """
    r_0, r_1 = both_rates(k_0, n_0, k_1, n_1)
    n_0, n_1 = np.asarray(n_0, float), np.asarray(n_1, float)
    all_0, all_1 = n_0.sum(), n_1.sum()
    w_0, w_1 = rates_of(n_0, np.full_like(n_0, all_0)), rates_of(n_1, np.full_like(n_1, all_1))
    average = (w_0 @ r_0 + w_1 @ r_1) / 2
    mix = (w_1 - w_0) * ((r_0 + r_1) / 2 - average)
    weight = (w_0 + w_1) / 2
    rate = weight * (r_1 - r_0)
    people = (all_0 + all_1) / 2
    traffic = (all_1 - all_0) * (w_0 * r_0 + w_1 * r_1) / 2 + people * (w_1 - w_0) * average
    return Split(weight, mix, rate, traffic, people * mix, people * rate)


def split_product(before: ArrayLike, after: ArrayLike) -> Floats:
    """Split the change of a product into what goes with each of its factors: Shapley's values.

    Factor k gets ``D_k`` times the mean, over all orders in which the factors could have changed,
    of the product of the others. By Owen (1972) that mean is the integral over t in [0, 1] of
    the product of ``before + t (after - before)``, a polynomial that Gauss's rule integrates exactly.

    Parameters
    ----------
    before, after
        (..., n_factors)

    Returns
    -------
    numpy.ndarray
        (..., n_factors), adding up to the change of the product.

    Examples
    --------
    >>> split_product([0.5, 0.4], [0.5, 0.2]).round(3).tolist()
    [0.0, -0.1]
    """
    first, second = np.asarray(before, float), np.asarray(after, float)
    n_factors = first.shape[-1]
    if not n_factors:
        return np.zeros(np.broadcast_shapes(first.shape, second.shape))
    nodes, weights = np.polynomial.legendre.leggauss(max(1, (n_factors + 1) // 2))
    times = (nodes + 1) / 2
    along = first[..., None] + times * (second - first)[..., None]
    others = np.stack(
        [np.delete(along, k, axis=-2).prod(axis=-2) for k in range(n_factors)], axis=-2
    )
    return np.asarray((second - first) * (others @ (weights / 2)))
