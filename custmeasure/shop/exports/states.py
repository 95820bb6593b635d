"""What the written state of a row means for the money and the parcel."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from custmeasure.shop.exports.fold import Codes, filled
from custmeasure.shop.exports.mapping import SITUATIONS, States

_UNPAID = SITUATIONS.index("unpaid")
_SILENT, _UNKNOWN = -1, -2

CLAIMS = {"cancelled": "cancel", "returned": "return", "exchanged": "exchange"}

# The state of an order is that of the first line in this order: one line sent back makes it refunded,
# otherwise the line that is least far says how far it is, and only when all are cancelled is it.
_STATUS = ("refunded", "paid", "shipped", "delivered", "cancelled")
_STATUS_OF = {
    "unpaid": "paid", "paid": "paid", "shipped": "shipped", "delivered": "delivered",
    "exchanged": "delivered", "cancelled": "cancelled", "returned": "refunded",
}  # fmt: skip
_RANKS = np.array([_STATUS.index(_STATUS_OF[situation]) for situation in SITUATIONS])


@dataclass(frozen=True)
class Situations:
    """The situation of every row: its number in `SITUATIONS`, below 0 where nobody knows.

    ``unknown`` counts the texts that the mapping does not name.
    """

    code: NDArray[np.int64]
    unknown: Counter[str]

    def are(self, *names: str) -> NDArray[np.bool_]:
        """Return which rows are in one of the situations."""
        return np.isin(self.code, [SITUATIONS.index(name) for name in names])

    def claims(self) -> pa.ChunkedArray:
        """Return cancel, return or exchange, or nothing."""
        words = pa.array([CLAIMS.get(situation) for situation in SITUATIONS], pa.string())
        return pa.chunked_array([words.take(pa.array(self.code, mask=self.code < 0))])

    def ranks(self) -> pa.ChunkedArray:
        """Return numbers whose smallest in a group is the group's status."""
        known = _RANKS[np.maximum(self.code, 0)]
        return pa.chunked_array([pa.array(known, pa.int64(), mask=self.code < 0)])


def status(ranks: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the status that each rank stands for."""
    words = pa.array(_STATUS)
    return pa.chunked_array([words.take(ranks.combine_chunks())])


def situations(states: States, columns: dict[str, pa.ChunkedArray], group: Codes) -> Situations:
    """Return the situation of every row.

    Unpaid in one column is unpaid. Then a filled column speaks (``[states.filled]``), then the columns in
    the order of the mapping. A row that says nothing (the later lines of an order in some exports) is
    in the situation of its order's first line.
    """
    asked = [columns[name] for name in states.columns if name in columns]
    said = [_codes(states, column) for column in asked]
    spoken = [
        np.where(_is_filled(columns[name]), SITUATIONS.index(situation), _SILENT)
        for situation, names in states.filled.items()
        for name in names
        if name in columns
    ]
    code = np.full(len(group), _SILENT)
    for part in (*spoken, *said):
        code = np.where(code < 0, np.where(part == _SILENT, code, part), code)
    for part in said:
        code = np.where(part == _UNPAID, _UNPAID, code)
    blank = (
        ~np.any([_is_filled(column) for column in asked], axis=0)
        if asked
        else np.ones(len(group), bool)
    )
    unknown = _unknown(asked, said, code == _UNKNOWN)
    return Situations(_settled(states, code, blank, group), unknown)


def _settled(
    states: States, code: NDArray[np.int64], blank: NDArray[np.bool_], group: Codes
) -> NDArray[np.int64]:
    """Give rows that say nothing the situation of their group's first row, or the usual one."""
    usual = SITUATIONS.index(states.otherwise) if states.otherwise else _SILENT
    silent = (code == _SILENT) & blank
    code = np.where((code == _SILENT) & ~silent, usual, code)
    known = pa.chunked_array([pa.array(code, pa.int64(), mask=silent)])
    return np.asarray(pc.fill_null(filled(known, group), usual).to_numpy(), np.int64)


def _unknown(
    asked: list[pa.ChunkedArray], said: list[NDArray[np.int64]], rows: NDArray[np.bool_]
) -> Counter[str]:
    """Count the texts without a meaning in the rows that nothing else explains."""
    counted: Counter[str] = Counter()
    for column, part in zip(asked, said, strict=True):
        strange = column.filter(pa.array(rows & (part == _UNKNOWN)))
        counted.update(strange.to_pylist())
    return counted


def _codes(states: States, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the situation of each row by one column."""
    texts = column.combine_chunks().dictionary_encode()
    words = texts.dictionary.to_pylist()
    meaning = np.array([_meaning(states, word) for word in words] + [_SILENT])
    index = pc.fill_null(texts.indices, len(words)).to_numpy(zero_copy_only=False)
    return np.asarray(meaning[index], np.int64)


def _meaning(states: States, text: str) -> int:
    """Return the situation that a text names; spaces and case do not matter, ``*`` ends a beginning."""
    bare = _bare(text)
    for written, situation in states.meanings.items():
        if _names(written, bare):
            return SITUATIONS.index(situation)
    return _SILENT if any(_names(written, bare) for written in states.passes) else _UNKNOWN


def _names(written: str, bare: str) -> bool:
    word = _bare(written)
    return bare.startswith(word[:-1]) if word.endswith("*") else bare == word


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()


def _is_filled(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.is_valid(column).to_numpy(), bool)
