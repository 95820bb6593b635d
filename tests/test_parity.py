"""Every measure says the same on Spark as on DuckDB: to the digit, in order, with the same words.

The sample shop is opened twice, with a Spark session and without one. Whole numbers must be equal, all
others to one in a billion.
"""

import dataclasses
import datetime as dt
import functools
import inspect
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import custmeasure as cm
from custmeasure.show.result import Result

SAMPLE = Path(__file__).resolve().parent.parent / "data/sample"
TABLES = ("events", "orders", "order_items", "exposures", "copy_days", "copy_tests")
NEAR = 1e-9

STEPS = ["visit", "view_product", "add_to_cart", "purchase"]
LOOK = ["view_product", "add_to_cart", "purchase"]
WEEK = {"start": "2026-10-12", "end": "2026-10-25"}
Ask = Callable[[cm.Shop], object]


def _funnel(**more: object) -> Ask:
    given = {"steps": STEPS, "window": "7d", **more}
    return lambda shop: cm.funnel(shop.events, **given)


def _retention(**more: object) -> Ask:
    given = {"unit": "customer_id", "at": "at", "period": "month", **more}
    return lambda shop: cm.retention(shop.orders, **given)


def _compared(shop: cm.Shop) -> object:
    return cm.compare_funnels(
        cm.funnel(
            shop.events, STEPS, window="7d", by="channel", start="2026-09-01", end="2026-09-30"
        ),
        cm.funnel(
            shop.events, STEPS, window="7d", by="channel", start="2026-10-01", end="2026-10-24"
        ),
    )


# --- every measure, with what changes its queries -----------------------------------------------------

ASKED: dict[str, Ask] = {
    "days": lambda shop: cm.days(shop.orders),
    "days of visits": lambda shop: cm.days(shop.events, as_of="2026-09-30"),
    "bridge": lambda shop: cm.bridge(shop.orders, start="2026-01-01", end="2026-06-30"),
    "funnel": _funnel(),
    "funnel by channel": _funnel(by="channel", start="2026-06-01", end="2026-10-28", bins=5),
    "funnel strict": _funnel(order="strict", by="device"),
    "funnel in any order": _funnel(order="any"),
    "funnel strictly later": _funnel(ties="later", attempts="first"),
    "funnel of sessions": _funnel(session="30m", by="channel", by_at="last"),
    "funnel of customers": _funnel(unit="customer_id", by="channel", by_at="add_to_cart"),
    "funnel with rules": _funnel(
        steps=["visit", "view_product; optional", "add_to_cart; within 2h", "purchase"],
        exclusions=["begin_checkout; after visit; before add_to_cart; stop_progress"],
    ),
    "funnel of a segment that lacks a step": lambda shop: cm.funnel(
        shop.events.keep([("event", "!=", "purchase")]), STEPS, window="7d", by="device"
    ),
    "funnel_gaps": lambda shop: cm.funnel_gaps(_funnel(by="channel")(shop)),
    "two_periods": lambda shop: cm.two_periods(shop.events, days=28, window="7d"),
    "compare_funnels": _compared,
    "landing": lambda shop: cm.landing(shop.events, LOOK, window="1d", by="channel", **WEEK),
    "landing of a segment that lacks a step": lambda shop: cm.landing(
        shop.events.keep([("event", "!=", "purchase")]), LOOK, window="1d", **WEEK
    ),
    "stopped of a segment that lacks a step": lambda shop: cm.stopped(
        shop.events.keep([("event", "!=", "purchase")]), STEPS, window="1d", **WEEK
    ),
    "stopped": lambda shop: cm.stopped(shop.events, STEPS, window="1d", **WEEK),
    "stopping": lambda shop: cm.stopping(
        shop.events, STEPS, window="1d", traits=["device"], **WEEK
    ),
    "retention": _retention(),
    "retention by channel": _retention(by="channel", mode="on_or_after", start="2026-01-01"),
    "retention on_or_before": _retention(mode="on_or_before", period="week", brackets=[1, 4, 12]),
    "retention recurring": _retention(cohort="recurring", min_occurrences=2),
    "retention rolling": _retention(clock="rolling", period="week", by="channel"),
    "retention of events": lambda shop: cm.retention(
        shop.events,
        unit="visitor_id",
        at="at",
        period="week",
        start_event="visit",
        return_event="purchase",
        where=[("device", "!=", "tablet")],
    ),
    "retention of a segment that lacks what returns": lambda shop: cm.retention(
        shop.events.keep([("event", "!=", "purchase")]),
        unit="visitor_id",
        at="at",
        period="month",
        return_event="purchase",
    ),
    "cohort_gaps": lambda shop: cm.cohort_gaps(_retention()(shop)),
    "cohort_change": lambda shop: cm.cohort_change(_retention()(shop)),
    "order_steps": lambda shop: cm.order_steps(shop.orders, by="channel"),
    "lifecycle": lambda shop: cm.lifecycle(cm.without_cancelled(shop.orders)),
    "value_curve": lambda shop: cm.value_curve(shop.orders),
    "time_to_next_order": lambda shop: cm.time_to_next_order(shop.orders, by="channel"),
    "churn_cutoff": lambda shop: cm.churn_cutoff(
        shop.orders, items=shop.order_items, by="product_id", letters=1
    ),
    "copy_test": lambda shop: cm.copy_test(shop, "detail_page_copy"),
    "copy_test revenue": lambda shop: cm.copy_test(shop, "headline_copy", metric="revenue"),
    "copy_test_from_units": lambda shop: cm.copy_test_from_units(
        shop.orders, {"amount": cm.UnitMetric("amount")}, variant="channel"
    ),
    "copy_days": lambda shop: cm.copy_days(shop, _by_day(shop)),
    "copy_memory": cm.copy_memory,
    "plan_test": lambda shop: cm.plan_test(shop, metric="conversion"),
    "plan_days": cm.plan_days,
}


