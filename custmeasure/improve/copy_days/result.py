"""What a test by the day looks like: each copy's days, the difference, the verdict with its reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure.improve.copy_days.reading import METRICS
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.mean import Moments
from custmeasure.stats.randomisation import PairComparison

EFFECT = (
    "diff", "diff_ci_lower", "diff_ci_upper", "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper",
    "p_value",
)  # fmt: skip
VALUES = {
    "conversion": "conversion_rate",
    "revenue": "revenue_a_visit_amount",
    "visitors": "n_visitors_a_day",
}


def _visits_change(value: float, lang: Lang, _: str = "") -> str:  # noqa: ARG001
    return f"{value:+,.1f}".replace("-", "−")


def _columns(metric: str) -> tuple[str, ...]:
    value = VALUES[metric]
    counted = ("n_conversions",) if metric == "conversion" else ()
    ends = (value, f"{value}_ci_lower", f"{value}_ci_upper")
    return ("variant", "n_days", "n_visitors", *counted, *ends, *EFFECT)


@dataclass(frozen=True, eq=False, repr=False)
class CopyDaysResult(Result):
    """Two copies by their days; ``days`` holds every day, ``pair`` and ``used`` included."""

    name: ClassVar[str] = "copy_days"
    COLUMNS: ClassVar[tuple[str, ...]] = _columns("conversion")
    days: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)

    def shown_frame(self) -> pd.DataFrame:
        """Return the columns that are printed; the number of days stands in the headline."""
        return self.frame.drop(columns="n_days")


@dataclass(frozen=True, eq=False, repr=False)
class RevenueDaysResult(CopyDaysResult):
    """Two copies by their revenue a visitor."""

    COLUMNS: ClassVar[tuple[str, ...]] = _columns("revenue")
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {"diff": fmt.money_change}


@dataclass(frozen=True, eq=False, repr=False)
class VisitorDaysResult(CopyDaysResult):
    """Two copies by the visitors of a day: does the new title or picture bring more of them?"""

    COLUMNS: ClassVar[tuple[str, ...]] = _columns("visitors")
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {
        "n_visitors_a_day": fmt.plain,
        "diff": _visits_change,
    }


KINDS = dict(zip(METRICS, (CopyDaysResult, RevenueDaysResult, VisitorDaysResult), strict=True))


def table(
    days: pd.DataFrame, seen: PairComparison, names: tuple[str, str], metric: str
) -> pd.DataFrame:
    """Return one row a copy, the control first, from the days that were used."""
    rows = [_alone(days[days["used"] & (days["variant"] == name)], name, metric) for name in names]
    effects = {name: [np.nan, getattr(seen, name)] for name in EFFECT}
    frame = pd.concat([pd.DataFrame(rows), pd.DataFrame(effects)], axis=1)
    return frame[list(KINDS[metric].COLUMNS)]


def _alone(days: pd.DataFrame, name: str, metric: str) -> dict[str, object]:
    """Return a copy's totals and its value, with an interval whose units are days, not visitors."""
    n = int(days["n_visitors"].sum())
    value = VALUES[metric]
    middle, half = _over_days(days["value"].to_numpy(float), days["n"].to_numpy(float))
    return {
        "variant": name, "n_days": len(days), "n_visitors": n,
        "n_conversions": int(days["n_conversions"].sum()),
        value: middle, f"{value}_ci_lower": max(middle - half, 0.0) if np.isfinite(half) else np.nan,
        f"{value}_ci_upper": middle + half,
    }  # fmt: skip


def _over_days(value: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """Return the ratio of totals over days and half its t interval, by the delta method.

    A day's residual (value - ratio) n / mean(n) has the ratio's variance: Cochran (1977), Sampling
    Techniques, 3rd ed., section 6.4.
    """
    if not len(n):
        return np.nan, np.nan
    ratio = float((value * n).sum() / n.sum())
    lower, upper = Moments.from_values(ratio + (value - ratio) * n / n.mean()).interval()
    return ratio, (upper - lower) / 2


def said(row: pd.Series, metric: str, currency: str, lang: Lang) -> str:
    """Return a copy's value with its denominators: ``B 4.9% (115 of 2,345, 28 days)``."""
    column = VALUES[metric]
    overrides = KINDS[metric].FORMATS
    shown = fmt.show(column, row[column], lang, currency, overrides)
    n, days = fmt.whole(row["n_visitors"], lang), fmt.whole(row["n_days"], lang)
    if metric == "conversion":
        k = fmt.whole(row["n_conversions"], lang)
        of = pick(f"방문 {n} 중 {k}, {days}일", f"{k} of {n} visits, {days} days", lang)
    else:
        of = pick(f"방문 {n}, {days}일", f"{n} visits, {days} days", lang)
    return pick(f"{row['variant']}안 {shown}({of})", f"{row['variant']} {shown} ({of})", lang)


def against(frame: pd.DataFrame, metric: str, currency: str, lang: Lang) -> str:
    """Return treatment and control side by side, then their difference."""
    control, treatment = frame.iloc[0], frame.iloc[1]
    sides = f"{said(treatment, metric, currency, lang)}, {said(control, metric, currency, lang)}"
    titles = {
        "conversion": ("전환율은", "Conversion rate"),
        "revenue": ("방문 1회당 매출은", "Revenue a visit"),
        "visitors": ("하루 방문은", "Visits a day"),
    }
    end = pick("입니다.", ".", lang)
    first = f"{pick(*titles[metric], lang)}{pick(' ', ': ', lang)}{sides}{end}"
    return f"{first} {_effect(treatment, metric, currency, lang)}".strip()


def _effect(row: pd.Series, metric: str, currency: str, lang: Lang) -> str:
    relative = pd.notna(row["rel_diff_ci_lower"]) and pd.notna(row["rel_diff_ci_upper"])
    column = "rel_diff" if relative else "diff"
    if pd.isna(row[f"{column}_ci_lower"]):
        return ""
    value, low, high = (
        fmt.show(f"{column}{end}", row[f"{column}{end}"], lang, currency, KINDS[metric].FORMATS)
        for end in ("", "_ci_lower", "_ci_upper")
    )
    p_value = fmt.show("p_value", row["p_value"], lang)
    name = pick(
        "상대 차이" if relative else "차이",
        "Relative difference" if relative else "Difference",
        lang,
    )
    inside = fmt.interval(low, high, lang)
    return pick(
        f"{name} {value}({inside}), p값 {p_value}.",
        f"{name} {value} ({inside}), p-value {p_value}.",
        lang,
    )


def each(sentence: Callable[[Lang], str]) -> Text:
    """Return ``sentence(lang)`` said in every language."""
    spoken = {lang: sentence(lang) for lang in LANGUAGES}
    return Text(spoken["ko"], spoken["en"])


def nothing(
    verdict: Verdict, metric: str, definition: Mapping[str, object] | None = None
) -> CopyDaysResult:
    """Return a result without rows, and why."""
    kind = KINDS[metric]
    return kind(pd.DataFrame(columns=list(kind.COLUMNS)), definition or {}, verdict=verdict)
