"""Every test that this shop has finished: its effect, how sure it was, and what its copies were like."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from custmeasure import dates
from custmeasure.engine import Table, query
from custmeasure.errors import UsageError
from custmeasure.improve.copy_days import copy_days
from custmeasure.improve.copy_days.reading import last_complete_day
from custmeasure.improve.copy_test import copy_test
from custmeasure.shop import Shop
from custmeasure.show.words import Text

_TOTALS = """
    SELECT experiment, variant, CAST(sum(n_units) AS BIGINT) AS n_units,
           CAST(sum(n_conversions) AS BIGINT) AS n_conversions,
           max(ended_on) AS ended_on, max(tags) AS tags
    FROM rows
    WHERE experiment IS NOT NULL AND variant IS NOT NULL
          AND ($until IS NULL OR ended_on IS NULL OR ended_on <= CAST($until AS DATE))
    GROUP BY experiment, variant ORDER BY experiment, variant"""

# A variant without conversions gets half of one, and so does the other: Haldane (1956).
HALF = 0.5


@dataclass(frozen=True)
class PastTest:
    """One treatment of one finished test.

    Attributes
    ----------
    experiment, variant, control
        Names.
    ended_on
        Its last day, or None when nobody wrote it down.
    n_units
        Units (of a test by the day: visitors) of both variants.
    effect, se
        Logarithm of the ratio of the two rates, and its standard error.
    tags
        Kind of copy → 1 when the treatment has it and the control has not, -1 the other way round.
    """

    experiment: str
    variant: str
    control: str
    ended_on: dt.date | None
    n_units: int
    effect: float
    se: float
    tags: Mapping[str, float]


def log_ratio(k_t: float, n_t: float, k_c: float, n_c: float) -> tuple[float, float]:
    """Return the logarithm of a ratio of rates and its standard error.

    Katz, Baptista, Azen and Pike (1978), Biometrics 34, 469-474; with a half added to every count when
    one of the variants has no conversion.
    """
    more = HALF if min(k_t, k_c) == 0 else 0.0
    k_t, k_c, n_t, n_c = k_t + more, k_c + more, n_t + 2 * more, n_c + 2 * more
    var = 1 / k_t - 1 / n_t + 1 / k_c - 1 / n_c
    return math.log(k_t / n_t) - math.log(k_c / n_c), math.sqrt(max(var, 1e-12))


def tags_of(text: object) -> tuple[str, ...]:
    """Return the kinds that a cell or a setting names: ``"proof, number"`` or a list."""
    if isinstance(text, str):
        return tuple(part for part in text.replace(",", " ").replace(";", " ").split() if part)
    if isinstance(text, Sequence):
        return tuple(str(part) for part in text)
    return ()


def signs(treatment: Sequence[str], control: Sequence[str]) -> dict[str, float]:
    """Return the kinds in which two copies differ: 1 when the treatment has it, -1 when the control."""
    gained = {tag: 1.0 for tag in treatment if tag not in control}
    lost = {tag: -1.0 for tag in control if tag not in treatment}
    return gained | lost


def read_past(shop: Shop) -> tuple[list[PastTest], list[Text]]:
    """Return every finished test of a shop, the oldest first, and which ones were left out and why."""
    tests: list[PastTest] = []
    notes: list[Text] = []
    table = shop.table("copy_tests")
    if isinstance(table, Table):
        tests += from_totals(_totals(table, last_complete_day(shop)))
    for name, declared in shop.settings.experiments.items():
        found, why = _of_experiment(shop, name, declared)
        tests += found
        notes += why
    return sorted(tests, key=lambda test: (test.ended_on or dt.date.min, test.experiment)), notes


def from_totals(rows: pd.DataFrame) -> list[PastTest]:
    """Return the tests of a table of totals: ``experiment, variant, n_units, n_conversions, tags``.

    The control is the first variant by name.

    Raises
    ------
    UsageError
        When a column is missing, or there are more conversions than units.
    """
    missing = {"experiment", "variant", "n_units", "n_conversions"} - set(rows.columns)
    if missing:
        raise UsageError(
            ko=f"{', '.join(sorted(missing))} 열이 없습니다.",
            en=f"Column {', '.join(sorted(missing))} is missing.",
        )
    if (
        len(rows)
        and ((rows["n_conversions"] > rows["n_units"]) | (rows["n_conversions"] < 0)).any()
    ):
        raise UsageError(
            ko="전환이 인원보다 많은 행이 있습니다. 그 시험의 수를 고치십시오.",
            en="A row has more conversions than units. Correct that test.",
        )
    return [test for _, part in rows.groupby("experiment") for test in _one(part)]


def _one(part: pd.DataFrame) -> Iterator[PastTest]:
    control, *others = part.sort_values("variant").to_dict("records")
    for row in others:
        if not control["n_units"] or not row["n_units"]:
            continue
        effect, se = log_ratio(
            row["n_conversions"], row["n_units"], control["n_conversions"], control["n_units"]
        )
        yield PastTest(
            str(row["experiment"]), str(row["variant"]), str(control["variant"]),
            _as_day(row.get("ended_on")), int(row["n_units"] + control["n_units"]), effect, se,
            signs(tags_of(row.get("tags")), tags_of(control.get("tags"))),
        )  # fmt: skip


def _totals(table: Table, until: dt.date | None) -> pd.DataFrame:
    rows = table.pick(
        experiment=("experiment", "text"), variant=("variant", "text"),
        n_units=("n_units", "count"), n_conversions=("n_conversions", "count"),
        ended_on=("ended_on", "day?"), tags=("tags", "text?"),
    )  # fmt: skip
    given = {"until": until.isoformat() if until else None}
    return pd.DataFrame(query(_TOTALS, given, rows=rows).to_pandas())


def _of_experiment(
    shop: Shop, name: str, declared: Mapping[str, object]
) -> tuple[list[PastTest], list[Text]]:
    """Return a declared experiment's tests when it is over and its answer may be used."""
    end = declared.get("end")
    last = dates.parse_day(end, "end") if end else None
    known = last_complete_day(shop)
    if last is None or (known is not None and known <= last):
        return [], [
            Text(f"{name}: 아직 끝나지 않아 넣지 않았습니다.", f"{name}: not over, left out.")
        ]
    kinds = {str(k): tags_of(v) for k, v in _mapping(declared.get("tags")).items()}
    if name in _recorded(shop, "copy_days"):
        return _by_day(shop, name, last, kinds)
    if name in _recorded(shop, "exposures"):
        return _split(shop, name, last, kinds)
    return [], []


