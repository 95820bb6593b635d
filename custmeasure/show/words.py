"""Words in Korean and English: sentences, verdicts and the labels of columns."""

from typing import Self

from custmeasure import language
from custmeasure.language import Lang

VERDICTS = ("better", "worse", "no_difference", "cannot_tell", "invalid")

_VERDICT_WORDS: dict[str, tuple[str, str]] = {
    "better": ("더 나음", "Better"),
    "worse": ("더 나쁨", "Worse"),
    "no_difference": ("차이 없음", "No difference"),
    "cannot_tell": ("아직 모름", "Cannot tell yet"),
    "invalid": ("쓸 수 없음", "Not valid"),
}


class Text(str):
    """A sentence in both languages; as a plain `str` it is the English one."""

    __slots__ = ("ko",)
    ko: str

    def __new__(cls, ko: str, en: str) -> Self:  # noqa: D102
        text = super().__new__(cls, en)
        text.ko = ko
        return text

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return self.ko, str(self)

    def in_(self, lang: Lang | None = None) -> str:
        """Return the sentence in ``lang`` (the current language when not given)."""
        return language.pick(self.ko, str(self), lang)

    def both(self) -> dict[str, str]:
        """Return ``{"ko": …, "en": …}``."""
        return {"ko": self.ko, "en": str(self)}


class Verdict(str):
    """One of `VERDICTS`, with the reason in words and, for degenerate data, its code.

    Raises
    ------
    ValueError
        When the word is not a verdict.
    """

    reason: Text
    code: str | None

    def __new__(cls, word: str, reason: Text, code: str | None = None) -> Self:  # noqa: D102
        if word not in VERDICTS:
            raise ValueError(f"{word!r} is not a verdict: {', '.join(VERDICTS)}")
        verdict = super().__new__(cls, word)
        verdict.reason = reason
        verdict.code = code
        return verdict

    def __getnewargs__(  # type: ignore[override]
        self,
    ) -> tuple[str, Text, str | None]:
        return str(self), self.reason, self.code

    def word(self, lang: Lang | None = None) -> str:
        """Return the verdict as a reader says it: ``Cannot tell yet``."""
        return verdict_word(str(self), lang)


def verdict_word(verdict: str, lang: Lang | None = None) -> str:
    """Return the words of ``verdict`` in ``lang``."""
    return language.pick(*_VERDICT_WORDS[verdict], lang)
