"""The folder of a run's data: private while it is needed, gone afterwards, even when a run was killed."""

import os
import stat
import tempfile
import time

import pytest

from custmeasure.report.lock import held
from custmeasure.report.room import room_for_data

LONG_AGO = time.time() - 86_400


@pytest.fixture
def temp(tmp_path, monkeypatch):
    """Return what is the system's temporary folder in this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(temp, name, *files, at=LONG_AGO):
    folder = temp / name
    folder.mkdir()
    for file in files:
        (folder / file).write_text("order_id", "utf-8")
    os.utime(folder, (at, at))
    return folder


def test_the_folder_is_private_and_goes_with_the_block(temp):
    with room_for_data() as folder:
        assert folder.parent == temp
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "0.arrow").write_bytes(b"rows")
    assert not folder.exists()


def test_what_a_killed_run_left_is_removed(temp):
    folder = left_behind(temp, "custmeasure-run-abc", "in-use", "0.arrow")
    with room_for_data():
        assert not folder.exists()


def test_what_is_in_use_young_or_somebody_else_s_stays(temp):
    used = left_behind(temp, "custmeasure-run-used", "in-use", "0.arrow")
    kept = [
        left_behind(temp, "custmeasure-run-young", "in-use", at=time.time()),
        left_behind(temp, "custmeasure-run-mine", "notes.txt"),  # no run made it
        left_behind(temp, "custmeasure-backup", "in-use"),
    ]
    with held(used / "in-use"):
        os.utime(used, (LONG_AGO, LONG_AGO))
        with room_for_data():
            assert used.exists()
            assert all(folder.exists() for folder in kept)