def _split(
    shop: Shop, name: str, last: dt.date, kinds: Mapping[str, Sequence[str]]
) -> tuple[list[PastTest], list[Text]]:
    result = copy_test(shop, name, metric="conversion", method="one_look")
    if result.verdict == "invalid" or len(result.frame) < 2:
        return [], [_left_out(name, str(result.verdict.code or result.verdict))]
    rows = result.frame.assign(experiment=name, ended_on=last)
    rows["tags"] = [" ".join(kinds.get(str(v), ())) for v in rows["variant"]]
    control = rows.iloc[0]
    found = []
    for _, row in rows.iloc[1:].iterrows():
        pair = pd.DataFrame([control, row]).assign(variant=["\0", row["variant"]])
        found += [_named(test, str(control["variant"])) for test in _one(pair)]
    return found, []


def _by_day(
    shop: Shop, name: str, last: dt.date, kinds: Mapping[str, Sequence[str]]
) -> tuple[list[PastTest], list[Text]]:
    result = copy_days(shop, name)
    if result.verdict == "invalid" or len(result.frame) < 2:
        return [], [_left_out(name, str(result.verdict.code or result.verdict))]
    control, row = result.frame.iloc[0], result.frame.iloc[1]
    ends = row["rel_diff_ci_lower"], row["rel_diff_ci_upper"]
    if not np.isfinite([row["rel_diff"], *ends]).all() or ends[0] <= -1:
        return [], [_left_out(name, "ZERO_BASELINE")]
    z = -float(ndtri(float(str(result.definition["alpha"])) / 2))
    se = (math.log1p(ends[1]) - math.log1p(ends[0])) / (2 * z)
    n = int(result.frame["n_visitors"].sum())
    first, other = str(control["variant"]), str(row["variant"])
    tags = signs(kinds.get(other, ()), kinds.get(first, ()))
    test = PastTest(name, other, first, last, n, math.log1p(row["rel_diff"]), se, tags)
    return [test], []


def _named(test: PastTest, control: str) -> PastTest:
    return PastTest(**{**vars(test), "control": control})


def _left_out(name: str, code: str) -> Text:
    return Text(
        f"{name}: 결과를 쓸 수 없어({code}) 넣지 않았습니다.",
        f"{name}: its result cannot be used ({code}), so it is left out.",
    )


def _recorded(shop: Shop, name: str) -> set[str]:
    table = shop.table(name)
    if not isinstance(table, Table):
        return set()
    rows = table.pick(experiment=("experiment", "text"))
    return {str(row["experiment"]) for row in query(_NAMES, rows=rows).to_pylist()}


_NAMES = "SELECT DISTINCT experiment FROM rows WHERE experiment IS NOT NULL"


def _as_day(value: object) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return value.date() if value == value else None  # noqa: PLR0124 - NaT equals nothing
    if isinstance(value, str) and value:
        return dates.parse_day(value, "ended_on")
    return value if isinstance(value, dt.date) else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
