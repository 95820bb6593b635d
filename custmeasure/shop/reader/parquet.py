"""Parquet files: their types are compared with the declared ones, their rows checked like all others.

Where every row can be used as it lies, the files themselves are the table and nothing is copied.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from custmeasure.shop.contract import TABLES, Kind
from custmeasure.shop.reader import kernels, values
from custmeasure.shop.reader.account import Account, Reading
from custmeasure.shop.reader.duplicates import has_repeats, key_hashes
from custmeasure.shop.reader.encoding import Unreadable
from custmeasure.shop.reader.gather import Gather, Part
from custmeasure.shop.reader.headers import check_present, checked_header
from custmeasure.shop.reader.problems import Problem
from custmeasure.shop.reader.sniff import broken, too_large
from custmeasure.shop.reader.spec import Spec
from custmeasure.shop.reader.values import Cells, Column
from custmeasure.show.words import Text

_BATCH = 1 << 16
_MANY_ROWS, _ROWS_A_BYTE = 10_000_000, 1000

# Families of Arrow types; a declared type is read from some of them.
_FAMILIES: dict[Kind, tuple[str, ...]] = {
    "text": ("text", "whole", "decimal", "fraction", "flag", "moment", "day"),
    "instant": ("moment", "day", "text"),
    "day": ("day", "moment", "text"),
    "number": ("whole", "decimal", "fraction", "text"),
    "count": ("whole", "decimal", "fraction", "text"),
    "flag": ("flag", "text"),
}
_SAID = {
    "text": Text("텍스트", "text"), "whole": Text("정수", "a whole number"),
    "decimal": Text("십진수", "a decimal number"), "fraction": Text("소수", "a floating-point number"),
    "flag": Text("예·아니요", "yes or no"), "moment": Text("시각", "an instant"),
    "day": Text("날짜", "a day"), "other": Text("표로 쓸 수 없는 종류", "nothing a table can use"),
}  # fmt: skip
_KINDS: dict[Kind, Text] = {
    "text": Text("텍스트", "text"), "instant": Text("시각", "an instant"), "day": Text("날짜", "a day"),
    "number": Text("숫자", "a number"), "count": Text("정수", "a whole number"),
    "flag": Text("예·아니요", "yes or no"),
}  # fmt: skip


class ParquetBlock:
    """Some rows of a Parquet file."""

    plain = False

    def __init__(self, batch: pa.RecordBatch, n_before: int, spec: Spec) -> None:
        self.lines = self.records = np.arange(n_before + 1, n_before + 1 + batch.num_rows)
        self._batch = batch
        self._spec = spec

    def _array(self, name: str) -> pa.Array:
        return self._batch.column(self._spec.columns[name])

    def cells(self, name: str) -> Cells:
        """Return a column as texts."""
        return values.cells_of(self._array(name).cast(pa.string()))

    def read(self, name: str) -> Column | None:
        """Return a typed column; None when it holds texts."""
        array, kind = self._array(name), self._spec.kinds[name]
        if family(array.type) == "text":
            return None
        state = np.where(pc.is_valid(array).to_numpy(False), kernels.READ, kernels.MISSING)
        if kind == "flag":
            return Column(_filled(array, pa.bool_()), state.astype(np.uint8))
        if kind in ("number", "count"):
            return _numbers(array, kind, state.astype(np.uint8))
        return _moments(array, kind, state.astype(np.uint8))

    def text(self, row: int, name: str) -> str:
        """Return one value as seen."""
        value = self._array(name)[row].as_py()
        return "" if value is None else str(value)

    def raw(self, row: int) -> tuple[str, ...]:
        """Return the values of a row."""
        found = (column[row].as_py() for column in self._batch.columns)
        return tuple("" if value is None else str(value) for value in found)

    def cell(self, row: int, name: str | None) -> str | None:  # noqa: ARG002
        """Return nothing: there are no cells."""
        return None


def family(type_: pa.DataType) -> str:
    """Return what values of an Arrow type are: text, whole, decimal, fraction, flag, moment, day."""
    tests = (
        ("text", (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
                  pa.types.is_null)),
        ("whole", (pa.types.is_integer,)), ("decimal", (pa.types.is_decimal,)),
        ("fraction", (pa.types.is_floating,)), ("flag", (pa.types.is_boolean,)),
        ("moment", (pa.types.is_timestamp,)), ("day", (pa.types.is_date,)),
    )  # fmt: skip
    if pa.types.is_dictionary(type_):
        return family(type_.value_type)
    return next((name for name, checks in tests if any(check(type_) for check in checks)), "other")


def parquet_header(path: Path, spec: Spec) -> tuple[str, ...]:  # noqa: ARG001
    """Return the columns of a Parquet file that a table can hold.

    Raises
    ------
    Unreadable
        When it is damaged or cut off.
    """
    schema = _opened(path).schema_arrow
    return tuple(field.name for field in schema if family(field.type) != "other")


def as_they_lie(paths: Sequence[Path], spec: Spec) -> Reading | None:
    """Return Parquet files as one table when no value of theirs needs a change; else None.

    Raises
    ------
    Unreadable
        When one is damaged or cut off.
    """
    files = [_opened(path) for path in paths]
    schemas = [_typed(file.schema_arrow) for file in files]
    if spec.constants or spec.aliases or any(schema != schemas[0] for schema in schemas):
        return None
    if not all(_lies_right(name, schemas[0], spec) for name in spec.read_columns):
        return None
    if any(_without_zone(file, spec) for file in files):
        return None
    names = list(spec.read_columns)
    hashes: list[npt.NDArray[np.uint64]] = []
    notes: list[Text] = []
    for path, file in zip(paths, files, strict=True):
        gather = Gather(path.name, spec, tuple(schemas[0]), keep=False)
        for block, batch in _blocks(path, file, spec):
            gather.add(block)
            if gather.changed:
                return None
            if spec.key in names:
                hashes.append(
                    key_hashes(
                        pa.chunked_array([batch.column(spec.columns[str(spec.key)])]).cast(
                            pa.string()
                        )
                    )
                )
        notes += _nested(path.name, file.schema_arrow)
    n_rows = [file.metadata.num_rows for file in files]
    if (hashes and has_repeats(np.concatenate(hashes))) or not (sum(n_rows) or spec.allow_empty):
        return None
    return Reading(
        table=tuple(paths),
        columns=tuple(names),
        delivered=tuple((new, old) for new, old in spec.read_columns.items() if new != old),
        accounts=tuple(Account(p.name, n, n) for p, n in zip(paths, n_rows, strict=True)),
        notes=tuple(notes),
        headers={path.name: tuple(schemas[0]) for path in paths},
        hidden=spec.hidden,
    )


def read_parquet(path: Path, spec: Spec) -> Part:
    """Read a Parquet file row by row.

    Raises
    ------
    Unreadable
        When it is damaged, cut off, or a column is not of its declared type.
    """
    file = _opened(path)
    header = checked_header(path.name, parquet_header(path, spec))
    gather = Gather(path.name, spec, header)
    check_present(gather)
    for problem in _wrong_types(path.name, file.schema_arrow, gather, spec):
        gather.problems.append(problem)
    for column in _without_zone(file, spec):
        gather.problems.append(_zone_unknown(path.name, column, spec))
    if not gather.problems:
        for block, _ in _blocks(path, file, spec):
            gather.add(block)
    gather.notes += _nested(path.name, file.schema_arrow)
    n_in_file = file.metadata.num_rows if not gather.problems else 0
    return gather.finish(n_in_file)


def check_drift(paths: Sequence[Path], spec: Spec) -> list[Problem]:
    """Return the columns whose type in one file is another than in the first.

    Raises
    ------
    Unreadable
        When a file is damaged or cut off.
    """
    found = []
    first = _opened(paths[0]).schema_arrow
    for path in paths[1:]:
        schema = _opened(path).schema_arrow
        for old in spec.read_columns.values():
            if old in first.names and old in schema.names:
                before, now = family(first.field(old).type), family(schema.field(old).type)
                if before != now and {before, now} != {"whole", "fraction"}:
                    found.append(_drifted(path.name, paths[0].name, old, before, now))
    return found


def _without_zone(file: pq.ParquetFile, spec: Spec) -> list[str]:
    """Return the columns of instants that are INT96, where nobody has declared their zone.

    Spark writes UTC that way, other tools the clock on the wall, and the file does not say which.
    """
    if spec.timezone_declared:
        return []
    columns = [file.schema.column(i) for i in range(len(file.schema))]
    old = {column.path for column in columns if column.physical_type == "INT96"}
    clocks = (name for name in spec.read_columns if spec.kinds[name] in ("instant", "day"))
    return [spec.columns[name] for name in clocks if spec.columns[name] in old]


def _zone_unknown(file: str, column: str, spec: Spec) -> Problem:
    return Problem(
        file,
        Text(
            "시각이 INT96으로 적혀 있어 UTC인지 현지 시각인지 알 수 없습니다",
            "its times are INT96, which does not say whether they are UTC or local",
        ),
        Text(
            f'Spark가 쓴 파일이면 shop.toml의 [tables.{spec.table}]에 timezone = "UTC"라고 적으십시오.',
            f'If Spark wrote the file, write timezone = "UTC" under [tables.{spec.table}] in shop.toml.',
        ),
        column=column,
        blocks=True,
    )


def _opened(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Unreadable(broken(path)) from None
    n_rows = file.metadata.num_rows
    if n_rows > _MANY_ROWS and n_rows > _ROWS_A_BYTE * path.stat().st_size:
        raise Unreadable(too_large(path, n_rows * max(1, file.metadata.num_columns)))
    return file


def _blocks(
    path: Path, file: pq.ParquetFile, spec: Spec
) -> Iterator[tuple[ParquetBlock, pa.RecordBatch]]:
    """Return a file's rows in blocks, with the columns that the table needs."""
    present = set(file.schema_arrow.names)
    columns = [old for old in spec.read_columns.values() if old in present]
    n_before = 0
    try:
        for batch in file.iter_batches(_BATCH, columns=columns):
            _check_texts(path, batch, n_before)
            yield ParquetBlock(batch, n_before, spec), batch
            n_before += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Unreadable(broken(path)) from None


