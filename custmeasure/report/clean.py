"""What of a notebook may reach a page: an allow-list for HTML, data-only images, plain text escaped.

Nothing here is decided by looking for what is bad. Tags, attributes, class names and addresses that
are not named are dropped, so a text that a shop's customer typed stays a text.
"""

import base64
import binascii
import re
from collections.abc import Mapping

import mistune
import nh3
from markupsafe import Markup, escape

_TABLE = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_TEXT = {
    "p",
    "br",
    "hr",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "del",
    "sub",
    "sup",
    "small",
    "code",
    "pre",
}
_BLOCK = {
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "blockquote",
    "div",
}
_OTHER = {"span", "abbr", "figure", "figcaption", "img", "details", "summary", "a", "time"}

_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+")
_LINK = re.compile(r"#[\w-]{1,100}|[\w가-힣-]{1,100}(\.(ko|en))?\.html")
_ALIGN = re.compile(r"text-align:\s*(left|right|center);?")
_CLASS = re.compile(r"cm-[a-z-]{1,40}")
_EMPTY_IMAGE = re.compile(r"<img(?![^>]*\ssrc=)[^>]*>")
_SHORT = re.compile(r'<td(?: class="cm-text")?>([^<]{0,20})</td>')
_HEADING = re.compile(r"<(h[1-6])>(.*?)</\1>", re.DOTALL)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

_markdown = mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """Return the value an attribute may keep, or None to drop it."""
    if attribute == "class":
        return " ".join(name for name in value.split() if _CLASS.fullmatch(name)) or None
    rules = {("img", "src"): _IMAGE, ("a", "href"): _LINK}
    rule = _ALIGN if attribute == "style" else rules.get((tag, attribute))
    return value if rule is None or rule.fullmatch(value.strip()) else None


_cleaner = nh3.Cleaner(
    tags=_TABLE | _TEXT | _BLOCK | _OTHER,
    clean_content_tags={"script", "style", "title", "iframe", "object", "template", "noscript"},
    attributes={
        "*": {"class", "lang"},
        "img": {"src", "alt", "width", "height"},
        "a": {"href"},
        "th": {"scope", "colspan", "rowspan", "style"},
        "td": {"colspan", "rowspan", "style"},
        "tr": {"style"},
        "ol": {"start"},
        "abbr": {"title"},
        "time": {"datetime"},
        "details": {"open"},
    },
    attribute_filter=_allowed,
    url_schemes={"data"},
    link_rel=None,
)


def html(source: str) -> Markup:
    """Return an HTML fragment with nothing in it but what the allow-list names.

    Every table scrolls in a frame of its own, and short cells, such as dates, stay on one line.
    """
    cleaned = _EMPTY_IMAGE.sub("", _cleaner.clean(_CONTROL.sub("", source)))
    cleaned = _SHORT.sub(r'<td class="cm-text short">\1</td>', cleaned)
    cleaned = cleaned.replace("<table", '<div class="scroll" tabindex="0"><table')
    return Markup(cleaned.replace("</table>", "</table></div>"))


def markdown(source: str) -> Markup:
    """Return Markdown as clean HTML; HTML inside the Markdown goes through the same allow-list."""
    return html(str(_markdown(source)))


def plain(source: str) -> Markup:
    """Return text escaped, without the colour codes of a terminal."""
    return escape(_CONTROL.sub("", _ANSI.sub("", source)))


def words(fragment: str) -> str:
    """Return the text of a clean HTML fragment, without its tags."""
    text = nh3.clean(fragment, tags=set(), clean_content_tags={"script", "style"})
    return " ".join(str(Markup(text).unescape()).split())


def picture(kind: str, data: str, alt: str) -> Markup:
    """Return an image output as ``<img>`` with a data address; its scripts cannot run there.

    Parameters
    ----------
    kind
        ``image/svg+xml`` (``data`` is the SVG text), ``image/png`` or ``image/jpeg`` (base64).
    data
        What the notebook kept.
    alt
        The text for those who do not see the image.
    """
    raw = data.encode() if kind == "image/svg+xml" else _decoded(data)
    code = base64.b64encode(raw).decode("ascii")
    return Markup('<img src="data:{};base64,{}" alt="{}">').format(kind, Markup(code), alt)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def alt_text(metadata: Mapping[str, object], kind: str) -> str:
    """Return the alt text an output carries in its metadata, or ""."""
    inner = metadata.get(kind)
    alt = inner.get("alt") if isinstance(inner, Mapping) else metadata.get("alt")
    return alt if isinstance(alt, str) else ""


def headings(fragment: Markup, first: int) -> tuple[Markup, list[tuple[int, str, str]]]:
    """Give every heading of a clean fragment an id.

    Parameters
    ----------
    fragment
        Clean HTML; its headings carry no attributes.
    first
        The number of the first id.

    Returns
    -------
    tuple
        The fragment with ids, and ``(level, id, text)`` of each heading.
    """
    found: list[tuple[int, str, str]] = []

    def name(match: re.Match[str]) -> str:
        place = f"s{first + len(found)}"
        found.append((int(match[1][1]), place, words(match[2])))
        return f'<{match[1]} id="{place}">{match[2]}</{match[1]}>'

    return Markup(_HEADING.sub(name, fragment)), found
