"""Measure, print, keep: ``python -m benchmarks [--quick]``."""

import argparse
import datetime as dt
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks import imports, measures, reports

KEPT = Path(__file__).parent / "results" / "latest.json"
PACKAGES = ("duckdb", "jupyterlab", "nbconvert", "numba", "numpy", "pandas", "papermill", "pyarrow")


def machine() -> dict[str, object]:
    """Return what a reader needs to judge the seconds; nothing that names the machine."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def main() -> int:
    """Return 1 when a target was missed in a full measurement."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once each, nothing kept")
    quick = parser.parse_args().quick
    facts = machine()
    lines = [
        *imports.measure(3 if quick else 9),
        *measures.measure(1 if quick else 5),
        reports.measure(1 if quick else 3),
    ]
    print(*lines, sep="\n")
    if quick:
        return 0
    kept = {
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": facts,
        "lines": [line.to_dict() for line in lines],
    }
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return int(any(line.missed for line in lines))


if __name__ == "__main__":
    sys.exit(main())
