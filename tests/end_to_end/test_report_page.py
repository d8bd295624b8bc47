"""The page of a report in Chromium: wide and narrow, light and dark, filtered, and without a script that could run."""

import json
import re
import shutil
import subprocess
from decimal import Decimal
from html import unescape

import pytest

from bulk.report.page import render
from smmplus.journal.state_machine import State
from tests.bulk.plans import request
from tests.bulk.report.reported import ago, order, reported

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: install chromium to run this"),
]
LONG = "https://example.com/" + "a" * 300
POLICY = re.compile(r"<meta http-equiv=[^>]*>")
PROBE = """<script>
addEventListener("load", () => {
  const shown = () => [...document.querySelectorAll(".orders tbody tr")].filter(row => row.offsetHeight).length;
  const chosen = {};
  for (const select of document.querySelectorAll("select"))
    for (const option of [...select.options].reverse()) { select.value = option.value; chosen[option.value] = shown(); }
  const isWide = each => each.getBoundingClientRect().right > innerWidth + 1
    || (each.clientWidth && each.scrollWidth > each.clientWidth + 1);
  const wide = [...document.querySelectorAll("body *:not(title, option, select)")].filter(isWide);
  parent.postMessage(JSON.stringify({
    page: document.documentElement.scrollWidth, window: innerWidth, chosen,
    wide: wide.map(each => each.outerHTML.slice(0, 200)), ground: getComputedStyle(document.body).backgroundColor,
  }), "*");
});
</script>"""
FRAME = """<!doctype html><meta name="color-scheme" content="light dark"><body>
<script>addEventListener("message", event => document.body.replaceChildren(event.data))</script>
<iframe src="inner.html" style="border: 0; height: 900px; width: {width}px"></iframe>"""
"""A window of Chromium is at least 500 pixels wide, a frame as wide as it is told."""


@pytest.fixture(scope="module")
def page():
    """Give a page with orders in every state, and with texts that are too long for any width."""
    ended = {"final": True, "order_status": "Completed", "remains": "0", "charge": Decimal("0.15")}
    orders = [order(request(f"{LONG}/{number}"), **ended, sent_at=ago(days=number)) for number in range(1, 30)]
    orders += [
        order(request(service="8"), state=State.IN_DOUBT, order_id=None, error="no answer " * 30),
        order(request(service="8"), state=State.REJECTED, order_id=None, error="x" * 400, campaign="c" * 200),
        order(cost=Decimal("12345678901234567890.12345678901234567890"), currency="IDR", order_id="f" * 24),
    ]
    return render(reported(*orders))


def browse(folder, text, *options):
    (folder / "page.html").write_text(text, "utf-8")
    # As root, Chromium needs --no-sandbox; the page is our own.
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += [*options, (folder / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def measured(folder, page, width, *options):
    (folder / "inner.html").write_text(POLICY.sub("", page) + PROBE, "utf-8")
    body = browse(folder, FRAME.format(width=width), "--window-size=1400,1000", "--dump-dom", *options)
    return json.loads(unescape(re.search(r"<body>(\{.*\})</body>", body, re.DOTALL)[1]))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("ground", ["rgb(255, 255, 255)", "rgb(20, 23, 26)"], ids=["light", "dark"])
def test_it_fits_the_window(tmp_path, page, width, ground):
    colours = ["--blink-settings=preferredColorScheme=0"] if ground != "rgb(255, 255, 255)" else []
    found = measured(tmp_path, page, width, *colours)
    assert found["window"] == width
    assert (found["page"] <= width, found["wide"], found["ground"]) == (True, [], ground)


def test_the_list_is_filtered_without_a_script(tmp_path, page):
    chosen = measured(tmp_path, page, 1280)["chosen"]
    assert chosen == {"": 32, "in_doubt": 1, "rejected": 1, "waiting": 1, "completed": 29} | {
        "c0": 31, "c1": 1, "s0": 2, "s1": 30,
    }  # fmt: skip


def test_no_script_runs(tmp_path, page):
    body = browse(tmp_path, page + "<script>document.title = 'it ran'</script>", "--dump-dom")
    assert "<title>Report: All orders</title>" in body


@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_painted(tmp_path, page, width):
    picture = tmp_path / "page.png"
    browse(tmp_path, page, f"--window-size={width},900", f"--screenshot={picture}")
    head = picture.read_bytes()[:24]
    assert (head[:8], int.from_bytes(head[16:20], "big")) == (b"\x89PNG\r\n\x1a\n", width)
