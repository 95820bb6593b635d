"""The table of a copy test: each variant's rate or mean, and each treatment against the control."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from custmeasure.stats import (
    MeanComparison,
    Moments,
    RateComparison,
    compare_means,
    compare_rates,
    holm,
    wilson,
)

EFFECT = (
    "diff", "diff_ci_lower", "diff_ci_upper", "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper",
    "p_value", "p_value_adj",
)  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """What a variant's units did: ``n`` units, ``k`` of them converted."""

    n: int
    k: int


Sample = Rate | Moments
Comparison = RateComparison | MeanComparison


def compare(treatment: Sample, control: Sample, alpha: float) -> Comparison:
    """Return treatment against control, by rates or by means."""
    if isinstance(treatment, Rate) and isinstance(control, Rate):
        return compare_rates(treatment.k, treatment.n, control.k, control.n, alpha)
    if isinstance(treatment, Moments) and isinstance(control, Moments):
        return compare_means(treatment, control, alpha)
    raise TypeError("a rate compares with a rate, a mean with a mean")


def comparisons(samples: Mapping[str, Sample], alpha: float) -> dict[str, Comparison]:
    """Return treatment → its comparison with the control, which stands first in ``samples``."""
    control, *treatments = samples
    return {name: compare(samples[name], samples[control], alpha) for name in treatments}


def table(
    samples: Mapping[str, Sample], compared: Mapping[str, Comparison], alpha: float
) -> pd.DataFrame:
    """Return one row a variant, the control first; the control's effect is blank."""
    effects = pd.DataFrame(
        {name: [np.nan] + [getattr(c, name) for c in compared.values()] for name in EFFECT[:-1]}
    )
    adjusted = [np.nan, *holm(effects["p_value"].to_numpy()[1:])]
    return pd.concat([_alone(samples, alpha), effects.assign(p_value_adj=adjusted)], axis=1)


def without_effect(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with every effect blank: a failed check takes its place."""
    return frame.assign(**dict.fromkeys(EFFECT, np.nan))


def _alone(samples: Mapping[str, Sample], alpha: float) -> pd.DataFrame:
    rates = [sample for sample in samples.values() if isinstance(sample, Rate)]
    means = [sample for sample in samples.values() if isinstance(sample, Moments)]
    values = _rates(rates, alpha) if rates else _means(means, alpha)
    return pd.DataFrame({"variant": list(samples), **values})


def _rates(rates: list[Rate], alpha: float) -> dict[str, np.ndarray]:
    k, n = np.array([rate.k for rate in rates]), np.array([rate.n for rate in rates])
    lower, upper = wilson(k, n, alpha)
    return {
        "n_units": n.astype(np.int64),
        "n_conversions": k.astype(np.int64),
        "conversion_rate": np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0),
        "conversion_rate_ci_lower": lower,
        "conversion_rate_ci_upper": upper,
    }


def _means(means: list[Moments], alpha: float) -> dict[str, np.ndarray]:
    limits = np.array([mean.interval(alpha) for mean in means])
    return {
        "n_units": np.array([mean.n for mean in means], dtype=np.int64),
        "revenue_amount": np.array([mean.mean for mean in means]),
        "revenue_amount_ci_lower": limits[:, 0],
        "revenue_amount_ci_upper": limits[:, 1],
    }
