"""The memory of copies: signs and log ratios by hand, the model behind, and luck taken out."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custmeasure.errors import UsageError
from custmeasure.improve.copy_memory import (
    CopyMemoryResult,
    PastTestsResult,
    copy_memory,
    copy_memory_from_counts,
)
from custmeasure.improve.copy_memory.reading import from_totals, log_ratio, signs, tags_of
from custmeasure.shop import open_shop
from custmeasure.shop.sample import Truths
from custmeasure.shop.sample.experiments import TAGS
from custmeasure.stats.shrinkage import shrink, tag_effects

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


def totals(*tests) -> pd.DataFrame:
    """Each test: (kinds of A, kinds of B, sold by A, sold by B), 1,000 people each."""
    rows = [
        (f"t{i}", variant, 1000, sold, tags)
        for i, (a, b, k_a, k_b) in enumerate(tests)
        for variant, sold, tags in (("A", k_a, a), ("B", k_b, b))
    ]
    return pd.DataFrame(rows, columns=["experiment", "variant", "n_units", "n_conversions", "tags"])


def test_kinds_are_read_and_compared():
    assert tags_of("proof, number;question") == ("proof", "number", "question")
    assert tags_of(["proof"]) == ("proof",)
    assert tags_of(None) == tags_of(float("nan")) == tags_of("") == ()
    assert signs(("proof", "number"), ("number", "price")) == {"proof": 1.0, "price": -1.0}


def test_log_ratio_by_hand():
    effect, se = log_ratio(60, 300, 30, 300)
    assert effect == pytest.approx(math.log(2))
    assert se == pytest.approx(math.sqrt(1 / 60 - 1 / 300 + 1 / 30 - 1 / 300))


def test_a_variant_without_conversions_gets_half_of_one():  # T13
    effect, se = log_ratio(0, 100, 9, 100)
    assert effect == pytest.approx(math.log(0.5 / 101) - math.log(9.5 / 101))
    assert math.isfinite(se)


def test_tests_of_a_table():
    rows = totals(("price", "proof", 100, 120), ("", "", 50, 60)).assign(ended_on="2026-01-31")
    one, two = from_totals(rows)
    assert (one.experiment, one.control, one.variant, one.n_units) == ("t0", "A", "B", 2000)
    assert one.tags == {"proof": 1.0, "price": -1.0}
    assert two.tags == {}
    assert one.ended_on == dt.date(2026, 1, 31)
    assert one.effect == pytest.approx(math.log(1.2))


def test_the_kinds_are_those_of_the_model():
    """The frame is `tag_effects` of the tests, read as relative differences."""
    tests = [("", "proof", 100, 130), ("", "proof", 110, 135), ("", "proof price", 90, 120),
             ("", "price", 100, 98), ("price", "", 105, 104)]  # fmt: skip
    result = copy_memory_from_counts(totals(*tests))
    assert list(result.frame.columns) == list(CopyMemoryResult.COLUMNS)
    past = from_totals(totals(*tests))
    seen = tag_effects([t.effect for t in past], [t.se for t in past], [t.tags for t in past])
    rows = result.frame.set_index("tag")
    for tag in ("proof", "price"):
        assert rows.loc[tag, "rel_diff"] == pytest.approx(math.expm1(seen[tag].mean))
        assert rows.loc[tag, "rel_diff_ci_upper"] == pytest.approx(math.expm1(seen[tag].ci_upper))
        assert rows.loc[tag, "n_tests"] == seen[tag].n_tests
    assert rows["n_units"].to_dict() == {"proof": 6000, "price": 6000}
    assert rows.loc["proof", "p_value_adj"] == pytest.approx(2 * rows.loc["proof", "p_value"])


@pytest.mark.parametrize(
    ("tests", "verdict", "code"),
    [
        ([("", "proof", 100, 160)] * 5, "better", None),
        ([("", "proof", 160, 100)] * 5, "worse", None),
        ([("", "proof", 100, 104)] * 5, "cannot_tell", None),
        ([("", "proof", 100, 160)], "cannot_tell", "TOO_FEW_TESTS"),
        ([("", "", 100, 160)] * 5, "cannot_tell", "NO_TAGS"),
        ([], "cannot_tell", "NO_TESTS"),
    ],
)
def test_verdicts(tests, verdict, code):
    result = copy_memory_from_counts(totals(*tests))
    assert (result.verdict, result.verdict.code) == (verdict, code)
    for lang in ("ko", "en"):
        assert len(result.headline(lang)) > 10
        assert len(result.past.headline(lang)) > 10
    repr(result), result._repr_html_(), repr(result.past)


def test_kinds_always_used_together_are_not_told_apart():
    result = copy_memory_from_counts(totals(*[("", "proof number", 100, 150)] * 5))
    assert set(result.frame["finding"]) == {"not_apart"}
    assert result.frame["p_value"].isna().all()
    assert any("together" in note for note in result.notes)


def test_the_luck_of_the_best_test_is_taken_out():
    """Ten tests of nothing, one lucky: what it probably was lies nearer to the others."""
    tests = [("", "", 100, 100 + k) for k in (-9, -5, -3, 0, 1, 2, 4, 6, 8)] + [("", "", 100, 150)]
    past = copy_memory_from_counts(totals(*tests)).past
    assert list(past.frame.columns) == list(PastTestsResult.COLUMNS)
    best = past.frame.loc[past.frame["rel_diff"].idxmax()]
    assert 0 < best["likely_rel_diff"] < 0.8 * best["rel_diff"]
    data = from_totals(totals(*tests))
    seen = shrink([t.effect for t in data], [t.se for t in data], usual_spread=0.1)
    assert np.sort(past.frame["likely_rel_diff"]) == pytest.approx(np.sort(np.expm1(seen.effect)))
    assert "+50.0%" in past.reason


def test_two_tests_hear_each_other_by_what_is_known_of_copy():
    """Two alone say nothing of how tests differ; what is known beforehand does, and is named."""
    result = copy_memory_from_counts(totals(("", "", 100, 140), ("", "", 100, 104)))
    past = result.past.frame.sort_values("rel_diff")
    low, high = past["likely_rel_diff"]
    assert past["rel_diff"].iloc[0] < low < high < past["rel_diff"].iloc[1]
    assert past["own_share"].between(0, 1, inclusive="neither").all()
    assert result.definition["usual_spread"] == result.past.definition["usual_spread"] == 0.1
    one = copy_memory_from_counts(totals(("", "", 100, 140)))
    assert one.past.verdict.code == "TOO_FEW_TESTS"


def test_what_was_picked_as_best_is_closer_to_the_truth_than_what_was_seen():
    """Winner's curse by simulation: 200 shops of 12 tests, true effects N(0, 0.08)."""
    rng = np.random.default_rng(7)
    seen, likely, truth = [], [], []
    for _ in range(200):
        effects = 0.08 * rng.standard_normal(12)
        ses = rng.uniform(0.05, 0.15, 12)
        y = effects + ses * rng.standard_normal(12)
        shrunk = shrink(y, ses)
        best = int(np.argmax(y))
        seen.append(y[best])
        likely.append(shrunk.effect[best])
        truth.append(effects[best])
    bias_seen, bias_likely = np.mean(seen) - np.mean(truth), np.mean(likely) - np.mean(truth)
    assert bias_seen > 0.05
    assert abs(bias_likely) < 0.5 * bias_seen


