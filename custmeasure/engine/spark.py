"""Tables that lie on Spark: the same queries, run where the rows are.

A query runs in a session of its own beside the user's: days in UTC, strict arithmetic, and no setting or
view of the user's touched. Answers come back as Arrow. What walks through the rows of every unit runs
where those rows lie (`Rows.in_parts`). PySpark is loaded when somebody asks for it.
"""

import functools
import itertools
import math
import os
import pickle
import re
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from custmeasure.engine.dialect import Spoken, missing, spoken
from custmeasure.engine.part import PACKED, OnePart, packed, unpacked, unsigned
from custmeasure.engine.spark_columns import functions, named, picked
from custmeasure.engine.table import FIRST_ROWS, Answer, Elsewhere, Part, Table, query
from custmeasure.errors import DataError, EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from pyspark.sql import (  # type: ignore[import-not-found, unused-ignore]
        DataFrame,
        SparkSession,
    )

# What decides an answer, whatever the user's session says.
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.legacy.statisticalAggregate": "false",
    "spark.sql.legacy.sizeOfNull": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
}

# Conditions that Spark gives a value that is not what its column declares.
_UNREADABLE = re.compile("CAST_INVALID_INPUT|CAST_OVERFLOW|CANNOT_PARSE|DATETIME|OUT_OF_RANGE")

_numbers = itertools.count()


@dataclass(frozen=True, eq=False)
class Rows(Elsewhere):
    """A Spark frame as the source of a `Table`.

    Attributes
    ----------
    frame
        The frame, in the session that queries run in.
    session
        The user's session.
    """

    frame: "DataFrame"
    session: "SparkSession"

    engine = "Spark"

    def __repr__(self) -> str:
        return "rows on Spark"

    def answer(
        self, sql: str, parameters: Mapping[str, object], tables: Mapping[str, Table]
    ) -> pa.Table:
        """Return what `engine.query` returns."""
        text = spoken(sql)
        with self._asked(text, parameters, tables) as answer:
            found = answer.toArrow()
        batches = [unsigned(batch, text.unsigned) for batch in found.to_batches()]
        return pa.Table.from_batches(batches) if batches else _empty(found.schema, text)

    def batches(
        self, sql: str, parameters: Mapping[str, object], tables: Mapping[str, Table]
    ) -> Iterator[pa.RecordBatch]:
        """Yield what `engine.stream` yields, one part of the answer after the other."""
        text = spoken(sql)
        with self._asked(text, parameters, tables) as answer:
            for row in answer.mapInArrow(packed, PACKED).toLocalIterator():
                for batch in unpacked(row[0]):
                    yield unsigned(batch, text.unsigned)

    def in_parts(
        self,
        part: Part[Answer],
        unit: str,
        sql: str,
        parameters: Mapping[str, object],
        tables: Mapping[str, Table],
    ) -> list[Answer]:
        """Return what `engine.in_parts` returns; each part is called where its rows lie."""
        text = spoken(sql)
        with self._asked(text, parameters, tables, unit) as rows:
            found = rows.mapInArrow(OnePart(part, text.unsigned), PACKED).toArrow()
        answers = [pickle.loads(each.as_buffer()) for each in found[0]]
        return answers or [part(iter(()))]

    @contextmanager
    def _asked(
        self,
        text: Spoken,
        parameters: Mapping[str, object],
        tables: Mapping[str, Table],
        apart_by: str | None = None,
    ) -> Iterator["DataFrame"]:
        """Give the tables their names on Spark, and yield the answer of a text."""
        with on_spark(tables):
            names = {name: _new_name() for name in tables}
            for name, table in tables.items():
                self._picked(table).createOrReplaceTempView(names[name])
            own = self.frame.sparkSession
            try:
                asked = {name: _bound(value) for name, value in parameters.items()}
                yield own.sql(text.named(names, apart_by=apart_by), args=asked)
            finally:
                for name in names.values():
                    own.catalog.dropTempView(name)

    def sums(
        self, table: Table, group: str, columns: Sequence[str], pairs: Sequence[tuple[int, int]]
    ) -> tuple[list[float], list[tuple[object, ...]]]:
        """Return what `moments` asks for: a guess of each column's mean, and sums by group around it."""
        f = functions()
        with on_spark({table.name: table}):
            frame = picked(self.frame, table)
            first = frame.limit(FIRST_ROWS).agg(f.count(f.lit(1)), *map(f.avg, columns)).toArrow()
            guess = [_finite(column[0].as_py()) for column in first.columns[1:]]
            rest = [(named(c) - f.lit(g)).alias(c) for c, g in zip(columns, guess, strict=True)]
            products = [f.sum(named(columns[i]) * named(columns[j])) for i, j in pairs]
            asked = [f.count(f.lit(1)), *map(f.count, columns), *map(f.sum, columns), *products]
            asked = [each.alias(f"a{place}") for place, each in enumerate(asked)]
            left = frame.filter(named(group).isNotNull()).select(group, *rest)
            found = left.groupBy(group).agg(*asked).orderBy(group).toArrow()
        return guess, [tuple(row.values()) for row in found.to_pylist()]

    def _picked(self, table: Table) -> Any:
        """Return a table's rows as its `pick` asks for them; rows that lie here are brought to Spark."""
        if not isinstance(table.source, Rows):
            rows = query("SELECT * FROM rows", rows=table)
            return _moved(self.session.createDataFrame(_signed(rows)), self.session)
        return picked(table.source.frame, table)


