"""The draw by hash: always the same, evenly spread, and independent between experiments."""

import hashlib

import numpy as np
import pytest
from scipy import stats

from custmeasure.errors import EnvironmentProblem, UsageError
from custmeasure.improve.assign import assign, unit_number, write_assignments

HALVES = {"A": 1, "B": 1}
IDS = [f"{k:09d}" for k in range(60_000)]  # as shops number their customers: 000000001 …


def test_the_number_is_what_the_documentation_says():
    """Recomputed another way: the first 14 hexadecimal digits, the last 3 bits dropped."""
    for unit in ("00123", "가나다", "v-1"):
        digest = hashlib.sha256(b"copy" + b"\x1f" + unit.encode("utf-8")).hexdigest()
        assert unit_number("copy", unit) == (int(digest[:14], 16) // 8) / 2**53
        assert 0 <= unit_number("copy", unit) < 1


def test_known_answers_stay_the_same():
    """Fixed for ever: a change would move people between variants in the middle of a test."""
    drawn = assign("detail_page_copy", ["000000001", "000000002", "G00000003"], HALVES)
    assert drawn["unit_id"].tolist() == ["000000001", "000000002", "G00000003"]
    numbers = [unit_number("detail_page_copy", unit) for unit in drawn["unit_id"]]
    assert numbers == pytest.approx(KNOWN, abs=1e-12)
    assert drawn["variant"].tolist() == ["A" if number < 0.5 else "B" for number in KNOWN]


KNOWN = [0.24024292540903092, 0.11028498105115403, 0.43706047407357473]


@pytest.mark.parametrize("experiment", ["headline", "banner", "첫 화면", "a", "b", "c", "d", "e"])
def test_numbers_are_uniform(experiment):
    """Chi-square over 100 cells and Kolmogorov-Smirnov, 60,000 ids in a row; p above 1 in 10,000."""
    numbers = np.array([unit_number(experiment, unit) for unit in IDS])
    assert stats.chisquare(np.histogram(numbers, 100, (0, 1))[0]).pvalue > 1e-4
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4


def test_p_values_of_many_experiments_are_uniform_themselves():
    """200 experiments: the split's own p-values must not be too good either."""
    ids = IDS[:2000]
    n_a = [(assign(f"test {k}", ids, HALVES)["variant"] == "A").sum() for k in range(200)]
    z = (np.array(n_a) - 1000) / np.sqrt(500)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert 0.7 < z.var() < 1.35


@pytest.mark.parametrize(("one", "other"), [("headline", "banner"), ("test 1", "test 2"),
                                            ("a", "aa"), ("x1", "x")])  # fmt: skip
def test_experiments_are_independent(one, other):
    """Chi-square of 3 x 3 variants: who saw what in one says nothing about the other."""
    shares = {"A": 5, "B": 3, "C": 2}
    drawn = [assign(name, IDS, shares)["variant"] for name in (one, other)]
    counts = np.array([[((drawn[0] == a) & (drawn[1] == b)).sum() for b in shares] for a in shares])
    assert stats.chi2_contingency(counts).pvalue > 1e-4


def test_shares_are_kept_in_any_unit():
    counts = assign("copy", IDS, {"A": 90, "B": 9, "C": 1})["variant"].value_counts()
    expected = np.array([0.90, 0.09, 0.01]) * len(IDS)
    assert stats.chisquare(counts[["A", "B", "C"]], expected).pvalue > 1e-4


def test_more_units_change_nobody():
    few = assign("copy", IDS[:50], HALVES)
    assert assign("copy", IDS[:500], HALVES).head(50).equals(few)
    back = assign("copy", IDS[:50][::-1], HALVES)
    assert back[::-1].reset_index(drop=True).equals(few)


def test_a_file_keeps_ids_as_they_are(tmp_path):
    ids = ["00123", "=1+1", 'a"b', "네이버,1"]
    frame = assign("copy", ids, HALVES)
    path = write_assignments(frame, tmp_path / "copy.csv")
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == '"unit_id","variant"'
    assert lines[1].startswith('"00123","')
    assert lines[3].startswith('"a""b","')
    with pytest.raises(EnvironmentProblem):
        write_assignments(frame, path)


@pytest.mark.parametrize(
    ("units", "shares"),
    [(["1", "1"], HALVES), ([""], HALVES), ([1], HALVES), (["1"], {"A": 1}), (["1"], {"A": 1, "B": 0}),
     (["1"], {"A": 1, "B": float("nan")})],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(units, shares):
    with pytest.raises(UsageError):
        assign("copy", units, shares)


def test_nobody_is_no_mistake():
    assert assign("copy", [], HALVES).empty
    with pytest.raises(UsageError):
        assign("", ["1"], HALVES)
