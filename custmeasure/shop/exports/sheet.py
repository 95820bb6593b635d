"""The rows of one export, and the values that a mapping makes of them, row by row."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.shop.contract import Kind
from custmeasure.shop.exports import people
from custmeasure.shop.exports.fold import Codes, carried, codes, first_rows, joined
from custmeasure.shop.exports.mapping import ExportMapping, Making
from custmeasure.shop.exports.nested import leaf
from custmeasure.shop.exports.states import Situations, situations
from custmeasure.shop.exports.values import (
    TYPES,
    Flags,
    Styles,
    Values,
    map_texts,
    styled,
    tidy,
    typed,
)
from custmeasure.shop.reader.keys import normal

Key = Callable[[], bytes]

_ID_LENGTH = 20  # hexadecimal digits of an id made from other columns


def plain_name(name: str) -> str:
    """Return a column's name as names are compared: without spaces, in one case and spelling."""
    return "".join(normal(name).split()).casefold()


def delivered_names(wanted: Iterable[str], delivered: Iterable[str]) -> dict[str, str]:
    """Return each wanted column that is there and the name it was delivered under."""
    exact = list(delivered)
    loose = {plain_name(name): name for name in reversed(exact)}
    found = {}
    for name in wanted:
        match = name if name in exact else loose.get(plain_name(name))
        if match is not None:
            found[name] = match
    return found


def columns_of(mapping: ExportMapping, rows: pa.Table) -> dict[str, Values]:
    """Return the columns that the mapping reads, tidied, under the names that it gives them."""
    found = delivered_names(mapping.used, rows.column_names)
    columns = {name: tidy(rows[delivered]) for name, delivered in found.items()}
    for path in mapping.used:
        column = leaf(rows, path) if path not in columns else None
        if column is not None:
            columns[path] = tidy(column)
    return columns


@dataclass
class Wrong:
    """Rows whose value in a column does not read as its type."""

    column: str
    kind: Kind
    rows: Flags


