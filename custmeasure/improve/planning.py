"""A plan from a wish to its files: how long it takes, who or which day sees what, and where it is kept.

``custmeasure plan`` is this module with words from the command line.
"""

import csv
import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from custmeasure.engine import Table, query
from custmeasure.errors import EnvironmentProblem, UsageError, unwritable
from custmeasure.improve.assign import assign, write_assignments
from custmeasure.improve.copy_days import plan_by_day, plan_days, plan_days_from_counts
from custmeasure.improve.plan_test import plan_of, plan_test, plan_test_from_counts
from custmeasure.improve.plan_test.store import Plan, plan_path, store_plan
from custmeasure.shop import Shop
from custmeasure.show.result import Result

_CUSTOMERS = "SELECT DISTINCT unit FROM rows WHERE unit IS NOT NULL ORDER BY unit"
CUSTOMERS = "customers"


@dataclass(frozen=True)
class Wish:
    """What somebody wants to test.

    Attributes
    ----------
    experiment, start
        Its name and its first day.
    shares
        Variant → share, the control first.
    by_day
        Whether the days are drawn rather than the visitors.
    metric, window, unit, entry, page, carry_over, cuped
        As `plan_test` and `plan_days`.
    min_effect
        The smallest relative difference that matters.
    method
        How it will be looked at: every day until a planned end when not given; a plan by the day is
        looked at once.
    weeks
        How long, when somebody wants to say so himself.
    rule
        What will be done with which answer.
    strata, prior
        The groups inside which variants will be compared; the usual size of effects.
    a_day, rate
        New visitors a day and today's conversion rate, where the shop has no data of them.
    """

    experiment: str
    start: dt.date
    shares: Mapping[str, float]
    by_day: bool = False
    metric: str = "conversion"
    window: str | None = None
    unit: str = "visitor_id"
    entry: str | None = None
    page: str | None = None
    carry_over: int = 0
    cuped: bool = False
    min_effect: float = 0.1
    method: str | None = None
    weeks: int | None = None
    rule: str = ""
    strata: str | None = None
    prior: float | None = None
    a_day: float | None = None
    rate: float | None = None


def answer(shop: Shop, wish: Wish) -> Result:
    """Return how many weeks the wish takes.

    Raises
    ------
    UsageError
        When the name cannot be a file's, when a test by the day has not two copies, and for what the
        other kind of test does not have.
    """
    plan_path(shop, wish.experiment)
    _fits(wish)
    if wish.a_day is not None and wish.rate is not None:
        return _typed(wish, wish.a_day, wish.rate)
    if not wish.by_day:
        return plan_test(
            shop, metric=wish.metric, min_effect=wish.min_effect, shares=wish.shares,
            method=wish.method or "planned_end", entry=wish.entry, page=wish.page, unit=wish.unit,
            window=wish.window, cuped=wish.cuped,
        )  # fmt: skip
    return plan_days(
        shop, metric=wish.metric, min_effect=wish.min_effect, carry_over=wish.carry_over,
        page=wish.page,
    )  # fmt: skip


def _typed(wish: Wish, a_day: float, rate: float) -> Result:
    """Return the answer from numbers that were typed in."""
    if wish.by_day:
        return plan_days_from_counts(
            a_day, rate, min_effect=wish.min_effect, carry_over=wish.carry_over
        )
    return plan_test_from_counts(
        rate, units_a_day=a_day, min_effect=wish.min_effect, shares=wish.shares,
        method=wish.method or "planned_end", window=wish.window or "7d",
    )  # fmt: skip


