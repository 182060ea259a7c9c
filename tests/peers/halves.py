"""Both halves of the practice range, started by hand into one rollup.toml."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from bot.lab.range import read_settings
from tests.peers.conftest import Running, free_ports
from tests.peers.slack_client import People


@dataclass
class Range:
    """Two halves that share one rollup.toml, and the secrets a bot needs for them."""

    config: Path
    truth: Path
    estate: dict[str, Any]
    workspace: dict[str, Any]
    people: People

    @property
    def secrets(self) -> dict[str, str]:
        return {
            "ROLLUP_SLACK_BOT_TOKEN": self.workspace["bot_token"],
            "ROLLUP_SLACK_APP_TOKEN": self.workspace["app_token"],
            "ROLLUP_WINRM_PASSWORD": self.estate["password"],
        }

    @property
    def channel(self) -> str:
        return str(self.settings()["clusters"]["CLUSTER01"]["channel"])

    def settings(self) -> dict[str, Any]:
        return read_settings(self.config)

    def truths(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.truth.read_text(encoding="utf-8").splitlines()]


def started(folder: Path, run_on: Callable[..., Running], *, scenario: str | Path = "ccr", speed: int = 240) -> Range:
    """Both halves started at once into one file, as two terminals would; and a Redis folder for the bot."""
    config, truth = folder / "rollup.toml", folder / "truth"
    common = ("--scenario", scenario, "--config", config, "--truth", truth)
    workspace = run_on("lab", "workspace", "--port", str(free_ports(1)), "--speed", str(speed), *common)
    estate = run_on("lab", "estate", "--port", str(free_ports(3)), *common)
    said = workspace.announced()
    made = Range(config, truth, estate.announced(), said, People(said["page"]))
    settings = made.settings() | {"redis": {"dir": str(folder / "state")}}
    config.write_text(tomli_w.dumps(settings), encoding="utf-8")
    return made
