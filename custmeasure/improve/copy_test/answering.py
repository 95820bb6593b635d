"""From what holds to the answer: read, check, compare, conclude."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable
from custmeasure.improve.copy_test import counts, gates
from custmeasure.improve.copy_test.agreed import Agreed, Request, plan_notes, tuned_for
from custmeasure.improve.copy_test.asked import Frames, Plan, Question, control_first
from custmeasure.improve.copy_test.checks import checks_table, stale_note
from custmeasure.improve.copy_test.concluding import conclude
from custmeasure.improve.copy_test.effects import Sample, is_pooled
from custmeasure.improve.copy_test.family import shown_name
from custmeasure.improve.copy_test.looks import (
    last_day,
    looked_at,
    watch,
)
from custmeasure.improve.copy_test.metrics import Metric
from custmeasure.improve.copy_test.parts import Reading
from custmeasure.improve.copy_test.people import pending_note, traffic, unanswerable
from custmeasure.improve.copy_test.progress import daily, finished, segments
from custmeasure.improve.copy_test.reading import read
from custmeasure.improve.copy_test.result import CopyTestResult, missing_copy_test, nobody
from custmeasure.improve.copy_test.setup import Setup
from custmeasure.improve.copy_test.stratified import check_strata, inside_strata, strata_notes
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.show.result import missing_verdict
from custmeasure.show.words import Text
from custmeasure.stats.placebo import (
    MOST_VALUES,
    Placebo,
    random_quantile_splits,
    random_splits,
    random_strata_splits,
)


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
    check_strata(setup, agreed.strata)
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
    plain = [read(setup, metric, variants) for _, metric in there]
    readings = [inside_strata(setup, each, agreed.strata) for each in plain]
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
            *plan_notes(agreed, setup, control),
            *stale_note(setup, enrolled),
            *_absent_notes(setup, (*agreed.goals, *agreed.guards)),
            *gates.crossover_note(n_crossover, n_crossover + sum(n_enrolled.values())),
            *pending_note(n_pending),
            *[note for reading in readings for note in reading.notes],
            *strata_notes(agreed.strata, plain, readings, control, agreed.plan.alpha),
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
        placebo=_placebo(setup, reading, agreed.plan, agreed.strata),
    )


def _watch(setup: Setup, agreed: Agreed, reading: Reading, looked: list[dt.date] | None) -> Watch:
    end = last_day(setup.end, reading.metric.window, setup.shop.timezone)
    return watch(
        agreed.method, agreed.plan.alpha, finished(reading),
        last_day=end, today=_today(setup), looked=looked,
        tuned_for=tuned_for(agreed.stored, len(reading.samples)),
    )  # fmt: skip


def _placebo(setup: Setup, reading: Reading, plan: Plan, strata: str | None) -> Placebo | None:
    """Return how often random splits of these units are significant."""
    metric = reading.metric
    if len(reading.samples) < 2:
        return None
    if metric.kind == "quantile":
        return _placebo_of_values(setup, reading, plan)
    if reading.cells:
        units = counts.strata_classes(
            replace(setup, by=strata).source(metric), metric, setup.span(metric)
        )
    else:
        units = counts.classes(setup.source(metric), metric, setup.span(metric))
    values = units[["y", "d", "x", "w"]].to_numpy(np.float64)
    sizes = units["n"].to_numpy(np.float64)
    share = _share(reading, plan)
    control, treatment, *_ = control_first(reading.samples, plan).values()
    pooled = is_pooled(treatment, control)
    if reading.cells:
        return random_strata_splits(
            values, sizes, units["stratum"].to_numpy(), reading.columns, share=share,
            alpha=plan.alpha, pooled=pooled,
        )  # fmt: skip
    if metric.kind == "conversion" and not metric.covariate:
        values = values[:, :1]
    return random_splits(
        values, sizes, reading.columns, share=share, alpha=plan.alpha, pooled=pooled
    )


def _placebo_of_values(setup: Setup, reading: Reading, plan: Plan) -> Placebo | None:
    """Return the same for a quantile, whose units have several values; None for very many."""
    metric = reading.metric
    if sum(getattr(sample, "n_values", 0) for sample in reading.samples.values()) > MOST_VALUES:
        return None
    rows = counts.drawn(setup.source(metric), metric, setup.span(metric))
    return random_quantile_splits(
        rows["value"].to_numpy(np.float64), rows["place"].to_numpy(np.int64), metric.quantile,
        share=_share(reading, plan), alpha=plan.alpha,
    )  # fmt: skip


def _share(reading: Reading, plan: Plan) -> float:
    """Return the share of units that the first treatment has, beside the control."""
    control, treatment, *_ = (s.n for s in control_first(reading.samples, plan).values())
    return treatment / (control + treatment) if control and treatment else 0.5


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
