"""A Slack to practise in: Web API, Socket Mode and a page, on 127.0.0.1 only."""

from bot.lab.workspace import aio  # noqa: F401 - before everything that imports aiohttp
from bot.lab.workspace.lab_routes import Controls
from bot.lab.workspace.server import RunningWorkspace, serve_workspace
from bot.lab.workspace.words import App, Channel, Person, SlackError, slack_id
from bot.lab.workspace.workspace import Workspace

__all__ = [
    "App",
    "Channel",
    "Controls",
    "Person",
    "RunningWorkspace",
    "SlackError",
    "Workspace",
    "serve_workspace",
    "slack_id",
]
