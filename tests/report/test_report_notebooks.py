"""Finding a shop's notebooks, reading them, and keeping one language."""

import json

import pytest
from tiny_notebooks import cell, notebook, prose

from custmeasure.errors import UnknownName, UsageError
from custmeasure.report.notebooks import (
    find_notebooks,
    in_language,
    load,
    notebook_folder,
    own_notebooks,
    select,
)


def test_a_shop_has_its_own_notebooks_by_stem(make_shop):
    shop = make_shop(funnel=notebook(), 재구매=notebook())
    (shop / "notebooks" / ".ipynb_checkpoints").mkdir()
    (shop / "notebooks" / ".ipynb_checkpoints" / "old.ipynb").write_text("{}")
    assert list(find_notebooks(shop)) == ["funnel", "재구매"]


def test_a_shop_without_notebooks_has_the_projects(tmp_path):
    assert notebook_folder(tmp_path) == own_notebooks()


def test_two_notebooks_of_one_name_are_refused(make_shop):
    shop = make_shop(funnel=notebook())
    (shop / "notebooks" / "old").mkdir()
    (shop / "notebooks" / "old" / "funnel.ipynb").write_text(json.dumps(notebook()))
    with pytest.raises(UsageError, match="Two notebooks are called 'funnel'"):
        find_notebooks(shop)


def test_no_notebook_at_all_is_said(make_shop):
    with pytest.raises(UsageError, match="There is no notebook"):
        find_notebooks(make_shop())


def test_only_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'funnel'"):
        select({"funnel": None, "retention": None}, ["funel"])


@pytest.mark.parametrize(
    "text", ["", "[]", '{"cells": 3}', '{"cells": [{"metadata": []}]}', "\x00"]
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(UsageError, match="is not a notebook"):
        load("x", path)


def test_a_notebook_without_a_parameters_cell_is_refused(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": [cell("1")], "metadata": {}}))
    with pytest.raises(UsageError, match="0 cells tagged 'parameters'"):
        load("x", path)


def test_one_language_stays():
    content = {"cells": [*prose("안녕", "Hello"), cell("1 + 1")]}
    assert [c["source"] for c in in_language(content, "ko")["cells"]] == ["안녕", "1 + 1"]
    assert [c["source"] for c in in_language(content, "en")["cells"]] == ["Hello", "1 + 1"]
