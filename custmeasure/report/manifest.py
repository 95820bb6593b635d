"""run.json: what a report of one date is made of, what went in, and how each notebook ended."""

import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang
from custmeasure.report.names import check_name
from custmeasure.report.publish import is_plain_file, is_plain_folder
from custmeasure.show.words import VERDICTS

SCHEMA = 1
FILE = "run.json"

_SIZE_LIMIT = 5_000_000
_PACKAGES = ("custmeasure", "duckdb", "pandas", "papermill", "nbconvert")
_PAGE = re.compile(r"[\w가-힣-]+(\.(ko|en))?\.html")

PUBLISHED, KEPT, FAILED = "published", "kept", "failed"


@dataclass(frozen=True)
class PageFile:
    """A published page: its file name and the hash of its bytes."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Entry:
    """How one notebook ended.

    Attributes
    ----------
    status
        ``published``; ``kept``: it failed and the page it had that day stays; ``failed``: no page.
    title, verdict, headline, reason
        What the page says (of the kept page when ``kept``); None and empty when ``failed``.
    pages
        Language → page.
    seconds
        Wall time of the notebook.
    parameters
        The values it ran with, without paths.
    exit_code, exit_reason
        0 and empty when all went well.
    code
        The verdict's coded reason.
    """

    name: str
    status: str
    title: Mapping[str, str] = field(default_factory=dict)
    verdict: str | None = None
    headline: Mapping[str, str] = field(default_factory=dict)
    reason: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, PageFile] = field(default_factory=dict)
    seconds: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0
    exit_reason: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None


@dataclass(frozen=True)
class Manifest:
    """The content of one ``run.json``."""

    date: str
    shop: str
    language: Lang
    entries: Mapping[str, Entry]
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the file's bytes."""
        content = {
            "schema": SCHEMA,
            "date": self.date,
            "shop": self.shop,
            "language": self.language,
            "notebooks": [asdict(entry) for entry in self.entries.values()],
            **self.details,
        }
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def page_file(name: str, text: bytes) -> PageFile:
    """Return the record of a page's file."""
    return PageFile(name, hashlib.sha256(text).hexdigest())


def versions() -> dict[str, str]:
    """Return the versions of what a number can depend on."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **found}


def merged(before: Manifest | None, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the entries of a date after a run: notebooks that did not run stay as they were.

    A notebook that failed keeps the page it had that day.
    """
    kept = dict(before.entries) if before else {}
    for name, entry in entries.items():
        old = kept.get(name)
        kept[name] = _keep(old, entry) if old and old.pages and not entry.pages else entry
    return dict(sorted(kept.items()))


def _keep(old: Entry, failed: Entry) -> Entry:
    return replace(
        old,
        status=KEPT,
        exit_code=failed.exit_code,
        exit_reason=failed.exit_reason,
        seconds=failed.seconds,
    )


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of one date's folder, or None when there is none to trust.

    Every name in it becomes a link, so every name is checked; pages that are gone are left out.
    """
    path = folder / FILE
    if not is_plain_file(path) or path.stat().st_size > _SIZE_LIMIT:
        return None
    try:
        raw = json.loads(path.read_text("utf-8"))
        if raw["schema"] != SCHEMA or raw["language"] not in LANGUAGES:
            return None
        entries = [_entry(item, folder) for item in raw["notebooks"]]
        date = dt.date.fromisoformat(folder.name).isoformat()
        return Manifest(date, str(raw["shop"]), raw["language"], {e.name: e for e in entries}, {})
    except (ValueError, KeyError, TypeError, AttributeError, UsageError, RecursionError):
        return None


def _entry(raw: Mapping[str, Any], folder: Path) -> Entry:
    verdict = raw["verdict"] if raw["verdict"] in VERDICTS else None
    code = raw.get("code")  # reports of earlier versions have none
    pages = {
        lang: PageFile(page["file"], page["sha256"])
        for lang, page in raw["pages"].items()
        if lang in LANGUAGES
        and _PAGE.fullmatch(page["file"])
        and is_plain_file(folder / page["file"])
    }
    return Entry(
        name=check_name(raw["name"]),
        status=raw["status"] if verdict and pages else FAILED,
        title=_texts(raw["title"]),
        verdict=verdict if pages else None,
        code=str(code) if code and pages else None,
        headline=_texts(raw["headline"]),
        reason=_texts(raw["reason"]),
        pages=pages,
        seconds=float(raw["seconds"]),
        parameters=dict(raw["parameters"]),
        exit_code=int(raw["exit_code"]),
        exit_reason=_texts(raw["exit_reason"]),
    )


def _texts(raw: Mapping[str, Any]) -> dict[str, str]:
    return {lang: str(raw[lang]) for lang in LANGUAGES if lang in raw}


def read_all(out: Path) -> dict[str, Manifest]:
    """Return the manifests of all dates under ``out``, oldest first; links are not followed."""
    names = sorted(p.name for p in out.iterdir()) if out.is_dir() else []
    folders = [out / name for name in names if is_day(name) and is_plain_folder(out / name)]
    found = {folder.name: read_manifest(folder) for folder in folders}
    return {name: manifest for name, manifest in found.items() if manifest is not None}


def is_day(name: str) -> bool:
    """Say whether a folder's name is a date."""
    try:
        return len(name) == 10 and dt.date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False
