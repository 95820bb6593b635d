"""How the checks, the tables and the verdict of a test come together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from custmeasure.improve.copy_test import gates
from custmeasure.improve.copy_test.asked import Frames, Plan, Question, control_first
from custmeasure.improve.copy_test.effects import (
    EFFECT,
    Comparison,
    comparisons,
    table,
)
from custmeasure.improve.copy_test.family import decide_all, metrics_table, open_guards
from custmeasure.improve.copy_test.plan import Traffic
from custmeasure.improve.copy_test.remarks import has_one_spread, remarks
from custmeasure.improve.copy_test.result import BELIEVED, RESULTS, CopyTestResult, nobody
from custmeasure.improve.copy_test.verdict import Case
from custmeasure.improve.copy_test.watching import watch_note
from custmeasure.show.rows import Rows
from custmeasure.show.words import Text, Verdict
from custmeasure.stats import SampleRatio, holm

if TYPE_CHECKING:
    import pandas as pd


def conclude(
    questions: Sequence[Question],
    plan: Plan,
    *,
    enrolled: Mapping[str, int] | None = None,
    traffic: Traffic | None = None,
    definition: Mapping[str, object] | None = None,
    notes: Sequence[Text] = (),
    unanswerable: Verdict | None = None,
    frames: Frames | None = None,
    looks_known: bool = True,
) -> CopyTestResult:
    """Return the result of a test from what each variant's units did.

    Parameters
    ----------
    questions
        The metrics, the one that the table shows first.
    plan
        What was fixed beforehand.
    enrolled
        Variant → units that were assigned, finished or not, for the check of the split; the units
        of the first metric's samples when not given.
    traffic
        The units that the test gets, to say until when it must run.
    definition, notes, frames
        What the result carries beside its own.
    unanswerable
        A verdict that stands whatever the numbers are.
    looks_known
        Whether the earlier looks are known from history.
    """
    given = dict(definition or {})
    currency = str(given.get("currency", "KRW"))
    asked = [replace(each, samples=control_first(each.samples, plan)) for each in questions]
    first = asked[0]
    enrolled = enrolled or {name: sample.n for name, sample in first.samples.items()}
    split = gates.check_split(enrolled, plan.shares)
    cases = _cases(asked, plan, traffic, currency)
    invalid = gates.failed(enrolled, plan.shares, split) or gates.uncalibrated(
        [(each.title, each.placebo) for each in asked if each.role == "decision"]
    )
    empty = None if any(enrolled.values()) else nobody()
    verdict = invalid or unanswerable or empty or decide_all(asked, cases)
    said = [*notes, *gates.split_notes(enrolled, split)]
    if invalid is None:
        said += [
            *gates.placebo_notes([(each.title, each.placebo) for each in asked]),
            *remarks(cases),
        ]
        said.append(watch_note(first.watch, is_known=looks_known))
        said += open_guards(asked, cases)
    kind, more = RESULTS[first.value], frames or Frames()
    tables: dict[str, Any] = {
        "frame": Rows(kind.COLUMNS, tuple(cases[0].rows.values())),
        "metrics": metrics_table(asked, cases),
        "daily": more.daily,
        "segments": more.segments,
    }
    if invalid:
        tables = {name: _blank(each) for name, each in tables.items()}
    tables["checks"] = more.checks
    return kind(
        definition=_definition(given, first, plan, split),
        notes=tuple(said),
        verdict=verdict,
        **tables,
    )


def _cases(
    asked: Sequence[Question], plan: Plan, traffic: Traffic | None, currency: str
) -> list[Case]:
    """Return each metric's case; the p-values of decision metrics are one family (Holm)."""
    compared = [comparisons(each.samples, each.watch) for each in asked]
    adjusted = _family(asked, compared)
    several = (
        sum(len(c) for each, c in zip(asked, compared, strict=True) if each.role == "decision") > 1
    )
    return [
        Case(
            samples=each.samples,
            compared=seen,
            rows=table(each.samples, seen, values, plan.alpha, each.value),
            said=each.said(currency),
            alpha=plan.alpha,
            min_effect=plan.min_effect,
            watch=each.watch,
            traffic=traffic,
            sign=each.sign,
            several=several and each.role == "decision",
            prior=plan.prior,
        )
        for each, seen, values in zip(asked, compared, adjusted, strict=True)
    ]


def _family(
    asked: Sequence[Question], compared: Sequence[Mapping[str, Comparison]]
) -> list[list[float]]:
    """Return the adjusted p-values of each metric's comparisons; a guardrail's stay as they are."""
    plain = [[c.p_value for c in seen.values()] for seen in compared]
    decisions = [i for i, each in enumerate(asked) if each.role == "decision"]
    together = iter(holm([p for i in decisions for p in plain[i]]).tolist())
    return [
        [next(together) for _ in values] if i in decisions else values
        for i, values in enumerate(plain)
    ]


def _blank(frame: "pd.DataFrame | Rows") -> "pd.DataFrame | Rows":
    """Return a table with every effect blank: a failed check takes its place."""
    effects = [name for name in (*EFFECT, *BELIEVED) if name in frame]
    blanked = frame.assign(**dict.fromkeys(effects, math.nan))
    return blanked.assign(outcome="invalid") if "outcome" in blanked else blanked


def _definition(
    given: Mapping[str, object], first: Question, plan: Plan, split: SampleRatio
) -> dict[str, object]:
    samples, watched = first.samples, first.watch
    total = sum(split.expected.values())
    shares = plan.shares or dict.fromkeys(samples, 1.0)
    whole = sum(shares.values())
    looks = {"n_looks": len(watched.days)} if watched.days else {}
    n = sum(sample.n for sample in samples.values())
    level = round(watched.level(n), 4) if watched.method != "one_look" else None
    return {
        **given,
        "control": next(iter(samples)),
        "alpha": plan.alpha,
        "min_effect": plan.min_effect,
        **({} if plan.prior is None else {"prior": plan.prior}),
        "shares": {name: share / whole for name, share in shares.items()},
        "srm_p_value": split.p_value if total else None,
        **({"interval": "pooled"} if has_one_spread(samples) else {}),
        "method": watched.method,
        **looks,
        **({"tuned_for": watched.tuned_for} if watched.method == "open_end" else {}),
        "look_alpha": level,
    }
