"""From what was asked, planned and declared to the answer: read, check, compare, conclude."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable
from custmeasure.errors import check_choice
from custmeasure.improve.copy_test import counts, gates
from custmeasure.improve.copy_test.checks import checks_table, stale_note
from custmeasure.improve.copy_test.effects import Sample
from custmeasure.improve.copy_test.family import shown_name
from custmeasure.improve.copy_test.looks import (
    METHODS,
    STORED,
    last_day,
    looked_at,
    watch,
)
from custmeasure.improve.copy_test.metrics import CONVERSION, Metric, read_metric
from custmeasure.improve.copy_test.progress import daily, finished, segments
from custmeasure.improve.copy_test.reading import (
    Reading,
    Setup,
    pending_note,
    read,
    traffic,
    unanswerable,
)
from custmeasure.improve.copy_test.result import (
    CopyTestResult,
    Frames,
    Plan,
    Question,
    conclude,
    control_first,
    missing_copy_test,
    nobody,
)
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.improve.plan_test.store import Plan as StoredPlan
from custmeasure.improve.plan_test.store import changes, planned_note, read_plan
from custmeasure.shop import Shop
from custmeasure.show.result import missing_verdict
from custmeasure.show.words import Text
from custmeasure.stats.placebo import Placebo, random_splits


def copy_test(
    shop: Shop,
    experiment: str,
    *,
    metric: str | None = None,
    metrics: Sequence[str] = (),
    guardrails: Sequence[str] | None = None,
    control: str | None = None,
    method: str = "auto",
    covariate: str | dt.timedelta | None = None,
    by: str | None = None,
    window: str | dt.timedelta | None = None,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    alpha: float | None = None,
    min_effect: float | None = None,
    history: str | Path | None = None,
) -> CopyTestResult:
    """Compare the variants of an experiment that is in the shop's ``exposures``.

    What is not given is taken from the stored plan of the experiment, then from
    ``[experiments.NAME]`` in shop.toml; whatever differs from the stored plan is a note.

    Parameters
    ----------
    shop
        The shop.
    experiment
        The experiment's name.
    metric
        ``"conversion"`` (the event of ``[metrics.conversion]``, ``"purchase"`` when not declared; for
        customers, an order), ``"revenue"`` (amount − discount − refund of orders; a visitor's are
        those of the customers that ``events`` names for it, an order counting once, for the visitor
        who entered the test last before it), or another metric that shop.toml declares.
    metrics
        Several metrics that decide together (Holm), the one that the table shows first.
    guardrails
        Metrics that must not suffer; they do not count in the family.
    control
        The variant that the others are compared with; the declared one, or the first by name.
    method
        How looks are taken into account: ``"planned"`` (alpha spending until the planned end),
        ``"open"`` (always valid), ``"one_look"`` (the classical answer of a single look), or
        ``"auto"``: as the plan says, else planned where there is an end and open where there is none.
    covariate
        How long before the first exposure the same metric is measured to sharpen the comparison
        (``"28d"``); ``"none"`` switches off what shop.toml declares.
    by
        A column of exposures, or of events, as it was when a unit entered: splits the units into
        segments.
    window
        How long after the first exposure an action counts (``"7d"``).
    start, end
        The days (both included) of the first exposure.
    as_of
        The last instant that is known; the shop's own when not given.
    alpha
        1 - the confidence of the intervals, and the level of the test.
    min_effect
        The smallest relative difference that matters: ``no_difference`` needs an interval inside it.
    history
        The file of earlier runs, which says when the test was looked at; ``runs/history.sqlite`` of
        the shop's folder when not given. Where there is none every day counts as a look.

    Returns
    -------
    CopyTestResult
        ``verdict`` is better, worse, no_difference, cannot_tell (with what is missing) or invalid.

    Raises
    ------
    UnknownName
        For an experiment, variant, metric, event, column or method that does not exist, with the
        nearest one.
    UsageError
        For a window, a day, a level, a covariate or a declared unit that cannot be used.
    """
    return answer(Request(
        shop=shop, experiment=experiment, metric=metric, metrics=tuple(metrics),
        guardrails=None if guardrails is None else tuple(guardrails), control=control,
        method=method, covariate=covariate, by=by, window=window, start=start, end=end,
        as_of=as_of, alpha=alpha, min_effect=min_effect, history=history,
    ))  # fmt: skip


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
    window: str | dt.timedelta | None = None
    start: str | dt.date | None = None
    end: str | dt.date | None = None
    as_of: str | dt.date | dt.datetime | None = None
    alpha: float | None = None
    min_effect: float | None = None
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
        One of `METHODS`.
    start, end
        The days of the first exposure.
    stored
        The stored plan, or None.
    """

    plan: Plan
    goals: tuple[Metric, ...]
    guards: tuple[Metric, ...]
    method: str
    start: str | dt.date | None
    end: str | dt.date | None
    stored: StoredPlan | None

    @classmethod
    def of(cls, request: Request) -> "Agreed":
        """Settle what was asked, planned and declared."""
        check_choice("mode", request.method, METHODS)
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
            method = STORED[stored.method]
        plan = Plan(
            settled("control", request.control), settled("shares", None),
            settled("min_effect", request.min_effect, 0.05), settled("alpha", request.alpha, 0.05),
        )  # fmt: skip
        wanted = [name for name in dict.fromkeys(guards) if name not in goals]
        return cls(
            plan,
            tuple(_metrics(shop, dict.fromkeys(goals or (CONVERSION,)), window, request)),
            tuple(_metrics(shop, wanted, window, request)),
            method,
            settled("start", request.start),
            settled("end", request.end),
            stored,
        )


