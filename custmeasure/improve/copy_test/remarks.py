"""What a statistician would say aloud about the comparisons of a test."""

from collections.abc import Mapping, Sequence

from custmeasure.improve.copy_test.effects import (
    Comparison,
    Rate,
    Sample,
    is_pooled,
)
from custmeasure.improve.copy_test.verdict import Case
from custmeasure.show import format as fmt
from custmeasure.show.words import Text
from custmeasure.stats.exact import fisher, needs_exact


def remarks(cases: Sequence[Case]) -> list[Text]:
    """Return what must be said: several comparisons, uneven, doubtful ones, few conversions."""
    return [*_several(cases), *_pooled(cases), *_doubtful(cases), *_counted_exactly(cases)]


def _pooled(cases: Sequence[Case]) -> list[Text]:
    """Return how the interval of a mean is made when one variant is much smaller."""
    titles = [case.said.title for case in cases if has_one_spread(case.samples)]
    if not titles:
        return []
    ko, en = ", ".join(title.ko for title in titles), ", ".join(titles)
    return [Text(
        f"{ko}: 안마다 인원이 크게 달라, 구간은 두 안의 흩어짐을 합쳐서 만들었습니다. 따로 재면 적은 쪽에 "
        "들어온 큰 구매 몇 건만으로 없는 차이가 나오기 쉽습니다. 문구가 흩어짐 자체를 바꾸었다면 "
        "구간이 조금 다를 수 있습니다.",
        f"{en}: the variants differ much in size, so the interval uses the spread of both together. "
        "Measured apart, a few large purchases in the smaller one would too often look like a "
        "difference. If the copy changes the spread itself, the interval is somewhat off.",
    )]  # fmt: skip


def has_one_spread(samples: Mapping[str, Sample]) -> bool:
    """Return whether a treatment is compared with the control, the first, by one spread for both."""
    control, *treatments = samples.values()
    return any(is_pooled(treatment, control) for treatment in treatments)


def _several(cases: Sequence[Case]) -> list[Text]:
    family = [case for case in cases if case.several]
    n = sum(len(case.compared) for case in family)
    if n < 2:
        return []
    if len(family) == 1:
        return [Text(
            f"안 {n}개를 기준안과 견주어, 보정한 p값(Holm)으로 판정합니다. 구간은 하나씩 본 것입니다.",
            f"{n} variants are compared with the control; the verdict uses the adjusted p-values "
            "(Holm). The intervals are those of each comparison alone.",
        )]  # fmt: skip
    return [Text(
        f"지표 {len(family)}개를 함께 보아 비교가 {n}번입니다. 판정에는 보정한 p값(Holm)을 씁니다.",
        f"{len(family)} metrics are decided on together, {n} comparisons in all; the verdict uses the "
        "adjusted p-values (Holm).",
    )]  # fmt: skip


def _counted_exactly(cases: Sequence[Case]) -> list[Text]:
    """Return the exact answer beside the interval's where conversions are few; without looks."""
    notes = []
    for case in cases:
        control = next(iter(case.samples.values()))
        for name in case.compared:
            sample = case.samples[name]
            if not (isinstance(sample, Rate) and isinstance(control, Rate)) or not case.can_test(
                name
            ):
                continue
            counts = (sample.k, sample.n, control.k, control.n)
            if needs_exact(*counts):
                shown = fmt.show("p_value", fisher(*counts).p_value)
                notes.append(Text(
                    f"{name}안: 전환이 적어 모든 경우도 세었습니다. 한 번 볼 때 정확한 p값은 {shown}입니다.",
                    f"{name}: there are few conversions, so every outcome was counted too: the exact "
                    f"p-value of a single look is {shown}.",
                ))  # fmt: skip
    return notes


def _doubtful(cases: Sequence[Case]) -> list[Text]:
    """Return what is not defined or hardly worth reading in the comparisons."""
    notes = []
    compared: list[Comparison] = [each for case in cases for each in case.compared.values()]
    if any(comparison.two_units for comparison in compared):
        notes.append(Text(
            "2명뿐인 안이 있습니다. 숫자는 나오지만 믿을 것이 못 됩니다.",
            "A variant has only 2 people: the numbers are there but mean next to nothing.",
        ))  # fmt: skip
    codes = {comparison.code for comparison in compared}
    if codes & {"ZERO_BASELINE", "BASELINE_NEAR_ZERO"}:
        notes.append(Text(
            "기준안의 값이 0이거나 0에 가까워 상대 차이는 정할 수 없습니다.",
            "The control's value is 0 or too close to 0, so the relative difference is not defined.",
        ))  # fmt: skip
    return notes
