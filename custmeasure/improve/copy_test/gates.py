"""What must hold before an effect may be read: two variants, declared ones, in the planned shares."""

from collections.abc import Mapping, Sequence

from custmeasure.errors import listed, nearest
from custmeasure.improve.copy_test import wording
from custmeasure.language import Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.words import Text, Verdict
from custmeasure.stats import SampleRatio, sample_ratio
from custmeasure.stats.placebo import Placebo
from custmeasure.stats.srm import anytime_sample_ratio

CROSSOVER_WARN = 0.01  # as GrowthBook


def check_split(
    enrolled: Mapping[str, int], shares: Mapping[str, float] | None, *, anytime: bool = False
) -> SampleRatio:
    """Return the check of the split; variants without a planned share are left to `failed`.

    With ``anytime`` the one that holds at all looks together.
    """
    declared = {name: n for name, n in enrolled.items() if shares is None or name in shares}
    return anytime_sample_ratio(declared, shares) if anytime else sample_ratio(declared, shares)


def failed(
    enrolled: Mapping[str, int], shares: Mapping[str, float] | None, split: SampleRatio
) -> Verdict | None:
    """Return why the test is not valid, or None: one variant, an unknown one, a broken split."""
    seen = [name for name, n in enrolled.items() if n]
    unknown = [name for name in seen if shares is not None and name not in shares]
    if len(seen) == 1:
        return Verdict("invalid", _one_variant(seen[0]), code="ONE_VARIANT")
    if unknown:
        return Verdict("invalid", _unknown(unknown[0], list(shares or ())), code="UNKNOWN_VARIANT")
    if split.status == "invalid":
        return Verdict("invalid", _broken(enrolled, shares, split), code="SRM")
    return None


def uncalibrated(placebos: Sequence[tuple[Text, Placebo | None]]) -> Verdict | None:
    """Return why a metric's test cannot be trusted on these units: too many false alarms (T03)."""
    for title, placebo in placebos:
        if placebo is not None and placebo.status == "loose":
            share = fmt.percent(placebo.significant_share, "en")
            return Verdict("invalid", Text(
                f"이 지표의 검정은 맞지 않습니다({title.ko}). 같은 사람들을 우연히 {placebo.n_splits:,}번 "
                f"나누었더니 {share}에서 차이가 있다고 나왔습니다. 5%여야 합니다. 몇 사람의 큰 값 때문일 "
                "때가 많으니 cap을 정하거나 전환율로 보십시오.",
                f"This metric's test is not calibrated ({title}): of {placebo.n_splits:,} random splits of "
                f"the same people {share} found a difference, where 5% should. A few very large values are "
                "the usual cause: set a cap, or use the conversion rate.",
            ), code="NOT_CALIBRATED")  # fmt: skip
    return None


def placebo_notes(placebos: Sequence[tuple[Text, Placebo | None]]) -> list[Text]:
    """Return which metrics' tests are stricter than they say."""
    notes = []
    for title, placebo in placebos:
        if placebo is None or placebo.status not in ("strict", "loose"):
            continue
        share = fmt.percent(placebo.significant_share, "en")
        lead_ko = f"{title.ko}: 우연히 나눈 {placebo.n_splits:,}번 가운데 {share}만 차이가 있다고 나왔습니다"
        lead_en = f"{title}: of {placebo.n_splits:,} random splits only {share} found a difference"
        if placebo.status == "strict":
            notes.append(Text(
                f"{lead_ko}. 검정이 5%보다 엄격해 작은 차이는 놓칠 수 있습니다.",
                f"{lead_en}. The test is stricter than 5% and may miss small differences.",
            ))  # fmt: skip
        else:
            notes.append(Text(
                f"{title.ko}: 이 지표의 검정은 맞지 않습니다. 우연히 나누어도 {share}에서 차이가 나옵니다.",
                f"{title}: this metric's test is not calibrated. Random splits differ in {share}.",
            ))  # fmt: skip
    return notes