def _metrics(
    shop: Shop, names: Sequence[str] | Mapping[str, None], window: str | None, request: Request
) -> list[Metric]:
    """Return the metrics; the plan's or the experiment's window goes before their own."""
    return [read_metric(shop, name, window=window, covariate=request.covariate) for name in names]


def value_of(metric: Metric) -> str:
    """Return the column under which a variant's own value stands."""
    if metric.kind == "conversion":
        return "conversion_rate"
    return "revenue_amount" if metric.is_revenue else "metric_value"


def answer(request: Request) -> CopyTestResult:
    """Return the answer to a request; see `copy_test`."""
    agreed = Agreed.of(request)
    first = agreed.goals[0]
    exposures = request.shop.table("exposures")
    if isinstance(exposures, MissingTable):
        return missing_copy_test(missing_verdict("exposures"), value=value_of(first))
    setup = Setup.of(
        request.shop, exposures, request.experiment, start=agreed.start, end=agreed.end,
        as_of=request.as_of, by=request.by,
    )  # fmt: skip
    if missing := setup.missing(setup.by_order(first)):
        return missing_copy_test(missing_verdict(missing), value=value_of(first))
    enrolled = counts.enrolment(exposures, setup.span(first))
    if not len(enrolled):
        return missing_copy_test(nobody(), setup.definition(first), value=value_of(first))
    return _answered(request, agreed, setup, enrolled)


def _answered(
    request: Request, agreed: Agreed, setup: Setup, enrolled: pd.DataFrame
) -> CopyTestResult:
    looked = _looked(request, setup)
    variants = [str(name) for name in enrolled.index]
    asked = {"decision": agreed.goals, "guardrail": agreed.guards}
    there = [(role, metric) for role, metrics in asked.items() for metric in metrics
             if not setup.missing(setup.by_order(metric))]  # fmt: skip
    readings = [read(setup, metric, variants) for _, metric in there]
    questions = [
        _question(setup, agreed, reading, role, looked)
        for reading, (role, _) in zip(readings, there, strict=True)
    ]
    lead, metric = readings[0], agreed.goals[0]
    n_enrolled = {str(name): int(n) for name, n in enrolled["n_enrolled"].items()}
    n_crossover, n_pending = (int(enrolled[name].sum()) for name in ("n_crossover", "n_pending"))
    control = next(iter(control_first(lead.samples, agreed.plan)))
    split = gates.check_split(n_enrolled, agreed.plan.shares)
    always = gates.check_split(n_enrolled, agreed.plan.shares, anytime=True)
    watched = always if questions[0].watch.method != "one_look" else None
    placebos = [(shown_name(each.name, each.title), each.placebo) for each in questions]
    found = sum(getattr(sample, "k", 0) for sample in lead.samples.values()) or _did(lead)
    return conclude(
        questions,
        agreed.plan,
        enrolled=n_enrolled,
        traffic=traffic(setup, enrolled, dates.parse_window(metric.window)),
        definition={**lead.definition, "n_crossover": n_crossover, "n_pending": n_pending},
        notes=[
            *_plan_notes(agreed, setup, control),
            *stale_note(setup, enrolled),
            *_absent_notes(setup, (*agreed.goals, *agreed.guards)),
            *gates.crossover_note(n_crossover, n_crossover + sum(n_enrolled.values())),
            *pending_note(n_pending),
            *[note for reading in readings for note in reading.notes],
        ],
        unanswerable=unanswerable(setup, metric, enrolled, found),
        frames=_frames(setup, agreed, lead, questions[0], control, checks_table(
            setup, enrolled, split, watched, placebos)),
        looks_known=looked is not None,
    )  # fmt: skip