def _fits(wish: Wish) -> None:
    """Refuse what would be ignored."""
    if wish.by_day and len(wish.shares) != 2:
        raise UsageError(
            ko="날을 나누는 시험은 문구를 둘씩 견줍니다. 셋을 한꺼번에 견주어도 빨라지지 않습니다. "
            "--variants A,B처럼 두 개를 적으십시오.",
            en="By the day two copies are compared at a time: more at once is no faster. "
            "Name two: --variants A,B.",
        )
    if (wish.a_day is None) != (wish.rate is None) or (wish.rate and wish.metric != "conversion"):
        raise UsageError(
            ko="--a-day(하루 새 방문자)와 --rate(전환율)는 함께, 전환율을 재는 시험에 씁니다.",
            en="--a-day (new visitors a day) and --rate (of conversion) go together, for conversion.",
        )
    split = {
        "method": wish.method, "window": wish.window, "entry": wish.entry, "cuped": wish.cuped,
        "strata": wish.strata, "prior": wish.prior,
    }  # fmt: skip
    given = split if wish.by_day else {"carry_over": wish.carry_over}
    wrong = [name for name, value in given.items() if value]
    if wrong:
        option = f"--{wrong[0].replace('_', '-')}"
        raise UsageError(
            ko=f"{option}: {'날을 나누는' if wish.by_day else '손님을 나누는'} 시험에는 쓰지 않습니다.",
            en=f"{option} has no meaning where {'days' if wish.by_day else 'visitors'} are drawn.",
        )


def plan_from(result: Result, wish: Wish) -> Plan:
    """Return the plan that the answer makes of the wish.

    Raises
    ------
    UsageError
        When no number of weeks is enough and the wish does not say how many, and when the shop has no
        data to plan with.
    """
    if not len(result.frame):
        raise UsageError(
            ko=f"{result.reason.ko} 또는 --a-day와 --rate로 수를 적어 주십시오.",
            en=f"{result.reason} Or type the numbers as --a-day and --rate.",
        )
    control, *others = wish.shares
    if wish.by_day:
        return plan_by_day(
            result, wish.experiment, start=wish.start, control=control,  # type: ignore[arg-type]
            treatment=others[0], weeks=wish.weeks, rule=wish.rule,
        )  # fmt: skip
    return plan_of(
        result, wish.experiment, start=wish.start, control=control, weeks=wish.weeks,  # type: ignore[arg-type]
        rule=wish.rule, strata=wish.strata, prior=wish.prior,
    )  # fmt: skip


def keep(
    shop: Shop, plan: Plan, *, now: dt.datetime, late: bool = False, units: str | None = None
) -> list[Path]:
    """Store a plan, and beside it the copy of every day, or the variant of every unit.

    Parameters
    ----------
    shop, plan, late
        As `store_plan`.
    now
        The instant of writing.
    units
        ``"customers"``, or a file with one id a line (a CSV's first column): an assignment of these
        is written too.

    Returns
    -------
    list of Path
        The files: the plan first.

    Raises
    ------
    UsageError
        As `store_plan`, and when there is nobody to assign.
    EnvironmentProblem
        When a file cannot be read or written.
    """
    ids = None if units is None else _units(shop, units)
    path = store_plan(shop, plan, written_at=now, late=late)
    written = [path]
    if plan.days:
        written.append(_write_days(plan, path.with_suffix(".days.csv")))
    if ids is not None:
        frame = assign(plan.experiment, ids, plan.shares)
        written.append(write_assignments(frame, path.with_suffix(".assignments.csv")))
    return written


def _units(shop: Shop, units: str) -> list[str]:
    table = shop.table(CUSTOMERS)
    if units == CUSTOMERS and isinstance(table, Table):
        rows = query(_CUSTOMERS, rows=table.pick(unit=("customer_id", "text")))
        found = [str(row["unit"]) for row in rows.to_pylist()]
    else:
        found = _listed(Path(units))
    if found:
        return found
    raise UsageError(
        ko=f"{units}에 나눌 사람이 없습니다.", en=f"There is nobody to assign in {units}."
    )


def _listed(path: Path) -> list[str]:
    """Return the ids of a file, without a first line that is a heading."""
    try:
        rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentProblem(
            ko=f"{path.name}을(를) 읽을 수 없습니다: {error}. UTF-8 파일에 한 줄에 하나씩 적으십시오.",
            en=f"{path.name} cannot be read: {error}. Write one id a line, in UTF-8.",
        ) from None
    ids = [row[0].strip() for row in rows if row and row[0].strip()]
    return ids[1:] if ids and ids[0] in ("unit_id", "customer_id", "visitor_id") else ids


def _write_days(plan: Plan, path: Path) -> Path:
    """Write the copy of every day, for the calendar on the wall."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("day", "variant"))
    writer.writerows(plan.days.items())
    try:
        path.write_text(text.getvalue(), "utf-8")
    except OSError as error:
        raise unwritable(path.name, error) from None
    return path
