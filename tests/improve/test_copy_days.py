"""Two copies on different days: hand cases, what is refused and why, and the draw's own error rate."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_days import CopyDaysResult, copy_days, copy_days_from_counts
from custmeasure.improve.copy_days.design import Design
from custmeasure.improve.plan_test.store import Plan, store_plan
from custmeasure.shop import open_shop

MONDAY = dt.date(2026, 4, 6)


def rows(variants: str, sold, n_visitors=200, start=MONDAY) -> pd.DataFrame:
    days = [start + dt.timedelta(days=k) for k in range(len(variants))]
    return pd.DataFrame({"day": days, "variant": list(variants), "n_visitors": n_visitors,
                         "n_conversions": sold})  # fmt: skip


DRAWN = "ABBAABABAABBAB"  # the second week is the first one turned round


def test_seven_pairs_in_the_head():
    """B sells 2 more of 200 in six pairs and 3 more in one: all coins one way, 2 of 128."""
    sold = [6, 8, 8, 6, 6, 8, 6, 8, 6, 6, 8, 8, 6, 9]
    result = copy_days_from_counts(rows(DRAWN, sold))
    a, b = result.frame.to_dict("records")
    assert list(result.frame.columns) == list(CopyDaysResult.COLUMNS)
    assert (a["n_days"], a["n_visitors"], a["n_conversions"]) == (7, 1400, 42)
    assert b["conversion_rate"] == pytest.approx(57 / 1400)
    assert b["diff"] == pytest.approx(15 / 1400)
    assert b["rel_diff"] == pytest.approx(57 / 42 - 1)
    assert b["p_value"] == 2 / 128
    assert math.isnan(a["p_value"])
    assert result.verdict == "better"
    assert (result.definition["n_pairs"], result.definition["n_days_left_out"]) == (7, 0)


def test_weekdays_do_not_matter():
    """Sundays sell five times as much; both copies have the same Sundays, so nothing changes."""
    sold = np.array([6, 7, 9, 6, 8, 8, 6, 9, 6, 7, 8, 6, 6, 6])
    sunday = np.array([1, 1, 1, 1, 1, 1, 5] * 2)
    plain = copy_days_from_counts(rows(DRAWN, sold))
    busy = copy_days_from_counts(rows(DRAWN, sold * sunday, 200 * sunday))
    assert busy.verdict == plain.verdict
    assert busy.definition["n_pairs"] == 7


def test_this_week_against_last_week_is_refused_with_the_plan_that_works():
    result = copy_days_from_counts(rows("A" * 7 + "B" * 7, [6] * 7 + [9] * 7))
    assert (result.verdict, result.verdict.code) == ("invalid", "BEFORE_AFTER")
    assert result.frame[["diff", "rel_diff", "p_value"]].isna().all().all()
    assert result.frame["n_conversions"].tolist() == [42, 63]
    for lang in ("ko", "en"):
        assert "custmeasure plan" in result.headline(lang)


@pytest.mark.parametrize("variants", [("A" * 7 + "B" * 7) * 2, ("A" * 14 + "B" * 14) * 2,
                                      "A" * 30 + "B" * 26])  # fmt: skip
def test_weeks_in_turn_are_no_draw_of_days(variants):
    result = copy_days_from_counts(rows(variants, 8))
    assert result.verdict == "invalid"
    assert result.verdict.code in {"LONG_RUNS", "BEFORE_AFTER"}


def test_drawn_plans_are_hardly_ever_taken_for_long_runs():
    """The check of runs refuses hardly any plan that was drawn as asked."""
    design = Design(MONDAY)
    refused = 0
    for seed in range(100):
        plan = design.schedule(28, "A", "B", str(seed))
        result = copy_days_from_counts(rows("".join(plan["variant"]), 8))
        refused += result.verdict == "invalid"
    assert refused <= 1


def test_days_in_turn_are_compared_with_a_caution():
    rng = np.random.default_rng(1)
    result = copy_days_from_counts(rows("AB" * 28, rng.integers(5, 12, 56)))
    assert result.verdict != "invalid"
    assert any("alternated" in note for note in result.notes)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (rows("ABBAABBAABBA", 6), "TOO_FEW_PAIRS"),
        (rows("A" * 14, 6), "ONE_VARIANT"),
        (rows("ABCABCABCABCAB", 6), "TOO_MANY_VARIANTS"),
        (rows(DRAWN, 6), "NO_CONVERSIONS"),
        (rows(DRAWN, 0), "NO_CONVERSIONS"),
        (rows("", []), "NO_UNITS"),
        (pd.concat([rows("A" * 14, 6), rows("B" * 14, 9)]), "BOTH_EACH_DAY"),
    ],
)
def test_what_has_no_answer_says_why(frame, code):
    """T13, T14, T15, T16."""
    result = copy_days_from_counts(frame)
    assert result.verdict.code == code
    for lang in ("ko", "en"):
        assert len(result.headline(lang)) > 10


def test_a_day_without_a_partner_is_left_out_and_counted():
    """Day 3 is missing: its partner, a week later, stands alone; so does an empty day's partner."""
    frame = rows("ABBAABABAABBABABBAABABAABBAB", range(5, 33)).drop(index=3)
    frame.loc[0, "n_visitors"], frame.loc[0, "n_conversions"] = 0, 0
    result = copy_days_from_counts(frame)
    assert result.definition["n_pairs"] == 12
    assert result.definition["n_days_left_out"] == 3
    assert any("3 days" in note for note in result.notes)


