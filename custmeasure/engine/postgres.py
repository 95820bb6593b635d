"""PostgreSQL: one REPEATABLE READ, READ ONLY transaction, by a role that can do no harm.

Before anything is read the role is looked at. A superuser, and a role that may run programs or read and
write the server's files, could do so from inside a SELECT; it is refused.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import adbc_driver_manager
import pyarrow as pa

from custmeasure.engine.drivers import Driver, Limits, Secret, as_text, run
from custmeasure.engine.sqlstate import worded
from custmeasure.engine.statement import quoted
from custmeasure.errors import CustmeasureError, EnvironmentProblem
from custmeasure.show.words import Text

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection, Cursor

SCHEMES = ("postgresql://", "postgres://")

# Given to libpq unless the address says otherwise: a server that is not there is noticed in seconds,
# and one that vanishes in the middle of a read in half a minute.
_DEFAULTS = {
    "connect_timeout": "5",
    "application_name": "custmeasure",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SETTING = "SELECT set_config($1, $2, true)"
_ROLE = """
    SELECT coalesce(bool_or(r.rolsuper), false) AS superuser,
           coalesce(bool_or(r.rolname IN ('pg_execute_server_program', 'pg_read_server_files',
                                          'pg_write_server_files')), false) AS server,
           coalesce(bool_or(r.rolcreaterole), false) AS roles
    FROM pg_catalog.pg_roles AS r
    WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')"""
_WRITES = """
    SELECT count(*)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'f')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_t%'
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"""
_HIDDEN = """
    SELECT count(*)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relrowsecurity
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
      AND pg_catalog.row_security_active(c.oid)"""
_PLAIN = """
    SELECT coalesce(bool_or(NOT s.ssl), false)
           AND NOT coalesce(pg_catalog.inet_client_addr() <<= '127.0.0.0/8'
                            OR pg_catalog.inet_client_addr() = '::1', true)
    FROM pg_catalog.pg_stat_ssl AS s
    WHERE s.pid = pg_catalog.pg_backend_pid()"""

_ROLE_HOW = "CREATE ROLE report_reader LOGIN PASSWORD '…'; GRANT SELECT ON orders TO report_reader;"


class Postgres(Driver):
    """A PostgreSQL server."""

    def __init__(self) -> None:
        super().__init__("postgresql")

    def connect(self, address: Secret | Path, limits: Limits) -> Connection:
        """Return an open connection; a server that does not answer is given up after 5 seconds."""
        del limits
        module = importlib.import_module("adbc_driver_postgresql.dbapi")
        uri = complete(cast(Secret, address).reveal())
        return module.connect(uri, autocommit=True)  # type: ignore[no-any-return]

    def begin(self, cursor: Cursor, limits: Limits, where: str) -> tuple[Text, ...]:
        """Begin the snapshot, set its limits, and look at the role.

        Raises
        ------
        EnvironmentProblem
            When the role could do more than read tables.
        """
        run(cursor, _BEGIN)
        for name, value in _settings(limits).items():
            run(cursor, _SETTING, (name, value))
        superuser, server, roles = run(cursor, _ROLE)[0]
        if superuser or server:
            raise _too_strong(where)
        asked = ((_WRITES, _CAN_WRITE), (_HIDDEN, _HIDES_ROWS), (_PLAIN, _NOT_ENCRYPTED))
        found = [words for question, words in asked if run(cursor, question)[0][0]]
        return tuple(dict.fromkeys([_CAN_WRITE, *found] if roles else found))

    def expression(self, field: pa.Field, kind: str) -> str:
        """Return the SQL of a column; money, which arrives in hundredths, as its number."""
        if (field.metadata or {}).get(b"POSTGRESQL:type") == b"money":
            return as_text("".join(["CAST(", quoted(field.name), " AS numeric)"]))
        return super().expression(field, kind)

    def problem(
        self, error: adbc_driver_manager.Error, where: str, limits: Limits
    ) -> CustmeasureError:
        """Return what ``error`` means, by its SQLSTATE; a name is repeated, a value never."""
        return worded(error, where, limits)


def complete(uri: str) -> str:
    """Return the address with the time limits that it does not set itself."""
    query = uri.partition("?")[2]
    missing = [f"{k}={v}" for k, v in _DEFAULTS.items() if not re.search(rf"(^|&){k}=", query)]
    return uri + ("&" if query else "" if uri.endswith("?") else "?") + "&".join(missing)


def _settings(limits: Limits) -> dict[str, str]:
    milliseconds = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle,
    }
    return {
        **{name: str(int(value.total_seconds() * 1000)) for name, value in milliseconds.items()},
        "TimeZone": "UTC",
        "DateStyle": "ISO",
        "standard_conforming_strings": "on",
        "extra_float_digits": "1",
    }


def _too_strong(where: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        ko=f"{where}: 데이터베이스 역할이 너무 강합니다. 서버의 파일을 읽고 쓰거나 프로그램을 "
        f"실행할 수 있습니다. 읽기만 되는 역할을 만드십시오: {_ROLE_HOW}",
        en=f"{where}: the database role is too strong: it can read and write files or run programs "
        f"on the server. Make a role that can only read: {_ROLE_HOW}",
    )


_CAN_WRITE = Text(
    "데이터베이스 역할이 표를 고칠 수 있습니다. 여기서는 읽기만 하지만, "
    "SELECT 권한만 있는 역할이 안전합니다.",
    "The database role may change tables. Nothing is changed here, but a role with SELECT only is safer.",
)
_HIDES_ROWS = Text(
    "이 역할에는 행 보안(row-level security)이 걸린 표가 있습니다. 보이지 않는 행은 세지 않습니다.",
    "Row-level security hides rows of some tables from this role. Rows it cannot see are not counted.",
)
_NOT_ENCRYPTED = Text(
    "데이터베이스 연결이 암호화되지 않았습니다. 주소 끝에 sslmode=require를 붙이십시오.",
    "The connection to the database is not encrypted. Add sslmode=require to its address.",
)
