"""Tiny notebooks whose last cell signs off by itself."""

import json

MIME = "application/vnd.custmeasure.signoff+json"
PARAMETERS = (
    'shop_folder: str = ""  # the folder of the shop\n'
    'date: str = ""  # the day of the report\n'
    'lang: str = "ko"  # ko or en\n'
    'segment: str = "all"  # whose visits\n'
    "steps: list = []  # events in order"
)


def sign_off(**changes: object) -> str:
    """Return the code of a last cell, with a record of its own."""
    record = {
        "completed": True,
        "verdict": "better",
        "code": None,
        "headline": {"ko": "B가 더 좋습니다.", "en": "B is better by 2 points."},
        "reason": {"ko": "구간이 0을 포함하지 않습니다.", "en": "The interval excludes 0."},
        "results": [],
        "tables": {},
        "shop": "Café 커피",
        "as_of": "2026-01-30T15:00:00+00:00",
        "decision": "",
        "blocked": False,
    } | changes
    text = json.dumps(record, ensure_ascii=False)
    bundle = f'{{"{MIME}": json.loads({text!r}), "text/html": "<p>provenance</p>"}}'
    return f"import json\nfrom IPython.display import display\ndisplay({bundle}, raw=True)"


def cell(source: str, *tags: str, kind: str = "code") -> dict:
    """Return one cell."""
    made = {"cell_type": kind, "id": f"c{abs(hash(source)) % 10**8}", "metadata": {}}
    made |= {"source": source}
    if tags:
        made["metadata"]["tags"] = list(tags)
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def prose(ko: str, en: str) -> list[dict]:
    """Return a pair of Markdown cells."""
    return [cell(ko, "ko", kind="markdown"), cell(en, "en", kind="markdown")]


def notebook(*cells: dict | str, parameters: str = PARAMETERS, last: str | None = None) -> dict:
    """Return a notebook: a title, parameters, the given cells and a sign-off."""
    body = [cell(c) if isinstance(c, str) else c for c in cells]
    head = [*prose("# 깔때기\n\n무엇을 봅니까?", "# Funnel\n\nWhat is asked?")]
    end = cell(sign_off() if last is None else last)
    cells_ = [*head, cell(parameters, "parameters"), *body, end]
    return {"cells": cells_, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
