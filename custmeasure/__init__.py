"""Marketing measurement for small online shops: measure, manage, improve.

Open a shop: `open_shop`; in a notebook `start` and, last, `sign_off`.
Check: `bridge` (why is this not my admin page's number?) and `days` (are days missing?).
Measure: `funnel` (of events, `Step`s and `Exclusion`s) and `funnel_gaps` (where do visitors stop?),
`compare_funnels` with `two_periods`
(what changed?), `stopped` and `stopping` (what did they do next, what goes with it?), `landing` (the
page, the checkout or the traffic?), `retention` with `cohort_gaps` and `cohort_change` (do they come
back, which cohort does less, since when?), `order_steps` (1st → 2nd → 3rd order), `lifecycle` (new,
current, resurrected, dormant), `value_curve` (net revenue a customer so far), `time_to_next_order` and
`churn_cutoff` (how long until the next order, when is a customer lost?); `without_cancelled` orders.
Improve: `copy_test`, `copy_test_from_units`, `copy_test_from_counts`, `copy_test_from_moments` (which copy
sells better?), `check_decision` (does what we decided follow from it?),
`copy_days` (… where one page shows one copy a day), `plan_test` and `plan_days` (how long must it run?),
`store_plan` and `read_plan`, `assign` (who sees what?), `copy_memory` (which kinds of copy worked here?).
Show: every answer prints itself; `show.plots` draws it; `table` shows any frame.

Names are loaded when they are first used, so that ``import custmeasure`` stays quick.
"""

from typing import TYPE_CHECKING

from custmeasure import lazy

if TYPE_CHECKING:
    from custmeasure import show
    from custmeasure.improve.assign import assign, write_assignments
    from custmeasure.improve.copy_days import (
        CopyDaysResult,
        PlanDaysResult,
        copy_days,
        copy_days_from_counts,
        plan_by_day,
        plan_days,
        plan_days_from_counts,
    )
    from custmeasure.improve.copy_memory import (
        CopyMemoryResult,
        PastTestsResult,
        copy_memory,
        copy_memory_from_counts,
    )
    from custmeasure.improve.copy_test import (
        CopyTestResult,
        UnitMetric,
        check_decision,
        copy_test,
        copy_test_from_counts,
        copy_test_from_moments,
        copy_test_from_units,
    )
    from custmeasure.improve.plan_test import (
        Plan,
        PlanTestResult,
        plan_of,
        plan_test,
        plan_test_from_counts,
        read_plan,
        store_plan,
    )
    from custmeasure.measure.bridge import BridgeResult, bridge
    from custmeasure.measure.days import DaysResult, days
    from custmeasure.measure.funnel import (
        Exclusion,
        FunnelChange,
        FunnelGaps,
        FunnelParts,
        FunnelResult,
        LandingResult,
        LastPages,
        Step,
        StoppedResult,
        StoppingResult,
        compare_funnels,
        funnel,
        funnel_gaps,
        landing,
        stopped,
        stopping,
        two_periods,
    )
    from custmeasure.measure.retention import (
        ChurnCutoff,
        CohortChange,
        CohortGaps,
        Lifecycle,
        NextOrder,
        OrderSteps,
        RetentionResult,
        ValueCurve,
        churn_cutoff,
        cohort_change,
        cohort_gaps,
        lifecycle,
        order_steps,
        retention,
        time_to_next_order,
        value_curve,
        without_cancelled,
    )
    from custmeasure.notebook import sign_off, start
    from custmeasure.shop import Shop, open_shop
    from custmeasure.show.result import table
    from custmeasure.stats.mean import Moments
    from custmeasure.stats.planning import Baseline

__version__ = "0.1.0"

