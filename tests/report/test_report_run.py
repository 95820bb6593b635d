"""Whole runs: kernels, failures, publishing. Slow, so each test asks several things of one run."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
from tiny_notebooks import notebook, prose, sign_off

from custmeasure.errors import Busy, DataError, UnknownName, UsageError
from custmeasure.report.lock import held
from custmeasure.report.run import run_report
from custmeasure.report.zygote import AVAILABLE

DAY = "2026-01-31"


def manifest(out, day=DAY):
    return json.loads((out / day / "run.json").read_text("utf-8"))


def entry(out, name):
    return next(item for item in manifest(out)["notebooks"] if item["name"] == name)


def kernels(parent):
    """Return the kernels that a process has started and that still live, and what forks them."""
    found = set()
    for process in psutil.Process(parent).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            command = " ".join(process.cmdline())
            if "ipykernel_launcher" in command or "report.forked" in command:
                found.add(process.pid)
    return found


def alive(pid):
    """Say whether a process still runs."""
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def no_kernel_starts(monkeypatch):
    """Fail when a notebook is run."""
    monkeypatch.setattr(
        "custmeasure.report.run.Crew.work", lambda *_: pytest.fail("a kernel started")
    )


def test_a_run_publishes_pages_manifest_and_indexes(make_shop, out):
    show = "print('segment', segment, steps)"
    shop = make_shop(funnel=notebook(show), retention=notebook(*prose("## 하나", "## One")))
    steps = []
    outcome = run_report(shop, date=DAY, out=out, lang="both", parameters={"segment": "00123"},
                         on_progress=steps.append)  # fmt: skip
    assert outcome.exit_code == 0
    assert sorted(p.name for p in outcome.pages) == [
        "funnel.en.html", "funnel.ko.html", "retention.en.html", "retention.ko.html"
    ]  # fmt: skip
    page = (out / DAY / "funnel.en.html").read_text("utf-8")
    assert "segment 00123 []" in page  # S11
    assert "B is better by 2 points." in page
    assert "Which" not in page
    assert "무엇을 봅니까" not in page
    assert str(shop) not in page  # S31
    made = entry(out, "funnel")
    assert (made["status"], made["verdict"], made["exit_code"]) == ("published", "better", 0)
    assert made["parameters"] == {"segment": "00123", "steps": []}
    assert str(shop) not in (out / DAY / "run.json").read_text("utf-8")
    assert {"python", "duckdb", "papermill"} <= set(manifest(out)["versions"])
    index = (out / "index.html").read_text("utf-8")
    assert f"{DAY}/retention.en.html" in index
    assert {step.state for step in steps} == {"running", "done"}
    assert [path.name for path in (out.parent / "runs").iterdir()] == ["history.sqlite"]
    assert sorted(p.name for p in out.iterdir()) == [".locks", DAY, "index.html"]


def test_failures_of_every_kind_are_told_and_the_rest_is_published(make_shop, out):
    shop = make_shop(
        asserts=notebook("a = 1", "assert a == 2"),
        blocked=notebook(last=sign_off(blocked=True, verdict="invalid", code="ONE_VARIANT")),
        dies=notebook("import os", "os.kill(os.getpid(), 9)"),
        exits=notebook("import sys", "sys.exit(0)", "x = 1"),
        good=notebook(),
        leaks=notebook("import os\nprint(os.environ['SHOP_PASSWORD'])"),
        tells=notebook(
            "from custmeasure.errors import EnvironmentProblem",
            "words = f'no {shop_folder}/x, no /home/jiyoon/x'\nraise EnvironmentProblem(words, words)",
        ),
        unsigned=notebook(last="1 + 1"),
        usage=notebook(
            "from custmeasure.errors import UnknownName\nraise UnknownName('step', 'byu', ['buy'])"
        ),
    )
    started = time.monotonic()
    outcome = run_report(shop, date=DAY, out=out)
    assert time.monotonic() - started < 60
    assert outcome.exit_code == 4
    said = {name: failure.en for name, failure in outcome.failures.items()}
    assert said == {
        "asserts": "Code cell 3 failed (AssertionError).",  # F08
        "dies": "The kernel died in cell 3, likely memory.",  # F05
        "exits": "Code cell 4 did not run: the notebook stopped before it.",  # F07
        "leaks": "The page was not published: it holds the value of SHOP_PASSWORD.",  # S22 S24
        "tells": "no …/x, no …/x",  # S31
        "unsigned": "The last code cell did not end with cm.sign_off.",
        "usage": "step 'byu' does not exist. Did you mean 'buy'? Seen: buy.",
    }
    assert {name: failure.exit_code for name, failure in outcome.failures.items()} == {
        "asserts": 4, "dies": 4, "exits": 4, "leaks": 1, "tells": 3, "unsigned": 4, "usage": 2
    }  # fmt: skip
    assert sorted(p.name for p in outcome.pages) == ["blocked.html", "good.html"]
    assert entry(out, "blocked")["exit_code"] == 1  # T14: shown, and the run does not exit 0
    assert sorted(path.name for path in outcome.copies) == [
        f"{name}.en.ipynb" for name in sorted(said)
    ]
    everything = b"".join(p.read_bytes() for p in out.parent.rglob("*") if p.is_file())
    assert everything.count(b"S3cr3t-canary") == 0  # S22
    assert "never published" in (out / "index.html").read_text("utf-8")  # F24
    assert kernels(os.getpid()) == set()


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "S3cr3t-canary")


def test_a_failed_notebook_keeps_its_last_good_page(make_shop, out):  # F08 F16
    shop = make_shop(funnel=notebook("x = 1"), other=notebook())
    run_report(shop, date=DAY, out=out)
    first = {p.name: p.read_text("utf-8").splitlines() for p in (out / DAY).glob("*.html")}
    run_report(shop, date=DAY, out=out)
    second = {p.name: p.read_text("utf-8").splitlines() for p in (out / DAY).glob("*.html")}
    for name, lines in first.items():
        differing = [a for a, b in zip(lines, second[name], strict=True) if a != b]
        assert all(line.startswith('<p class="generated">') for line in differing), name
    make_shop(funnel=notebook("1 / 0"))
    outcome = run_report(shop, date=DAY, out=out, only=["funnel"])
    assert outcome.exit_code == 4
    assert (out / DAY / "funnel.html").read_text("utf-8").splitlines() == second["funnel.html"]
    assert entry(out, "funnel")["status"] == "kept"
    assert entry(out, "other")["status"] == "published"
    assert f'last good <a href="{DAY}/funnel.html">{DAY}</a>' in (out / "index.html").read_text(
        "utf-8"
    )


def test_pages_of_another_choice_of_languages_go(make_shop, out):
    shop = make_shop(funnel=notebook())
    run_report(shop, date=DAY, out=out, lang="both")
    run_report(shop, date=DAY, out=out, lang="ko")
    assert sorted(p.name for p in (out / DAY).glob("*.html")) == ["funnel.html", "index.html"]
    page = (out / DAY / "funnel.html").read_text("utf-8")
    assert "무엇을 봅니까" in page
    assert "한국어" not in page


def test_a_page_that_cannot_be_made_does_not_stop_the_others(make_shop, out, monkeypatch):  # F24
    def title(notebook_, otherwise):
        if otherwise == "bad":
            raise RuntimeError("/home/jiyoon")
        return otherwise

    monkeypatch.setattr("custmeasure.report.render.title_of", title)
    outcome = run_report(make_shop(bad=notebook(), good=notebook()), date=DAY, out=out)
    assert outcome.failures["bad"].en == "The page could not be made (RuntimeError)."
    assert [page.name for page in outcome.pages] == ["good.html"]
    assert outcome.exit_code == 4


def test_limits_are_kept_from_outside_the_kernel(make_shop, out):  # F06
    stubborn = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    shop = make_shop(forever=notebook(stubborn), good=notebook())
    started = time.monotonic()
    outcome = run_report(shop, date=DAY, out=out, notebook_timeout=8)
    assert time.monotonic() - started < 40
    assert "was stopped" in outcome.failures["forever"].en
    assert [p.name for p in outcome.pages] == ["good.html"]
    outcome = run_report(shop, date=DAY, out=out, jobs=1, run_timeout=3)
    assert "whole run" in outcome.failures["forever"].en
    assert "whole run" in outcome.failures["good"].en
    assert entry(out, "good")["status"] == "kept"
    assert kernels(os.getpid()) == set()


def test_tables_that_change_during_a_run_are_refused(make_shop, out):  # F21 B33
    def record(digest):
        return sign_off(tables={"orders": {"sha256": digest, "rows_in_file": 3}})

    shop = make_shop(a=notebook(last=record("1")), b=notebook(last=record("2")))
    outcome = run_report(shop, date=DAY, out=out)
    assert outcome.exit_code == 1
    assert "orders changed during the run" in outcome.failures["a"].en
    assert outcome.pages == ()


@pytest.mark.parametrize(
    "day",
    ["../../etc", "2026-1-31", "20260131", "2026-W05-6", "２０２６-01-31", "2026-01-31\n"],
)
@pytest.mark.usefixtures("no_kernel_starts")
def test_odd_dates(make_shop, out, day):  # S12
    with pytest.raises(UsageError, match="is not a day"):
        run_report(make_shop(funnel=notebook()), date=day, out=out)
    assert not out.exists()


@pytest.mark.usefixtures("no_kernel_starts")
def test_unknown_names(make_shop, out):  # S10
    shop = make_shop(funnel=notebook())
    with pytest.raises(UnknownName, match="Did you mean 'segment'"):
        run_report(shop, date=DAY, out=out, parameters={"segmnt": "x"})
    with pytest.raises(UnknownName, match="Did you mean 'funnel'"):
        run_report(shop, date=DAY, out=out, only=["funnle"])
    with pytest.raises(UnknownName):
        run_report(shop, date=DAY, out=out, lang="fr")


@pytest.mark.usefixtures("no_kernel_starts")
def test_a_secret_as_a_parameter(make_shop, out):  # S22
    with pytest.raises(UsageError, match="holds a secret") as caught:
        run_report(make_shop(funnel=notebook()), out=out, parameters={"segment": "x S3cr3t-canary"})
    assert "canary" not in str(caught.value)


@pytest.mark.usefixtures("no_kernel_starts")
def test_a_held_lock(make_shop, out):  # F09
    shop = make_shop(funnel=notebook())
    with held(out / ".locks" / f"{DAY}.lock"), pytest.raises(Busy):
        run_report(shop, date=DAY, out=out)


@pytest.mark.usefixtures("no_kernel_starts")
def test_a_folder_that_is_no_shop(tmp_path, out):
    with pytest.raises(UsageError):
        run_report(tmp_path, out=out)
    with pytest.raises(UsageError, match="no folder"):
        run_report(tmp_path / "none", out=out)


@pytest.mark.usefixtures("no_kernel_starts")
def test_limits_that_cannot_be(make_shop, out):
    with pytest.raises(UsageError):
        run_report(make_shop(funnel=notebook()), out=out, jobs=0)


def test_kernels_draw_numbers_of_their_own(make_shop, out):
    draw = notebook("import numpy as np; print('drew', np.random.rand())")
    run_report(make_shop(funnel=draw, retention=draw), date=DAY, out=out)
    drawn = {
        re.search(r"drew [0-9.]+", (out / DAY / f"{name}.html").read_text("utf-8"))[0]
        for name in ("funnel", "retention")
    }
    assert len(drawn) == 2


def test_a_notebook_s_own_plot_is_on_its_page(make_shop, out):
    """Also one that asks nothing of us: kernels loaded matplotlib before there was a shell."""
    plot = notebook("import matplotlib.pyplot as plt", "plt.plot([1, 2, 3]);")
    run_report(make_shop(funnel=plot), date=DAY, out=out)
    assert "data:image/png" in (out / DAY / "funnel.html").read_text("utf-8")


def test_where_nothing_can_be_forked_each_kernel_loads_by_itself(make_shop, out, monkeypatch):
    monkeypatch.setattr("custmeasure.report.zygote.AVAILABLE", False)
    assert run_report(make_shop(funnel=notebook()), date=DAY, out=out).exit_code == 0


def test_bad_data_end_the_run_and_nothing_is_published(make_shop, out):
    shop = make_shop(funnel=notebook("import time; time.sleep(30)"))
    (shop / "events.csv").write_text(
        "visitor_id,at,event\n1,2026-01-05T09:00:00+09:00,view,extra\n"
    )
    started = time.monotonic()
    with pytest.raises(DataError):
        run_report(shop, date=DAY, out=out)
    assert time.monotonic() - started < 20
    assert not (out / DAY).exists()
    assert kernels(os.getpid()) == set()


def test_a_braces_and_spaces_folder_works(tmp_path, out, make_shop):
    shop = make_shop(
        funnel=notebook("print(shop_folder)\nassert shop_folder.endswith('a {b} 가게')")
    )
    moved = shop.rename(shop.parent / "a {b} 가게")
    outcome = run_report(moved, date=DAY, out=out)
    assert "path of this machine" in outcome.failures["funnel"].en  # S31: it printed the path


# What a shell starts in the background ignores SIGINT, and so would its children.
RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from custmeasure.report.run import run_report
from custmeasure.report.zygote import AVAILABLE
run_report(sys.argv[1], date="2026-01-31", out=sys.argv[2],
           on_progress=lambda step: print(step.state, step.cell, flush=True))
"""


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_a_stopped_run_leaves_no_kernel_and_no_page(make_shop, out, signal_name):  # F19
    shop = make_shop(
        funnel=notebook("import time\ntime.sleep(60)"),
        other=notebook("import time\ntime.sleep(60)"),
    )
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(shop), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while "running 4" not in process.stdout.readline():
        pass
    started = kernels(process.pid)
    stopped = time.monotonic()
    process.send_signal(getattr(signal, signal_name))
    assert process.wait(timeout=5) != 0
    assert time.monotonic() - stopped < 5
    process.stdout.close()
    assert len(started) == 2 + AVAILABLE
    while any(alive(pid) for pid in started) and time.monotonic() - stopped < 5:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in started)
    assert not list(out.glob("[!.]*"))
    if signal_name != "SIGKILL":
        assert [p.name for p in out.iterdir()] == [".locks"]


