"""A shop as it was read once, kept for the other processes of a run.

A run reads and checks its data one time. Its notebooks open what was read then: the same rows, even when a
file or a database changes meanwhile, and nothing is parsed again. Tables in memory are written as Arrow
files, which every process maps; Parquet files that could be used as they lie stay where they are.
"""

import datetime as dt
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from custmeasure import dates
from custmeasure.shop.check import fingerprint
from custmeasure.shop.delivered import Delivered
from custmeasure.shop.settings import FROZEN
from custmeasure.shop.shop import Shop

_FILE = "shop.pickle"


def freeze(shop: Shop, folder: Path) -> None:
    """Keep a shop in a folder that belongs to this user alone."""
    with (folder / _FILE).open("wb") as file:
        _Freezer(file, folder).dump(shop.with_tables(_kept))


def _kept(found: Delivered) -> Delivered:
    """Return a table without the rejected rows, and with its fingerprint if its files are not needed."""
    if isinstance(found.table.source, tuple):
        return replace(found, reading=None)
    return replace(found, reading=None, sha256=fingerprint(found))


def thawed(folder: Path, as_of: dt.date | None) -> Shop | None:
    """Return the shop of ``folder`` as this run read it; None when this is no run, or another shop or day."""
    kept = os.environ.get(FROZEN)
    if not kept or not (Path(kept) / _FILE).is_file():
        return None
    with (Path(kept) / _FILE).open("rb") as file:
        shop = _Thawer(file, Path(kept)).load()
    asked = None if as_of is None else dates.to_instant(as_of, shop.timezone)
    same = isinstance(shop, Shop) and shop.folder == folder.resolve() and shop.limit == asked
    return shop if same else None


class _Freezer(pickle.Pickler):
    """Writes Arrow tables beside the file."""

    def __init__(self, file: Any, folder: Path) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._folder = folder
        self._names: dict[int, str] = {}

    def persistent_id(self, obj: object) -> str | None:
        """Return the file of an Arrow table; None for everything else."""
        if not isinstance(obj, pa.Table):
            return None
        if id(obj) not in self._names:
            name = self._names[id(obj)] = f"{len(self._names)}.arrow"
            _write(obj, self._folder / name)
        return self._names[id(obj)]


def _write(table: pa.Table, path: Path) -> None:
    options = pa.ipc.IpcWriteOptions(unify_dictionaries=True)
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=options) as to,
    ):
        to.write_table(table)


class _Thawer(pickle.Unpickler):
    """Maps Arrow tables from beside the file; only this run's own folder is ever read."""

    def __init__(self, file: Any, folder: Path) -> None:
        super().__init__(file)
        self._folder = folder

    def persistent_load(self, pid: str) -> pa.Table:
        """Return an Arrow table whose bytes stay in its file."""
        return pa.ipc.open_file(pa.memory_map(str(self._folder / pid))).read_all()
