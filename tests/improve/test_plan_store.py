"""The stored plan: written once and before the first exposure, and every change of it shows."""

import dataclasses
import datetime as dt
import re

import pandas as pd
import pytest

from custmeasure.errors import DataError, EnvironmentProblem, UnknownName, UsageError
from custmeasure.improve.plan_test.store import (
    Plan,
    changes,
    first_exposure,
    plan_path,
    planned_note,
    read_plan,
    store_plan,
)
from custmeasure.shop import open_shop

BEFORE = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
AFTER = dt.datetime(2026, 3, 5, 9, tzinfo=dt.UTC)
PLAN = Plan(
    "tea", "A", {"A": 0.5, "B": 0.5}, window="7d", unit="visitor_id", start=dt.date(2026, 3, 2),
    end=dt.date(2026, 3, 29), n_units=4200, rule='B가 낫다면 B를 "계속" 쓴다\n아니면 A',
    days={"2026-03-02": "A", "2026-03-03": "B"},
)  # fmt: skip


def make(folder, exposures=True, copy_days=False):
    (folder / "shop.toml").write_text('name = "t"\n', "utf-8")
    pd.DataFrame({"visitor_id": ["v"], "at": ["2026-04-01T00:00:00Z"], "event": ["visit"]}).to_csv(
        folder / "events.csv", index=False
    )
    if exposures:
        pd.DataFrame({"experiment": ["tea", "tea"], "unit_id": ["v", "w"], "variant": ["A", "B"],
                      "at": ["2026-03-03T01:00:00Z", "2026-03-02T01:00:00Z"]}).to_csv(
            folder / "exposures.csv", index=False)  # fmt: skip
    if copy_days:
        pd.DataFrame({"experiment": ["tea"], "day": ["2026-03-02"], "variant": ["A"],
                      "n_visitors": ["9"], "n_conversions": ["1"]}).to_csv(
            folder / "copy_days.csv", index=False)  # fmt: skip
    return open_shop(folder)


def test_a_plan_comes_back_as_it_was_written(tmp_path):
    shop = make(tmp_path)
    assert read_plan(shop, "tea") is None
    path = store_plan(shop, PLAN, written_at=BEFORE)
    assert path == tmp_path / "plans" / "tea.toml" == plan_path(shop, "tea")
    plan = read_plan(shop, "tea")
    assert plan == dataclasses.replace(PLAN, written_at=BEFORE, hash=PLAN.digest())
    assert (plan.late, plan.edited) == (False, False)
    assert changes(plan, {}) == []
    assert plan.hash[:12] in planned_note(plan)


def test_the_hash_covers_every_part_of_the_plan():
    others = {
        "control": "B", "shares": {"A": 0.4, "B": 0.6}, "kind": "by_day", "metric": "revenue",
        "window": "1d", "unit": "customer_id", "start": None, "end": dt.date(2026, 3, 30),
        "alpha": 0.1, "power": 0.9, "min_effect": 0.1, "method": "one_look", "n_units": 4201,
        "rule": "", "carry_over": 1, "days": {}, "experiment": "coffee", "strata": "device", "prior": 0.1,
    }  # fmt: skip
    stored = {"written_at", "hash", "late", "edited"}
    assert set(others) | stored == {each.name for each in dataclasses.fields(Plan)}
    digests = {
        dataclasses.replace(PLAN, **{name: value}).digest() for name, value in others.items()
    }
    assert len({*digests, PLAN.digest()}) == len(others) + 1


def test_a_plan_from_before_strata_and_prior_keeps_its_hash():
    assert not {"strata", "prior"} & set(PLAN.content)
    assert PLAN.digest()[:12] == "b597f43dde2c"


def test_groups_and_prior_come_back(tmp_path):
    shop = make(tmp_path)
    planned = dataclasses.replace(PLAN, strata="device", prior=0.1)
    store_plan(shop, planned, written_at=BEFORE)
    plan = read_plan(shop, "tea")
    assert (plan.strata, plan.prior, plan.edited) == ("device", 0.1, False)


def test_after_the_first_exposure_only_a_late_plan_is_kept(tmp_path):
    shop = make(tmp_path)
    with pytest.raises(UsageError, match="--late") as caught:
        store_plan(shop, PLAN, written_at=AFTER)
    assert "2026-03-02 10:00" in str(caught.value)  # in the shop's own time zone
    assert not (tmp_path / "plans").exists()
    store_plan(shop, PLAN, written_at=AFTER, late=True)
    plan = read_plan(shop, "tea")
    assert plan.late
    assert not plan.edited
    (said,) = changes(plan, {})
    assert "after the first exposure" in said
    assert "늦" in said.ko or "뒤에" in said.ko


def test_late_is_asked_of_the_data_not_of_the_file(tmp_path):
    """A plan written in time for no data at all is late once older exposures are there."""
    store_plan(make(tmp_path, exposures=False), PLAN, written_at=AFTER)
    assert read_plan(make(tmp_path), "tea").late


