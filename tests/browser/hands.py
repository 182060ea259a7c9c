"""A person's hands on the page: by mouse or finger, or by keyboard alone; the same words for both."""

from __future__ import annotations

import re
from typing import Any

NUMBER = {"alice": "1", "bob": "2", "carol": "3", "dave": "4"}
GATES = ".thread [data-kind=gate]"


class Hands:
    """Clicks and types. `page` is Playwright's."""

    def __init__(self, page: Any, *, phone: bool = False) -> None:
        self.page = page
        self.phone = phone

    def be(self, name: str) -> None:
        """Act as another person."""
        self.page.locator(".actor", has_text=name.capitalize()).click()
        self._is(name)

    def _is(self, name: str) -> None:
        self.page.wait_for_selector(f".actor.on:has-text('{name.capitalize()}')")

    def command(self, line: str) -> None:
        """Type a slash command in the channel."""
        if self.phone:
            self.page.locator(".tabs button", has_text="Channel").click()
        box = self.page.locator("#channel-line")
        box.click()
        box.press_sequentially(line)
        box.press("Enter")

    def say_in_thread(self, line: str) -> None:
        """Write in the open thread."""
        box = self.page.locator("#thread-line")
        box.click()
        box.press_sequentially(line)
        box.press("Enter")

    def open_thread(self) -> None:
        """See the newest campaign's thread."""
        if self.phone:
            tab = self.page.locator(".tabs button", has_text="Thread")
            self.page.wait_for_function("() => ![...document.querySelectorAll('.tabs button')][1].disabled")
            tab.click()
        elif not self.page.locator(".thread").count():
            self.page.locator(".channel .replies .count").last.click()
        self.page.wait_for_selector(".thread .message")

    def gates(self) -> int:
        """How many gate messages the thread shows."""
        return int(self.page.locator(GATES).count())

    def wait_for_gates(self, count: int, seconds: float = 90) -> None:
        """Until the thread shows so many gate messages."""
        self.page.wait_for_function(
            "([what, count]) => document.querySelectorAll(what).length >= count",
            arg=[GATES, count],
            timeout=seconds * 1000,
        )

    def approve(self) -> None:
        """React with ✅ on the newest gate."""
        self.page.locator(GATES).last.locator(".reaction[data-emoji=white_check_mark]").click()

    def set_speed(self, speed: str) -> None:
        """Let lab time run faster or slower."""
        if self.phone:
            self.page.locator(".tools button", has_text="Range").click()
        self.page.locator(".speed select").select_option(speed)
        if self.phone:
            self.page.locator("dialog[open] button[aria-label=Close]").click()

    def whispers(self) -> list[str]:
        """What only this person sees."""
        return [str(text) for text in self.page.locator(".ephemeral .content").all_inner_texts()]

    def wait_for_text(self, text: str, seconds: float = 60) -> None:
        """Until some message says this."""
        self.page.locator(".message", has_text=re.compile(re.escape(text))).first.wait_for(timeout=seconds * 1000)


class KeyboardHands(Hands):
    """Never touches the mouse."""

    def _focus(self, *, key: str, on: str) -> None:
        self.page.keyboard.press(key)
        self.page.wait_for_function("(id) => document.activeElement && document.activeElement.id === id", arg=on)

    def be(self, name: str) -> None:
        """Alt and the person's number."""
        self.page.keyboard.press(f"Alt+{NUMBER[name]}")
        self._is(name)

    def command(self, line: str) -> None:
        """Alt+C, type, Enter."""
        self._focus(key="Alt+c", on="channel-line")
        self.page.keyboard.type(line)
        self.page.keyboard.press("Enter")

    def say_in_thread(self, line: str) -> None:
        """Alt+T, type, Enter."""
        self._focus(key="Alt+t", on="thread-line")
        self.page.keyboard.type(line)
        self.page.keyboard.press("Enter")

    def open_thread(self) -> None:
        """It opens by itself on a wide page; else Enter on the campaign's message opens it."""
        self.page.wait_for_selector(".thread .message")

    def set_speed(self, speed: str) -> None:
        """Tab to the choice, and type the number."""
        self.page.evaluate("() => document.activeElement.blur()")
        for _ in range(20):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("() => document.activeElement.matches('.speed select')"):
                break
        self.page.keyboard.type(speed)
        self.page.wait_for_function("(speed) => document.querySelector('.speed select').value === speed", arg=speed)

    def approve(self) -> None:
        """Alt+G goes to the newest gate, R opens the reactions, the first is ✅."""
        newest = self.page.locator(GATES).last.get_attribute("data-ts")
        self.page.keyboard.press("Alt+g")
        self.page.wait_for_function("(ts) => document.activeElement?.dataset.ts === ts", arg=newest)
        self.page.keyboard.press("r")
        self.page.wait_for_function("() => document.activeElement?.closest('.picker')")
        self.page.keyboard.press("Enter")
