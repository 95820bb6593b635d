"""The two doors of a notebook: `start` opens the shop for a day and a language, `sign_off` closes.

A report counts as complete only when its last cell signed off, so `sign_off` stands last in every
notebook; what it says (verdict, headline, rows) is all that the pages around the report repeat.
"""

import datetime as dt
from html import escape
from pathlib import Path
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from custmeasure import dates, language
from custmeasure import shop as shops
from custmeasure.errors import check_choice
from custmeasure.improve.copy_test.decision import Decision
from custmeasure.language import LANGUAGES, pick
from custmeasure.shop.frozen import thawed
from custmeasure.shop.shop import Shop
from custmeasure.show import plots
from custmeasure.show.result import Result

MIME = "application/vnd.custmeasure.signoff+json"

# Verdict codes that mean the data of the question itself are not usable.
_BLOCKING = frozenset({"ONE_VARIANT", "UNKNOWN_VARIANT"})


def start(shop_folder: str = "", *, date: str = "", lang: str = "ko") -> Shop:
    """Open the shop as it was known on the morning of a day, and speak a language from here on.

    Parameters
    ----------
    shop_folder
        The shop's folder; empty means the one found from the current folder upwards.
    date
        The day of the report, ``YYYY-MM-DD``: days before it are complete. Empty means the day after
        the last data.
    lang
        ``"ko"`` or ``"en"``.

    Raises
    ------
    UnknownName
        For another language.
    UsageError
        When ``date`` is not a day or there is no shop.
    """
    language.use(check_choice("language", lang, LANGUAGES))  # type: ignore[arg-type]
    plots.display_as_svg(get_ipython())
    folder = Path(shop_folder) if shop_folder else shops.find_shop(Path.cwd())
    as_of = dates.parse_day(date) - dt.timedelta(days=1) if date else None
    return thawed(folder, as_of) or shops.open_shop(folder, as_of=as_of)


def sign_off(shop: Shop, result: Result, *more: Result, decision: str | Decision = "") -> None:
    """Record that the notebook ran to its end, and show where its numbers come from.

    Parameters
    ----------
    shop
        The shop that was measured.
    result, more
        The answer whose verdict speaks for the report, and the others.
    decision
        What was decided, in the marketer's words; of a copy test what `check_decision` returns, which
        says when it goes against the verdict, and why.
    """
    tables = shop.provenance()
    decided = decision if isinstance(decision, str) else decision.said.in_()
    record = {
        "completed": True,
        **_said(result),
        "results": [_said(each) for each in (result, *more)],
        "blocked": result.verdict.code in _BLOCKING,
        "tables": tables,
        "shop": shop.name,
        "timezone": shop.timezone,
        "as_of": shop.as_of.isoformat() if shop.as_of else None,
        "decision": decided,
        **({} if isinstance(decision, str) else _compared(decision)),
    }
    page = _provenance(shop, tables, decided)
    display({MIME: record, "text/html": page, "text/plain": pick("끝", "done")}, raw=True)


def _compared(decision: Decision) -> dict[str, Any]:
    return {
        "decision_choice": decision.choice,
        "decision_note": decision.note,
        "decision_is_against_rule": decision.is_against,
    }


def _said(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "verdict": str(result.verdict),
        "code": result.verdict.code,
        "reason": result.reason.both(),
        "headline": {lang: result.headline(lang) for lang in LANGUAGES},
    }


def _provenance(shop: Shop, tables: dict[str, dict[str, object]], decision: str) -> str:
    """Return the tables read and the decision as HTML."""
    rows = "".join(
        f"<li>{escape(name)}: {escape(str(each['file']))} · "
        f"{pick('행', 'rows')} {each['rows_in_file']:,} · SHA-256 {str(each['sha256'])[:12]}</li>"
        for name, each in tables.items()
    )
    until = dates.local(shop.as_of, shop.timezone)
    reach = pick("자료 기준", "Data up to")
    decided = f"<p>{pick('결정', 'Decision')}: {escape(decision)}</p>" if decision else ""
    return (
        f'{decided}<p class="cm-caption">{escape(shop.name)} · {reach} {_clock(until)} '
        f'({escape(shop.timezone)})</p><ul class="cm-notes">{rows}</ul>'
    )


def _clock(until: dt.datetime | None) -> str:
    return f"{until:%Y-%m-%d %H:%M}" if until else "–"
