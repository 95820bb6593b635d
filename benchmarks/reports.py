"""``custmeasure run`` beside the shell loop that a user would write.

The loop: for every notebook ``papermill`` and then ``jupyter nbconvert``. Both run the same notebooks on
the same shop, day and language, and must come to the same verdicts and headlines.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.turns import Line, in_turns, seconds
from custmeasure import dates, open_shop
from custmeasure.report.notebooks import find_notebooks
from custmeasure.report.signoff import MIME

REPO = Path(__file__).resolve().parent.parent
SHOP = REPO / "data" / "sample"
BIN = Path(sys.executable).parent
LANG = "ko"
NOTEBOOKS = ("funnel", "retention", "copy_test")


def measure(rounds: int) -> Line:
    """Return the comparison over ``rounds`` rounds."""
    day = last_day()
    with TemporaryDirectory() as folder:
        ours, loop = Path(folder) / "ours" / "reports", Path(folder) / "loop"
        loop.mkdir()
        times = in_turns(
            lambda: _first_run(day, ours),
            lambda: seconds(lambda: run_loop(day, loop)),
            rounds,
        )
        check_same(said_by_run(ours / day / "run.json"), said_by_loop(loop))
    return Line(
        "Reports of the sample shop",
        "custmeasure run",
        "papermill and nbconvert, one notebook after the other",
        *times,
        target=0.30,
    )


def _first_run(day: str, out: Path) -> float:
    """Return the seconds of a run that knows of no earlier one: the loop remembers none either."""
    shutil.rmtree(out.parent, ignore_errors=True)
    return seconds(lambda: run(day, out))


def last_day() -> str:
    """Return the day after the shop's last data."""
    shop = open_shop(SHOP)
    known = dates.local(shop.as_of, shop.timezone)
    if known is None:
        raise SystemExit(f"{SHOP} holds no data.")
    return known.date().isoformat()


def call(*command: str | Path) -> None:
    """Run one command; its output is shown when it fails."""
    done = subprocess.run(
        list(map(str, command)),
        check=False,
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise SystemExit(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}")


def run(day: str, out: Path) -> None:
    """Make the pages with custmeasure."""
    only = [word for name in NOTEBOOKS for word in ("--only", name)]
    call(BIN / "custmeasure", "run", SHOP, "--date", day, "--lang", LANG, "--out", out, *only)


def run_loop(day: str, out: Path) -> None:
    """Make the pages with the loop."""
    given = ["-p", "shop_folder", str(SHOP), "-p", "date", day, "-p", "lang", LANG]
    found = find_notebooks(SHOP)
    for name in NOTEBOOKS:
        executed = out / f"{name}.ipynb"
        call(BIN / "papermill", found[name], executed, *given)
        call(BIN / "jupyter-nbconvert", "--to", "html", "--no-input", executed)


def said_by_run(manifest: Path) -> dict[str, Any]:
    """Return notebook → verdict and headlines of the run."""
    entries = json.loads(manifest.read_text("utf-8"))["notebooks"]
    return {entry["name"]: (entry["verdict"], entry["headline"]) for entry in entries}


def said_by_loop(folder: Path) -> dict[str, Any]:
    """Return notebook → verdict and headlines of the loop."""
    pages = sorted(folder.glob("*.html"))
    return {page.stem: _signed(page.with_suffix(".ipynb")) for page in pages}


def _signed(notebook: Path) -> tuple[str, Mapping[str, str]]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    (record,) = [each["data"][MIME] for each in outputs if MIME in each.get("data", {})]
    return record["verdict"], record["headline"]


def check_same(ours: Mapping[str, Any], loop: Mapping[str, Any]) -> None:
    """Stop when the two ways did not come to the same answers.

    Raises
    ------
    SystemExit
        With both.
    """
    if not ours or ours != loop:
        raise SystemExit(f"Not the same answers.\nrun:  {ours}\nloop: {loop}")
