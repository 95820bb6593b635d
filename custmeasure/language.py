"""Which language the reader sees: Korean (``"ko"``) or English (``"en"``).

One notebook, one report page and one command speak one language; everything that words a number
or an error asks here. The choice is a context variable, so two threads may speak two languages.
"""

from contextvars import ContextVar
from typing import Literal

Lang = Literal["ko", "en"]

LANGUAGES: tuple[Lang, ...] = ("ko", "en")

_current: ContextVar[Lang] = ContextVar("custmeasure_language", default="en")


def current() -> Lang:
    """Return the language in use."""
    return _current.get()


def use(lang: Lang) -> None:
    """Speak ``lang`` from here on, in this thread.

    Raises
    ------
    ValueError
        If ``lang`` is neither ``"ko"`` nor ``"en"``.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be 'ko' or 'en', not {lang!r}")
    _current.set(lang)


def pick(ko: str, en: str, lang: Lang | None = None) -> str:
    """Return the wording of ``lang`` (the current language when not given)."""
    return ko if (lang or current()) == "ko" else en
