"""Whether two funnels count the same thing, and what must be said of the two sides."""

import datetime as dt
from collections.abc import Mapping

from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang
from custmeasure.measure.funnel.result import FunnelResult
from custmeasure.show.labels import definition_label, setting_label, value_label
from custmeasure.show.words import Text

# What may differ between two sides: when, how far the data reach, what was aimed at, who computed it.
_FREE = frozenset({"start", "end", "as_of", "target", "confidence", "engine"})


def check_alike(before: FunnelResult, after: FunnelResult) -> None:
    """Refuse two funnels that do not count the same thing.

    Raises
    ------
    UsageError
        Naming everything that differs.
    """
    sides = [_counted(each) for each in (before, after)]
    keys = list(dict.fromkeys([*sides[0], *sides[1]]))
    differ = [key for key in keys if sides[0].get(key) != sides[1].get(key)]
    if not differ:
        return
    said: dict[Lang, str] = {
        lang: ", ".join(_difference(key, sides, lang) for key in differ) for lang in LANGUAGES
    }
    raise UsageError(
        ko=f"두 깔때기가 같은 것을 세지 않습니다: {said['ko']}. 둘을 같은 방법으로 재십시오.",
        en=f"The two funnels do not count the same thing: {said['en']}. Measure both alike.",
    )


def _counted(result: FunnelResult) -> dict[str, object]:
    """Return all that decides what a funnel counts."""
    known = {k: v for k, v in result.definition.items() if k not in _FREE and k[:2] != "n_"}
    optional = [result.steps[place] for place in result.optional] or None
    return {**known, "optional": optional, "steps": result.steps, "by": result.by}


def _difference(key: str, sides: list[dict[str, object]], lang: Lang) -> str:
    values = " ≠ ".join(_value(side.get(key), lang) for side in sides)
    return f"{definition_label(key, lang)} {values}"


def _value(value: object, lang: Lang) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(each, lang) for each in value) + "]"
    return "–" if value is None else setting_label(str(value), lang)


def shared_definition(
    before: FunnelResult, after: FunnelResult, names: tuple[str, str]
) -> dict[str, object]:
    """Return what both funnels count, and the days of each side."""
    spans = {
        name: _span(side.definition) for name, side in zip(names, (before, after), strict=True)
    }
    alike = {k: v for k, v in _counted(before).items() if v is not None}
    return {**{name: span for name, span in spans.items() if span}, **alike}


def _span(definition: Mapping[str, object]) -> str:
    start, end = definition.get("start"), definition.get("end")
    return f"{start or ''} ~ {end or ''}" if start or end else ""


def side_notes(
    before: FunnelResult, after: FunnelResult, names: tuple[str, str]
) -> tuple[Text, ...]:
    """Return what must be said: periods of different length, people who are still on their way."""
    lengths = [_days(side.definition) for side in (before, after)]
    notes = []
    if None not in lengths and lengths[0] != lengths[1]:
        notes.append(Text(
            f"두 기간의 길이가 다릅니다({lengths[0]}일과 {lengths[1]}일). "
            "비율만 견주고 사람 수는 견주지 마십시오.",
            f"The periods have {lengths[0]} and {lengths[1]} days: compare the rates, not the numbers "
            "of people.",
        ))  # fmt: skip
    for name, side in zip(names, (before, after), strict=True):
        n_pending = side.definition.get("n_pending")
        if isinstance(n_pending, int) and n_pending:
            notes.append(Text(
                f"{value_label(name, 'ko')} 쪽의 {n_pending:,}명은 아직 기한 안에 있어 빼고 셌습니다.",
                f"{n_pending:,} people of '{value_label(name, 'en')}' are still within their window "
                "and are left out.",
            ))  # fmt: skip
    return tuple(notes)


def _days(definition: Mapping[str, object]) -> int | None:
    start, end = definition.get("start"), definition.get("end")
    if isinstance(start, dt.date) and isinstance(end, dt.date):
        return (end - start).days + 1
    return None