_HOMES = {
    "custmeasure.improve.assign": ("assign", "write_assignments"),
    "custmeasure.improve.copy_days": (
        "CopyDaysResult",
        "PlanDaysResult",
        "copy_days",
        "copy_days_from_counts",
        "plan_by_day",
        "plan_days",
        "plan_days_from_counts",
    ),
    "custmeasure.improve.copy_memory": (
        "CopyMemoryResult",
        "PastTestsResult",
        "copy_memory",
        "copy_memory_from_counts",
    ),
    "custmeasure.improve.copy_test": (
        "CopyTestResult",
        "UnitMetric",
        "check_decision",
        "copy_test",
        "copy_test_from_counts",
        "copy_test_from_moments",
        "copy_test_from_units",
    ),
    "custmeasure.improve.plan_test": (
        "Plan",
        "PlanTestResult",
        "plan_of",
        "plan_test",
        "plan_test_from_counts",
        "read_plan",
        "store_plan",
    ),
    "custmeasure.measure.bridge": ("BridgeResult", "bridge"),
    "custmeasure.measure.days": ("DaysResult", "days"),
    "custmeasure.measure.funnel": (
        "Exclusion",
        "FunnelChange",
        "FunnelGaps",
        "FunnelParts",
        "FunnelResult",
        "LandingResult",
        "LastPages",
        "Step",
        "StoppedResult",
        "StoppingResult",
        "compare_funnels",
        "funnel",
        "funnel_gaps",
        "landing",
        "stopped",
        "stopping",
        "two_periods",
    ),
    "custmeasure.measure.retention": (
        "ChurnCutoff",
        "CohortChange",
        "CohortGaps",
        "Lifecycle",
        "NextOrder",
        "OrderSteps",
        "RetentionResult",
        "ValueCurve",
        "churn_cutoff",
        "cohort_change",
        "cohort_gaps",
        "lifecycle",
        "order_steps",
        "retention",
        "time_to_next_order",
        "value_curve",
        "without_cancelled",
    ),
    "custmeasure.notebook": ("sign_off", "start"),
    "custmeasure.shop": ("Shop", "open_shop"),
    "custmeasure.show": ("show",),
    "custmeasure.show.result": ("table",),
    "custmeasure.stats.mean": ("Moments",),
    "custmeasure.stats.planning": ("Baseline",),
}

__all__ = [
    "Baseline",
    "BridgeResult",
    "ChurnCutoff",
    "CohortChange",
    "CohortGaps",
    "CopyDaysResult",
    "CopyMemoryResult",
    "CopyTestResult",
    "DaysResult",
    "Exclusion",
    "FunnelChange",
    "FunnelGaps",
    "FunnelParts",
    "FunnelResult",
    "LandingResult",
    "LastPages",
    "Lifecycle",
    "Moments",
    "NextOrder",
    "OrderSteps",
    "PastTestsResult",
    "Plan",
    "PlanDaysResult",
    "PlanTestResult",
    "RetentionResult",
    "Shop",
    "Step",
    "StoppedResult",
    "StoppingResult",
    "UnitMetric",
    "ValueCurve",
    "assign",
    "bridge",
    "check_decision",
    "churn_cutoff",
    "cohort_change",
    "cohort_gaps",
    "compare_funnels",
    "copy_days",
    "copy_days_from_counts",
    "copy_memory",
    "copy_memory_from_counts",
    "copy_test",
    "copy_test_from_counts",
    "copy_test_from_moments",
    "copy_test_from_units",
    "days",
    "funnel",
    "funnel_gaps",
    "landing",
    "lifecycle",
    "open_shop",
    "order_steps",
    "plan_by_day",
    "plan_days",
    "plan_days_from_counts",
    "plan_of",
    "plan_test",
    "plan_test_from_counts",
    "read_plan",
    "retention",
    "show",
    "sign_off",
    "start",
    "stopped",
    "stopping",
    "store_plan",
    "table",
    "time_to_next_order",
    "two_periods",
    "value_curve",
    "without_cancelled",
    "write_assignments",
]

__getattr__, __dir__ = lazy.attach(__name__, _HOMES)
