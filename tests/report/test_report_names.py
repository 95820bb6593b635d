"""Names that become files."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custmeasure.errors import UsageError
from custmeasure.report.names import check_name, inside


@pytest.mark.parametrize("name", ["funnel", "copy_test", "2026-plan", "재구매", "a"])
def test_plain_names_pass(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/b",
        "CON",
        "com1",
        ".",
        "..",
        "",
        "x" * 300,
        "x\0",
        "보고서<svg>",
        "index",
        "a.b",
        "-x",
    ],
)
def test_names_that_mean_something_else_are_refused(name):  # S13
    with pytest.raises(UsageError):
        check_name(name)


def stays_inside(root: Path, name: str) -> bool:
    try:
        return inside(root, check_name(name) + ".html").parent == root
    except UsageError:
        return True


@given(name=st.text(max_size=40))
def test_any_text_stays_inside_or_is_refused(tmp_path_factory, name):  # S13
    assert stays_inside(tmp_path_factory.getbasetemp().resolve(), name)


def test_50_000_nasty_names_stay_inside_or_are_refused(tmp_path):  # S13
    letters = random.Random(13)
    nasty = "././//\\\0:~%ab가-_\n CON"
    names = ["".join(letters.choices(nasty, k=letters.randint(0, 8))) for _ in range(50_000)]
    assert all(stays_inside(tmp_path.resolve(), name) for name in names)


def test_a_link_out_is_refused(tmp_path):  # S15
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "out").symlink_to("/tmp")
    with pytest.raises(UsageError, match="outside"):
        inside(tmp_path / "reports", "out", "x.html")
