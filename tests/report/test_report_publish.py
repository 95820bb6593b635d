"""Lock, staging and publishing."""

import errno
import os
import stat
import subprocess
import sys
import threading

import pytest

from custmeasure.errors import Busy, EnvironmentProblem
from custmeasure.report.lock import held
from custmeasure.report.publish import check_out, move_all, replace_file, staging, write_synced

HOLD = """
import sys, time
from pathlib import Path
from custmeasure.report.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Return a process that holds a lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_held_lock_names_its_holder(holder, tmp_path):  # F09
    with pytest.raises(Busy, match=str(holder.pid)), held(tmp_path / "lock"):
        pass


def test_a_killed_holder_leaves_no_lock(holder, tmp_path):  # F20
    holder.kill()
    holder.wait()
    with held(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_lock_can_be_waited_for(tmp_path):
    with held(tmp_path / "lock"):
        pass
    with held(tmp_path / "lock", wait=1), pytest.raises(Busy), held(tmp_path / "lock", wait=0.1):
        pass


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(EnvironmentProblem), held(tmp_path / "lock"):
        pass
    assert not (tmp_path / "victim").exists()


def test_pages_replace_what_is_there(tmp_path):
    folder = tmp_path / "2026-01-31"
    folder.mkdir()
    (folder / "a.html").write_text("old")
    with staging(tmp_path, "2026-01-31") as staged:
        write_synced(staged / "a.html", b"new")
        move_all(staged, folder)
    assert (folder / "a.html").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["2026-01-31"]


def test_a_file_is_on_the_disk_before_it_is_named_and_the_folder_after(
    tmp_path, monkeypatch
):  # F25
    calls = []
    fsync, rename = os.fsync, os.replace

    def synced(handle):
        calls.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        fsync(handle)

    def renamed(source, target):
        calls.append("rename")
        rename(source, target)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr("os.replace", renamed)
    replace_file(tmp_path, "run.json", b"{}")
    with staging(tmp_path, "2026-01-31") as staged:
        write_synced(staged / "a.html", b"a")
        move_all(staged, tmp_path / "2026-01-31")
    assert calls == ["sync file", "rename", "sync folder"] * 2


def test_a_disk_error_leaves_the_old_page(tmp_path, monkeypatch):  # F04
    replace_file(tmp_path, "a.html", b"old")

    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        replace_file(tmp_path, "a.html", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.html", b"old")]


def test_staging_left_by_a_killed_run_goes_and_others_stay(tmp_path):
    (tmp_path / ".staging-2026-01-31-dead").mkdir()
    (tmp_path / ".staging-2026-02-01-alive").mkdir()
    with staging(tmp_path, "2026-01-31"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == [".staging-2026-02-01-alive"]


def test_a_link_named_as_a_date_is_refused(tmp_path):  # S15 F23
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "2026-01-31").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentProblem, match="is a link"):
        check_out(tmp_path, "2026-01-31")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_pipe_named_as_a_date_is_refused(tmp_path):  # F23
    os.mkfifo(tmp_path / "2026-01-31")
    with pytest.raises(EnvironmentProblem):
        check_out(tmp_path, "2026-01-31")


def test_a_link_where_a_page_belongs_is_refused(tmp_path):  # S15
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "index.html").symlink_to(tmp_path / "victim")
    with pytest.raises(EnvironmentProblem):
        replace_file(tmp_path, "index.html", b"x")
    assert (tmp_path / "victim").read_text() == "mine"


def test_a_folder_that_cannot_be_made_exits_3(tmp_path):  # F11, also as root
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem) as caught:
        check_out(tmp_path / "file" / "reports", "2026-01-31")
    assert caught.value.exit_code == 3


def test_a_folder_that_may_not_be_written_exits_3(tmp_path):  # F11
    tmp_path.chmod(0o555)
    root = os.geteuid() == 0  # who may write everywhere, and so proves nothing
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(EnvironmentProblem):
            check_out(tmp_path, "2026-01-31")
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o755)


def test_readers_never_see_half_a_page(tmp_path):  # L08
    pages = [f"<html>{n}{'x' * 20_000}{n}</html>".encode() for n in range(200)]
    replace_file(tmp_path, "a.html", pages[0])
    torn, stop = [], threading.Event()

    def read():
        while not stop.wait(0.005):
            if (tmp_path / "a.html").read_bytes() not in known:
                torn.append(1)

    known = set(pages)
    readers = [threading.Thread(target=read) for _ in range(50)]
    for reader in readers:
        reader.start()
    for text in pages:
        replace_file(tmp_path, "a.html", text)
    stop.set()
    for reader in readers:
        reader.join()
    assert torn == []
