"""What holds for an answer: what was asked, else the stored plan, else shop.toml."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custmeasure.errors import check_choice
from custmeasure.improve.copy_test.asked import Plan
from custmeasure.improve.copy_test.looks import (
    CHOICES,
)
from custmeasure.improve.copy_test.metrics import CONVERSION, Metric, read_metric
from custmeasure.improve.copy_test.setup import Setup
from custmeasure.improve.plan_test.store import Plan as StoredPlan
from custmeasure.improve.plan_test.store import changes, planned_note, read_plan
from custmeasure.shop import Shop
from custmeasure.show.words import Text
from custmeasure.stats.anytime import TUNED_FOR


@dataclass(frozen=True)
class Request:
    """What was asked of `copy_test`; see there."""

    shop: Shop
    experiment: str
    metric: str | None = None
    metrics: tuple[str, ...] = ()
    guardrails: tuple[str, ...] | None = None
    control: str | None = None
    method: str = "auto"
    covariate: str | dt.timedelta | None = None
    by: str | None = None
    strata: str | None = None
    window: str | dt.timedelta | None = None
    start: str | dt.date | None = None
    end: str | dt.date | None = None
    as_of: str | dt.date | dt.datetime | None = None
    alpha: float | None = None
    min_effect: float | None = None
    prior: float | None = None
    history: str | Path | None = None


@dataclass(frozen=True)
class Agreed:
    """What holds for this answer: what was asked, else the stored plan, else shop.toml.

    Attributes
    ----------
    plan
        Control, shares, level and smallest difference.
    goals, guards
        The metrics that decide, and those that must not suffer.
    method
        One of `CHOICES`.
    strata
        The column inside whose groups variants are compared.
    start, end
        The days of the first exposure.
    stored
        The stored plan, or None.
    """

    plan: Plan
    goals: tuple[Metric, ...]
    guards: tuple[Metric, ...]
    method: str
    strata: str | None
    start: str | dt.date | None
    end: str | dt.date | None
    stored: StoredPlan | None

    @classmethod
    def of(cls, request: Request) -> "Agreed":
        """Settle what was asked, planned and declared."""
        check_choice("mode", request.method, CHOICES)
        shop = request.shop
        declared = shop.settings.experiments.get(request.experiment, {})
        stored = read_plan(shop, request.experiment)
        planned: Mapping[str, Any] = stored.content if stored else {}

        def settled(name: str, asked: object, otherwise: object = None) -> Any:
            found = (asked, planned.get(name), declared.get(name), otherwise)
            return next((value for value in found if value not in (None, "", {})), None)

        goals = request.metrics or ((request.metric,) if request.metric else ())
        goals = goals or ((stored.metric,) if stored else tuple(declared.get("metrics", ())))
        guards = request.guardrails
        guards = tuple(declared.get("guardrails", ())) if guards is None else guards
        window = settled("window", request.window)
        method = request.method
        if method == "auto" and stored is not None:
            method = stored.method
        plan = Plan(
            settled("control", request.control), settled("shares", None),
            settled("min_effect", request.min_effect, 0.05), settled("alpha", request.alpha, 0.05),
            settled("prior", request.prior),
        )  # fmt: skip
        strata = settled("strata", request.strata)
        wanted = [name for name in dict.fromkeys(guards) if name not in goals]
        return cls(
            plan,
            tuple(_metrics(shop, dict.fromkeys(goals or (CONVERSION,)), window, request)),
            tuple(_metrics(shop, wanted, window, request)),
            method,
            None if strata in (None, "none") else str(strata),
            settled("start", request.start),
            settled("end", request.end),
            stored,
        )


def _metrics(
    shop: Shop, names: Sequence[str] | Mapping[str, None], window: str | None, request: Request
) -> list[Metric]:
    """Return the metrics; the plan's or the experiment's window goes before their own."""
    return [read_metric(shop, name, window=window, covariate=request.covariate) for name in names]


def tuned_for(stored: StoredPlan | None, n_variants: int) -> float:
    """Return the planned units of two variants, for which an interval without an end is tuned.

    Only a plan from before the first exposure may tune; it moves the width, never the promise.
    """
    if stored is None or not stored.n_units or stored.late or stored.edited:
        return TUNED_FOR
    return stored.n_units * 2 / max(n_variants, 2)


def plan_notes(agreed: Agreed, setup: Setup, control: str) -> list[Text]:
    """Return when the plan was stored and what is run otherwise."""
    if agreed.stored is None:
        return []
    metric = agreed.goals[0]
    run = {
        "metric": metric.name, "unit": setup.unit if agreed.stored.unit else None,
        "window": metric.window if agreed.stored.window else None, "control": control,
        "shares": setup.shop.settings.experiments.get(setup.experiment, {}).get("shares")
        or agreed.plan.shares,
        "start": agreed.start, "end": agreed.end, "alpha": agreed.plan.alpha,
        "min_effect": agreed.plan.min_effect, "method": _method(agreed), "strata": agreed.strata,
        "prior": agreed.plan.prior,
    }  # fmt: skip
    return [planned_note(agreed.stored), *changes(agreed.stored, run)]


def _method(agreed: Agreed) -> str:
    if agreed.method != "auto":
        return agreed.method
    return "planned_end" if agreed.end else "open_end"
