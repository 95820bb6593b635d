"""Which export is a file? Its header says so: by the columns that only this export has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from custmeasure.errors import DataError, listed
from custmeasure.shop.contract import TABLES
from custmeasure.shop.exports.mapping import ExportMapping
from custmeasure.shop.exports.sheet import delivered_names, plain_name
from custmeasure.shop.exports.written import shipped
from custmeasure.show.words import Text


@dataclass(frozen=True)
class Guess:
    """What a file may be.

    Attributes
    ----------
    name
        The mapping, or the table of the contract when `mapping` is None.
    mapping
        The mapping.
    n_known, n_columns
        Columns of the file that are known there; columns of the file.
    missing
        What it lacks to be this: of each group of alternatives, none is there.
    """

    name: str
    mapping: ExportMapping | None
    n_known: int
    n_columns: int
    missing: tuple[tuple[str, ...], ...] = ()

    @property
    def known_share(self) -> float:
        """The share of the file's columns that are known."""
        return self.n_known / self.n_columns if self.n_columns else 0.0

    @property
    def fits(self) -> bool:
        """Whether the file can be read as this."""
        return not self.missing

    @property
    def title(self) -> Text:
        """What a reader calls it."""
        return self.mapping.title if self.mapping else Text(f"{self.name} 표", f"table {self.name}")


def recognise(columns: Iterable[str], more: Sequence[ExportMapping] = ()) -> tuple[Guess, ...]:
    """Return what a file with these columns may be, the best guess first.

    Parameters
    ----------
    columns
        The file's header.
    more
        Mappings beside those that come with custmeasure.

    Examples
    --------
    >>> recognise(["order_id", "customer_id", "at", "amount"])[0].name
    'orders'
    """
    header = list(dict.fromkeys(columns))
    mappings = (*more, *shipped())
    guesses = [_as_export(header, mapping) for mapping in mappings]
    guesses += [_as_table(header, table) for table in TABLES]
    return tuple(sorted(guesses, key=_rank))


def _rank(guess: Guess) -> tuple[int, bool, int]:
    """Order guesses: first what knows most of the file, then what fits, then what lacks least."""
    return -guess.n_known, not guess.fits, len(guess.missing)


def _as_export(header: list[str], mapping: ExportMapping) -> Guess:
    known = set(delivered_names(mapping.known, header).values())
    nested = {plain_name(name.split(".")[0]) for name in mapping.known}
    known |= {name for name in header if plain_name(name) in nested}
    missing = [names for names in mapping.rows.needs if not delivered_names(names, header)]
    return Guess(mapping.name, mapping, len(known), len(header), tuple(missing))


def _as_table(header: list[str], table: str) -> Guess:
    """Return the guess that a file is a table of the contract already."""
    names = [column.name for column in TABLES[table]]
    missing = [(c.name,) for c in TABLES[table] if c.required and c.name not in header]
    return Guess(table, None, len(set(names) & set(header)), len(header), tuple(missing))


def best(columns: Sequence[str], file: str, more: Sequence[ExportMapping] = ()) -> Guess:
    """Return what a file is.

    Raises
    ------
    DataError
        When it is nothing known: with the nearest, and what is missing for it.
    """
    guess = recognise(columns, more)[0]
    if guess.fits:
        return guess
    if not guess.n_known:
        raise _nothing_known(columns, file)
    lacks_ko = ", ".join(" 또는 ".join(names) for names in guess.missing)
    lacks_en = ", ".join(" or ".join(names) for names in guess.missing)
    raise DataError(
        ko=f"{file}: 가장 가까운 것은 {guess.title.ko}이지만(열 {guess.n_columns}개 중 {guess.n_known}개), "
        f"없는 열이 있습니다: {lacks_ko}. 내려받을 때 넣거나, shop.toml의 [tables.…]에 직접 연결하십시오.",
        en=f"{file}: the nearest is {guess.title} ({guess.n_known} of {guess.n_columns} columns), but "
        f"it lacks {lacks_en}. Add it when you export, or map the columns under [tables.…] in shop.toml.",
    )


def _nothing_known(columns: Sequence[str], file: str) -> DataError:
    titles = [mapping.title for mapping in shipped()]
    return DataError(
        ko=f"{file}: 아는 열이 하나도 없습니다. 있는 열: {listed(list(columns))}. "
        f"아는 내보내기: {', '.join(title.ko for title in titles)}. "
        "shop.toml의 [tables.…]에 직접 연결할 수 있습니다.",
        en=f"{file}: none of its columns is known. Seen: {listed(list(columns))}. "
        f"Known exports: {', '.join(titles)}. You can map its columns under [tables.…] in shop.toml.",
    )
