"""The last look at a finished page: what fails here is not published.

`clean` and the template already keep these things out; the gate does not trust them. It also holds
the actual secrets of the environment and the paths of this machine, and looks for those.
"""

import base64
import html
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from custmeasure.report.failure import BLOCKED, Failure
from custmeasure.report.look import CSP

SIZE_LIMIT = 400_000  # bytes

_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|KEY(_|$)", re.IGNORECASE)
_SHORTEST = 6  # a shorter value ("1", "true") says nothing when it is found

_FORBIDDEN = {
    "script", "iframe", "frame", "object", "embed", "form", "input", "button", "link", "base",
    "applet", "audio", "video", "source", "svg", "math", "template", "portal",
}  # fmt: skip
_ADDRESSES = {
    "src", "href", "srcset", "action", "formaction", "poster", "background", "data", "ping", "cite",
    "xlink:href", "manifest", "longdesc",
}  # fmt: skip
_OWN_LINK = re.compile(r"#[\w-]+|(\.\./)?([\w-]+/)?[\w%-]+(\.(ko|en))?\.html")
_PAYLOAD = re.compile(r"data:[a-z/+.-]+;base64,([A-Za-z0-9+/=]+)")
_PATH = re.compile(r"(?<![\w.])/(?:(?:home|Users)/[^/\s<>\"']+|root)/|[A-Za-z]:\\Users\\|file://")
_QUERY = re.compile(r"\bSELECT\b.{1,400}?\bFROM\b", re.DOTALL)
_STYLE_ADDRESS = re.compile(r"url\s*\(|@import|expression\s*\(", re.IGNORECASE)


def secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the secret values of the environment, by the name of their variable."""
    found = os.environ if environment is None else environment
    return {
        name: value
        for name, value in found.items()
        if len(value) >= _SHORTEST and _SECRET_NAME.search(name)
    }


def spellings(secret: str) -> set[str]:
    """Return how a secret may stand in a text: raw, escaped, URL-encoded, in base64."""
    raw = secret.encode()
    quoted = {urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    # Inside a longer base64 text a value looks one of three ways, by where it starts.
    inner = {base64.b64encode(b"\0" * n + raw).decode()[(0, 2, 3)[n] : -4] for n in range(3)}
    whole = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    found = {secret, html.escape(secret)} | quoted | whole | inner
    return {text for text in found if len(text) >= _SHORTEST}


def holds_secret(text: str, held: Mapping[str, str]) -> str | None:
    """Return the name of the first variable whose value is in ``text``, or None."""
    for name, value in held.items():
        if any(spelling in text for spelling in spellings(value)):
            return name
    return None


def masked(text: str, held: Mapping[str, str]) -> str:
    """Return ``text`` with every secret value replaced by ``***``."""
    for value in held.values():
        for spelling in sorted(spellings(value), key=len, reverse=True):
            text = text.replace(spelling, "***")
    return text


def tidied(failure: Failure, held: Mapping[str, str], folders: Sequence[Path]) -> Failure:
    """Return a failure whose sentences tell no secret and no path of this machine."""

    def tidy(text: str) -> str:
        for folder in _told_apart(folders):
            text = text.replace(folder, "…")
        return _PATH.sub("…/", masked(text, held))

    return replace(failure, ko=tidy(failure.ko), en=tidy(failure.en))


def _told_apart(folders: Sequence[Path]) -> list[str]:
    """Return the paths that are long enough to tell something, the longest first."""
    return sorted((str(f) for f in folders if len(f.parts) > 2), key=len, reverse=True)


def check(page: str, held: Mapping[str, str], folders: Sequence[Path] = ()) -> Failure | None:
    """Return why a page may not be published, or None when it may.

    Parameters
    ----------
    page
        The finished page.
    held
        Secret values by the name of their variable, as `secrets` returns.
    folders
        Folders of this machine whose path may not be told.
    """
    problems = [*_form(page), *_contents(page, held, folders)]
    if not problems:
        return None
    ko, en = problems[0]
    return Failure(
        ko=f"페이지를 발행하지 않았습니다: {ko}.",
        en=f"The page was not published: {en}.",
        exit_code=BLOCKED,
    )


def _form(page: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the page's tags, size and ends."""
    size = len(page.encode())
    if size > SIZE_LIMIT:
        yield (
            f"크기가 {size:,}바이트입니다 (한도 {SIZE_LIMIT:,})",
            f"it has {size:,} bytes of {SIZE_LIMIT:,}",
        )
    if not page.rstrip().endswith("</html>"):
        yield "끝이 잘렸습니다", "its end is missing"
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if reader.first_in_head != ("meta", "Content-Security-Policy", CSP):
        yield "보안 정책이 맨 앞에 없습니다", "its security policy does not come first"
    if reader.faults:
        fault = reader.faults[0]
        yield f"허용하지 않는 {fault}이(가) 있습니다", f"it holds {fault}"


def _contents(
    page: str, held: Mapping[str, str], folders: Sequence[Path]
) -> Iterator[tuple[str, str]]:
    """Yield what the page tells that it must not: secrets, paths, queries."""
    payloads = [_decoded(code) for code in _PAYLOAD.findall(page)]
    text = _PAYLOAD.sub("", page)
    told = "\n".join([text, html.unescape(text), *payloads])
    name = holds_secret(told, held)
    if name:
        yield f"환경 변수 {name}의 값이 들어 있습니다", f"it holds the value of {name}"
    if _PATH.search(told) or any(path in told for path in _told_apart(folders)):
        yield "이 컴퓨터의 폴더 경로가 들어 있습니다", "it holds a path of this machine"
    if _QUERY.search(html.unescape(text)):
        yield "SQL 질의가 들어 있습니다", "it holds an SQL query"


def _decoded(code: str) -> str:
    return base64.b64decode(code + "=" * (-len(code) % 4)).decode("utf-8", "replace")


class _Reader(HTMLParser):
    """Reads a page tag by tag and notes what may not be there."""

    def __init__(self) -> None:
        super().__init__()
        self.first_in_head: tuple[str, str, str] | None = None
        self.faults: list[str] = []
        self._in_head = False
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forbidden tags and attributes, and the first tag in ``<head>``."""
        values = {name: value or "" for name, value in attrs}
        if self._in_head and self.first_in_head is None:
            self.first_in_head = (tag, values.get("http-equiv", ""), values.get("content", ""))
        elif tag == "meta" and "http-equiv" in values:
            self.faults.append("<meta http-equiv>")
        self._in_head = self._in_head or tag == "head"
        self._in_style = tag == "style"
        if tag in _FORBIDDEN:
            self.faults.append(f"<{tag}>")
        self.faults += [
            f"<{tag} {name}>" for name, value in values.items() if _bad(tag, name, value)
        ]

    def handle_endtag(self, tag: str) -> None:
        """Leave ``<style>``."""
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        """Note addresses in the style sheet."""
        if self._in_style and _STYLE_ADDRESS.search(data):
            self.faults.append("url() in <style>")


def _bad(tag: str, name: str, value: str) -> bool:
    """Say whether an attribute may run something or load something."""
    if name.startswith("on") or name in ("srcdoc", "target"):
        return True
    if name == "style":
        return bool(_STYLE_ADDRESS.search(value)) or "\\" in value
    if name not in _ADDRESSES:
        return False
    if tag == "img" and name == "src":
        return not value.startswith("data:image/")
    return not (tag == "a" and name == "href" and _OWN_LINK.fullmatch(value))
