"""Variants compared inside groups known at the exposure: by hand, against frames, and refused."""

import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test import copy_test
from custmeasure.improve.plan_test.store import Plan, store_plan
from custmeasure.shop import open_shop
from custmeasure.stats import Columns, Joint
from custmeasure.stats.placebo import random_splits, random_strata_splits
from custmeasure.stats.strata import compare_strata

START = pd.Timestamp(2026, 3, 1, tz="UTC")
TOML = """
name = "test"
timezone = "UTC"
[metrics.conversion]
event = "purchase"
window = "1d"
[metrics.median_order]
kind = "quantile"
table = "orders"
column = "amount"
[experiments.copy]
control = "A"
shares = {A = 0.5, B = 0.5}
unit = "customer_id"
"""
N = 3_000


@pytest.fixture(scope="module")
def people():
    """Return who saw what: customers on a desktop pay ten times as much; of 100 it is not known."""
    rng = np.random.default_rng(4)
    desktop = rng.random(N) < 0.3
    paid = np.where(desktop, 100.0, 10.0) + rng.normal(0, 3, N)
    variant = np.where(rng.random(N) < 0.5, "B", "A")
    return pd.DataFrame({
        "unit_id": [f"c{i}" for i in range(N)], "variant": variant,
        "at": START + pd.to_timedelta(rng.integers(0, 20 * 24, N), "h"),
        "device": np.where(np.arange(N) < 100, None, np.where(desktop, "desktop", "mobile")),
        "clicked": np.where(rng.random(N) < 0.5, "yes", "no"), "plan": "basic", "experiment": "copy",
        "paid": paid + np.where(variant == "B", 1.0, 0.0),
    })  # fmt: skip


