"""run.json and the lists of reports."""

import json
import os
from dataclasses import replace

import pytest

from custmeasure.report.index import last_good, rebuild
from custmeasure.report.manifest import (
    FILE,
    Entry,
    Manifest,
    PageFile,
    is_day,
    merged,
    read_all,
    read_manifest,
)

GOOD = Entry(
    "funnel",
    "published",
    {"en": "Where do <i>visitors</i> stop?"},
    "worse",
    {"ko": "낮습니다", "en": "Below target"},
    {"ko": "적음", "en": "Few"},
    {"en": PageFile("funnel.html", "0" * 64)},
)
BAD = Entry(
    "funnel", "failed", exit_code=4, exit_reason={"ko": "죽음", "en": "The kernel died in cell 12"}
)


def publish(out, date, *entries, shop="Café <b>"):
    folder = out / date
    folder.mkdir(parents=True)
    for entry in entries:
        for page in entry.pages.values():
            (folder / page.file).write_text("<html></html>")
    manifest = Manifest(date, shop, "en", {entry.name: entry for entry in entries})
    (folder / FILE).write_bytes(manifest.to_json())


def test_a_manifest_is_read_back(tmp_path):
    publish(tmp_path, "2026-01-30", GOOD, shop="커피")
    read = read_manifest(tmp_path / "2026-01-30")
    assert read == Manifest("2026-01-30", "커피", "en", {"funnel": GOOD})


def test_a_plan_is_called_a_plan(tmp_path):
    plan = replace(GOOD, verdict="cannot_tell", code="PLAN", headline={"en": "14 weeks will do"})
    publish(tmp_path, "2026-01-30", plan)
    assert read_manifest(tmp_path / "2026-01-30").entries["funnel"].code == "PLAN"
    rebuild(tmp_path)
    for page in (tmp_path / "index.html", tmp_path / "2026-01-30" / "index.html"):
        text = page.read_text("utf-8").partition("<details>")[0]
        assert 'class="chip plan"' in text
        assert "Cannot tell yet" not in text
    assert "nothing to judge yet" in (tmp_path / "index.html").read_text("utf-8")
    raw = json.loads((tmp_path / "2026-01-30" / FILE).read_text("utf-8"))
    del raw["notebooks"][0]["code"]  # as earlier versions wrote it
    (tmp_path / "2026-01-30" / FILE).write_text(json.dumps(raw), "utf-8")
    assert read_manifest(tmp_path / "2026-01-30").entries["funnel"].code is None


def test_a_page_that_is_gone_is_not_listed(tmp_path):
    publish(tmp_path, "2026-01-30", GOOD)
    (tmp_path / "2026-01-30" / "funnel.html").unlink()
    entry = read_manifest(tmp_path / "2026-01-30").entries["funnel"]
    assert (entry.status, entry.pages) == ("failed", {})


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 99},
        {"language": "fr"},
        {"notebooks": [{"name": "../x"}]},
        {"notebooks": "x"},
    ],
)
def test_a_manifest_not_to_trust_is_left_out(tmp_path, change):
    publish(tmp_path, "2026-01-30", GOOD)
    path = tmp_path / "2026-01-30" / FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert read_manifest(path.parent) is None
    path.write_text("{")
    assert read_manifest(path.parent) is None


def test_a_page_name_that_leads_elsewhere_is_not_linked(tmp_path):  # S13
    odd = replace(GOOD, pages={"en": PageFile("../../x.html", "")})
    publish(tmp_path, "2026-01-30", GOOD)
    path = tmp_path / "2026-01-30" / FILE
    path.write_bytes(Manifest("2026-01-30", "x", "en", {"funnel": odd}).to_json())
    assert read_manifest(path.parent).entries["funnel"].pages == {}


def test_a_failed_notebook_keeps_its_page_and_others_stay():  # F08
    before = Manifest(
        "2026-01-30", "x", "en", {"funnel": GOOD, "retention": replace(GOOD, name="retention")}
    )
    after = merged(before, {"funnel": BAD})
    assert after["funnel"].status == "kept"
    assert after["funnel"].pages == GOOD.pages
    assert after["funnel"].exit_code == 4
    assert after["retention"].status == "published"
    assert merged(None, {"funnel": BAD})["funnel"] == BAD


def test_the_index_shows_failures_and_the_last_good_date(tmp_path):  # F24
    publish(tmp_path, "2026-01-30", GOOD)
    publish(tmp_path, "2026-01-31", BAD, replace(BAD, name="retention"))
    text = rebuild(tmp_path).path.read_text()
    assert text.index("31 January 2026") < text.index("30 January 2026")
    assert '<a href="2026-01-30/funnel.html">2026-01-30</a>' in text
    assert "never published" in text
    day = (tmp_path / "2026-01-31" / "index.html").read_text()
    assert '<a href="../2026-01-30/funnel.html">2026-01-30</a>' in day
    assert "The kernel died in cell 12" in day
    assert last_good("funnel", "2026-01-29", read_all(tmp_path)) is None


def test_the_index_escapes_everything(tmp_path):  # S04
    publish(tmp_path, "2026-01-30", GOOD)
    text = rebuild(tmp_path).path.read_text()
    assert "Café &lt;b&gt;" in text
    assert "Where do &lt;i&gt;visitors&lt;/i&gt; stop?" in text


def test_odd_names_are_not_followed_but_told(tmp_path):  # F23
    publish(tmp_path, "2026-01-30", GOOD)
    (tmp_path / "2026-01-31").symlink_to(tmp_path / "2026-01-30")
    os.mkfifo(tmp_path / "2026-02-01")
    (tmp_path / "notes").mkdir()
    listed = rebuild(tmp_path)
    assert listed.ignored == ("2026-01-31", "2026-02-01")
    assert "31 January" not in listed.path.read_text()


def test_an_unchanged_index_is_not_written_again(tmp_path):  # F16
    publish(tmp_path, "2026-01-30", GOOD)
    first = rebuild(tmp_path).path.stat()
    assert rebuild(tmp_path).path.stat().st_ino == first.st_ino


def test_an_empty_folder_says_what_to_do(tmp_path):
    assert "custmeasure run" in rebuild(tmp_path, "en").path.read_text()


@pytest.mark.parametrize(
    "name", ["20260131", "2026-1-31", "2026-W05-6", "2026-02-30", "２０２６-01-31"]
)
def test_only_dates_are_dates(name):  # S12
    assert not is_day(name)
