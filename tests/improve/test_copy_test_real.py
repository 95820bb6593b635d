"""Published experiments: the figures of their README files, through the same doors."""

import pandas as pd
import pytest

from custmeasure.improve.copy_test import (
    UnitMetric,
    copy_test_from_counts,
    copy_test_from_moments,
    copy_test_from_units,
)
from custmeasure.stats import Moments


def _counts(frame, variant, converted):
    grouped = frame.groupby(variant)[converted].agg(["size", "sum"])
    return {str(name): (int(row["size"]), int(row["sum"])) for name, row in grouped.iterrows()}


@pytest.fixture(scope="module")
def cookie_cats(shared):
    return pd.read_csv(shared / "data" / "cookie_cats" / "cookie_cats.csv")


@pytest.fixture(scope="module")
def hillstrom(shared):
    return pd.read_csv(shared / "data" / "hillstrom_email" / "hillstrom_data.csv")


@pytest.mark.parametrize(
    ("metric", "rates", "verdict"),
    [
        ("retention_1", (0.448188, 0.442283), "no_difference"),
        ("retention_7", (0.190201, 0.182000), "worse"),
    ],
)
def test_cookie_cats(cookie_cats, metric, rates, verdict):
    result = copy_test_from_counts(_counts(cookie_cats, "version", metric), control="gate_30")
    assert result.frame["n_units"].tolist() == [44_700, 45_489]
    assert result.frame["conversion_rate"].tolist() == pytest.approx(rates, abs=5e-7)
    assert result.verdict == verdict
    # The split itself is slightly off: a known trait of these data.
    assert result.definition["srm_p_value"] == pytest.approx(0.0086, abs=5e-5)
    assert any("differs somewhat" in note for note in result.notes)


def test_cookie_cats_p_values(cookie_cats):
    """The well-known figures: p = 0.074 for day 1 and p = 0.0016 for day 7."""
    day_1 = copy_test_from_counts(_counts(cookie_cats, "version", "retention_1"))
    day_7 = copy_test_from_counts(_counts(cookie_cats, "version", "retention_7"))
    assert day_1.frame["p_value"].iloc[1] == pytest.approx(0.0744, abs=1e-4)
    assert day_7.frame["p_value"].iloc[1] == pytest.approx(0.0016, abs=1e-4)


@pytest.mark.parametrize(
    ("metric", "rates"),
    [
        ("visit", (0.106167, 0.182757, 0.151400)),
        ("conversion", (0.005726, 0.012531, 0.008837)),
    ],
)
def test_hillstrom_rates(hillstrom, metric, rates):
    result = copy_test_from_counts(_counts(hillstrom, "segment", metric), control="No E-Mail")
    assert result.frame["variant"].tolist() == ["No E-Mail", "Mens E-Mail", "Womens E-Mail"]
    assert result.frame["n_units"].tolist() == [21_306, 21_307, 21_387]
    assert result.frame["conversion_rate"].tolist() == pytest.approx(rates, abs=5e-7)
    assert result.verdict == "better"
    assert "Mens E-Mail" in result.reason
    assert (result.frame["p_value_adj"].iloc[1:] < 0.001).all()


def test_hillstrom_spend(hillstrom, peer_cases):
    """Welch on spend: the published difference and standard error.

    The published interval uses 1.96, ours a t quantile with 30,000 or more degrees of freedom.
    """
    cases = {case["id"]: case["expected"] for case in peer_cases("published_real_data")}
    published = cases["real-hillstrom-spend-lift"]
    moments = {
        str(name): Moments.from_values(spend)
        for name, spend in hillstrom.groupby("segment")["spend"]
    }
    result = copy_test_from_moments(moments, control="No E-Mail", currency="USD")
    assert result.frame["revenue_amount"].tolist() == pytest.approx(
        [0.652789, 1.422617, 1.077202], abs=5e-7
    )
    for row, name in ((1, "mens_minus_none"), (2, "womens_minus_none")):
        _agrees(result.frame.iloc[row], published[name])
    women = copy_test_from_moments(
        {name: moments[name] for name in ("Womens E-Mail", "Mens E-Mail")}, currency="USD"
    )
    _agrees(women.frame.iloc[1], published["mens_minus_womens"])
    assert result.verdict == "better"


def _agrees(row, expected):
    assert row["diff"] == pytest.approx(expected["diff"], abs=1e-9)
    limits = [row["diff_ci_lower"], row["diff_ci_upper"]]
    assert limits == pytest.approx(expected["ci"], abs=2e-5)
    half = (row["diff_ci_upper"] - row["diff_ci_lower"]) / 2
    assert half / 1.96 == pytest.approx(expected["se"], rel=1e-4)


def test_page_design(shared):
    """Rows as published: 17 of 238 against 45 of 238 (two of the users are there twice)."""
    frame = pd.read_csv(shared / "data" / "page_design_subscribe" / "ab_data.csv")
    result = copy_test_from_counts(_counts(frame, "page_design", "subscribed"))
    assert result.frame["n_conversions"].tolist() == [17, 45]
    assert result.frame["conversion_rate"].tolist() == pytest.approx([0.071429, 0.189076], abs=5e-7)
    assert result.verdict == "better"
    assert frame["user_id"].nunique() == 474


def test_ten_to_one(shared):
    """T11: a split of 10 to 1 is valid when it was planned, and broken when equal was."""
    frame = pd.read_csv(shared / "data" / "ab_test_55k" / "AB_test_data.csv")
    counts = _counts(frame, "Variant", "purchase_TF")
    assert counts == {"A": (50_000, 7603), "B": (5000, 981)}
    result = copy_test_from_counts(counts, shares={"A": 10, "B": 1})
    assert result.frame["conversion_rate"].tolist() == pytest.approx([0.15206, 0.1962])
    assert (result.verdict, result.definition["srm_p_value"]) == ("better", 1.0)
    assert copy_test_from_counts(counts).verdict.code == "SRM"


def test_hillstrom_in_one_pass_over_its_file(shared):
    """The same figures from the CSV itself: spend, and spend a visit as a ratio over people."""
    path = shared / "data" / "hillstrom_email" / "hillstrom_data.csv"
    metrics = {
        "spend": UnitMetric("spend"),
        "visit": UnitMetric("visit", kind="conversion"),
        "spend a visit": UnitMetric("spend", per="visit"),
        "spend, by history": UnitMetric("spend", before="history"),
    }
    result = copy_test_from_units(path, metrics, variant="segment", control="No E-Mail")
    assert result.frame["n_units"].tolist() == [21_306, 21_307, 21_387]
    assert result.frame["metric_value"].tolist() == pytest.approx(
        [0.652789, 1.422617, 1.077202], abs=5e-7
    )
    mens = result.metrics[result.metrics["variant"] == "Mens E-Mail"].set_index("metric")
    assert mens.loc["visit", "rel_diff"] == pytest.approx(0.182757 / 0.106167 - 1, abs=1e-4)
    # More visit and each visit brings more: 1.422617 / 0.182757 against 0.652789 / 0.106167.
    ratio = (1.422617 / 0.182757) / (0.652789 / 0.106167) - 1
    assert mens.loc["spend a visit", "rel_diff"] == pytest.approx(ratio, abs=1e-4)
    assert (mens.loc[["spend", "visit"], "outcome"] == "better").all()
