"""A mapping: how the columns of one known export become tables of the contract.

Each mapping is a TOML file that a shop owner can copy beside ``shop.toml`` and edit. Its sections:

- ``name``, ``title``, ``timezone``, ``currency``, ``numbers`` and ``dates``: what it is, and how it writes
  instants and amounts;
- ``[rows]``: what makes a file this export (``needs``, ``known``), which columns name one row (``key``)
  and one order (``group``), and which columns are contact data;
- ``[customer]``: where the customer's id is, and what to do when there is none or it is masked;
- ``[states]``: which written state means what: unpaid, paid, shipped, delivered, cancelled, returned,
  exchanged;
- ``[meanings.NAME]``: codes and their words;
- ``[values]``: values of one row that are used more than once;
- ``[tables.NAME]``: one row of which is a row or a group (``one_row``), of which states (``when``), and in
  ``[tables.NAME.columns]`` how each column is made: see `Making`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from custmeasure.show.words import Text

SITUATIONS = ("unpaid", "paid", "shipped", "delivered", "cancelled", "returned", "exchanged")
FOLDS = ("first", "last", "sum", "min", "max", "any", "all")
STYLES = ("epoch_us", "html", "path", "before_last_dash")
KINDS = ("text", "instant", "day", "number", "count", "flag")
ROWS = ("row", "group")

# What a mapping knows of a row without a column of that name.
BUILT_IN = ("@customer", "@is_guest", "@person", "@status", "@claim")


@dataclass(frozen=True)
class Making:
    """How one value of a row is made, and how the values of a group fold into one.

    Attributes
    ----------
    sources
        ``from``: the first of these columns that is there and not empty.
    plus, minus, times
        Numbers: added, taken away, multiplied. Nothing, when the first of them is empty.
    join, between
        Texts put together with ``with`` between them; nothing, when one is empty.
    digest
        Columns from which a stable id is made.
    empty
        True where all of these columns are empty.
    pseudonym
        The pseudonym of the first of these columns that is not empty.
    constant
        The same text in every row.
    kind
        The type; that of the contract when the column is in it.
    fold
        What a group keeps: first, last, sum, min, max, any, all.
    style
        ``epoch_us`` (microseconds since 1970), ``html`` (tags taken out), ``path`` (of a web address),
        ``before_last_dash``.
    meanings
        The section of ``[meanings]`` whose words replace the codes.
    missing
        The word where there is none.
    zero_when
        States in which a number is 0.
    per
        Columns: a value that the export repeats counts once for each of their values.
    carried_by
        Columns: the first value among the rows in which these are the same counts for all of them.
    otherwise
        ``or``: another making for the groups in which this one gives nothing.
    capped
        A refund that is never more than what was paid: the amount less its discount.
    """

    sources: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    between: str = " "
    digest: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    pseudonym: tuple[str, ...] = ()
    constant: str = ""
    kind: str = ""
    fold: str = "first"
    style: str = ""
    meanings: str = ""
    missing: str = ""
    zero_when: tuple[str, ...] = ()
    per: tuple[str, ...] = ()
    carried_by: tuple[str, ...] = ()
    capped: bool = False
    otherwise: "Making | None" = None

    @property
    def is_number(self) -> bool:
        """Whether it is arithmetic."""
        return bool(self.plus or self.minus or self.times)

    @property
    def is_status(self) -> bool:
        """Whether it is the state of an order, for which the states of its lines are weighed."""
        return self.sources == ("@status",)

    def uses(self) -> Iterator[str]:
        """Return the columns and values that it reads."""
        for names in (self.sources, self.plus, self.minus, self.times, self.join, self.digest):
            yield from names
        for names in (self.empty, self.pseudonym, self.per, self.carried_by):
            yield from names
        if self.otherwise:
            yield from self.otherwise.uses()


@dataclass(frozen=True)
class TableMaking:
    """How one table is made: a row or a group a row, of which states, with which columns.

    ``columns`` holds, for each column, the makings whose results are added (one, but for amounts).
    """

    name: str
    columns: Mapping[str, tuple[Making, ...]]
    one_row: str = "row"
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """What ``[rows]`` says."""

    needs: tuple[tuple[str, ...], ...]
    known: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    starts: str = ""
    contact: tuple[str, ...] = ()
    not_contact: tuple[str, ...] = ()
    left_out_without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Customer:
    """What ``[customer]`` says: ids, their help when masked, what stands in, who is the same person."""

    id: tuple[str, ...] = ()
    masked_with: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    person: tuple[str, ...] = ()


@dataclass(frozen=True)
class States:
    """What ``[states]`` says: the columns, in the order in which they are asked, and their texts."""

    columns: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    passes: tuple[str, ...] = ()
    filled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: str = ""


@dataclass(frozen=True)
class ExportMapping:
    """One mapping; see the module for its sections."""

    name: str
    title: Text
    tables: tuple[TableMaking, ...]
    rows: Rows
    timezone: str = "Asia/Seoul"
    currency: str = ""
    numbers: str = "1,234.5"
    dates: tuple[str, ...] = ()
    customer: Customer = Customer()
    states: States = States()
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    values: Mapping[str, Making] = field(default_factory=dict)

    @property
    def known(self) -> tuple[str, ...]:
        """Every column of the export that is known by name, in the export's order."""
        needed = (name for names in self.rows.needs for name in names)
        return tuple(dict.fromkeys((*self.rows.known, *needed, *self.used)))

    @property
    def used(self) -> tuple[str, ...]:
        """The columns of the export that it reads."""
        makings = [m for table in self.tables for parts in table.columns.values() for m in parts]
        names = [name for making in (*self.values.values(), *makings) for name in making.uses()]
        customer = self.customer
        names += [*customer.id, *customer.masked_with, *customer.instead, *customer.person]
        names += [*self.rows.key, *self.rows.group, *self.rows.left_out_without]
        names += [self.rows.starts] if self.rows.starts else []
        names += [
            *self.states.columns,
            *(n for group in self.states.filled.values() for n in group),
        ]
        return tuple(dict.fromkeys(n for n in names if n not in self.values and n not in BUILT_IN))

    @property
    def hidden(self) -> frozenset[str]:
        """The contact columns that it reads only to make pseudonyms from them."""
        makings = [m for table in self.tables for parts in table.columns.values() for m in parts]
        customer = self.customer
        names = {*customer.masked_with, *customer.instead, *customer.person}
        return frozenset(names.union(*(m.pseudonym for m in (*self.values.values(), *makings))))
