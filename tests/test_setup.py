"""The set-up holds together: pyproject, constraints, environment.yml, Makefile, CI and the wheel."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parent.parent

# fmt: off
EXPECTED = [
    "babel", "duckdb", "jupyterlab", "matplotlib", "nbconvert", "nbval", "nh3", "pandas", "papermill",
    "pyarrow", "rich", "scikit-learn", "scipy", "statsmodels", "typer",
]
# fmt: on
LOCKS = ["constraints.txt", "constraints-spark.txt", "constraints-peers.txt"]
UNWANTED = ["gbstats", "ibis-framework", "ipywidgets", "lifetimes", "seaborn"]


def text(name: str) -> str:
    return (REPO / name).read_text("utf-8")


def project() -> dict:
    return tomllib.loads(text("pyproject.toml"))["project"]


def pinned(*locks: str) -> dict[str, Requirement]:
    """Return the packages that the lock files pin, by name."""
    lines = [line.rstrip(" \\") for lock in locks for line in text(lock).splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith(" ")]
    return {canonicalize_name(each.name): each for each in found}


def dependencies() -> list[Requirement]:
    extras = project()["optional-dependencies"].values()
    return [Requirement(line) for group in (project()["dependencies"], *extras) for line in group]


@pytest.mark.parametrize("wanted", dependencies(), ids=str)
def test_every_dependency_is_pinned_to_a_version_it_allows(wanted):
    (pin,) = pinned(*LOCKS)[canonicalize_name(wanted.name)].specifier
    assert pin.operator == "=="
    assert wanted.specifier.contains(pin.version)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_exact_and_hashed(lock):
    blocks = re.split(r"\n(?=\S)", text(lock).strip())
    shape = re.compile(r"\S+==\S+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert [block for block in blocks if not shape.fullmatch(block)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_constraints_name_no_index(lock):
    assert "://" not in text(lock)
    assert not re.search(r"index|find-links| @ ", text(lock))


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_an_extra_takes_the_versions_of_the_environment(lock):
    base = pinned("constraints.txt")
    shared = {name: pin for name, pin in pinned(lock).items() if name in base}
    assert {n: p.specifier for n, p in shared.items()} == {n: base[n].specifier for n in shared}


def test_expected_packages_are_there_and_unwanted_ones_are_not():
    names = pinned("constraints.txt")
    assert [name for name in EXPECTED if name not in names] == []
    assert [name for name in UNWANTED if name in names] == []


def test_the_conda_environment_is_thin_and_takes_the_same_versions():
    python, pip, packages = yaml.safe_load(text("environment.yml"))["dependencies"]
    assert python.startswith(f"python {project()['requires-python']}")
    assert pip == "pip"
    assert packages == {"pip": ["-r constraints.txt"]}
    assert "pip install --no-deps --no-build-isolation -e ." in text("environment.yml")


def targets() -> list[str]:
    return re.findall(r"^([a-z]+):", text("Makefile"), flags=re.MULTILINE)


def test_every_make_target_is_called_by_ci_or_named_in_the_readme():
    known = text(".ci/run") + text("README.md")
    assert {"report", "test"} <= set(targets())
    assert [target for target in targets() if f"make {target}" not in known] == []


def test_ci_runs_the_readmes_test_command_and_lets_nothing_be_skipped():
    script = text(".ci/run")
    assert os.access(REPO / ".ci/run", os.X_OK)
    assert script.rstrip().endswith("CUSTMEASURE_REQUIRE=chromium,postgres,shared,spark make test")
    for command in ("make report", "make test"):
        assert command in text("README.md")
    for command in (
        "make lint",
        "make report",
        "make bench QUICK=1",
        "make calibrate QUICK=1",
        "make spark",
    ):
        assert f"\n{command}\n" in script


def test_the_console_script_exists():
    module, function = project()["scripts"]["custmeasure"].split(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPO, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def below(folder: str, pattern: str) -> list[str]:
    found = (path.relative_to(REPO / folder) for path in (REPO / folder).rglob(pattern))
    return [path.as_posix() for path in found if not any(part[0] == "." for part in path.parts)]


def test_the_wheel_holds_notebooks_sample_fonts_template_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = [f"custmeasure/_notebooks/{name}" for name in below("notebooks", "*.ipynb")]
    wanted += [f"custmeasure/_sample/{name}" for name in below("data/sample", "*.*")]
    wanted += [f"custmeasure/show/fonts/{name}" for name in below("custmeasure/show/fonts", "*.*")]
    wanted += [
        f"custmeasure/report/template/{name}" for name in below("custmeasure/report/template", "*")
    ]
    assert [name for name in wanted if name not in names] == []
    assert {
        "custmeasure/_notebooks/measure/funnel.ipynb",
        "custmeasure/_sample/shop.toml",
        "custmeasure/py.typed",
        "custmeasure/report/template/style.css",
        "custmeasure/show/fonts/NanumSquareR.ttf",
    } <= names


def test_the_wheel_holds_nothing_else(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"custmeasure", f"custmeasure-{project()['version']}.dist-info"}


def test_an_installed_wheel_finds_its_own_notebooks(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from custmeasure.report.notebooks import own_notebooks as own; print(own())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "custmeasure" / "_notebooks"
