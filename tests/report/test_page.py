"""The page in a real browser, as wide as a desktop and as a phone: headless Chromium, where there is one.

The page is laid into a frame of each width by a page of the test's own, whose script looks through it: browsers let it,
since one local server serves both. Needs nothing but Python, pytest and Chromium, so that it also runs outside the
runtime.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from report_build import empty_build, filled_build

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = {"desktop": 1280, "phone": 390}
LOOK = """<!DOCTYPE html><body style="margin:0">
<iframe id="page" src="report/index.html" style="border:0;width:%(width)dpx;height:900px"></iframe>
<pre id="view"></pre>
<script>
document.getElementById("page").onload = async (event) => {
  const page = event.target.contentDocument, width = page.documentElement.clientWidth;
  await Promise.all([...page.images].map(image => image.decode().catch(() => 0)));
  const scrolls = element => element.closest("nav, .drawing, thead");
  const outside = [...page.querySelectorAll("body *")].filter(element => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && !scrolls(element) && (box.right > width + 1 || box.left < -1);
  });
  const cut = [...page.querySelectorAll("td, code, p, h3, figcaption")].filter(
    element => !scrolls(element) && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0);
  document.getElementById("view").textContent = JSON.stringify({
    width, wide: page.documentElement.scrollWidth,
    images: [...page.images].map(image =>
      [image.closest("figure").id, image.naturalWidth, image.getBoundingClientRect().width]),
    outside: outside.map(element => element.outerHTML.slice(0, 120)),
    cut: cut.map(element => element.outerHTML.slice(0, 120)),
    small: [...page.querySelectorAll("td, p, code, figcaption")].filter(
      element => parseFloat(page.defaultView.getComputedStyle(element).fontSize) < 12).length,
    words: page.querySelectorAll("code span").length,
    torn: [...page.querySelectorAll("code span")].filter(word => !word.textContent.includes("/")
      && word.getBoundingClientRect().height > 30).map(word => word.textContent),
    broken: [...page.querySelectorAll("nav a")].filter(a => !page.getElementById(a.hash.slice(1))).map(a => a.hash),
  });
  document.title = "looked";
};
</script>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: nobody looked at the page")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def look(build: Path, width: int) -> tuple[dict, list[str]]:
    """What the test's script saw of a build's report in a frame of ``width``, and the lines on the console."""
    (build / "look.html").write_text(LOOK % {"width": width})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(build)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        browser = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--enable-logging=stderr", "--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom",
             f"http://127.0.0.1:{server.server_port}/look.html"],
            capture_output=True, text=True, timeout=180, check=True,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    text = re.search(r'<pre id="view">(.*?)</pre>', browser.stdout, re.DOTALL)[1]
    return json.loads(html.unescape(text)), [line for line in browser.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module", params=["empty", "filled"])
def build(request, synthetic_songs) -> Path:
    return empty_build() if request.param == "empty" else filled_build(synthetic_songs)


@pytest.fixture(scope="module", params=WIDTHS)
def looked(request, build) -> tuple[dict, list[str], Path]:
    return (*look(build, WIDTHS[request.param]), build)


def test_every_figure_is_there_and_drawn(looked):
    view, _, build = looked
    content = json.loads((build / "report" / "report.json").read_text())
    names = [figure["name"] for members in content["figures"].values() for figure in members]
    assert sorted(name for name, _, _ in view["images"]) == sorted(names)
    assert all(natural > 0 and shown > 150 for _, natural, shown in view["images"])


def test_nothing_overflows(looked):
    view, _, _ = looked
    assert view["wide"] <= view["width"]
    assert view["outside"] == []
    assert view["cut"] == []


def test_no_word_of_a_command_is_torn_at_its_hyphen(looked):
    view, _, _ = looked
    assert view["words"] > 50
    assert view["torn"] == []


def test_the_console_is_clean(looked):
    _, console, _ = looked
    assert [line for line in console if "look.html" not in line] == []


def test_text_is_large_enough_to_read_and_every_link_leads_somewhere(looked):
    view, _, _ = looked
    assert view["small"] == 0
    assert view["broken"] == []
