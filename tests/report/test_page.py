"""The page of the kept results in headless Chromium: its length on a desk and on a phone, and what one can do on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from report_build import empty_build

from tools.report.page import Page, write_page

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="there is no chromium with chromedriver here: no browser saw the page"
    ),
    pytest.mark.xdist_group("kept page"),
]

PHONE, TABLET, DESK = 390, 768, 1280
LONGEST = {PHONE: 14_000, TABLET: 14_000, DESK: 9_000}  # pixels
MOST_BYTES = 2_000_000
HIDDEN_SCROLL = "return document.documentElement.scrollWidth"
# What stands out of its own box though nothing scrolls it, as a long word may
SPILT = """
return [...document.querySelectorAll("h1, h2, p, figcaption, summary, li")]
  .filter(each => each.getClientRects().length && !each.closest(".scroll, nav"))
  .filter(each => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline")
  .map(each => each.textContent)
"""


@pytest.fixture(scope="module")
def folder(kept_page: Page, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "report"
    write_page(folder, kept_page)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def open_page(browser: object, folder: Path) -> Callable[..., object]:
    """Opens a report at a width, in light or dark, from its file."""

    def open_(width: int, scheme: str = "light", report: Path = folder) -> object:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        # a page that glides can't be clicked
        asked = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in asked.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get((report / "index.html").as_uri())
        return browser

    return open_


def test_the_page_is_light_enough_to_send(folder):
    assert (folder / "index.html").stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("width", LONGEST)
def test_the_page_is_not_too_long(open_page, width):
    assert open_page(width).execute_script("return document.documentElement.scrollHeight") <= LONGEST[width]


@pytest.mark.parametrize("width", [*LONGEST, 1920])
def test_nothing_is_wider_than_the_window(open_page, width):
    page = open_page(width)
    assert page.execute_script(HIDDEN_SCROLL) <= width
    assert page.execute_script(SPILT) == []


def test_the_best_figures_fit_a_phone(open_page):
    table = "const box = document.querySelector('#best').parentNode; return box.scrollWidth - box.clientWidth"
    assert open_page(PHONE).execute_script(table) == 0


def test_the_browser_has_nothing_to_complain_of_and_draws_every_picture(open_page):
    page = open_page(DESK)
    assert [line["message"] for line in page.get_log("browser") if line["level"] == "SEVERE"] == []
    widths = page.execute_script("return [...document.images].map(image => image.naturalWidth)")
    assert len(widths) > 20
    assert min(widths) > 0


def test_every_picture_has_its_place_before_it_is_drawn(open_page):
    """Else the page jumps under the reader's finger while what was folded is drawn."""
    placed = "return [...document.images].map(each => each.getAttribute('width') / each.getAttribute('height'))"
    page = open_page(DESK)
    natural = page.execute_script("return [...document.images].map(each => each.naturalWidth / each.naturalHeight)")
    assert page.execute_script(placed) == pytest.approx(natural, rel=0.02)


def test_the_first_screen_is_the_answer(open_page):
    page = open_page(DESK)
    box = page.execute_script("return document.querySelector('#answer img').getBoundingClientRect().toJSON()")
    assert box["top"] < 250
    assert box["bottom"] <= 900


def test_every_command_can_be_copied(open_page):
    page = open_page(DESK)
    copied = """
    return [...document.querySelectorAll("pre.command")].map(
      each => [each.textContent, each.previousSibling.textContent])
    """
    commands = page.execute_script(copied)
    assert len(commands) > 50
    assert {button for _, button in commands} == {"Copy"}
    assert all(text.startswith(("make ", "for f in ")) for text, _ in commands)
    page.execute_script("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    button = page.find_element("css selector", "pre.command ~ button, .how button")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    assert page.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == commands[0][0]


def test_print_unfolds_what_is_folded(open_page):
    page = open_page(DESK)
    closed = "return document.querySelectorAll('details:not([open])').length"
    assert page.execute_script(closed) > 50
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script(closed) == 0
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert page.execute_script(closed) > 50


def test_whoever_asks_for_dark_gets_it_in_the_pictures_too(open_page):
    page = open_page(DESK, "dark")
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(19, 26, 34)"
    ink = """
    const image = document.querySelector("#answer img"), canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0, count = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 200) { sum += data[i] + data[i + 1] + data[i + 2]; count++; }
    return sum / count / 3;
    """
    dark = page.execute_script(ink)
    assert dark > open_page(DESK, "light").execute_script(ink) + 30


def test_a_screen_reader_has_a_name_for_every_picture_and_a_head_for_every_column(open_page):
    page = open_page(DESK)
    assert page.execute_script("return [...document.images].filter(image => !image.alt).length") == 0
    ragged = """
    return [...document.querySelectorAll("table")].filter(table => [...table.rows].some(
      row => row.cells.length !== table.tHead.rows[0].cells.length)).map(table => table.id)
    """
    assert page.execute_script(ragged) == []
    assert page.execute_script(
        "return [...document.querySelectorAll('tbody tr')].every(row => row.cells[0].scope === 'row')"
    )


def test_the_page_of_nothing_is_short_and_says_how_to_begin(open_page):
    page = open_page(DESK, report=empty_build() / "report")
    assert page.execute_script("return document.documentElement.scrollHeight") <= LONGEST[DESK]
    assert "nothing yet" in page.find_element("tag name", "header").text
    assert "make lmdb train-complex vote" in page.find_element("css selector", "#summary pre").get_property(
        "textContent"
    )
