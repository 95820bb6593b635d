"""The SQL that a database is sent: quoted names, typed instants, one reading statement, nothing else.

Here alone a name becomes SQL. Names go through `quoted`, instants and days through `literal`; a query
that a shop wrote itself is checked to be one statement that reads (`one_query`) and stands in brackets.
"""

import datetime as dt
import re
from collections.abc import Iterable

from custmeasure.errors import UsageError

_PART = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_RELATION = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_READS = ("select", "with", "table", "values")
_TOKENS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
      | (?P<text>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag))
      | (?P<name>"(?:[^"]|"")*")
      | (?P<word>[^\W\d][\w$]*)
      | (?P<mark>\S)""",
    re.VERBOSE | re.DOTALL,
)


def quoted(name: str) -> str:
    """Return ``name`` as SQL reads it when it is taken literally.

    >>> print(quoted('amt"; DROP TABLE orders; --'))
    "amt""; DROP TABLE orders; --"

    Raises
    ------
    UsageError
        For an empty name or one with a NUL, which no database can hold.
    """
    if not name or "\0" in name:
        raise UsageError(
            ko=f"열이나 표의 이름이 아닙니다: {name!r}. shop.toml의 이름을 고치십시오.",
            en=f"{name!r} is not a name of a column or table. Correct it in shop.toml.",
        )
    return '"' + name.replace('"', '""') + '"'


def literal(moment: dt.datetime | dt.date) -> str:
    """Return an instant, a wall-clock time (no zone) or a day as SQL; only digits reach the text."""
    if not isinstance(moment, dt.datetime):
        return "".join(["CAST('", moment.isoformat(), "' AS DATE)"])
    kind = "TIMESTAMP" if moment.tzinfo is None else "TIMESTAMP WITH TIME ZONE"
    return "".join(["CAST('", moment.isoformat(sep=" "), "' AS ", kind, ")"])


def rows_of(relation_or_query: str) -> str:
    """Return what stands behind FROM: a table's quoted name, or a query in brackets.

    A name is ``orders``, ``shop.orders`` or, where it holds a blank or a dot, ``shop."Orders 2026"``;
    capitals count. Everything else must be one query.

    Raises
    ------
    UsageError
        When it is neither.
    """
    text = relation_or_query.strip()
    if _RELATION.fullmatch(text):
        return ".".join(quoted(part) for part in relation_parts(text))
    # The line break ends a comment that the query may end with.
    return "".join(["(\n", one_query(text), '\n) AS "rows"'])


def relation_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a table's name without their quotes: ``shop."My orders"`` has two."""
    parts = re.findall(_PART, name)
    return tuple(part[1:-1].replace('""', '"') if part[0] == '"' else part for part in parts)


def is_relation(relation_or_query: str) -> bool:
    """Return whether the text is a table's name and not a query."""
    return bool(_RELATION.fullmatch(relation_or_query.strip()))


def one_query(text: str) -> str:
    """Return the query without a closing semicolon.

    This is the first of two guards; the other is the read-only transaction.

    Raises
    ------
    UsageError
        When it is not one statement that begins with SELECT, WITH, TABLE or VALUES, or when a quote,
        a comment or a bracket is not closed in it.
    """
    code = [match for match in _TOKENS.finditer(text) if match.lastgroup != "comment"]
    marks = [match for match in code if match["mark"]]
    end = marks[-1].start() if marks and marks[-1] is code[-1] and marks[-1][0] == ";" else None
    inner = marks if end is None else marks[:-1]
    if _first_word(code) not in _READS:
        raise _refused("SELECT로 시작하지 않습니다", "does not begin with SELECT")
    if any(match[0] == ";" for match in inner):
        raise _refused("문장이 둘 이상입니다", "has more than one statement")
    if _open_ended(text, inner):
        raise _refused(
            "따옴표·주석·괄호가 맞지 않습니다", "has an unclosed quote, comment or bracket"
        )
    return text if end is None else text[:end]


def select(columns: Iterable[str], source: str, condition: str = "") -> str:
    """Return the statement that reads ``columns`` (SQL) of ``source`` (from `rows_of`)."""
    return " ".join(["SELECT", ", ".join(columns), "FROM", source, condition])


def _first_word(code: list[re.Match[str]]) -> str:
    words = (match[0].lower() for match in code if match[0] != "(")
    return next(words, "")


def _open_ended(text: str, marks: list[re.Match[str]]) -> bool:
    comments = (match[0] for match in _TOKENS.finditer(text) if match["comment"])
    if any(comment.startswith("/*") and "/*" in comment[2:] for comment in comments):
        return True  # databases differ on comments inside comments
    depth = 0
    for match in marks:
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth < 0 or match[0] in "'\"" or text.startswith("/*", match.start()):
            return True
    return depth != 0


def _refused(ko: str, en: str) -> UsageError:
    return UsageError(
        ko=f"shop.toml의 query {ko}. 읽기만 하는 SELECT 문 하나를 적으십시오.",
        en=f"The query in shop.toml {en}. Write one SELECT that only reads.",
    )
