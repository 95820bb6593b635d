"""Which database: what ``[sources.NAME]`` of shop.toml says, with its password left in the environment.

>>> environ = {"SHOP_DB_URL": "postgresql://reader:S3cr3t@db.example/shop"}
>>> open_database("shop_db", {"uri_env": "SHOP_DB_URL"}, environ)
DatabaseSource shop_db (postgresql)
"""

import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from custmeasure import dates
from custmeasure.engine.drivers import Driver, DuckDb, Limits, Secret, Sqlite
from custmeasure.engine.postgres import SCHEMES, Postgres
from custmeasure.engine.section import SECTION_KEYS
from custmeasure.errors import DataError, EnvironmentProblem, UnknownName, UsageError

_SECRETS = ("uri", "url", "dsn", "password", "user")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MEMORY = re.compile(r"[1-9][0-9]{0,5}(MB|GB)")
_DRIVER = re.compile(r"[a-z][a-z0-9_]*")
_KNOWN: dict[str, Callable[[], Driver]] = {
    "postgresql": Postgres,
    "sqlite": Sqlite,
    "duckdb": DuckDb,
}


@dataclass(frozen=True, repr=False)
class DatabaseSource:
    """A database that can be read.

    Attributes
    ----------
    name
        What shop.toml calls it.
    driver, address, limits
        How it is spoken to, where it is (a secret, or a file), and how long it may take.
    """

    name: str
    driver: Driver
    address: Secret | Path
    limits: Limits = Limits()

    @property
    def where(self) -> str:
        """Where an error happened, as a reader finds it in shop.toml."""
        return f"[sources.{self.name}]"

    def __repr__(self) -> str:
        return f"DatabaseSource {self.name} ({self.driver.name})"


def open_database(
    name: str,
    section: Mapping[str, object],
    environ: Mapping[str, str],
    folder: Path | None = None,
) -> DatabaseSource:
    """Return the database that ``[sources.NAME]`` describes; nothing is connected yet.

    Parameters
    ----------
    name
        The section's name.
    section
        ``uri_env`` (the environment variable that holds the address) or ``file`` (a DuckDB or SQLite
        file), and what of ``driver``, ``statement_timeout`` and ``lock_timeout`` (``"5m"``), ``memory``
        (``"2GB"``) and ``threads`` is given.
    environ
        The environment: `os.environ`.
    folder
        The shop's folder, in which ``file`` must lie.

    Raises
    ------
    UsageError
        For a setting that cannot be; an address or a password written into shop.toml is one.
    EnvironmentProblem
        When the variable is not set, or the file or the driver is not there.
    DataError
        When the file is neither DuckDB nor SQLite.
    """
    where = f"[sources.{name}]"
    _check_keys(section, where)
    limits = _limits(section, where)
    if "file" in section:
        path = _file(str(section["file"]), folder, where)
        return DatabaseSource(name, _present(_sniffed(path, where), where), path, limits)
    variable = _variable(section.get("uri_env"), where)
    uri = environ.get(variable, "")
    if not uri:
        raise EnvironmentProblem(
            ko=f"{where}: 환경 변수 {variable}이(가) 비어 있습니다. 데이터베이스 주소를 넣고 다시 하십시오.",
            en=f"{where}: the environment variable {variable} is not set. "
            "Put the database's address there and try again.",
        )
    driver = _present(_named(section.get("driver"), uri, variable, where), where)
    return DatabaseSource(name, driver, Secret(uri), limits)


def parquet_files(folder: Path) -> tuple[Path, ...]:
    """Return the Parquet files in a folder and its subfolders, in the order of their names.

    Raises
    ------
    DataError
        When there is none, or when another program is still writing there.
    """
    found = sorted(path for path in folder.rglob("*.parquet") if path.is_file())
    inside = [path.relative_to(folder).parts for path in found]
    shown = [path for path, parts in zip(found, inside, strict=True) if not _hidden(parts)]
    if (folder / "_temporary").exists():
        raise DataError(
            ko=f"{folder.name}: 다른 프로그램이 아직 쓰고 있습니다(_temporary). 끝난 뒤 다시 하십시오.",
            en=f"{folder.name}: another program is still writing there (_temporary). Try again later.",
        )
    if not shown:
        raise DataError(
            ko=f"{folder.name}: 폴더에 .parquet 파일이 없습니다. 파일을 두십시오.",
            en=f"{folder.name}: there is no .parquet file in this folder. Put the files there.",
        )
    return tuple(shown)


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith((".", "_")) for part in parts)


