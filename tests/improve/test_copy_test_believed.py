"""The Bayesian view of a copy test: credible interval, chance to be better and loss of one posterior."""

import math

import numpy as np
import pytest

from custmeasure.errors import UsageError
from custmeasure.improve.copy_test import copy_test_from_counts, copy_test_from_moments
from custmeasure.stats import Moments
from custmeasure.stats.bayes import rates_posterior
from custmeasure.stats.tails import normal_quantile

ENDS = ["credible_rel_diff_ci_lower", "credible_rel_diff_ci_upper"]


def _row(result, name="B"):
    return result.metrics.set_index("variant").loc[name]


def test_amounts_in_the_head():
    # Means 10 and 11 of 100 each, variance 50: the difference 1 has variance 1; the control's value is 10.
    moments = {"A": Moments(100, 10.0, 50.0), "B": Moments(100, 11.0, 50.0)}
    row, z = _row(copy_test_from_moments(moments)), normal_quantile(0.05)
    assert row["credible_rel_diff"] == pytest.approx(0.1)
    assert row[ENDS].tolist() == pytest.approx([(1 - z) / 10, (1 + z) / 10])
    shown = copy_test_from_moments(moments)
    assert list(shown.believed) == ["metric", "variant", *list(shown.metrics)[-5:]]
    assert [*shown.outcomes, *list(shown.believed)[2:]] == list(shown.metrics)
    # Prior and data equally sure (sd 0.1 of 10 is 1): half way, variance halved.
    row = _row(copy_test_from_moments(moments, prior=0.1))
    assert row["credible_rel_diff"] == pytest.approx(0.05)
    assert row[ENDS].tolist() == pytest.approx(
        [(0.5 - z * 0.5**0.5) / 10, (0.5 + z * 0.5**0.5) / 10]
    )


def test_rates_are_the_two_betas():
    """Under a flat prior exactly, as drawing from both laws shows."""
    row = _row(copy_test_from_counts({"A": (238, 17), "B": (238, 45)}))
    seen = rates_posterior(45, 238, 17, 238)
    assert row[ENDS].tolist() == pytest.approx([seen.ci_lower * 238 / 17, seen.ci_upper * 238 / 17])
    rng = np.random.default_rng(1)
    drawn = rng.beta(46, 194, 400_000) - rng.beta(18, 222, 400_000)
    assert row[ENDS].tolist() == pytest.approx(
        (np.quantile(drawn, [0.025, 0.975]) * 238 / 17).tolist(), rel=0.01
    )


@pytest.mark.parametrize("prior", [None, 0.2])
@pytest.mark.parametrize("k", [40, 55, 60, 61, 62, 63, 64, 80])
def test_the_interval_leaves_0_out_when_the_chance_says_so(k, prior):
    row = _row(copy_test_from_counts({"A": (1000, 43), "B": (1000, k)}, prior=prior))
    leaves_out = row[ENDS[0]] > 0 or row[ENDS[1]] < 0
    assert leaves_out == (abs(row["chance_to_beat_share"] - 0.5) > 0.475)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """5,000 effects drawn from the stated prior: 95 % lie in the interval, after the data."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 0.1, 5_000)
    seen = rng.normal(10 * truth, 1.0)
    hits = []
    for effect, diff in zip(truth[:500], seen[:500], strict=True):
        moments = {"A": Moments(100, 10.0, 50.0), "B": Moments(100, 10.0 + diff, 50.0)}
        row = _row(copy_test_from_moments(moments, prior=0.1))
        hits.append(row[ENDS[0]] <= effect <= row[ENDS[1]])
    half = normal_quantile(0.05) * 0.5**0.5 / 10  # all of them at once, as above
    inside = np.abs(seen / 20 - truth) <= half
    assert inside[:500].tolist() == hits
    assert 0.94 <= inside.mean() <= 0.96


def test_what_cannot_be_believed():
    """T15, T18: nobody bought; and a prior that is none."""
    row = _row(copy_test_from_counts({"A": (100, 0), "B": (100, 4)}))
    assert all(math.isnan(row[name]) for name in ENDS)
    stated = copy_test_from_counts({"A": (100, 0), "B": (100, 4)}, prior=0.1)
    assert math.isnan(_row(stated)["chance_to_beat_share"])
    invalid = copy_test_from_counts({"A": (9000, 90), "B": (5000, 80)})
    assert invalid.verdict.code == "SRM"
    assert _row(invalid)[ENDS].isna().all()
    with pytest.raises(UsageError, match="prior 0"):
        copy_test_from_counts({"A": (100, 1), "B": (100, 4)}, prior=0)
    assert stated.definition["prior"] == 0.1
