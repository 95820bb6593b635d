"""What is asked of one table of a database, and its batches sorted out: used, outside, left out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from custmeasure import dates
from custmeasure.engine.declared import EMPTY, INSTANT, RULES, TYPES, Declared, declared, local_day
from custmeasure.engine.statement import literal, quoted
from custmeasure.show.words import Text

MAX_REFUSED = 1000  # refused values that are named; all are counted
_MAX_SHOWN = 60  # characters of a value in a message
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Refused:
    """A value that keeps its row out.

    Attributes
    ----------
    row
        The row's place among those that arrived, from 1; a database keeps no order between reads.
    key
        The value of the key column, which finds the row again, or None.
    column
        The column's name in the database.
    value
        The value as it arrived, or None.
    rule
        What is wrong with it.
    """

    row: int
    key: str | None
    column: str
    value: str | None
    rule: Text


@dataclass(frozen=True)
class Extract:
    """What a database gave for one table, with its rows accounted for.

    Attributes
    ----------
    table
        The rows used, under the contract's names and types (instants in UTC).
    n_in_source, n_outside, n_rejected
        Rows that the database counts; those before ``since`` or after ``until``; those left out because
        a value does not read as declared. The first is the sum of the other two and `n_used`.
    refused
        The first `MAX_REFUSED` of the values that kept a row out.
    notes
        What the reader must know.
    """

    table: pa.Table
    n_in_source: int
    n_outside: int = 0
    n_rejected: int = 0
    refused: tuple[Refused, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def n_used(self) -> int:
        """Rows used."""
        return int(self.table.num_rows)


@dataclass(frozen=True)
class Wanted:
    """What is asked of one table; `columns` maps the contract's names to the delivered ones."""

    what: str
    columns: Mapping[str, str]
    kinds: Mapping[str, str]
    required: frozenset[str] = frozenset()
    key: str | None = None
    at: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    timezone: str = "UTC"

    def kind(self, name: str) -> str:
        """Return the declared kind of a column."""
        return self.kinds.get(name, "text")


@dataclass(frozen=True)
class Part:
    """One batch, sorted out; the first three numbers are rows, the fourth values."""

    rows: pa.Table
    n_received: int
    n_outside: int
    n_rejected: int
    n_uncertain: int
    refused: tuple[Refused, ...]


def condition(wanted: Wanted, schema: pa.Schema) -> str:
    """Return the SQL that keeps the rows of the period, or nothing where the database cannot tell.

    A wall-clock time and a day are asked for with a day to spare on both sides: `sort_out` decides.
    """
    if wanted.at is None or (wanted.since is None and wanted.until is None):
        return ""
    field = schema.field(wanted.columns[wanted.at])
    if not (pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)):
        return ""
    column = quoted(field.name)
    bounds = ((">=", wanted.since, -_DAY), ("<=", wanted.until, _DAY))
    tests = [
        " ".join([column, sign, literal(_as_asked(bound, field.type, wanted.timezone, spare))])
        for sign, bound, spare in bounds
        if bound is not None
    ]
    return " ".join(["(", column, "IS NULL OR (", " AND ".join(tests), ") )"])


def _as_asked(
    bound: dt.datetime, given: pa.DataType, timezone: str, spare: dt.timedelta
) -> dt.datetime | dt.date:
    if pa.types.is_timestamp(given) and given.tz:
        return bound.astimezone(dt.UTC)
    local = bound.astimezone(dates.zone(timezone)).replace(tzinfo=None) + spare
    return local if pa.types.is_timestamp(given) else local.date()


def sort_out(wanted: Wanted, batch: pa.RecordBatch, n_before: int) -> Part:
    """Return the rows of ``batch`` that can be used, and what became of the others."""
    read = {n: declared(batch.column(n), wanted.kind(n), wanted.timezone) for n in wanted.columns}
    outside = _outside(wanted, read, batch.num_rows)
    inside = pc.invert(outside)
    bad = {name: pc.and_(_bad(wanted, name, column), inside) for name, column in read.items()}
    rejected = _none(batch.num_rows)
    for flags in bad.values():
        rejected = pc.or_(rejected, flags)
    rows = pa.table({name: column.values for name, column in read.items()})
    return Part(
        rows=rows.filter(pc.invert(pc.or_(outside, rejected))),
        n_received=batch.num_rows,
        n_outside=_n(outside),
        n_rejected=_n(rejected),
        n_uncertain=sum(column.n_uncertain for column in read.values()),
        refused=_refused(wanted, batch, bad, n_before) if _n(rejected) else (),
    )


