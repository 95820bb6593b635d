"""The one place that writes HTML for a result: a table with a caption and footnotes, escaped."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CELL_LIMIT = 300


def figure(
    frame: "pd.DataFrame",
    *,
    headline: str = "",
    numeric: Sequence[bool] = (),
    caption: str = "",
    notes: Sequence[str] = (),
) -> str:
    """Return a frame of texts as an HTML table.

    Parameters
    ----------
    frame
        Texts to show; every one is escaped, and cut after 300 characters.
    headline
        The answer in words, above the table.
    numeric
        Which columns hold numbers and are set flush right.
    caption, notes
        Texts under the table.
    """
    return (
        f'<figure class="cm-result">{_headline(headline)}{_table(frame, numeric)}'
        f"{_caption(caption)}{_notes(notes)}</figure>"
    )


def _table(frame: "pd.DataFrame", numeric: Sequence[bool]) -> str:
    """Return the table, or nothing where there is no row to read."""
    if not len(frame):
        return ""
    classes = ["cm-number" if flag else "cm-text" for flag in numeric] or [""] * frame.shape[1]
    head = "".join(
        _cell("th", name, kind) for name, kind in zip(frame.columns, classes, strict=True)
    )
    body = "".join(_row(row, classes) for row in frame.itertuples(index=False, name=None))
    return f'<table class="cm-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(row: tuple[object, ...], classes: Sequence[str]) -> str:
    cells = "".join(_cell("td", value, kind) for value, kind in zip(row, classes, strict=True))
    return f"<tr>{cells}</tr>"


def _cell(tag: str, value: object, kind: str) -> str:
    text = str(value)
    if len(text) > CELL_LIMIT:
        text = text[:CELL_LIMIT] + "…"
    attribute = f' class="{kind}"' if kind else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>"


def _headline(text: str) -> str:
    return f'<p class="cm-headline">{escape(text)}</p>' if text else ""


def _caption(text: str) -> str:
    return f'<figcaption class="cm-caption">{escape(text)}</figcaption>' if text else ""


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul class="cm-notes">{items}</ul>' if items else ""
