"""What every measure returns: a frozen table with its definition, notes, verdict and headline.

A result prints as a table, in a terminal, a notebook and a report alike. The frame behind it stays
tidy and unformatted. Printing never computes and never raises.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from custmeasure import lazy
from custmeasure.errors import UnknownName
from custmeasure.language import Lang
from custmeasure.show import format as fmt
from custmeasure.show import html
from custmeasure.show.labels import (
    definition_label,
    label,
    setting_label,
    table_label,
    value_label,
)
from custmeasure.show.rows import Row, Rows, framed
from custmeasure.show.words import Text, Verdict

if TYPE_CHECKING:
    import pandas as pd

_LOWER, _UPPER = "_ci_lower", "_ci_upper"


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A measured answer.

    Attributes
    ----------
    frame
        Tidy and unformatted, with exactly the columns `COLUMNS` in that order.
    definition
        Everything that changes the number: unit, window, dates, time zone, engine.
    notes
        What a statistician would say aloud.
    verdict
        One of better, worse, no_difference, cannot_tell, invalid, with its reason.
    """

    frame: "pd.DataFrame" = framed(required=True)
    definition: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()
    verdict: Verdict = field(kw_only=True)

    name: ClassVar[str] = "result"
    COLUMNS: ClassVar[tuple[str, ...]] = ()
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {}

    def __post_init__(self) -> None:
        object.__setattr__(self, "definition", MappingProxyType(dict(self.definition)))

    @property
    def reason(self) -> Text:
        """Why the verdict is what it is."""
        return self.verdict.reason

    @property
    def formats(self) -> Mapping[str, fmt.Formatter]:
        """How columns look whose name alone does not decide it."""
        return self.FORMATS

    def records(self, table: str = "frame") -> list[Row]:
        """Return the rows of one of its tables in plain Python: for JSON, or a script of your own.

        Raises
        ------
        UnknownName
            For a table that it does not have, with the nearest one.
        """
        tables = {
            name: held
            for name, held in vars(self).items()
            if isinstance(held, Rows) or hasattr(held, "to_dict")
        }
        if table not in tables:
            raise UnknownName("table", table, tables)
        held = tables[table]
        found: list[Row] = list(held.records) if isinstance(held, Rows) else held.to_dict("records")
        return found

    def headline(self, lang: Lang | None = None) -> str:
        """Return the answer in one or two sentences, verdict first."""
        return f"{self.verdict.word(lang)}. {self.reason.in_(lang)}"

    def display_frame(self, lang: Lang | None = None) -> "pd.DataFrame":
        """Return the frame as a reader sees it: labels, formatted numbers, intervals joined."""
        shown = self.shown_frame()
        cells = {column: self._cells(shown, column, lang) for column in _own_columns(shown)}
        pandas = lazy.loaded("pandas")
        frame: pd.DataFrame = pandas.DataFrame(cells)
        labels = [label(name, lang) for name in cells]
        frame.columns = pandas.Index(labels)  # of which two may be alike
        return frame

    def shown_frame(self) -> "pd.DataFrame":
        """Return the rows that are printed; the whole frame unless a result says otherwise."""
        return self.frame

    def caption(self, lang: Lang | None = None) -> str:
        """Return the definition as one line of text."""
        parts = [
            f"{definition_label(key, lang)}: {self._said(key, value, lang)}"
            for key, value in self.definition.items()
            if value is not None
        ]
        return " · ".join(parts)

    def __repr__(self) -> str:
        lines = [self.headline(), "", self.display_frame().to_string(index=False), self.caption()]
        return "\n".join(lines + [f"- {note.in_()}" for note in self.notes])

    def _repr_html_(self) -> str:
        return html.figure(
            self.display_frame(),
            headline=self.headline(),
            numeric=_numeric(self.shown_frame(), self.display_frame()),
            caption=self.caption(),
            notes=[note.in_() for note in self.notes],
        )

    def _cells(self, frame: "pd.DataFrame", column: str, lang: Lang | None) -> list[str]:
        values = [self._cell(column, value, lang) for value in frame[column]]
        if column + _LOWER not in frame:
            return values
        lowers = [self._show(column, value, lang) for value in frame[column + _LOWER]]
        uppers = [self._show(column, value, lang) for value in frame[column + _UPPER]]
        ranges = [fmt.interval(*ends, lang) for ends in zip(lowers, uppers, strict=True)]
        return [f"{v} ({r})" if r else v for v, r in zip(values, ranges, strict=True)]

    def _cell(self, column: str, value: object, lang: Lang | None) -> str:
        text = self._show(column, value, lang)
        return value_label(text, lang) if isinstance(value, str) else text

    def _show(self, column: str, value: object, lang: Lang | None) -> str:
        currency = str(self.definition.get("currency", "KRW"))
        return fmt.show(column, value, lang, currency, self.formats)

    def _said(self, key: str, value: object, lang: Lang | None) -> str:
        if isinstance(value, Mapping):
            return ", ".join(f"{k} {self._said(key, v, lang)}" for k, v in value.items())
        if isinstance(value, list | tuple):
            return ", ".join(str(part) for part in value)
        if key in (
            "shares",
            "target",
            "min_effect",
            "alpha",
            "look_alpha",
            "confidence",
        ) and isinstance(value, float):
            return f"{100 * value:g}%"
        if key == "table":
            return table_label(str(value), lang)
        text = self._show(key, value, lang)
        return setting_label(text, lang) if isinstance(value, str) else text


@dataclass(frozen=True, eq=False, repr=False)
class Listing(Result):
    """A table to read that answers no question by itself: a check, an overview."""

    name: ClassVar[str] = "listing"

    def headline(self, lang: Lang | None = None) -> str:
        """Return the reason alone: a listing has nothing to judge."""
        return self.reason.in_(lang)


def missing_verdict(table: str) -> Verdict:
    """Return the verdict of a measure whose table the shop does not have."""
    reason = Text(
        ko=f"이 상점에는 {table_label(table, 'ko')} 표가 없어 답할 수 없습니다. "
        f"shop.toml의 [tables.{table}]에 파일을 지정하면 답합니다.",
        en=f"This shop has no table of {table_label(table, 'en')}, so this question has no answer "
        f"yet. Name its file under [tables.{table}] in shop.toml.",
    )
    return Verdict("cannot_tell", reason, code="MISSING_TABLE")


def _own_columns(frame: "pd.DataFrame") -> Iterator[str]:
    return (name for name in frame.columns if not name.endswith((_LOWER, _UPPER)))


def _numeric(frame: "pd.DataFrame", shown: "pd.DataFrame") -> list[bool]:
    is_numeric = lazy.loaded("pandas").api.types.is_numeric_dtype
    kinds = [is_numeric(frame[name]) for name in _own_columns(frame)]
    return [bool(kind) for kind in kinds] if len(kinds) == shown.shape[1] else []


def table(frame: "pd.DataFrame") -> Listing:
    """Return any frame as an escaped table with its columns labelled and formatted.

    Parameters
    ----------
    frame
        Rows to show; a name of the house (``n_…``, ``…_rate``) decides how its column looks. An index
        that has a name becomes the first columns.
    """
    named = [name for name in frame.index.names if name is not None]
    rows = frame.reset_index(named) if named else frame.copy(deep=False)
    names = [str(name) for name in rows.columns]
    rows.columns = lazy.loaded("pandas").Index([
        name if names.index(name) == place else f"{name} ({place + 1})"
        for place, name in enumerate(names)
    ])  # fmt: skip
    reason = Text("", "")
    return Listing(rows, {}, verdict=Verdict("cannot_tell", reason, code="LISTING"))
