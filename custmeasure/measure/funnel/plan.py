"""A funnel's whole question: steps, order, windows, exclusions; and the same as the kernel's rules."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from custmeasure import dates
from custmeasure.engine.marks import Mark
from custmeasure.engine.sequence import FIRST, LAST, MOST_STEPS, ORDERS, Exclude, Rules
from custmeasure.errors import UnknownName, UsageError, check_choice
from custmeasure.measure.funnel.steps import Exclusion, Step

TIES = ("together", "later")
ATTEMPTS = ("best", "first")
PLACES = {"first": FIRST, "last": LAST}
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Plan:
    """What is asked, checked."""

    steps: tuple[Step, ...]
    exclusions: tuple[Exclusion, ...]
    window: dt.timedelta
    order: str
    ties: str
    attempts: str
    by_at: str | int
    session: dt.timedelta | None

    @classmethod
    def of(
        cls,
        steps: Sequence[object],
        exclusions: Sequence[object],
        *,
        window: object,
        order: str,
        ties: str,
        attempts: str,
        by_at: str | int,
        session: object,
    ) -> Self:
        """Return the plan of what a caller asks.

        Raises
        ------
        UsageError
            For what cannot be read, or does not go together.
        UnknownName
            For an order, a tie rule, a kind of attempt or a step that does not exist.
        """
        check_choice("order", order, ORDERS)
        check_choice("ties", ties, TIES)
        check_choice("attempts", attempts, ATTEMPTS)
        plan = cls(
            _listed(steps, Step),
            _listed(exclusions, Exclusion) if exclusions else (),
            dates.parse_window(window),
            order,
            ties,
            attempts,
            by_at,
            None if session is None else dates.parse_window(session, "session"),
        )
        plan._check()
        return plan

    @property
    def labels(self) -> list[str]:
        """The steps' names, in order."""
        return [step.label for step in self.steps]

    @property
    def optional(self) -> tuple[int, ...]:
        """The places of the optional steps."""
        return tuple(place for place, step in enumerate(self.steps) if step.optional)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What sets each bit of an event: the steps, then the exclusions, those of the rest first."""
        return tuple(asked.mark for asked in (*self.steps, *self._ruled_out))

    @property
    def _ruled_out(self) -> list[Exclusion]:
        return sorted(self.exclusions, key=lambda exclusion: not exclusion.mark.rest)

    @property
    def said(self) -> tuple[str, ...] | None:
        """The steps in words, where a name alone does not say them."""
        texts = tuple(map(str, self.steps))
        return None if list(texts) == self.labels else texts

    @property
    def by_label(self) -> str:
        """The step whose event names a unit's segment."""
        step = self._by_step()
        if step == FIRST and self.order != "any":
            step = 0
        return self.labels[step] if step >= 0 else str(self.by_at)

    def rules(
        self, first: dt.datetime | None, last: dt.datetime | None, as_of: dt.datetime | None
    ) -> Rules:
        """Return the rules for entries between two instants, of data known until ``as_of``."""
        steps = [step.mark for step in self.steps]
        limits = [step.window and dates.parse_window(step.window) for step in self.steps]
        return Rules(
            len(steps),
            self.window // _MICROSECOND,
            self.order,
            later=self.ties == "later",
            optional=self.optional,
            limits=tuple(limit // _MICROSECOND if limit else None for limit in limits),
            excludes=tuple(
                Exclude(len(steps) + n, *self._span(each), each.then == "drop_unit")
                for n, each in enumerate(self._ruled_out)
            ),
            twins=tuple(steps.index(mark) for mark in steps),
            first=micros(first),
            last=micros(last),
            as_of=micros(as_of),
            idle=self.session // _MICROSECOND if self.session else None,
            only_first=self.attempts == "first",
            by_step=self._by_step(),
        )

    def _by_step(self) -> int:
        named = isinstance(self.by_at, str) and self.by_at in PLACES
        return PLACES[str(self.by_at)] if named else self._place(self.by_at)

    def _place(self, step: str | int) -> int:
        """Return the place, from 0, of a step by its name or its place from 1."""
        if isinstance(step, int) and not isinstance(step, bool) and 0 < step <= len(self.steps):
            return step - 1
        if isinstance(step, str) and step in self.labels:
            return self.labels.index(step)
        raise UnknownName("step", step, self.labels)

    def _span(self, exclusion: Exclusion) -> tuple[int, int]:
        """Return the places between which an exclusion counts."""
        musts = [place for place in range(len(self.steps)) if place not in self.optional]
        after = 0 if exclusion.after is None else self._place(exclusion.after)
        before = musts[-1] if exclusion.before is None else self._place(exclusion.before)
        whole = self.order != "any" or (after == 0 and before == len(self.steps) - 1)
        if after in musts and before in musts and after < before and whole:
            return after, before
        raise UsageError(
            ko=f"'{exclusion}': after와 before에는 빠질 수 없는 두 단계를 차례로 적으십시오. "
            "order='any'에서는 둘 다 빼십시오.",
            en=f"'{exclusion}': after and before must be two steps that are not optional, in their "
            "order. With order='any' leave both out.",
        )

    def _check(self) -> None:
        if len(self.steps) > MOST_STEPS or len(self.exclusions) > MOST_STEPS:
            raise UsageError(
                ko=f"단계와 제외는 각각 {MOST_STEPS}개까지 쓸 수 있습니다.",
                en=f"A funnel has at most {MOST_STEPS} steps and {MOST_STEPS} exclusions.",
            )
        if self.steps[0].optional or self.steps[0].window or self.steps[-1].optional:
            raise UsageError(
                ko="첫 단계에는 optional이나 window를, 마지막 단계에는 optional을 쓸 수 없습니다.",
                en="The first step can neither be optional nor have a window, and the last step, "
                "which the funnel leads to, cannot be optional.",
            )
        if self.order == "any":
            self._check_any()
        self.rules(None, None, None)

    def _check_any(self) -> None:
        if self.ties == "later":
            raise UsageError(
                ko="order='any'에서는 앞뒤 단계가 없으므로 ties='later'를 쓸 수 없습니다. ties를 빼십시오.",
                en="With order='any' no step comes before another, so ties='later' says nothing. "
                "Leave ties out.",
            )
        if self.optional or any(step.window for step in self.steps):
            raise UsageError(
                ko="order='any'에서는 앞뒤 단계가 없으므로 단계에 optional이나 window를 쓸 수 없습니다.",
                en="With order='any' no step comes before another, so a step can neither be optional "
                "nor have a window of its own.",
            )


def micros(instant: dt.datetime | None) -> int | None:
    """Return an instant as µs since 1970 in UTC."""
    if instant is None:
        return None
    return (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // _MICROSECOND


def _listed(given: object, kind: type[Step] | type[Exclusion]) -> tuple:  # type: ignore[type-arg]
    """Return what is asked as steps or exclusions, refusing what is no list."""
    if isinstance(given, str | kind) or not isinstance(given, Sequence) or not given:
        kind.of(None if isinstance(given, str | kind) else given)
        raise AssertionError
    return tuple(kind.of(each) for each in given)
