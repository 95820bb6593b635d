"""Values of rows → the tables of a mapping: folded, filtered, and without contact data."""

import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.shop import privacy
from custmeasure.shop.contract import TABLES
from custmeasure.shop.exports.fold import Codes, folded
from custmeasure.shop.exports.mapping import ExportMapping, Making, TableMaking
from custmeasure.shop.exports.people import unnamed
from custmeasure.shop.exports.sheet import Sheet
from custmeasure.shop.exports.states import status
from custmeasure.shop.exports.values import Values, map_texts
from custmeasure.show.words import Text

# Column → what each of its makings gave.
Columns = dict[str, list[Values | None]]

_BY_CONTENT = Text("값으로 보아 연락처", "contact data by its values")


def grouping(table: TableMaking, sheet: Sheet) -> Codes | None:
    """Return the group of every row, or None when each row of the table is a row of the export."""
    return sheet.group if table.one_row == "group" else None


def lacking(table: TableMaking, made: Columns, sheet: Sheet) -> list[str]:
    """Return the columns of the export without which the table cannot be made."""
    required = [column.name for column in TABLES[table.name] if column.required]
    return [named(table.columns[name][0], sheet) for name in required if made[name][0] is None]


def build(table: TableMaking, made: Columns, sheet: Sheet) -> pa.Table:
    """Return the table: the values of every row, folded when a row of the table is a group."""
    group = grouping(table, sheet)
    columns = {
        name: _column(parts, made[name], group, sheet) for name, parts in table.columns.items()
    }
    rows = pa.table({name: column for name, column in columns.items() if column is not None})
    for name in rows.column_names:
        if table.columns[name][0].capped:
            rows = _replaced(rows, name, _capped(rows, rows[name]))
    return rows.filter(pa.array(sheet.situations.are(*table.when))) if table.when else rows


def _column(
    parts: tuple[Making, ...], made: list[Values | None], group: Codes | None, sheet: Sheet
) -> Values | None:
    """Return one column: its parts folded and, of an amount with several, added up."""
    done = [_folded(m, values, group, sheet) for m, values in zip(parts, made, strict=True)]
    known = [column for column in done if column is not None]
    if len(known) < 2:
        return known[0] if known else None
    total = known[0]
    for part in known[1:]:
        total = pc.coalesce(pc.add(pc.fill_null(total, 0.0), part), total)
    return total


def _folded(
    making: Making, values: Values | None, group: Codes | None, sheet: Sheet
) -> Values | None:
    if making.is_status and values is not None:
        return status(values if group is None else folded(values, group, "min"))
    done = values if values is None or group is None else folded(values, group, making.fold)
    if making.otherwise is None:
        return done
    other = _folded(making.otherwise, sheet.make(making.otherwise), group, sheet)
    if done is None or other is None:
        return other if done is None else done
    return pc.coalesce(done, other)


def _capped(rows: pa.Table, refund: Values) -> Values:
    """Return refunds that are never more than the amount less its discount."""
    paid = rows["amount"]
    if "discount_amount" in rows.column_names:
        paid = pc.subtract(paid, pc.fill_null(rows["discount_amount"], 0.0))
    return pc.min_element_wise(refund, paid, skip_nulls=False)


def complete(table: TableMaking, rows: pa.Table, sheet: Sheet) -> tuple[pa.Table, list[Text]]:
    """Return a further table without the rows that lack what it needs, and how many these are.

    Their source rows still count as used: they are in the first table.
    """
    notes = []
    for column in (column.name for column in TABLES[table.name] if column.required):
        n = rows[column].null_count
        if n:
            name = named(table.columns[column][0], sheet)
            notes.append(Text(
                f"{table.name}: {n:,}행은 {name}이(가) 비어 있어 이 표에 넣지 않았습니다.",
                f"{table.name}: {n:,} rows without {name} are not in this table.",
            ))  # fmt: skip
            rows = rows.filter(pc.is_valid(rows[column]))
    return rows, notes


def without_contact(
    table: TableMaking, rows: pa.Table, sheet: Sheet
) -> tuple[pa.Table, dict[str, Text]]:
    """Return a table without the contact data that came under another name, and the columns dropped.

    Ids become pseudonyms, a column full of contact data goes, and in all others what is found is hidden.
    """
    dropped = {}
    required = {column.name for column in TABLES[table.name] if column.required}
    texts = [name for name in rows.column_names if pa.types.is_string(rows[name].type)]
    for name in texts:
        making, column = table.columns[name][0], rows[name]
        sentence = making.style == "html"
        if name.endswith("_id"):
            rows = _replaced(rows, name, unnamed(sheet, column))
        elif not sentence and name not in required and privacy.looks_like_contact(column):
            rows = rows.drop_columns(name)
            dropped[named(making, sheet)] = _BY_CONTENT
        elif sentence or pc.any(privacy.contact_values(column)).as_py():
            rows = _replaced(rows, name, map_texts(column, privacy.redact))
    return rows, dropped


def _replaced(rows: pa.Table, name: str, column: Values) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, column)


def wanted(mapping: ExportMapping, making: Making) -> list[str]:
    """Return the columns of the export that a making could be made from."""
    names: list[str] = []
    for name in making.uses():
        if name == "@customer":
            names += [*mapping.customer.id, *mapping.customer.instead]
        elif name in mapping.values:
            names += wanted(mapping, mapping.values[name])
        else:
            names.append(name)
    return list(dict.fromkeys(names))


def named(making: Making, sheet: Sheet) -> str:
    """Return the column of the export that a making names first, one that is there if any is."""
    names = wanted(sheet.mapping, making) or [""]
    return next((name for name in names if name in sheet.columns), names[0])
