"""What runs on Spark's workers: one part of the rows in, one small answer out.

A worker loads this module and the count that it is given, and neither DuckDB nor pandas with it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

COUNTS = "counts array<bigint>"
PACKED = "packed binary"


@dataclass(frozen=True)
class CountedPart:
    """A count of the units of one part, as one row.

    Attributes
    ----------
    count
        What counts (see `engine.add_up`).
    unsigned
        Columns that are hashes, which Spark holds with a sign.
    """

    count: Callable[[Iterator[pa.RecordBatch]], npt.NDArray[np.int64]]
    unsigned: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield one row: the counts, one after the other."""
        counts = self.count(unsigned(batch, self.unsigned) for batch in batches)
        listed = pa.array([np.ravel(counts)], pa.list_(pa.int64()))
        yield pa.record_batch([listed], names=["counts"])


def packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield each batch as one row of bytes, so that batches travel one by one."""
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.record_batch([pa.array([sink.getvalue().to_pybytes()])], names=["packed"])


def unpacked(packed: bytes) -> Iterator[pa.RecordBatch]:
    """Yield the batches of one row of bytes."""
    with pa.ipc.open_stream(packed) as reader:
        yield from reader


def unsigned(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Return a batch whose hashes are numbers without a sign, as DuckDB's are."""
    for name in names:
        place = batch.schema.get_field_index(name)
        batch = batch.set_column(place, name, batch.column(place).cast(pa.uint64()))
    return batch
