"""The documents say what is there: the glossary names every metric and question, ADRs are in order."""

import re
from pathlib import Path

import pytest

from custmeasure.improve.copy_days import (
    CopyDaysResult,
    PlanDaysResult,
    RevenueDaysResult,
    VisitorDaysResult,
)
from custmeasure.improve.copy_memory import CopyMemoryResult, PastTestsResult
from custmeasure.improve.copy_test import CopyTestResult, RevenueTestResult
from custmeasure.improve.plan_test import PlanTestResult
from custmeasure.measure.funnel import (
    FunnelChange,
    FunnelGaps,
    FunnelParts,
    FunnelResult,
    LandingResult,
    LastPages,
    StoppedResult,
    StoppingResult,
)
from custmeasure.measure.retention import CohortGaps, RetentionResult

REPO = Path(__file__).resolve().parent.parent
GLOSSARY = (REPO / "docs/glossary.md").read_text("utf-8")
STATES = ("answered: ", "in part: ", "not yet: ", "not measurable: ")
KEYS = {
    "channel",
    "cohort",
    "page",
    "part",
    "period",
    "segment",
    "step",
    "variant",
    "experiment",
    "tag",
}
RESULTS = (
    CohortGaps, CopyTestResult, FunnelChange, FunnelGaps, FunnelParts, FunnelResult, LandingResult,
    LastPages, RetentionResult, RevenueTestResult, StoppedResult, StoppingResult,
    CopyDaysResult, CopyMemoryResult, PastTestsResult, PlanDaysResult, PlanTestResult,
    RevenueDaysResult, VisitorDaysResult,
)  # fmt: skip


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its first two lines."""
    part = GLOSSARY.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def notebooks() -> set[str]:
    return {path.stem for path in (REPO / "notebooks").rglob("*.ipynb")}


@pytest.mark.parametrize("result", RESULTS, ids=lambda each: each.__name__)
def test_every_metric_has_a_row(result):
    listed = {name for row in rows("Metrics") for name in re.findall("`([^`]+)`", row[0])}
    metrics = {re.sub("_ci_(lower|upper)$", "", column) for column in result.COLUMNS}
    assert metrics - listed - KEYS == set()


def test_every_metric_names_notebooks_and_questions_that_exist():
    ids = {row[0] for row in rows("Questions")}
    for metric, _, _, _, names, questions in rows("Metrics"):
        assert set(names.split(", ")) <= notebooks() | {"all"}, metric
        assert set(questions.split(", ")) <= ids, metric


def test_every_question_is_listed_once_and_in_order(shared):
    asked = re.findall(r"^\| ([A-Z]\d+) \|", (shared / "QUESTIONS.md").read_text("utf-8"), re.M)
    assert [row[0] for row in rows("Questions")] == asked


def test_every_question_says_where_it_is_answered_or_why_not():
    for number, _, state in rows("Questions"):
        assert state.startswith(STATES), number
        if state.startswith("answered: "):
            named = state.removeprefix("answered: ").split(" (")[0].split(", ")
            assert set(named) <= notebooks(), number


def test_decision_records_are_numbered_without_a_gap_and_say_their_status():
    records = sorted((REPO / "docs/adr").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        assert re.search(r"^Status: (accepted|superseded by \d{4})", path.read_text("utf-8"), re.M)
