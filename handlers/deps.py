"""What the Slack edge is given by the composition root: one frozen record, no globals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from slack_sdk import WebClient

from handlers.advice import JOB_ROOT
from state.clock import Clock
from state.words import Package, Policy, Realm

if TYPE_CHECKING:
    from state.store import Store


class Wake(Protocol):
    """The dispatch seam, as bot.engine.ports declares it."""

    def advance(self, campaign_id: str) -> None:
        """Ask for a look at a campaign soon."""

    def publish(self, campaign_id: str) -> None:
        """Ask for a projection of a campaign soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One cluster of the inventory and the channel where its threads live (a channel id or name)."""

    cluster: str
    channel: str
    machines: tuple[str, ...] = ()  # for "did you mean": a node's name is often typed for its cluster's


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are in Slack. `app_id` may be empty where nothing told us; then bot_id alone decides authorship."""

    user_id: str
    bot_id: str
    team_id: str
    app_id: str = ""
    url: str = ""  # "https://team.slack.com/", for links to threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Everything the handlers need. Callables are asked each time, so edited settings count at once.

    `sleep` takes wall seconds. `config_file` is the name shown to people who must declare something.
    """

    store: Store
    client: WebClient
    policy: Callable[[str], Policy]  # by cluster; an unknown cluster gives an empty policy, which denies
    places: Callable[[], tuple[Place, ...]]
    packages: Callable[[], tuple[Package, ...]]
    wake: Wake
    clock: Clock
    realm: Realm
    identity: Identity
    job_root: str = JOB_ROOT  # where job folders lie on the nodes, for people who must look there
    docs_url: str = ""  # where docs/ is published; "" prints the path inside the repository
    config_file: str = "rollup.toml"
    sleep: Callable[[float], None] = time.sleep


def read_identity(client: WebClient, app_token: str = "") -> Identity:
    """Ask Slack who we are (auth.test). The app id stands inside an app-level token: `xapp-1-A0123-…`.

    Raises slack_sdk errors: without an identity no vote can be judged, so the caller retries.
    """
    answer = client.auth_test()
    parts = app_token.split("-")
    app_id = parts[2] if len(parts) > 3 and parts[0] == "xapp" and parts[2].startswith("A") else ""
    return Identity(
        user_id=str(answer.get("user_id") or ""),
        bot_id=str(answer.get("bot_id") or ""),
        team_id=str(answer.get("team_id") or ""),
        app_id=app_id,
        url=str(answer.get("url") or ""),
    )
