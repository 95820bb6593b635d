"""``custmeasure plan``: a plan on paper before anybody sees a copy, and clear words where that fails."""

import datetime as dt
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custmeasure.cli import app
from custmeasure.errors import EnvironmentProblem, UsageError
from custmeasure.improve.assign import assign
from custmeasure.improve.plan_test.store import read_plan
from custmeasure.improve.planning import Wish, answer, keep, plan_from
from custmeasure.shop import open_shop

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
NOW = dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC)
WISH = Wish("home_title", dt.date(2026, 11, 23), {"A": 1.0, "B": 1.0}, min_effect=0.3)


@pytest.fixture
def shop(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "shop")
    return open_shop(tmp_path / "shop")


def run(shop, *arguments):
    name, *rest = arguments
    return CliRunner().invoke(app, ["plan", name, str(shop.folder), *rest])


def test_from_a_wish_to_a_stored_plan(shop):
    result = answer(shop, WISH)
    plan = plan_from(result, WISH)
    (path,) = keep(shop, plan, now=NOW)
    stored = read_plan(shop, "home_title")
    assert path.name == "home_title.toml"
    assert (stored.edited, stored.late) == (False, False)
    assert stored.method == "planned_end"
    assert stored.end == stored.start + dt.timedelta(weeks=result.weeks, days=-1)


def test_days_are_written_for_the_wall(shop):
    wish = Wish("title", dt.date(2026, 11, 23), {"A": 1.0, "B": 1.0}, by_day=True, min_effect=0.4)
    plan = plan_from(answer(shop, wish), wish)
    _, days = keep(shop, plan, now=NOW)
    lines = days.read_text("utf-8").splitlines()
    assert lines[0] == "day,variant"
    assert lines[1].startswith("2026-11-23,")
    assert len(lines) == 1 + len(plan.days)


def test_units_of_a_file_and_all_customers_are_assigned(shop, tmp_path):
    listed = tmp_path / "ids.csv"
    listed.write_text("\ufeffunit_id,name\n00123,x\n00124,y\n", "utf-8")
    plan = plan_from(answer(shop, WISH), WISH)
    _, path = keep(shop, plan, now=NOW, units=str(listed))
    drawn = assign("home_title", ["00123", "00124"], plan.shares)
    wanted = [f'"{u}","{v}"' for u, v in drawn.itertuples(index=False)]
    assert path.read_text("utf-8").splitlines() == ['"unit_id","variant"', *wanted]
    other = Wish("mail", WISH.start, WISH.shares, min_effect=0.3)
    _, all_of_them = keep(shop, plan_from(answer(shop, other), other), now=NOW, units="customers")
    assert len(all_of_them.read_text("utf-8").splitlines()) == 1 + 3013


def test_nobody_to_assign_stores_nothing(shop, tmp_path):
    plan = plan_from(answer(shop, WISH), WISH)
    (tmp_path / "empty.csv").write_text("unit_id\n", "utf-8")
    with pytest.raises(UsageError, match="nobody"):
        keep(shop, plan, now=NOW, units=str(tmp_path / "empty.csv"))
    with pytest.raises(EnvironmentProblem):
        keep(shop, plan, now=NOW, units=str(tmp_path / "none.csv"))
    assert read_plan(shop, "home_title") is None


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        (Wish("t", WISH.start, {"A": 1, "B": 1, "C": 1}, by_day=True), "two"),
        (Wish("t", WISH.start, WISH.shares, by_day=True, cuped=True), "--cuped"),
        (Wish("t", WISH.start, WISH.shares, by_day=True, method="one_look"), "--method"),
        (Wish("t", WISH.start, WISH.shares, by_day=True, strata="device"), "--strata"),
        (Wish("t", WISH.start, WISH.shares, carry_over=1), "--carry-over"),
        (Wish("../t", WISH.start, WISH.shares), "letters"),
    ],
)
def test_what_would_be_ignored_is_refused(shop, wish, word):
    with pytest.raises(UsageError, match=word):
        answer(shop, wish)


def test_on_the_command_line(shop):
    asked = ("--min-effect", "0.3", "--start", "2026-11-23", "--strata", "device", "--prior", "0.2")
    ran = run(shop, "home_title", *asked)
    assert ran.exit_code == 0, ran.output
    assert "home_title.toml" in ran.output
    plan = read_plan(shop, "home_title")
    assert plan.hash[:12] in ran.output
    assert (plan.strata, plan.prior) == ("device", 0.2)
    again = run(shop, "home_title", "--min-effect", "0.3", "--start", "2026-11-23")
    assert again.exit_code == 2
    assert "home_title.toml" in again.output


def test_only_computed(shop):
    ran = run(shop, "home_title", "--min-effect", "0.3", "--dry-run", "--variants", "A=0.9,B=0.1")
    assert ran.exit_code == 0
    assert "90%" in ran.output
    assert read_plan(shop, "home_title") is None


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("detail_page_copy", "--weeks", "4"), 2, "--late"),
        (("x", "--metric", "conversions"), 2, "conversion"),
        (("x", "--start", "20261130"), 2, "2026-01-31"),
        (("x", "--variants", "A,A"), 2, "--variants"),
        (("x", "--variants", "A=a,B=b"), 2, "--variants"),
        (("x", "--min-effect", "0.01"), 2, "--weeks"),
        (("x", "--method", "planned"), 2, "planned_end"),
        (("a/b",), 2, "a/b"),
    ],
)
def test_mistakes_are_one_sentence(shop, arguments, code, word):  # R4
    ran = run(shop, *arguments)
    assert ran.exit_code == code
    assert word in ran.output
    assert "Traceback" not in ran.output
    assert not (shop.folder / "plans" / "x.toml").exists()


def test_a_late_plan_says_so_from_then_on(shop):
    ran = run(shop, "free_shipping_banner", "--weeks", "4", "--late")
    assert ran.exit_code == 0
    assert read_plan(shop, "free_shipping_banner").late


@pytest.fixture
def marketplace(tmp_path):
    """Open a shop that knows its orders alone."""
    (tmp_path / "shop.toml").write_text('name = "t"\nlanguage = "en"\n', "utf-8")
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,at,amount\n1,c,2026-05-03T10:00:00Z,9\n", "utf-8"
    )
    return open_shop(tmp_path)


@pytest.mark.parametrize("by_day", [(), ("--by-day",)])
def test_a_shop_without_visits_types_its_numbers(marketplace, by_day):
    ran = run(marketplace, "title", "--weeks", "8", *by_day)
    assert ran.exit_code == 2
    assert "--a-day" in ran.output
    typed = ("--a-day", "200", "--rate", "0.04", "--min-effect", "0.4")
    ran = run(marketplace, "title", *typed, *by_day)
    assert ran.exit_code == 0, ran.output
    assert read_plan(marketplace, "title").kind == ("by_day" if by_day else "split")


def test_half_of_the_numbers_is_refused(marketplace):
    ran = run(marketplace, "title", "--a-day", "200")
    assert ran.exit_code == 2
    assert "--rate" in ran.output
