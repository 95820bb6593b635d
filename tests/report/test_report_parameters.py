"""The parameters cell and the values given for it."""

import pytest

from custmeasure.errors import UnknownName, UsageError
from custmeasure.report.parameters import Parameter, assign, convert, parse_pairs, read_parameters

CELL = (
    "# what may be asked\n"
    'segment: str = "#1 = all"  # whose visits = which\n'
    "days: int = 7  # length\n"
    "share: float = -0.5\n"
    "strict: bool = True  # stop early\n"
    'steps: list = ["view", "buy"]  # in order'
)


def test_a_cell_is_read_with_types_defaults_and_help():
    found = read_parameters(CELL, "funnel")
    assert list(found) == ["segment", "days", "share", "strict", "steps"]
    assert found["segment"] == Parameter("segment", "str", "#1 = all", "whose visits = which")
    assert found["share"].default == -0.5
    assert found["share"].help == ""
    assert found["steps"].default == ["view", "buy"]


@pytest.mark.parametrize(
    "line",
    [
        "days = 7",
        "days: int",
        "days: int | None = 7",
        'days: "int" = 7',
        "days: int = 7.0",
        "days: int = True",
        "days: int = 3 + 4",
        "days: float = 1e999",
        "Days: int = 7",
        "a.b: int = 7",
        "steps: list = [1]",
        "steps: list = [\n'a']",
        "import os",
        "days: int = open('x')",
        "days: int = 7; other: int = 8; days: int = 9",
        "def",
    ],
)
def test_a_cell_that_breaks_the_rule_is_refused(line):
    with pytest.raises(UsageError, match="parameters cell"):
        read_parameters(line, "funnel")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "00123", "00123"),
        ("str", "nan", "nan"),
        ("str", "None", "None"),
        ("str", "", ""),
        ("int", "-12", -12),
        ("int", "007", 7),
        ("float", "1e5", 100000.0),
        ("float", "0.05", 0.05),
        ("bool", "true", True),
        ("list", "", []),
        ("list", "view, cart", ["view", "cart"]),
        ("list", '["a,b", "c"]', ["a,b", "c"]),
    ],
)
def test_values_are_taken_literally_by_the_declared_type(kind, text, value):  # S11
    converted = convert(Parameter("x", kind, value, ""), text)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1_000"),
        ("int", "２０２６"),
        ("int", "1e5"),
        ("int", "1.0"),
        ("int", " 1"),
        ("int", "1\n"),
        ("int", "9" * 5000),
        ("float", "nan"),
        ("float", "inf"),
        ("float", "1e400"),
        ("float", "1_0.5"),
        ("bool", "True"),
        ("bool", "1"),
        ("list", "a,,b"),
        ("list", "[1, 2]"),
        ("list", "[" * 100_000),
    ],
)
def test_a_text_that_does_not_write_the_type_is_refused(kind, text):  # S11
    with pytest.raises(UsageError, match="parameter x is"):
        convert(Parameter("x", kind, "", ""), text)


def test_an_object_of_another_type_is_refused():  # S10: a date as an object
    with pytest.raises(UsageError):
        convert(Parameter("day", "str", "", ""), object())
    with pytest.raises(UsageError):
        convert(Parameter("n", "int", 1, ""), True)


def test_each_notebook_gets_only_the_parameters_it_has():
    window, steps = Parameter("window", "str", "7d", ""), Parameter("steps", "list", [], "")
    books = {"funnel": {"window": window, "steps": steps}, "retention": {"window": window}}
    given = assign({"window": "3d", "steps": "a,b"}, books)
    assert given == {"funnel": {"window": "3d", "steps": ["a", "b"]}, "retention": {"window": "3d"}}


def test_an_unknown_parameter_names_the_nearest():  # S10
    books = {"funnel": {"channel": Parameter("channel", "str", "", "")}}
    with pytest.raises(UnknownName, match="Did you mean 'channel'"):
        assign({"chanel": "naver"}, books)


@pytest.mark.parametrize("name", ["date", "lang", "shop_folder"])
def test_what_the_run_sets_is_not_a_parameter(name):
    with pytest.raises(UsageError, match="set by the run"):
        assign({name: "x"}, {"funnel": {name: Parameter(name, "str", "", "")}})


@pytest.mark.parametrize("pair", ["window", "a b=1", "x\n=1", "__import__('os')=1", "=1"])
def test_a_pair_must_be_name_and_value(pair):
    with pytest.raises(UsageError, match="is not name=value"):
        parse_pairs([pair])


def test_pairs_keep_everything_after_the_first_sign():
    assert parse_pairs(["a=1=2", "b="]) == {"a": "1=2", "b": ""}
    with pytest.raises(UsageError, match="twice"):
        parse_pairs(["a=1", "a=2"])
