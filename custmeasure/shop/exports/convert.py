"""From the rows of an export to tables of the contract, with every row accounted for.

A row is used (most often folded with others into one order), a duplicate (delivered again later), outside
(never paid, or without the id that it is counted by) or rejected. When one line of an order cannot be
read, the whole order is rejected: half an order is a wrong amount.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from custmeasure.errors import DataError, listed, nearest
from custmeasure.shop import privacy
from custmeasure.shop.contract import TABLES, Kind
from custmeasure.shop.exports.fold import Codes, codes, last_deliveries, last_rows
from custmeasure.shop.exports.mapping import ExportMapping, TableMaking
from custmeasure.shop.exports.sheet import Key, Sheet, columns_of, delivered_names
from custmeasure.shop.exports.tables import (
    Columns,
    build,
    complete,
    grouping,
    lacking,
    named,
    wanted,
    without_contact,
)
from custmeasure.shop.exports.values import Flags, Styles, Values
from custmeasure.shop.reader.problems import HIDDEN, Problem
from custmeasure.shop.reader.reasons import EMPTY
from custmeasure.show.words import Text

Made = dict[str, Columns]
Fates = NDArray[np.int8]

_KEPT_PROBLEMS = 1_000

_SAME_ORDER = Text(
    "같은 주문의 다른 줄을 읽을 수 없어 함께 뺐습니다",
    "another line of the same order cannot be read, so this one is left out with it",
)


USED, DUPLICATE, OUTSIDE, REJECTED = range(4)


@dataclass(frozen=True)
class Converted:
    """Tables made from one export.

    Attributes
    ----------
    tables
        Table → its rows, under the contract's names and types.
    fates
        (n_rows,) what became of every row: `USED`, `DUPLICATE`, `OUTSIDE` or `REJECTED`.
    problems
        Why rows were rejected, one a row (at most the first thousand).
    dropped
        Delivered column → why it does not enter.
    notes
        What a reader should know of how the export was read.
    """

    tables: dict[str, pa.Table]
    fates: Fates
    problems: tuple[Problem, ...] = ()
    dropped: dict[str, Text] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()


def counted(fates: Fates) -> tuple[int, int, int, int]:
    """Return how many rows were used, were duplicates, were outside, and were rejected."""
    n_used, n_duplicate, n_outside, n_rejected = np.bincount(fates, minlength=4).tolist()
    return n_used, n_duplicate, n_outside, n_rejected


def own_key() -> bytes:
    """Return the pseudonym key of this user."""
    return privacy.pseudonym_key(os.environ, Path.home())


def convert(
    mapping: ExportMapping,
    rows: pa.Table,
    *,
    file: str = "",
    timezone: str | None = None,
    dates: str | None = None,
    numbers: str | None = None,
    key: Key = own_key,
) -> Converted:
    """Return the tables that ``mapping`` makes of an export.

    Parameters
    ----------
    mapping
        Of `mapping.load` or `recognise.recognise`.
    rows
        The export's rows, columns under their delivered names: texts, or types of their own (Parquet).
    file
        The file's name, for the problems.
    timezone
        The time zone of instants written without one; the mapping's when not given.
    dates, numbers
        How dates and numbers are written, where it is otherwise than the mapping says.
    key
        Gives the key of the pseudonyms; asked only when one is needed.

    Raises
    ------
    DataError
        When a column is missing that the first table needs.
    """
    columns = columns_of(mapping, rows)
    styles = Styles(
        numbers or mapping.numbers,
        (dates,) if dates else mapping.dates,
        timezone or mapping.timezone,
        mapping.tables[0].name,
    )
    sheet = Sheet(mapping, columns, rows.num_rows, styles, key)
    return _Conversion(mapping, rows.column_names, sheet, file).run()


class _Conversion:
    """One export on its way into tables; what is left out on the way is written down in `fates`."""

    def __init__(
        self, mapping: ExportMapping, delivered: list[str], sheet: Sheet, file: str
    ) -> None:
        self._mapping, self._delivered, self._sheet, self._file = mapping, delivered, sheet, file
        self._number = np.arange(sheet.n)  # the row's place among all rows
        self._fates = np.full(sheet.n, USED, np.int8)
        self._notes: list[Text] = []
        self._problems: list[Problem] = []
        self._dropped = contact_dropped(mapping, delivered)

    def run(self) -> Converted:
        self._main_columns()
        self._leave(DUPLICATE, self._repeated())
        self._leave(OUTSIDE, self._outside())
        tables = self._tables(self._readable())
        notes, problems = tuple(self._notes), tuple(self._problems)
        return Converted(tables, self._fates, problems, self._dropped, notes)

    # What is left out before anything is read.

    def _leave(self, fate: int, rows: Flags) -> None:
        self._fates[self._number[rows]] = fate
        if rows.any():
            self._sheet = self._sheet.keep(~rows)
            self._number = self._number[~rows]

    def _repeated(self) -> Flags:
        """Return the rows that came again later; the last delivery counts."""
        rows, sheet = self._mapping.rows, self._sheet
        repeated = np.zeros(sheet.n, bool)
        keys = sheet.keys(rows.key) if rows.key else None
        if keys is not None:
            repeated |= ~last_rows(codes(keys)) & pc.is_valid(keys).to_numpy()
        elif rows.key:
            self._notes.append(Text(
                f"행을 구별하는 열({listed(rows.key)})이 없어 같은 행이 두 번 들어 있어도 알 수 없습니다.",
                f"Without the column {listed(rows.key)}, rows delivered twice cannot be told.",
            ))  # fmt: skip
        if rows.starts in sheet.columns:
            starts = pc.is_valid(sheet.columns[rows.starts]).to_numpy()
            repeated |= ~last_deliveries(sheet.group, starts)
        if repeated.any():
            self._notes.append(Text(
                f"{int(repeated.sum()):,}행은 뒤에 다시 나와, 나중 것만 썼습니다.",
                f"{int(repeated.sum()):,} rows came again later; only the later ones count.",
            ))  # fmt: skip
        return repeated

    def _outside(self) -> Flags:
        """Return the rows that are nobody's or nothing was paid for."""
        sheet, needed = self._sheet, self._mapping.rows.left_out_without
        nobody = np.zeros(sheet.n, bool)
        for name in needed:
            column = sheet.value(name, "text")
            nobody |= True if column is None else pc.is_null(column).to_numpy()
        unpaid = sheet.situations.are("unpaid") & ~nobody
        self._count_note(int(nobody.sum()), f"{listed(needed)} 없음", f"no {listed(needed)}")
        self._count_note(int(unpaid.sum()), "결제되지 않음", "never paid")
        self._state_notes()
        return nobody | unpaid

    def _count_note(self, n: int, ko: str, en: str) -> None:
        if n:
            self._notes.append(Text(f"{n:,}행 제외: {ko}.", f"{n:,} rows left out: {en}."))

    def _state_notes(self) -> None:
        states, sheet = self._mapping.states, self._sheet
        if not states.columns:
            return
        if not any(name in sheet.columns for name in states.columns):
            names = listed(states.columns)
            self._notes.append(Text(
                f"상태 열({names})이 없어 취소와 반품을 알 수 없습니다. 금액에 그대로 들어 있습니다.",
                f"There is no column {names}: cancels and returns cannot be told and stay in the amounts.",
            ))  # fmt: skip
        for text, n in sheet.situations.unknown.most_common(5):
            self._notes.append(Text(
                f"상태 '{text}'({n:,}행)의 뜻을 모릅니다. 환불 없이 셌습니다. 매핑의 [states]에 더하십시오.",
                f"The state '{text}' ({n:,} rows) is not known and counts without refund. Add it under "
                "[states] in a copy of the mapping.",
            ))  # fmt: skip

    # What cannot be read.

    def _readable(self) -> Made:
        """Make every value, and leave out the orders of which a row cannot be read."""
        made = self._make()
        bad = self._bad_rows(made)
        if not bad.any():
            return made
        wrong = self._widened(bad)
        self._leave(REJECTED, wrong)
        return self._make()

    def _make(self) -> Made:
        return {
            table.name: {
                column: [self._sheet.make(part) for part in parts]
                for column, parts in table.columns.items()
            }
            for table in self._mapping.tables
        }

    def _bad_rows(self, made: Made) -> Flags:
        """Return the rows with a value that does not read, or without one that must be there."""
        sheet, main = self._sheet, self._mapping.tables[0]
        bad = np.zeros(sheet.n, bool)
        for wrong in sheet.wrong:
            self._tell(wrong.column, wrong.rows & ~bad, wrong.kind)
            bad |= wrong.rows
        group = grouping(main, sheet)
        for column in TABLES[main.name]:
            if column.required:
                (making, *_), (values, *_) = main.columns[column.name], made[main.name][column.name]
                empty = self._empty(values, group) & ~bad
                self._tell(named(making, sheet), empty, None)
                bad |= empty
        return bad

    def _empty(self, values: Values | None, group: Codes | None) -> Flags:
        """Return the rows whose order has no value."""
        if values is None:
            return np.ones(self._sheet.n, bool)
        if group is None:
            return np.asarray(pc.is_null(values).to_numpy(), bool)
        known = pc.is_valid(values).to_numpy()
        ok = np.zeros(group.max(initial=-1) + 2, bool)
        ok[group[known]] = True
        return ~ok[group] | (group < 0)

    def _widened(self, bad: Flags) -> Flags:
        """Return all rows of the orders that have a bad one."""
        group = grouping(self._mapping.tables[0], self._sheet)
        if group is None:
            return bad
        whole = bad | (np.isin(group, group[bad & (group >= 0)]))
        for row in np.flatnonzero(whole & ~bad)[: self._room()]:
            self._problems.append(
                Problem(self._file, _SAME_ORDER, Text("", ""), int(self._number[row]) + 1)
            )
        return whole

    def _tell(self, column: str, rows: Flags, kind: Kind | None) -> None:
        """Keep one problem a row."""
        sheet, where = self._sheet, delivered_names([column], self._delivered)
        for row in np.flatnonzero(rows)[: self._room()]:
            value, reason = None, EMPTY
            if kind is not None:
                value = str(sheet.columns[column][int(row)]) if column in sheet.columns else ""
                reason = sheet.styles.why_not(kind, value)
                value = HIDDEN if column in self._dropped else value
            self._problems.append(
                Problem(self._file, reason.rule, reason.do, row=int(self._number[row]) + 1,
                        column=where.get(column, column), value=value, blocks=reason.blocks)
            )  # fmt: skip

    def _room(self) -> int:
        return max(0, _KEPT_PROBLEMS - len(self._problems))

    def _tables(self, made: Made) -> dict[str, pa.Table]:
        first, *further = self._mapping.tables
        tables = {first.name: self._finished(first, made[first.name], first.name)}
        for table in further:
            missing = lacking(table, made[table.name], self._sheet)
            if missing:
                self._notes.append(Text(
                    f"{table.name} 표는 만들지 않았습니다. 없는 열: {listed(missing)}.",
                    f"The table {table.name} was not made; missing: {listed(missing)}.",
                ))  # fmt: skip
            else:
                tables[table.name] = self._finished(table, made[table.name], first.name)
        return tables

    def _finished(self, table: TableMaking, made: Columns, first: str) -> pa.Table:
        rows = build(table, made, self._sheet)
        if table.name != first:
            rows, notes = complete(table, rows, self._sheet)
            self._notes += notes
        rows, dropped = without_contact(table, rows, self._sheet)
        self._dropped |= dropped
        return rows

    def _main_columns(self) -> None:
        """Refuse an export without the columns that its first table needs."""
        table, nothing = self._mapping.tables[0], self._sheet.keep(np.zeros(self._sheet.n, bool))
        for column in (column for column in TABLES[table.name] if column.required):
            making = table.columns[column.name][0]
            if nothing.make(making) is None:
                raise self._lacking(column.name, wanted(self._mapping, making))

    def _lacking(self, column: str, names: list[str]) -> DataError:
        title, place = self._mapping.title, f"{self._file}: " if self._file else ""
        near = nearest(names[0], self._delivered) if names else None
        hint_ko = f" 혹시 '{near}' 열인가요?" if near else ""
        hint_en = f" Is it '{near}'?" if near else ""
        return DataError(
            ko=f"{place}{title.ko}에서 {column}에 쓸 열이 없습니다: {listed(names)}.{hint_ko} "
            "내려받을 때 그 열을 넣거나, 매핑을 복사해 고치십시오.",
            en=f"{place}{title} needs for {column} one of the columns {listed(names)}.{hint_en} "
            "Add it when you export, or edit a copy of the mapping.",
        )


_BY_NAME = Text("이름으로 보아 연락처", "contact data by its name")
_AS_PSEUDONYM = Text("연락처, 가명으로만 씀", "contact data, used only as a pseudonym")


def contact_dropped(mapping: ExportMapping, delivered: Sequence[str]) -> dict[str, Text]:
    """Return the delivered columns that never enter a table."""
    kept = set(delivered_names(mapping.rows.not_contact, delivered).values())
    declared = set(delivered_names(mapping.rows.contact, delivered).values())
    pseudonyms = set(delivered_names(mapping.hidden, delivered).values())
    contact = (privacy.contact_columns(delivered) | declared | pseudonyms) - kept
    return {
        name: _AS_PSEUDONYM if name in pseudonyms else _BY_NAME
        for name in delivered
        if name in contact
    }
