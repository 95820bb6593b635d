"""A plan, written down before anybody sees a variant, and what has changed since.

The plan of an experiment is the file ``plans/NAME.toml`` in the shop's folder: the metric, the
variants and their shares, the level, the smallest difference that matters, the first and the last
day, how often one looks, and for a page that cannot be split the copy of every day. Beside them stand
the instant of writing and a hash of all the rest, so that a change of the file shows. A plan written
after the first exposure is refused, unless it is marked as late; a late plan says so on every
report.

``read_plan(shop, experiment)`` returns the plan or None; ``changes(plan, run)`` returns what is run
otherwise than planned, as sentences for the report.
"""

import datetime as dt
import json
import os
import re
import tomllib
from dataclasses import replace
from pathlib import Path

from custmeasure import dates
from custmeasure.engine import Table, query
from custmeasure.errors import DataError, UsageError, unwritable
from custmeasure.improve.plan_test.plan import Plan, changes, planned_note
from custmeasure.shop import Shop

__all__ = [
    "Plan",
    "changes",
    "first_exposure",
    "plan_path",
    "planned_note",
    "read_plan",
    "store_plan",
]

FOLDER = "plans"

_NAME = re.compile(r"[A-Za-z0-9가-힣_][A-Za-z0-9가-힣_-]{0,79}")
_FIRST = "SELECT min(moment) AS first_at FROM rows WHERE experiment = $experiment"


def store_plan(shop: Shop, plan: Plan, *, written_at: dt.datetime, late: bool = False) -> Path:
    """Write a plan into the shop's folder, once.

    Parameters
    ----------
    shop
        The shop; its ``exposures`` and ``copy_days`` say whether the test has begun.
    plan
        What is planned.
    written_at
        Now, with its time zone.
    late
        Store it although somebody has seen a variant already; every report will say so.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        When the test has begun and ``late`` is not given, when a plan of that name is stored
        already, or when the name cannot be a file's.
    EnvironmentProblem
        When the file cannot be written.
    """
    path = plan_path(shop, plan.experiment)
    first = first_exposure(shop, plan.experiment)
    begun = first is not None and first <= written_at
    if begun and not late:
        raise _begun(shop, plan, first)
    stored = replace(plan, written_at=written_at.astimezone(dt.UTC), late=begun, hash=plan.digest())
    _write(path, _toml(stored))
    return path


def read_plan(shop: Shop, experiment: str) -> Plan | None:
    """Return the stored plan of an experiment, or None when there is none.

    ``late`` is asked again of the data: a plan whose instant of writing lies after the first known
    exposure is late, whatever it says. ``edited`` says that the file was changed after it was stored.

    Raises
    ------
    DataError
        When the file is there and is no plan.
    """
    if not _NAME.fullmatch(experiment):
        return None
    path = plan_path(shop, experiment)
    if not path.is_file():
        return None
    plan = _parsed(path)
    first = first_exposure(shop, experiment)
    at = plan.written_at.astimezone(dates.zone(shop.timezone)) if plan.written_at else None
    late = plan.late or (first is not None and at is not None and first <= at)
    return replace(plan, late=late, edited=plan.hash != plan.digest(), written_at=at)


def plan_path(shop: Shop, experiment: str) -> Path:
    """Return the file in which the plan of an experiment lies, or would lie.

    Raises
    ------
    UsageError
        When the experiment's name cannot be a file's.
    """
    if _NAME.fullmatch(experiment):
        return shop.folder / FOLDER / f"{experiment}.toml"
    raise UsageError(
        ko=f"실험 이름 {experiment!r}: 글자, 숫자, _와 -만 80자까지 쓸 수 있습니다.",
        en=f"The experiment's name {experiment!r} may hold letters, digits, _ and -, 80 at most.",
    )


def first_exposure(shop: Shop, experiment: str) -> dt.datetime | None:
    """Return the instant (UTC) of the first exposure, or of the first day of ``copy_days``."""
    firsts = []
    for name, column, kind in (("exposures", "at", "instant"), ("copy_days", "day", "day")):
        table = shop.table(name)
        if isinstance(table, Table):
            rows = table.pick(experiment=("experiment", "text"), moment=(column, kind))
            first = query(_FIRST, {"experiment": experiment}, rows=rows)["first_at"][0].as_py()
            firsts.append(dates.day_start(first, shop.timezone) if _is_day(first) else first)
    known = [first for first in firsts if first is not None]
    return min(known).astimezone(dt.UTC) if known else None


def _begun(shop: Shop, plan: Plan, first: dt.datetime | None) -> UsageError:
    at = dates.local(first, shop.timezone)
    seen = f"{at:%Y-%m-%d %H:%M}" if at else "–"
    return UsageError(
        ko=f"실험 '{plan.experiment}'은(는) 이미 시작했습니다(첫 노출 {seen}). 계획은 그 전에 적어야 합니다. "
        "그래도 남기려면 --late를 붙이십시오. 보고서마다 늦은 계획이라고 적힙니다.",
        en=f"Experiment '{plan.experiment}' has begun (first exposure {seen}); a plan is written before "
        "that. To keep it all the same, add --late: every report will say that it is late.",
    )


def _is_day(value: object) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


# --- the file -------------------------------------------------------------------------------------

_HEAD = """\
# 시험의 계획입니다. 저장한 뒤에 고치면 해시가 달라지고, 보고서가 그렇게 말합니다.
# The plan of a test. Once stored, a change shows: the hash no longer fits, and reports say so.

"""


def _toml(plan: Plan) -> str:
    """Return the plan as TOML: plain keys first, then shares, days and what was stored."""
    content = plan.content
    tables = {name: content.pop(name) for name in ("shares", "days")}
    lines = [f"{name} = {_value(value)}" for name, value in content.items() if value is not None]
    for name, pairs in tables.items():
        if pairs:
            lines += ["", f"[{name}]", *(f"{_value(k)} = {_value(v)}" for k, v in pairs.items())]
    lines += ["", "[stored]", f"written_at = {_value(plan.written_at.isoformat())}"]  # type: ignore[union-attr]
    lines += [f"late = {_value(plan.late)}", f"hash = {_value(plan.hash)}"]
    return _HEAD + "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """Return a value as TOML; JSON's texts, numbers and flags are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, text: str) -> None:
    if path.is_file():
        raise UsageError(
            ko=f"{path.parent.name}/{path.name}에 계획이 이미 있습니다. 저장한 계획은 바꾸지 않습니다. "
            "다른 이름으로 새 실험을 계획하십시오.",
            en=f"There is a plan in {path.parent.name}/{path.name} already, and a stored plan is not "
            "replaced. Plan a new experiment under another name.",
        )
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(f"{path.parent.name}/{path.name}", error) from None


def _parsed(path: Path) -> Plan:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        stored = raw.pop("stored")
        for name in {"start", "end"} & set(raw):
            raw[name] = dt.date.fromisoformat(raw[name])
        raw["written_at"] = dt.datetime.fromisoformat(stored["written_at"])
        return Plan(**raw, late=stored["late"], hash=stored["hash"])
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise DataError(
            ko=f"{path.parent.name}/{path.name}은(는) 계획으로 읽을 수 없습니다: {error}.",
            en=f"{path.parent.name}/{path.name} cannot be read as a plan: {error}.",
        ) from None
