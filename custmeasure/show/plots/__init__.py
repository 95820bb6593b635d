"""One plot a result, drawn from the result alone: n under the axis, intervals, notes as footnote.

``plots.<noun>(result, ax=None)`` draws the result of ``<noun>`` in the current language and returns the
Axes. The figure's label is its alternative text. Nothing here computes, and no setting outlives a plot.
"""

from custmeasure.show.plots.as_svg import display_as_svg, svg
from custmeasure.show.plots.bridges import bridge
from custmeasure.show.plots.cohorts import lifecycle, order_steps, retention, value_curve
from custmeasure.show.plots.copies import (
    copy_days,
    copy_memory,
    copy_test,
    copy_test_daily,
    past_tests,
)
from custmeasure.show.plots.funnels import compare_funnels, funnel, landing, stopped, stopping
from custmeasure.show.plots.plans import plan_test
from custmeasure.show.plots.silences import churn_cutoff, next_order

__all__ = [
    "bridge",
    "churn_cutoff",
    "compare_funnels",
    "copy_days",
    "copy_memory",
    "copy_test",
    "copy_test_daily",
    "display_as_svg",
    "funnel",
    "landing",
    "lifecycle",
    "next_order",
    "order_steps",
    "past_tests",
    "plan_test",
    "retention",
    "stopped",
    "stopping",
    "svg",
    "value_curve",
]
