"""Whether a notebook came to its end."""

import pytest

from custmeasure.report.failure import Failure
from custmeasure.report.signoff import MIME, SignOff, read_sign_off

RECORD = {
    "completed": True,
    "verdict": "cannot_tell",
    "code": "FEW",
    "headline": {"ko": "아직", "en": "Not yet"},
    "reason": {"ko": "적음", "en": "Few"},
}


def code(count, record=None, tags=()):
    outputs = [{"output_type": "display_data", "data": {MIME: record}}] if record else []
    return {
        "cell_type": "code",
        "source": "x",
        "execution_count": count,
        "outputs": outputs,
        "metadata": {"tags": list(tags)},
    }


def test_a_signed_notebook_gives_its_record():
    signed = read_sign_off([{"cell_type": "markdown", "source": ""}, code(1), code(2, RECORD)])
    assert isinstance(signed, SignOff)
    assert (signed.verdict, signed.code, signed.blocked) == ("cannot_tell", "FEW", False)
    assert signed.headline.in_("ko") == "아직"


def test_a_cell_that_did_not_run_is_named_as_its_author_counts():  # F07
    cells = [
        code(1),
        code(2, tags=["injected-parameters"]),
        code(3),
        code(None),
        code(None, RECORD),
    ]
    outcome = read_sign_off(cells)
    assert isinstance(outcome, Failure)
    assert outcome.en.startswith("Code cell 3 did not run")


@pytest.mark.parametrize(
    "record",
    [
        None,
        {**RECORD, "completed": False},
        {**RECORD, "completed": 1},
        {**RECORD, "verdict": "splendid"},
        [],
    ],
)
def test_the_last_cell_must_sign(record):
    outcome = read_sign_off([code(1, RECORD), code(2, record)])
    assert isinstance(outcome, Failure)
    assert "sign_off" in outcome.en


def test_cells_out_of_order_are_not_a_run():
    assert isinstance(read_sign_off([code(2), code(1, RECORD)]), Failure)


def test_a_notebook_without_code_is_not_signed():
    assert isinstance(read_sign_off([]), Failure)
