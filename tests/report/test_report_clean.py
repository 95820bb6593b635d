"""What of a notebook may reach a page."""

import base64

import pytest

from custmeasure.report import clean

BAD = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)></svg>",
    "<iframe srcdoc='<script>1</script>'></iframe>",
    "<object data='x'></object>",
    "<form action='//evil'><button formaction=x>go</button></form>",
    "<meta http-equiv=refresh content='0;url=http://evil'>",
    "<link rel=preconnect href=//evil>",
    "<base href=//evil>",
    "<style>@import '//evil'</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='https://evil.example'>x</a>",
    "<a href='//evil.example/a.html'>x</a>",
    "<p style='background:url(//evil)'>x</p>",
    "<td style='text-align:right;background:url(//evil)'>x</td>",
    "<img src='https://evil/x.png'>",
    "<img src='data:text/html;base64,AAAA'>",
    "<img src='../../../../etc/passwd'>",
    "<video poster=//evil></video>",
    "<details ontoggle=alert(1) open>x</details>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
]


@pytest.mark.parametrize("payload", BAD)
@pytest.mark.parametrize("door", [clean.html, clean.markdown])
def test_nothing_that_runs_or_loads_is_left(payload, door):  # S03 S07 S08 S32
    cleaned = door(payload).lower()
    gone = "<script <iframe <svg <form <meta <link <style <math evil alert(1)> onerror ontoggle"
    gone += " javascript: passwd url( text/html"
    for word in gone.split():
        assert word not in cleaned


def test_our_tables_keep_their_classes_and_others_lose_them():
    source = (
        '<figure class="cm-result"><table class="cm-table dataframe chip better"><tr>'
        '<td class="cm-number">1</td></tr></table><figcaption class="cm-caption">n</figcaption></figure>'
    )
    cleaned = clean.html(source)
    assert 'class="cm-table"' in cleaned
    assert 'class="cm-number"' in cleaned
    assert "chip" not in cleaned
    assert cleaned.count("<div") == cleaned.count("</div") == 1


def test_markdown_becomes_prose_with_tables_and_folds():
    cleaned = clean.markdown(
        "A **b** `c`\n\n|x|y|\n|-|-:|\n|1|2|\n\n<details><summary>s</summary>d</details>"
    )
    assert "<strong>b</strong>" in cleaned
    assert "text-align:right" in cleaned
    assert "<summary>s</summary>" in cleaned


def test_text_is_escaped_and_loses_terminal_codes():
    assert clean.plain("\x1b[31m<b>\x1b[0m\x00&") == "&lt;b&gt;&amp;"


def test_a_picture_is_a_data_address_with_its_alt():  # S05
    made = clean.picture("image/svg+xml", "<svg onload='x'/>", '"<가>')
    code = base64.b64encode(b"<svg onload='x'/>").decode()
    assert made == f'<img src="data:image/svg+xml;base64,{code}" alt="&#34;&lt;가&gt;">'
    assert clean.picture("image/png", "not base64 <script>", "") == (
        '<img src="data:image/png;base64," alt="">'
    )


def test_headings_get_ids_and_are_listed():
    fragment, found = clean.headings(clean.markdown("# A & <b>b</b>\n## `c`"), 3)
    assert found == [(1, "s3", "A & b"), (2, "s4", "c")]
    assert '<h2 id="s4">' in fragment


def test_a_heading_cannot_bring_its_own_id():
    fragment, found = clean.headings(clean.html('<h2 id="main" class="cm-x">a</h2>'), 1)
    assert "main" not in fragment
    assert found == []