def test_days_of_a_marketplace_page_count_as_exposures(tmp_path):
    shop = make(tmp_path, exposures=False, copy_days=True)
    assert first_exposure(shop, "tea") == dt.datetime(
        2026, 3, 1, 15, tzinfo=dt.UTC
    )  # 00:00 in Seoul
    assert first_exposure(shop, "coffee") is None
    with pytest.raises(UsageError):
        store_plan(shop, PLAN, written_at=AFTER)


def test_a_stored_plan_is_never_replaced(tmp_path):
    shop = make(tmp_path, exposures=False)
    store_plan(shop, PLAN, written_at=BEFORE)
    with pytest.raises(UsageError, match="already"):
        store_plan(shop, dataclasses.replace(PLAN, alpha=0.1), written_at=BEFORE)
    assert read_plan(shop, "tea").alpha == 0.05


@pytest.mark.parametrize(("old", "new"), [
    ("alpha = 0.05", "alpha = 0.2"), ('"B" = 0.5', '"B" = 0.7'), ("2026-03-29", "2026-03-30"),
    ('"2026-03-03" = "B"', '"2026-03-03" = "A"'),
])  # fmt: skip
def test_an_edited_file_shows(tmp_path, old, new):  # F18
    shop = make(tmp_path)
    path = store_plan(shop, PLAN, written_at=BEFORE)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    plan = read_plan(shop, "tea")
    assert plan.edited
    assert any("edited" in said for said in changes(plan, {}))


def test_spacing_and_comments_are_no_change(tmp_path):
    shop = make(tmp_path)
    path = store_plan(shop, PLAN, written_at=BEFORE)
    path.write_text("# note\n" + path.read_text("utf-8").replace(" = ", "="), "utf-8")
    assert not read_plan(shop, "tea").edited


WHOLE = '[stored]\nhash = "1"\nlate = false\nwritten_at = "2026-03-01T09:00:00+00:00"\n'


@pytest.mark.parametrize("text", [
    "alpha = ", "alpha = 0.05\n", "[stored]\nhash = 1\n", "stored = 3\n",
    'experiment = "tea"\ncontrol = "A"\nshares = 5\n' + WHOLE,
    'experiment = "tea"\ncontrol = "A"\nalpha = "x"\nshares = { A = 1, B = 1 }\n' + WHOLE,
    'experiment = "tea"\ncontrol = "A"\nshares = { A = 1, B = "x" }\n' + WHOLE,
    'experiment = "tea"\ncontrol = "A"\nstart = 5\nshares = { A = 1, B = 1 }\n' + WHOLE,
])  # fmt: skip
def test_a_broken_file_is_named(tmp_path, text):
    shop = make(tmp_path)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "tea.toml").write_text(text, "utf-8")
    with pytest.raises(DataError, match=re.escape("plans/tea.toml")):
        read_plan(shop, "tea")


@pytest.mark.parametrize("name", ["../tea", "a/b", ".", "", "x\0", "a" * 81, "tea\n"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):  # S13
    shop = make(tmp_path)
    with pytest.raises(UsageError):
        store_plan(shop, dataclasses.replace(PLAN, experiment=name), written_at=BEFORE)
    assert read_plan(shop, name) is None


def test_a_folder_that_cannot_be_written(tmp_path):
    shop = make(tmp_path)
    (tmp_path / "plans").write_text("a file", "utf-8")
    with pytest.raises(EnvironmentProblem):
        store_plan(shop, PLAN, written_at=BEFORE)


def test_words_that_no_plan_knows():
    with pytest.raises(UnknownName, match="planned_end"):
        dataclasses.replace(PLAN, method="planned")
    with pytest.raises(UsageError):
        dataclasses.replace(PLAN, control="C")
    with pytest.raises(UsageError, match="usual size"):
        dataclasses.replace(PLAN, prior=0)


def test_what_is_run_as_planned_says_nothing():
    run = {
        "metric": "conversion", "control": "A", "shares": {"B": 1, "A": 1}, "alpha": 0.05,
        "min_effect": 0.05, "start": "2026-03-02", "end": dt.date(2026, 3, 29),
        "window": dt.timedelta(days=7), "unit": "visitor_id", "method": "planned_end",
    }  # fmt: skip
    assert changes(PLAN, run) == []


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"metric": "revenue"}, "Metric: planned conversion, run revenue"),
        ({"shares": {"A": 9, "B": 1}}, "planned A 50%, B 50%, run A 90%, B 10%"),
        ({"alpha": 0.1}, "planned 5%, run 10%"),
        ({"end": "2026-04-05"}, "planned 2026-03-29, run 2026-04-05"),
        ({"end": None}, "planned 2026-03-29, run –"),
        ({"window": "14d"}, "planned 7d, run 14d"),
        ({"method": "open_end"}, "planned planned_end, run open_end"),
        ({"strata": "device"}, "Compared inside groups of: planned –, run device"),
        ({"prior": 0.1}, "known before: planned –, run 10%"),
    ],
)
def test_what_changed_is_said_in_both_languages(run, words):
    (said,) = changes(PLAN, run)
    assert words in said
    assert said.ko.startswith("계획과 다릅니다")