def split_notes(enrolled: Mapping[str, int], split: SampleRatio) -> list[Text]:
    """Return what must be said about a split that did not fail."""
    empty = [name for name in split.expected if not enrolled.get(name)]
    if split.code == "EMPTY_VARIANT" and split.status == "warn":
        return [Text(
            f"{', '.join(empty)}안을 본 사람이 없습니다. 노출이 기록되는지 확인하십시오.",
            f"Nobody saw {', '.join(empty)}. Check that its exposures are recorded.",
        )]  # fmt: skip
    if split.status == "warn":
        p_value = fmt.show("p_value", split.p_value)
        return [Text(
            f"배분이 계획과 조금 다릅니다(p값 {p_value}). 한쪽 사람이 빠지지 않는지 지켜보십시오.",
            f"The split differs somewhat from the plan (p-value {p_value}). "
            "Watch whether people of one variant go missing.",
        )]  # fmt: skip
    if split.code == "TOO_FEW_UNITS":
        return [Text(
            "배분이 계획대로인지 보기에는 사람이 적습니다(안마다 평균 8명 미만).",
            "There are too few people to check the split (fewer than 8 a variant on average).",
        )]  # fmt: skip
    return []


def crossover_note(n_crossover: int, n_seen: int) -> list[Text]:
    """Return how many units saw two variants, and from 1 % on that this is too many."""
    if not n_crossover:
        return []
    share = fmt.percent(n_crossover / n_seen, "en")
    ko = f"두 안을 모두 본 {n_crossover:,}명({n_seen:,}명의 {share})은 양쪽에서 뺐습니다."
    en = f"{n_crossover:,} people ({share} of {n_seen:,}) saw two variants; left out of both."
    if n_crossover / n_seen >= CROSSOVER_WARN:
        ko += " 1% 이상이면 많습니다. 한 사람이 늘 같은 안을 보는지 확인하십시오."
        en += " From 1% on that is many: check that a person keeps seeing the same variant."
    return [Text(ko, en)]


def _one_variant(name: str) -> Text:
    return Text(
        f"{name}안 하나만 기록되어 견줄 것이 없습니다. 다른 안의 노출이 기록되는지 확인하십시오.",
        f"Only variant {name} was recorded, so there is nothing to compare. "
        "Check that the other variants' exposures are recorded.",
    )


def _unknown(name: str, declared: list[str]) -> Text:
    near = nearest(name, declared)
    ko_hint, en_hint = (f" 혹시 '{near}'인가요?", f" Is it '{near}'?") if near else ("", "")
    return Text(
        f"계획(shares)에 없는 안 '{name}'이(가) 기록되어 견줄 수 없습니다.{ko_hint} "
        f"계획한 안: {listed(declared)}.",
        f"Variant '{name}' was recorded but is not in the plan (shares), so nothing can be "
        f"compared.{en_hint} Planned: {listed(declared)}.",
    )


def _broken(
    enrolled: Mapping[str, int], shares: Mapping[str, float] | None, split: SampleRatio
) -> Text:
    def said(lang: Lang) -> str:
        counts = {name: enrolled.get(name, 0) for name in split.expected}
        total = sum(split.expected.values())
        plan = " : ".join(f"{100 * n / total:.3g}%" for n in split.expected.values())
        hint = "" if shares else pick(
            " 처음부터 다른 비율로 나누었다면 shares에 적으십시오.",
            " If another split was planned, declare it as shares.", lang
        )  # fmt: skip
        p_value = fmt.show("p_value", split.p_value)
        reason = pick(
            f"배분이 계획과 다릅니다: {wording.split(counts, lang)}(계획 {plan}, p값 {p_value}). "
            "한쪽 사람이 빠지거나 겹쳤다는 뜻이라 두 안을 견줄 수 없습니다. 원인부터 찾으십시오.",
            f"The split is not the planned one: {wording.split(counts, lang)} "
            f"(planned {plan}; p-value {p_value}). People of one variant are missing or "
            "counted twice, so the variants cannot be compared. Find the cause first.",
            lang,
        )
        return reason + hint

    return wording.each(said)
