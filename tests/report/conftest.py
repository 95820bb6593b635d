"""A tiny shop around the notebooks of a test."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of shops: name → notebook."""

    def make(name: str = "Café 커피", **notebooks: dict) -> Path:
        folder = tmp_path / "shop"
        (folder / "notebooks").mkdir(parents=True, exist_ok=True)
        quoted = json.dumps(name, ensure_ascii=False)
        (folder / "shop.toml").write_text(f'name = {quoted}\nlanguage = "en"\n', "utf-8")
        (folder / "events.csv").write_text(
            "visitor_id,at,event\n001,2026-01-05T09:00:00+09:00,view\n", "utf-8"
        )
        for stem, content in notebooks.items():
            path = folder / "notebooks" / f"{stem}.ipynb"
            path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        return folder

    return make


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the folder of reports."""
    return tmp_path / "reports"
