"""One family of errors: what was wrong, where, what is allowed, the nearest match, what to do.

Every message exists in Korean and in English and fits the reader's own words. In Jupyter these
errors print as one sentence, without a traceback; on the command line they become the exit code.
"""

import difflib
from collections.abc import Iterable, Sequence

from custmeasure import language
from custmeasure.language import Lang

_SHOWN = 8

# What a name can be the name of: (Korean, English).
KINDS: dict[str, tuple[str, str]] = {
    "step": ("단계", "step"),
    "column": ("열", "column"),
    "table": ("표", "table"),
    "period": ("기간 단위", "period"),
    "parameter": ("매개변수", "parameter"),
    "notebook": ("노트북", "notebook"),
    "experiment": ("실험", "experiment"),
    "variant": ("안(variant)", "variant"),
    "metric": ("지표", "metric"),
    "mode": ("방식(mode)", "mode"),
    "order": ("순서(order)", "order"),
    "ties": ("동시각 처리(ties)", "ties"),
    "cohort": ("코호트 방식(cohort)", "cohort"),
    "setting": ("설정", "setting"),
    "event": ("행동(event)", "event"),
    "export": ("내보내기", "export"),
    "language": ("언어", "language"),
    "time zone": ("시간대", "time zone"),
    "currency": ("통화", "currency"),
    "operator": ("연산자", "operator"),
    "clock": ("기간 세는 법(clock)", "clock"),
    "week_start": ("한 주의 첫날(week_start)", "week_start"),
}


class CustmeasureError(Exception):
    """A mistake or a condition that the reader can act on.

    Parameters
    ----------
    ko, en
        The message in each language: what was wrong, where, and what to do.
    """

    exit_code = 4

    def __init__(self, ko: str, en: str) -> None:
        self.ko = ko
        self.en = en
        super().__init__(en)

    def message(self, lang: Lang | None = None) -> str:
        """Return the message in ``lang`` (the current language when not given)."""
        return language.pick(self.ko, self.en, lang)

    def __str__(self) -> str:
        return self.message()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.ko, self.en)

    def _render_traceback_(self) -> list[str]:
        """Let IPython print the sentence alone: a user's mistake is not a crash."""
        return [f"{type(self).__name__}: {self.message()}"]


def _rebuild(cls: type[CustmeasureError], ko: str, en: str) -> CustmeasureError:
    error = cls.__new__(cls)
    CustmeasureError.__init__(error, ko, en)
    return error


class UsageError(CustmeasureError, ValueError):
    """An argument, a parameter or a setting is not usable (exit 2)."""

    exit_code = 2


class DataError(CustmeasureError, ValueError):
    """The data cannot be used as they are (exit 1)."""

    exit_code = 1


class EnvironmentProblem(CustmeasureError, OSError):
    """Disk, permission, database or another thing outside the data stands in the way (exit 3)."""

    exit_code = 3


def unwritable(name: str, error: OSError) -> EnvironmentProblem:
    """Return what to raise where a file could not be written."""
    reason = error.strerror or error
    return EnvironmentProblem(
        ko=f"{name}을(를) 쓸 수 없습니다: {reason}.", en=f"{name} cannot be written: {reason}."
    )


class Busy(CustmeasureError):
    """Another run holds the lock (exit 75)."""

    exit_code = 75


class UnknownName(UsageError):
    """A name that does not exist, with the nearest one that does.

    Parameters
    ----------
    kind
        What the name is the name of, a key of `KINDS`.
    value
        The name as given.
    seen
        The names that exist.
    where
        Where they exist, in the contract's words (``"events.event"``).
    """

    def __init__(self, kind: str, value: object, seen: Iterable[object], where: str = "") -> None:
        names = [str(name) for name in seen]
        near = nearest(str(value), names)
        kind_ko, kind_en = KINDS.get(kind, (kind, kind))
        place_ko, place_en = (f" {where}에", f" in {where}") if where else ("", "")
        hint_ko = f" 혹시 '{near}'인가요?" if near else ""
        hint_en = f" Did you mean '{near}'?" if near else ""
        super().__init__(
            ko=f"{kind_ko} '{value}'이(가){place_ko} 없습니다.{hint_ko} 있는 것: {listed(names)}.",
            en=f"{kind_en} '{value}' does not exist{place_en}.{hint_en} Seen: {listed(names)}.",
        )


def nearest(value: str, names: Sequence[str]) -> str | None:
    """Return the existing name most like ``value``, or None when none is close."""
    by_fold = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(value.casefold(), list(by_fold), n=1, cutoff=0.5)
    return by_fold[near[0]] if near else None


def listed(names: Sequence[str]) -> str:
    """Return the first names and how many more there are: ``view, cart, buy (+4)``."""
    if not names:
        return "-"
    more = f" (+{len(names) - _SHOWN})" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def check_choice(kind: str, value: object, allowed: Sequence[str]) -> str:
    """Return ``value`` when it is one of ``allowed``.

    Raises
    ------
    UnknownName
        With the nearest allowed value.
    """
    if isinstance(value, str) and value in allowed:
        return value
    raise UnknownName(kind, value, allowed)
