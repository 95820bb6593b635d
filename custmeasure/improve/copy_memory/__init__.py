"""Which kinds of copy have worked here?

One test says whether one sentence sold better. Many tests say more, when somebody wrote down what kind of
copy each was: the benefit first, the price first, a proof, a number, a question, a comparison. All
finished tests are pooled, each kind's effect beside the others of the same tests, and how much tests
differ among themselves is counted in. Every test's own effect is also shown with its luck taken out:
what came out best is partly luck, and small tests more than large ones.

Tests come from the table ``copy_tests`` (totals that somebody typed in) and from the experiments that
shop.toml declares with ``tags`` and whose last day is over. A test with a broken split stays out, and is
named. How much true effects differ is learned from the tests and, while they are few, from what is known of
copy at large (`USUAL_SPREAD`, in the definition).

Frame, one row a kind of copy, the surest first: ``tag, n_tests`` (tests in which it differs), ``n_units``,
``rel_diff`` (what it does to the conversion rate, the other kinds taken into account) with the interval of
Knapp and Hartung, ``p_value, p_value_adj`` (Benjamini-Hochberg), ``finding`` (better, worse, cannot_tell,
not_apart). ``past``: one row a test with ``rel_diff`` as seen and ``likely_rel_diff``.

>>> import pandas as pd
>>> sold = [120, 160, 118, 150, 119, 162, 121, 124, 122, 119]
>>> rows = pd.DataFrame({
...     "experiment": [f"test {k // 2}" for k in range(10)], "variant": ["A", "B"] * 5,
...     "n_units": 1000, "n_conversions": sold, "tags": ["", "proof"] * 3 + ["", "price"] * 2})
>>> result = copy_memory_from_counts(rows)
>>> str(result.verdict), result.frame[["tag", "n_tests", "finding"]].values.tolist()
('better', [['proof', 3, 'better'], ['price', 2, 'cannot_tell']])
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from scipy.special import ndtri

from custmeasure import dates
from custmeasure.improve.copy_memory.reading import PastTest, from_totals, read_past
from custmeasure.improve.copy_memory.result import (
    CopyMemoryResult,
    PastTestsResult,
    past_table,
    past_verdict,
    tag_table,
    verdict,
)
from custmeasure.shop import Shop
from custmeasure.show.words import Text
from custmeasure.stats.shrinkage import pool, shrink, tag_effects
from custmeasure.stats.tails import check_level

# What is known of copy before any test here: a third of true effects lies beyond ±10 % (half-normal scale of
# their spread). It decides how much few tests borrow from each other; with many it hardly matters.
USUAL_SPREAD = 0.1

__all__ = ["CopyMemoryResult", "PastTestsResult", "copy_memory", "copy_memory_from_counts"]


def copy_memory(shop: Shop, *, alpha: float = 0.05) -> CopyMemoryResult:
    """Pool every finished test of a shop by the kinds of its copies.

    Parameters
    ----------
    shop
        The shop; its table ``copy_tests``, and the experiments of shop.toml with their ``tags``:
        ``tags = { A = [], B = ["benefit_first", "number"] }``.
    alpha
        1 - the confidence of the intervals, and the level at which a kind is said to work.

    Returns
    -------
    CopyMemoryResult
        ``verdict`` is better when a kind surely works here, worse when one surely costs sales and none
        works, else cannot_tell with what is missing.
    """
    tests, notes = read_past(shop)
    definition = {
        "metric": "conversion", "as_of": dates.local(shop.as_of, shop.timezone),
        "timezone": shop.timezone,
    }  # fmt: skip
    return _pooled(tests, alpha, definition, notes)


def copy_memory_from_counts(rows: pd.DataFrame, *, alpha: float = 0.05) -> CopyMemoryResult:
    """Pool tests from a table of totals, two rows or more a test.

    Parameters
    ----------
    rows
        ``experiment, variant, n_units, n_conversions`` and, where known, ``tags`` (``"proof, number"``)
        and ``ended_on``. The first variant by name is the control.
    alpha
        As `copy_memory`.

    Raises
    ------
    UsageError
        When a column is missing, or a row has more conversions than units.
    """
    return _pooled(from_totals(rows), alpha, {"metric": "conversion"}, [])


def _pooled(
    tests: Sequence[PastTest],
    alpha: float,
    definition: Mapping[str, object],
    notes: Sequence[Text],
) -> CopyMemoryResult:
    check_level(alpha)
    definition = {**definition, "usual_spread": USUAL_SPREAD}
    effects, ses = [test.effect for test in tests], [test.se for test in tests]
    shrunk = shrink(effects, ses, alpha, usual_spread=USUAL_SPREAD)
    past = past_table(tests, shrunk, -float(ndtri(alpha / 2)))
    listed = PastTestsResult(past, dict(definition), verdict=past_verdict(past, shrunk))
    tagged = [test for test in tests if test.tags]
    known = tag_effects(
        [test.effect for test in tagged], [test.se for test in tagged],
        [test.tags for test in tagged], alpha,
    ) if tagged else {}  # fmt: skip
    frame = tag_table(tagged, known, alpha)
    common = pool(effects, ses, alpha)
    definition = {
        **definition, "n_tests": len(tests), "n_tagged": len(tagged), "alpha": alpha,
        "spread": common.tau if math.isfinite(common.tau) else None,
    }  # fmt: skip
    said = (*notes, *_cautions(frame, tests))
    return CopyMemoryResult(
        frame, definition, said, verdict=verdict(frame, len(tests)), past=listed
    )


def _cautions(frame: pd.DataFrame, tests: Sequence[PastTest]) -> list[Text]:
    notes = []
    if (frame["finding"] == "not_apart").any():
        notes.append(Text(
            "늘 함께 쓰인 종류는 어느 쪽의 효과인지 가를 수 없습니다. 따로 쓰는 시험이 필요합니다.",
            "Kinds that were always used together cannot be told apart; a test of each alone would.",
        ))  # fmt: skip
    several = len({test.experiment for test in tests}) < len(tests)
    if several:
        notes.append(Text(
            "안이 셋 이상인 시험은 기준안을 함께 쓰므로 서로 조금 닮았습니다. 그것은 셈에 넣지 않았습니다.",
            "Tests with three variants or more share a control and so resemble each other a little; that is "
            "not counted.",
        ))  # fmt: skip
    if len(frame):
        notes.append(Text(
            "여러 시험에서 함께 보인 것이지, 종류만 바꾼 시험은 아닙니다. "
            "다음 시험에서 하나만 바꾸어 확인하십시오.",
            "This is what tests had in common, not a test of the kind itself. Confirm it with a test in "
            "which only the kind changes.",
        ))  # fmt: skip
    return notes
