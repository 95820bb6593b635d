"""How a difference came about: day by day, and in each segment."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from custmeasure.improve.copy_test.effects import Measured, Rate, Sample, Stratified, compare
from custmeasure.improve.copy_test.parts import Part, Reading, columns_of
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.stats import Joint, benjamini_hochberg
from custmeasure.stats.joint import running

DAILY = (
    "day", "variant", "n_units", "diff", "diff_ci_lower", "diff_ci_upper",
    "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper", "is_look",
)  # fmt: skip
SEGMENTS = (
    "segment", "variant", "n_units", "diff", "diff_ci_lower", "diff_ci_upper",
    "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper", "p_value", "p_value_adj",
)  # fmt: skip
_LIMITS = DAILY[3:9]
_K = 4  # columns of a sample


def daily(reading: Reading, control: str, watched: Watch) -> pd.DataFrame:
    """Return the difference so far on every day, with the interval that a look on it may claim.

    ``is_look`` says on which days somebody looked; the interval of other days is blank, for nobody
    may read it. ``n_units`` counts both variants.
    """
    days = sorted({_day(part.key) for part in reading.days})
    until = watched.days[-1] if watched.days else None
    days = [day for day in days if until is None or day <= until]
    totals = {name: _running(reading, name, days) for name in reading.samples}
    levels = _levels(watched)
    rows = []
    for name in reading.samples:
        if name == control or control not in totals:
            continue
        for i, day in enumerate(days):
            pair = totals[name][i], totals[control][i]
            rows.append(_row(day, name, pair, watched, levels))
    return pd.DataFrame(rows, columns=list(DAILY))


def _levels(watched: Watch) -> Mapping[dt.date, float]:
    """Return the level of every look; of an open or a single one it follows from the units."""
    if watched.method != "planned_end" or not watched.information:
        return {}
    return dict(zip(watched.days, watched.levels, strict=True))


def _row(
    day: dt.date,
    name: str,
    pair: tuple[Sample, Sample],
    watched: Watch,
    levels: Mapping[dt.date, float],
) -> dict[str, object]:
    treatment, control = pair
    n = treatment.n + control.n
    is_look = not watched.days or day in watched.days
    level = levels.get(day, watched.level(n) if watched.method != "planned_end" else watched.alpha)
    seen = compare(treatment, control, max(level, 1e-12))
    kept = {key: getattr(seen, key) for key in _LIMITS}
    if not is_look:
        kept = {key: value if "_ci_" not in key else math.nan for key, value in kept.items()}
    return {"day": day, "variant": name, "n_units": n, **kept, "is_look": is_look}


def segments(reading: Reading, control: str, alpha: float) -> pd.DataFrame:
    """Return the difference in each segment, adjusted for how many there are (Benjamini-Hochberg)."""
    names = sorted({str(part.key) for part in reading.segments})
    by = {(part.variant, str(part.key)): part.sample for part in reading.segments}
    rows = []
    for segment in names:
        for name in reading.samples:
            pair = by.get((name, segment)), by.get((control, segment))
            if name != control and pair[0] is not None and pair[1] is not None:
                seen = compare(_sample(reading, pair[0]), _sample(reading, pair[1]), alpha)
                kept = {key: getattr(seen, key) for key in (*_LIMITS, "p_value")}
                rows.append({
                    "segment": segment, "variant": name, "n_units": pair[0].n + pair[1].n, **kept,
                })  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(SEGMENTS[:-1]))
    return frame.assign(p_value_adj=benjamini_hochberg(frame["p_value"].to_numpy(np.float64)))


def _sample(reading: Reading, joint: Joint) -> Sample:
    """Return a part's sample, of the kind that the whole has."""
    metric = reading.metric
    if metric.kind == "conversion" and not metric.covariate:
        return Rate(joint.n, round(joint.n * float(joint.mean[0])) if joint.n else 0)
    if metric.kind == "mean" and not metric.covariate:
        return joint.column(0)
    return Measured(joint, columns_of(metric))


def _running(reading: Reading, name: str, days: Sequence[dt.date]) -> list[Sample]:
    """Return what a variant's units had done by the end of each day."""
    totals = _sums(reading.days, name, days)
    if not reading.cells:
        return [_sample(reading, joint) for joint in totals]
    columns = columns_of(reading.metric)
    names = sorted({cell.stratum for cell in reading.cells})
    by = {s: _sums([c for c in reading.cells if c.stratum == s], name, days) for s in names}
    return [
        Stratified(joint, columns, strata={s: by[s][i] for s in names})
        for i, joint in enumerate(totals)
    ]


def _sums(parts: Sequence[Part], name: str, days: Sequence[dt.date]) -> list[Joint]:
    by_day = {_day(part.key): part.sample for part in parts if part.variant == name}
    nothing = Joint(0, np.zeros(_K), np.zeros((_K, _K)))
    return running([by_day.get(day, nothing) for day in days], _K)


def _day(key: object) -> dt.date:
    return pd.Timestamp(str(key)).date()


def finished(reading: Reading) -> dict[dt.date, int]:
    """Return how many units' windows ended on each day, all variants together."""
    days: dict[dt.date, int] = {}
    for part in reading.days:
        day = _day(part.key)
        days[day] = days.get(day, 0) + part.sample.n
    return days
