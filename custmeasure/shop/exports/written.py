"""Mappings read from their TOML: those that come with custmeasure, and a shop owner's own.

Every setting is known by name; an unknown one is an error with the nearest, so that a typing mistake never
changes a number silently.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from custmeasure import dates
from custmeasure.errors import DataError, UnknownName, UsageError, check_choice
from custmeasure.shop import privacy
from custmeasure.shop.contract import TABLES
from custmeasure.shop.exports.mapping import (
    FOLDS,
    KINDS,
    ROWS,
    SITUATIONS,
    STYLES,
    Customer,
    ExportMapping,
    Making,
    Rows,
    States,
    TableMaking,
)
from custmeasure.shop.reader.values import date_style, number_style
from custmeasure.show.words import Text

_FOLDER = Path(__file__).parent
_RENAMED = {"from": "sources", "with": "between", "or": "otherwise"}
_TEXTS = ("between", "constant", "kind", "fold", "style", "meanings", "missing")


def names() -> tuple[str, ...]:
    """Return the names of the mappings that come with custmeasure."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def source(name: str) -> str:
    """Return the text of a mapping, to copy beside ``shop.toml`` and edit.

    Raises
    ------
    UnknownName
        With the nearest mapping.
    """
    if name not in names():
        raise UnknownName("export", name, names())
    return (_FOLDER / f"{name}.toml").read_text("utf-8")


@cache
def _shipped(name: str) -> ExportMapping:
    return read(source(name), f"{name}.toml")


def load(name: str, folder: Path | None = None) -> ExportMapping:
    """Return the mapping ``name``: one that comes with custmeasure, or a file of the shop's folder.

    Parameters
    ----------
    name
        As in ``from = "smartstore_orders"`` or ``from = "my_orders.toml"``.
    folder
        The shop's folder, in which a file is looked for.

    Raises
    ------
    UnknownName
        When there is no such mapping, with the nearest.
    UsageError
        When the file is outside the folder, or says something that cannot be.
    """
    if not name.endswith(".toml") or folder is None:
        return _shipped(name)
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise UsageError(
            ko=f"from = {name!r}: 상점 폴더 안에 그런 파일이 없습니다. 파일을 두거나 이름을 고치십시오.",
            en=f"from = {name!r}: there is no such file in the shop's folder. Put it there, or "
            "correct the name.",
        )
    return read(path.read_text("utf-8-sig"), name)


def shipped() -> tuple[ExportMapping, ...]:
    """Return every mapping that comes with custmeasure."""
    return tuple(_shipped(name) for name in names())


