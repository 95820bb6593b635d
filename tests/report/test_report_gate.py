"""What the gate refuses."""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from custmeasure.report.gate import SIZE_LIMIT, check, masked, secrets
from custmeasure.report.look import CSP

SECRET = "S3cr3t/canary&1"
HELD = {"SHOP_PASSWORD": SECRET}


def page(body="", head=""):
    csp = f'<meta http-equiv="Content-Security-Policy" content="{CSP}">'
    return (
        f"<!doctype html><html><head>{csp}<title>x</title>{head}</head><body>{body}</body></html>"
    )


def refusal(text, folders=()):
    failure = check(text, HELD, folders)
    return failure.en if failure else None


def test_a_plain_page_passes():
    body = '<a href="index.html">x</a><a href="#s1">y</a><img src="data:image/png;base64,AA==">'
    assert refusal(page(body)) is None
    assert refusal(page('<a href="../2026-01-30/funnel.ko.html">x</a>')) is None


@pytest.mark.parametrize(
    "body",
    [
        "<script>1</script>",
        "<p onclick=x>a</p>",
        "<img src=https://e/x.png>",
        "<img src='data:text/html,x'>",
        "<a href=https://e>x</a>",
        "<a href=javascript:1>x</a>",
        "<a href=index.html target=_blank>x</a>",
        "<link rel=prefetch href=x>",
        "<iframe srcdoc=x></iframe>",
        "<object data=x></object>",
        "<form action=x></form>",
        "<svg></svg>",
        "<meta http-equiv=refresh content=0>",
        "<p style='background:url(x)'>a</p>",
        "<p style='background:\\75rl(x)'>a</p>",
        "<style>@import 'x'</style>",
        "<video poster=x></video>",
    ],
)
def test_what_runs_or_loads_is_refused(body):  # S06 S07 S08
    assert refusal(page(body)).startswith(
        "The page was not published: it holds <"
    ) or "url()" in refusal(page(body))


def test_the_policy_must_come_first():
    late = page().replace("<head>", "<head><title>a</title>")
    assert "security policy" in refusal(late)
    weaker = page().replace("default-src 'none'", "default-src *")
    assert "security policy" in refusal(weaker)


def test_a_cut_or_large_page_is_refused():
    assert "end is missing" in refusal(page().removesuffix("</html>"))
    assert "bytes" in refusal(page("가" * (SIZE_LIMIT // 3)))


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        SECRET.replace("&", "&amp;"),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode() + b"@db").decode(),
        f'<img src="data:image/svg+xml;base64,{base64.b64encode(SECRET.encode()).decode()}">',
    ],
)
def test_a_secret_of_the_environment_is_found_in_any_spelling(text):  # S22 S24
    assert refusal(page(text)) == "The page was not published: it holds the value of SHOP_PASSWORD."
    assert SECRET not in masked(f"a {SECRET} b", HELD)


def test_secrets_are_known_by_their_variable():
    names = {"DB_PASSWORD": "longvalue", "API_KEY": "longvalue", "my_token": "longvalue",
             "KEYBOARD": "longvalue", "SECRET": "short", "HOME": "longvalue"}  # fmt: skip
    assert sorted(secrets(names)) == ["API_KEY", "DB_PASSWORD", "my_token"]


@pytest.mark.parametrize(
    "text",
    [
        *(f"/{home}/x" for home in ("home/jiyoon/shop", "root")),
        "C:\\Users\\jiyoon",
        "file:///etc",
        "/srv/our/shop/orders",
    ],  # fmt: skip
)
def test_a_path_of_this_machine_is_refused(text):  # S31
    assert "path of this machine" in refusal(page(text), [Path("/srv/our/shop")])


def test_a_page_address_of_the_shop_is_not_a_path():
    assert refusal(page("/home, /home/sale, /product/home/1"), [Path("/"), Path("/srv")]) is None


def test_a_query_is_refused():  # S31
    assert "SQL" in refusal(page("SELECT a\nFROM b"))
    assert refusal(page("Select the shop from the list")) is None
