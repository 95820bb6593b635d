"""The door of a shop: ask which copy of an experiment sells better."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from custmeasure.improve.copy_test.agreed import Request
from custmeasure.improve.copy_test.answering import answer
from custmeasure.improve.copy_test.result import CopyTestResult
from custmeasure.shop import Shop


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
    strata: str | None = None,
    window: str | dt.timedelta | None = None,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    alpha: float | None = None,
    min_effect: float | None = None,
    prior: float | None = None,
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
        How looks are taken into account: ``"planned_end"`` (alpha spending until the planned end),
        ``"open_end"`` (always valid), ``"one_look"`` (the classical answer of a single look), or
        ``"auto"``: as the plan says, else planned where there is an end and open where there is none.
    covariate
        How long before the first exposure the same metric is measured to sharpen the comparison
        (``"28d"``); ``"none"`` switches off what shop.toml declares.
    by
        A column of exposures, or of events, as it was when a unit entered: splits the units into
        segments.
    strata
        A column of exposures or events that is known before the exposure (``"device"``): variants are
        compared inside its groups, weighed by their sizes, which sharpens the comparison where the
        groups differ. Chosen before the data are seen. People of whom it is not known are a group.
        ``"none"`` switches off what was planned or declared.
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
    prior
        What is known beforehand, for the Bayesian view: how large relative effects usually are (0.1:
        two of three within 10 %). Flat when nobody says.
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
        For a window, a day, a level, a covariate or a declared unit that cannot be used, and for
        strata that can change after the exposure.
    """
    return answer(Request(
        shop=shop, experiment=experiment, metric=metric, metrics=tuple(metrics),
        guardrails=None if guardrails is None else tuple(guardrails), control=control,
        method=method, covariate=covariate, by=by, strata=strata or None, window=window, start=start, end=end,
        as_of=as_of, alpha=alpha, min_effect=min_effect, prior=prior, history=history,
    ))  # fmt: skip
