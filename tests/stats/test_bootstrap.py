"""Bootstrap-t intervals: by hand, against a plain loop, and at the promised error rate."""

import math

import numpy as np
import pytest

from custmeasure.errors import UsageError
from custmeasure.stats.bootstrap import mean_intervals, resamples

VALUES = np.random.default_rng(1).lognormal(0, 1, 250)


def test_a_resample_draws_as_many_as_there_are():
    counts = np.vstack(list(resamples(7, repeats=500)))
    assert counts.shape == (500, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.mean() == pytest.approx(1)
    # Each is left out of a resample with chance (6/7)^7.
    assert (counts == 0).mean() == pytest.approx((6 / 7) ** 7, abs=0.03)


def test_it_is_what_a_plain_loop_says():
    x = VALUES[:30]
    draw = np.random.default_rng(20261101)
    apart = []
    for places in draw.integers(0, 30, (4000, 30)):
        again = x[places]
        apart.append((again.mean() - x.mean()) / (again.std(ddof=1) / math.sqrt(30)))
    low, high = np.sort(apart)[[100 - 1, 4000 - 100]]
    error = x.std(ddof=1) / math.sqrt(30)
    lower, upper = mean_intervals(x)
    assert (lower[0], upper[0]) == pytest.approx((x.mean() - high * error, x.mean() - low * error))


def test_several_means_at_once_are_each_one_s_own():
    both = mean_intervals(np.column_stack([VALUES, 3 * VALUES]))
    assert both[1][1] == pytest.approx(3 * mean_intervals(VALUES)[1][0])


def test_groups_of_customers_say_nearly_the_same():
    x = np.random.default_rng(3).lognormal(0, 1, 20_000)
    sizes = np.full(1000, 20)
    alone, grouped = mean_intervals(x), mean_intervals(x.reshape(1000, 20).sum(axis=1), sizes)
    assert grouped[0][0] == pytest.approx(alone[0][0], rel=0.01)
    assert grouped[1][0] == pytest.approx(alone[1][0], rel=0.01)
    ragged = np.random.default_rng(4).integers(1, 40, 1000)
    ends = np.cumsum(ragged)
    x = np.random.default_rng(5).lognormal(0, 1, ends[-1])
    sums = np.add.reduceat(x, np.r_[0, ends[:-1]])
    lower, upper = mean_intervals(sums, ragged)
    half = 1.96 * x.std() / math.sqrt(len(x))
    assert (lower[0], upper[0]) == pytest.approx((x.mean() - half, x.mean() + half), rel=0.01)


def test_t32_same_seed_same_bytes_other_seeds_nearly_the_same():  # T32
    first = mean_intervals(VALUES)
    assert [each.tobytes() for each in mean_intervals(VALUES)] == [each.tobytes() for each in first]
    ends = np.array([np.concatenate(mean_intervals(VALUES, seed=seed)) for seed in range(20)])
    width = float(first[1][0] - first[0][0])
    assert (np.ptp(ends, axis=0) < 0.1 * width).all()


@pytest.mark.parametrize(
    "values", [[1.0] * 20, [5.0], [1.0, 2.0, 3.0], np.zeros((9, 2)), np.zeros((0, 1))]
)
def test_without_differences_or_customers_there_is_no_interval(values):
    lower, upper = mean_intervals(values)
    assert np.isnan(lower).all()
    assert np.isnan(upper).all()


@pytest.mark.parametrize(
    ("sums", "sizes"), [([1.0, math.nan], None), ([1.0, 2.0], [1, 0]), ([1.0, 2.0], [1])]
)
def test_what_is_no_sum_is_refused(sums, sizes):
    with pytest.raises(UsageError):
        mean_intervals(sums, sizes)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "band"), [(50, (0.92, 0.97)), (200, (0.93, 0.97))])
def test_the_interval_of_skewed_revenue_holds_its_level(n, band):
    """Some 600 samples each, as shops have them: everybody orders once, a fifth again."""
    draw = np.random.default_rng(8)
    inside, repeats = 0, 600
    true = math.exp(0.18) + 0.2 * math.exp(0.5 + 0.245)
    for _ in range(repeats):
        again = (draw.random(n) < 0.2) * draw.lognormal(0.5, 0.7, n)
        lower, upper = mean_intervals(draw.lognormal(0, 0.6, n) + again, repeats=1000)
        inside += bool(lower[0] <= true <= upper[0])
    assert band[0] - 0.015 < inside / repeats < band[1] + 0.015
