"""Kaplan–Meier and log-rank: by hand, against R and lifelines, and at the promised error rate."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from custmeasure.errors import UsageError
from custmeasure.stats.survival import kaplan_meier, log_rank, smallest_ratio

# Every recorded case of survival that is not run, and why.
LEFT_OUT = {
    "surv-power-cph": "the power of a Cox model's test, and there is no Cox model here; "
    "`smallest_ratio` says what a log-rank test would notice",
}


# --- by hand ----------------------------------------------------------------------------------------


def test_a_curve_in_the_head():
    # Of 4, one at 3; of 3 left, one at 5 while another is censored; of 1 left, the last at 8.
    curve = kaplan_meier([3, 5, 5, 8], [1, 1, 0, 1])
    assert curve.n_at_risk.tolist() == [4, 3, 1]
    assert curve.n_events.tolist() == [1, 1, 1]
    assert curve.survival == pytest.approx([3 / 4, 3 / 4 * 2 / 3, 0])


def test_greenwood_on_the_log_log_scale_in_the_head():
    # ln S has variance 1/(4*3) after the first of four; theta = exp(1.96 sqrt(1/12) / ln 0.75).
    curve = kaplan_meier([3, 5, 6, 8], [1, 0, 0, 0])
    theta = math.exp(1.959964 * math.sqrt(1 / 12) / math.log(0.75))
    assert curve.ci_lower[0] == pytest.approx(0.75 ** (1 / theta), abs=1e-6)
    assert curve.ci_upper[0] == pytest.approx(0.75**theta, abs=1e-6)


def test_before_anything_happened_there_is_no_interval():
    curve = kaplan_meier([1, 2, 3], [0, 1, 1])
    assert curve.survival.tolist() == pytest.approx([1, 0.5, 0])
    assert np.isnan(curve.ci_lower).tolist() == [True, False, True]
    assert [float(each) for each in curve.at(0.5)] == pytest.approx(
        [1, math.nan, math.nan], nan_ok=True
    )
    assert curve.at([1.5, 2, 99])[0].tolist() == pytest.approx([1, 0.5, 0])


def test_the_time_by_which_it_happened_to_half():
    assert kaplan_meier([1, 2, 3, 4]).quantile()[0] == 2
    assert math.isnan(kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0]).quantile()[0])
    assert kaplan_meier([1, 2, 3, 4]).quantile(0.75)[0] == 3


def test_nobody_has_no_curve():
    curve = kaplan_meier([], [])
    assert len(curve.times) == 0
    assert curve.at([1, 2])[0].tolist() == [1, 1]
    assert math.isnan(curve.quantile()[0])
    assert math.isnan(log_rank([], [], []).p_value)


def test_a_log_rank_in_the_head():
    # a at 1, b at 2: expected of a 1/2 + 0 at the second; gap 1/2, variance 1/4.
    test = log_rank([1, 2], [1, 1], ["a", "b"])
    assert (test.chi_square, test.degrees) == (pytest.approx(1), 1)
    assert (
        log_rank([1, 2], [1, 1], ["a", "a"]).p_value != log_rank([1, 2], [1, 1], ["a", "b"]).p_value
    )


@pytest.mark.parametrize("groups", [["a"] * 4, ["a", "a", "b", "b"]])
def test_without_two_groups_or_events_a_log_rank_has_no_answer(groups):
    observed = [1, 1, 1, 1] if len(set(groups)) == 1 else [0, 0, 0, 0]
    assert math.isnan(log_rank([1, 2, 3, 4], observed, groups).p_value)


@pytest.mark.parametrize(
    "arguments",
    [
        ([-1], [1]), ([math.nan], [1]), ([1, 2], [1]), (["x"], [1]),
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(arguments):
    with pytest.raises(UsageError):
        kaplan_meier(*arguments)


@pytest.mark.parametrize("options", [{"weights": [0, 1]}, {"entry": [3, 0]}, {"entry": [1]}])
def test_weights_and_entries_must_fit(options):
    with pytest.raises(UsageError):
        kaplan_meier([2, 3], [1, 1], **options)


def test_weights_stand_for_so_many():
    once = kaplan_meier([1, 1, 2, 3, 3], [1, 1, 0, 1, 1])
    weighted = kaplan_meier([1, 2, 3], [1, 0, 1], weights=[2, 1, 2])
    assert weighted.survival == pytest.approx(once.survival)
    assert weighted.ci_lower == pytest.approx(once.ci_lower, nan_ok=True)


# --- the peers --------------------------------------------------------------------------------------


def given(case, shared):
    """Return the case's arrays: times, observed, groups, weights, entry."""
    asked = case["input"]
    if "file" in asked:
        frame = pd.read_csv(shared / asked["file"]).rename(columns={"time": "T", "event": "E"})
        if "!=" in asked.get("filter", ""):
            column, value = asked["filter"].split(" != ")
            frame = frame[frame[column] != value]
        return frame["T"], frame["E"], frame["group"], None, None
    observed = asked.get("observed")
    return asked["T"], observed, asked.get("group"), asked.get("weights"), asked.get("entry")


def test_every_recorded_survival_case(peer_cases, shared):
    cases = [case for case in peer_cases("clv_survival") if case["id"].startswith("surv-")]
    run = [case for case in cases if case["id"] not in LEFT_OUT]
    for case in run:
        check(case, shared)
    assert len(run) + len(set(LEFT_OUT) & {case["id"] for case in cases}) == len(cases) >= 8


