"""Pure numerics on sufficient statistics: no engine, no tables, no plots.

- `wilson`, `compare_rates`: rates, their difference and ratio
- `Moments`, `compare_means`: means
- `sample_ratio`: was the split what was planned
- `holm`, `benjamini_hochberg`: several p-values at once
- `units_for_rates`, `units_for_means`: how many units a test needs
"""

from custmeasure.stats.mean import MeanComparison, Moments, compare_means
from custmeasure.stats.multiple import benjamini_hochberg, holm
from custmeasure.stats.power import units_for_means, units_for_rates
from custmeasure.stats.proportion import RateComparison, compare_rates, wilson
from custmeasure.stats.srm import SampleRatio, sample_ratio

__all__ = [
    "MeanComparison",
    "Moments",
    "RateComparison",
    "SampleRatio",
    "benjamini_hochberg",
    "compare_means",
    "compare_rates",
    "holm",
    "sample_ratio",
    "units_for_means",
    "units_for_rates",
    "wilson",
]
