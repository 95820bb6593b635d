"""Why a notebook did not become a page: one sentence in both languages, and an exit code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from custmeasure import language
from custmeasure.errors import CustmeasureError
from custmeasure.language import Lang

BLOCKED, USAGE, ENVIRONMENT, BUG = 1, 2, 3, 4


@dataclass(frozen=True)
class Failure:
    """What went wrong in a notebook, for the index, the terminal and ``run.json``.

    Attributes
    ----------
    ko, en
        The sentence, without a path, a traceback or a value of the data.
    exit_code
        1 data blocked, 2 usage, 3 environment, 4 anything else.
    detail
        What Python said, shown with ``--debug`` only.
    """

    ko: str
    en: str
    exit_code: int = BUG
    detail: str = ""

    def message(self, lang: Lang | None = None) -> str:
        """Return the sentence in ``lang``."""
        return language.pick(self.ko, self.en, lang)


def from_error(error: CustmeasureError) -> Failure:
    """Return the failure that one of our own errors means."""
    return Failure(error.ko, error.en, error.exit_code)


def from_output(name: str, value: str, cell: int, traceback: Sequence[str] = ()) -> Failure:
    """Return the failure that an error output of a cell means.

    Parameters
    ----------
    name, value
        The error's class name and text (``ename`` and ``evalue`` of the output).
    cell
        The number of the code cell, as its author counts.
    traceback
        The lines Python printed.
    """
    detail = "\n".join(traceback) or f"{name}: {value}"
    own = next((kind for kind in _family(CustmeasureError) if kind.__name__ == name), None)
    if own is not None:
        return Failure(value, value, own.exit_code, detail)
    return Failure(
        ko=f"코드 셀 {cell}에서 오류가 났습니다 ({name}).",
        en=f"Code cell {cell} failed ({name}).",
        detail=detail,
    )


def _family(kind: type[CustmeasureError]) -> Iterator[type[CustmeasureError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)
