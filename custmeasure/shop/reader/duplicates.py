"""The same row delivered twice is one row; two different rows under one key are a question.

Equal keys with equal values are duplicates: the first stays. Equal keys with different values in one file
are rejected, all of them, for nobody can say which is right. Between files the later file is newer: its row
is used and the older one counts as a duplicate.
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.shop.privacy import redact
from custmeasure.shop.reader import kernels
from custmeasure.shop.reader.account import Rejected
from custmeasure.shop.reader.gather import THREADS, Part
from custmeasure.shop.reader.problems import HIDDEN, Problem
from custmeasure.shop.reader.spec import Spec
from custmeasure.shop.reader.values import cells_of
from custmeasure.show.words import Text

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sifted:
    """The rows that stay, and what became of the others, file by file."""

    table: pa.Table
    n_duplicate: tuple[int, ...]
    rejected: tuple[tuple[Rejected, ...], ...]
    n_newer: int


def sift(table: pa.Table, parts: Sequence[Part], spec: Spec) -> Sifted:
    """Return ``table`` (the rows of ``parts``, one part after the other) with each key once."""
    rows = _repeated(table[spec.key]) if spec.key in table.column_names else _none()
    if not len(rows):
        return Sifted(table, (0,) * len(parts), ((),) * len(parts), 0)
    ends = np.cumsum([part.table.num_rows for part in parts])
    files = np.searchsorted(ends, rows, side="right")
    verdict = _judge(table.take(pa.array(rows)), files, spec)
    keep = np.ones(table.num_rows, np.bool_)
    keep[rows[verdict.dropped | verdict.rejected]] = False
    counts = [int((verdict.dropped & (files == f)).sum()) for f in range(len(parts))]
    rejected = tuple(
        tuple(
            _rejected(
                table, int(row), int(row - (ends[f] - parts[f].table.num_rows)), parts[f], spec
            )
            for row in rows[verdict.rejected & (files == f)]
        )
        for f in range(len(parts))
    )
    return Sifted(table.filter(pa.array(keep)), tuple(counts), rejected, verdict.n_newer)


def key_hashes(column: pa.ChunkedArray) -> Hashes:
    """Return a 64-bit hash of each text that is there."""
    hashes = np.empty(len(column) - column.null_count, np.uint64)
    ends = np.cumsum([len(chunk) - chunk.null_count for chunk in column.chunks])
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(_hash_into, np.split(hashes, ends[:-1]), column.chunks))
    return hashes


def _hash_into(out: Hashes, chunk: pa.Array) -> None:
    present = _present(chunk)
    if pa.types.is_dictionary(chunk.type):
        words = _hashed(chunk.dictionary.cast(pa.string()))
        out[:] = words[present.indices.to_numpy(zero_copy_only=False).astype(np.int64)]
    else:
        kernels.hashed(*cells_of(present), out)


def _present(chunk: pa.Array) -> pa.Array:
    return chunk.drop_null() if chunk.null_count else chunk


def has_repeats(hashes: Hashes) -> bool:
    """Return whether any hash comes twice; sorts them in place."""
    hashes.sort()
    return bool((hashes[1:] == hashes[:-1]).any())


def _repeated(column: pa.ChunkedArray) -> Rows:
    """Return the rows whose key, by its hash, comes more than once."""
    if _rises(column):
        return _none()
    ordered = key_hashes(column)
    if not has_repeats(ordered):
        return _none()
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    present = np.flatnonzero(pc.is_valid(column).to_numpy())
    return present[np.isin(key_hashes(column), twice)].astype(np.int64)


def _rises(column: pa.ChunkedArray) -> bool:
    """Return whether every key comes after the one before it, as numbers that a shop counts up do."""
    chunks = [_present(chunk) for chunk in column.chunks if pa.types.is_string(chunk.type)]
    if len(chunks) < column.num_chunks:
        return False
    filled = [chunk for chunk in chunks if len(chunk)]
    seams = ((_rank(chunk[-1]), _rank(after[0])) for chunk, after in itertools.pairwise(filled))
    if not all(last < first for last, first in seams):
        return False
    with ThreadPoolExecutor(THREADS) as pool:
        return all(pool.map(lambda chunk: kernels.rising(*cells_of(chunk)), filled))


def _rank(text: pa.StringScalar) -> tuple[int, bytes]:
    """Return what `kernels.rising` goes by: the shorter text comes first."""
    spelled = text.as_py().encode()
    return len(spelled), spelled


def _none() -> Rows:
    return np.zeros(0, np.int64)


def _hashed(texts: pa.Array) -> Hashes:
    cells = cells_of(texts)
    out = np.empty(len(cells.places), np.uint64)
    kernels.hashed(*cells, out)
    return out


@dataclass
class _Verdict:
    dropped: npt.NDArray[np.bool_]
    rejected: npt.NDArray[np.bool_]
    n_newer: int = 0


def _judge(rows: pa.Table, files: npt.NDArray[np.intp], spec: Spec) -> _Verdict:
    """Decide for rows whose keys repeat which stay."""
    keys = rows[spec.key].cast(pa.string()).to_numpy(zero_copy_only=False)
    contents = _contents(rows)
    by_key = defaultdict(list)
    for row, key in enumerate(keys):
        by_key[key].append(row)
    verdict = _Verdict(np.zeros(len(keys), np.bool_), np.zeros(len(keys), np.bool_))
    for same in by_key.values():
        if len(same) > 1:
            _judge_key(same, files, contents, verdict)
    return verdict


def _judge_key(
    rows: list[int], files: npt.NDArray[np.intp], contents: Hashes, verdict: _Verdict
) -> None:
    if len(set(contents[rows].tolist())) == 1:
        verdict.dropped[rows[1:]] = True
        return
    by_file = defaultdict(list)
    for row in rows:
        by_file[int(files[row])].append(row)
    clear = []
    for file in sorted(by_file):
        here = by_file[file]
        if len(set(contents[here].tolist())) > 1:
            verdict.rejected[here] = True
        else:
            verdict.dropped[here[1:]] = True
            clear.append(here[0])
    verdict.dropped[clear[:-1]] = True
    verdict.n_newer += len(clear) > 1


def _contents(rows: pa.Table) -> Hashes:
    """Return a hash of all values of each row."""
    total = np.zeros(rows.num_rows, np.uint64)
    for column in rows.columns:
        texts = column.cast(pa.string()).combine_chunks().fill_null("\0")
        total = total * np.uint64(0x9E3779B97F4A7C15) + _hashed(texts)
    return total


def _rejected(table: pa.Table, row: int, place: int, part: Part, spec: Spec) -> Rejected:
    """Say that a row's key names another row too, and give the row back as far as it was read."""
    values = {name: table[name][row].as_py() for name in table.column_names}
    texts = {
        spec.columns[n]: "" if v is None else str(v) for n, v in values.items() if n in spec.columns
    }
    delivered = spec.columns[str(spec.key)]
    problem = Problem(
        part.file,
        Text(
            "이 파일에서 값이 서로 다른 여러 행에 쓰였습니다",
            "names several rows of this file whose values differ",
        ),
        Text(
            "맞는 행만 남기거나, 한 번호에 여러 행이 있는 자료라면 다른 표에 연결하십시오.",
            "Keep the row that is right; data with several rows a key belong to another table.",
        ),
        line=int(part.line_of_row[place]) if part.lined else None,
        row=int(part.line_of_row[place]),
        column=delivered,
        value=HIDDEN if delivered in spec.hidden else redact(str(values[str(spec.key)])),
    )
    return Rejected(problem, tuple(texts.get(name, "") for name in part.header))
