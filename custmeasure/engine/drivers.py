"""What one kind of database needs: how to reach it, how a read-only snapshot begins, what its errors mean.

`Driver` serves any ADBC driver whose SQL quotes names with ``"``; `Sqlite` and `DuckDb` are files;
PostgreSQL has a module of its own. Errors are worded anew from their code: neither the address nor a
value that the database repeats ever reaches a message.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import adbc_driver_manager
import pyarrow as pa

from custmeasure.engine.declared import is_direct
from custmeasure.engine.lockdown import SHUT
from custmeasure.engine.statement import quoted
from custmeasure.errors import CustmeasureError, DataError, EnvironmentProblem
from custmeasure.show.words import Text

if TYPE_CHECKING:  # a shop without a database does not load what speaks to one
    from adbc_driver_manager.dbapi import Connection, Cursor

# A piece of a driver's message that has no code → what it means: (error, Korean, English).
_KNOWN: dict[str, tuple[type[CustmeasureError], str, str]] = {
    "locked": (
        EnvironmentProblem,
        "다른 프로그램이 이 데이터베이스에 쓰고 있습니다. 그 프로그램이 끝난 뒤 다시 하십시오.",
        "another program is writing to this database. Try again when it has finished.",
    ),
    "could not set lock": (
        EnvironmentProblem,
        "다른 프로그램이 이 파일을 열고 있습니다. 그 프로그램을 닫고 다시 하십시오.",
        "another program has this file open. Close it and try again.",
    ),
    "permission error": (
        DataError,
        "query나 보기(view)가 이 데이터베이스 밖의 파일을 읽으려 합니다. 표로 옮겨 두십시오.",
        "the query or a view reads files outside this database. Put their rows in a table first.",
    ),
    "not a valid duckdb": (
        DataError,
        "DuckDB 파일이 아닙니다. 파일을 확인하십시오.",
        "this is not a DuckDB file. Check the file.",
    ),
    "not a database": (
        DataError,
        "SQLite 파일이 아닙니다. 파일을 확인하십시오.",
        "this is not a SQLite file. Check the file.",
    ),
    "out of memory": (
        EnvironmentProblem,
        "메모리가 모자랍니다. 기간을 줄이거나 [sources]의 memory를 늘리십시오.",
        "memory ran out. Ask for fewer days, or raise memory under [sources].",
    ),
    "open": (
        EnvironmentProblem,
        "파일을 열 수 없습니다. 경로와 권한을 확인하십시오.",
        "the file cannot be opened. Check its path and who may read it.",
    ),
}


class Secret:
    """A text that shows itself as ``***`` and cannot be pickled; `reveal` gives it to a driver."""

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text."""
        return self.__text

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret stays in its process")


@dataclass(frozen=True)
class Limits:
    """How long and how much one read may take.

    Attributes
    ----------
    statement, lock
        The longest that one statement, and one wait for a lock, may last.
    idle
        After how long without a question the server ends the snapshot by itself.
    memory, threads
        The most that a DuckDB file may use (``"2GB"``); its own default when None.
    """

    statement: dt.timedelta = dt.timedelta(minutes=5)
    lock: dt.timedelta = dt.timedelta(seconds=5)
    idle: dt.timedelta = dt.timedelta(minutes=5)
    memory: str | None = None
    threads: int | None = None