def read(text: str, where: str) -> ExportMapping:
    """Read a mapping from its TOML text.

    Raises
    ------
    DataError
        When the text is no TOML.
    UsageError
        When it says something that cannot be; unknown names come with the nearest.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(
            ko=f"{where}을(를) 읽을 수 없습니다: {error}. 그 줄을 고치십시오.",
            en=f"{where} cannot be read: {error}. Correct that line.",
        ) from None
    return _Reader(where).mapping(raw)


class _Reader:
    """Reads a mapping and names what cannot be, with the file and the section."""

    def __init__(self, where: str) -> None:
        self._where = where

    def mapping(self, raw: dict[str, Any]) -> ExportMapping:
        sections = ("rows", "customer", "states", "meanings", "values", "tables")
        plain = ("name", "title", "timezone", "currency", "numbers", "dates")
        self._known(raw, (*plain, *sections), "")
        title = raw.get("title", {})
        mapping = ExportMapping(
            name=str(raw.get("name", self._where.removesuffix(".toml"))),
            title=Text(str(title.get("ko", self._where)), str(title.get("en", self._where))),
            tables=tuple(self._table(n, t) for n, t in self._section(raw, "tables").items()),
            rows=self._rows(self._section(raw, "rows")),
            timezone=str(raw.get("timezone", "Asia/Seoul")),
            currency=str(raw.get("currency", "")),
            numbers=str(raw.get("numbers", "1,234.5")),
            dates=self._texts(raw.get("dates", []), "dates"),
            customer=self._customer(self._section(raw, "customer")),
            states=self._states(self._section(raw, "states")),
            meanings=self._meanings(self._section(raw, "meanings")),
            values={n: self._making(m, n) for n, m in self._section(raw, "values").items()},
        )
        return self._checked(mapping)

    def _checked(self, mapping: ExportMapping) -> ExportMapping:
        dates.zone(mapping.timezone)
        number_style(mapping.numbers)
        for written in mapping.dates:
            date_style(written)
        if not mapping.tables or not mapping.rows.needs:
            self._refuse(
                "[rows] needs와 [tables.…]가 있어야 합니다.",
                "[rows] needs and a section [tables.…] must be there.",
            )
        for table in mapping.tables:
            self._check_table(table, mapping)
        contact = privacy.contact_columns(mapping.used) | set(mapping.rows.contact)
        for name in contact & set(mapping.used) - mapping.hidden - set(mapping.rows.not_contact):
            self._refuse(
                f"'{name}'은(는) 연락처라서 표에 넣지 않습니다. pseudonym으로 쓰거나, 연락처가 아니면 "
                "[rows] not_contact에 적으십시오.",
                f"'{name}' is contact data and does not enter a table. Use it as a pseudonym, or, if it "
                "is none, name it under [rows] not_contact.",
            )
        return mapping

    def _check_table(self, table: TableMaking, mapping: ExportMapping) -> None:
        for column in TABLES[table.name]:
            if column.required and column.name not in table.columns:
                self._refuse(
                    f"[tables.{table.name}.columns]에 {column.name}이(가) 있어야 합니다.",
                    f"[tables.{table.name}.columns] must have {column.name}.",
                )
        for making in (part for parts in table.columns.values() for part in parts):
            if making.meanings and making.meanings not in mapping.meanings:
                raise UnknownName("setting", making.meanings, mapping.meanings, "[meanings]")

    def _rows(self, raw: dict[str, Any]) -> Rows:
        self._known(raw, [f.name for f in fields(Rows)], "[rows]")
        needs = raw.get("needs", [])
        texts = {
            name: self._texts(value, name)
            for name, value in raw.items()
            if name not in ("needs", "starts")
        }
        alternatives = tuple(self._texts(names, "needs") for names in needs)
        return Rows(needs=alternatives, starts=str(raw.get("starts", "")), **texts)

    def _customer(self, raw: dict[str, Any]) -> Customer:
        self._known(raw, [f.name for f in fields(Customer)], "[customer]")
        return Customer(**{name: self._texts(value, name) for name, value in raw.items()})

    def _states(self, raw: dict[str, Any]) -> States:
        self._known(raw, ("columns", "pass", "filled", "otherwise", *SITUATIONS), "[states]")
        filled = self._section(raw, "filled")
        self._known(filled, SITUATIONS, "[states.filled]")
        return States(
            columns=self._texts(raw.get("columns", []), "columns"),
            meanings={
                text: situation
                for situation in SITUATIONS
                for text in self._texts(raw.get(situation, []), situation)
            },
            passes=self._texts(raw.get("pass", []), "pass"),
            filled={name: self._texts(columns, name) for name, columns in filled.items()},
            otherwise=self._choice("state", raw.get("otherwise", ""), ("", *SITUATIONS)),
        )

    def _meanings(self, raw: dict[str, Any]) -> dict[str, dict[str, str]]:
        return {
            name: {str(code): str(word) for code, word in self._section(raw, name).items()}
            for name in raw
        }

    def _table(self, name: str, raw: dict[str, Any]) -> TableMaking:
        if name not in TABLES:
            raise UnknownName("table", name, TABLES, self._where)
        self._known(raw, ("one_row", "when", "columns"), f"[tables.{name}]")
        kinds = {column.name: column.kind for column in TABLES[name]}
        columns = {
            column: tuple(
                self._typed(self._making(part, column), kinds.get(column, ""))
                for part in (parts if _is_sum(parts) else [parts])
            )
            for column, parts in self._section(raw, "columns").items()
        }
        when = self._texts(raw.get("when", []), "when")
        for situation in when:
            self._choice("state", situation, SITUATIONS)
        return TableMaking(
            name,
            columns,
            self._choice("one_row", raw.get("one_row", "row"), ROWS),
            when,
        )

    def _typed(self, making: Making, kind: str) -> Making:
        """Give a column the contract's type; an extra column is text unless it says otherwise."""
        kind = kind or making.kind or ("number" if making.is_number else "text")
        other = self._typed(making.otherwise, kind) if making.otherwise else None
        return replace(making, kind=kind, otherwise=other)

    def _making(self, raw: object, where: str) -> Making:
        if isinstance(raw, str | list):
            return Making(sources=self._texts(raw, where))
        if not isinstance(raw, dict):
            self._refuse(
                f"{where}: 열 이름이어야 합니다.", f"{where} must be the name of a column."
            )
        self._known(raw, _making_keys(), where)
        given = {_RENAMED.get(str(key), str(key)): value for key, value in raw.items()}
        values = {name: self._setting(name, value, where) for name, value in given.items()}
        making = Making(**values)
        self._choice("fold", making.fold, FOLDS)
        self._choice("style", making.style, ("", *STYLES))
        self._choice("kind", making.kind, ("", *KINDS))
        for situation in making.zero_when:
            self._choice("state", situation, SITUATIONS)
        return replace(making, kind=making.kind or ("number" if making.is_number else ""))

    def _setting(self, name: str, value: Any, where: str) -> Any:
        if name == "otherwise":
            return self._making(value, where)
        if name == "capped":
            return bool(value)
        if name in _TEXTS:
            return str(value)
        return self._texts(value, where)

    def _texts(self, value: object, where: str) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._refuse(
                f"{where}: 글자나 글자 목록이어야 합니다.",
                f"{where} must be a text or a list of texts.",
            )
        return tuple(names)

    def _section(self, raw: Mapping[str, Any], key: str) -> dict[str, Any]:
        section = raw.get(key, {})
        if isinstance(section, dict):
            return section
        return self._refuse(
            f"{key}: [{key}] 구역이어야 합니다.", f"{key} must be a section [{key}]."
        )

    def _known(self, raw: Mapping[str, Any], keys: Collection[str], section: str) -> None:
        for key in raw:
            if key not in keys:
                raise UnknownName("setting", key, keys, f"{self._where} {section}".strip())

    def _choice(self, kind: str, value: object, allowed: tuple[str, ...]) -> str:
        return check_choice(f"{self._where} {kind}", value, allowed)

    def _refuse(self, ko: str, en: str) -> NoReturn:
        raise UsageError(ko=f"{self._where}: {ko}", en=f"{self._where}: {en}")


def _making_keys() -> list[str]:
    """Return the settings of a column as they are written."""
    written = {inside: outside for outside, inside in _RENAMED.items()}
    return [written.get(f.name, f.name) for f in fields(Making)]


def _is_sum(parts: object) -> bool:
    return isinstance(parts, list) and bool(parts) and isinstance(parts[0], dict)
