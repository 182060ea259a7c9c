"""Headless Chromium over Playwright; without it these tests are skipped by name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.hands import Hands, KeyboardHands
from tests.browser.sample import Sample

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    for item in items:
        if Path(str(item.path)).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running browser. One a module: while Playwright runs, no test in this process may start its own event loop."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def sample() -> Iterator[Sample]:
    """A range with a stand-in bot."""
    made = Sample()
    yield made
    made.stop()


class Pages:
    """Opens pages and fails the test for whatever the page itself complains about."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._contexts: list[Any] = []
        self.complaints: list[str] = []
        self.asked: list[str] = []  # every address the pages asked for

    def open(self, url: str, *, phone: bool = False, keyboard: bool = False, who: str = "", **more: Any) -> Any:
        """A page as one person's hands."""
        if phone:
            more |= {"has_touch": True, "is_mobile": True}
        context = self._browser.new_context(
            viewport=PHONE if phone else WIDE,
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
            **more,
        )
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.set_default_timeout(60_000)
        page.goto(f"{url}?as={who}" if who else url)
        page.wait_for_selector("#channel-line")
        return (KeyboardHands if keyboard else Hands)(page, phone=phone)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def pages(chromium: Any) -> Iterator[Pages]:
    opened = Pages(chromium)
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Writes a picture of a page: those to keep where `make screenshots` says (docs/), else to a temporary folder."""
    aside = tmp_path_factory.mktemp("screenshots")
    kept = Path(os.environ.get("ROLLUP_SCREENSHOTS") or aside)

    def write(hands: Hands, name: str, *, keep: bool) -> None:
        folder = kept if keep else aside
        folder.mkdir(parents=True, exist_ok=True)
        hands.page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return write
