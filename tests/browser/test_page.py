"""The practice page in headless Chromium, with a stand-in for the bot behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.lab.workspace import serve_workspace
from bot.lab.workspace.acts import act
from handlers import hang_up
from tests.browser.conftest import Pages
from tests.browser.hands import Hands
from tests.browser.sample import ALICE, BOB, CAMPAIGN, CHANNEL, Sample, header, section
from tests.waiting import until

SURFACES = pytest.mark.parametrize(
    "surface", [{}, {"phone": True}, {"keyboard": True}], ids=["mouse", "phone", "keyboard"]
)


def to_the_gate(hands: Hands) -> None:
    hands.command("/rollup plan CLUSTER01")
    hands.open_thread()
    hands.wait_for_text("Steps, and what put each one there")
    hands.command(f"/rollup start {CAMPAIGN}")
    hands.open_thread()
    hands.wait_for_gates(1)


@SURFACES
def test_a_campaign_is_planned_started_refused_and_approved(
    surface: dict[str, bool], sample: Sample, pages: Pages
) -> None:
    hands = pages.open(sample.server.url, **surface)
    to_the_gate(hands)
    hands.approve()
    hands.wait_for_text("you planned this campaign yourself")
    hands.be("dave")
    assert hands.whispers() == []  # what Alice was told is not for Dave
    hands.approve()
    hands.wait_for_text("you are not listed as an approver")
    hands.be("bob")
    hands.approve()
    hands.wait_for_text("Users were without mail for 104 s")
    assert sample.space.message(CHANNEL, sample.gate_ts).reactions["white_check_mark"] == [ALICE, "U0DAVE000", BOB]


def test_two_browsers_stay_in_step(sample: Sample, pages: Pages) -> None:
    alice, bob = pages.open(sample.server.url, who="alice"), pages.open(sample.server.url, who="bob")
    alice.command("/rollup plan CLUSTER01")
    alice.wait_for_text("KB4011325")
    bob.wait_for_text("KB4011325")
    alice.command(f"/rollup start {CAMPAIGN}")
    alice.wait_for_gates(1)
    bob.open_thread()
    bob.approve()
    alice.page.locator(".thread [data-kind=gate] .reaction[data-emoji=white_check_mark] .count").wait_for()
    alice.wait_for_text("approved")


def serious(hands: Hands) -> list[str]:
    axe = pytest.importorskip("axe_playwright_python")
    hands.page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8"))
    hands.page.wait_for_function(
        "() => document.getAnimations().every((a) => a.effect.getTiming().iterations === Infinity)"
    )
    found = hands.page.evaluate("() => axe.run(document)")
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "phone"), [("light", False), ("dark", True)], ids=["light-wide", "dark-phone"])
def test_axe_finds_nothing_serious(scheme: str, phone: bool, sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url, phone=phone, color_scheme=scheme)
    assert serious(hands) == []
    to_the_gate(hands)
    hands.approve()
    hands.wait_for_text("you planned this campaign yourself")
    sample.server.notice("bot_restarted", "The bot was restarted.")
    assert serious(hands) == []
    if phone:
        hands.page.locator(".tabs button", has_text="Estate").click()
        assert serious(hands) == []
        hands.page.locator(".tools button", has_text="Range").click()
    else:
        hands.page.locator(".tools button", has_text="Start again").click()
    assert serious(hands) == []


def test_every_block_the_bot_posts_is_drawn(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    rich: list[dict[str, Any]] = [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "bold", "style": {"bold": True}},
                {"type": "user", "user_id": BOB},
                {"type": "emoji", "name": "lock"},
                {"type": "link", "url": "https://example.com/x", "text": "a link"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": word}]} for word in ("one", "two")
            ],
        },
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "name  level\nEXN1  8.3\nEXN2  8.3"}]},
    ]
    mrk = (
        "*bold* _italic_ ~gone~ `co_d_e *x*` a_b_c 2*3*4 :white_check_mark: <https://example.com|there> <@U0BOB0000>\n"
        "&gt; said\n```\nfenced *not bold*\n```\n<!date^1773518400^{date_num} {time}|then> &lt;b&gt;"
    )
    sample.slack.chat_postMessage(
        channel=CHANNEL,
        text="all",
        blocks=[
            header("A title"),
            section(mrk),
            {
                "type": "section",
                "fields": [{"type": "mrkdwn", "text": "*Level*"}, {"type": "plain_text", "text": "8.3 :lock:"}],
            },
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
            {"type": "divider"},
            {
                "type": "actions",
                "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
            },
            {"type": "rich_text", "elements": rich},
            {"type": "table", "rows": [[{"type": "raw_text", "text": "node"}], [{"type": "raw_text", "text": "EXN1"}]]},
            {"type": "image", "image_url": f"{sample.server.url}page/icon.svg", "alt_text": "a sign"},
        ],
    )
    hands.wait_for_text("A title")
    drawn = hands.page.locator(".message .content")
    for what in (
        "h3",
        "strong",
        "em",
        "s",
        "blockquote",
        "hr",
        ".block-actions button",
        "ol li",
        "table td",
        "img[alt='a sign']",
        "pre.columns",
        ".fields",
        ".block-context",
    ):
        assert drawn.locator(what).count(), what
    text = drawn.inner_text()
    for words in ("co_d_e *x*", "a_b_c 2*3*4", "fenced *not bold*", "@Bob", "14/03/2026 21:00", "<b>", "8.3 🔒"):
        assert words in text, words
    assert drawn.locator("a", has_text="there").get_attribute("href") == "https://example.com"


def test_what_people_write_is_never_markup(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    hands.command("<img src=x onerror=document.title='hacked'> & <b>bold</b>")
    hands.wait_for_text("<img src=x")
    assert hands.page.locator(".message .content img, .message .content b").count() == 0
    assert hands.page.title() != "hacked"


def test_nothing_is_asked_of_any_other_machine(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    to_the_gate(hands)
    assert pages.asked
    assert [url for url in pages.asked if not url.startswith(sample.server.url)] == []


def test_the_panel_follows_the_estate_and_says_what_happened(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    hands.page.wait_for_selector(".mail.up")

    def broken(fresh: dict[str, Any]) -> None:
        cluster = fresh["clusters"][0]
        cluster["cms"][0] |= {"mail": "down", "down_s": 3.0, "node": "EXN2"}
        cluster["groups"][0]["owner"] = "EXN2"
        cluster["nodes"][0] |= {"state": "Paused", "doing": "installing KB4011325, 42%"}
        fresh["machines"][0]["level"] = "8.3.517.0"

    sample.change(broken)
    hands.page.wait_for_selector(".mail.down")
    assert hands.page.locator("[aria-label='node EXN2'] .cms").inner_text().startswith("CMS1")
    assert hands.page.locator("[aria-label='node EXN1'] progress").get_attribute("value") == "42"
    happened = hands.page.locator(".happened").inner_text()
    for words in ("SCR1 is at 8.3.517.0 now", "CMS1 moved from EXN1 to EXN2", "no mail on CMS1", "EXN1: Up → Paused"):
        assert words in happened


def test_the_speed_and_a_fresh_start_are_asked_of_the_range(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    hands.page.locator(".speed select").select_option("60")
    hands.page.wait_for_function("() => document.querySelector('.speed select').value === '60'")
    hands.page.locator(".tools button", has_text="Kill the bot").click()
    hands.page.locator(".tools button", has_text="Start again").click()
    hands.page.locator("dialog[open] label", has_text="bot-killed").click()
    hands.page.locator("dialog[open] button[type=submit]").click()
    hands.page.wait_for_function("() => !document.querySelector('dialog[open]')")
    until(lambda: sample.clock.speed == 60.0)
    until(lambda: len(sample.controlled) == 2)  # starting again is answered before it is done
    assert sample.controlled == [("kill", None), ("again", "bot-killed")]


@SURFACES
def test_the_speed_can_be_set_from_everywhere(surface: dict[str, bool], sample: Sample, pages: Pages) -> None:
    pages.open(sample.server.url, **surface).set_speed("120")
    until(lambda: sample.clock.speed == 120.0)


def test_what_goes_wrong_at_the_edge_is_seen(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    with pytest.raises(Exception, match="unknown_method"):
        sample.slack.api_call("chat.postTelegram")
    hands.page.locator(".edge", has_text="chat.postTelegram").wait_for()
    sample.server.notice("bot_restarted", "The bot was restarted; nothing was lost.")
    hands.page.locator(".notice", has_text="The bot was restarted").wait_for()
    pages.complaints.clear()


def test_the_page_comes_back_when_the_range_does(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    port = sample.server.port
    hang_up(sample.bolt)
    sample.server.stop()
    hands.page.wait_for_selector(".offline")
    again = serve_workspace(sample.space, port)
    try:
        hands.page.wait_for_selector(".offline", state="detached")
        act(sample.space, {"as": "carol", "type": "message", "text": "good morning"})
        hands.wait_for_text("good morning")
    finally:
        hands.page.goto("about:blank")
        again.stop()
    pages.complaints.clear()  # the browser complains of refused connections: that is the point


def test_commands_and_names_are_completed(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url, keyboard=True)
    hands.page.keyboard.press("Alt+c")
    hands.page.keyboard.type("/ro")
    hands.page.wait_for_selector("[role=listbox]")
    hands.page.keyboard.press("Tab")
    assert hands.page.input_value("#channel-line") == "/rollup plan "
    hands.page.keyboard.press("Tab")
    assert hands.page.input_value("#channel-line") == "/rollup plan CLUSTER01"
    hands.page.keyboard.press("Enter")
    hands.open_thread()
    hands.page.keyboard.press("Alt+t")
    hands.page.keyboard.type("/rollup pause")
    hands.page.locator(".hint", has_text="no slash commands inside threads").wait_for()


def test_every_part_is_reached_by_tab_alone(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    to_the_gate(hands)
    hands.page.evaluate("() => document.activeElement.blur()")
    seen: set[str] = set()
    for _ in range(60):
        hands.page.keyboard.press("Tab")
        seen.add(
            hands.page.evaluate("""() => { const e = document.activeElement;
            return e.id || e.getAttribute("aria-label") || e.innerText?.slice(0, 40) || e.name || e.tagName; }""")
        )
    for part in ("channel-line", "thread-line", "Keys", "Start again", "Close thread", "Add a reaction", "machines"):
        assert part in seen, (part, sorted(seen))
    assert any("approve as Alice" in each or "React with white check mark" in each for each in seen)


def test_a_reaction_names_who_it_is_from_and_a_permalink_leads_to_its_message(sample: Sample, pages: Pages) -> None:
    hands = pages.open(sample.server.url)
    to_the_gate(hands)
    act(sample.space, {"as": "carol", "type": "react", "emoji": "eyes", "ts": sample.gate_ts})
    chip = hands.page.locator(".thread .reaction[data-emoji=eyes]")
    chip.wait_for()
    assert chip.get_attribute("title") == "Carol reacted with :eyes:"
    link = sample.slack.chat_getPermalink(channel=CHANNEL, message_ts=sample.gate_ts)["permalink"]
    hands.page.goto(link)
    hands.page.wait_for_function("(ts) => document.activeElement?.dataset.ts === ts", arg=sample.gate_ts)


def test_the_app_home_is_shown(sample: Sample, pages: Pages) -> None:
    sample.slack.views_publish(user_id=ALICE, view={"type": "home", "blocks": [section("*No campaign is open.*")]})
    hands = pages.open(sample.server.url)
    hands.page.locator(".places a", has_text="App home").click()
    hands.page.locator(".home", has_text="No campaign is open.").wait_for()
    assert json.dumps(sample.space.views[ALICE]["blocks"]).count("No campaign") == 1