def spark_table(frame: "DataFrame", *, name: str = "frame", timezone: str = "UTC") -> Table:
    """Return a Spark frame as a table.

    Raises
    ------
    UsageError
        When two of its columns have one name.
    """
    names = [column.casefold() for column in frame.columns]
    twice = sorted({column for column in frame.columns if names.count(column.casefold()) > 1})
    if twice:
        raise UsageError(
            ko=f"이름이 같은 열이 있습니다: {', '.join(twice)}. 하나의 이름을 바꾸십시오.",
            en=f"Two columns have one name: {', '.join(twice)}. Rename one of them.",
        )
    session = frame.sparkSession
    with on_spark({}):
        return Table(name, Rows(_moved(frame, session), session), tuple(frame.columns), timezone)


# --- sessions -----------------------------------------------------------------------------------------


def start(master: str) -> "SparkSession":
    """Return the session of a Spark master: the one that runs, or a new one.

    Parameters
    ----------
    master
        ``"spark://host:7077"``, ``"local[*]"``, ``"yarn"``, …

    Raises
    ------
    EnvironmentProblem
        When PySpark or Java is missing, or the master does not answer.
    UsageError
        When a session with another master runs in this program.
    """
    try:
        from pyspark.sql import (  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415
            SparkSession,
        )
    except ImportError:
        raise missing("PySpark", "pip install 'custmeasure[spark]'") from None
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise missing("Java", "apt-get install openjdk-17-jre-headless")
    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    running = SparkSession.getActiveSession()
    if running is not None and running.sparkContext.master != master:
        raise UsageError(
            ko=f"이 프로그램에는 이미 {running.sparkContext.master}의 Spark가 있습니다. "
            "spark=에 그 세션을 주거나 먼저 멈추십시오.",
            en=f"Spark of {running.sparkContext.master} runs in this program already. "
            "Give that session as spark=, or stop it first.",
        )
    with on_spark({}):
        builder: Any = SparkSession.builder
        session: SparkSession = builder.master(master).appName("custmeasure").getOrCreate()
        return session


@functools.lru_cache(maxsize=16)
def _own(session: "SparkSession") -> "SparkSession":
    """Return a session beside the user's, with its settings and those that decide answers."""
    own = session.newSession()
    for key, value in {**session.conf.getAll, **_SETTINGS}.items():
        if own.conf.isModifiable(key):
            own.conf.set(key, value)
    return own


def _moved(frame: "DataFrame", session: "SparkSession") -> "DataFrame":
    """Return a frame of the user's session in the session that queries run in."""
    name = _new_name()
    frame.createOrReplaceGlobalTempView(name)
    try:
        database = session.conf.get("spark.sql.globalTempDatabase", "global_temp")
        return _own(session).table(f"{database}.{name}")
    finally:
        session.catalog.dropGlobalTempView(name)


def _new_name() -> str:
    return f"custmeasure_{next(_numbers)}"


@contextmanager
def on_spark(tables: Mapping[str, Table]) -> Iterator[None]:
    """Run something on Spark: what goes wrong is said in a sentence that names ``tables``."""
    with _worded(tables), _quiet():
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what PySpark says of a pandas that it is not asked to use."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "PySpark does not yet fully support pandas", FutureWarning
        )
        yield


@contextmanager
def _worded(tables: Mapping[str, Table]) -> Iterator[None]:
    """Say in a sentence what Spark says in a stack of Java."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("pyspark", "py4j"):
            raise
        problem = _problem(error, tables)
    else:
        return
    raise problem  # outside the handler, so that nothing refers to Java's error any more


def _problem(error: Exception, tables: Mapping[str, Table]) -> DataError | EnvironmentProblem:
    names = ", ".join(sorted({table.name for table in tables.values()})) or "Spark"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = lines[0] if lines else type(error).__name__
    if any(line.startswith("Traceback") for line in lines):
        first = lines[-1]  # what Python said on a worker
    if _UNREADABLE.search(str(error)):
        said = next((line for line in lines if _UNREADABLE.search(line)), first)
        said = said.partition(" SQLSTATE")[0]
        return DataError(
            ko=f"{names}: 값을 읽을 수 없습니다 ({said}). 그 열의 값을 고치십시오.",
            en=f"{names}: a value cannot be read ({said}). Correct that column's values.",
        )
    return EnvironmentProblem(
        ko=f"{names}: Spark가 끝내지 못했습니다 ({first}). Spark의 기록을 확인하십시오.",
        en=f"{names}: Spark could not finish ({first}). Look into its log.",
    )


# --- values -------------------------------------------------------------------------------------------


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0


def _bound(value: Any) -> Any:
    """Return a value as Spark binds it."""
    if isinstance(value, list | tuple):
        return [_bound(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _signed(rows: pa.Table) -> pa.Table:
    """Return rows as Spark takes them: whole numbers with a sign, clocks as instants in UTC."""
    for place, column in enumerate(rows.schema):
        if pa.types.is_unsigned_integer(column.type):
            rows = rows.set_column(place, column.name, rows[place].cast(pa.int64()))
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            instants = rows[place].cast(pa.timestamp("us", "UTC"))
            rows = rows.set_column(place, column.name, instants)
    return rows


def _empty(schema: pa.Schema, text: Spoken) -> pa.Table:
    empty = pa.RecordBatch.from_pylist([], schema)
    return pa.Table.from_batches([unsigned(empty, text.unsigned)])
