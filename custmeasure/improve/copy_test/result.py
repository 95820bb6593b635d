"""What a copy test looks like, and how its checks, its table and its verdict come together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test import gates
from custmeasure.improve.copy_test.effects import (
    EFFECT,
    Comparison,
    Rate,
    Sample,
    comparisons,
    table,
    without_effect,
)
from custmeasure.improve.copy_test.plan import Traffic
from custmeasure.improve.copy_test.verdict import Case, decide
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats import Moments, SampleRatio
from custmeasure.stats.tails import check_level

_FORMATS: Mapping[str, fmt.Formatter] = {"srm_p_value": fmt.p_value}


@dataclass(frozen=True, eq=False, repr=False)
class CopyTestResult(Result):
    """Variants side by side by their conversion rate; see the module for the columns."""

    name: ClassVar[str] = "copy_test"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units", "n_conversions",
        "conversion_rate", "conversion_rate_ci_lower", "conversion_rate_ci_upper", *EFFECT,
    )  # fmt: skip
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = _FORMATS

    def shown_frame(self) -> pd.DataFrame:
        """Return the rows that are printed: the adjusted p-value only where there are several."""
        return self.frame if len(self.frame) > 2 else self.frame.drop(columns="p_value_adj")


@dataclass(frozen=True, eq=False, repr=False)
class RevenueTestResult(CopyTestResult):
    """Variants side by side by their net revenue a unit."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units",
        "revenue_amount", "revenue_amount_ci_lower", "revenue_amount_ci_upper", *EFFECT,
    )  # fmt: skip
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {**_FORMATS, "diff": fmt.money_change}


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
    """

    control: str | None = None
    shares: Mapping[str, float] | None = None
    min_effect: float = 0.05
    alpha: float = 0.05

    def __post_init__(self) -> None:
        check_level(self.alpha)
        if isinstance(self.min_effect, bool) or not 0 < self.min_effect < float("inf"):
            raise UsageError(
                ko=f"min_effect {self.min_effect!r}: 0보다 큰 상대 차이여야 합니다(예: 0.05 = 5%).",
                en=f"min_effect {self.min_effect!r} must be a relative difference above 0, "
                "such as 0.05 for 5 %.",
            )


def conclude(
    samples: Mapping[str, Sample],
    plan: Plan,
    *,
    enrolled: Mapping[str, int] | None = None,
    traffic: Traffic | None = None,
    definition: Mapping[str, object] | None = None,
    notes: Sequence[Text] = (),
    unanswerable: Verdict | None = None,
) -> CopyTestResult:
    """Return the result of a test from what each variant's units did.

    Parameters
    ----------
    samples
        Variant → its sample; all rates, or all moments.
    plan
        What was fixed beforehand.
    enrolled
        Variant → units that were assigned, finished or not, for the check of the split; the units
        of ``samples`` when not given.
    traffic
        The units that the test gets, to say until when it must run.
    definition, notes
        What the result carries beside its own.
    unanswerable
        A verdict that stands whatever the numbers are.
    """
    samples = control_first(samples, plan)
    enrolled = enrolled or {name: sample.n for name, sample in samples.items()}
    split = gates.check_split(enrolled, plan.shares)
    compared = comparisons(samples, plan.alpha)
    frame = table(samples, compared, plan.alpha)
    currency = str((definition or {}).get("currency", "KRW"))
    case = Case(samples, compared, frame, plan.alpha, plan.min_effect, traffic, currency)
    invalid = gates.failed(enrolled, plan.shares, split)
    empty = None if any(enrolled.values()) else nobody()
    verdict = invalid or unanswerable or empty or decide(case)
    kind = (
        CopyTestResult if all(isinstance(s, Rate) for s in samples.values()) else RevenueTestResult
    )
    said = [*notes, *gates.split_notes(enrolled, split)]
    if invalid is None:
        said += _notes(case)
    return kind(
        without_effect(frame) if invalid else frame,
        _definition(definition or {}, samples, plan, split),
        tuple(said),
        verdict=verdict,
    )


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
    empty: Sample = Rate(0, 0) if isinstance(next(iter(samples.values())), Rate) else Moments(0)
    every = {**samples, **{name: empty for name in plan.shares or () if name not in samples}}
    control = next(iter(every)) if plan.control is None else plan.control
    if control not in every:
        raise UnknownName("variant", control, every, where="control")
    return {control: every[control], **every}


def missing_copy_test(
    verdict: Verdict, definition: Mapping[str, object] | None = None, *, revenue: bool
) -> CopyTestResult:
    """Return a test that has no rows, because a table or all exposures are missing."""
    kind = RevenueTestResult if revenue else CopyTestResult
    return kind(pd.DataFrame(columns=list(kind.COLUMNS)), definition or {}, verdict=verdict)


def _definition(
    given: Mapping[str, object], samples: Mapping[str, Sample], plan: Plan, split: SampleRatio
) -> dict[str, object]:
    total = sum(split.expected.values())
    shares = plan.shares or dict.fromkeys(samples, 1.0)
    whole = sum(shares.values())
    return {
        **given,
        "control": next(iter(samples)),
        "alpha": plan.alpha,
        "min_effect": plan.min_effect,
        "shares": {name: share / whole for name, share in shares.items()},
        "srm_p_value": split.p_value if total else None,
    }


def nobody() -> Verdict:
    """Return the verdict of a test that nobody entered."""
    reason = Text("이 기간에 시험에 든 사람이 없습니다.", "Nobody entered the test in this period.")
    return Verdict("cannot_tell", reason, code="NO_UNITS")


_ONE_LOOK = Text(
    "이 판정은 미리 정한 날에 한 번 볼 때 맞습니다. 날마다 보다가 차이가 난 날 멈추면 "
    "없는 차이를 있다고 할 때가 많습니다.",
    "This answer holds for one look on a day fixed beforehand. Looking every day and stopping at "
    "the first difference often finds differences that are not there.",
)


def _notes(case: Case) -> list[Text]:
    return [*_several(case), *_doubtful(case), _ONE_LOOK]


def _several(case: Case) -> list[Text]:
    n = len(case.compared)
    if n < 2:
        return []
    return [Text(
        f"안 {n}개를 기준안과 견주어, 보정한 p값(Holm)으로 판정합니다. 구간은 하나씩 본 것입니다.",
        f"{n} variants are compared with the control; the verdict uses the adjusted p-values (Holm). "
        "The intervals are those of each comparison alone.",
    )]  # fmt: skip


def _doubtful(case: Case) -> list[Text]:
    """Return what is not defined or hardly worth reading in the comparisons."""
    notes = []
    compared: list[Comparison] = list(case.compared.values())
    if any(comparison.two_units for comparison in compared):
        notes.append(Text(
            "2명뿐인 안이 있습니다. 숫자는 나오지만 믿을 것이 못 됩니다.",
            "A variant has only 2 people: the numbers are there but mean next to nothing.",
        ))  # fmt: skip
    codes = {comparison.code for comparison in compared}
    if codes & {"ZERO_BASELINE", "BASELINE_NEAR_ZERO"}:
        notes.append(Text(
            "기준안의 값이 0이거나 0에 가까워 상대 차이는 정할 수 없습니다.",
            "The control's value is 0 or too close to 0, so the relative difference is not defined.",
        ))  # fmt: skip
    return notes
