"""Quantiles of the values of rows, of which a unit may have several."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from custmeasure.improve.copy_test import counts
from custmeasure.improve.copy_test.effects import Quantile, Sample
from custmeasure.improve.copy_test.metrics import Metric
from custmeasure.improve.copy_test.parts import Reading, chosen_note, parts_of, records
from custmeasure.improve.copy_test.setup import Setup
from custmeasure.stats import Joint, Moments
from custmeasure.stats.quantile import design_effect, from_limits, places


def read_quantile(setup: Setup, metric: Metric, variants: Sequence[str]) -> Reading:
    """Read the quantile of each variant's values, and its interval by ranks; see `read`."""
    source, span = setup.source(metric), setup.span(metric)
    found = {str(row["variant"]): row for row in records(counts.middles(source, metric, span))}
    wanted: dict[str, tuple[int, int, int]] = {}
    for name, row in found.items():
        ranks = places(int(row["n_values"]), metric.quantile, _design(row, metric))
        if ranks is not None:
            wanted[name] = ranks
    places_wanted = [(name, place) for name, ranks in wanted.items() for place in ranks]
    values = counts.ranked(source, metric, span, places_wanted) if places_wanted else {}
    samples: dict[str, Sample] = {
        name: _quantile(name, found.get(name), wanted.get(name), values) for name in variants
    }
    # When windows ended says how often a look could be taken; the means themselves are not used.
    rows = counts.moments(source, replace(metric, kind="mean"), span)
    return Reading(
        metric,
        samples,
        parts_of(rows, "day"),
        definition=setup.definition(metric),
        notes=chosen_note(metric),
    )


def _design(row: Mapping[str, Any], metric: Metric) -> float:
    """Return how much a unit's several values add to the variance; never below independence."""
    n = int(row["n"])
    if n < 2:
        return math.nan
    cov = np.array([[row["bb"], row["bm"]], [row["bm"], row["mm"]]], dtype=np.float64)
    return max(design_effect(Joint(n, np.array([row["b"], row["m"]]), cov), metric.quantile), 1.0)


def _quantile(
    name: str,
    row: Mapping[str, Any] | None,
    ranks: tuple[int, int, int] | None,
    values: Mapping[tuple[str, int], float],
) -> Quantile:
    """Return a variant's quantile with the variance a unit, or without where values are too few."""
    if row is None:
        return Quantile(Moments(0), 0)
    n, n_values = int(row["n"]), int(row["n_values"])
    if ranks is None:
        return Quantile(Moments(1, float(row["middle"])), n_values)
    middle, low, high = (values[name, place] for place in ranks)
    se = from_limits(n_values, middle, low, high).se
    return Quantile(Moments(n, middle, se**2 * n), n_values)
