"""Adjusted p-values against hand counts, R and statsmodels."""

import math

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from custmeasure.errors import UsageError
from custmeasure.stats import benjamini_hochberg, holm
from custmeasure.stats.multiple import benjamini_yekutieli, holm_sidak


def test_holm_in_the_head():
    # 0.01 x 3, then 0.02 x 2 = 0.04, then 0.04 x 1, never below the one before; order kept.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])


def test_benjamini_hochberg_in_the_head():
    # 0.01 x 3 / 1, 0.02 x 3 / 2, 0.04 x 3 / 3.
    assert benjamini_hochberg([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.03])


def test_holm_peer(peer_cases):
    case = next(c for c in peer_cases("experiments_misc") if c["id"] == "prop-pairwise-holm")
    expected = case["expected"]
    assert holm(expected["p_raw"]) == pytest.approx(expected["p_holm"], abs=case["tolerance"])


@pytest.mark.parametrize("seed", range(10))
def test_both_agree_with_statsmodels(seed):
    p_values = np.random.default_rng(seed).uniform(size=1 + seed).round(1)  # with ties
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert benjamini_hochberg(p_values) == pytest.approx(expected)
    assert benjamini_yekutieli(p_values) == pytest.approx(
        multipletests(p_values, method="fdr_by")[1]
    )
    below = np.minimum(p_values, 0.9)  # at 1 statsmodels divides by zero
    assert holm_sidak(below) == pytest.approx(multipletests(below, method="holm-sidak")[1])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg, benjamini_yekutieli, holm_sidak])
def test_nan_stays_and_does_not_count(adjust):
    assert math.isnan(adjust([0.02, math.nan, 0.04])[1])
    assert adjust([0.02, math.nan, 0.04])[[0, 2]].tolist() == adjust([0.02, 0.04]).tolist()
    assert adjust([]).tolist() == []
    assert math.isnan(adjust([math.nan])[0])


@pytest.mark.parametrize("wrong", [[-0.1], [1.1], 0.5, [[0.5]], [math.inf]])
def test_what_is_not_a_p_value_is_refused(wrong):
    with pytest.raises(UsageError):
        holm(wrong)


def test_holm_keeps_the_family_error():
    """T12: 20 metrics without any effect; at most one false alarm in 20 reports."""
    p_values = np.random.default_rng(12).uniform(size=(4000, 20))
    false_alarms = np.mean([(holm(row) < 0.05).any() for row in p_values])
    assert false_alarms <= 0.06
    assert (p_values < 0.05).any(axis=1).mean() > 0.6  # uncorrected