def test_a_carried_over_day_does_not_count():
    """Runs of two days, the first of them not counted: 14 of 28 days, every weekday once a week."""
    design = Design(MONDAY, carry_over=1)
    plan = design.schedule(28, "A", "B", "tea")
    counted = plan[plan["counted"]]
    assert design.block_days == 28
    assert len(counted) == 14
    assert sorted(pd.to_datetime(counted["day"]).dt.day_of_week) == sorted([*range(7)] * 2)
    assert (plan["variant"].to_numpy()[::2] == plan["variant"].to_numpy()[1::2]).all()
    frame = rows("".join(plan["variant"]), range(3, 31))
    result = copy_days_from_counts(frame, carry_over=1)
    assert result.definition["n_pairs"] == 7
    assert result.definition["n_days_left_out"] == 14


def test_every_draw_is_balanced_over_weekdays_and_can_be_repeated():
    plan = Design(MONDAY).schedule(56, "A", "B", "tea")
    weekday = pd.to_datetime(plan["day"]).dt.day_of_week
    assert (plan.groupby([weekday, "variant"]).size() == 4).all()
    assert plan.equals(Design(MONDAY).schedule(56, "A", "B", "tea"))
    assert not plan.equals(Design(MONDAY).schedule(56, "A", "B", "coffee"))
    with pytest.raises(UsageError):
        Design(MONDAY, carry_over=7)


def test_swapping_the_names_turns_the_answer_round():  # T20
    sold = np.random.default_rng(2).integers(3, 12, 28)
    one = copy_days_from_counts(rows(DRAWN * 2, sold)).frame.iloc[1]
    other = copy_days_from_counts(rows(DRAWN * 2, sold), control="B").frame.iloc[1]
    assert other["p_value"] == one["p_value"]
    assert other["diff"] == pytest.approx(-one["diff"])
    assert other["diff_ci_lower"] == pytest.approx(-one["diff_ci_upper"])


def test_row_order_changes_nothing():  # T19
    frame = rows(DRAWN * 2, np.random.default_rng(3).integers(3, 12, 28))
    mixed = frame.sample(frac=1, random_state=1)
    assert copy_days_from_counts(mixed).frame.equals(copy_days_from_counts(frame).frame)


def test_wrong_input_is_named():
    with pytest.raises(UsageError, match="n_conversions"):
        copy_days_from_counts(rows(DRAWN, 6).drop(columns="n_conversions"))
    with pytest.raises(UsageError, match="more conversions"):
        copy_days_from_counts(rows(DRAWN, 201))
    with pytest.raises(UnknownName):
        copy_days_from_counts(rows(DRAWN, 6), control="C")
    with pytest.raises(UnknownName):
        copy_days_from_counts(rows(DRAWN, 6), metric="visits")


def test_false_alarms_of_the_whole_verdict():
    """T01, T04 for days: real draws of 4 weeks, weekdays, and good days that hang together."""
    rng = np.random.default_rng(11)
    design, found, repeats = Design(MONDAY), 0, 250
    weekday = np.tile([1.3, 1.1, 1.0, 1.0, 0.9, 0.6, 0.8], 4)
    for arm in design.draw(28, rng, repeats):
        lasting = np.zeros(28)
        for day in range(1, 28):
            lasting[day] = 0.7 * lasting[day - 1] + 0.2 * rng.standard_normal()
        n = rng.poisson(300 * weekday)
        sold = rng.binomial(n, np.minimum(0.03 * weekday * np.exp(lasting), 1))
        names = "".join(np.where(arm, "B", "A"))
        found += copy_days_from_counts(rows(names, sold, n)).verdict in {"better", "worse"}
    assert 0.01 <= found / repeats <= 0.10  # 0.05 with 250 repeats; 5,000 in test_randomisation


