"""Kernels forked from a process that has loaded already: each stands alone, and none outlives the run."""

import os
import signal
import time

import psutil
import pytest

from custmeasure.report.desk import Desk
from custmeasure.report.zygote import AVAILABLE, Kernel, Zygote

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="needs pidfds (Linux)")


@pytest.fixture
def zygote():
    with Zygote() as started:
        yield started


def test_a_kernel_leads_its_own_session_in_its_own_folder(zygote, tmp_path):
    desk = Desk(tmp_path, zygote)
    desk.open()
    kernel = psutil.Process(desk.manager.provisioner.process.pid)
    while kernel.cwd() != str(tmp_path):
        time.sleep(0.01)
    assert os.getsid(kernel.pid) == os.getpgid(kernel.pid) == kernel.pid
    assert "pandas" not in " ".join(kernel.cmdline())
    desk.close()
    assert not psutil.pid_exists(kernel.pid)


def test_a_kernel_that_ends_is_seen_to_and_leaves_no_zombie(zygote, tmp_path):
    desk = Desk(tmp_path, zygote)
    desk.open()
    kernel = desk.manager.provisioner.process
    assert kernel.poll() is None
    assert kernel.wait(timeout=0) is None
    kernel.terminate()
    assert kernel.wait(timeout=10) == -1
    assert kernel.poll() == -1
    kernel.kill()  # a signal to nobody
    assert not psutil.pid_exists(kernel.pid)
    assert Kernel(kernel.pid).poll() == -1
    desk.close()


def test_kernels_end_with_the_process_that_forked_them(tmp_path):
    with Zygote() as zygote:
        desk = Desk(tmp_path, zygote)
        desk.open()
        kernel = desk.manager.provisioner.process
    assert kernel.wait(timeout=5) == -1
    desk.close()


def test_no_kernel_comes_from_a_process_that_is_gone(zygote, tmp_path):
    os.kill(zygote._process.pid, signal.SIGKILL)
    zygote._process.wait()
    with pytest.raises(OSError, match="has ended|Broken pipe"):
        zygote.fork([], str(tmp_path), {})


def test_a_kernel_that_cannot_begin_says_so_and_ends(capfd, tmp_path):
    with Zygote() as zygote:
        kernel = zygote.fork([], str(tmp_path / "none"), {})
        assert kernel.wait(timeout=10) == -1
    assert "FileNotFoundError" in capfd.readouterr().err
