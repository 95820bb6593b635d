"""A test from a table with one row a unit, and the moments that the engine takes in one pass."""

import numpy as np
import pandas as pd
import pytest

from custmeasure.engine import as_table
from custmeasure.engine.moments import grouped_moments
from custmeasure.errors import DataError, UnknownName, UsageError
from custmeasure.improve.copy_test import UnitMetric, copy_test_from_counts, copy_test_from_units
from custmeasure.stats import Columns, Joint, compare

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def units():
    n = 3000
    before = RNG.gamma(2, 2, n)
    return pd.DataFrame({
        "variant": np.array(["A", "B"])[np.arange(n) % 2],
        "sessions": 1 + RNG.poisson(2, n),
        "orders": RNG.poisson(0.5 + 0.1 * before),
        "bought": (RNG.random(n) < 0.2).astype(int),
        "revenue": 1e6 + 100 * before + RNG.normal(0, 50, n),
        "before": before,
    })  # fmt: skip


def test_moments_of_one_pass_are_numpy_s(units):
    """T19: also where the mean is a million times the spread."""
    columns = ["sessions", "orders", "revenue", "before"]
    groups = grouped_moments(as_table(units), "variant", columns)
    for name, rows in units.groupby("variant"):
        seen = groups[str(name)]
        assert seen.n == len(rows)
        assert seen.mean == pytest.approx(rows[columns].mean().to_numpy(), rel=1e-12)
        assert seen.cov == pytest.approx(rows[columns].cov().to_numpy(), rel=1e-9, abs=1e-9)


def test_only_the_asked_pairs(units):
    seen = grouped_moments(as_table(units), "variant", ["orders", "before"], [])["A"]
    assert np.isnan(seen.cov[0, 1])
    assert seen.cov[1, 1] > 0


def test_same_answer_as_from_frames(units):
    metrics = {
        "revenue": UnitMetric("revenue", before="before"),
        "orders a session": UnitMetric("orders", "sessions"),
        "bought": UnitMetric("bought", kind="conversion", role="guardrail"),
    }
    result = copy_test_from_units(units, metrics)
    a, b = (units[units["variant"] == name] for name in "AB")
    joint = [Joint.from_values(rows["revenue"], rows["before"]) for rows in (b, a)]
    expected = compare(*joint, Columns(covariate=1))
    assert result.frame["diff"].iloc[1] == pytest.approx(expected.diff, rel=1e-9)
    assert result.frame["p_value"].iloc[1] == pytest.approx(expected.p_value, rel=1e-7)
    assert result.metrics["metric"].tolist() == list(metrics)
    counts = {name: (len(rows), int(rows["bought"].sum())) for name, rows in (("A", a), ("B", b))}
    alone = copy_test_from_counts(counts).frame["p_value"].iloc[1]
    assert result.metrics["p_value"].iloc[2] == pytest.approx(alone)


def test_what_cannot_be_measured(units, tmp_path):
    holes = units.assign(orders=units["orders"].where(units.index > 4))
    with pytest.raises(DataError, match="orders is empty in [0-9] rows"):
        copy_test_from_units(holes, {"orders": UnitMetric("orders")})
    with pytest.raises(UnknownName, match="Did you mean 'orders'"):
        copy_test_from_units(units, {"orders": UnitMetric("ordres")})
    with pytest.raises(UsageError, match="other than 0 and 1"):
        copy_test_from_units(units, {"orders": UnitMetric("orders", kind="conversion")})
    with pytest.raises(UsageError, match="no per or before"):
        UnitMetric("orders", "sessions", kind="conversion")
    with pytest.raises(UsageError, match="no metric"):
        copy_test_from_units(units, {})
    path = tmp_path / "units.parquet"
    units.to_parquet(path)
    assert (
        copy_test_from_units(path, {"orders": UnitMetric("orders")}).frame["n_units"].sum() == 3000
    )
