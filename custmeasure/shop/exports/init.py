"""A shop.toml for the files that a shop owner has: each recognised by its header, each guess said."""

import glob
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from custmeasure.errors import EnvironmentProblem, UsageError
from custmeasure.shop.exports.convert import contact_dropped
from custmeasure.shop.exports.mapping import ExportMapping
from custmeasure.shop.exports.recognise import Guess, best
from custmeasure.shop.exports.sheet import delivered_names
from custmeasure.shop.reader.source import delivered_columns, read_source
from custmeasure.shop.reader.spec import Spec
from custmeasure.shop.settings import FILE
from custmeasure.show.words import Text

# What a shop that is paid in a currency most likely lives by.
_ZONES = {"KRW": "Asia/Seoul", "JPY": "Asia/Tokyo"}

# The usual way to a purchase in Google Analytics, as far as a shop's events have it.
_GA4_STEPS = ("session_start", "view_item", "add_to_cart", "begin_checkout", "purchase")


@dataclass(frozen=True)
class Recognised:
    """One file: what it is taken for, the tables that it makes, its contact columns that stay out."""

    file: Path
    guess: Guess
    tables: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Started:
    """A new shop.

    Attributes
    ----------
    shop_toml
        The file that was written.
    files
        What was recognised.
    timezone, currency, language
        What was guessed of the shop.
    said
        The guesses in words, one a line.
    """

    shop_toml: Path
    files: tuple[Recognised, ...]
    timezone: str
    currency: str
    language: str
    said: tuple[Text, ...]


def init_from(files: Sequence[Path], out: Path) -> Started:
    """Write ``shop.toml`` into ``out`` for these files; what lies elsewhere is copied there.

    Parameters
    ----------
    files
        Exports that custmeasure knows, or tables of the contract.
    out
        The shop's folder; made when it is not there.

    Raises
    ------
    UsageError
        When there is a shop.toml already, or two exports make the same table.
    DataError
        When a file is nothing known: with the nearest export, and what is missing for it.
    EnvironmentProblem
        When a file is not there.
    """
    if (out / FILE).exists():
        raise UsageError(
            ko=f"{out}에 이미 {FILE}이 있고, 덮어쓰지 않습니다. 다른 폴더를 적거나 그 파일을 고치십시오.",
            en=f"There is a {FILE} in {out}, and nothing is overwritten. Name another folder, or edit it.",
        )
    found = tuple(_recognised(Path(file)) for file in files)
    if not found:
        raise UsageError(ko="파일을 하나 이상 적어 주십시오.", en="Name at least one file.")
    _check_tables(found)
    currency = _currency(found)
    timezone = _timezone(found, currency)
    language = "ko" if currency == "KRW" else "en"
    placed = [_place(each.file, out) for each in found]
    out.mkdir(parents=True, exist_ok=True)
    for each, place in zip(found, placed, strict=True):
        if not (out / place).exists():
            shutil.copy2(each.file, out / place)
    text = _toml(out.resolve().name, timezone, currency, language, found, placed)
    with (out / FILE).open("x", encoding="utf-8") as file:
        file.write(text)
    said = (*_said_files(found), _said_shop(timezone, currency), _said_next(out))
    return Started(out / FILE, found, timezone, currency, language, said)


def _recognised(file: Path) -> Recognised:
    if not file.is_file():
        raise EnvironmentProblem(
            ko=f"파일이 없습니다: {file}. 경로를 확인하십시오.",
            en=f"There is no file {file}. Check the path.",
        )
    header = delivered_columns(file)
    if file.suffix.lower() == ".parquet":
        header = tuple(pq.read_schema(file).names)  # nested columns are named in it too
    guess = best(header, file.name)
    if guess.mapping is None:
        return Recognised(file, guess, (guess.name,), ())
    tables = tuple(table.name for table in guess.mapping.tables)
    return Recognised(file, guess, tables, tuple(contact_dropped(guess.mapping, header)))


def _check_tables(found: Sequence[Recognised]) -> None:
    """Refuse two exports that make the same table: a table has one source."""
    sources: dict[str, Recognised] = {}
    for each in found:
        for table in each.tables:
            other = sources.setdefault(table, each)
            if other.guess.name != each.guess.name:
                raise UsageError(
                    ko=f"{other.file.name}({other.guess.title.ko})과 {each.file.name}"
                    f"({each.guess.title.ko})이 모두 {table} 표를 만듭니다. 가게마다 폴더를 따로 만드십시오.",
                    en=f"{other.file.name} ({other.guess.title}) and {each.file.name} "
                    f"({each.guess.title}) both make the table {table}. Make a folder for each shop.",
                )


def _place(file: Path, out: Path) -> str:
    """Return a file's name in the shop's folder: where it lies, or where it will be copied."""
    if file.resolve().is_relative_to(out.resolve()):
        return file.resolve().relative_to(out.resolve()).as_posix()
    if (out / file.name).exists():
        raise UsageError(
            ko=f"{out}에 이미 {file.name}이(가) 있고, 덮어쓰지 않습니다. 둘 중 하나의 이름을 바꾸십시오.",
            en=f"There is a {file.name} in {out}, and nothing is overwritten. Rename one of the two.",
        )
    return file.name


# What is guessed of the shop.


def _mappings(found: Iterable[Recognised]) -> list[tuple[Path, ExportMapping]]:
    return [(each.file, each.guess.mapping) for each in found if each.guess.mapping is not None]


