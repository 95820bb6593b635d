"""Errors say what was wrong, where, and what exists, in the reader's language."""

import pickle

import pytest

from custmeasure import errors, language
from custmeasure.errors import (
    Busy,
    CustmeasureError,
    DataError,
    EnvironmentProblem,
    UnknownName,
    UsageError,
    check_choice,
    listed,
    nearest,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [(UsageError, 2), (DataError, 1), (EnvironmentProblem, 3), (Busy, 75), (CustmeasureError, 4)],
)
def test_every_kind_has_its_exit_code(kind, code):
    error = kind(ko="가", en="a")
    assert error.exit_code == code
    assert isinstance(error, CustmeasureError)
    assert str(error) == "a"


def test_the_reader_s_language_decides():
    error = UsageError(ko="틀렸습니다", en="wrong")
    language.use("ko")
    assert str(error) == "틀렸습니다"
    assert error.message("en") == "wrong"
    assert error._render_traceback_() == ["UsageError: 틀렸습니다"]


def test_unknown_name_says_the_nearest_and_what_exists():
    error = UnknownName("step", "sign_up", ["view", "signup", "buy"], "events.event")
    assert error.message("en") == (
        "step 'sign_up' does not exist in events.event. Did you mean 'signup'? Seen: view, signup, buy."
    )
    assert "혹시 'signup'인가요?" in error.message("ko")
    assert "있는 것: view, signup, buy." in error.message("ko")
    assert isinstance(error, UsageError)


def test_a_long_list_says_how_many_more():
    assert listed([f"n{i}" for i in range(12)]) == "n0, n1, n2, n3, n4, n5, n6, n7 (+4)"
    assert listed([]) == "-"
    assert "Seen: -." in str(UnknownName("step", "a", []))


def test_nearest_ignores_case_and_gives_up_when_far():
    assert nearest("VISITOR_ID", ["visitor_id", "at"]) == "visitor_id"
    assert nearest("zzz", ["visitor_id", "at"]) is None
    assert nearest("주문번허", ["주문번호", "주문일시"]) == "주문번호"


def test_check_choice():
    assert check_choice("order", "any", ("ordered", "any")) == "any"
    with pytest.raises(UnknownName, match="'ordered'"):
        check_choice("order", "orderd", ("ordered", "any"))
    for value in (None, 3, ["any"], True):
        with pytest.raises(UnknownName):
            check_choice("order", value, ("ordered", "any"))


def test_every_kind_of_name_has_both_languages():
    assert all(ko and en for ko, en in errors.KINDS.values())


@pytest.mark.parametrize(
    "error",
    [
        UsageError(ko="가", en="a"),
        DataError(ko="가", en="a"),
        EnvironmentProblem(ko="가", en="a"),
        UnknownName("step", "sign_up", ["signup"]),
    ],
)
def test_errors_travel_between_processes(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (back.message("ko"), back.message("en")) == (error.message("ko"), error.message("en"))
