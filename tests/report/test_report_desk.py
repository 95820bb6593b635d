"""A kernel that waits for its notebook: started early, gone without a trace."""

from pathlib import Path

from tiny_notebooks import notebook

from custmeasure.report.desk import Desk
from custmeasure.report.failure import Failure
from custmeasure.report.run import run_report


def test_a_desk_that_was_opened_and_never_used_leaves_nothing(tmp_path):
    desk = Desk(tmp_path)
    desk.open()
    process = desk.manager.provisioner.process
    connection = Path(desk.manager.connection_file)
    assert process.poll() is None
    assert connection.exists()
    desk.close()
    desk.close()
    assert process.poll() is not None
    assert not connection.exists()


def test_no_kernel_starts_after_the_end(tmp_path):
    desk = Desk(tmp_path)
    desk.end(Failure("끝", "over"))
    desk.open()
    assert desk.manager.provisioner is None
    desk.close()


def test_a_kernel_that_loaded_ahead_leaves_no_name_behind(make_shop, out):
    code = (
        "import sys; assert 'custmeasure.notebook' in sys.modules\n"
        "assert not [name for name in dir() if 'custmeasure' in name]"
    )
    shop = make_shop(funnel=notebook(code))
    assert run_report(shop, date="2026-01-31", out=out, lang="en").exit_code == 0
