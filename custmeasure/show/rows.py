"""Rows of a table that become a frame when somebody looks at it.

What only judges needs no frame, and a process that only judges does not wait for pandas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from custmeasure import lazy

if TYPE_CHECKING:
    import pandas as pd

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """A small table in plain Python.

    Attributes
    ----------
    columns
        The names, in the order in which a frame has them.
    records
        Its rows, each column name → value.
    """

    columns: tuple[str, ...] = ()
    records: tuple[Row, ...] = ()

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def assign(self, **values: object) -> "Rows":
        """Return the table with one value in all rows of a column, as a frame's ``assign``."""
        columns = tuple(dict.fromkeys((*self.columns, *values)))
        return Rows(columns, tuple({**row, **values} for row in self.records))

    def frame(self) -> "pd.DataFrame":
        """Return the table as a frame."""
        frame: pd.DataFrame = lazy.loaded("pandas").DataFrame(
            list(self.records), columns=list(self.columns)
        )
        return frame


def framed(*, required: bool = False) -> Any:
    """Return a field of a result that may be given as `Rows` and is a frame when it is read.

    Parameters
    ----------
    required
        Whether it must be given; else it is an empty table.
    """
    return _Framed(required)


class _Framed:
    """What a dataclass asks for the default, and an instance for its value."""

    def __init__(self, required: bool) -> None:
        self._required = required

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, result: object | None, owner: type) -> "pd.DataFrame | Rows":
        if result is None:
            if self._required:
                raise AttributeError(self._name)
            return Rows()
        held: pd.DataFrame | Rows = vars(result)[self._name]
        if isinstance(held, Rows):
            held = vars(result)[self._name] = held.frame()
        return held

    def __set__(self, result: object, table: "pd.DataFrame | Rows") -> None:
        vars(result)[self._name] = table