def _did(reading: Reading) -> float:
    """Return something above 0 when any unit did anything."""
    return sum(_mass(sample) for sample in reading.samples.values())


def _mass(sample: Sample) -> float:
    value = getattr(sample, "value", sample)
    return abs(getattr(value, "mean", 0.0)) if getattr(value, "n", 0) else 0.0


def _looked(request: Request, setup: Setup) -> list[dt.date] | None:
    return looked_at(setup.shop, request.history, _today(setup))


def _today(setup: Setup) -> dt.date | None:
    """Return the last complete day."""
    local = dates.local(setup.as_of, setup.shop.timezone)
    return local.date() if local else None


def _question(
    setup: Setup,
    agreed: Agreed,
    reading: Reading,
    role: str,
    looked: list[dt.date] | None,
) -> Question:
    metric = reading.metric
    return Question(
        samples=reading.samples,
        name=metric.name,
        title=metric.title,
        value=value_of(metric),
        role=role,
        watch=_watch(setup, agreed, reading, looked),
        sign=metric.sign,
        margin=metric.margin,
        is_money=metric.is_money,
        placebo=_placebo(setup, reading, agreed.plan),
    )


def _watch(setup: Setup, agreed: Agreed, reading: Reading, looked: list[dt.date] | None) -> Watch:
    end = last_day(setup.end, reading.metric.window, setup.shop.timezone)
    return watch(
        agreed.method, agreed.plan.alpha, finished(reading),
        last_day=end, today=_today(setup), looked=looked,
    )  # fmt: skip


def _placebo(setup: Setup, reading: Reading, plan: Plan) -> Placebo | None:
    """Return how often random splits of these units are significant; quantiles are not split."""
    metric = reading.metric
    if metric.kind == "quantile" or len(reading.samples) < 2:
        return None
    units = counts.classes(setup.source(metric), metric, setup.span(metric))
    values = units[["y", "d", "x", "w"]].to_numpy(np.float64)
    if metric.kind == "conversion" and not metric.covariate:
        values = values[:, :1]
    sizes = [sample.n for sample in control_first(reading.samples, plan).values()]
    share = sizes[1] / (sizes[0] + sizes[1]) if sizes[0] and sizes[1] else 0.5
    return random_splits(
        values, units["n"].to_numpy(np.float64), reading.columns, share=share, alpha=plan.alpha
    )


def _plan_notes(agreed: Agreed, setup: Setup, control: str) -> list[Text]:
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
        "min_effect": agreed.plan.min_effect, "method": _stored_name(agreed),
    }  # fmt: skip
    return [planned_note(agreed.stored), *changes(agreed.stored, run)]


def _absent_notes(setup: Setup, metrics: Sequence[Metric]) -> list[Text]:
    """Return which metrics and segments were left out because their table or column is not there."""
    notes = [
        Text(
            f"{metric.title.ko}: {table} 표가 없어 보지 않았습니다.",
            f"{metric.title}: left out, because there is no table {table}.",
        )
        for metric in metrics
        if (table := setup.missing(setup.by_order(metric)))
    ]
    if setup.by and setup.marks() is None:
        notes.append(Text(
            f"{setup.by} 열이 없어 나누어 보지 않았습니다.",
            f"There is no column {setup.by}, so the units are not split by it.",
        ))  # fmt: skip
    return notes


def _stored_name(agreed: Agreed) -> str:
    method = agreed.method
    if method == "auto":
        method = "planned" if agreed.end else "open"
    return next(stored for stored, name in STORED.items() if name == method)


def _frames(
    setup: Setup,
    agreed: Agreed,
    lead: Reading,
    question: Question,
    control: str,
    checks: pd.DataFrame,
) -> Frames:
    whole = replace(lead, samples=question.samples)
    by_day = daily(whole, control, question.watch) if lead.metric.kind != "quantile" else None
    by_segment = segments(whole, control, agreed.plan.alpha) if setup.by and lead.segments else None
    return Frames(
        pd.DataFrame() if by_day is None else by_day,
        pd.DataFrame() if by_segment is None else by_segment,
        checks,
    )
