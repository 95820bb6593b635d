"""Groups of rows, and how the values of a group become one."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int64]

_BETWEEN = "\x1f"  # no export writes it, so joined keys never meet by chance


def joined(columns: list[pa.ChunkedArray], between: str = _BETWEEN) -> pa.ChunkedArray:
    """Return the texts of several columns put together; nothing where one of them is empty."""
    texts = [column.cast(pa.string()) for column in columns]
    return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, between)


def codes(keys: pa.ChunkedArray) -> Codes:
    """Return the number of each row's group, in the order in which groups first appear; -1 has no key."""
    indices = keys.combine_chunks().dictionary_encode().indices
    return np.asarray(pc.fill_null(indices, -1).to_numpy(zero_copy_only=False), np.int64)


def folded(values: pa.ChunkedArray, group: Codes, how: str) -> pa.ChunkedArray:
    """Return one value a group, in the order of the groups' numbers.

    Empty values count nowhere; a group of empty values has none.
    """
    rows = pa.table({"group": group, "value": values})
    done = rows.group_by("group", use_threads=False).aggregate([("value", how)])
    return done.sort_by("group")[f"value_{how}"]


def first_rows(group: Codes) -> NDArray[np.bool_]:
    """Return which rows are the first of their group; a row without a group is always first."""
    first = np.zeros(len(group), bool)
    first[np.unique(group, return_index=True)[1]] = True
    return first | (group < 0)


def last_rows(group: Codes) -> NDArray[np.bool_]:
    """Return which rows are the last of their group."""
    return np.asarray(first_rows(group[::-1])[::-1], bool)


def last_deliveries(group: Codes, starts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows belong to the last delivery of their group; ``starts`` begins a delivery."""
    order = np.argsort(group, kind="stable")
    count = np.empty(len(group), np.int64)
    count[order] = np.cumsum(starts[order])
    last = np.full(group.max(initial=-1) + 2, -1)
    np.maximum.at(last, group[group >= 0], count[group >= 0])
    return np.asarray((group < 0) | (count == last[group]), bool)


def carried(values: pa.ChunkedArray, group: Codes) -> pa.ChunkedArray:
    """Return each row's group's first value; a row without a group keeps its own."""
    first = folded(values, group, "first").combine_chunks()
    number = group - min(group.min(initial=0), 0)  # the rows without a group sort first
    return pc.if_else(group >= 0, pa.chunked_array([first.take(pa.array(number))]), values)


def filled(values: pa.ChunkedArray, group: Codes) -> pa.ChunkedArray:
    """Return the values with the group's first one where a row has none."""
    return pc.coalesce(values, carried(values, group))
