"""What every test can ask for: the reference cases and data, and the tools a machine may lack."""

import importlib.util
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from custmeasure import language

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"
REQUIRED = {word for word in os.environ.get("CUSTMEASURE_REQUIRE", "").split(",") if word}


def absent(what: str, reason: str) -> None:
    """Skip the test, or fail it where ``what`` is required."""
    if what in REQUIRED:
        pytest.fail(f"{reason}, and CUSTMEASURE_REQUIRE names {what}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference cases and data; skip where it is absent."""
    if not SHARED.is_dir():
        absent("shared", "the reference cases (../shared) are not here")
    return SHARED


@pytest.fixture(scope="session")
def peer_cases(shared: Path) -> Callable[[str], list[dict]]:
    """Return a reader of one file of peer cases by its name."""
    return lambda name: json.loads((shared / "peers" / f"{name}.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the browser's path; skip where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    absent("chromium", "no Chromium on this machine")
    raise AssertionError


# Small, and its queries are read, not compiled: tests ask little of much.
SPARK = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.session.timeZone": "Asia/Seoul",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a Spark session on two threads, in another time zone than UTC; skip where there is none."""
    for package in ("pyspark", "sqlglot"):
        if importlib.util.find_spec(package) is None:
            absent("spark", f"{package} is not installed")
    if shutil.which("java") is None:
        absent("spark", "no Java on this machine")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Where workers find custmeasure, and what tests hand over to them.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(REPO), str(REPO / "tests/engine")])
    os.environ["SPARK_LOCAL_DIRS"] = str(tmp_path_factory.mktemp("spark"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("custmeasure-tests")
        for key, value in SPARK.items():
            builder = builder.config(key, value)
        session = builder.getOrCreate()
        yield session
        session.stop()


@pytest.fixture(autouse=True)
def english() -> None:
    """Start every test in English."""
    language.use("en")
