"""What PostgreSQL's errors mean, by their SQLSTATE: a name is repeated, a value never.

The server's own sentence may hold a customer's e-mail ("invalid input syntax for …") and the driver's the
whole query; so neither is passed on. Of the sentence only an identifier in quotes is kept, and only for
the errors that are about a name (class 42).
"""

import re

import adbc_driver_manager

from custmeasure.engine.drivers import Limits
from custmeasure.errors import CustmeasureError, DataError, EnvironmentProblem, UsageError


def worded(error: adbc_driver_manager.Error, where: str, limits: Limits) -> CustmeasureError:
    """Return what ``error`` means, beginning with ``where``."""
    code = error.sqlstate or ""
    kind, ko, en = _meaning(code, str(error))
    seconds = int((limits.lock if code == "55P03" else limits.statement).total_seconds())
    said = {"name": _name(error), "seconds": seconds, "code": f" (SQLSTATE {code})" if code else ""}
    return kind(ko=f"{where}: {ko.format(**said)}", en=f"{where}: {en.format(**said)}")


# SQLSTATE, or its class → the error, Korean, English.
_Meaning = tuple[type[CustmeasureError], str, str]
_STATES: dict[str, _Meaning] = {
    "55P03": (
        EnvironmentProblem,
        "다른 작업이 표를 잠그고 있어 {seconds}초를 기다리다 그만두었습니다. "
        "그 작업이 끝난 뒤 다시 하십시오.",
        "another session holds a lock on the table; gave up after {seconds} s. "
        "Try again when it has finished.",
    ),
    "57014": (
        EnvironmentProblem,
        "{seconds}초 안에 끝나지 않아 멈추었습니다. 기간을 줄이거나 statement_timeout을 늘리십시오.",
        "not finished within {seconds} s, and stopped. Ask for fewer days or raise statement_timeout.",
    ),
    "25P03": (
        EnvironmentProblem,
        "오래 묻지 않아 서버가 연결을 끊었습니다. 다시 하십시오.",
        "the server ended the session because nothing was asked for long. Try again.",
    ),
    "25": (
        UsageError,
        "query가 데이터베이스를 바꾸려 합니다. 읽기만 하는 SELECT를 적으십시오.",
        "the query tries to change the database. Write a SELECT that only reads.",
    ),
    "42501": (
        EnvironmentProblem,
        "역할에 읽기 권한이 없습니다. 데이터베이스 관리자가 GRANT SELECT를 주어야 합니다.",
        "the role may not read this. The database's owner must GRANT SELECT on its tables.",
    ),
    "42P01": (
        UsageError,
        "표 {name}이(가) 없습니다. 대소문자와 스키마를 확인하십시오.",
        "there is no table {name}. Check its capitals and its schema.",
    ),
    "3F000": (UsageError, "스키마 {name}이(가) 없습니다.", "there is no schema {name}."),
    "42703": (UsageError, "열 {name}이(가) 없습니다.", "there is no column {name}."),
    "42883": (
        UsageError,
        "함수나 연산자 {name}을(를) 이 값에 쓸 수 없습니다. query를 고치십시오.",
        "there is no function or operator {name} for these values. Correct the query.",
    ),
    "42601": (
        UsageError,
        "query의 문법이 틀렸습니다({name} 근처). query를 고치십시오.",
        "the query is not correct SQL (near {name}). Correct the query.",
    ),
    "53300": (
        EnvironmentProblem,
        "데이터베이스 연결이 모두 쓰이고 있습니다. 잠시 뒤 다시 하십시오.",
        "the database has no free connection. Try again in a while.",
    ),
    "22": (
        DataError,
        "query의 계산이 어떤 행에서 실패했습니다{code}. 그 값을 고치거나 query에서 거르십시오.",
        "a calculation of the query fails on some row{code}. Correct that value or leave it out there.",
    ),
    "42": (
        UsageError,
        "query를 실행할 수 없습니다{code}. query를 고치십시오.",
        "the query cannot be run{code}. Correct it.",
    ),
    "0A": (
        UsageError,
        "query가 여기서 할 수 없는 일을 합니다{code}. 읽기만 하는 SELECT를 적으십시오.",
        "the query does what cannot be done here{code}. Write a SELECT that only reads.",
    ),
    "28": (
        EnvironmentProblem,
        "로그인이 거절되었습니다. 주소의 사용자와 비밀번호를 확인하십시오.",
        "the login was refused. Check user and password in the address.",
    ),
}
# What a failed start says; it has no SQLSTATE.
_STARTS: dict[str, _Meaning] = {
    "password": _STATES["28"],
    "authentication": _STATES["28"],
    "pg_hba.conf": _STATES["28"],
    "does not exist": (
        EnvironmentProblem,
        "그런 데이터베이스나 사용자가 없습니다. 주소를 확인하십시오.",
        "there is no such database or user. Check the address.",
    ),
    "invalid uri": (
        EnvironmentProblem,
        "주소를 읽을 수 없습니다. 비밀번호의 특수 문자는 %40처럼 적어야 합니다.",
        "the address cannot be read. Special characters of the password are written like %40.",
    ),
    "percent-encoded": (
        EnvironmentProblem,
        "주소를 읽을 수 없습니다. 비밀번호의 특수 문자는 %40처럼 적어야 합니다.",
        "the address cannot be read. Special characters of the password are written like %40.",
    ),
    "too many": _STATES["53300"],
    "remaining connection slots": _STATES["53300"],
    "failed to connect": (
        EnvironmentProblem,
        "데이터베이스 서버에 닿지 못했습니다. 서버가 켜져 있는지, 주소가 맞는지 확인하십시오.",
        "the database server was not reached. Check that it runs and that the address is right.",
    ),
}
_STOPPED: _Meaning = (
    EnvironmentProblem,
    "데이터베이스가 읽는 도중에 끊겼습니다{code}. 읽은 것은 쓰지 않았습니다. 다시 하십시오.",
    "the database broke off in the middle{code}. Nothing of what was read is used. Try again.",
)


def _meaning(code: str, message: str) -> _Meaning:
    if code:
        return _STATES.get(code) or _STATES.get(code[:2]) or _STOPPED
    words = message.lower()
    return next((meaning for known, meaning in _STARTS.items() if known in words), _STOPPED)


def _name(error: adbc_driver_manager.Error) -> str:
    """Return the name that the server complains of, when it looks like one and not like a value."""
    message = next((text for field, text in error.details or () if "PRIMARY" in str(field)), b"")
    found = re.search(r"\"([^\W\d][\w.]*)\"", message.decode("utf-8", "replace"))
    return found[1] if found else "…"
