"""What came of notebooks that were run, and whether they all read the same tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from custmeasure.language import Lang
from custmeasure.report.failure import BLOCKED, Failure
from custmeasure.report.signoff import SignOff

Key = tuple[str, Lang]  # a notebook's name, and the language of its page


@dataclass(frozen=True)
class Executed:
    """What came of a notebook.

    Attributes
    ----------
    notebook
        Its cells as far as they ran (an nbformat node), or None when no kernel started.
    outcome
        The sign-off, or why there is none.
    seconds
        Wall time.
    title, page
        Of the finished page, once it is made; empty before.
    """

    notebook: Any
    outcome: SignOff | Failure
    seconds: float = 0.0
    title: str = ""
    page: str = ""


def tables_read(done: Mapping[Key, Executed]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return every table that a notebook read, with its row accounting and hash."""
    signed = [executed.outcome for executed in done.values()]
    return [item for s in signed if isinstance(s, SignOff) for item in s.tables.items()]


def refuse_changed_tables(done: Mapping[Key, Executed]) -> dict[Key, Executed]:
    """Return the same, failed where a notebook read a table that changed while the run went on."""
    hashes: dict[str, set[str]] = {}
    for table, record in tables_read(done):
        hashes.setdefault(table, set()).add(str(record.get("sha256")))
    changed = {table for table, seen in hashes.items() if len(seen) > 1}
    return {key: _refused(executed, changed) for key, executed in done.items()}


def _refused(executed: Executed, changed: set[str]) -> Executed:
    signed = executed.outcome
    mixed = changed & set(signed.tables) if isinstance(signed, SignOff) else set()
    if not mixed:
        return executed
    table = min(mixed)
    why = Failure(
        ko=f"실행하는 동안 {table} 파일이 바뀌었습니다. 파일이 다 쓰인 뒤 다시 실행하십시오.",
        en=f"The file of {table} changed during the run. Run again when it is written.",
        exit_code=BLOCKED,
    )
    return replace(executed, outcome=why)