def _check_texts(path: Path, batch: pa.RecordBatch, n_before: int) -> None:
    """Stop at a text that is none: Arrow hands over the bytes that the file holds, whatever they are."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if family(column.type) == "text":
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:
                row = next((i for i, value in enumerate(column) if not _is_text(value)), None)
                if row is None:
                    raise  # broken in another way
                raise Unreadable(_not_text(path.name, name, n_before + row + 1)) from None


def _is_text(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def _not_text(file: str, column: str, row: int) -> Problem:
    return Problem(
        file,
        Text(
            "글자가 UTF-8이 아닙니다. Parquet의 텍스트는 UTF-8이어야 합니다",
            "its bytes are not UTF-8, as texts in Parquet must be",
        ),
        Text("UTF-8로 다시 내보내십시오.", "Export the file again with its texts in UTF-8."),
        row=row,
        column=column,
        blocks=True,
    )


def _typed(schema: pa.Schema) -> dict[str, Any]:
    return {field.name: field.type for field in schema}


def _lies_right(name: str, schema: dict[str, Any], spec: Spec) -> bool:
    """Return whether a query reads a column as declared without any help."""
    old, kind = spec.columns[name], spec.kinds[name]
    if old not in schema:
        return False
    found = family(schema[old])
    if kind == "text":
        return (
            found == "text"
            or (found == "whole" and spec.is_id(name))
            or name not in _contract(spec)
        )
    exact = {"instant": ("moment",), "day": ("day",), "number": ("whole", "decimal", "fraction"),
             "count": ("whole",), "flag": ("flag",)}[kind]  # fmt: skip
    return found in exact


def _contract(spec: Spec) -> set[str]:
    return {column.name for column in TABLES.get(spec.table, ())}


def _wrong_types(file: str, schema: pa.Schema, gather: Gather, spec: Spec) -> Iterator[Problem]:
    """Return the columns that cannot be read as declared, whatever they hold."""
    for name in gather.names:
        old, kind = spec.columns[name], spec.kinds[name]
        type_ = schema.field(old).type
        found = family(type_)
        zoned = kind == "day" and found == "moment" and type_.tz is not None
        lossy = kind == "text" and found == "fraction" and spec.is_id(name)
        if found not in _FAMILIES[kind] or zoned or lossy:
            yield Problem(
                file,
                Text(
                    f"{_SAID[found].ko} 열인데 정해진 종류는 {_KINDS[kind].ko}입니다",
                    f"the column holds {_SAID[found]}, declared is {_KINDS[kind]}",
                ),
                Text("정해진 종류로 내보내십시오.", "Export it with the declared type."),
                column=old,
                blocks=True,
            )


def _drifted(file: str, first: str, column: str, before: str, now: str) -> Problem:
    return Problem(
        file,
        Text(
            f"{_SAID[now].ko} 열인데 {first}에서는 {_SAID[before].ko} 열입니다",
            f"the column holds {_SAID[now]}, in {first} it holds {_SAID[before]}",
        ),
        Text("같은 종류로 내보내십시오.", "Export both with the same type."),
        column=column,
        blocks=True,
    )


def _nested(file: str, schema: pa.Schema) -> Iterator[Text]:
    names = [field.name for field in schema if family(field.type) == "other"]
    if names:
        listed = ", ".join(names)
        yield Text(
            f"{file}: 여러 값을 담은 열은 읽지 않았습니다: {listed}.",
            f"{file}: columns of nested or binary values were not read: {listed}.",
        )


def _filled(array: pa.Array, type_: pa.DataType) -> npt.NDArray[Any]:
    """Return an array as numpy, zeros where nothing is there."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    zero = pa.scalar(False if pa.types.is_boolean(type_) else 0, type_)
    return np.array(array.cast(type_, safe=False).fill_null(zero).to_numpy(zero_copy_only=False))


