"""What a plan says, and what is run otherwise than planned."""

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from custmeasure import dates
from custmeasure.errors import UsageError, check_choice
from custmeasure.show.labels import LABELS
from custmeasure.show.words import Text
from custmeasure.stats.planning import METHODS
from custmeasure.stats.tails import check_level

KINDS = ("split", "by_day")


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
    strata
        The column inside whose groups variants are compared; None for no groups.
    prior
        How large relative effects usually are, for the Bayesian view; None for a flat one.
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
    strata: str | None = None
    prior: float | None = None
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
        numbers += [] if self.prior is None else [self.prior]
        if not all(isinstance(n, int | float) and 0 < n < math.inf for n in numbers):
            raise UsageError(
                ko="의미 있는 최소 차이, 안의 배분, 미리 아는 효과의 크기는 모두 0보다 큰 수여야 합니다.",
                en="The smallest difference that matters, every share and the usual size of effects must "
                "be numbers above 0.",
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
        # Plans of the time before these could be planned have no such key.
        unplanned = [name for name in ("strata", "prior") if every[name] is None]
        for name in ("written_at", "hash", "late", "edited", *unplanned):
            del every[name]
        return {name: _plain(value) for name, value in every.items()}

    def digest(self) -> str:
        """Return the SHA-256 of `content`, however the file is spaced."""
        text = json.dumps(self.content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def changes(plan: Plan, run: Mapping[str, object]) -> list[Text]:
    """Return what is run otherwise than planned, one sentence each; nothing when all is as planned.

    Parameters
    ----------
    plan
        The stored plan, from `read_plan`.
    run
        What is run, under the names of `Plan`'s attributes: any of ``metric, window, unit, control,
        shares, start, end, alpha, min_effect, method, strata, prior, carry_over``. Names that are left
        out are not compared; shares may be in any unit, days a `datetime.date` or ``YYYY-MM-DD``, a
        window its text or a `datetime.timedelta`.
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


def _plain(value: object) -> object:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value
