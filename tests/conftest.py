"""What every test can ask for: the reference cases and data, and the tools a machine may lack."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

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


@pytest.fixture(autouse=True)
def english() -> None:
    """Start every test in English."""
    language.use("en")
