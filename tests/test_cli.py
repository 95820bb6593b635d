"""The command line: exit codes, one sentence an error, working folders."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custmeasure import cli
from custmeasure.cli import app, lab_command
from custmeasure.errors import Busy, DataError, EnvironmentProblem

SIGN_OFF = """
import json
from IPython.display import display
words = {"ko": "좋습니다.", "en": "Fine."}
record = {"completed": True, "verdict": "better", "headline": words, "reason": words, "tables": {}}
display({"application/vnd.custmeasure.signoff+json": record, "text/html": "<p>x</p>"}, raw=True)
"""
PARAMETERS = 'lang: str = "ko"  # ko or en\nwindow: str = "7d"  # how long'


def write_notebook(path: Path, last: str = SIGN_OFF) -> None:
    def code(name, source, *tags):
        return {
            "cell_type": "code",
            "id": name,
            "metadata": {"tags": list(tags)},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }

    cells = [code("a", PARAMETERS, "parameters"), code("b", last)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Return a shop with one notebook, in a folder where we are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    folder = tmp_path / "shop"
    write_notebook(folder / "notebooks" / "funnel.ipynb")
    (folder / "shop.toml").write_text('name = "Café"\nlanguage = "en"\n')
    (folder / "events.csv").write_text("visitor_id,at,event\n001,2026-01-05T09:00:00+09:00,view\n")
    return folder


def call(*arguments):
    """Run a command; return its exit code, stdout and stderr."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert "--debug" in arguments or "Traceback" not in result.output
    return result.exit_code, result.stdout, result.stderr


def test_a_run_says_what_it_published_and_what_to_open(shop):
    code, said, log = call("run", shop, "--date", "2026-01-31", "-p", "window=3d")
    assert code == 0
    assert "1 page published" in said
    assert "reports/2026-01-31/funnel.html" in said
    assert "Open reports/index.html" in said
    assert "funnel (en) started" in log
    assert (Path("reports") / "index.html").is_file()