def _by_day(shop: cm.Shop) -> str:
    return str(shop.copy_days.frame("experiment", limit=1)["experiment"].iloc[0])


# Public functions that ask no engine, or only through those above.
NO_QUERY = {
    "assign", "check_decision", "copy_days_from_counts", "copy_memory_from_counts", "copy_test_from_counts",
    "copy_test_from_moments", "open_shop", "plan_by_day", "plan_days_from_counts", "plan_of",
    "plan_test_from_counts", "read_plan", "sign_off", "start", "store_plan", "table",
    "without_cancelled", "write_assignments",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return the sample shop with every fourth visitor, in the tables that are asked."""
    copy = tmp_path_factory.mktemp("shop")
    for name in ("shop.toml", *(f"{table}.parquet" for table in TABLES)):
        shutil.copy(SAMPLE / name, copy / name)
    for name, who in (("events", "visitor_id"), ("exposures", "unit_id")):
        rows = pq.read_table(SAMPLE / f"{name}.parquet")
        chosen = [zlib.crc32(unit.encode()) % 4 == 0 for unit in rows[who].to_pylist()]
        pq.write_table(rows.filter(chosen), copy / f"{name}.parquet")
    return copy


@pytest.fixture(scope="module")
def duckdb_shop(folder) -> cm.Shop:
    return cm.open_shop(folder)


@pytest.fixture(scope="module")
def spark_shop(folder, spark) -> cm.Shop:
    return cm.open_shop(folder, spark=spark)


def same(one: object, other: object, where: str) -> None:
    """Check that two answers are the same, part by part."""
    assert type(one) is type(other), where
    if isinstance(one, Result):
        assert (str(one.verdict), one.verdict.code) == (str(other.verdict), other.verdict.code), (
            where
        )
        assert one.reason == other.reason, where
    if isinstance(one, pd.DataFrame):
        same_frame(one, other, where)
    elif isinstance(one, np.ndarray):
        np.testing.assert_allclose(one, other, rtol=NEAR, err_msg=where)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=NEAR, nan_ok=True), where
    elif (parts := parts_of(one)) is not None:
        others = parts_of(other)
        assert list(parts) == list(others), where
        for name, part in parts.items():
            same(part, others[name], f"{where}.{name}")
    else:
        assert one == other, where


def parts_of(one: object) -> dict[object, object] | None:
    """Return what an answer is made of, but for the engine that gave it; None of a plain value."""
    if dataclasses.is_dataclass(one):
        return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    if isinstance(one, Mapping):
        return {key: value for key, value in one.items() if key != "engine"}
    if isinstance(one, Sequence) and not isinstance(one, str):
        return dict(enumerate(one))
    return None


def same_frame(one: pd.DataFrame, other: pd.DataFrame, where: str) -> None:
    """Check that two frames have the same columns, rows and order."""
    assert list(one.columns) == list(other.columns), where
    assert len(one) == len(other), where
    for name in one.columns:
        for mine, yours in zip(one[name].tolist(), other[name].tolist(), strict=True):
            if isinstance(mine, float) and not isinstance(yours, str):
                assert mine == pytest.approx(yours, rel=NEAR, abs=1e-12, nan_ok=True), (where, name)
            elif not (pd.isna(mine) and pd.isna(yours)):
                assert mine == yours, (where, name)


@pytest.fixture(scope="module")
def answer(duckdb_shop, spark_shop) -> Callable[[str, str], object]:
    """Return what asks a question of one engine, once."""
    shops = {"DuckDB": duckdb_shop, "Spark": spark_shop}
    return functools.cache(lambda name, engine: ASKED[name](shops[engine]))


@pytest.mark.parametrize("name", ASKED)
def test_spark_says_the_same(name, answer):
    mine, yours = answer(name, "DuckDB"), answer(name, "Spark")
    same(mine, yours, name)
    assert len(getattr(mine, "frame", [1])) > 0, "an empty answer compares nothing"


ENGINES = [
    "days",
    "bridge",
    "funnel",
    "retention",
    "landing",
    "stopped",
    "order_steps",
    "copy_test",
]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("engine", ["DuckDB", "Spark"])
def test_the_definition_says_the_engine(name, engine, answer):
    assert answer(name, engine).definition["engine"] == engine


def test_every_public_measure_is_asked():
    public = {name for name in cm.__all__ if inspect.isfunction(getattr(cm, name))}
    asked = {name.partition(" ")[0] for name in ASKED}
    assert public == asked | NO_QUERY
    assert not asked & NO_QUERY


# --- the shop itself ----------------------------------------------------------------------------------


def test_every_row_is_accounted_for_alike(duckdb_shop, spark_shop):
    mine, yours = duckdb_shop.check(), spark_shop.check()
    assert yours.frame.drop(columns="file").equals(mine.frame.drop(columns="file"))
    assert spark_shop.as_of == duckdb_shop.as_of
    assert spark_shop.tables == duckdb_shop.tables


def test_a_day_in_the_past_is_the_same_day(duckdb_shop, spark_shop):
    limit = dt.date(2026, 6, 30)
    mine = cm.days(duckdb_shop.until(limit).orders)
    same(mine, cm.days(spark_shop.until(limit).orders), "days")


def test_a_report_runs_on_what_spark_extracted(folder, spark, tmp_path, duckdb_shop):
    """As README says: some columns and days, written as Parquet; `custmeasure run` opens no Spark."""
    key = "spark.sql.parquet.outputTimestampType"
    spark.conf.set(key, "TIMESTAMP_MICROS")  # INT96, its default, says no time zone
    try:
        events = spark.read.parquet(str(folder / "events.parquet"))
        chosen = events.select("visitor_id", "at", "event", "channel").where("at >= '2026-06-01'")
        chosen.write.parquet(str(tmp_path / "events"))
    finally:
        spark.conf.unset(key)
    settings = (folder / "shop.toml").read_text("utf-8")
    named = '\n[tables.events]\nfile = "events/*.parquet"\n'
    (tmp_path / "shop.toml").write_text(settings + named, "utf-8")
    extracted = cm.open_shop(tmp_path)
    asked = {"window": "7d", "start": "2026-06-02", "by": "channel"}
    mine, yours = (cm.funnel(shop.events, STEPS, **asked) for shop in (extracted, duckdb_shop))
    same_frame(mine.frame, yours.frame, "extracted")
    assert extracted.events.engine == "DuckDB"
