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
import hashlib
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from custmeasure import dates
from custmeasure.engine import Table, query
from custmeasure.errors import DataError, EnvironmentProblem, UsageError, check_choice
from custmeasure.shop import Shop
from custmeasure.show.labels import LABELS
from custmeasure.show.words import Text
from custmeasure.stats.tails import check_level

FOLDER = "plans"
KINDS = ("split", "by_day")
METHODS = ("planned_end", "open_end", "one_look")

_NAME = re.compile(r"[A-Za-z0-9가-힣_][A-Za-z0-9가-힣_-]{0,79}")
_FIRST = "SELECT min(moment) AS first_at FROM rows WHERE experiment = $experiment"


@dataclass(frozen=True)
class Plan:
    """What was fixed before a test began.

    Attributes
    ----------
    experiment
        Its name, and the file's.
    kind
        ``"split"`` (every visitor is drawn) or ``"by_day"`` (every day is drawn).
    metric, window, unit
        What is measured, within how long, on whom.
    control, shares
        The variant that the others are compared with; variant → share of the units.
    start, end
        The first and the last day on which units enter; None where it is open.
    alpha, power, min_effect
        The level; the chance to see ``min_effect``, the smallest relative difference that matters.
    method
        ``"planned_end"`` (looked at while it runs, alpha spent by a plan), ``"open_end"`` (always
        valid, no last day), or ``"one_look"`` (looked at on the last day alone).
    n_units
        Units that the plan expects, of all variants; None when nobody said.
    rule
        What will be done with which answer, in the marketer's words.
    carry_over
        Of a plan by day: days at the start of each run that are not counted.
    days
        Of a plan by day: day → variant.
    written_at, hash, late, edited
        When it was stored (in the shop's time zone) and the hash of all above; whether that was after
        the first exposure; whether the file no longer fits its hash.
    """

    experiment: str
    control: str
    shares: Mapping[str, float]
    kind: str = "split"
    metric: str = "conversion"
    window: str | None = None
    unit: str | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    alpha: float = 0.05
    power: float = 0.8
    min_effect: float = 0.05
    method: str = "planned_end"
    n_units: int | None = None
    rule: str = ""
    carry_over: int = 0
    days: Mapping[str, str] = field(default_factory=dict)
    written_at: dt.datetime | None = None
    hash: str = ""
    late: bool = False
    edited: bool = False

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        check_choice("method", self.method, METHODS)
        check_level(self.alpha)
        check_level(self.power, "power")
        numbers = [self.min_effect, *self.shares.values()]
        if not all(isinstance(n, int | float) and 0 < n < math.inf for n in numbers):
            raise UsageError(
                ko="의미 있는 최소 차이와 안의 배분은 모두 0보다 큰 수여야 합니다.",
                en="The smallest difference that matters and every share must be numbers above 0.",
            )
        if self.control not in self.shares:
            raise UsageError(
                ko=f"기준안 '{self.control}'이(가) 안 목록 {', '.join(self.shares)}에 없습니다.",
                en=f"The control '{self.control}' is not among the variants {', '.join(self.shares)}.",
            )

    @property
    def content(self) -> dict[str, Any]:
        """What the hash covers: everything that was planned, in plain values."""
        every = asdict(self)
        for name in ("written_at", "hash", "late", "edited"):
            del every[name]
        return {name: _plain(value) for name, value in every.items()}

    def digest(self) -> str:
        """Return the SHA-256 of `content`, however the file is spaced."""
        text = json.dumps(self.content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


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


def changes(plan: Plan, run: Mapping[str, object]) -> list[Text]:
    """Return what is run otherwise than planned, one sentence each; nothing when all is as planned.

    Parameters
    ----------
    plan
        The stored plan, from `read_plan`.
    run
        What is run, under the names of `Plan`'s attributes: any of ``metric, window, unit, control,
        shares, start, end, alpha, min_effect, method, carry_over``. Names that are left out are not
        compared; shares may be in any unit, days a `datetime.date` or ``YYYY-MM-DD``, a window its
        text or a `datetime.timedelta`.
    """
    said = []
    if plan.edited:
        said.append(Text(
            "계획 파일이 저장된 뒤에 고쳐졌습니다(해시가 다릅니다). 무엇을 계획했는지 믿을 수 없습니다.",
            "The plan's file was edited after it was stored (its hash differs), so what was planned "
            "is not certain.",
        ))  # fmt: skip
    if plan.late:
        said.append(Text(
            f"계획을 첫 노출 뒤에 적었습니다({_when(plan)}). 결과를 보고 고른 것일 수 있습니다.",
            f"The plan was written after the first exposure ({_when(plan)}); it may have been chosen "
            "with the result in view.",
        ))  # fmt: skip
    for name, value in run.items():
        planned, now = _compared(name, getattr(plan, name)), _compared(name, value)
        if now != planned:
            said.append(_otherwise(name, planned, now))
    return said


def planned_note(plan: Plan) -> Text:
    """Return one sentence that says when the plan was stored, and the first letters of its hash."""
    return Text(
        f"계획은 {_when(plan)}에 저장했습니다(해시 {plan.hash[:12]}).",
        f"The plan was stored on {_when(plan)} (hash {plan.hash[:12]}).",
    )


def _otherwise(name: str, planned: object, now: object) -> Text:
    ko, en = LABELS.get(name, (name, name))
    return Text(
        f"계획과 다릅니다. {ko}: 계획 {_said(planned)}, 실제 {_said(now)}.",
        f"Not as planned. {en}: planned {_said(planned)}, run {_said(now)}.",
    )


def _compared(name: str, value: object) -> object:
    """Return a value in the one form in which planned and run are compared."""
    if value is None or value == "":
        return None
    if name == "shares" and isinstance(value, Mapping):
        whole = sum(value.values())
        return {key: round(share / whole, 9) for key, share in sorted(value.items())}
    if name == "window":
        return dates.parse_window(value)
    if name in ("start", "end"):
        return dates.parse_day(value.date() if isinstance(value, dt.datetime) else value, name)
    return value


def _said(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {100 * share:g}%" for key, share in value.items())
    if isinstance(value, float):
        return f"{100 * value:g}%"
    if isinstance(value, dt.timedelta):
        return f"{value / dt.timedelta(days=1):g}d"
    return str(value)


def _when(plan: Plan) -> str:
    return f"{plan.written_at:%Y-%m-%d %H:%M %Z}" if plan.written_at else "–"


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


def _plain(value: object) -> object:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value


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
        raise EnvironmentProblem(
            ko=f"{path.parent.name}/{path.name}을(를) 쓸 수 없습니다: {error.strerror or error}.",
            en=f"{path.parent.name}/{path.name} cannot be written: {error.strerror or error}.",
        ) from None


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
