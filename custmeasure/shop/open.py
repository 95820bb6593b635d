"""From a folder to a shop."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from custmeasure import dates, shop
from custmeasure.errors import UsageError
from custmeasure.shop.contract import TABLES
from custmeasure.shop.read import read_tables
from custmeasure.shop.settings import FILE, read_settings
from custmeasure.shop.shop import LEADING, Shop

if TYPE_CHECKING:
    from custmeasure.engine.spark_read import Master

_SPARK = "spark://"


def open_shop(
    path: str | Path,
    *,
    as_of: str | dt.date | dt.datetime | None = None,
    spark: "Master | None" = None,
) -> Shop:
    """Open the shop whose folder is ``path``.

    Parameters
    ----------
    path
        A folder with ``shop.toml`` and Parquet or CSV files; ``spark://host:7077/the/folder`` names a
        Spark master before it.
    as_of
        Nothing after this instant is known (a day is taken in to its end); when not given, the end
        of the last day that has a visit or an order.
    spark
        A Spark session, or a master such as ``"local[*]"``: Parquet files and the tables of its catalog
        (see `shop.lake`) are then read and counted there.

    Raises
    ------
    UsageError
        When the folder or its ``shop.toml`` is missing or says something that cannot be.
    DataError
        When a table misses a required column or cannot be read, or when there is neither
        ``orders`` nor ``events``.
    EnvironmentProblem
        When Spark is asked for and PySpark or Java is missing, or its master does not answer.
    """
    if isinstance(path, str) and path.startswith(_SPARK):
        master, _, place = path.removeprefix(_SPARK).partition("/")
        return open_shop(f"/{place}", as_of=as_of, spark=_SPARK + master)
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(
            ko=f"폴더가 없습니다: {path}. 경로를 확인하십시오.",
            en=f"There is no folder {path}. Check the path.",
        )
    settings = read_settings(folder)
    limit = None if as_of is None else dates.to_instant(as_of, settings.timezone)
    lake = {} if spark is None else shop.read_lake(folder, settings, spark)
    rest = [name for name in TABLES if name not in lake]
    tables = {**read_tables(folder, settings, limit, rest), **lake}
    opened = Shop(folder, settings, None, tables)
    if not set(LEADING) & set(opened.tables):
        raise UsageError(
            ko=f"{folder.name}에 orders도 events도 없습니다. 둘 중 하나는 있어야 합니다. "
            f"파일을 두거나 {FILE}의 [tables.orders]에 적으십시오.",
            en=f"{folder.name} has neither orders nor events; one of them must be there. "
            f"Put the file there, or name it under [tables.orders] in {FILE}.",
        )
    return opened.until(as_of)


def find_shop(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a shop, or a sample shop.

    Raises
    ------
    UsageError
        When there is none.
    """
    for folder in (start, *start.parents):
        for candidate in (folder, folder / "data" / "sample"):
            if (candidate / FILE).is_file():
                return candidate
    raise UsageError(
        ko=f"{start}에서 위로 {FILE}을 찾지 못했습니다. 상점 폴더를 적어 주십시오.",
        en=f"No {FILE} at or above {start}. Name the shop's folder.",
    )
