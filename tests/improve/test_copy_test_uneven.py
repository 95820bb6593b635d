"""A small share tries the new copy, and amounts are skewed: one spread for both variants (T02, T03)."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.simulated import chunks, means_differ, revenue
from custmeasure.improve.copy_test import copy_test, copy_test_from_moments
from custmeasure.improve.copy_test.effects import Rate, compare, is_pooled
from custmeasure.shop import open_shop
from custmeasure.stats import Moments
from custmeasure.stats.placebo import random_splits

SIZES = (500, 4_500)
START = pd.Timestamp(2026, 3, 1, tz="UTC")
TOML = """
name = "test"
timezone = "UTC"
[metrics.conversion]
event = "purchase"
window = "1d"
[experiments.copy]
control = "A"
shares = {A = 0.9, B = 0.1}
unit = "customer_id"
"""


def _tests(repeats, seed):
    """Yield (2, n_tests) means and variances of tests without any difference."""
    for n, rng in chunks(repeats, seed):
        arms = [revenue(n, 1, units, rng) for units in SIZES]
        yield tuple(np.stack([arm[i][0, :, 0] for arm in arms]) for i in (0, 1))


def _called(treatment, control):
    return compare(Moments(SIZES[0], *treatment), Moments(SIZES[1], *control), 0.05).p_value < 0.05


def test_the_interval_errs_as_often_as_it_says():
    """T02: 5,000 tests of log-normal revenue with 95 % zeros, 1 to 9; Welch's errs twice as often."""
    worlds = list(_tests(5_000, 90))
    pooled, apart = (
        np.concatenate([means_differ(*world, SIZES, 0.05, pooled=kind) for world in worlds]).mean()
        for kind in (True, False)
    )
    assert 0.04 <= pooled <= 0.06
    assert apart > 0.12
    mean, var = worlds[0]
    one = [_called((mean[0, i], var[0, i]), (mean[1, i], var[1, i])) for i in range(200)]
    many = means_differ(mean[:, :200], var[:, :200], SIZES, 0.05, pooled=True)
    assert many.tolist() == one


@pytest.mark.parametrize(
    ("n_t", "n_c", "pooled"),
    [(100, 100, False), (100, 150, False), (100, 151, True), (151, 100, True), (1, 9, False)],
)
def test_an_even_split_stays_welch_s(n_t, n_c, pooled):
    treatment, control = (Moments(n, 2.0 + n / 100, 4.0 if n > 1 else np.nan) for n in (n_t, n_c))
    assert is_pooled(treatment, control) == pooled


def test_rates_and_constants_have_no_spread_to_share():
    """T15: an arm in which nobody paid is left to Welch's test, which says so."""
    assert not is_pooled(Rate(100, 3), Rate(900, 20))
    assert not is_pooled(Moments(100, 0.0, 0.0), Moments(900, 1.0, 4.0))
    result = copy_test_from_moments({"A": Moments(900, 1.0, 4.0), "B": Moments(100, 0.0, 0.0)},
                                    shares={"A": 9, "B": 1})  # fmt: skip
    assert (result.verdict, result.verdict.code) == ("cannot_tell", "ZERO_VARIANCE")
    assert "interval" not in result.definition


def test_the_page_says_how_the_interval_is_made():
    uneven = copy_test_from_moments(
        {"A": Moments(900, 10.0, 400.0), "B": Moments(100, 11.0, 400.0)}, shares={"A": 9, "B": 1}
    )
    assert uneven.definition["interval"] == "pooled"
    assert any("the spread of both together" in note for note in uneven.notes)
    assert any("두 안의 흩어짐을 합쳐서" in note.ko for note in uneven.notes)
    assert "How the interval is made: with the spread of both variants together" in repr(uneven)
    even = copy_test_from_moments({"A": Moments(500, 10.0, 400.0), "B": Moments(500, 11.0, 400.0)})
    assert "interval" not in even.definition
    assert not any("spread" in note for note in even.notes)


@pytest.fixture
def shop(tmp_path):
    """Return a shop of 6,000 customers, one of ten in B; one of ten buys, a few of them much."""
    rng, n = np.random.default_rng(2), 6_000
    ids = np.array([f"c{i}" for i in range(n)])
    at = START + pd.to_timedelta(rng.integers(0, 20 * 24, n), "h")
    exposures = pd.DataFrame({
        "experiment": "copy", "unit_id": ids, "variant": np.where(rng.random(n) < 0.1, "B", "A"),
        "at": at,
    })  # fmt: skip
    buys = rng.random(n) < 0.1
    orders = pd.DataFrame({
        "order_id": ids[buys], "customer_id": ids[buys], "at": at[buys] + pd.Timedelta("1h"),
        "amount": rng.lognormal(9, 1.5, int(buys.sum())).round(),
    })  # fmt: skip
    orders.loc[len(orders)] = ["last", "other", START + pd.Timedelta(days=40), 1.0]
    (tmp_path / "shop.toml").write_text(TOML, "utf-8")
    exposures.to_parquet(tmp_path / "exposures.parquet")
    orders.to_parquet(tmp_path / "orders.parquet")
    return open_shop(tmp_path)


def test_random_splits_of_the_shop_s_own_people_agree(shop):
    """T03: the splits are as uneven as the test, and use its interval; Welch's would not pass."""
    result = copy_test(shop, "copy", metric="revenue", method="one_look")
    assert result.verdict != "invalid"
    checks = result.checks.set_index("check")
    assert checks.loc["random_splits", "outcome"] == "ok"
    assert 0.03 < checks.loc["random_splits", "counted_share"] < 0.07
    assert result.definition["interval"] == "pooled"
    orders = pd.read_parquet(shop.folder / "orders.parquet")
    paid = np.concatenate([orders["amount"].to_numpy()[:-1], np.zeros(6_001 - len(orders))])
    apart = random_splits(paid[:, None], np.ones(6_000), share=0.1)
    assert apart.significant_share > 0.078