def check(case, shared):
    expected, near = case["expected"], {"abs": case["tolerance"], "rel": 1e-9}
    times, observed, groups, weights, entry = given(case, shared)
    if "cumulative_density" in expected:  # left censoring is right censoring with time reversed
        last = max(times) + 1
        curve = kaplan_meier([last - t for t in times], observed)
        seen = [0, *(float(curve.at(last - t - 1e-9)[0]) for t in sorted(set(times)))]
        assert seen[: len(expected["cumulative_density"])] == pytest.approx([
            0, *expected["cumulative_density"][1:]], **near)  # fmt: skip
        return
    if "chi2" in expected:
        test = log_rank(times, observed, groups)
        assert (test.chi_square, test.p_value) == pytest.approx(
            (expected["chi2"], expected["p_value"]), **near
        )
        return
    curve = kaplan_meier(times, observed, weights=weights, entry=entry)
    for name, part in expected.items():
        if name == "logrank":
            test = log_rank(times, observed, groups)
            assert test.chi_square == pytest.approx(part["chi2"], **near)
            assert test.p_value == pytest.approx(part["p_value"], rel=1e-9)
        elif isinstance(part, dict):
            own = np.full(len(times), True) if name == "all" else np.asarray(groups == name)
            alone = kaplan_meier(times[own], observed[own])
            at = [float(t) for t in part["survival_at"]]
            assert alone.at(at)[0] == pytest.approx(list(part["survival_at"].values()), **near)
            assert (int(own.sum()), alone.n_events.sum()) == (part["n"], part["observed"])
            assert alone.quantile()[0] == part["median"]
    if isinstance(expected.get("survival"), list):
        at = case["input"].get("timeline", expected.get("times"))
        if at is None:
            at = sorted({0, *times, *(entry or ())})
        survival, lower, upper = curve.at(at)
        assert survival == pytest.approx(expected["survival"], **near)
        if "ci_lower" in expected:
            assert lower == pytest.approx(expected["ci_lower"], **near)
            assert upper == pytest.approx(expected["ci_upper"], **near)
    if "survival_at_0_and_sorted_times" in expected:
        seen = curve.at([0, *sorted(times)])[0]
        assert seen == pytest.approx(expected["survival_at_0_and_sorted_times"], **near)
    if "median" in expected:
        assert curve.quantile()[0] == expected["median"]


@pytest.mark.parametrize("seed", range(8))
def test_both_agree_with_statsmodels(seed):
    draw = np.random.default_rng(seed)
    n = 40 + 20 * seed
    times, observed = draw.integers(1, 25, n), draw.uniform(size=n) < 0.7
    group = draw.integers(0, 2 + seed % 3, n)
    curve, oracle = kaplan_meier(times, observed), SurvfuncRight(times, observed)
    assert curve.at(oracle.surv_times)[0] == pytest.approx(oracle.surv_prob)
    assert curve.n_at_risk[np.isin(curve.times, oracle.surv_times)] == pytest.approx(oracle.n_risk)
    chi_square, p_value = survdiff(times, observed, group)
    test = log_rank(times, observed, group)
    assert (test.chi_square, test.p_value) == pytest.approx((chi_square, p_value))


# --- what is promised -------------------------------------------------------------------------------


def test_intervals_hold_their_level():
    """5,000 samples of 60, a third censored: the true share at three times is inside 95 % of the time."""
    draw = np.random.default_rng(20261122)
    n, repeats, at = 60, 5000, np.array([0.3, 0.7, 1.2])
    inside = np.zeros(3)
    for _ in range(repeats):
        event, censored = draw.exponential(1, n), draw.exponential(2, n)
        curve = kaplan_meier(np.minimum(event, censored), event <= censored)
        _, lower, upper = curve.at(at)
        inside += (lower <= np.exp(-at)) & (np.exp(-at) <= upper)
    assert (np.abs(inside / repeats - 0.95) < 0.0125).all(), inside / repeats


def test_a_log_rank_holds_its_level_and_notices_what_it_says():
    """2,000 pairs of one curve, and 2,000 whose hazards differ as `smallest_ratio` says."""
    draw = np.random.default_rng(7)
    n, repeats = 80, 2000
    group = np.repeat([0, 1], n)
    ratio = smallest_ratio(2 * n, 0.5)
    seen = {1.0: 0, ratio: 0}
    for true in seen:
        for _ in range(repeats):
            times = np.concatenate([draw.exponential(1, n), draw.exponential(1 / true, n)])
            seen[true] += log_rank(times, np.ones(2 * n), group).p_value < 0.05
    assert abs(seen[1.0] / repeats - 0.05) < 4 * math.sqrt(0.05 * 0.95 / repeats) + 0.003
    assert abs(seen[ratio] / repeats - 0.8) < 0.05


def test_the_smallest_ratio_in_the_head():
    # (1.96 + 0.8416) / sqrt(100 / 4) = 0.5603
    assert math.log(smallest_ratio(100, 0.5)) == pytest.approx(0.5603, abs=1e-4)
    assert ndtr(math.log(smallest_ratio(100, 0.5)) * 5 - 1.959964) == pytest.approx(0.8, abs=1e-6)
    assert math.isinf(smallest_ratio(0, 0.5))
    assert math.isinf(smallest_ratio(10, 1.0))
