"""What is asked of a test, and what was fixed before anybody looked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test.effects import (
    Measured,
    Quantile,
    Rate,
    Sample,
    Stratified,
)
from custmeasure.improve.copy_test.result import FORMATS, MONEY
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.improve.copy_test.wording import Said
from custmeasure.show.rows import Rows
from custmeasure.show.words import Text
from custmeasure.stats import Joint, Moments
from custmeasure.stats.placebo import Placebo
from custmeasure.stats.tails import check_level, is_positive

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Plan:
    """What was fixed before the data were looked at.

    Attributes
    ----------
    control
        The variant that the others are compared with; the first one when None.
    shares
        Variant → planned share of the units; equal when None.
    min_effect
        The smallest relative difference that matters.
    alpha
        1 - the confidence, and the level of the test.
    prior
        How large relative effects usually are, for the Bayesian view: the standard deviation of a
        normal law around 0. Flat when None.
    """

    control: str | None = None
    shares: Mapping[str, float] | None = None
    min_effect: float = 0.05
    alpha: float = 0.05
    prior: float | None = None

    def __post_init__(self) -> None:
        check_level(self.alpha)
        if self.prior is not None and not is_positive(self.prior):
            raise UsageError(
                ko=f"prior {self.prior!r}: 0보다 큰 상대 차이여야 합니다(예: 0.1 = 보통 10% 안팎).",
                en=f"prior {self.prior!r} must be a relative difference above 0, such as 0.1 when "
                "effects are usually within 10 % or so.",
            )
        if not is_positive(self.min_effect):
            raise UsageError(
                ko=f"min_effect {self.min_effect!r}: 0보다 큰 상대 차이여야 합니다(예: 0.05 = 5%).",
                en=f"min_effect {self.min_effect!r} must be a relative difference above 0, "
                "such as 0.05 for 5 %.",
            )


@dataclass(frozen=True)
class Question:
    """One metric of a test, and what its variants' units did.

    Attributes
    ----------
    samples
        Variant → its sample; all of one kind.
    name, title, value
        The metric's name, what a reader calls it, and the column of a variant's own value.
    role
        ``"decision"`` or ``"guardrail"``.
    watch
        How the test is watched.
    sign
        1 when more is better, -1 when less is.
    margin
        The relative loss that a guardrail accepts.
    is_money
        Whether values are amounts.
    placebo
        How often random splits of the same units were significant; None where nobody tried.
    """

    samples: Mapping[str, Sample]
    name: str = "conversion"
    title: Text = Text("전환율", "Conversion rate")  # noqa: RUF009 - a Text is a str
    value: str = "conversion_rate"
    role: str = "decision"
    watch: Watch = Watch()
    sign: int = 1
    margin: float = 0.05
    is_money: bool = False
    placebo: Placebo | None = None

    def said(self, currency: str) -> Said:
        """Return how its numbers look."""
        formats = FORMATS[self.value]
        if self.is_money and self.value == "metric_value":
            formats = MONEY
        return Said(self.title, self.value, formats, currency)


@dataclass(frozen=True)
class Frames:
    """The further tables of a result."""

    daily: "pd.DataFrame | Rows" = Rows()
    segments: "pd.DataFrame | Rows" = Rows()
    checks: "pd.DataFrame | Rows" = Rows()


def control_first(samples: Mapping[str, Sample], plan: Plan) -> dict[str, Sample]:
    """Return the samples with the control first, and planned variants that nobody saw.

    Raises
    ------
    UnknownName
        When the control is not one of them.
    UsageError
        When there are no samples.
    """
    if not samples:
        raise UsageError(ko="견줄 안이 없습니다.", en="There are no variants to compare.")
    empty = _empty(next(iter(samples.values())))
    every = {**samples, **{name: empty for name in plan.shares or () if name not in samples}}
    control = next(iter(every)) if plan.control is None else plan.control
    if control not in every:
        raise UnknownName("variant", control, every, where="control")
    return {control: every[control], **every}


def _empty(like: Sample) -> Sample:
    """Return the sample of a variant that nobody saw."""
    if isinstance(like, Rate):
        return Rate(0, 0)
    if isinstance(like, Stratified):
        like = replace(like, strata={})
    if isinstance(like, Measured):
        return replace(like, joint=Joint(0, like.joint.mean, like.joint.cov), k=0)
    return Quantile(Moments(0), 0) if isinstance(like, Quantile) else Moments(0)
