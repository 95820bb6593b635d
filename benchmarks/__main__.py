"""Measure, print, keep: ``python -m benchmarks [--quick] [--only NAME]``."""

import argparse
import datetime as dt
import json
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import (
    copy_test,
    database,
    funnel,
    growth,
    imports,
    measures,
    reader,
    reports,
    retention,
)
from benchmarks.turns import Line

KEPT = Path(__file__).parent / "results" / "latest.json"
PACKAGES = (
    "adbc-driver-postgresql", "chdb", "duckdb", "jupyterlab", "nbconvert", "numba", "numpy", "openpyxl",
    "pandas", "papermill", "pyarrow",
)  # fmt: skip

# Section → its comparisons; a quick one goes once over a tenth or less, to see that everything runs.
SECTIONS: dict[str, Callable[[bool], list[Line]]] = {
    "imports": lambda quick: imports.measure(3 if quick else 9),
    "measures": lambda quick: measures.measure(1 if quick else 5),
    "funnel": lambda quick: funnel.measure(1, (200_000,)) if quick else funnel.measure(3),
    "growth": lambda quick: growth.measure(1, (20_000, 200_000)) if quick else growth.measure(3),
    "retention": lambda quick: retention.measure(1, (200_000,)) if quick else retention.measure(3),
    "copy_test": lambda quick: [] if quick else copy_test.measure(3),
    "reports": lambda quick: [reports.measure(1 if quick else 3)],
    "reader": lambda quick: reader.measure(1, 200_000, 5_000) if quick else reader.measure(5),
    "database": lambda quick: [] if quick else database.measure(3),
}


def machine() -> dict[str, object]:
    """Return what a reader needs to judge the seconds; nothing that names the machine."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> int:
    """Return 1 when a target was missed in a full measurement."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once each, little data, nothing kept")
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, help="this section; may be repeated"
    )
    asked = parser.parse_args()
    missed = [_section(name, asked.quick) for name in asked.only or SECTIONS]
    return int(any(missed) and not asked.quick)


def _section(name: str, quick: bool) -> bool:
    """Measure one section and keep it; return whether it missed a target."""
    facts = machine()
    lines = SECTIONS[name](quick)
    print(*lines, sep="\n", flush=True)
    if lines and not quick:
        _keep(name, facts, lines)
    return any(line.missed for line in lines)


def _keep(name: str, facts: dict[str, object], lines: list[Line]) -> None:
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.is_file() else {}
    kept[name] = {
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": facts,
        "lines": [line.to_dict() for line in lines],
    }
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
