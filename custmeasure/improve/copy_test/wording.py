"""How a copy test's numbers are said: each with its denominator and its interval."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.rows import Row
from custmeasure.show.words import Text


def plain_change(value: float, lang: Lang, currency: str = "") -> str:
    """Return a difference that has no unit, with its sign."""
    return ("+" if value > 0 else "") + fmt.plain(value, lang, currency).replace("-", "−")


def both(sentences: dict[Lang, str]) -> Text:
    """Return what was said in each language as one text."""
    return Text(sentences["ko"], sentences["en"])


def variant(name: object, lang: Lang) -> str:
    """Return a variant as a reader says it."""
    return pick(f"{name}안", str(name), lang)


@dataclass(frozen=True)
class Said:
    """How one metric is said.

    Attributes
    ----------
    title
        What a reader calls it.
    value
        The column of a variant's own value.
    formats
        How columns look whose name alone does not decide it.
    currency
        Of its amounts.
    """

    title: Text
    value: str
    formats: Mapping[str, fmt.Formatter]
    currency: str = "KRW"


def value(row: Row, lang: Lang, said: Said) -> str:
    """Return a variant's rate or mean with its interval and denominator."""
    n = fmt.whole(row["n_units"], lang)
    if said.value != "conversion_rate":
        of = pick(f"{n}명", f"{n} people", lang)
    else:
        k = fmt.whole(row["n_conversions"], lang)
        of = pick(f"{n}명 중 {k}명", f"{k} of {n}", lang)
    return _with_interval(row, said.value, lang, said, of)


def effect(row: Row, lang: Lang, said: Said) -> str:
    """Return a treatment's relative difference, or the plain one where that is not defined."""
    relative = not math.isnan(row["rel_diff_ci_lower"])
    column = "rel_diff" if relative else "diff"
    name = pick("상대 차이", "relative difference", lang) if relative else pick(
        "차이", "difference", lang
    )  # fmt: skip
    return f"{name} {_with_interval(row, column, lang, said)}"


def p_value(row: Row, lang: Lang, *, several: bool) -> str:
    """Return a treatment's p-value, adjusted when it is one of several; nothing when it has none."""
    if math.isnan(row["p_value_adj"]):
        return ""
    shown = fmt.show("p_value", row["p_value_adj"], lang)
    if several:
        return pick(f", 보정한 p값 {shown}", f", adjusted p-value {shown}", lang)
    return pick(f", p값 {shown}", f", p-value {shown}", lang)


def percent(share: float) -> str:
    """Return a share without its sign and without idle zeros: ``5%``, ``8.8%``."""
    return f"{100 * abs(share):.1f}".removesuffix(".0") + "%"


def against(treatment: Row, control: Row, said: Said, lang: Lang, *, several: bool = False) -> str:
    """Return treatment and control side by side, then their difference."""
    metric = said.title.in_(lang)
    parts = [
        f"{variant(row['variant'], lang)} {value(row, lang, said)}" for row in (treatment, control)
    ]
    sides = pick(
        f"{metric}{topic(metric)} {parts[0]}, {parts[1]}입니다.",
        f"{metric}: {parts[0]}, {parts[1]}.",
        lang,
    )
    if math.isnan(treatment["diff_ci_lower"]):
        return sides
    gap = effect(treatment, lang, said) + p_value(treatment, lang, several=several)
    return f"{sides} {gap[0].upper()}{gap[1:]}."


def topic(word: str) -> str:
    """Return the Korean particle after ``word``: 은 after a final consonant, 는 after a vowel."""
    last = ord(word[-1]) - 0xAC00 if word else -1
    if not 0 <= last < 11_172:
        return "은(는)"
    return "은" if last % 28 else "는"


def split(counts: dict[str, int], lang: Lang) -> str:
    """Return the units of each variant: ``A 5,000, B 4,600``."""
    return ", ".join(
        pick(f"{variant(name, lang)} {n:,}명", f"{name} {n:,}", lang) for name, n in counts.items()
    )


def each(sentence: Callable[[Lang], str]) -> Text:
    """Return ``sentence`` said in every language."""
    return both({lang: sentence(lang) for lang in LANGUAGES})


def _with_interval(row: Row, column: str, lang: Lang, said: Said, of: str = "") -> str:
    shown, *ends = (
        fmt.show(column + end, row[column + end], lang, said.currency, said.formats)
        for end in ("", "_ci_lower", "_ci_upper")
    )
    inside = ", ".join(part for part in (fmt.interval(ends[0], ends[1], lang), of) if part)
    if not inside:
        return shown
    return pick(f"{shown}({inside})", f"{shown} ({inside})", lang)