KEPT = """
import time, custmeasure.report.run as run

def library():
    try:
        print("loading", flush=True)
        time.sleep(60)
    except BaseException:
        pass

inspect = run._inspect
run._inspect = lambda *given: (inspect(*given), library())
"""


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_a_library_that_catches_everything_does_not_keep_a_run_going(make_shop, out, signal_name):
    shop = make_shop(funnel=notebook("import time\ntime.sleep(60)"))
    process = subprocess.Popen(
        [sys.executable, "-c", KEPT + RUN, str(shop), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        while "loading" not in process.stdout.readline():
            pass
        process.send_signal(getattr(signal, signal_name))
        assert process.wait(timeout=15) != 0
    assert not list(out.glob("[!.]*"))


def test_starts_of_one_date_publish_once(make_shop, out):  # F09
    shop = make_shop(funnel=notebook("import time\ntime.sleep(3)"))
    script = (
        "import sys\nfrom custmeasure.errors import Busy\nfrom custmeasure.report.run import run_report\n"
        "try:\n    run_report(sys.argv[1], date='2026-01-31', out=sys.argv[2])\n"
        "except Busy as error:\n    print(error); sys.exit(75)\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(shop), str(out)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    codes = sorted(process.returncode for process in started)
    assert codes == [0, 75, 75, 75]
    assert sum(bool(re.search(r"process \d+", text)) for text in said) == 3
    assert entry(out, "funnel")["status"] == "published"


def test_two_dates_side_by_side_are_both_listed(make_shop, out):  # F10
    shop = make_shop(funnel=notebook())
    command = [sys.executable, "-c", RUN.replace("2026-01-31", "2026-01-30"), str(shop), str(out)]
    other = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    run_report(shop, date=DAY, out=out)
    assert other.wait(timeout=60) == 0
    index = (out / "index.html").read_text("utf-8")
    assert "2026-01-30/funnel.html" in index
    assert f"{DAY}/funnel.html" in index


def test_stale_outputs_are_never_used(make_shop, out):  # F22
    content = notebook("print('fresh')")
    stale = {"output_type": "stream", "name": "stdout", "text": "STALE"}
    for each in content["cells"]:
        if each["cell_type"] == "code":
            each |= {"execution_count": 9, "outputs": [stale]}
    run_report(make_shop(funnel=content), date=DAY, out=out)
    page = (out / DAY / "funnel.html").read_text("utf-8")
    assert "fresh" in page
    assert "STALE" not in page