def _numbers(array: pa.Array, kind: Kind, state: values.Bytes) -> Column:
    numbers = _filled(array, pa.float64())
    state[(state == kernels.READ) & ~np.isfinite(numbers)] = kernels.WRONG
    column = Column(np.nan_to_num(numbers), state)
    if kind == "number":
        return column
    if family(array.type) == "whole":
        return Column(_filled(array, pa.int64()), state)
    return values.whole(column)


def _moments(array: pa.Array, kind: Kind, state: values.Bytes) -> Column:
    """Return instants as µs since 1970 and days as days; a zone makes an instant aware."""
    if family(array.type) == "day":
        days = _filled(array.cast(pa.date32()).cast(pa.int32()), pa.int32())
        micros = days.astype(np.int64) * 86_400_000_000
    else:
        unit = pa.timestamp("us", array.type.tz)
        micros = _filled(array.cast(unit, safe=False).cast(pa.int64()), pa.int64())
        if array.type.tz is not None:
            state[state == kernels.READ] = kernels.AWARE
    years = micros.astype("M8[us]").astype("M8[Y]").astype(np.int64) + 1970
    outside = (years < kernels.FIRST_YEAR) | (years > kernels.LAST_YEAR)
    state[outside & (state != kernels.MISSING)] = kernels.WRONG
    if kind == "day":
        return Column((micros // 86_400_000_000).astype(np.int32), state)
    return Column(micros, state)
