"""What runs on Spark's workers: one part of the rows in, one small answer out.

A worker loads this module and what it is given to call, and neither DuckDB nor pandas for it.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

PACKED = "packed binary"


@dataclass(frozen=True)
class OnePart:
    """Makes one answer of the units of one part, and packs it.

    Attributes
    ----------
    part
        See `engine.in_parts`.
    unsigned
        Columns that are hashes, which Spark holds with a sign.
    """

    part: Callable[[Iterator[pa.RecordBatch]], object]
    unsigned: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield one row of bytes."""
        answer = self.part(unsigned(batch, self.unsigned) for batch in batches)
        yield _row(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


@dataclass(frozen=True)
class Changed:
    """Changes the texts of some columns.

    Attributes
    ----------
    names
        The columns.
    change
        Texts → texts.
    """

    names: tuple[str, ...]
    change: Callable[[pa.Array], pa.Array]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches with their texts changed."""
        for batch in batches:
            new = batch
            for name in self.names:
                place = batch.schema.get_field_index(name)
                new = new.set_column(place, name, self.change(batch.column(place)))
            yield new


def _row(content: bytes) -> pa.RecordBatch:
    return pa.record_batch([pa.array([content], pa.binary())], names=["packed"])


def packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield each batch as one row of bytes, so that batches travel one by one."""
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield _row(sink.getvalue().to_pybytes())


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
