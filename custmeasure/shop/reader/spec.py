"""How one table is to be read: its columns, their types, and the styles its section declares.

.. code-block:: toml

    [tables.orders]
    file = "orders-*.csv"
    timezone = "Asia/Seoul"       # the zone of times written without one
    dates = "%Y.%m.%d %H:%M"      # or one a column: dates = {at = "…", shipped_at = "…"}
    numbers = "1,234.5"
    encoding = "cp949"
    delimiter = ";"
    sheet = "주문"

    [tables.orders.columns]       # the contract's name = the name in the file
    order_id = "주문번호"

    [tables.orders.aliases.channel]  # spellings that mean the same
    NAVER = "네이버"
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from custmeasure import dates
from custmeasure.errors import DataError, UnknownName, UsageError, check_choice, listed, nearest
from custmeasure.shop.contract import KEYS, TABLES, Kind
from custmeasure.shop.privacy import contact_columns
from custmeasure.shop.reader import values
from custmeasure.shop.reader.encoding import ENCODINGS
from custmeasure.shop.reader.keys import normal, visible

if TYPE_CHECKING:
    from custmeasure.shop.settings import Settings

DELIMITERS = (",", ";", "\t", "|")

# Texts that people wrote: kept letter for letter.
FREE_TEXT = frozenset({"text"})

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Spec:
    """How one table is to be read.

    Attributes
    ----------
    table
        Its name in the contract.
    columns
        Name in the contract (or of a further column) → name in the file.
    kinds
        Name → type; a further column is text.
    required
        Names of which no value may be missing.
    key
        The column that names a row; rows with the same key and the same values are one row.
    timezone
        The zone of times written without one.
    timezone_declared
        Whether the section says so; if not, a column may not mix times with and without a zone.
    dates
        A date format, one a column, or None for ISO 8601.
    numbers
        The number style.
    encoding, delimiter, sheet
        Of the file; None lets the file say.
    contact
        Delivered columns of personal contact data: their values are never shown.
    drop
        Delivered columns that are not read at all; never shown either.
    constants
        Name → the value every row has.
    aliases
        Name → spelling → the spelling used instead.
    allow_empty
        Whether a table without rows is a table.
    """

    table: str
    columns: Mapping[str, str]
    kinds: Mapping[str, Kind]
    required: frozenset[str] = frozenset()
    key: str | None = None
    timezone: str = "Asia/Seoul"
    timezone_declared: bool = False
    dates: str | Mapping[str, str] | None = None
    numbers: str = "1234.5"
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    contact: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    constants: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    allow_empty: bool = False

    @property
    def hidden(self) -> frozenset[str]:
        """Delivered columns whose values are never shown."""
        return self.contact | self.drop

    @property
    def read_columns(self) -> Mapping[str, str]:
        """The columns that enter the table: name → name in the file."""
        return {new: old for new, old in self.columns.items() if old not in self.drop}

    def date_style(self, column: str) -> values.DateStyle | None:
        """Return the declared date format of a column, or None for ISO 8601."""
        style = self.dates.get(column) if isinstance(self.dates, Mapping) else self.dates
        return None if style is None else values.date_style(style)

    def is_id(self, column: str) -> bool:
        """Return whether a column names things: its values must come through digit for digit."""
        return column == self.key or column.endswith("_id")


def spec_for(
    table: str,
    section: Mapping[str, Any],
    settings: "Settings",
    delivered_columns: Sequence[str],
) -> Spec:
    """Return how ``table`` is read, from the contract and its section of shop.toml.

    Parameters
    ----------
    table
        Its name in the contract.
    section
        ``[tables.NAME]`` of shop.toml.
    settings
        The shop's; its time zone is that of times written without one.
    delivered_columns
        The columns that the files have: `header`.

    Raises
    ------
    UnknownName
        For a column, encoding or time zone that does not exist, with the nearest.
    UsageError
        For a style that is none.
    DataError
        When a required column is missing, with the nearest.
    """
    columns = _columns(table, section.get("columns", _NOTHING), delivered_columns)
    constants = {str(key): str(value) for key, value in section.get("constants", {}).items()}
    kinds = {column.name: column.kind for column in TABLES[table]}
    required = frozenset(column.name for column in TABLES[table] if column.required)
    _check_required(table, required - set(constants), columns)
    key = KEYS.get(table)
    timezone = str(section.get("timezone", settings.timezone))
    dates.zone(timezone)
    return Spec(
        table=table,
        columns=columns,
        kinds={name: kinds.get(name, "text") for name in (*columns, *constants)},
        required=required,
        key=key if key in columns else None,
        timezone=timezone,
        timezone_declared="timezone" in section,
        dates=_dates(section.get("dates"), columns, table),
        numbers=values.number_style(str(section.get("numbers", "1234.5"))).name,
        encoding=_encoding(section.get("encoding")),
        delimiter=_delimiter(section.get("delimiter")),
        sheet=None if section.get("sheet") is None else str(section["sheet"]),
        contact=contact_columns(delivered_columns),
        constants=constants,
        aliases=_aliases(section.get("aliases", _NOTHING), columns, table),
    )


def opening(section: Mapping[str, Any]) -> Spec:
    """Return how to open the files of a section, before anybody knows their columns."""
    return Spec(
        "", {}, {},
        encoding=_encoding(section.get("encoding")),
        delimiter=_delimiter(section.get("delimiter")),
        sheet=None if section.get("sheet") is None else str(section["sheet"]),
    )  # fmt: skip


def _columns(table: str, mapped: Mapping[str, Any], delivered: Sequence[str]) -> dict[str, str]:
    """Return contract (or further) name → delivered name, for every delivered column."""
    contract = [column.name for column in TABLES[table]]
    for new, old in mapped.items():
        if new not in contract:
            raise UnknownName("column", new, contract, f"[tables.{table}.columns]")
        if old not in delivered:
            raise UnknownName(
                "column", old, list(map(visible, delivered)), f"[tables.{table}] file"
            )
    taken = set(mapped.values())
    rest = {column: column for column in delivered if column not in taken}
    return {**rest, **{str(new): str(old) for new, old in mapped.items()}}


def _check_required(table: str, required: Iterable[str], columns: Mapping[str, str]) -> None:
    names = list(columns)
    for column in TABLES[table]:
        if column.name in required and column.name not in columns:
            near = _like(column.name, names)
            hint_ko = f" 혹시 '{near}' 열인가요?" if near else ""
            hint_en = f" Is it '{near}'?" if near else ""
            seen = listed(list(map(visible, names)))
            raise DataError(
                ko=f"[tables.{table}]: 필요한 열 '{column.name}'이 없습니다.{hint_ko} 있는 열: {seen}. "
                f'[tables.{table}.columns]에 {column.name} = "파일의 열 이름"을 적으십시오.',
                en=f"[tables.{table}]: the required column '{column.name}' is missing.{hint_en} "
                f'Seen: {seen}. Write {column.name} = "its name in the file" under '
                f"[tables.{table}.columns].",
            )


def _like(name: str, names: Sequence[str]) -> str | None:
    """Return the name most like ``name``; one that differs only in spaces before all others."""
    same = [other for other in names if normal(other).casefold() == name.casefold()]
    near = same[0] if same else nearest(name, names)
    return None if near is None else visible(near)


def _dates(style: object, columns: Mapping[str, str], table: str) -> str | Mapping[str, str] | None:
    if style is None:
        return None
    if not isinstance(style, Mapping):
        return values.date_style(str(style)).format
    for name in style:
        if name not in columns:
            raise UnknownName("column", name, columns, f"[tables.{table}] dates")
    return {str(name): values.date_style(str(one)).format for name, one in style.items()}


def _encoding(name: object) -> str | None:
    if name is None:
        return None
    spelled = str(name).strip().lower().replace("_", "-")
    return ENCODINGS[check_choice("encoding", spelled, tuple(ENCODINGS))]


def _delimiter(sign: object) -> str | None:
    sign = {"tab": "\t", "\\t": "\t"}.get(str(sign), sign)
    if sign is None or sign in DELIMITERS:
        return None if sign is None else str(sign)
    raise UsageError(
        ko=f"delimiter {sign!r}: 구분자는 ',', ';', '|', 'tab' 가운데 하나여야 합니다.",
        en=f"delimiter {sign!r} must be one of ',', ';', '|' and 'tab'.",
    )


def _aliases(
    given: Mapping[str, Any], columns: Mapping[str, str], table: str
) -> dict[str, dict[str, str]]:
    for name, pairs in given.items():
        if name not in columns:
            raise UnknownName("column", name, columns, f"[tables.{table}.aliases]")
        if not isinstance(pairs, Mapping):
            raise UsageError(
                ko=f'[tables.{table}.aliases.{name}]에는 NAVER = "네이버"처럼 적어야 합니다.',
                en=f'Write [tables.{table}.aliases.{name}] as spellings: NAVER = "네이버".',
            )
    return {
        str(name): {normal(str(old)): normal(str(new)) for old, new in pairs.items()}
        for name, pairs in given.items()
    }