@dataclass
class Sheet:
    """The rows of an export under a mapping; every value is made once.

    Attributes
    ----------
    mapping, columns, n
        The mapping; the columns it reads; how many rows there are.
    styles
        How numbers and dates are written.
    key
        Gives the key of the pseudonyms when one is needed.
    wrong
        What could not be read so far.
    """

    mapping: ExportMapping
    columns: dict[str, Values]
    n: int
    styles: Styles
    key: Key
    wrong: list[Wrong] = field(default_factory=list)
    _made: dict[object, Values | None] = field(default_factory=dict)
    _group: Codes | None = None
    _situations: Situations | None = None

    def keep(self, rows: Flags) -> "Sheet":
        """Return the sheet with some of its rows."""
        mask = pa.array(rows)
        columns = {name: column.filter(mask) for name, column in self.columns.items()}
        return Sheet(self.mapping, columns, int(rows.sum()), self.styles, self.key)

    @property
    def group(self) -> Codes:
        """The number of each row's order; each row its own when the export has no orders."""
        if self._group is None:
            keys = self.keys(self.mapping.rows.group)
            self._group = np.arange(self.n) if keys is None else codes(keys)
        return self._group

    @property
    def situations(self) -> Situations:
        """What the state of every row means."""
        if self._situations is None:
            self._situations = situations(self.mapping.states, self.columns, self.group)
        return self._situations

    def keys(self, names: tuple[str, ...]) -> Values | None:
        """Return several columns joined as one key, or None when one of them is not there."""
        parts = [self.value(name, "text") for name in names]
        known = [part for part in parts if part is not None]
        return joined(known) if known and len(known) == len(parts) else None

    def value(self, name: str, kind: Kind) -> Values | None:
        """Return a column or a value of the mapping as ``kind``, or None when it is not there."""
        if (name, kind) not in self._made:
            self._made[name, kind] = self._value(name, kind)
        return self._made[name, kind]

    def _value(self, name: str, kind: Kind) -> Values | None:
        if name.startswith("@"):
            return self._built_in(name)
        if name in self.mapping.values:
            making = self.mapping.values[name]
            column = self.make(making if making.kind else replace(making, kind=kind))
        else:
            column = self.columns.get(name)
        if column is None or column.type == TYPES[kind]:
            return column
        values, unreadable = typed(column, kind, self.styles)
        if unreadable.any():
            self.wrong.append(Wrong(name, kind, unreadable))
        return values

    def make(self, making: Making) -> Values | None:
        """Return what ``making`` gives in every row, or None when its columns are not there."""
        kind: Kind = making.kind or "text"  # type: ignore[assignment]
        values = self._raw(making, kind)
        if values is None:
            return self._same(making.missing) if making.missing else None
        if making.style and making.style != "epoch_us":
            values = styled(values, making.style)
        if making.meanings:
            words = self.mapping.meanings[making.meanings]
            values = map_texts(values, lambda code: words.get(code, code))
        if making.missing:
            values = pc.fill_null(values, making.missing)
        if making.zero_when:
            values = self._zero(values, self.situations.are(*making.zero_when))
        if making.per:
            values = self._once(values, making.per)
        if making.carried_by:
            keys = self.keys(making.carried_by)
            values = values if keys is None else carried(values, codes(keys))
        return values if making.is_status else values.cast(TYPES[kind])

    def _raw(self, making: Making, kind: Kind) -> Values | None:
        if making.constant:
            return self._same(making.constant)
        if making.is_number:
            return self._arithmetic(making)
        if making.join or making.digest or making.empty:
            return self._of_several(making)
        if making.pseudonym:
            return people.pseudonyms(self, self.first(making.pseudonym, "text"))
        if making.style == "epoch_us":
            micros = self.first(making.sources, "count")
            return None if micros is None else styled(micros, making.style)
        return self.first(making.sources, kind)

    def _of_several(self, making: Making) -> Values | None:
        """Return texts put together, an id made of them, or whether all of them are empty."""
        if making.empty:
            first = self.first(making.empty, "text")
            return None if first is None else pc.is_null(first)
        parts = [self.value(name, "text") for name in making.join or making.digest]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return joined(known, making.between) if making.join else map_texts(joined(known), _digest)

    def first(self, names: tuple[str, ...], kind: Kind) -> Values | None:
        """Return the first of the columns that is not empty, row by row."""
        parts = [part for name in names if (part := self.value(name, kind)) is not None]
        return pc.coalesce(*parts) if parts else None

    def _arithmetic(self, making: Making) -> Values | None:
        """Add, take away, multiply; empty where the first number is, other empty numbers are 0."""
        first, *more = making.plus or making.times
        total = self.value(first, "number")
        if total is None:
            return None
        for name in more if making.plus else ():
            total = pc.add(total, self._or_zero(name))
        for name in making.minus:
            total = pc.subtract(total, self._or_zero(name))
        for name in making.times if making.plus else more:
            factor = self.value(name, "number")
            if factor is None:
                return None
            total = pc.multiply(total, factor)
        return total

    def _or_zero(self, name: str) -> Values | pa.Scalar:
        number = self.value(name, "number")
        return pa.scalar(0.0) if number is None else pc.fill_null(number, 0.0)

    def _same(self, text: str) -> Values:
        return pa.chunked_array([pa.array([text] * self.n, pa.string())])

    def _zero(self, values: Values, where: Flags) -> Values:
        zero = pa.scalar(0, values.type)
        return pc.if_else(pc.and_(pa.array(where), pc.is_valid(values)), zero, values)

    def _once(self, values: Values, names: tuple[str, ...]) -> Values:
        """Keep a value that the export repeats only in the first row that has it."""
        keys = self.keys(names)
        first = first_rows(self.group if keys is None else codes(keys))
        return pc.if_else(pa.array(first), values, pa.scalar(None, values.type))

    def _built_in(self, name: str) -> Values | None:
        """Return what is known of a row without a column of that name."""
        if name == "@customer":
            return people.customer(self)
        if name == "@is_guest":
            return people.is_guest(self)
        if name == "@person":
            return people.person(self)
        if not self._has_states():
            return None
        return self.situations.ranks() if name == "@status" else self.situations.claims()

    def _has_states(self) -> bool:
        return any(name in self.columns for name in self.mapping.states.columns)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]