def _check_keys(section: Mapping[str, object], where: str) -> None:
    for key in section:
        if key in _SECRETS:
            raise UsageError(
                ko=f"{where} {key}: 주소와 비밀번호는 shop.toml에 적지 않습니다. "
                "환경 변수에 넣고 uri_env에 그 이름을 적으십시오.",
                en=f"{where} {key}: addresses and passwords do not belong in shop.toml. "
                "Put the address in an environment variable and its name in uri_env.",
            )
        if key not in SECTION_KEYS:
            raise UnknownName("setting", key, SECTION_KEYS, where)
    if ("uri_env" in section) == ("file" in section):
        raise UsageError(
            ko=f"{where}: uri_env와 file 가운데 하나만 적으십시오.",
            en=f"{where}: write either uri_env or file, one of the two.",
        )


def _limits(section: Mapping[str, object], where: str) -> Limits:
    plain = Limits()
    memory, threads = section.get("memory"), section.get("threads")
    if memory is not None and not (isinstance(memory, str) and _MEMORY.fullmatch(memory)):
        raise UsageError(
            ko=f"{where} memory: '2GB'나 '500MB'처럼 적으십시오.",
            en=f"{where} memory: write it like '2GB' or '500MB'.",
        )
    if threads is not None and not (type(threads) is int and 0 < threads < 1000):
        raise UsageError(
            ko=f"{where} threads: 1 이상의 정수를 적으십시오.",
            en=f"{where} threads: write a whole number from 1.",
        )
    return Limits(
        statement=dates.parse_window(
            section.get("statement_timeout", plain.statement), f"{where} statement_timeout"
        ),
        lock=dates.parse_window(section.get("lock_timeout", plain.lock), f"{where} lock_timeout"),
        memory=memory,
        threads=threads,
    )


def _variable(given: object, where: str) -> str:
    if isinstance(given, str) and _VARIABLE.fullmatch(given):
        return given
    raise UsageError(
        ko=f"{where} uri_env: 환경 변수의 이름이 아닙니다. 주소가 아니라 SHOP_DB_URL 같은 이름을 적으십시오.",
        en=f"{where} uri_env is not the name of an environment variable. "
        "Write a name such as SHOP_DB_URL, not the address itself.",
    )


def _named(given: object, uri: str, variable: str, where: str) -> Driver:
    """Return the driver that is named, or the one that the address begins with."""
    name = given if given is not None else "postgresql"
    if not (isinstance(name, str) and _DRIVER.fullmatch(name)):
        raise UsageError(
            ko=f"{where} driver: 'postgresql'처럼 소문자로 적으십시오.",
            en=f"{where} driver: write a name in small letters such as 'postgresql'.",
        )
    if name == "postgresql" and not uri.startswith(SCHEMES):
        raise EnvironmentProblem(
            ko=f"{where}: {variable}의 주소가 postgresql://로 시작하지 않습니다. "
            "postgresql://사용자:비밀번호@서버:5432/데이터베이스로 적거나 driver를 적으십시오.",
            en=f"{where}: the address in {variable} does not begin with postgresql://. "
            "Write postgresql://user:password@server:5432/database, or name another driver.",
        )
    return _KNOWN[name]() if name in _KNOWN else Driver(name)


def _present(driver: Driver, where: str) -> Driver:
    if importlib.util.find_spec(f"adbc_driver_{driver.name}") is None:
        package = f"adbc-driver-{driver.name.replace('_', '-')}"
        raise EnvironmentProblem(
            ko=f"{where}: {driver.name} 드라이버가 없습니다. '{package}'을(를) 설치하십시오.",
            en=f"{where}: the {driver.name} driver is not installed. Install '{package}'.",
        )
    return driver


def _file(given: str, folder: Path | None, where: str) -> Path:
    path = ((folder or Path()) / given).resolve()
    if folder is not None and not path.is_relative_to(folder.resolve()):
        raise UsageError(
            ko=f"{where} file: {given!r}은(는) 상점 폴더 안에 있어야 합니다.",
            en=f"{where} file: {given!r} must lie inside the shop's folder.",
        )
    if not path.is_file():
        raise EnvironmentProblem(
            ko=f"{where}: 파일이 없습니다: {given}. 경로를 확인하십시오.",
            en=f"{where}: there is no file {given}. Check the path.",
        )
    return path


def _sniffed(path: Path, where: str) -> Driver:
    """Return the driver of a file by its first bytes; names such as ``.db`` say nothing."""
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"SQLite format 3"):
        return Sqlite()
    if start[8:12] == b"DUCK":
        return DuckDb()
    raise DataError(
        ko=f"{where}: {path.name}은(는) DuckDB 파일도 SQLite 파일도 아닙니다. 파일을 확인하십시오.",
        en=f"{where}: {path.name} is neither a DuckDB nor a SQLite file. Check the file.",
    )
