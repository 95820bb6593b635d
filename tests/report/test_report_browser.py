"""Pages full of attacks, opened in a real browser: nothing fires, nothing is asked of the network."""

import datetime as dt
import socket
import threading

import pytest
from nbformat import v4
from playwright.sync_api import sync_playwright

from custmeasure.report import gate
from custmeasure.report.index import rebuild
from custmeasure.report.manifest import FILE, Entry, Manifest, page_file
from custmeasure.report.render import Page, render, title_of
from custmeasure.report.signoff import SignOff
from custmeasure.show.words import Text

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MARK = "document.documentElement.setAttribute('data-pwn','1')"
EVIL = "http://evil.example"
PAYLOADS = [
    f"<script>{MARK}</script>",
    f"</script><script>{MARK}</script>",
    f'<img src=x onerror="{MARK}">',
    f'"><img src=x onerror="{MARK}">',
    f'\' onmouseover="{MARK}" autofocus onfocus="{MARK}',
    f'<svg onload="{MARK}"></svg>',
    f"<svg><script>{MARK}</script></svg>",
    f'<body onload="{MARK}">',
    f'<details open ontoggle="{MARK}">x</details>',
    f'<video src=x onerror="{MARK}"></video>',
    f'<iframe srcdoc="<script>parent.{MARK}</script>"></iframe>',
    f'<iframe src="javascript:parent.{MARK}"></iframe>',
    f'<object data="data:text/html,<script>parent.{MARK}</script>"></object>',
    f'<embed src="{EVIL}/e">',
    f'<form action="{EVIL}/f"><input autofocus onfocus="{MARK}"></form>',
    f'<meta http-equiv="refresh" content="0;url={EVIL}/m">',
    f'<link rel="preconnect" href="{EVIL}"><link rel="prefetch" href="{EVIL}/p">',
    f'<link rel="stylesheet" href="{EVIL}/s.css">',
    f"<style>@import '{EVIL}/i.css'; body{{background:url({EVIL}/u)}}</style>",
    f'<p style="background:url({EVIL}/b)">x</p>',
    f'<img src="{EVIL}/x.png" srcset="{EVIL}/y.png 2x">',
    f'<base href="{EVIL}/"><a href="javascript:{MARK}">x</a>',
    f'<math><mtext><table><mglyph><style><!--</style><img src=x onerror="{MARK}">',
    f'<noscript><p title="</noscript><img src=x onerror={MARK}>">',
    f"{{{{ ''.__class__ }}}} ${{{MARK}}} <%= 1 %> </title></textarea></style><script>{MARK}</script>",
]


def outputs(payload):
    """Return the payload in every kind of output a cell can have."""
    row = f"<tr><th>{payload}</th><td>{payload}</td></tr>"
    table = f"<table><caption>{payload}</caption>{row}</table>"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{MARK}\"><text>{payload}</text></svg>"
    bundles = [
        {"text/html": payload},
        {"text/html": table},
        {"text/html": f'<figure class="cm-result {payload}">{payload}</figure>'},
        {"text/markdown": payload},
        {
            "text/markdown": f"# {payload}\n\n[x](javascript:{MARK})\n\n|{payload}|\n|-|\n|{payload}|"
        },
        {"text/plain": payload},
        {"text/latex": payload},
        {"application/javascript": MARK},
        {"image/svg+xml": svg},
        {"image/png": payload},
    ]
    shown = [
        v4.new_output("display_data", data=data, metadata={"image/svg+xml": {"alt": payload}})
        for data in bundles
    ]
    shown.append(v4.new_output("stream", name="stdout", text=payload))
    shown.append(v4.new_output("error", ename=payload, evalue=payload, traceback=[payload]))
    return shown


def attacked_page(payload):
    """Return a page with the payload in every place a text can reach, and its record."""
    cell = v4.new_code_cell(payload)
    cell.outputs = outputs(payload)
    prose = v4.new_markdown_cell(f"# {payload}\n\n## {payload}\n\n{payload}")
    notebook = v4.new_notebook(cells=[prose, cell])
    text = Text(payload, payload)
    signed = SignOff("worse", payload, text, text, False, {}, payload, payload)
    title = title_of(notebook, payload)
    page = Page(
        title, "en", payload, "Asia/Seoul", dt.date(2026, 1, 31), signed,
        {"segment": payload, "steps": [payload]}, {}, payload,
    )  # fmt: skip
    entry = Entry("x", "published", {"en": title}, "worse", text.both(), text.both())
    return render(notebook, page), entry


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Return a folder of reports in which everything is an attack."""
    out = tmp_path_factory.mktemp("reports")
    folder = out / "2026-01-31"
    folder.mkdir()
    entries = {}
    for number, payload in enumerate(PAYLOADS):
        text, entry = attacked_page(payload)
        name = f"n{number}"
        (folder / f"{name}.html").write_text(text, "utf-8")
        pages = {"en": page_file(f"{name}.html", text.encode())}
        bad = {"ko": payload, "en": payload}
        entries[name] = Entry(**{**entry.__dict__, "name": name, "pages": pages})
        entries[f"bad{number}"] = Entry(f"bad{number}", "failed", exit_code=4, exit_reason=bad)
    manifest = Manifest("2026-01-31", PAYLOADS[0], "en", entries)
    (folder / FILE).write_bytes(manifest.to_json())
    rebuild(out)
    return out


@pytest.fixture(scope="module")
def network():
    """Return the port of a proxy that serves nothing, and the list of what it was asked."""
    asked: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def count():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(2000).split(b"\r\n")[0])

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    yield server.getsockname()[1], asked
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def look(chromium, port, paths):
    """Open pages; return the marks, console errors and requests that were seen."""
    marks, errors, requests = [], [], []
    proxy = [f"--proxy-server=127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=ARGUMENTS + proxy)
        for path in paths:
            page = browser.new_page()
            page.on(
                "console", lambda said: errors.append(said.text) if said.type == "error" else None
            )
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda asked: requests.append(asked.url))
            page.goto(path.as_uri())
            page.wait_for_timeout(100)
            if page.evaluate("document.documentElement.hasAttribute('data-pwn')"):
                marks.append(path.name)
            page.close()
        browser.close()
    outside = [url for url in requests if not url.startswith(("file:", "data:"))]
    return marks, errors, outside


@pytest.mark.slow
def test_no_attack_fires_and_nothing_is_asked_of_the_network(chromium, reports, network):
    """S01 S02 S03 S04 S05 S06 S07 S08."""
    port, asked = network
    pages = sorted(reports.rglob("*.html"))
    assert len(pages) == len(PAYLOADS) + 2
    assert look(chromium, port, pages) == ([], [], [])
    own = b"googleapis.com", b"google.com"  # the browser asks these by itself
    assert [line for line in asked if not any(host in line for host in own)] == []


@pytest.mark.slow
def test_the_harness_sees_an_attack_that_fires(chromium, tmp_path, network):
    port, asked = network
    page = tmp_path / "bare.html"
    page.write_text(f"<script>{MARK}</script><img src='{EVIL}/x.png'>")
    marks, _, outside = look(chromium, port, [page])
    assert marks == ["bare.html"]
    assert outside
    assert any(b"evil.example" in line for line in asked)


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_the_gate_agrees(reports, number):
    text = (reports / "2026-01-31" / f"n{number}.html").read_text("utf-8")
    assert gate.check(text, {}) is None


def test_the_indexes_pass_the_gate(reports):
    for path in (reports / "index.html", reports / "2026-01-31" / "index.html"):
        assert gate.check(path.read_text("utf-8"), {}) is None
