"""Which copy sells better?

Units (visitors or customers) were split at random between variants of a page, a headline, a message.
A unit counts once, in the variant it saw, from its first exposure; what it does within ``window`` after
that, the end included, counts. A unit that saw two variants is left out of both and counted. A unit
whose window is not over at ``as_of`` is pending and left out.

Checks come first, in this order: fresh data, the sum of rows, units in two variants, the split, and
random splits of the shop's own units (a test that finds differences there is not used). A failed check
replaces the effect by its reason. Then every look is taken into account: with a planned end the level
is spent over the looks, without one an always-valid interval is used. Then, in order: a guardrail that
got worse, goals that got better, goals that got worse, no difference worth having, cannot tell yet.

Frame, one row a variant, the control first: ``n_units``; ``n_conversions`` and ``conversion_rate``
(÷ ``n_units``) with Wilson's interval, or ``revenue_amount`` (mean net amount a unit, 0 for who bought
nothing) or ``metric_value`` (another mean, a ratio, a quantile) with a t interval; ``diff`` (− control)
with Newcombe's or Welch's interval (of an uneven split, with the spread of both variants together);
``rel_diff`` (÷ control) with the interval of MOVER-R or Fieller; ``p_value``; ``p_value_adj`` (Holm over
all treatments and decision metrics). Intervals and p-values hold
under the looks, and never disagree about 0. Further frames: ``metrics``, ``daily``, ``segments``,
``checks``.

>>> from custmeasure.improve.copy_test import copy_test_from_counts
>>> result = copy_test_from_counts({"A": (238, 17), "B": (238, 45)})
>>> str(result.verdict)
'better'
>>> result.frame[["variant", "n_units", "n_conversions"]].values.tolist()
[['A', 238, 17], ['B', 238, 45]]
"""

from typing import TYPE_CHECKING

from custmeasure import lazy

if TYPE_CHECKING:
    from custmeasure.improve.copy_test.asking import copy_test
    from custmeasure.improve.copy_test.counted import copy_test_from_counts, copy_test_from_moments
    from custmeasure.improve.copy_test.decision import Decision, check_decision
    from custmeasure.improve.copy_test.result import (
        CopyTestResult,
        RevenueTestResult,
        ValueTestResult,
    )
    from custmeasure.improve.copy_test.units import UnitMetric, copy_test_from_units

__all__ = [
    "CopyTestResult",
    "Decision",
    "RevenueTestResult",
    "UnitMetric",
    "ValueTestResult",
    "check_decision",
    "copy_test",
    "copy_test_from_counts",
    "copy_test_from_moments",
    "copy_test_from_units",
]

__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "custmeasure.improve.copy_test.asking": ("copy_test",),
        "custmeasure.improve.copy_test.counted": (
            "copy_test_from_counts",
            "copy_test_from_moments",
        ),
        "custmeasure.improve.copy_test.decision": ("Decision", "check_decision"),
        "custmeasure.improve.copy_test.result": (
            "CopyTestResult",
            "RevenueTestResult",
            "ValueTestResult",
        ),
        "custmeasure.improve.copy_test.units": ("UnitMetric", "copy_test_from_units"),
    },
)
