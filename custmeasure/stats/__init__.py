"""Pure numerics on sufficient statistics: no engine, no tables, no plots.

- `wilson`, `compare_rates`: rates, their difference and ratio
- `Moments`, `compare_means`: means
- `Joint`, `Columns`, `compare`: ratios, and means or ratios adjusted by what was known before
- `compare_strata`: inside groups known before, weighed by their sizes
- `alpha_spending`, `anytime_level`: what one of several looks may claim, with or without a planned end
- `sample_ratio`: was the split what was planned
- `rates_posterior`, `effect_posterior`: the Bayesian view
- `shrink`, `pool`, `tag_effects`: many past tests together
- `holm`, `benjamini_hochberg`: several p-values at once
- `units_for_rates`, `units_for_means`, `plan_units`, `plan_mde`: how many units a test needs
"""

from typing import TYPE_CHECKING

from custmeasure import lazy

if TYPE_CHECKING:
    from custmeasure.stats.adjusted import Columns, compare
    from custmeasure.stats.anytime import anytime_critical, anytime_level, anytime_p_value
    from custmeasure.stats.bayes import (
        BetaPrior,
        NormalPrior,
        Posterior,
        effect_posterior,
        rates_posterior,
    )
    from custmeasure.stats.contrast import MeanComparison
    from custmeasure.stats.exact import OddsRatio, clopper_pearson, fisher, needs_exact
    from custmeasure.stats.joint import Joint
    from custmeasure.stats.mean import Moments, compare_means
    from custmeasure.stats.multiple import benjamini_hochberg, benjamini_yekutieli, holm, holm_sidak
    from custmeasure.stats.non_inferiority import gain, guardrail, not_worse_p_value
    from custmeasure.stats.planning import (
        Baseline,
        Design,
        days_needed,
        mde_by_day,
        plan_mde,
        plan_power,
        plan_units,
    )
    from custmeasure.stats.power import units_for_means, units_for_rates
    from custmeasure.stats.proportion import RateComparison, compare_rates, wilson
    from custmeasure.stats.sequential import (
        Looks,
        alpha_spending,
        crossing_chances,
        repeated_p_value,
    )
    from custmeasure.stats.several import ChiSquare, rates_alike, rates_on_target
    from custmeasure.stats.shrinkage import Pooled, Shrunk, TagEffect, pool, shrink, tag_effects
    from custmeasure.stats.srm import SampleRatio, anytime_sample_ratio, sample_ratio
    from custmeasure.stats.strata import compare_strata

__all__ = [
    "Baseline",
    "BetaPrior",
    "ChiSquare",
    "Columns",
    "Design",
    "Joint",
    "Looks",
    "MeanComparison",
    "Moments",
    "NormalPrior",
    "OddsRatio",
    "Pooled",
    "Posterior",
    "RateComparison",
    "SampleRatio",
    "Shrunk",
    "TagEffect",
    "alpha_spending",
    "anytime_critical",
    "anytime_level",
    "anytime_p_value",
    "anytime_sample_ratio",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "clopper_pearson",
    "compare",
    "compare_means",
    "compare_rates",
    "compare_strata",
    "crossing_chances",
    "days_needed",
    "effect_posterior",
    "fisher",
    "gain",
    "guardrail",
    "holm",
    "holm_sidak",
    "mde_by_day",
    "needs_exact",
    "not_worse_p_value",
    "plan_mde",
    "plan_power",
    "plan_units",
    "pool",
    "rates_alike",
    "rates_on_target",
    "rates_posterior",
    "repeated_p_value",
    "sample_ratio",
    "shrink",
    "tag_effects",
    "units_for_means",
    "units_for_rates",
    "wilson",
]

__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "custmeasure.stats.adjusted": (
            "Columns",
            "compare",
        ),
        "custmeasure.stats.anytime": (
            "anytime_critical",
            "anytime_level",
            "anytime_p_value",
        ),
        "custmeasure.stats.bayes": (
            "BetaPrior",
            "NormalPrior",
            "Posterior",
            "effect_posterior",
            "rates_posterior",
        ),
        "custmeasure.stats.contrast": ("MeanComparison",),
        "custmeasure.stats.exact": (
            "OddsRatio",
            "clopper_pearson",
            "fisher",
            "needs_exact",
        ),
        "custmeasure.stats.non_inferiority": (
            "gain",
            "guardrail",
            "not_worse_p_value",
        ),
        "custmeasure.stats.joint": ("Joint",),
        "custmeasure.stats.mean": (
            "Moments",
            "compare_means",
        ),
        "custmeasure.stats.multiple": (
            "benjamini_hochberg",
            "benjamini_yekutieli",
            "holm",
            "holm_sidak",
        ),
        "custmeasure.stats.planning": (
            "Baseline",
            "Design",
            "days_needed",
            "mde_by_day",
            "plan_mde",
            "plan_power",
            "plan_units",
        ),
        "custmeasure.stats.power": (
            "units_for_means",
            "units_for_rates",
        ),
        "custmeasure.stats.proportion": (
            "RateComparison",
            "compare_rates",
            "wilson",
        ),
        "custmeasure.stats.sequential": (
            "Looks",
            "alpha_spending",
            "crossing_chances",
            "repeated_p_value",
        ),
        "custmeasure.stats.several": (
            "ChiSquare",
            "rates_alike",
            "rates_on_target",
        ),
        "custmeasure.stats.shrinkage": (
            "Pooled",
            "Shrunk",
            "TagEffect",
            "pool",
            "shrink",
            "tag_effects",
        ),
        "custmeasure.stats.srm": (
            "SampleRatio",
            "anytime_sample_ratio",
            "sample_ratio",
        ),
        "custmeasure.stats.strata": ("compare_strata",),
    },
)
