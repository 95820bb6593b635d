"""The last cell's sign-off: the record that a notebook came to its end, and what it found.

papermill reports success after ``sys.exit(0)`` and calls the notebook of a killed kernel
"completed"; a page is published only when every code cell ran, in order, and the last one signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custmeasure.report.failure import Failure
from custmeasure.show.words import VERDICTS, Text

MIME = "application/vnd.custmeasure.signoff+json"


@dataclass(frozen=True)
class SignOff:
    """What a notebook found, as its last cell recorded it.

    Attributes
    ----------
    verdict, code, headline, reason
        The first result's verdict, its coded reason or None, and its words in both languages.
    blocked
        True when the data do not allow an answer: the page is published, the run exits 1.
    tables
        Row accounting and hash of every table that was read.
    as_of
        The last complete instant of the data, ISO 8601 in UTC.
    decision
        What was decided, in the marketer's words, or "".
    """

    verdict: str
    code: str | None
    headline: Text
    reason: Text
    blocked: bool
    tables: Mapping[str, Any]
    as_of: str
    decision: str


def read_sign_off(cells: list[Mapping[str, Any]]) -> SignOff | Failure:
    """Return the sign-off of an executed notebook, or what is missing.

    Parameters
    ----------
    cells
        All cells of the executed notebook.
    """
    code = [cell for cell in cells if cell["cell_type"] == "code" and cell["source"].strip()]
    counts = [cell.get("execution_count") for cell in code]
    for number, count in enumerate(counts, 1):
        if count != number:
            return _not_run(_shown_number(code, number))
    records = (
        [o["data"][MIME] for o in code[-1]["outputs"] if MIME in o.get("data", {})] if code else []
    )
    signed = _parse(records[0]) if len(records) == 1 else None
    return signed or _not_signed()


def _shown_number(code: list[Mapping[str, Any]], number: int) -> int:
    """Return a cell's number as its author counts: without the cell that the run injected."""
    before = code[: number - 1]
    return number - sum("injected-parameters" in c["metadata"].get("tags", []) for c in before)


def _parse(record: object) -> SignOff | None:
    """Return the record as a `SignOff`, or None when it is not one."""
    if not isinstance(record, Mapping) or record.get("completed") is not True:
        return None
    if record.get("verdict") not in VERDICTS:
        return None
    code, tables = record.get("code"), record.get("tables")
    return SignOff(
        verdict=record["verdict"],
        code=code if isinstance(code, str) else None,
        headline=_words(record.get("headline")),
        reason=_words(record.get("reason")),
        blocked=record.get("blocked") is True,
        tables=tables if isinstance(tables, Mapping) else {},
        as_of=str(record.get("as_of") or ""),
        decision=str(record.get("decision") or ""),
    )


def _words(both: object) -> Text:
    words = both if isinstance(both, Mapping) else {}
    return Text(ko=str(words.get("ko", "")), en=str(words.get("en", "")))


def _not_run(number: int) -> Failure:
    return Failure(
        ko=f"코드 셀 {number}이(가) 실행되지 않았습니다. 그 앞 셀에서 멈췄습니다.",
        en=f"Code cell {number} did not run: the notebook stopped before it.",
    )


def _not_signed() -> Failure:
    return Failure(
        ko="마지막 코드 셀이 cm.sign_off로 끝나지 않았습니다.",
        en="The last code cell did not end with cm.sign_off.",
    )
