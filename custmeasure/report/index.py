"""The lists of reports: ``reports/index.html`` (dates × notebooks) and one for each date.

Both are rebuilt from the ``run.json`` files alone, so a lost index is one command away.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from babel.dates import format_date

from custmeasure.language import Lang
from custmeasure.report.look import own_environment
from custmeasure.report.manifest import KEPT, Entry, Manifest, is_day, read_all
from custmeasure.report.publish import is_plain_file, is_plain_folder, replace_file
from custmeasure.report.wording import LOCALES, chip, without_verdict, words_in
from custmeasure.show.words import VERDICTS

FILE = "index.html"


@dataclass(frozen=True)
class Indexes:
    """What `rebuild` wrote: the list of all reports, and names it did not follow."""

    path: Path
    ignored: tuple[str, ...]


def rebuild(out: Path, lang: Lang | None = None) -> Indexes:
    """Write the index of all reports and of each date; files that would not change stay.

    Parameters
    ----------
    out
        The folder of reports.
    lang
        The language of an index without any report; each date has its own.
    """
    manifests = read_all(out)
    for date, manifest in manifests.items():
        _write(out / date, _day_page(date, manifest, manifests))
    newest = list(manifests.values())[-1].language if manifests else lang or "ko"
    _write(out, _list_page(manifests, newest))
    odd = [p.name for p in out.iterdir() if is_day(p.name) and not is_plain_folder(p)]
    return Indexes(out / FILE, tuple(sorted(odd)))


def last_good(name: str, date: str, manifests: Mapping[str, Manifest]) -> str | None:
    """Return the latest date up to ``date`` on which the notebook ``name`` has a page."""
    good = [
        d for d, m in manifests.items() if d <= date and name in m.entries and m.entries[name].pages
    ]
    return max(good, default=None)


def _write(folder: Path, text: str) -> None:
    data = text.encode()
    path = folder / FILE
    if not is_plain_file(path) or path.read_bytes() != data:
        replace_file(folder, FILE, data)


def _day_page(date: str, manifest: Manifest, manifests: Mapping[str, Manifest]) -> str:
    lang = manifest.language
    items = [_item(e, date, manifests, lang, up="../") for e in manifest.entries.values()]
    day = _long(date, lang)
    return _render("day.html.j2", lang, title=f"{manifest.shop} · {date}", shop=manifest.shop,
                   day=day, items=items)  # fmt: skip


def _list_page(manifests: Mapping[str, Manifest], lang: Lang) -> str:
    names = sorted({name for manifest in manifests.values() for name in manifest.entries})
    newest = list(manifests.values())[-1] if manifests else None
    rows = [
        {
            "date": date,
            "day": _long(date, lang),
            "cells": [
                _item(m.entries[name], date, manifests, lang) if name in m.entries else None
                for name in names
            ],
        }
        for date, m in sorted(manifests.items(), reverse=True)
    ]
    shop = newest.shop if newest else ""
    titles = [_title(name, manifests, lang) for name in names]
    key = [chip(verdict, lang) for verdict in VERDICTS]
    key += [chip("cannot_tell", lang, "PLAN"), chip("failed", lang)]
    return _render("list.html.j2", lang, title=words_in(lang)["title"], shop=shop, rows=rows,
                   titles=titles, key=key)  # fmt: skip


def _title(name: str, manifests: Mapping[str, Manifest], lang: Lang) -> str:
    """Return the newest title of a notebook."""
    known = [m.entries[name].title for m in manifests.values() if name in m.entries]
    return next((_in(title, lang) for title in reversed(known) if title), name)


def _item(
    entry: Entry, date: str, manifests: Mapping[str, Manifest], lang: Lang, up: str = ""
) -> dict[str, Any]:
    """Return one notebook of one date as the templates show it."""
    good = last_good(entry.name, date, manifests)
    failed = entry.status == KEPT or not entry.pages
    shown = manifests[good].entries[entry.name] if good else entry
    folder = "" if good == date and up else f"{up}{good}/"
    links = {code: folder + quote(page.file) for code, page in shown.pages.items()}
    return {
        "title": _in(shown.title, lang) or entry.name,
        "chip": chip("failed", lang) if failed else chip(str(entry.verdict), lang, entry.code),
        "failed": failed,
        "last_good": good if failed else None,
        "link": links.get(lang) or next(iter(links.values()), None),
        "others": {code: link for code, link in links.items() if code != lang and len(links) > 1},
        "headline": "" if failed else _headline(entry, lang),
        "reason": _in(entry.exit_reason if failed else entry.reason, lang),
    }


def _headline(entry: Entry, lang: Lang) -> str:
    return without_verdict(_in(entry.headline, lang), str(entry.verdict), lang)


def _in(texts: Mapping[str, str], lang: Lang) -> str:
    """Return a text in ``lang``, else in the language there is."""
    return texts.get(lang) or next(iter(texts.values()), "")


def _long(date: str, lang: Lang) -> str:
    return format_date(dt.date.fromisoformat(date), "long", LOCALES[lang])


def _render(template: str, lang: Lang, **values: Any) -> str:
    page = own_environment().get_template(template)
    return page.render(lang=lang, say=words_in(lang), **values) + "\n"
