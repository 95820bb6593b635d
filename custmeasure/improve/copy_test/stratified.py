"""Variants compared inside groups that were known before anybody saw one (post-stratification)."""

from collections.abc import Sequence
from dataclasses import replace

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test import counts
from custmeasure.improve.copy_test.effects import Sample, Stratified, compare
from custmeasure.improve.copy_test.parts import Cell, Reading, columns_of, joint_of, records
from custmeasure.improve.copy_test.setup import Setup
from custmeasure.shop.contract import TABLES
from custmeasure.show import format as fmt
from custmeasure.show.labels import label
from custmeasure.show.words import Text
from custmeasure.stats.joint import add

# How people came: fixed when they do. Other columns of the contract are made by what they do next.
ARRIVAL = ("device", "channel", "campaign")
UNKNOWN = "(none)"
_K = 4  # columns of a sample


def check_strata(setup: Setup, strata: str | None) -> None:
    """Refuse a column that is not there, or that a variant may have changed (T27).

    Of the contract's columns only `ARRIVAL` is fixed at the exposure. A column of the shop's own counts
    as fixed when nobody in the test has two values of it.

    Raises
    ------
    UnknownName
        When there is no such column, with the nearest one.
    UsageError
        When it can change after the exposure.
    """
    if strata is None:
        return
    asked = replace(setup, by=strata)
    marks = asked.marks()
    if marks is None:
        events = setup.shop.table("events")
        known = [*setup.exposures.columns, *getattr(events, "columns", ())]
        raise UnknownName("column", strata, known, where="exposures, events")
    if strata in ARRIVAL:
        return
    named = {column.name for table in ("exposures", "events") for column in TABLES[table]}
    n = counts.n_changing(setup.exposures, marks, setup.unit, setup.experiment)
    if strata in named or n:
        raise _changes(strata, n)


def inside_strata(setup: Setup, reading: Reading, strata: str | None) -> Reading:
    """Return the reading with its samples by stratum; a quantile's as it is."""
    metric = reading.metric
    if strata is None or metric.kind == "quantile":
        return reading
    source = replace(setup, by=strata).source(metric)
    rows = records(counts.cells(source, metric, setup.span(metric)))
    cells = tuple(
        Cell(str(row["variant"]), row["day"], joint_of(row), str(row["stratum"])) for row in rows
    )
    done = [(str(row["variant"]), int(row["n_did"])) for row in rows]
    samples: dict[str, Sample] = {
        name: _sample(name, cells, reading, sum(k for variant, k in done if variant == name))
        for name in reading.samples
    }
    definition = {**reading.definition, "strata": strata}
    return replace(reading, samples=samples, cells=cells, definition=definition)


def _sample(name: str, cells: Sequence[Cell], reading: Reading, k: int) -> Stratified:
    own = [cell for cell in cells if cell.variant == name]
    strata = {
        stratum: add((cell.sample for cell in own if cell.stratum == stratum), _K)
        for stratum in sorted({cell.stratum for cell in own})
    }
    return Stratified(add(strata.values(), _K), columns_of(reading.metric), k, strata)


def strata_notes(
    strata: str | None,
    plain: Sequence[Reading],
    readings: Sequence[Reading],
    control: str,
    alpha: float,
) -> list[Text]:
    """Return what comparing inside groups changed: the first metric's difference and its interval."""
    lead = readings[0]
    if strata is None:
        return []
    if not lead.cells:
        return [Text(
            f"{lead.metric.title.ko}: 분위수는 {strata} 무리로 나누어 견주지 않습니다.",
            f"{lead.metric.title}: a quantile is not compared inside groups of {strata}.",
        )]  # fmt: skip
    notes = [_groups(strata, lead)]
    for name in lead.samples:
        if name != control:
            notes += _changed(name, plain[0], lead, control, alpha)
    return notes


def _groups(strata: str, lead: Reading) -> Text:
    names = {cell.stratum for cell in lead.cells}
    n_unknown = sum(cell.sample.n for cell in lead.cells if cell.stratum == UNKNOWN)
    ko, en = label(strata, "ko"), label(strata, "en")
    more_ko = f" 값을 모르는 {n_unknown:,}명은 한 무리로 두었습니다." if n_unknown else ""
    more_en = f" {n_unknown:,} people of unknown group are one of them." if n_unknown else ""
    return Text(
        f"{ko}: 처음 볼 때 정해져 있던 무리 {len(names):,}개 안에서 견주어, 무리의 크기대로 합쳤습니다."
        f"{more_ko}",
        f"{en}: compared inside {len(names):,} groups known at the exposure, and weighed by their "
        f"sizes.{more_en}",
    )


def _changed(name: str, plain: Reading, lead: Reading, control: str, alpha: float) -> list[Text]:
    before, after = (
        compare(each.samples[name], each.samples[control], alpha) for each in (plain, lead)
    )
    widths = [each.diff_ci_upper - each.diff_ci_lower for each in (before, after)]
    if not all(width > 0 for width in widths):
        return []
    change = widths[1] / widths[0] - 1
    shown = f"{abs(change):.1%}"
    ko, en = ("좁아졌습니다", "narrower") if change < 0 else ("넓어졌습니다", "wider")
    was, now = (fmt.show("rel_diff", each.rel_diff) for each in (before, after))
    return [Text(
        f"나누지 않았다면 {name}안의 상대 차이는 {was}, 나누어서 {now}입니다. 구간은 {shown} {ko}.",
        f"{name}: the relative difference is {now} inside groups and {was} without them; the interval "
        f"is {shown} {en}.",
    )]  # fmt: skip


def _changes(strata: str, n: int) -> UsageError:
    seen_ko = f"({n:,}명은 값이 둘 이상입니다)" if n else ""
    seen_en = f" ({n:,} people have several values)" if n else ""
    return UsageError(
        ko=f"strata '{strata}': 문구를 본 뒤에 바뀔 수 있는 열입니다{seen_ko}. 문구가 바꾼 값으로 나누면 "
        f"효과가 틀어집니다. {', '.join(ARRIVAL)}처럼 볼 때 이미 정해진 열을 쓰십시오.",
        en=f"strata '{strata}' can change after the exposure{seen_en}; groups that the copy itself may "
        f"have made would bend the effect. Use a column that is fixed by then: {', '.join(ARRIVAL)}.",
    )