# --- from a shop ------------------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.toml").write_text('name = "t"\n[experiments.tea]\ncontrol = "A"\n', "utf-8")
    pd.DataFrame({"order_id": ["1"], "customer_id": ["c"], "at": ["2026-05-03T10:00:00Z"],
                  "amount": ["9"]}).to_csv(tmp_path / "orders.csv", index=False)  # fmt: skip
    sold = [6, 8, 8, 6, 6, 8, 6, 8, 6, 6, 8, 8, 6, 9]
    frame = pd.concat([rows(DRAWN, sold), rows("A", 50, start=dt.date(2026, 5, 4))])
    frame.assign(experiment="tea").to_csv(tmp_path / "copy_days.csv", index=False)
    return open_shop(tmp_path)


def test_a_shop_is_read_up_to_its_last_complete_day(shop):
    result = copy_days(shop, "tea")
    assert result.verdict == "better"
    assert result.frame["n_days"].tolist() == [7, 7]
    assert result.definition["n_days_left_out"] == 0
    assert len(result.days) == 14
    with pytest.raises(UnknownName, match="tea"):
        copy_days(shop, "tee")


def test_only_the_days_asked_for(shop):
    result = copy_days(shop, "tea", end="2026-04-12")
    assert result.verdict.code == "TOO_FEW_PAIRS"
    assert "2 weeks" in result.reason


def test_a_shop_without_the_table(tmp_path):
    (tmp_path / "shop.toml").write_text('name = "t"\n', "utf-8")
    pd.DataFrame({"order_id": ["1"], "customer_id": ["c"], "at": ["2026-05-03T10:00:00Z"],
                  "amount": ["9"]}).to_csv(tmp_path / "orders.csv", index=False)  # fmt: skip
    assert copy_days(open_shop(tmp_path), "tea").verdict.code == "MISSING_TABLE"


def plan_of(shop, end="2026-04-19", **others):
    days = {str(MONDAY + dt.timedelta(days=k)): name for k, name in enumerate(DRAWN)}
    plan = Plan("tea", "A", {"A": 0.5, "B": 0.5}, kind="by_day", method="one_look", start=MONDAY,
                end=dt.date.fromisoformat(end), min_effect=0.3, days=days | others)  # fmt: skip
    store_plan(shop, plan, written_at=dt.datetime(2026, 4, 1, tzinfo=dt.UTC))


def test_a_stored_plan_says_how_and_how_long(shop):
    plan_of(shop)
    result = copy_days(shop, "tea")
    assert result.verdict == "better"
    assert result.definition["min_effect"] == 0.3
    assert any("stored on 2026-04-01" in note for note in result.notes)
    assert not any("Not as planned" in note for note in result.notes)
    assert any("Not as planned" in note for note in copy_days(shop, "tea", alpha=0.1).notes)
    assert any("does not decide" in n for n in copy_days(shop, "tea", metric="visitors").notes)


def test_before_the_planned_end_there_is_no_verdict(shop):
    """T04: the answer of a plan by the day comes on its last day."""
    plan_of(shop, end="2026-06-14")
    result = copy_days(shop, "tea")
    assert (result.verdict, result.verdict.code) == ("cannot_tell", "NOT_OVER")
    assert "2026-06-14" in result.reason


def test_days_that_ran_another_copy_are_counted(shop):
    plan_of(shop, **{"2026-04-06": "B", "2026-04-13": "A"})
    assert any("On 2 days another copy ran" in note for note in copy_days(shop, "tea").notes)


def test_a_test_that_has_just_begun_is_not_broken(shop):
    plan_of(shop)
    result = copy_days(shop.until("2026-04-06"), "tea")
    assert (result.verdict, result.verdict.code) == ("cannot_tell", "NOT_OVER")


def test_a_plan_is_not_bent_afterwards(shop):
    """Another carry-over would need another draw; an earlier end is said."""
    plan_of(shop)
    with pytest.raises(UsageError, match="carry_over"):
        copy_days(shop, "tea", carry_over=1)
    early = copy_days(shop, "tea", end="2026-04-18")
    assert any("planned 2026-04-19, run 2026-04-18" in note for note in early.notes)
