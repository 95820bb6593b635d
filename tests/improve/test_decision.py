"""A decision about a copy test, beside what its verdict allows."""

import datetime as dt
from dataclasses import replace

import pytest

from custmeasure import language, notebook
from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test import check_decision, copy_test_from_counts
from custmeasure.show.words import Text, Verdict

BETTER = {"A": (2000, 60), "B": (2000, 120)}
WORSE = {"A": (2000, 120), "B": (2000, 60)}
SAME = {"A": (200_000, 20_000), "B": (200_000, 20_010)}
FEW = {"A": (200, 6), "B": (200, 9)}
BROKEN = {"A": (2000, 60), "B": (1000, 60)}


def _test(counts, **definition):
    result = copy_test_from_counts(counts)
    return replace(result, definition={**result.definition, **definition})


def _running(counts):
    """Return a test whose planned end is 10 days off."""
    as_of = dt.datetime(2026, 3, 1, 23, 59, tzinfo=dt.UTC)
    return _test(counts, end=dt.date(2026, 3, 11), as_of=as_of)


@pytest.mark.parametrize(
    ("counts", "rule"),
    [
        (BETTER, ("B",)), (WORSE, ("keep",)), (SAME, ("keep", "B")),
        (FEW, ("keep", "continue")), (BROKEN, ("keep", "continue")),
        ({**BETTER, "C": (2000, 130), "D": (2000, 61)}, ("B", "C")),
    ],
    ids=["better", "worse", "same", "few", "broken", "several"],
)  # fmt: skip
def test_what_a_verdict_allows(counts, rule):
    assert check_decision(_test(counts)).rule == rule


@pytest.mark.parametrize(
    ("counts", "rule"),
    [(BETTER, ("B", "continue")), (WORSE, ("keep",)), (SAME, ("keep", "B", "continue")),
     (FEW, ("continue",)), (BROKEN, ("keep", "continue"))],
    ids=["better", "worse", "same", "few", "broken"],
)  # fmt: skip
def test_before_the_planned_end_waiting_is_with_the_rule(counts, rule):
    assert check_decision(_running(counts)).rule == rule


def test_goals_that_disagree_are_the_reader_s_to_weigh():
    test = replace(_test(BETTER), verdict=Verdict("cannot_tell", Text("가", "a"), code="MIXED"))
    assert check_decision(test).rule == ("keep", "B", "continue")


def test_what_stands_on_the_page():
    followed = check_decision(_test(BETTER), "B", "Cheaper to make, too.")
    assert (followed.is_against, str(followed.said)) == (
        False, "Switch to B. Cheaper to make, too.",
    )  # fmt: skip
    bare = check_decision(_running(FEW), "B")
    assert bare.is_against
    assert str(bare.said) == (
        "Switch to B. This goes against the rule (Continue the test). No reason is written: give it as "
        "decision_note."
    )
    assert bare.said.ko == (
        "B안으로 바꿉니다. 판정의 규칙과 다릅니다(규칙: 시험을 이어 갑니다). 까닭이 적혀 있지 않습니다. "
        "decision_note에 적으십시오."
    )
    noted = check_decision(_test(BETTER), "A", "The brand asked for it.")
    assert (noted.choice, noted.is_against) == ("keep", True)
    assert str(noted.said) == (
        "Keep A. This goes against the rule (Switch to B). Reason: The brand asked for it."
    )
    nothing = check_decision(_test(BETTER))
    assert (nothing.is_against, str(nothing.said)) == (False, "")


def test_decisions_that_cannot_be():
    with pytest.raises(UnknownName, match="decision 'kep' does not exist. Did you mean 'keep'"):
        check_decision(_test(BETTER), "kep")
    with pytest.raises(UsageError, match="no decision"):
        check_decision(_test(BETTER), "", "because")
    empty = replace(_test(BETTER), frame=_test(BETTER).frame.iloc[:0],
                    verdict=Verdict("cannot_tell", Text("가", "a"), code="MISSING_TABLE"))  # fmt: skip
    assert not check_decision(empty, "continue").is_against


class _Shop:
    name, timezone, as_of = "test", "UTC", None

    def provenance(self):
        return {}


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_record_holds_decision_and_note(monkeypatch, lang):
    shown = []
    monkeypatch.setattr(notebook, "display", lambda data, raw: shown.append((data, raw)))
    language.use(lang)
    try:
        decision = check_decision(_test(WORSE), "B", "a <b> reason")
        notebook.sign_off(_Shop(), _test(WORSE), decision=decision)
        notebook.sign_off(_Shop(), _test(WORSE), decision="wait")
    finally:
        language.use("en")
    records = [data[notebook.MIME] for data, _ in shown]
    assert records[0]["decision"] == decision.said.in_(lang)
    assert records[0]["decision_choice"] == "B"
    assert records[0]["decision_note"] == "a <b> reason"
    assert records[0]["decision_is_against_rule"] is True
    assert "a &lt;b&gt; reason" in shown[0][0]["text/html"]
    assert records[1]["decision"] == "wait"
    assert "decision_note" not in records[1]