def _currency(found: Sequence[Recognised]) -> str:
    for file, mapping in _mappings(found):
        written = mapping.currency or (_first_text(file, "Currency") if mapping.rows.starts else "")
        if written:
            return written
    return "KRW"


def _timezone(found: Sequence[Recognised], currency: str) -> str:
    zones = [mapping.timezone for _, mapping in _mappings(found) if mapping.timezone != "UTC"]
    return zones[0] if zones else _ZONES.get(currency, "UTC")


def _first_text(file: Path, column: str) -> str:
    """Return the first value of a column, or nothing."""
    delivered = delivered_names([column], delivered_columns(file)).get(column)
    if delivered is None:
        return ""
    reading = read_source(file, Spec("", {column: delivered}, {column: "text"}))
    texts = reading.table[column].drop_null()  # type: ignore[call-overload]
    return str(texts[0]) if len(texts) else ""


def _steps(found: Sequence[Recognised]) -> list[str]:
    """Return the steps of the usual funnel that the events of Google Analytics have."""
    seen: set[str] = set()
    for file, mapping in _mappings(found):
        if mapping.name == "ga4_events":
            seen |= set(pc.unique(pq.read_table(file, columns=["event_name"])[0]).to_pylist())
    return [step for step in _GA4_STEPS if step in seen]


# What is written.

_HEAD = """\
# 이 파일은 가게의 설정입니다. # 뒤의 글은 설명이며 결과에 영향을 주지 않습니다.
# This file describes the shop. What follows a # is help and changes nothing.
# 짐작한 값에는 '확인'이라고 적었습니다. / A guess is marked 'check'.

# 보고서에 보이는 이름 / The name that reports show.
name = {name}

# 하루가 바뀌는 기준 시간대 (확인) / The time zone in which a day begins and ends (check).
timezone = {timezone}

# 통화 (확인) / The currency of every amount (check).
currency = {currency}

# 보고서의 언어: "ko" 또는 "en" / The language of reports: "ko" or "en".
language = {language}
"""

_FUNNEL = """
# 구매까지의 단계와, 첫 단계부터 구매까지 기다려 주는 기간 (확인)
# The steps to a purchase, and how long a visitor may take from the first to the last (check).
[funnel]
steps = {steps}
window = "7d"
"""

_TABLE = """
# {ko}
# {en}
[tables.{table}]
file = {file}
"""

_FROM = """\
from = {mapping}
timezone = {timezone}
"""


def _toml(
    name: str,
    timezone: str,
    currency: str,
    language: str,
    found: Sequence[Recognised],
    placed: Sequence[str],
) -> str:
    shop = {"name": name, "timezone": timezone, "currency": currency, "language": language}
    parts = [_HEAD.format(**{key: _quoted(value) for key, value in shop.items()})]
    steps = _steps(found)
    if len(steps) > 1:
        parts.append(_FUNNEL.format(steps=_quoted(steps)))
    tables = dict.fromkeys(table for each in found for table in each.tables)
    return "".join([*parts, *(_table(table, found, placed) for table in tables)])


def _table(table: str, found: Sequence[Recognised], placed: Sequence[str]) -> str:
    files = [
        glob.escape(file) for each, file in zip(found, placed, strict=True) if table in each.tables
    ]
    guess = next(each.guess for each in found if table in each.tables)
    text = _TABLE.format(
        ko=f"{guess.title.ko}: 열 {guess.n_columns}개 중 {guess.n_known}개를 압니다 (확인)",
        en=f"{guess.title}: {guess.n_known} of {guess.n_columns} columns are known (check)",
        table=table,
        file=_quoted(files[0] if len(files) == 1 else files),
    )
    if guess.mapping is None:
        return text
    zone = guess.mapping.timezone
    return text + _FROM.format(mapping=_quoted(guess.mapping.name), timezone=_quoted(zone))


def _quoted(value: object) -> str:
    """Return a text or a list of texts as TOML writes it; its strings are JSON's."""
    return json.dumps(value, ensure_ascii=False)


# What is said.


def _said_files(found: Sequence[Recognised]) -> list[Text]:
    lines = []
    for each in found:
        guess, tables = each.guess, ", ".join(each.tables)
        known = f"{guess.n_known}/{guess.n_columns}"
        lines.append(Text(
            f"{each.file.name}: {guess.title.ko} 파일로 보입니다 (아는 열 {known}) → {tables}",
            f"{each.file.name}: taken for {guess.title} (columns known: {known}) → {tables}",
        ))  # fmt: skip
        if each.dropped:
            names = ", ".join(each.dropped)
            lines.append(Text(
                f"  연락처라서 표에 넣지 않는 열 {len(each.dropped)}개: {names}",
                f"  {len(each.dropped)} columns of contact data stay out: {names}",
            ))  # fmt: skip
    return lines


def _said_shop(timezone: str, currency: str) -> Text:
    return Text(
        f"짐작한 값: 시간대 {timezone}, 통화 {currency}. 다르면 {FILE}에서 고치십시오.",
        f"Time zone {timezone} and currency {currency} are guesses. If they are wrong, edit {FILE}.",
    )


def _said_next(out: Path) -> Text:
    return Text(f"다음: custmeasure check {out}", f"Next: custmeasure check {out}")
