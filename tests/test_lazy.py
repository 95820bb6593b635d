"""Names that are loaded when they are first used."""

import gc
import subprocess
import sys

import pytest

from custmeasure import lazy


@pytest.mark.parametrize("was_on", [True, False])
def test_loading_leaves_the_garbage_collector_as_it_was(was_on):
    before = gc.isenabled()
    (gc.enable if was_on else gc.disable)()
    try:
        assert lazy.loaded("json", "custmeasure.errors").__name__ == "custmeasure.errors"
        with pytest.raises(ModuleNotFoundError):
            lazy.loaded("custmeasure.nothing_of_this_name")
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()


def test_every_name_of_the_statistics_is_what_it_says_whatever_was_loaded_before():
    code = (
        "import pkgutil, importlib, custmeasure.stats as stats\n"
        "for found in pkgutil.iter_modules(stats.__path__):\n"
        "    importlib.import_module('custmeasure.stats.' + found.name)\n"
        "print([n for n in stats.__all__ if not callable(getattr(stats, n))])\n"
        "print(set(stats.__all__) ^ set(dir(stats)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["[]", "set()"]


def test_a_table_of_units_is_read_before_scipy_is_loaded_and_judged_without_pandas(tmp_path):
    """A process that only answers one test is as quick as its reading (benchmarks/copy_test.py)."""
    path = tmp_path / "units.csv"
    path.write_text("variant,orders\n" + "A,1\nA,0\nB,1\nB,2\n" * 50, encoding="utf-8")
    code = (
        "import sys\n"
        "from custmeasure import UnitMetric, copy_test_from_units\n"
        "from custmeasure.engine import moments\n"
        "summed, seen = moments._summed, []\n"
        "def spied(*given):\n"
        "    seen.extend({'pandas', 'scipy', 'pyarrow'} & set(sys.modules))\n"
        "    return summed(*given)\n"
        "moments._summed = spied\n"
        f"result = copy_test_from_units({str(path)!r}, {{'orders': UnitMetric('orders')}})\n"
        "row, = result.records('metrics')\n"
        "print(row['n_units'], round(row['p_value'], 6), result.verdict, seen)\n"
        "print({'pandas', 'pyarrow', 'babel'} & set(sys.modules))\n"
        "print(result.frame['n_units'].tolist(), result.metrics['n_units'].tolist())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:3] == ["100 0.0 better []", "set()", "[100, 100] [100]"]
