"""What a funnel asks for: its steps, and what must not happen between them.

A step is an event's name, or a `Step`; what must not happen is an `Exclusion`. Both have a text form, so
that a notebook's parameters can hold them: parts divided by ``;``, the event first.

>>> Step.of("purchase; within 1h; where device = mobile; optional")
Step(event='purchase', any_of=(), where=(('device', '=', 'mobile'),), optional=True, window='1h', name=None)
>>> Exclusion.of("logout; after add_to_cart; before purchase; stop_progress").then
'stop_progress'
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

from custmeasure import dates
from custmeasure.engine.filters import OPERATORS, Filters, check_filters
from custmeasure.engine.marks import Mark
from custmeasure.errors import UsageError, check_choice

ANY = "(any)"  # a step that every event serves
THEN = ("drop_unit", "stop_progress")
Changes: TypeAlias = dict[str, Any]

_WHERE = re.compile(
    r"(\S+)\s+({})\s+(.*)".format("|".join(map(re.escape, sorted(OPERATORS, key=len)[::-1])))
)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Asked:
    """What an event must be: of one name or of several, with filters; every event when nothing is said.

    Attributes
    ----------
    event
        The event's name.
    any_of
        Several names instead, of which one is enough.
    where
        Filters on the event's columns: triples of column, operator and value (see `engine.filters`).

    Raises
    ------
    UsageError
        When both ``event`` and ``any_of`` are given, or something is not of the form it must have.
    """

    event: str | None = None
    any_of: Sequence[str] = ()
    where: Filters = ()

    def __post_init__(self) -> None:
        names = self.any_of
        listed = not isinstance(names, str) and all(isinstance(each, str) for each in names)
        if not listed or not isinstance(self.event, str | None) or (self.event and self.any_of):
            raise UsageError(
                ko=f"{self!r}: event에 이름 하나를, 또는 any_of에 이름 목록을 적으십시오.",
                en=f"{self!r}: give one name as event, or a list of names as any_of.",
            )
        object.__setattr__(self, "any_of", tuple(self.any_of))
        object.__setattr__(self, "where", check_filters(self.where))

    @classmethod
    def of(cls, given: object) -> Self:
        """Return what is asked for: itself, or what a text says.

        Raises
        ------
        UsageError
            When it is neither, or the text does not say what is allowed here.
        """
        if isinstance(given, cls):
            return given
        if not isinstance(given, str):
            raise _no_step(given)
        event, *parts = (part.strip() for part in given.split(";"))
        allowed = _PARTS[cls]
        if not all(_word(part) in allowed for part in parts):
            return cls(given)  # a name in which a semicolon stands
        read = cls(event or None)
        for part in parts:
            read = replace(read, **allowed[_word(part)](read, _rest(part)))
        return read

    @property
    def names(self) -> tuple[str, ...]:
        """The events' names; none where any event will do."""
        return tuple(self.any_of) if self.event is None else (self.event,)

    @property
    def mark(self) -> Mark:
        """What sets this one's bit."""
        return Mark(self.names, tuple(self.where))


@dataclass(frozen=True)
class Step(Asked):
    """A step of a funnel; see `Asked` for what an event must be to serve it.

    Attributes
    ----------
    optional
        Whether the step may be missing. It changes no other step's count and no time is measured from it;
        with ``order="strict"`` its event may stand between the others.
    window
        How long it may take since the nearest earlier step that is not optional, the end included.
    name
        What to call it; the event's name when not given.
    """

    optional: bool = False
    window: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window is not None:
            dates.parse_window(self.window)

    @property
    def label(self) -> str:
        """What the step is called."""
        return self.name or " / ".join(self.names) or ANY

    def __str__(self) -> str:
        parts = [*_said(self)]
        parts += [f"within {self.window}"] if self.window else []
        parts += ["optional"] if self.optional else []
        return "; ".join(parts + ([f"name {self.name}"] if self.name else []))


@dataclass(frozen=True)
class Exclusion(Asked):
    """An event that must not happen between two steps; without a name, any event that is no step.

    It counts strictly after the one step and strictly before the other, or until the window's end where the
    other is never taken.

    Attributes
    ----------
    after, before
        The two steps, by name or place from 1; the first and the last when not given.
    then
        ``"drop_unit"``: the attempt is void, none of its steps count, and a unit all of whose attempts are
        void is left out of the funnel. ``"stop_progress"``: the attempt ends there; the steps before count.
    """

    after: str | int | None = None
    before: str | int | None = None
    then: str = "drop_unit"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("then", self.then, THEN)

    @property
    def mark(self) -> Mark:
        """What sets its bit."""
        return Mark(self.names, tuple(self.where), rest=not self.names and not self.where)

    def __str__(self) -> str:
        parts = [*_said(self)]
        parts += [f"after {self.after}"] if self.after is not None else []
        parts += [f"before {self.before}"] if self.before is not None else []
        return "; ".join([*parts, self.then])


# --- the text form ----------------------------------------------------------------------------------


def _word(part: str) -> str:
    return part.split(" ", 1)[0]


def _rest(part: str) -> str:
    return part[len(_word(part)) :].strip()


def _or(asked: Asked, name: str) -> Changes:
    return {"event": None, "any_of": (*asked.names, name)}


def _where(asked: Asked, text: str) -> Changes:
    match = _WHERE.fullmatch(text)
    if match is None:
        raise UsageError(
            ko=f"where {text!r}: '열 연산자 값'으로 적으십시오. 예: where device = mobile.",
            en=f"where {text!r}: write a column, an operator and a value, such as "
            "where device = mobile.",
        )
    column, operator, value = match.groups()
    return {"where": (*asked.where, (column, operator, _value(operator, value.strip())))}


def _value(operator: str, text: str) -> object:
    """Return a value as its operator wants it: ranks compare numbers, lists are divided by commas."""
    if operator in ("in", "not in"):
        return [part.strip() for part in text.split(",")]
    if operator not in ("=", "!=") and _NUMBER.fullmatch(text):
        return float(text)
    return text


def _place(text: str) -> str | int:
    return int(text) if text.isdigit() else text


# The first word of a part → what the rest of it changes.
_EVENT_PARTS: dict[str, Callable[[Asked, str], Changes]] = {"or": _or, "where": _where}
_PARTS: dict[type[Asked], dict[str, Callable[[Asked, str], Changes]]] = {
    Asked: _EVENT_PARTS,
    Step: _EVENT_PARTS
    | {
        "within": lambda _, text: {"window": text},
        "optional": lambda _, __: {"optional": True},
        "name": lambda _, text: {"name": text},
    },
    Exclusion: _EVENT_PARTS
    | {
        "after": lambda _, text: {"after": _place(text)},
        "before": lambda _, text: {"before": _place(text)},
        "drop_unit": lambda _, __: {"then": "drop_unit"},
        "stop_progress": lambda _, __: {"then": "stop_progress"},
    },
}


def _said(asked: Asked) -> list[str]:
    """Return the text form of what an event must be."""
    first, *others = asked.names or ("",)
    filters = [
        f"where {column} {operator} {_shown(value)}" for column, operator, value in asked.where
    ]
    return [first, *(f"or {name}" for name in others), *filters]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _no_step(given: object) -> UsageError:
    return UsageError(
        ko=f"steps {given!r}: 단계를 차례로 적은 목록이어야 합니다. 예: ['visit', 'purchase'].",
        en=f"steps {given!r} must be a list of events in order, such as ['visit', 'purchase'].",
    )
