"""What every result promises: frozen, exact columns, printed in both languages, escaped."""

import importlib
import pickle
import pkgutil
from dataclasses import FrozenInstanceError, replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import custmeasure
from custmeasure import language
from custmeasure.errors import UnknownName
from custmeasure.improve.copy_test import CopyTestResult
from custmeasure.measure.funnel import FunnelGaps, FunnelResult, funnel, funnel_gaps
from custmeasure.measure.retention import CohortGaps, RetentionResult, cohort_gaps, retention
from custmeasure.show.labels import LABELS, definition_label
from custmeasure.show.result import Listing, Result, table
from custmeasure.show.rows import Rows
from custmeasure.show.words import VERDICTS, Text, Verdict

PAYLOADS = [
    "<script>document.body.dataset.pwn=1</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table><svg onload=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<iframe srcdoc='<script>1</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>@import url(http://evil)</style>",
    "&lt;b&gt;",
    "<!--",
]
ALLOWED = {"figure", "table", "thead", "tbody", "tr", "th", "td", "figcaption", "ul", "li", "p"}


class Tags(HTMLParser):
    """Collect the elements, attributes and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # noqa: D102
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):  # noqa: D102
        self.text += data


def is_plain(page):
    seen = Tags(page)
    return seen.tags <= ALLOWED and seen.attributes <= {"class"}


def visits(n=30):
    """Return a log whose visitors all go as far as their number says."""
    rows = [
        (f"u{i}", pd.Timestamp("2026-01-01") + pd.Timedelta(days=i % 5, hours=k), step, f"s{i % 3}")
        for i in range(n)
        for k, step in enumerate(["visit", "cart", "buy"][: 1 + i % 3])
    ]
    return pd.DataFrame(rows, columns=["visitor_id", "at", "event", "device"])


def every_result():
    """Return one result of every kind and in every state that a reader may meet."""
    split = funnel(visits(), ["visit", "cart", "buy"], window="1d", by="device")
    back = retention(visits(), unit="visitor_id", at="at", period="day", as_of="2026-01-05")
    empty = funnel(visits(), ["visit", "buy"], window="1d", start="2030-01-01")
    late = retention(visits(), unit="visitor_id", at="at", period="day", start="2030-01-01")
    one = FunnelResult.from_counts(["visit"], [1])
    blank = FunnelResult.from_counts(["visit", "buy"], [0, 0])
    return [split, funnel_gaps(split), back, cohort_gaps(back), empty, late, one, blank,
            table(pd.DataFrame({"n_x": [1, np.nan]}))]  # fmt: skip


def kinds():
    """Return every kind of result in the library, the rooms of the reports left out."""
    for room in ("measure", "improve", "manage", "shop"):
        package = importlib.import_module(f"custmeasure.{room}") if room_exists(room) else None
        for module in (
            pkgutil.walk_packages(package.__path__, f"{package.__name__}.") if package else ()
        ):
            importlib.import_module(module.name)
    return sorted(descendants(Result), key=lambda kind: kind.__name__)


def room_exists(room):
    return room in {module.name for module in pkgutil.iter_modules(custmeasure.__path__)}


def descendants(kind):
    return {kind}.union(*(descendants(sub) for sub in kind.__subclasses__()))


# --- frozen, exact ----------------------------------------------------------------------------------


def test_a_result_is_frozen():
    result = FunnelResult.from_counts(["a", "b"], [2, 1])
    with pytest.raises(FrozenInstanceError):
        result.frame = None
    with pytest.raises(TypeError):
        result.definition["target"] = 0.5
    with pytest.raises(TypeError):
        del result.definition["target"]
    assert isinstance(result.notes, tuple)


def test_columns_are_exact_and_in_order():
    split, gaps, back, cohorts, empty, late, one, blank, _ = every_result()
    for result in (empty, one, blank):
        assert tuple(result.frame.columns) == FunnelResult.COLUMNS
    assert tuple(split.frame.columns) == ("device", *FunnelResult.COLUMNS)
    assert tuple(gaps.frame.columns) == FunnelGaps.COLUMNS
    assert tuple(back.frame.columns) == tuple(late.frame.columns) == RetentionResult.COLUMNS
    assert tuple(cohorts.frame.columns) == CohortGaps.COLUMNS
    assert isinstance(split.frame.index, pd.RangeIndex)


def test_rows_become_a_frame_when_they_are_looked_at():
    kind, verdict = CopyTestResult, Verdict("cannot_tell", Text("", ""), code="NO_UNITS")
    given = Rows(
        ("variant", "n_units", "rel_diff"), ({"variant": "A", "n_units": 3}, {"variant": "B"})
    )
    result = kind(given, {}, verdict=verdict, metrics=given.assign(rel_diff=0.5))
    assert result.records() == list(given.records)  # before a frame was asked for
    other = replace(result, metrics=given.assign(rel_diff=0.5).frame())
    for each in (result, other):
        assert each.frame["n_units"].tolist()[0] == 3
        assert each.frame.isna().sum().tolist() == [0, 1, 2]
        assert each.frame is each.frame
        assert each.metrics["rel_diff"].tolist() == [0.5, 0.5]
        assert each.daily.shape == (0, 0)
    assert [str(row["variant"]) for row in result.records()] == ["A", "B"]  # and after it
    assert [row["rel_diff"] for row in result.records("metrics")] == [0.5, 0.5]
    with pytest.raises(UnknownName, match="'metrics'"):
        result.records("metric")
    with pytest.raises(UnknownName):
        result.records("notes")
    with pytest.raises(FrozenInstanceError):
        result.metrics = given
    with pytest.raises(TypeError, match="frame"):
        kind(definition={}, verdict=verdict)


def test_every_column_of_every_result_has_a_label_in_both_languages():
    for kind in kinds():
        own = [name for name in kind.COLUMNS if not name.endswith(("_ci_lower", "_ci_upper"))]
        assert [name for name in own if name not in LABELS] == [], kind.__name__


def test_every_part_of_a_definition_has_a_label():
    for result in every_result():
        for key in result.definition:
            assert definition_label(key, "ko") != definition_label(key, "en"), key


def test_every_kind_of_result_has_a_name_of_its_own():
    names = [kind.name for kind in kinds() if kind is not Result]
    assert "result" not in names
    assert {"funnel", "retention", "funnel_gaps", "cohort_gaps", "listing"} <= set(names)


# --- printing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_printing_never_raises(lang):
    language.use(lang)
    for result in every_result():
        assert isinstance(repr(result), str)
        assert is_plain(result._repr_html_())
        assert isinstance(result.headline(), str)


def test_it_speaks_the_current_language():
    result = FunnelResult.from_counts(["a", "b"], [1000, 60])
    assert "Reached" in repr(result)
    language.use("ko")
    assert "도달" in repr(result)
    assert "도달" in result._repr_html_()
    assert "Reached" in result.display_frame("en").columns
    assert "1,000" in result.headline()


def test_printing_changes_nothing():
    for result in every_result():
        before = result.frame.copy()
        _ = repr(result), result._repr_html_(), result.headline("ko"), result.caption("ko")
        pd.testing.assert_frame_equal(result.frame, before)


def test_intervals_stand_beside_their_rate():
    shown = FunnelResult.from_counts(["a", "b"], [1000, 60]).display_frame("en")
    assert shown["From first step"].tolist() == ["100.0%", "6.00% (4.69% to 7.65%)"]
    assert shown["From step before"][0] == "–"
    assert not any("ci" in column for column in shown)


def test_two_columns_with_one_label_are_both_shown():
    language.use("ko")
    result = FunnelResult.from_counts(["a", "b"], {"x": [2, 1]}, by="단계")
    shown = result.display_frame()
    assert shown.columns.tolist()[:2] == ["단계", "단계"]
    assert shown.iloc[0].tolist()[:2] == ["x", "a"]
    assert is_plain(result._repr_html_())
    assert "x" in repr(result)


def test_a_shop_s_own_words_are_not_translated():
    language.use("ko")
    shown = FunnelResult.from_counts(["first", "month"], {"any": [2, 1]}, by="plan").display_frame()
    assert shown.iloc[1].tolist()[:2] == ["any", "month"]


def test_a_long_list_of_gaps_says_what_it_leaves_out():
    parts = {f"s{i:02d}": [100, i] for i in range(12)}
    gaps = funnel_gaps(FunnelResult.from_counts(["a", "b"], parts))
    assert (len(gaps.frame), len(gaps.display_frame())) == (12, 8)
    assert ".frame holds 4 more" in gaps.notes[1]
    few = FunnelResult.from_counts(["a", "b"], {"x": [90, 1], "y": [90, 2]})
    assert len(funnel_gaps(few).notes) == 1


# --- S01: escaped -----------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
def test_s01_s02_nothing_in_the_data_becomes_markup(payload):  # S01, S02
    hours = {payload: [np.nan, 1.0], "y": [np.nan, 2.0]}
    split = FunnelResult.from_counts(
        [payload, "b"], {payload: [2000, 1], "y": [2000, 1500]}, by=payload, median_hours=hours,
        definition={"unit": payload, payload: payload, "shares": {payload: 0.5}, "list": [payload]},
        notes=[Text(payload, payload)],
    )  # fmt: skip
    rows = pd.DataFrame(
        {payload: [payload], "n_x": [1]}, index=pd.Index([payload], name=payload + "i")
    )
    for result in (split, funnel_gaps(split), table(rows)):
        for lang in ("ko", "en"):
            language.use(lang)
            page = result._repr_html_()
            assert is_plain(page)
            assert payload in Tags(page).text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_s01_names_of_columns_units_and_events_in_a_log(payload):  # S01
    log = visits().rename(columns={"device": payload}).replace({"event": {"visit": payload}})
    result = funnel(log, [payload, "buy"], window="1d", by=payload)
    assert is_plain(result._repr_html_())
    back = retention(log.assign(visitor_id=payload).rename(columns={"visitor_id": payload + "u"}),
                     unit=payload + "u", at="at", period="day")  # fmt: skip
    assert is_plain(back._repr_html_())


def test_l10_a_very_long_text_is_cut_in_the_page_and_whole_in_the_frame():  # L10
    text = "긴" * 100_000
    result = table(pd.DataFrame({"text": [text]}))
    assert len(result._repr_html_()) < 2000
    assert result.frame["text"][0] == text


# --- any table --------------------------------------------------------------------------------------


def test_any_frame_can_be_shown():
    back = retention(visits(), unit="visitor_id", at="at", period="day")
    shown = table(back.matrix()).display_frame("en")
    assert shown.columns.tolist()[:3] == ["Joined in", "0", "1"]
    twice = table(pd.DataFrame([[1, 2]], columns=["n", "n"])).display_frame()
    assert twice.columns.tolist() == ["n", "n (2)"]
    for frame in (pd.DataFrame(), pd.DataFrame({("a", 1): [1], ("b", None): [2]}),
                  pd.DataFrame({1.5: [None]}), pd.DataFrame({"x": [[1], {2: 3}]})):  # fmt: skip
        assert isinstance(repr(table(frame)), str)
        assert is_plain(table(frame)._repr_html_())
    frame = pd.DataFrame({5: [1]})
    table(frame)
    assert frame.columns.tolist() == [5]
    assert isinstance(table(frame), Listing)


# --- words ------------------------------------------------------------------------------------------


def test_a_text_is_the_english_one_and_knows_the_other():
    text = Text("예", "yes")
    assert (text, text.in_("ko"), text.in_("en")) == ("yes", "예", "yes")
    assert text.both() == {"ko": "예", "en": "yes"}
    assert pickle.loads(pickle.dumps(text)).ko == "예"


def test_a_verdict_is_one_of_five_with_its_reason():
    for word in VERDICTS:
        verdict = Verdict(word, Text("까닭", "why"), code="CODE")
        assert (verdict, verdict.reason, verdict.code) == (word, "why", "CODE")
        assert verdict.word("ko") != verdict.word("en")
        back = pickle.loads(pickle.dumps(verdict))
        assert (back, back.reason.ko, back.code) == (word, "까닭", "CODE")
    with pytest.raises(ValueError, match="is not a verdict"):
        Verdict("great", Text("", ""))


def test_a_verdict_stands_first_in_the_headline():
    result = Result(pd.DataFrame(), {}, verdict=Verdict("better", Text("좋습니다.", "It is.")))
    assert result.headline("en") == "Better. It is."
    assert result.reason == "It is."