def together(
    wanted: Wanted, parts: Sequence[Part], n_in_source: int, notes: tuple[Text, ...]
) -> Extract:
    """Return all parts as one; rows that the database did not send lie outside the period."""
    schema = pa.schema([(name, TYPES[wanted.kind(name)]) for name in wanted.columns])
    table = pa.concat_tables([schema.empty_table(), *(part.rows for part in parts)])
    n_rejected = sum(part.n_rejected for part in parts)
    n_uncertain = sum(part.n_uncertain for part in parts)
    refused = [value for part in parts for value in part.refused]
    return Extract(
        table=table,
        n_in_source=n_in_source,
        n_outside=n_in_source - n_rejected - table.num_rows,
        n_rejected=n_rejected,
        refused=tuple(refused[:MAX_REFUSED]),
        notes=(*notes, _uncertain(n_uncertain, wanted)) if n_uncertain else notes,
    )


def _outside(wanted: Wanted, read: Mapping[str, Declared], n: int) -> pa.Array:
    outside = _none(n)
    if wanted.at is None:
        return outside
    values = read[wanted.at].values
    for bound, test in ((wanted.since, pc.less), (wanted.until, pc.greater)):
        if bound is not None:
            beyond = test(values, _bound(bound, values.type, wanted.timezone))
            outside = pc.or_(outside, pc.fill_null(beyond, False))
    return outside


def _bound(bound: dt.datetime, given: pa.DataType, timezone: str) -> pa.Scalar:
    instant = pa.scalar(bound, INSTANT)
    return local_day(pa.array([instant]), timezone)[0] if pa.types.is_date(given) else instant


def _bad(wanted: Wanted, name: str, column: Declared) -> pa.Array:
    bad = pc.invert(column.good)
    return pc.or_(bad, pc.is_null(column.values)) if name in wanted.required else bad


def _refused(
    wanted: Wanted, batch: pa.RecordBatch, bad: Mapping[str, pa.Array], n_before: int
) -> tuple[Refused, ...]:
    keys = batch.column(wanted.key) if wanted.key in wanted.columns else None
    found = [
        Refused(
            row=n_before + place + 1,
            key=None if keys is None else _shown(keys[place]),
            column=wanted.columns[name],
            value=_shown(batch.column(name)[place]),
            rule=_rule(wanted.kind(name), batch.column(name)[place]),
        )
        for name, flags in bad.items()
        for place in pc.indices_nonzero(flags).to_pylist()[:MAX_REFUSED]
    ]
    return tuple(sorted(found, key=lambda value: value.row)[:MAX_REFUSED])


def _rule(kind: str, value: pa.Scalar) -> Text:
    empty = not value.is_valid or _shown(value) == ""
    return EMPTY if empty else RULES[kind]


def _shown(value: pa.Scalar) -> str | None:
    """Return a value as text; an instant or a day that Python cannot hold has none."""
    try:
        plain = value.as_py()
    except (OverflowError, ValueError):
        return None
    return None if plain is None else str(plain)[:_MAX_SHOWN]


def _none(n: int) -> pa.Array:
    return pc.fill_null(pa.nulls(n, pa.bool_()), False)


def _n(flags: pa.Array) -> int:
    return int(pc.sum(flags).as_py() or 0)


def _uncertain(n: int, wanted: Wanted) -> Text:
    return Text(
        f"{wanted.timezone}의 시계가 두 번 지나거나 건너뛰는 시각이 {n:,}개입니다. "
        "두 번이면 앞의 것, 건너뛰면 그 뒤로 읽었습니다.",
        f"{n:,} instants lie where the clock of {wanted.timezone} shows an hour twice or skips one; "
        "read as the first pass, or as just after the gap.",
    )