def test_kinds_that_do_nothing_are_hardly_ever_said_to_work():
    """T12: 300 shops of 14 tests, five kinds without any effect; a finding in at most 6 %."""
    rng = np.random.default_rng(9)
    kinds = ["proof", "price", "number", "question", "comparison"]
    found = 0
    for _ in range(300):
        tests = [
            ("", " ".join(rng.choice(kinds, rng.integers(1, 3), replace=False)),
             *rng.binomial(1000, 0.13 * np.exp(0.05 * rng.standard_normal(2))))
            for _ in range(14)
        ]  # fmt: skip
        frame = copy_memory_from_counts(totals(*tests)).frame
        found += frame["finding"].isin(["better", "worse"]).any()
    assert found / 300 <= 0.06 + 4 * math.sqrt(0.05 * 0.95 / 300)


def test_wrong_tables_are_refused():
    with pytest.raises(UsageError, match="n_units"):
        copy_memory_from_counts(totals().drop(columns="n_units"))
    with pytest.raises(UsageError, match="more conversions"):
        copy_memory_from_counts(totals(("", "proof", 100, 1001)))


# --- the sample shop --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def memory():
    return copy_memory(open_shop(SAMPLE))


def test_the_sample_finds_what_was_planted(memory):
    assert memory.verdict == "better"
    rows = memory.frame.set_index("tag")
    truth = dict(zip(TAGS, np.expm1(Truths().tag_effects), strict=True))
    assert set(rows.index) == set(TAGS)
    assert rows.loc["benefit_first", "finding"] == "better"
    held = [
        rows.loc[tag, "rel_diff_ci_lower"] <= truth[tag] <= rows.loc[tag, "rel_diff_ci_upper"]
        for tag in TAGS
    ]
    assert sum(held) >= 5
    assert set(rows.loc[["price_first", "comparison"], "finding"]) == {"cannot_tell"}


def test_the_sample_has_every_finished_test_and_names_the_broken_one(memory):
    assert memory.definition["n_tests"] == len(memory.past.frame) == 16 + 2 + 2
    assert "free_shipping_banner" not in set(memory.past.frame["experiment"])
    assert any("free_shipping_banner" in note and "SRM" in note for note in memory.notes)


def test_a_running_test_is_left_out():
    """Nothing is pooled before its last day, and what ended later than the report is not known."""
    early = copy_memory(open_shop(SAMPLE, as_of="2026-07-15"))
    names = set(early.past.frame["experiment"])
    assert "detail_page_copy" in names
    assert not {"headline_copy", "smartstore_thumbnail"} & names
    assert any("headline_copy" in note for note in early.notes)


def test_a_shop_without_tests(tmp_path):
    (tmp_path / "shop.toml").write_text('name = "t"\n', "utf-8")
    pd.DataFrame({"order_id": ["1"], "customer_id": ["c"], "at": ["2026-05-03T10:00:00Z"],
                  "amount": ["9"]}).to_csv(tmp_path / "orders.csv", index=False)  # fmt: skip
    result = copy_memory(open_shop(tmp_path))
    assert result.verdict.code == "NO_TESTS"
    assert "copy_tests" in result.reason
