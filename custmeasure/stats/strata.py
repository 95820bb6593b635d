"""Post-stratification: compare inside groups known before the test, then weigh by the groups' sizes.

Chance puts somewhat more mobile visitors into one variant than into the other. Comparing mobile with
mobile and desktop with desktop, and weighing both by how many there are in all, takes that part of the
variance away. The groups must be known when a unit enters (device, channel), never made by the test.

References
----------
Miratrix, Sekhon and Yu (2013), J. R. Statist. Soc. B 75, 369-396. Xie and Aurisset (2016), KDD,
section 3.3 (strata in online tests). Lin (2013), Annals of Applied Statistics 7, 295-318 (regression).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from custmeasure.stats.adjusted import Columns, contrast
from custmeasure.stats.contrast import Alternative, Contrast, MeanComparison, conclude
from custmeasure.stats.joint import Joint, add, one_spread
from custmeasure.stats.tails import Floats, check_level

Pair = tuple[Joint, Joint]  # treatment, control


@dataclass(frozen=True)
class _Stratum:
    """Control values and effects of the metric's one or two columns, with their covariances."""

    n: int
    values: Floats  # (2 k,): control of each column, then effect of each column
    cov: Floats  # (2 k, 2 k)


def compare_strata(
    pairs: Sequence[Pair],
    columns: Columns | None = None,
    alpha: float = 0.05,
    *,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    pooled: bool = False,
) -> MeanComparison:
    """Compare two variants inside strata, weighed by the strata's sizes in both variants together.

    Parameters
    ----------
    pairs
        (treatment, control) of each stratum. A stratum that says nothing alone (an arm below two
        units, or all alike) joins the largest that does.
    columns
        Which columns make the metric, as in `compare`; a covariate is regressed out in each stratum.
    alpha, null, alternative, pooled
        As `compare_means`; with ``pooled`` each stratum has one spread.

    Returns
    -------
    MeanComparison
        That of `compare` when only one stratum is left.

    Raises
    ------
    UsageError
        When ``alpha`` is not between 0 and 1.
    """
    check_level(alpha)
    wanted = columns or Columns()
    found = strata_contrast(pairs, wanted, pooled=pooled)
    if isinstance(found, str):
        return MeanComparison(code=found)
    return conclude(found, alpha, null=null, alternative=alternative)


def strata_contrast(
    pairs: Sequence[Pair], columns: Columns, *, pooled: bool = False
) -> Contrast | str:
    """Return the difference over strata, or the code of why there is none; as `contrast`.

    The degrees of freedom are those of the same comparison without strata.
    """
    k = len(pairs[0][0].mean) if pairs else 1
    treatment, control = (add((pair[side] for pair in pairs), k) for side in (0, 1))
    plain = contrast(treatment, control, columns, pooled=pooled)
    cells = _joined(pairs, columns)
    if len(cells) < 2 or isinstance(plain, str):
        return plain
    if pooled:
        cells = [one_spread(*cell) for cell in cells]
    return _combined([_stratum(*cell, columns) for cell in cells], plain.df)


def _joined(pairs: Sequence[Pair], columns: Columns) -> list[Pair]:
    """Return the strata that can be compared alone, the others added to the largest of them."""
    ordered = sorted(pairs, key=lambda pair: -(pair[0].n + pair[1].n))
    silent = [isinstance(contrast(*pair, columns), str) for pair in ordered]
    cells = [pair for pair, is_silent in zip(ordered, silent, strict=True) if not is_silent]
    for pair, is_silent in zip(ordered, silent, strict=True):
        if is_silent and cells:
            cells[0] = (cells[0][0] + pair[0], cells[0][1] + pair[1])
    return cells


