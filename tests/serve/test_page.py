"""The page of `make serve` in headless Chromium, with a real server and real songs."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from listening import Server, serving, train_briefly

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="there is no chromium with chromedriver here: the page was not tried in a browser"
)

LONGEST_WAIT = 120  # seconds
CLIP_SECONDS = 166 * 256 / 22050
PHONE = (360, 780)
DESKTOP = (1200, 900)


@pytest.fixture(scope="module")
def model(small_build: Path) -> Path:
    return train_briefly(small_build)


@pytest.fixture(scope="module")
def server(model: Path, synthetic_songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--model", model, "--data", synthetic_songs) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",  # it has the sandbox that the tests run in
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(LONGEST_WAIT)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: object, server: Server) -> Iterator[Page]:
    """The page, freshly opened on a desktop's window; no error may be left in the browser's log."""
    page = Page(browser)
    page.size(*DESKTOP)
    browser.get(server.url)
    page.wait(lambda: browser.execute_script("return document.body.dataset.ready"))
    browser.get_log("browser")
    yield page
    severe = [line["message"] for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert not [message for message in severe if "the server responded with a status of 415" not in message]


class Page:
    """What a person does and sees."""

    def __init__(self, browser: object) -> None:
        self.browser = browser

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def __getitem__(self, name: str) -> object:
        return self.browser.find_element("id", name)

    def wait(self, condition: object) -> object:
        """What ``condition`` brings, once it holds: on a busy machine Caffe alone may take a minute."""
        end = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f"this did not come about; the page says: {self['status'].text}")

    def choose(self, file: Path) -> None:
        """Choose a file and wait until it has been classified, or refused."""
        self["file"].send_keys(str(file))
        self.wait(lambda: file.name in self["status"].text and "Listening" not in self["status"].text)

    def keys(self, *keys: str) -> None:
        self.browser.find_element("tag name", "body").send_keys(*keys)

    @property
    def clips(self) -> list[object]:
        return self["clips"].find_elements("tag name", "button")

    @property
    def current_clip(self) -> int:
        marked = [button.get_attribute("aria-current") == "true" for button in self.clips]
        return marked.index(True)

    @property
    def position(self) -> float:
        return float(self["position"].get_property("value"))

    def votes(self) -> dict[str, int]:
        rows = self["bars"].find_elements("tag name", "tr")
        cells = [(row.find_element("tag name", "th").text, row.find_elements("tag name", "td")[0].text) for row in rows]
        return {genre: int(votes) for genre, votes in cells}

    def bars_of_the_clip(self) -> list[str]:
        """The probability of each genre where the song stands, as it is written."""
        rows = self["bars"].find_elements("tag name", "tr")
        return [row.find_elements("tag name", "td")[3].text for row in rows]


@pytest.fixture
def song(synthetic_songs: Path) -> Path:
    return next((synthetic_songs / "metal").glob("*.wav"))


def test_a_chosen_file_gets_the_verdict_that_the_command_line_gives_it(
    page: Page, song: Path, model: Path, tool: object
) -> None:
    page.choose(song)
    [told] = json.loads(tool("tools.classify", song, "--model", model, "--json").stdout)["songs"]
    assert page["decision"].get_property("textContent") == told["decision"]
    assert [button.text for button in page.clips] == [clip["genre"] for clip in told["time_line"]]
    assert page.votes() == told["votes"]


def test_an_example_is_told_with_its_true_genre(page: Page) -> None:
    assert page["note"].text == "Test songs: this model was not trained on them."
    page["try"].click()
    page.wait(lambda: page["result"].is_displayed() and "blues" in page["name"].text)
    decision = page["decision"].get_property("textContent")
    assert page["truth"].text == ("✓ that is right" if decision == "blues" else "✗ it is blues")


def test_while_a_song_plays_its_place_its_clip_and_its_bars_move_along(page: Page, song: Path) -> None:
    page.choose(song)
    assert page.position == 0
    assert page.current_clip == 0
    before, bars_before = page["spectrogram"].screenshot_as_png, page.bars_of_the_clip()
    page["play"].click()
    page.wait(lambda: page.position > CLIP_SECONDS)
    assert "Pause" in page["play"].text
    assert page["spectrogram"].screenshot_as_png != before
    page["play"].click()
    assert "Play" in page["play"].text
    stood = page.position
    assert page.current_clip > 0
    assert (page.current_clip + 0.5) * CLIP_SECONDS == pytest.approx(stood, abs=CLIP_SECONDS / 2 + 0.1)
    assert page.bars_of_the_clip() != bars_before
    time.sleep(0.3)
    assert page.position == stood


def test_keys_alone_go_through_a_song_and_select_in_it(page: Page, song: Path) -> None:
    page.choose(song)
    right, left, home, end, escape = "\ue014", "\ue012", "\ue011", "\ue010", "\ue00c"
    page["clips"].find_element("css selector", "[aria-current]").send_keys(right, right, right)
    assert page.current_clip == 3
    page.keys("[")
    page["clips"].find_element("css selector", "[aria-current]").send_keys(right, right)
    page.keys("]")
    assert page["scope"].text.startswith("Selection 0:05 to 0:09")
    assert sum(page.votes().values()) == 2
    told = [button.text for button in page.clips[3:5]]
    assert all(page.votes()[genre] == told.count(genre) for genre in told)
    page.keys(escape)
    assert page["scope"].text.startswith("Whole song")
    assert sum(page.votes().values()) == 15
    page["clips"].find_element("css selector", "[aria-current]").send_keys(left)
    assert page.current_clip == 4
    page["clips"].find_element("css selector", "[aria-current]").send_keys(end)
    assert page.current_clip == 14
    page["clips"].find_element("css selector", "[aria-current]").send_keys(home)
    assert page.current_clip == 0


def test_a_mouse_that_drags_over_the_spectrogram_selects(page: Page, song: Path) -> None:
    from selenium.webdriver import ActionChains

    page.choose(song)
    canvas = page["spectrogram"]
    chain = ActionChains(page.browser).move_to_element_with_offset(canvas, -200, 0).click_and_hold()
    chain.move_by_offset(250, 0).release().perform()
    assert page["scope"].text.startswith("Selection")
    assert 1 <= sum(page.votes().values()) < 15


def test_a_selection_plays_to_its_end_and_stops_there(page: Page, song: Path) -> None:
    page.choose(song)
    page["clips"].find_element("css selector", "[aria-current]").send_keys("\ue014")
    page["to"].click()
    page["play-selection"].click()
    page.wait(lambda: "Play" in page["play"].text and page.position > 1.5)
    assert page.position == pytest.approx(CLIP_SECONDS, abs=0.11)


def test_a_recording_is_classified(page: Page) -> None:
    page["record"].click()
    page.wait(lambda: int(re.search(r"\d+|$", page["record"].text)[0] or 0) >= 3)
    page["record"].click()
    page.wait(lambda: page["status"].text.startswith("Your recording:"))
    assert page["result"].is_displayed()
    seconds = int(re.fullmatch(r"Your recording, 0:(\d\d)", page["name"].text)[1])
    assert seconds >= 2
    assert int(seconds / CLIP_SECONDS) <= len(page.clips) <= int((seconds + 1) / CLIP_SECONDS)


def test_the_newest_song_wins_over_one_that_is_still_being_listened_to(
    page: Page, song: Path, synthetic_songs: Path
) -> None:
    other = next((synthetic_songs / "classical").glob("*.wav"))
    page["file"].send_keys(str(song))
    page.choose(other)
    time.sleep(1)
    assert other.name in page["name"].text
    assert other.name in page["status"].text


def test_a_file_that_is_no_song_is_refused_in_a_line_with_its_name_as_text(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "<img src=x onerror=alert(1)>.mp3"
    file.write_bytes(b"no song" * 1000)
    page.choose(file)
    assert page["status"].text.startswith("<img src=x onerror=alert(1)>.mp3: unreadable as audio")
    assert not page.browser.find_elements("tag name", "img")
    assert not page["result"].is_displayed()


def test_a_phone_shows_all_of_it_without_scrolling_sideways(page: Page, song: Path) -> None:
    page.size(*PHONE)
    page.choose(song)
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= PHONE[0]
    assert "Share" not in page.browser.find_element("tag name", "body").text  # a column that a phone has no room for
    for name in ("play", "record", "from", "to"):
        assert page[name].size["height"] >= 44  # a finger's width
    assert page.clips[0].size["width"] >= 44
    page["play"].click()
    page.wait(lambda: page.browser.execute_script("return document.getElementById('scroll').scrollLeft") > 0)


def test_a_long_song_scrolls_along_and_its_picture_with_it(page: Page, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    soundfile.write(tmp_path / "long.flac", random.normal(0, 0.1, 90 * 22050), 22050)
    page.choose(tmp_path / "long.flac")
    assert len(page.clips) == 46
    page.clips[0].send_keys("\ue010")
    assert page.current_clip == 45
    scrolled = page.browser.execute_script("return document.getElementById('scroll').scrollLeft")
    assert scrolled > 500


RECORD_A_FILE = """
const done = arguments[0], context = new AudioContext(), tone = context.createOscillator();
const out = context.createMediaStreamDestination(), recorder = new MediaRecorder(out.stream);
tone.connect(out);
tone.start();
recorder.ondataavailable = ({ data }) => {
  const files = new DataTransfer(), input = document.getElementById("file");
  files.items.add(new File([data], "tone.webm"));
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
  done();
};
recorder.start();
setTimeout(() => recorder.stop(), 4500);
"""


def test_a_file_that_only_the_browser_can_read_is_decoded_by_it(page: Page) -> None:
    page.browser.execute_async_script(RECORD_A_FILE)
    page.wait(lambda: page["status"].text.startswith("tone.webm: "))
    assert page["result"].is_displayed()
    assert len(page.clips) == 2


def test_a_file_that_only_the_server_can_read_is_heard_through_it(page: Page, song: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.au", soundfile.read(song)[0], 22050)
    page.choose(tmp_path / "song.au")
    page["play"].click()
    page.wait(lambda: page.position > 0.2)
