"""The project's own notebooks on the sample shop, in both languages, opened in a real browser."""

import json
import re
from pathlib import Path

import pytest
from test_report_browser import look

from custmeasure.report.gate import SIZE_LIMIT
from custmeasure.report.notebooks import find_notebooks
from custmeasure.report.run import run_report

REPO = Path(__file__).resolve().parents[2]
SAMPLE = REPO / "data" / "sample"
NAMES = sorted(find_notebooks(SAMPLE))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return the folder of one report of the sample shop, and what the run said."""
    out = tmp_path_factory.mktemp("sample") / "reports"
    return out, run_report(SAMPLE, date="2026-11-01", lang="both", out=out)


def test_every_notebook_is_published_in_both_languages(published):
    out, outcome = published
    assert (outcome.exit_code, outcome.failures) == (0, {})
    expected = {f"{name}.{lang}.html" for name in NAMES for lang in ("ko", "en")}
    assert {page.name for page in outcome.pages} == expected
    tables = json.loads((out / "2026-11-01" / "run.json").read_text("utf-8"))["tables"]
    for record in tables.values():  # R2
        parts = ("rows_used", "rows_rejected", "rows_duplicate", "rows_outside")
        assert record["rows_in_file"] == sum(record[part] for part in parts)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_a_page_is_small_speaks_one_language_and_describes_its_charts(published, name, lang):
    text = (published[0] / "2026-11-01" / f"{name}.{lang}.html").read_text("utf-8")
    assert len(text.encode()) <= SIZE_LIMIT
    assert f'<html lang="{lang}">' in text
    prose = " ".join(re.findall(r"<p>(.*?)</p>", text))
    assert bool(re.search("[가-힣]", prose)) == (lang == "ko")
    alts = re.findall(r'<img src="[^"]*" alt="([^"]*)">', text)
    assert len(alts) == _n_charts(name)
    assert all(len(alt) > 20 for alt in alts)
    assert 'class="notice"' not in text


def _n_charts(name):
    """Return how many charts a notebook draws: one for each line that plots."""
    cells = json.loads(find_notebooks(SAMPLE)[name].read_text("utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return len(re.findall(r"^cm\.show\.plots\.", code, re.MULTILINE))


def test_no_page_asks_the_network_or_complains(published, chromium):  # S06
    pages = sorted(published[0].rglob("*.html"))
    assert look(chromium, 9, pages) == ([], [], [])


def test_parameters_reach_the_notebooks(tmp_path):
    outcome = run_report(
        SAMPLE,
        date="2026-10-01",
        lang="en",
        only=["funnel"],
        out=tmp_path / "reports",
        parameters={"steps": "visit,purchase", "window": "1d", "split_by": "channel"},
    )
    assert outcome.exit_code == 0
    page = outcome.pages[0].read_text("utf-8")
    assert "<dt>split_by</dt><dd>channel</dd>" in page
    assert "30 September 2026" in page


def test_two_runs_of_one_date_are_the_same_but_for_one_line(published, tmp_path):  # F16
    again = tmp_path / "reports"
    run_report(SAMPLE, date="2026-11-01", lang="both", out=again)
    for path in sorted((published[0] / "2026-11-01").glob("*.html")):
        first = path.read_text("utf-8").splitlines()
        second = (again / "2026-11-01" / path.name).read_text("utf-8").splitlines()
        differing = [a for a, b in zip(first, second, strict=True) if a != b]
        assert all(line.startswith('<p class="generated">') for line in differing), path.name
