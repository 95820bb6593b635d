"""What a copy test looks like."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from custmeasure.improve.copy_test.effects import EFFECT
from custmeasure.improve.copy_test.wording import plain_change
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.rows import Rows, framed
from custmeasure.show.words import Text, Verdict

if TYPE_CHECKING:
    import pandas as pd

_FORMATS: Mapping[str, fmt.Formatter] = {"srm_p_value": fmt.p_value}

# What is believed after the test: columns of one posterior, the last three ÷ the control's value.
BELIEVED = (
    "chance_to_beat_share", "loss_share",
    "credible_rel_diff", "credible_rel_diff_ci_lower", "credible_rel_diff_ci_upper",
)  # fmt: skip

# How differences look, by what a variant's own value is.
FORMATS: Mapping[str, Mapping[str, fmt.Formatter]] = {
    "conversion_rate": _FORMATS,
    "revenue_amount": {**_FORMATS, "diff": fmt.money_change},
    "metric_value": {**_FORMATS, "diff": plain_change},
}
MONEY: Mapping[str, fmt.Formatter] = {
    **_FORMATS, "diff": fmt.money_change, "metric_value": fmt.money, "cap": fmt.money,
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class CopyTestResult(Result):
    """Variants side by side by their conversion rate; see the module for the columns.

    Attributes
    ----------
    metrics
        One row a metric and treatment: its role, relative difference, adjusted p-value, the
        Bayesian view, and how often random splits of the same units were significant.
    daily
        One row a day and treatment: the difference so far, with the interval of that day's look.
    segments
        One row a segment and treatment, adjusted by Benjamini-Hochberg; empty without ``by``.
    checks
        One row a check of the data, in the order in which they were made.
    """

    _: KW_ONLY
    metrics: "pd.DataFrame" = framed()
    daily: "pd.DataFrame" = framed()
    segments: "pd.DataFrame" = framed()
    checks: "pd.DataFrame" = framed()

    @property
    def outcomes(self) -> "pd.DataFrame":
        """What was tested: `metrics` without what is believed of it."""
        return self.metrics.drop(columns=[name for name in BELIEVED if name in self.metrics])

    @property
    def believed(self) -> "pd.DataFrame":
        """The Bayesian view: one row a metric and treatment, of one posterior."""
        return self.metrics[[n for n in ("metric", "variant", *BELIEVED) if n in self.metrics]]

    name: ClassVar[str] = "copy_test"
    VALUE: ClassVar[str] = "conversion_rate"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units", "n_conversions",
        "conversion_rate", "conversion_rate_ci_lower", "conversion_rate_ci_upper", *EFFECT,
    )  # fmt: skip

    @property
    def formats(self) -> Mapping[str, fmt.Formatter]:
        """How columns look whose name alone does not decide it."""
        if self.VALUE == "metric_value" and "currency" in self.definition:
            return MONEY
        return FORMATS[self.VALUE]

    def shown_frame(self) -> "pd.DataFrame":
        """Return the rows that are printed: the adjusted p-value only where there are several."""
        several = len(self.frame) > 2 or bool(
            (self.frame["p_value_adj"] > self.frame["p_value"]).any()
        )
        return self.frame if several else self.frame.drop(columns="p_value_adj")


@dataclass(frozen=True, eq=False, repr=False)
class RevenueTestResult(CopyTestResult):
    """Variants side by side by their net revenue a unit."""

    VALUE: ClassVar[str] = "revenue_amount"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units",
        "revenue_amount", "revenue_amount_ci_lower", "revenue_amount_ci_upper", *EFFECT,
    )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ValueTestResult(CopyTestResult):
    """Variants side by side by another mean, a ratio or a quantile."""

    VALUE: ClassVar[str] = "metric_value"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units", "metric_value", "metric_value_ci_lower", "metric_value_ci_upper", *EFFECT,
    )  # fmt: skip


RESULTS = {each.VALUE: each for each in (CopyTestResult, RevenueTestResult, ValueTestResult)}


def missing_copy_test(
    verdict: Verdict, definition: Mapping[str, object] | None = None, *, value: str
) -> CopyTestResult:
    """Return a test that has no rows, because a table or all exposures are missing."""
    kind = RESULTS[value]
    return kind(Rows(kind.COLUMNS).frame(), definition or {}, verdict=verdict)


def nobody() -> Verdict:
    """Return the verdict of a test that nobody entered."""
    reason = Text("이 기간에 시험에 든 사람이 없습니다.", "Nobody entered the test in this period.")
    return Verdict("cannot_tell", reason, code="NO_UNITS")
