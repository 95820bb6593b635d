"""The split check against hand counts, binomials and other libraries."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare, multinomial

from custmeasure.errors import UnknownName, UsageError
from custmeasure.stats import anytime_sample_ratio, sample_ratio
from custmeasure.stats.srm import _exact, _outcomes


def test_chi_square_in_the_head():
    # 60 and 40 where 50 and 50 were planned: 100/50 + 100/50 = 4 with one degree of freedom.
    seen = sample_ratio({"A": 60, "B": 40})
    assert seen.p_value == pytest.approx(math.erfc(math.sqrt(2)))
    assert (seen.status, seen.code, seen.method) == ("ok", None, "chi-square")
    assert seen.expected == {"A": 50, "B": 50}


def test_exact_in_the_head():
    # 4 of 4 in A where a half was planned: 1/16 for each end.
    assert sample_ratio({"A": 4, "B": 0}).p_value == pytest.approx(1 / 8)


def test_peers(peer_cases):
    cases = [c for c in peer_cases("growthbook_gbstats") if c["semantics"]["class"] == "check_srm"]
    for case in cases:
        users, weights = case["input"]["users"], case["input"]["weights"]
        names = [str(i) for i in range(len(users))]
        planned = dict(zip(names, weights, strict=True))
        seen = sample_ratio(dict(zip(names, users, strict=True)), planned)
        if min(seen.expected.values()) >= 5:
            assert seen.p_value == pytest.approx(case["expected"]["p_value"], rel=1e-6)
    assert len(cases) == 6


def test_exact_peer(peer_cases):
    case = next(
        c for c in peer_cases("tea_tasting") if c["id"] == "teatasting-sample_ratio_analyze_frame-1"
    )
    units = np.array([case["expected"]["control"], case["expected"]["treatment"]], dtype=float)
    ours = _exact(units, np.array([0.5, 0.5]), _outcomes(100, 2))
    assert ours == pytest.approx(case["expected"]["pvalue"], rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "shares", "status", "code"),
    [
        ({"A": 900, "B": 100}, {"A": 0.9, "B": 0.1}, "ok", None),
        ({"A": 500, "B": 500}, {"A": 0.9, "B": 0.1}, "invalid", "SRM"),
        ({"A": 334, "B": 333, "C": 333}, None, "ok", None),
        ({"A": 400, "B": 300, "C": 300}, None, "invalid", "SRM"),
        ({"A": 5000, "B": 5300}, None, "warn", "SRM"),
        ({"A": 4, "B": 3}, None, "not_enough", "TOO_FEW_UNITS"),
        ({"A": 7, "B": 0}, None, "not_enough", "TOO_FEW_UNITS"),
        ({"A": 9, "B": 0}, None, "warn", "EMPTY_VARIANT"),
        ({"A": 100, "B": 0}, None, "invalid", "EMPTY_VARIANT"),
        ({"A": 20, "B": 0}, {"A": 0.95, "B": 0.05}, "warn", "EMPTY_VARIANT"),
        ({"A": 18, "B": 2}, {"A": 0.9, "B": 0.1}, "ok", None),
        ({"A": 10, "B": 10}, {"A": 0.9, "B": 0.1}, "invalid", "SRM"),
        ({"A": 50}, None, "not_enough", "ONE_VARIANT"),
        ({"A": 0, "B": 0}, None, "not_enough", "NO_UNITS"),
        ({}, None, "not_enough", "NO_UNITS"),
    ],
)
def test_table(counts, shares, status, code):
    """T11: 90/10, three variants, 7 units, a variant with none."""
    seen = sample_ratio(counts, shares)
    assert (seen.status, seen.code) == (status, code)
    assert seen.p_value != 0


def test_a_declared_variant_that_nobody_saw_is_a_zero():
    assert sample_ratio({"A": 100}, {"A": 1, "B": 1}).code == "EMPTY_VARIANT"


def test_shares_may_be_in_any_unit():
    assert sample_ratio({"A": 50_000, "B": 5_000}, {"A": 10, "B": 1}).p_value == 1
    one = sample_ratio({"A": 70, "B": 40}, {"A": 2, "B": 1})
    assert one == sample_ratio({"A": 70, "B": 40}, {"A": 0.2, "B": 0.1})


@pytest.mark.parametrize("k", range(0, 41, 5))
def test_exact_binomial(k):
    seen = sample_ratio({"A": 40 - k, "B": k}, {"A": 0.9, "B": 0.1})
    assert seen.method == "exact"
    assert seen.p_value == pytest.approx(max(binomtest(k, 40, 0.1).pvalue, 5e-324), rel=1e-9)


def test_exact_multinomial():
    counts, planned = [9, 8, 1], [0.45, 0.45, 0.1]
    draw = multinomial(18, planned)
    seen = draw.pmf(counts)
    total = sum(
        chance
        for a in range(19)
        for b in range(19 - a)
        if (chance := draw.pmf([a, b, 18 - a - b])) <= seen * (1 + 1e-7)
    )
    shares = dict(zip("ABC", planned, strict=True))
    ours = sample_ratio(dict(zip("ABC", counts, strict=True)), shares)
    assert ours.method == "exact"
    assert ours.p_value == pytest.approx(total, rel=1e-9)


def test_too_many_outcomes_fall_back_to_each_variant_alone():
    shares = {"A": 0.499, "B": 0.499, "C": 0.002}
    seen = sample_ratio({"A": 1000, "B": 980, "C": 20}, shares)
    assert seen.method == "bonferroni"
    assert seen.p_value == pytest.approx(3 * binomtest(20, 2000, 0.002).pvalue, rel=1e-9)
    assert sample_ratio({"A": 998, "B": 998, "C": 4}, shares).p_value == 1


def test_chi_square_agrees_with_scipy():
    counts, planned = [510, 480, 260], [0.4, 0.4, 0.2]
    expected = chisquare(counts, [1250 * share for share in planned]).pvalue
    shares = dict(zip("ABC", planned, strict=True))
    assert sample_ratio(dict(zip("ABC", counts, strict=True)), shares).p_value == pytest.approx(
        expected, rel=1e-12
    )


def test_false_alarms_are_rare():
    """Splits that keep the plan are called invalid about once in a thousand."""
    rng = np.random.default_rng(11)
    for n, share in ((20, 0.1), (200, 0.5)):
        drawn = rng.binomial(n, share, size=4000)
        kinds = {
            k: sample_ratio({"A": n - int(k), "B": int(k)}, {"A": 1 - share, "B": share}).p_value
            for k in set(drawn.tolist())
        }
        assert np.mean([kinds[k] < 0.001 for k in drawn.tolist()]) <= 0.003


@pytest.mark.parametrize("shares", [{"A": 1, "B": 0}, {"A": -1, "B": 2}, {"A": 1, "B": math.nan}])
def test_shares_above_zero(shares):
    with pytest.raises(UsageError):
        sample_ratio({"A": 5, "B": 5}, shares)
    with pytest.raises(UsageError):
        sample_ratio({"A": 5, "B": 5}, {"A": "half", "B": "half"})


def test_a_variant_without_a_share_is_named():
    with pytest.raises(UnknownName, match="'b' does not exist in shares. Did you mean 'B'"):
        sample_ratio({"A": 5, "b": 5}, {"A": 1, "B": 1})


@pytest.mark.parametrize("count", [-1, 1.5, math.nan])
def test_counts_are_counts(count):
    with pytest.raises(UsageError):
        sample_ratio({"A": 10, "B": count})


# --- looked at again and again --------------------------------------------------------------------


def test_anytime_in_the_head():
    # Concentration 2 of halves is the uniform prior: 3 of 3 in A has chance 1/4 there, 1/8 by plan.
    seen = anytime_sample_ratio({"A": 30, "B": 0}, concentration=2)
    assert seen.p_value == pytest.approx(31 * 0.5**30)
    assert (seen.status, seen.code, seen.method) == ("invalid", "EMPTY_VARIANT", "anytime")
    assert anytime_sample_ratio({"A": 15, "B": 15}).p_value == 1


def test_anytime_does_not_depend_on_the_days():
    """The units' chance is the product of their days' chances: only the totals count."""
    days, prior, planned = np.array([[40, 30], [35, 50], [20, 10]]), np.array([250.0, 250.0]), 0.5
    log_e = 0.0
    for day in days:
        for variant, n in enumerate(day):
            for _ in range(n):
                log_e += math.log(prior[variant] / prior.sum() / planned)
                prior[variant] += 1
    seen = anytime_sample_ratio(dict(zip("AB", days.sum(axis=0).tolist(), strict=True)))
    assert seen.p_value == pytest.approx(min(math.exp(-log_e), 1))


def test_anytime_keeps_its_level_however_often_one_looks():
    """5,000 tests looked at on 60 days: at 5 % for the figure's sake; the daily chi-square fails."""
    daily = np.random.default_rng(8).binomial(100, 0.5, (5000, 60)).cumsum(axis=1)
    n = 100 * np.arange(1, 61)
    chi = ((daily - n / 2) ** 2 / (n / 4)) > 3.841
    grid = {(k, m): anytime_sample_ratio({"A": k, "B": m - k}).p_value
            for m in n[::6].tolist() for k in set(daily[:, m // 100 - 1].tolist())}  # fmt: skip
    looks = np.array([[grid[k, m] < 0.05 for m, k in zip(n[::6].tolist(), row, strict=True)]
                      for row in daily[:, ::6].tolist()])  # fmt: skip
    assert looks.any(axis=1).mean() <= 0.05
    assert chi.any(axis=1).mean() > 0.25


def test_anytime_sees_a_broken_split():
    """T11: 55 to 45, three variants, 90/10."""
    assert anytime_sample_ratio({"A": 1030, "B": 780}).status == "invalid"
    assert anytime_sample_ratio({"A": 990, "B": 810, "C": 900}).status == "warn"
    assert anytime_sample_ratio({"A": 1800, "B": 300}, {"A": 0.9, "B": 0.1}).status == "invalid"
    assert anytime_sample_ratio({"A": 1800, "B": 210}, {"A": 0.9, "B": 0.1}).status == "ok"
    assert anytime_sample_ratio({"A": 4, "B": 3}).code == "TOO_FEW_UNITS"
    assert anytime_sample_ratio({"A": 50}).code == "ONE_VARIANT"


def test_anytime_wrong_arguments():
    with pytest.raises(UsageError, match="concentration"):
        anytime_sample_ratio({"A": 1, "B": 1}, concentration=0)
    with pytest.raises(UnknownName, match="C"):
        anytime_sample_ratio({"A": 1, "C": 1}, {"A": 1, "B": 1})
