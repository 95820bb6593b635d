"""How often the statistics err, with 5,000 tests a line; `make calibrate` makes 100,000.

T01 to T08, T11, T12, T13, T18, T27.
"""

import numpy as np
import pytest

from benchmarks.calibrate import KEPT, QUICK, SECTIONS
from benchmarks.simulated import means_differ
from custmeasure.stats import Moments, compare_means, compare_rates
from custmeasure.stats.proportion import rates_differ


@pytest.mark.parametrize("section", SECTIONS, ids=lambda each: each.__name__)
def test_every_figure_lies_in_its_band(section):
    figures = section(QUICK)
    assert figures
    assert [str(figure) for figure in figures if not figure.is_kept] == []


def test_the_kept_table_is_of_these_figures_and_all_are_kept():
    lines = [
        line
        for line in KEPT.read_text("utf-8").splitlines()
        if line.startswith(("| T", "| –", "| days"))
    ]
    kept = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {row[0] for row in kept} >= {f"T{i:02}" for i in (*range(1, 9), 11, 12, 13, 18, 27)}
    assert all(row[4] in ("yes", "") for row in kept)


@pytest.mark.parametrize("alpha", [0.05, 1e-4])
def test_many_at_once_is_what_one_at_a_time_says(alpha):
    rng = np.random.default_rng(1)
    k = rng.binomial(60, 0.1, (2, 300))
    many = rates_differ(k[0], 60, k[1], 60, alpha)
    one = [compare_rates(a, 60, b, 60, alpha).diff_ci_lower > 0
           or compare_rates(a, 60, b, 60, alpha).diff_ci_upper < 0 for a, b in k.T.tolist()]  # fmt: skip
    assert many.tolist() == one
    mean, var = rng.normal(0, 1, (2, 300)), rng.gamma(2, 5, (2, 300))
    called = [compare_means(Moments(60, *a), Moments(60, *b), alpha).p_value < alpha
              for a, b in zip(zip(mean[0], var[0], strict=True), zip(mean[1], var[1], strict=True),
                              strict=True)]  # fmt: skip
    assert means_differ(mean, var, 60, alpha).tolist() == called


def test_many_at_once_with_one_variance():
    rng = np.random.default_rng(2)
    mean, var = rng.normal(0, 1, (2, 200)), rng.gamma(2, 5, (2, 200))
    called = [
        compare_means(Moments(20, m_t, v_t), Moments(90, m_c, v_c), pooled=True).p_value < 0.05
        for m_t, m_c, v_t, v_c in zip(*mean, *var, strict=True)
    ]
    assert means_differ(mean, var, (20, 90), 0.05, pooled=True).tolist() == called
