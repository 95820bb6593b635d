"""One executed notebook into one page."""

import base64
import datetime as dt

import pytest
from nbformat import v4

from custmeasure.report import gate
from custmeasure.report.render import Page, generated_line, render, title_of
from custmeasure.report.signoff import SignOff
from custmeasure.show.words import Text

SIGNED = SignOff(
    verdict="cannot_tell",
    code=None,
    headline=Text("아직 알 수 없음. 40명뿐입니다.", "Cannot tell yet. Only 40 orders."),
    reason=Text("주문이 적습니다.", "Few orders."),
    blocked=False,
    tables={},
    as_of="2026-01-30T15:00:00+00:00",
    decision="",
)
PAGE = Page(
    title="Where?",
    lang="en",
    shop="Café 커피",
    timezone="Asia/Seoul",
    date=dt.date(2026, 1, 31),
    sign_off=SIGNED,
    parameters={"window": "7d", "steps": ["a", "b"]},
    others={"ko": "funnel.ko.html"},
    generated="Generated at noon",
)


def shown(*cells, page=PAGE):
    return render(v4.new_notebook(cells=list(cells)), page)


def output(data, metadata=None):
    cell = v4.new_code_cell("SELECT secret_code")
    cell.outputs = [v4.new_output("display_data", data=data, metadata=metadata or {})]
    return cell


def test_a_page_passes_the_gate_and_says_the_answer_first():
    cell = v4.new_markdown_cell("# Where?\n\nIntro\n\n## Result\n\nText")
    text = shown(cell, output({"text/plain": "SELECT_me not"}))
    assert gate.check(text, {}) is None
    assert text.index("Only 40 orders.") < text.index('href="#s2"') < text.index("Intro")
    assert text.count("<h1>Where?</h1>") == text.count("Where?</h1>") == 1
    assert "secret_code" not in text
    assert '<html lang="en">' in text
    assert "<title>Where? · Café 커피 · 2026-01-31</title>" in text
    assert "31 January 2026" in text
    assert "30 January 2026" in text  # the last day of the data, in the shop's zone
    assert '<a href="funnel.ko.html" lang="ko" hreflang="ko">한국어</a>' in text
    assert "<dt>steps</dt><dd>a, b</dd>" in text


def test_the_headline_does_not_repeat_the_chip():
    text = shown()
    assert "Cannot tell yet. Only" not in text
    assert "Few orders." in text


def test_the_title_is_the_first_level_1_heading():
    cells = [v4.new_markdown_cell("text"), v4.new_markdown_cell("# A `b` & c\n\n# Second")]
    assert title_of(v4.new_notebook(cells=cells), "x") == "A b & c"
    assert title_of(v4.new_notebook(), "funnel") == "funnel"


def test_a_chart_is_an_image_with_its_alt_text():  # S05
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
    text = shown(
        output(
            {"image/svg+xml": svg, "text/plain": "<Figure>"}, {"image/svg+xml": {"alt": "A <b>"}}
        )
    )
    assert base64.b64encode(svg.encode()).decode() in text
    assert 'alt="A &lt;b&gt;"' in text
    assert "<script" not in text


def test_a_large_chart_falls_back_to_its_small_picture():
    text = shown(output({"image/svg+xml": "x" * 200_000, "image/png": "AAAA"}))
    assert "data:image/png;base64,AAAA" in text


@pytest.mark.parametrize(
    "data",
    [
        {"text/html": "<table>" + "<tr><td>1</td></tr>" * 200_000 + "</table>"},
        {"text/plain": "1 " * 200_000},
        {"image/png": "A" * 2_000_000},
    ],
)
def test_200_000_rows_become_a_notice(data):  # L06
    text = shown(output(data))
    assert "too large for a report" in text
    assert len(text) < 40_000


def test_many_outputs_together_stay_below_the_limit():  # L06
    text = shown(*(output({"text/plain": "가" * 15_000}) for _ in range(20)))
    assert "too large for a report" in text
    assert len(text.encode()) < gate.SIZE_LIMIT


def test_an_error_output_shows_no_traceback():
    cell = v4.new_code_cell("x")
    cell.outputs = [
        v4.new_output("error", ename="E", evalue="/home/jiyoon/x", traceback=["/home/"])
    ]
    text = shown(cell)
    assert "jiyoon" not in text
    assert "could not be computed" in text


@pytest.mark.parametrize("text", ["<Axes: xlabel='x'>", "<Figure size 6x4>", "[<A at 0x7f>]", " "])
def test_the_name_of_an_object_is_not_shown(text):  # F16: it may hold an address in memory
    assert "<pre>" not in shown(output({"text/plain": text}))


def test_stdout_is_shown_and_stderr_is_not():
    cell = v4.new_code_cell("x")
    cell.outputs = [
        v4.new_output("stream", name="stdout", text="\x1b[1mrow <b>\x1b[0m"),
        v4.new_output("stream", name="stderr", text="warning /usr/lib"),
    ]
    text = shown(cell)
    assert "<pre>row &lt;b&gt;</pre>" in text
    assert "/usr/lib" not in text


def test_equal_runs_differ_in_one_line_only():  # F16
    first = shown(v4.new_markdown_cell("# a")).splitlines()
    other = Page(**{**PAGE.__dict__, "generated": "Generated at one"})
    second = shown(v4.new_markdown_cell("# a"), page=other).splitlines()
    differing = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    assert differing == [
        ('<p class="generated">Generated at noon</p>', '<p class="generated">Generated at one</p>')
    ]


def test_a_korean_page_speaks_korean():
    text = shown(page=Page(**{**PAGE.__dict__, "lang": "ko"}))
    assert '<html lang="ko">' in text
    assert "2026년 1월 31일" in text
    assert "40명뿐입니다." in text


def test_the_generated_line_names_the_moment_and_the_run():
    moment = dt.datetime(2026, 1, 31, 9, 5, tzinfo=dt.UTC)
    assert generated_line(moment, "r1", "en") == "Generated at 2026-01-31 09:05 UTC · run r1"