def test_a_run_that_did_not_publish_never_exits_0(shop):
    write_notebook(shop / "notebooks" / "funnel.ipynb", last="1 / 0")
    code, said, log = call("run", shop, "--date", "2026-01-31")
    assert code == 4
    assert "Nothing was published" in said
    assert "funnel: Code cell 2 failed (ZeroDivisionError)." in log
    assert "runs/" in log
    code, _, log = call("run", shop, "--date", "2026-01-31", "--debug")
    assert code == 4
    assert "division by zero" in log


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["run", "shop", "--date", "20260131"], 2, "is not a day"),
        (["run", "shop", "--only", "funel"], 2, "Did you mean 'funnel'"),
        (["run", "shop", "-p", "windw=7d"], 2, "Did you mean 'window'"),
        (["run", "shop", "-p", "window"], 2, "is not name=value"),
        (["run", "shop", "--lang", "fr"], 2, "language 'fr' does not exist"),
        (["run", "nowhere"], 2, "no folder nowhere"),
        (["run", "shop", "--out", "shop/shop.toml/x"], 3, "cannot be written"),
        (["run", "shop", "--jobs", "0"], 2, "jobs"),
        (["run", "--shop"], 2, "No such option"),
        (["fly"], 2, "No such command"),
        (["check", "nowhere"], 2, "no folder nowhere"),
        (["init", "shop"], 2, "nothing is overwritten"),
        (["index", "--out", "nowhere"], 2, "There is no folder nowhere"),
    ],
)
def test_mistakes_are_one_sentence_and_an_exit_code(shop, arguments, code, sentence):  # R4 S10 S12
    found, _, log = call(*arguments)
    assert sentence in log
    assert found == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("나쁨", "bad rows"), 1),
        (EnvironmentProblem("디스크", "bad rows"), 3),
        (Busy("바쁨", "bad rows"), 75),
        (RuntimeError("/home/jiyoon"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_exit_code(shop, monkeypatch, error, code):  # R4
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("custmeasure.report.run.run_report", fail)
    found, _, log = call("run", shop)
    assert found == code
    assert "jiyoon" not in log
    if code == 4:
        assert "Run again with --debug" in log


def test_the_shop_speaks_its_language(shop):
    toml = shop / "shop.toml"
    toml.write_text(toml.read_text().replace('"en"', '"ko"'))
    assert "날짜가 아닙니다" in call("run", shop, "--date", "x")[2]
    assert "is not a day" in call("run", shop, "--date", "x", "--lang", "en")[2]


def test_without_a_shop_the_terminals_language_is_spoken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert "폴더가 없습니다" in call("run", "nowhere")[2]
    monkeypatch.setenv("LC_ALL", "C")
    assert "There is no folder" in call("run", "nowhere")[2]


def test_the_nearest_shop_is_found(shop, monkeypatch):
    monkeypatch.chdir(shop / "notebooks")
    code, said, _ = call("check")
    assert code == 0
    assert "events" in said


def test_index_is_rebuilt(shop):
    call("run", shop, "--date", "2026-01-31")
    before = Path("reports/index.html").read_bytes()
    Path("reports/index.html").unlink()
    code, said, _ = call("index")
    assert (code, said) == (0, "Open reports/index.html\n")
    assert Path("reports/index.html").read_bytes() == before


def test_init_makes_a_working_folder_and_overwrites_nothing(shop, monkeypatch, tmp_path):
    project = tmp_path / "project"
    (project / "data" / "sample").mkdir(parents=True)
    for name in ("shop.toml", "events.csv"):
        (project / "data" / "sample" / name).write_text((shop / name).read_text())
    monkeypatch.setattr(cli, "_PACKAGE", project / "custmeasure")
    code, said, _ = call("init", "mine")
    assert code == 0
    assert "custmeasure run mine" in said
    assert (tmp_path / "mine" / "shop.toml").is_file()
    assert (tmp_path / "mine" / "notebooks" / "measure" / "funnel.ipynb").is_file()
    assert call("check", "mine")[0] == 0
    assert call("init", "mine")[0] == 2


def test_sample_writes_a_shop(tmp_path):
    assert call("sample", "--out", tmp_path / "s", "--scale", "0.01", "--seed", "3")[0] == 0
    assert (tmp_path / "s" / "shop.toml").is_file()


def test_help_is_quick_and_loads_no_slow_room():
    listing = [sys.executable, "-X", "importtime", "-m", "custmeasure.cli", "--help"]
    result = subprocess.run(listing, capture_output=True, text=True, check=True)
    assert "Commands" in result.stdout
    for room in ("pandas", "papermill", "nbconvert", "duckdb", "matplotlib"):
        assert not re.search(rf"\| +{room}$", result.stderr, re.MULTILINE)


def test_lab_command_names_the_folder_and_this_python(tmp_path):
    command = lab_command(tmp_path, 8899, browser=False)
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert "--no-browser" in command
    assert "--no-browser" not in lab_command(tmp_path, 8899, browser=True)


def test_lab_opens_where_the_shop_and_its_notebooks_are(shop, tmp_path):
    assert cli._lab_root(shop) == shop
    repository = Path(cli.__file__).resolve().parents[1]
    assert cli._lab_root(repository / "data" / "sample") == repository
    assert cli._lab_root(tmp_path) == tmp_path


@pytest.mark.slow
def test_lab_starts_and_has_our_kernel(shop, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = tmp_path / "jupyter"
    settings.mkdir()
    allow = {"ServerApp": {"allow_root": True}}  # some machines test as root
    (settings / "jupyter_server_config.json").write_text(json.dumps(allow))
    command = [sys.executable, "-m", "custmeasure.cli", "lab", str(shop), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--no-browser"],
        env=os.environ | {"JUPYTER_TOKEN": "t", "JUPYTER_CONFIG_DIR": str(settings)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        status = ask(f"http://127.0.0.1:{port}/api/status?token=t")
        specs = ask(f"http://127.0.0.1:{port}/api/kernelspecs?token=t")
        started = ask(f"http://127.0.0.1:{port}/api/kernels?token=t", b'{"name": "python3"}')
        found = ask(
            f"http://127.0.0.1:{port}/api/contents/notebooks/funnel.ipynb?token=t&content=0"
        )
    finally:
        process.terminate()
        process.wait(timeout=20)
    assert status["kernels"] == 0
    assert "python3" in specs["kernelspecs"]
    assert started["name"] == "python3"
    assert found["type"] == "notebook"


def ask(url: str, data: bytes | None = None) -> dict:
    """Return the JSON answer of a server that may still be starting; ``data`` is posted."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, data, timeout=20) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["run", "nowhere"], 2)])
def test_the_process_ends_with_the_command_s_code_and_all_it_said(words, code):
    command = [sys.executable, "-m", "custmeasure.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert ("nowhere" in done.stderr) if code else done.stdout.strip()