class Driver:
    """Any ADBC driver, ``adbc_driver_<name>``; it is asked not to keep anything, and told so at the end.

    Only an account that may only read makes sure of that here.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def connect(self, address: Secret | Path, limits: Limits) -> Connection:
        """Return an open connection."""
        del limits
        text = address.reveal() if isinstance(address, Secret) else str(address)
        module = importlib.import_module(".".join([f"adbc_driver_{self.name}", "dbapi"]))
        return module.connect(text, autocommit=False)  # type: ignore[no-any-return]

    def begin(self, cursor: Cursor, limits: Limits, where: str) -> tuple[Text, ...]:
        """Begin a snapshot that cannot write; return what the reader must know of it."""
        del cursor, limits, where
        warning = Text(
            f"{self.name} 연결은 읽기 전용을 스스로 지키지 않습니다. 읽기만 되는 계정을 쓰십시오.",
            f"The {self.name} driver does not enforce reading only. Use an account that can only read.",
        )
        return (warning,)

    def end(self, connection: Connection) -> None:
        """Close the connection, whatever state it is in; nothing is kept."""
        with contextlib.suppress(
            adbc_driver_manager.Error
        ):  # a server that is gone needs no goodbye
            connection.close()

    def expression(self, field: pa.Field, kind: str) -> str:
        """Return the SQL of a column that is to be read as ``kind``: itself, or its exact text."""
        column = quoted(field.name)
        return column if is_direct(field.type, kind) else as_text(column)

    def problem(
        self, error: adbc_driver_manager.Error, where: str, limits: Limits
    ) -> CustmeasureError:
        """Return what ``error`` means, with neither the address nor a value in it."""
        del limits
        words = str(error).lower()
        for known, (kind, ko, en) in _KNOWN.items():
            if known in words:
                return kind(ko=f"{where}: {ko}", en=f"{where}: {en}")
        return DataError(
            ko=f"{where}: 데이터베이스가 이 표나 query를 읽지 못했습니다. "
            "데이터베이스에서 직접 실행해 고치십시오.",
            en=f"{where}: the database could not read this table or query. "
            "Run it in the database itself and correct it.",
        )


class Sqlite(Driver):
    """A SQLite file, opened for reading only.

    Its columns hold values of any type, and its driver rounds them to the first one seen; so every
    value is asked for as a text.
    """

    def __init__(self) -> None:
        super().__init__("sqlite")

    def connect(self, address: Secret | Path, limits: Limits) -> Connection:  # noqa: D102
        del limits
        uri = address.reveal() if isinstance(address, Secret) else address.as_uri()
        module = importlib.import_module("adbc_driver_sqlite.dbapi")
        mode = "&mode=ro" if "?" in uri else "?mode=ro"
        return module.connect(uri + mode, autocommit=True)  # type: ignore[no-any-return]

    def begin(self, cursor: Cursor, limits: Limits, where: str) -> tuple[Text, ...]:
        """Begin a snapshot in which nothing can be written."""
        del limits, where
        run(cursor, "PRAGMA query_only = ON")
        run(cursor, "BEGIN")
        return ()

    def expression(self, field: pa.Field, kind: str) -> str:  # noqa: D102
        column = quoted(field.name)
        if kind != "number":
            return as_text(column)
        exact = ["CASE typeof(", column, ") WHEN 'real' THEN printf('%!.17g', ", column, ") ELSE "]
        return "".join([*exact, as_text(column), " END"])


class DuckDb(Driver):
    """A DuckDB file, opened for reading only and shut in."""

    def __init__(self) -> None:
        super().__init__("duckdb")

    def connect(self, address: Secret | Path, limits: Limits) -> Connection:  # noqa: D102
        path = address.reveal() if isinstance(address, Secret) else str(address)
        module: Any = importlib.import_module("adbc_driver_duckdb")
        options = {"path": path, "access_mode": "READ_ONLY"}
        options |= {"memory_limit": limits.memory} if limits.memory else {}
        options |= {"threads": str(limits.threads)} if limits.threads else {}
        dbapi: Any = importlib.import_module("adbc_driver_manager.dbapi")
        return dbapi.connect(  # type: ignore[no-any-return]
            driver=module.driver_path(),
            entrypoint="duckdb_adbc_init",
            db_kwargs=options,
            autocommit=True,
        )

    def begin(self, cursor: Cursor, limits: Limits, where: str) -> tuple[Text, ...]:
        """Begin a snapshot of a database that is shut in."""
        del limits, where
        for statement in ("SET TimeZone = 'UTC'", *SHUT, "BEGIN TRANSACTION READ ONLY"):
            run(cursor, statement)
        return ()


def as_text(column: str) -> str:
    """Return the SQL of the exact text of a column (SQL)."""
    return "".join(["CAST(", column, " AS text)"])


def run(
    cursor: Cursor, statement: str, parameters: tuple[object, ...] = ()
) -> list[tuple[Any, ...]]:
    """Run one small statement; return its rows."""
    cursor.execute(statement, parameters or None)
    return cursor.fetchall()
