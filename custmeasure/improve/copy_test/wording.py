"""How a copy test's numbers are said: each with its denominator and its interval."""

from collections.abc import Callable

import pandas as pd

from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.words import Text

Row = pd.Series


def both(sentences: dict[Lang, str]) -> Text:
    """Return what was said in each language as one text."""
    return Text(sentences["ko"], sentences["en"])


def variant(name: object, lang: Lang) -> str:
    """Return a variant as a reader says it."""
    return pick(f"{name}안", str(name), lang)


def value(row: Row, lang: Lang, currency: str) -> str:
    """Return a variant's rate or mean with its interval and denominator."""
    column = "conversion_rate" if "conversion_rate" in row else "revenue_amount"
    n = fmt.whole(row["n_units"], lang)
    if column == "revenue_amount":
        of = pick(f"{n}명", f"{n} people", lang)
    else:
        k = fmt.whole(row["n_conversions"], lang)
        of = pick(f"{n}명 중 {k}명", f"{k} of {n}", lang)
    return _with_interval(row, column, lang, currency, of)


def effect(row: Row, lang: Lang, currency: str) -> str:
    """Return a treatment's relative difference, or the plain one where that is not defined."""
    relative = pd.notna(row["rel_diff_ci_lower"])
    column = "rel_diff" if relative else "diff"
    name = pick("상대 차이", "relative difference", lang) if relative else pick(
        "차이", "difference", lang
    )  # fmt: skip
    return f"{name} {_with_interval(row, column, lang, currency)}"


def p_value(row: Row, lang: Lang, *, several: bool) -> str:
    """Return a treatment's p-value, adjusted when it is one of several; nothing when it has none."""
    if pd.isna(row["p_value_adj"]):
        return ""
    shown = fmt.show("p_value", row["p_value_adj"], lang)
    if several:
        return pick(f", 보정한 p값 {shown}", f", adjusted p-value {shown}", lang)
    return pick(f", p값 {shown}", f", p-value {shown}", lang)


def percent(share: float) -> str:
    """Return a share without its sign and without idle zeros: ``5%``, ``8.8%``."""
    return f"{100 * abs(share):.1f}".removesuffix(".0") + "%"


def against(
    treatment: Row, control: Row, currency: str, lang: Lang, *, several: bool = False
) -> str:
    """Return treatment and control side by side, then their difference."""
    metric = _metric(treatment, lang)
    parts = [
        f"{variant(row['variant'], lang)} {value(row, lang, currency)}"
        for row in (treatment, control)
    ]
    sides = pick(f"{metric}은 {parts[0]}, {parts[1]}입니다.", f"{metric}: {parts[0]}, {parts[1]}.",
                 lang)  # fmt: skip
    if pd.isna(treatment["diff_ci_lower"]):
        return sides
    gap = effect(treatment, lang, currency) + p_value(treatment, lang, several=several)
    return f"{sides} {gap[0].upper()}{gap[1:]}."


def split(counts: dict[str, int], lang: Lang) -> str:
    """Return the units of each variant: ``A 5,000, B 4,600``."""
    return ", ".join(
        pick(f"{variant(name, lang)} {n:,}명", f"{name} {n:,}", lang) for name, n in counts.items()
    )


def each(sentence: Callable[[Lang], str]) -> Text:
    """Return ``sentence`` said in every language."""
    return both({lang: sentence(lang) for lang in LANGUAGES})


def _with_interval(row: Row, column: str, lang: Lang, currency: str, of: str = "") -> str:
    overrides = {"diff": fmt.money_change} if "revenue_amount" in row else None
    shown, *ends = (
        fmt.show(column + end, row[column + end], lang, currency, overrides)
        for end in ("", "_ci_lower", "_ci_upper")
    )
    inside = ", ".join(part for part in (fmt.interval(ends[0], ends[1], lang), of) if part)
    if not inside:
        return shown
    return pick(f"{shown}({inside})", f"{shown} ({inside})", lang)


def _metric(row: Row, lang: Lang) -> str:
    if "conversion_rate" in row:
        return pick("전환율", "Conversion rate", lang)
    return pick("1인당 순매출", "Net revenue a person", lang)
