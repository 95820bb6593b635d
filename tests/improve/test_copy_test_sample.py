"""The three experiments of the sample shop: a real effect, none, and a broken split."""

from pathlib import Path

import pytest

from custmeasure.improve.copy_test import copy_test
from custmeasure.shop import open_shop

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def sample():
    if not (SAMPLE / "shop.toml").is_file():
        pytest.skip("data/sample is not here")
    return open_shop(SAMPLE)


def test_a_real_effect(sample):
    for metric in ("conversion", "add_to_cart", "revenue"):
        result = copy_test(sample, "detail_page_copy", metric=metric)
        assert result.verdict == "better"
        assert result.definition["n_crossover"] / result.frame["n_units"].sum() < 0.01


def test_no_effect(sample):
    result = copy_test(sample, "headline_copy")
    assert result.verdict in {"cannot_tell", "no_difference"}
    row = result.frame.iloc[1]
    assert row["rel_diff_ci_lower"] < 0 < row["rel_diff_ci_upper"]


def test_a_broken_split(sample):
    result = copy_test(sample, "free_shipping_banner")
    assert (result.verdict, result.verdict.code) == ("invalid", "SRM")
    assert result.frame["p_value"].isna().all()


def test_while_it_runs(sample):
    """The same test seen five weeks after its start: some are pending, and it says until when."""
    result = copy_test(sample, "headline_copy", as_of="2026-07-20")
    assert result.definition["n_pending"] > 0
    if result.verdict == "cannot_tell":
        assert "until about" in result.reason or "more than a year" in result.reason


def test_reading_from_a_shop_equals_reading_from_frames(sample):
    """T19, T26: the engine's moments and counts against pandas on the same rows."""
    exposures = sample.exposures.frame("experiment", "unit_id", "variant", "at", limit=10**6)
    events = sample.events.frame("visitor_id", "at", "event", limit=10**7)
    seen = exposures[exposures["experiment"] == "detail_page_copy"].groupby("unit_id")
    units = seen.agg(first=("at", "min"), variant=("variant", "min"), n=("variant", "nunique"))
    units = units[units["n"] == 1]
    bought = events[events["event"] == "purchase"].merge(
        units, left_on="visitor_id", right_index=True
    )
    late = bought["at"] - bought["first"]
    inside = bought[(late >= late.dtype.type(0)) & (late.dt.total_seconds() <= 7 * 86_400)]
    result = copy_test(sample, "detail_page_copy", window="7d").frame.set_index("variant")
    assert result["n_units"].to_dict() == units["variant"].value_counts().to_dict()
    buyers = inside.drop_duplicates("visitor_id")["variant"].value_counts()
    assert result["n_conversions"].to_dict() == buyers.to_dict()