@pytest.fixture(scope="module")
def shop(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("strata")
    (folder / "shop.toml").write_text(TOML, "utf-8")
    seen = people.drop(columns="paid")
    again = seen.assign(
        at=seen["at"] + pd.Timedelta("1h"), device="tablet",
        clicked=np.where(seen["clicked"] == "yes", "no", "yes"),
    )  # fmt: skip
    pd.concat([seen, again]).to_parquet(folder / "exposures.parquet")
    orders = pd.DataFrame({
        "order_id": people["unit_id"], "customer_id": people["unit_id"], "amount": people["paid"],
        "at": people["at"] + pd.Timedelta("2h"),
    })  # fmt: skip
    orders.loc[len(orders)] = ["last", "other", 1.0, START + pd.Timedelta(days=40)]
    orders.to_parquet(folder / "orders.parquet")
    return open_shop(folder)


def _asked(shop, **more):
    return copy_test(shop, "copy", metric="revenue", method="one_look", **more)


def test_the_difference_inside_groups(shop, people):
    """What a frame says: each group's difference of means, weighed by its size; unknown is a group."""
    result = _asked(shop, strata="device")
    groups = people.assign(device=people["device"].fillna("(none)")).groupby("device")
    apart = groups.apply(
        lambda g: g.loc[g["variant"] == "B", "paid"].mean() - g.loc[g["variant"] == "A", "paid"].mean(),
        include_groups=False,
    )  # fmt: skip
    sizes = groups.size()
    assert len(sizes) == 3
    row = result.frame.iloc[1]
    assert row["diff"] == pytest.approx(float((apart * sizes).sum() / N))
    pairs = [
        tuple(Joint.from_values(g.loc[g["variant"] == name, "paid"]) for name in "BA")
        for _, g in groups
    ]
    expected = compare_strata(pairs, Columns())
    assert row["p_value"] == pytest.approx(expected.p_value)
    assert row["diff_ci_lower"] == pytest.approx(expected.diff_ci_lower)
    assert result.frame["revenue_amount"].iloc[1] == pytest.approx(
        people.loc[people["variant"] == "B", "paid"].mean()
    )


def test_groups_and_prior_are_those_asked_for_planned_or_declared(shop, tmp_path):
    """In this order; what was planned otherwise is said, and "none" switches off what was declared."""
    for name in ("exposures.parquet", "orders.parquet"):
        shutil.copy(shop.folder / name, tmp_path / name)
    (tmp_path / "shop.toml").write_text(TOML + 'strata = "device"\nprior = 0.2\n', "utf-8")
    declared = _asked(open_shop(tmp_path))
    assert (declared.definition["strata"], declared.definition["prior"]) == ("device", 0.2)
    assert "strata" not in _asked(open_shop(tmp_path), strata="none").definition
    plan = Plan("copy", "A", {"A": 0.5, "B": 0.5}, metric="revenue", method="one_look", strata="device",
                prior=0.1)  # fmt: skip
    store_plan(open_shop(tmp_path), plan, written_at=START.to_pydatetime() - dt.timedelta(days=1))
    planned, other = (_asked(open_shop(tmp_path), **more) for more in ({}, {"strata": "none"}))
    assert (planned.definition["strata"], planned.definition["prior"]) == ("device", 0.1)
    assert "Not as planned. Compared" not in " ".join(planned.notes)
    assert "Not as planned. Compared inside groups of: planned device, run –" in " ".join(
        other.notes
    )
    with pytest.raises(UsageError, match="usually within"):
        _asked(open_shop(tmp_path), prior="0.1")


def test_what_it_changed_is_said(shop):
    plain, inside = _asked(shop), _asked(shop, strata="device")
    assert (plain.verdict, inside.verdict) == ("cannot_tell", "better")
    assert inside.definition["strata"] == "device"
    assert "strata" not in plain.definition
    notes = " ".join(inside.notes)
    assert "compared inside 3 groups" in notes
    assert "100 people of unknown group are one of them" in notes
    assert "without them; the interval is" in notes
    assert "narrower" in notes
    last = inside.daily.iloc[-1]
    assert last["diff"] == pytest.approx(inside.frame["diff"].iloc[1])
    assert inside.checks.set_index("check").loc["random_splits", "outcome"] == "ok"


def test_conversions_covariates_and_groups_beside(shop):
    result = copy_test(
        shop, "copy", strata="device", by="plan", guardrails=["revenue"], method="one_look"
    )
    assert result.frame["n_conversions"].sum() == N
    assert result.verdict.code == "ZERO_VARIANCE"
    assert result.segments["segment"].tolist() == ["basic"]
    assert result.metrics["outcome"].tolist() == ["cannot_tell", "safe"]
    covariate = _asked(shop, strata="device", covariate="7d")
    assert covariate.frame["diff"].iloc[1] == pytest.approx(
        _asked(shop, strata="device").frame["diff"].iloc[1]
    )
    quantile = copy_test(shop, "copy", metric="median_order", strata="device", method="one_look")
    assert any("a quantile is not compared inside groups" in note for note in quantile.notes)


def test_columns_that_cannot_be_strata(shop):
    """T27: what the copy itself may have made, or nobody delivered."""
    with pytest.raises(UsageError, match="'clicked' can change after the exposure .3,000 people"):
        _asked(shop, strata="clicked")
    with pytest.raises(UsageError, match="'variant' can change after the exposure"):
        _asked(shop, strata="variant")
    with pytest.raises(UnknownName, match="column 'devise' does not exist .* mean 'device'"):
        _asked(shop, strata="devise")
    with pytest.raises(UnknownName, match="column 'campaign' does not exist"):
        _asked(shop, strata="campaign")
    assert _asked(shop, strata="plan").definition["strata"] == "plan"
    with pytest.raises(UsageError) as found:
        _asked(shop, strata="clicked")
    assert "문구를 본 뒤에 바뀔 수 있는 열" in found.value.ko


def test_splits_inside_strata_err_as_often_as_they_say():
    """T03: of people in three groups that differ much; one group of two people alone."""
    rng = np.random.default_rng(6)
    stratum = np.append(rng.integers(0, 3, 900), [9, 9])
    values = 5.0 * (stratum % 9) + rng.normal(0, 1, 902)
    inside = random_strata_splits(values[:, None], np.ones(902), stratum, n_splits=4_000, seed=1)
    assert inside.status == "ok"
    assert 0.04 < inside.significant_share < 0.062
    # One stratum is no stratum: the same law as without.
    alone = random_strata_splits(values[:, None], np.ones(902), np.zeros(902))
    assert alone == random_splits(values[:, None], np.ones(902))
    assert random_strata_splits([[1.0]], [100], [0]).status == "not_enough"