def _stratum(treatment: Joint, control: Joint, columns: Columns) -> _Stratum:
    """Return the effect inside a stratum, each arm's variance its own; with a covariate, regressed."""
    y = [i for i in (columns.numerator, columns.denominator) if i is not None]
    x = [i for i in (columns.covariate, columns.covariate_denominator) if i is not None]
    pooled = treatment.cov * (treatment.n - 1) + control.cov * (control.n - 1)
    within = pooled[np.ix_(x, x)]
    if not x or np.linalg.matrix_rank(within) < len(x):
        return _plain(treatment, control, y)
    return _regressed(treatment, control, pooled, y, x)


def _plain(treatment: Joint, control: Joint, y: list[int]) -> _Stratum:
    base, other = control.mean[y], treatment.mean[y]
    var_c = control.cov[np.ix_(y, y)] / control.n
    var_t = treatment.cov[np.ix_(y, y)] / treatment.n
    cov = np.block([[var_c, -var_c], [-var_c, var_t + var_c]])
    return _Stratum(treatment.n + control.n, np.concatenate([base, other - base]), cov)


def _regressed(
    treatment: Joint, control: Joint, pooled: Floats, y: list[int], x: list[int]
) -> _Stratum:
    """Return the least squares of y on variant and covariate, at the covariate's mean in the stratum."""
    n = treatment.n + control.n
    inverse = np.linalg.inv(pooled[np.ix_(x, x)])
    slopes = inverse @ pooled[np.ix_(x, y)]
    rest = pooled[np.ix_(y, y)] - pooled[np.ix_(y, x)] @ slopes
    sigma = rest / max(n - 3 * len(y), 1)  # intercept, variant and slope a column, as GrowthBook
    whole = treatment + control
    apart, off = treatment.mean[x] - control.mean[x], control.mean[x] - whole.mean[x]
    base = control.mean[y] - off @ slopes
    effect = treatment.mean[y] - control.mean[y] - apart @ slopes
    # The covariate's mean is itself an estimate: its variance enters beside the regression's.
    centre = whole.cov[np.ix_(x, x)] / n
    var_base = sigma * (1 / control.n + off @ inverse @ off + np.trace(inverse @ centre))
    var_base = var_base + slopes.T @ centre @ slopes
    var_effect = sigma * (1 / treatment.n + 1 / control.n + apart @ inverse @ apart)
    both = sigma * (off @ inverse @ apart - 1 / control.n)
    cov = np.block([[var_base, both], [both.T, var_effect]])
    return _Stratum(n, np.concatenate([base, effect]), cov)


def _combined(strata: Sequence[_Stratum], df: float) -> Contrast:
    """Return the weighed effect: the variance inside strata, and that of their random sizes.

    var = sum w^2 var_s + a' cov(w) a, with the multinomial's covariance of the shares w: the law of
    total variance over the strata's sizes, Miratrix et al. (2013), section 3.
    """
    n = sum(stratum.n for stratum in strata)
    share = np.array([stratum.n for stratum in strata]) / n
    values = np.array([stratum.values for stratum in strata])
    inside = sum(w**2 * stratum.cov for w, stratum in zip(share, strata, strict=True))
    between = values.T @ (np.diag(share) - np.outer(share, share)) @ values / n
    cov = np.asarray(inside) + between
    diff, slope_diff, base, slope_base = _effect(share @ values)
    return Contrast(
        diff=diff,
        var_diff=float(slope_diff @ cov @ slope_diff),
        base=base,
        var_base=float(slope_base @ cov @ slope_base),
        cov=float(slope_diff @ cov @ slope_base),
        df=df,
    )


def _effect(values: Floats) -> tuple[float, Floats, float, Floats]:
    """Return the difference and the control's value with their gradients over ``values``."""
    if len(values) == 2:
        return float(values[1]), np.array([0.0, 1.0]), float(values[0]), np.array([1.0, 0.0])
    y, d, more_y, more_d = values
    base, other = y / d, (y + more_y) / (d + more_d)
    slope_base = np.array([1 / d, -base / d, 0.0, 0.0])
    slope_other = np.array([1.0, -other, 1.0, -other]) / (d + more_d)
    return float(other - base), slope_other - slope_base, float(base), slope_base
