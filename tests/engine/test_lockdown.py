"""A DuckDB connection shut in after its views are there."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from custmeasure.engine.lockdown import lock_down


@pytest.fixture
def shut(tmp_path: Path):  # not annotated: pytest would keep DuckDB alive past its end
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.csv").write_text("b\n2\n")
    connection = duckdb.connect()
    connection.read_csv(str(tmp_path / "a.csv")).create_view("given")
    connection.from_arrow(pa.table({"a": [1]})).create_view("arrow")
    lock_down(connection, [tmp_path / "a.csv"], memory="500MB", threads=1)
    return connection


def test_what_was_given_is_still_read(shut) -> None:
    assert shut.execute("SELECT count(*) FROM given JOIN arrow USING (a)").fetchall() == [(1,)]
    limits = "SELECT current_setting('memory_limit'), current_setting('threads')"
    assert shut.execute(limits).fetchall() == [("476.8 MiB", 1)]


secret_frame = pa.table({"a": [1]})


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM 'b.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM secret_frame",
        "COPY given TO 'copied.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '64GB'",
        "RESET lock_configuration",
    ],
)
def test_nothing_else_is_reached(
    shut,
    statement: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(duckdb.Error):
        shut.execute(statement).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]
