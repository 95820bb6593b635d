"""An executed notebook into one page: a single file without scripts, code or anything from outside.

nbconvert walks the notebook through our own template (``template/page.html.j2``). The template
escapes by default; only `clean` may say that a text is HTML.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.dates import format_date
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode

from custmeasure import dates
from custmeasure.language import Lang, pick
from custmeasure.report import clean
from custmeasure.report.look import TEMPLATES, furnish
from custmeasure.report.parameters import Value
from custmeasure.report.signoff import SignOff
from custmeasure.report.wording import LOCALES, chip, without_verdict, words_in

TEXT_LIMIT = 60_000  # characters of one table or text
IMAGE_LIMIT = 150_000  # characters of one picture as the notebook kept it
PAGE_LIMIT = 340_000  # bytes of all outputs together; the gate refuses a page above 400 KB

_IMAGES = ("image/svg+xml", "image/png", "image/jpeg")
_TITLE = re.compile(r'<h1 id="s\d+">.*?</h1>\s*', re.DOTALL)
_OBJECT = re.compile(r"\[?<[A-Za-z_][\w.]*[ :][^\n]*>\]?")  # <Axes: …>, <Figure size …>


@dataclass(frozen=True)
class Page:
    """What a page says beside the notebook's own cells.

    Attributes
    ----------
    title, lang
        Of the page.
    shop, timezone, date
        Of the report.
    sign_off
        What the notebook found.
    parameters
        The values the notebook ran with.
    others
        Language → file name of the same page in that language.
    generated
        When and by what the page was made; the only line that differs between two equal runs.
    alerts
        What is unusual about the data, in the page's language.
    """

    title: str
    lang: Lang
    shop: str
    timezone: str
    date: dt.date
    sign_off: SignOff
    parameters: Mapping[str, Value]
    others: Mapping[Lang, str]
    generated: str
    alerts: tuple[str, ...] = ()

    @property
    def words(self) -> dict[str, str]:
        """The template's own words."""
        return words_in(self.lang)

    @property
    def day(self) -> str:
        """The report's date as a reader writes it."""
        return format_date(self.date, "long", LOCALES[self.lang])

    @property
    def until(self) -> str:
        """The last day of the data, or ""."""
        try:
            instant = dt.datetime.fromisoformat(self.sign_off.as_of)
        except ValueError:
            return ""
        last = instant - dt.timedelta(microseconds=1)
        if last.tzinfo is not None:
            last = last.astimezone(dates.zone(self.timezone))
        return format_date(last.date(), "long", LOCALES[self.lang])

    @property
    def chip(self) -> dict[str, str]:
        """The verdict as a coloured word with a sign."""
        return chip(self.sign_off.verdict, self.lang, self.sign_off.code)

    @property
    def headline(self) -> str:
        """The answer, without the verdict's word that the chip already says."""
        headline = self.sign_off.headline.in_(self.lang)
        return without_verdict(headline, self.sign_off.verdict, self.lang)

    @property
    def reason(self) -> str:
        """Why, unless the headline already says so."""
        reason = self.sign_off.reason.in_(self.lang)
        return "" if reason in self.headline else reason

    @property
    def settings(self) -> list[tuple[str, str]]:
        """The parameters the notebook ran with, as text."""
        shown = self.parameters.items()
        return [(n, ", ".join(v) if isinstance(v, list) else str(v)) for n, v in shown]


class Body:
    """The cells of one page on their way into it: cleaned, counted and outlined."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.outline: list[tuple[int, str, str]] = []
        self._used = 0
        self._titled = False

    def prose(self, cell: NotebookNode) -> Markup:
        """Return a Markdown cell as clean HTML, without the heading that became the title."""
        fragment, found = clean.headings(clean.markdown(cell.source), len(self.outline) + 1)
        if not self._titled and any(level == 1 for level, _, _ in found):
            fragment, self._titled = Markup(_TITLE.sub("", fragment, count=1)), True
        self.outline += found
        return fragment

    @property
    def contents(self) -> list[tuple[int, str, str]]:
        """The headings a table of contents lists."""
        return [heading for heading in self.outline if heading[0] == 2]

    def shown(self, output: NotebookNode) -> Markup:
        """Return one output of a code cell as a reader may see it."""
        if output.output_type == "error":
            return self._notice("failed")
        if output.output_type == "stream":
            return self._text(output.text) if output.name == "stdout" else Markup()
        return self._data(output.data, output.metadata)

    def _data(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Markup:
        pictures = {kind: _joined(data[kind]) for kind in _IMAGES if kind in data}
        if pictures:
            return self._picture(pictures, metadata)
        if "text/html" in data:
            return self._block(_joined(data["text/html"]), clean.html)
        if "text/markdown" in data:
            return self._block(_joined(data["text/markdown"]), clean.markdown)
        return self._text(_joined(data.get("text/plain", "")))

    def _picture(self, pictures: Mapping[str, str], metadata: Mapping[str, Any]) -> Markup:
        """Return the first of the same picture's formats that is small enough."""
        alts = (clean.alt_text(metadata, kind) for kind in pictures)
        alt = next(filter(None, alts), self.page.title)
        for kind, data in pictures.items():
            if len(data) <= IMAGE_LIMIT:
                chart = clean.picture(kind, data, alt)
                return self._fits(Markup('<figure class="chart">{}</figure>').format(chart))
        return self._notice("too_large")

    def _block(self, source: str, cleaned: Any) -> Markup:
        if len(source) > TEXT_LIMIT:
            return self._notice("too_large")
        return self._fits(Markup('<div class="block">{}</div>').format(cleaned(source)))

    def _text(self, source: str) -> Markup:
        if len(source) > TEXT_LIMIT:
            return self._notice("too_large")
        if not source.strip() or _OBJECT.fullmatch(source.strip()):
            return Markup()
        return self._fits(Markup("<pre>{}</pre>").format(clean.plain(source)))

    def _fits(self, fragment: Markup) -> Markup:
        """Return the fragment while the page has room for it, else a notice."""
        size = len(fragment.encode())
        if self._used + size > PAGE_LIMIT:
            return self._notice("too_large")
        self._used += size
        return fragment

    def _notice(self, word: str) -> Markup:
        return Markup('<p class="notice">{}</p>').format(self.page.words[word])


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


class PageExporter(TemplateExporter):
    """nbconvert with our template, its own filters unused, and escaping switched on."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def __init__(self) -> None:
        super().__init__(template_paths=[str(TEMPLATES)], template_file="page.html.j2")  # type: ignore[no-untyped-call]
        furnish(self.environment)


def render(notebook: NotebookNode, page: Page, exporter: PageExporter | None = None) -> str:
    """Return the page of an executed notebook.

    Parameters
    ----------
    notebook
        The executed notebook, with the cells of one language.
    page
        What the page says beside it.
    exporter
        One to use again; a new one when not given.
    """
    resources = {"page": page, "body": Body(page)}
    text, _ = (exporter or PageExporter()).from_notebook_node(notebook, resources)
    return str(text)


def title_of(notebook: NotebookNode, otherwise: str) -> str:
    """Return the text of the notebook's first level-1 heading, or ``otherwise``."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _, found = clean.headings(clean.markdown(cell.source), 1)
            for level, _, text in found:
                if level == 1:
                    return text
    return otherwise


def generated_line(moment: dt.datetime, run: str, lang: Lang) -> str:
    """Return the sentence on when a page was made: its own line in every page."""
    when = f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".strip()
    return pick(f"{when}에 만들었습니다 · 실행 {run}", f"Generated at {when} · run {run}", lang)
