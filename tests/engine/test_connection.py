"""One DuckDB for each query, shut in, empty, and kept for the next over the same files."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custmeasure.engine import as_table, connection, query, stream
from custmeasure.engine.connection import close, connected
from custmeasure.errors import DataError

SUM = "SELECT sum(n) AS n FROM rows"


@pytest.fixture(autouse=True)
def _nothing_is_kept():
    close()
    yield
    close()


@pytest.fixture
def opened(monkeypatch):
    """Count the databases that are started."""
    started, connect = [], connection._connect

    def counted(files):
        started.append(files)
        return connect(files)

    monkeypatch.setattr(connection, "_connect", counted)
    return started


def numbers(path, *values):
    pq.write_table(pa.table({"n": values}), path)
    return path


def test_the_next_query_over_the_same_files_uses_the_same_database(tmp_path, opened):
    rows = as_table(numbers(tmp_path / "a.parquet", 1, 2))
    for _ in range(3):
        assert query(SUM, rows=rows)["n"].to_pylist() == [3]
    assert [sum(b["n"].to_pylist()) for b in stream("SELECT * FROM rows", rows=rows)] == [3]
    assert opened == [frozenset({str(tmp_path / "a.parquet")})]


def test_other_files_are_out_of_reach(tmp_path, opened):
    one, other = (as_table(numbers(tmp_path / name, 1)) for name in ("a.parquet", "b.parquet"))
    for rows in (one, other, one):
        query(SUM, rows=rows)
    named = [path.removesuffix(".parquet")[-1] for (path,) in opened]
    assert named == ["a", "b", "a", "b", "a"]  # the first two for the columns
    with connected([tmp_path / "a.parquet"]) as alone, pytest.raises(duckdb.PermissionException):
        alone.read_parquet(str(tmp_path / "b.parquet"))


def test_nothing_of_a_query_is_left(opened):
    with connected([]) as first:
        first.from_arrow(pa.table({"n": [1]})).create_view("rows")
        first.execute("CREATE TABLE secret AS SELECT 1 AS n")
        assert first.execute(SUM).fetchall() == [(1,)]
    held = pa.total_allocated_bytes()
    with connected([]) as second:
        assert second is first
        for name in ("rows", "secret"):
            with pytest.raises(duckdb.CatalogException):
                second.sql(f"SELECT * FROM {name}")
    assert pa.total_allocated_bytes() <= held
    assert len(opened) == 1


def test_a_file_that_changed_is_read_again(tmp_path, opened):
    rows = as_table(numbers(tmp_path / "a.parquet", 1, 2))
    assert query(SUM, rows=rows)["n"].to_pylist() == [3]
    numbers(tmp_path / "a.parquet", *range(100_000))
    assert query(SUM, rows=rows)["n"].to_pylist() == [4_999_950_000]
    assert len(opened) == 1


def test_much_to_read_leaves_no_memory_behind(tmp_path, opened, monkeypatch):
    rows = as_table(numbers(tmp_path / "a.parquet", 1, 2))
    size = (tmp_path / "a.parquet").stat().st_size
    for most, expected in ((size, 1), (size - 1, 3)):
        monkeypatch.setattr(connection, "_WORTH_KEEPING", most)
        opened.clear()
        close()
        for _ in range(3):
            query(SUM, rows=rows)
        assert len(opened) == expected
    opened.clear()
    close()
    query(SUM, rows=as_table(tmp_path / "a.parquet"))
    assert len(opened) == 1  # the columns' names cost no memory


def test_after_an_error_or_a_stop_the_database_is_closed(tmp_path, opened):
    rows = as_table(numbers(tmp_path / "a.parquet", *range(500_000)))
    with pytest.raises(DataError):
        query("SELECT error('no') FROM rows", rows=rows)
    batches = stream("SELECT * FROM rows", rows=rows)
    next(batches)
    batches.close()
    assert query(SUM, rows=rows)["n"].to_pylist() == [500_000 * 499_999 // 2]
    assert len(opened) == 3


def test_two_queries_at_once_never_share_one(opened):
    with connected([]) as one, connected([]) as other:
        assert one is not other
    with connected([]) as third:
        assert third is one  # the last that ended
    assert len(opened) == 2
    with pytest.raises(duckdb.ConnectionException):
        other.execute("SELECT 1")


def test_many_threads_get_their_own_answers():
    def asked(n):
        rows = as_table(pa.table({"n": [n, 2 * n]}))
        return [query(SUM, rows=rows)["n"].to_pylist() for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(asked, range(40))) == [[[3 * n]] * 10 for n in range(40)]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_has_a_database_of_its_own():
    code = (
        "import os, warnings, pyarrow as pa\n"
        "warnings.simplefilter('ignore')\n"
        "from custmeasure.engine import as_table, query\n"
        "rows = as_table(pa.table({'n': list(range(300_000))}))\n"
        "def asked(): return query('SELECT sum(n) AS n FROM rows', rows=rows)['n'].to_pylist()\n"
        "first = asked()\n"
        "if not os.fork():\n"
        "    os._exit(asked() != first)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]), asked() == first)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.split() == ["0", "True"]
