"""The App Home: every open campaign, for whoever looks."""

from __future__ import annotations

import logging

from handlers import lookup
from handlers.calls import Calls, SlackError
from handlers.cards import home
from handlers.deps import Deps

log = logging.getLogger(__name__)


def publish_home(deps: Deps, calls: Calls, user: str) -> None:
    """Draw the Home tab for one person. A Slack that does not answer is logged: the next look draws it. StateError."""
    campaigns = deps.store.active()
    links = [lookup.thread_link(deps, campaign) for campaign in campaigns]
    view = {"type": "home", "blocks": home(campaigns, links, deps.realm)}
    try:
        calls("views.publish", patience_s=5.0, user_id=user, view=view)
    except SlackError as failed:
        log.info("no Home for %s: %s", user, failed)
