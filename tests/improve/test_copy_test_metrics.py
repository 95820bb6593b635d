"""Kinds of metric, guardrails, looks, covariates, segments and plans, on shops of a few people."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from custmeasure.errors import UnknownName, UsageError
from custmeasure.history import Delivery, History
from custmeasure.improve.copy_test import copy_test, copy_test_from_counts
from custmeasure.improve.copy_test.agreed import tuned_for
from custmeasure.improve.copy_test.gates import uncalibrated
from custmeasure.improve.plan_test.store import Plan, store_plan
from custmeasure.shop import open_shop
from custmeasure.show import plots
from custmeasure.show.words import Text
from custmeasure.stats.anytime import anytime_level
from custmeasure.stats.placebo import Placebo

TOML = """
name = "test"
timezone = "UTC"
[metrics.orders]
kind = "mean"
event = "purchase"
[metrics.orders_per_visit]
kind = "ratio"
event = "purchase"
per = "visit"
[metrics.order_value]
kind = "ratio"
table = "orders"
column = "net_amount"
[metrics.median_order]
kind = "quantile"
table = "orders"
column = "net_amount"
quantile = 0.5
[metrics.capped]
kind = "mean"
table = "orders"
column = "net_amount"
cap = 100
[metrics.minutes]
kind = "mean"
table = "contacts"
column = "handle_minutes"
direction = "down"
margin = 0.1
[metrics.returning]
event = "visit"
[metrics.bought]
kind = "conversion"
event = "purchase"
title = "샀다"
[experiments.copy]
control = "A"
shares = {A = 0.5, B = 0.5}
unit = "visitor_id"
"""
START = pd.Timestamp(2026, 3, 1, tz="UTC")


def _at(day, hour=0):
    return START + pd.Timedelta(days=day, hours=hour)


def _frame(columns, rows):
    return pd.DataFrame(rows, columns=columns.split())


def _shop(folder, toml=TOML, **tables):
    folder.mkdir(exist_ok=True)
    (folder / "shop.toml").write_text(toml, "utf-8")
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    return open_shop(folder)


@pytest.fixture
def small(tmp_path):
    """Return a shop of six visitors: a0–a2 saw A, b0–b2 saw B, all at the start of day 10."""
    exposures = _frame("unit_id variant at", [
        (f"{v.lower()}{i}", v, _at(10)) for v in "AB" for i in range(3)
    ]).assign(experiment="copy")  # fmt: skip
    events = _frame("visitor_id at event customer_id device", [
        ("a0", _at(9), "purchase", "ca0", "mobile"),   # before the exposure
        ("a0", _at(10), "visit", "ca0", "mobile"),
        ("a0", _at(11), "visit", "ca0", "desktop"),
        ("a0", _at(11), "purchase", "ca0", "desktop"),
        ("a1", _at(10), "visit", "ca1", "mobile"),
        ("a2", _at(10), "visit", None, "desktop"),
        ("b0", _at(10), "visit", "cb0", "mobile"),
        ("b0", _at(12), "purchase", "cb0", "mobile"),
        ("b0", _at(13), "purchase", "cb0", "mobile"),
        ("b1", _at(10), "visit", "cb1", "desktop"),
        ("b1", _at(10), "purchase", "cb1", "desktop"),
        ("b2", _at(10), "visit", "cb2", None),
        ("x", _at(40), "visit", None, None),
    ])  # fmt: skip
    orders = _frame("order_id customer_id at amount", [
        ("o0", "ca0", _at(9), 70.0), ("o1", "ca0", _at(11), 50.0),
        ("o2", "cb0", _at(12), 30.0), ("o3", "cb0", _at(13), 90.0), ("o4", "cb1", _at(10), 300.0),
    ])  # fmt: skip
    contacts = _frame("contact_id customer_id at reason handle_minutes", [
        ("k0", "ca0", _at(12), "ask", 4.0), ("k1", "cb1", _at(12), "ask", 6.0),
        ("k2", "cb1", _at(14), "ask", 3.0),
    ])  # fmt: skip
    return _shop(tmp_path / "shop", exposures=exposures, events=events, orders=orders,
                 contacts=contacts)  # fmt: skip


def _values(shop, metric, **more):
    frame = copy_test(shop, "copy", metric=metric, **more).frame.set_index("variant")
    return frame["metric_value"].round(6).to_dict()


def test_kinds_of_metric_in_the_head(small):
    assert _values(small, "orders") == {"A": round(1 / 3, 6), "B": 1.0}
    # A: 1 purchase of 4 visits; B: 3 of 3.
    assert _values(small, "orders_per_visit") == {"A": 0.25, "B": 1.0}
    # A: 50 in 1 order; B: 30 + 90 + 300 in 3.
    assert _values(small, "order_value") == {"A": 50.0, "B": 140.0}
    assert _values(small, "minutes") == {"A": round(4 / 3, 6), "B": 3.0}
    # The cap of 100 a person cuts b0 from 120 and b1 from 300.
    capped = copy_test(small, "copy", metric="capped")
    assert capped.frame["revenue_amount"].tolist() == pytest.approx([50 / 3, 200 / 3])
    assert (capped.definition["cap"], capped.definition["n_capped"]) == (100, 2)
    assert capped.definition["capped_share"] == pytest.approx(220 / 470)
    assert any("2 people, 46.8% of the total cut" in note for note in capped.notes)


def test_a_quantile_of_too_few_values_has_no_interval(small):
    """T16."""
    result = copy_test(small, "copy", metric="median_order")
    assert result.frame["metric_value"].tolist() == [50, 90]
    assert (result.verdict, result.verdict.code) == ("cannot_tell", "TOO_FEW_UNITS")


def test_a_covariate_is_what_was_done_before(small):
    result = copy_test(small, "copy", metric="orders", covariate="7d")
    # Before: a0 bought once. After: A 1, 0, 0 and B 2, 1, 0; theta = cov / var over all six units.
    before, after = np.array([1, 0, 0, 0, 0, 0]), np.array([1, 0, 0, 2, 1, 0])
    theta = np.cov(before, after)[0, 1] / before.var(ddof=1)
    expected = (1 - 1 / 3) - theta * (0 - 1 / 3)
    assert result.frame["diff"].iloc[1] == pytest.approx(expected)
    assert result.frame["metric_value"].tolist() == pytest.approx([1 / 3, 1])
    assert result.definition["covariate"] == "7d"
    assert "covariate" not in copy_test(small, "copy", metric="orders").definition


@pytest.mark.parametrize("covariate", ["-7d", "after 7d", "+7d"])
def test_a_covariate_from_after_the_exposure_is_refused(small, covariate):
    """T27."""
    with pytest.raises(UsageError, match="measured after the exposure"):
        copy_test(small, "copy", metric="orders", covariate=covariate)


def test_segments_are_what_a_unit_was_when_it_entered(small):
    """T12: a device seen only after the exposure does not count; p-values are adjusted."""
    result = copy_test(small, "copy", by="device")
    sizes = result.segments.set_index("segment")["n_units"].to_dict()
    assert sizes == {"desktop": 2, "mobile": 3}
    assert list(result.segments.columns)[-1] == "p_value_adj"
    with pytest.raises(UnknownName, match="column 'devise' does not exist .* mean 'device'"):
        copy_test(small, "copy", by="devise")
    assert any(
        "no column campaign" in note for note in copy_test(small, "copy", by="campaign").notes
    )


def test_names_that_do_not_exist(small, tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'orders'"):
        copy_test(small, "copy", metric="ordres")
    with pytest.raises(UnknownName, match="'planed' does not exist"):
        copy_test(small, "copy", method="planed")
    visits = _frame("visitor_id at event", [("v", _at(0), "visit")])
    for wrong, match in (
        ('kind = "raito"', "Did you mean 'ratio'"), ('kind = "ratio"', "needs per"),
        ('kind = "quantile"', "needs column"), ("cap = -1", "cap -1"),
        ('direction = "left"', "'left' does not exist"),
        ('table = "orders"\nevent = "purchase"', "only events have an event"),
        ("quantile = 1.5\nkind = 'quantile'\ncolumn = 'x'", "quantile 1.5"),
    ):  # fmt: skip
        shop = _shop(tmp_path / "wrong", f'name = "x"\n[metrics.m]\n{wrong}\n', events=visits)
        with pytest.raises(UsageError, match=match):
            copy_test(shop, "copy", metric="m")


def test_planned_needs_an_end(small):
    with pytest.raises(UsageError, match="needs a last day"):
        copy_test(small, "copy", method="planned_end")


# --- a few thousand people: several metrics, guardrails, looks ----------------------------------------


def _crowd(tmp_path, rate_b=0.30, slow_b=10.0, toml=TOML, n=2000, days=20):
    """Return a shop of n visitors over ``days`` days: A buys 20 %; contacts take 10 or ``slow_b`` min."""
    rng = np.random.default_rng(5)
    variant = np.array(["A", "B"])[np.arange(n) % 2]
    day = np.sort(rng.integers(0, days, n))
    ids = [f"v{i}" for i in range(n)]
    exposures = pd.DataFrame({
        "experiment": "copy", "unit_id": ids, "variant": variant,
        "at": [_at(int(d), 1) for d in day],
    })  # fmt: skip
    buys = rng.random(n) < np.where(variant == "A", 0.20, rate_b)
    events = pd.DataFrame({
        "visitor_id": ids, "at": [_at(int(d), 2) for d in day], "customer_id": ids,
        "event": np.where(buys, "purchase", "visit"),
    })  # fmt: skip
    events.loc[len(events)] = ["late", _at(days + 30), None, "visit"]
    minutes = np.where(variant == "A", 10.0, slow_b) + rng.normal(0, 3, n)
    contacts = pd.DataFrame({
        "contact_id": ids, "customer_id": ids, "at": [_at(int(d), 3) for d in day],
        "reason": "ask", "handle_minutes": minutes,
    })  # fmt: skip
    return _shop(tmp_path / "crowd", toml, exposures=exposures, events=events, contacts=contacts)


def test_a_guardrail_that_got_worse_goes_before_the_goal(tmp_path):
    result = copy_test(_crowd(tmp_path, slow_b=13.0), "copy", guardrails=["minutes"])
    assert (result.verdict, result.verdict.code) == ("worse", "GUARDRAIL")
    assert "The goal itself improved." in result.reason
    assert result.metrics["outcome"].tolist() == ["better", "worse"]
    assert result.metrics["role"].tolist() == ["decision", "guardrail"]
    assert math.isnan(result.metrics["p_value_adj"].iloc[1])


def test_a_guardrail_inside_its_margin_is_safe(tmp_path):
    result = copy_test(_crowd(tmp_path), "copy", guardrails=["minutes"])
    assert result.verdict == "better"
    assert result.metrics["outcome"].tolist() == ["better", "safe"]


def test_a_guardrail_that_is_not_shown_to_be_safe_is_said(tmp_path):
    toml = TOML.replace("margin = 0.1", "margin = 0.01")
    result = copy_test(_crowd(tmp_path, toml=toml), "copy", guardrails=["minutes"])
    assert (result.verdict, result.metrics["outcome"].iloc[1]) == ("better", "cannot_tell")
    assert any("not shown yet that it got worse by less than 1%" in note for note in result.notes)


def test_lower_is_better(tmp_path):
    shop = _crowd(tmp_path, slow_b=8.0)
    result = copy_test(shop, "copy", metric="minutes")
    assert result.verdict == "better"
    assert result.frame["diff"].iloc[1] < 0
    assert result.metrics["chance_to_beat_share"].iloc[0] > 0.99
    assert result.definition["direction"] == "down"


def test_goals_that_disagree(tmp_path):
    result = copy_test(_crowd(tmp_path, slow_b=13.0), "copy", metrics=["conversion", "minutes"])
    assert (result.verdict, result.verdict.code) == ("cannot_tell", "MIXED")
    p = result.metrics["p_value"].to_numpy()
    assert result.metrics["p_value_adj"].max() == pytest.approx(max(p.max(), 2 * p.min()))
    assert any("2 metrics are decided on together" in note for note in result.notes)


def test_a_metric_whose_table_is_missing_is_left_out(tmp_path):
    result = copy_test(_crowd(tmp_path), "copy", guardrails=["revenue"])
    assert result.verdict == "better"
    assert any("left out, because there is no table orders" in note for note in result.notes)


def test_without_an_end_the_interval_is_always_valid(tmp_path):
    shop = _crowd(tmp_path)
    opened, once = copy_test(shop, "copy"), copy_test(shop, "copy", method="one_look")
    assert (opened.definition["method"], once.definition["method"]) == ("open_end", "one_look")
    assert 1.3 < _width(opened) / _width(once) < 1.9
    assert opened.frame["p_value"].iloc[1] > once.frame["p_value"].iloc[1]


def _width(result):
    row = result.frame.iloc[1]
    return row["diff_ci_upper"] - row["diff_ci_lower"]


def test_with_an_end_every_day_counts_as_a_look(tmp_path):
    """T05: the final interval is at most 1.15 times the plain one."""
    shop = _crowd(tmp_path)
    planned = copy_test(shop, "copy", end="2026-03-20")
    once = copy_test(shop, "copy", end="2026-03-20", method="one_look")
    assert planned.definition["method"] == "planned_end"
    assert planned.definition["n_looks"] == 20
    assert 1.0 < _width(planned) / _width(once) <= 1.15
    assert any("every day counts as a look" in note for note in planned.notes)
    # The first windows end 7 days after the first day.
    assert planned.daily["day"].iloc[0] == dt.date(2026, 3, 8)
    assert planned.daily["is_look"].all()
    assert planned.daily["n_units"].iloc[-1] == 2000
    last = planned.daily.iloc[-1]
    assert last["diff_ci_lower"] == pytest.approx(planned.frame["diff_ci_lower"].iloc[1])


def _remember(path, *days):
    for i, day in enumerate(days):
        delivery = Delivery("exposures", "exposures.parquet", "0", 1, ("unit_id",))
        History(path).add(f"run{i}", dt.date.fromisoformat(day), [delivery])


def test_looks_are_read_from_history(tmp_path):
    shop = _crowd(tmp_path)
    path = tmp_path / "runs" / "history.sqlite"
    _remember(path, "2026-03-15", "2026-03-20", "2026-04-30")
    # Reports of the 15th and the 20th knew the day before; the one of April came after the end.
    result = copy_test(shop, "copy", end="2026-03-20", history=path)
    assert result.definition["n_looks"] == 3
    daily = result.daily.set_index("day")
    assert daily.index[daily["is_look"]].tolist() == [
        dt.date(2026, 3, 14), dt.date(2026, 3, 19), dt.date(2026, 3, 27),
    ]  # fmt: skip
    assert daily.loc[dt.date(2026, 3, 16), ["diff_ci_lower"]].isna().all()
    assert not any("every day counts" in note for note in result.notes)
    every = copy_test(shop, "copy", end="2026-03-20")
    assert _width(result) < _width(every)


def test_one_look_at_the_planned_end_is_the_classical_answer(tmp_path):
    shop = _crowd(tmp_path)
    path = tmp_path / "runs" / "history.sqlite"
    _remember(path, "2026-01-01")
    planned = copy_test(shop, "copy", end="2026-03-20", history=path)
    once = copy_test(shop, "copy", end="2026-03-20", method="one_look")
    assert planned.definition["n_looks"] == 1
    for name in ("diff_ci_lower", "diff_ci_upper", "p_value"):
        assert planned.frame[name].iloc[1] == pytest.approx(once.frame[name].iloc[1], rel=1e-9)


def test_an_early_look_may_claim_hardly_anything(tmp_path):
    shop = _crowd(tmp_path)
    early = copy_test(shop, "copy", end="2026-03-20", as_of="2026-03-10")
    once = copy_test(shop, "copy", end="2026-03-20", as_of="2026-03-10", method="one_look")
    assert _width(early) > 2 * _width(once)
    assert early.verdict == "cannot_tell"


def test_what_differs_from_the_stored_plan_is_said(tmp_path):
    shop = _crowd(tmp_path)
    plan = Plan("copy", "A", {"A": 0.5, "B": 0.5}, end=dt.date(2026, 3, 20), min_effect=0.1)
    store_plan(shop, plan, written_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    kept = copy_test(shop, "copy")
    assert kept.definition["min_effect"] == 0.1
    assert kept.definition["end"] == dt.date(2026, 3, 20)
    assert any(note.startswith("The plan was stored on 2026-02-01") for note in kept.notes)
    assert not any("Not as planned" in note for note in kept.notes)
    moved = copy_test(shop, "copy", metric="bought", end="2026-03-25", alpha=0.1)
    assert sum("Not as planned" in note for note in moved.notes) == 3


# --- the test of the test ------------------------------------------------------------------------------


def test_random_splits_stand_among_the_checks(tmp_path):
    """T03: 1,000 random splits of the same units for every metric, within the band."""
    result = copy_test(_crowd(tmp_path), "copy", guardrails=["minutes"])
    splits = result.checks[result.checks["check"] == "random_splits"]
    assert splits["metric"].tolist() == ["conversion", "minutes"]
    assert splits["counted_share"].between(0.022, 0.078).all()
    assert result.checks["check"].tolist() == [
        "fresh", "rows", "crossover", "split", "split_anytime", "random_splits", "random_splits",
    ]  # fmt: skip
    assert (result.checks["outcome"] == "ok").all()


def test_a_metric_that_is_not_calibrated_is_not_judged():
    """T03."""
    title = Text("전환율", "Conversion rate")
    verdict = uncalibrated([(title, Placebo(0.14, 1000, 5000))])
    assert (verdict, verdict.code) == ("invalid", "NOT_CALIBRATED")
    assert "14.0%" in verdict.reason
    assert uncalibrated([(title, Placebo(0.05, 1000, 5000)), (title, None)]) is None


def test_a_test_without_an_end_is_tuned_for_its_plan(tmp_path):
    """A plan of 40,000 units in time: the level of this look is that of a sequence tuned for them."""
    shop = _crowd(tmp_path)
    plain = copy_test(shop, "copy")
    assert plain.definition["tuned_for"] == 5000
    plan = Plan("copy", "A", {"A": 0.5, "B": 0.5}, method="open_end", n_units=40_000)
    path = store_plan(shop, plan, written_at=_at(-1).to_pydatetime())
    tuned = copy_test(shop, "copy")
    assert tuned.definition["tuned_for"] == 40_000
    n = int(tuned.frame["n_units"].sum())
    assert tuned.definition["look_alpha"] == round(anytime_level(n, 0.05, 40_000), 4)
    assert _width(tuned) > _width(plain)  # 2,000 units are far from 40,000
    # A plan that somebody edited, or that came late, tunes nothing.
    path.write_text(path.read_text("utf-8").replace("40000", "2000"), "utf-8")
    assert copy_test(shop, "copy").definition["tuned_for"] == 5000
    assert tuned_for(replace(plan, late=True), 2) == 5000
    assert tuned_for(replace(plan, n_units=None), 2) == 5000
    assert tuned_for(plan, 4) == 20_000  # the two that are compared have half of the units


def test_silence_before_the_planned_end_is_a_note(tmp_path):
    result = copy_test(_crowd(tmp_path), "copy", end="2026-06-30")
    assert result.checks["outcome"].iloc[0] == "warn"
    assert any("Nobody has entered for" in note for note in result.notes)


def test_the_chart_of_the_days(tmp_path):
    shop = _crowd(tmp_path)
    planned = copy_test(shop, "copy", end="2026-03-20")
    ax = plots.copy_test_daily(planned)
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 20]
    assert len(drawn) == 2  # the line, and a dot on every day that was looked at
    assert planned.headline() in ax.get_figure().get_label()
    empty = plots.copy_test_daily(copy_test_from_counts({"A": (100, 10), "B": (100, 12)}))
    assert not empty.lines
    pyplot.close("all")


def test_the_same_again(tmp_path):
    """T32: random splits have a fixed seed, so that a report repeats itself."""
    shop = _crowd(tmp_path)
    one, other = (copy_test(shop, "copy", guardrails=["minutes"]) for _ in range(2))
    pd.testing.assert_frame_equal(one.checks, other.checks)
    pd.testing.assert_frame_equal(one.metrics, other.metrics)


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_prints_in_both_languages(tmp_path, lang):
    result = copy_test(_crowd(tmp_path), "copy", guardrails=["minutes"], by="device")
    assert len(result.headline(lang)) > 20
    assert "nan" not in result.headline(lang)
    assert all(len(note.in_(lang)) > 5 for note in result.notes)
