"""A running practice range with the production bot in it: both halves served, the bot as a child, all in one place."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from bot.lab.child import Child, clean_environment
from bot.lab.pace import Pace
from bot.lab.range import EstateRange, WorkspaceRange, clock_for, lab_time, merged, write_settings
from bot.lab.scenario import Scenario
from bot.lab.truth import TruthLog
from bot.lab.workspace.lab_routes import Controls


class PracticeSession:
    """One scenario being practised in `folder`. `redis_url` is a server of its own, gone with the session.

    `paced`: lab time waits for a loaded host, as a play needs that nobody watches.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        folder: Path,
        redis_url: str,
        speed: float,
        truth: Path | None = None,
        paced: bool = False,
    ) -> None:
        self.scenario = scenario
        self.folder = folder
        self.clock = clock_for(scenario, speed)
        self.truth = TruthLog(self.clock, truth)
        self.estate = EstateRange(scenario, self.clock, self.truth)
        self.workspace = WorkspaceRange(scenario, self.clock, self.truth)
        self.config = folder / "rollup.toml"
        self._redis_url = redis_url
        self.child: Child | None = None
        told = folder / "lab-time.json"
        self.pace = Pace(self.clock, told, lambda: self.child.pid if self.child else None) if paced else None
        self._told = {"told": str(told)} if paced else {}

    def start(self, port: int, controls: Controls | None = None) -> None:
        """Serve both halves and start the bot. Raises OSError when the page's port is taken."""
        ours = replace(controls or Controls(), speed=self.set_speed, kill_bot=self.kill_bot)
        page = self.workspace.serve(port, estate=self.estate.estate, controls=ours)
        self.estate.serve(0)
        if self.pace is not None:
            self.pace.start()
        self.write_config()
        environ = clean_environment(self.workspace.secrets() | self.estate.secrets())
        self.child = Child(
            (sys.executable, "-m", "bot.cli", "run", "--leash", "--config", str(self.config)),
            environ,
            self.folder / "bot.log",
            told=page.notice,
        )
        self.child.start()

    def write_config(self) -> None:
        """The generated rollup.toml; the bot reads lab time from it again whenever it changes."""
        line = lab_time(self.clock)
        settings = merged(self.workspace.settings(), self.estate.settings(self.workspace.channels))
        own = {
            "redis": {"url": self._redis_url, "dir": str(self.folder / "bot")},
            "lab": {"start": line.start, "anchor": line.anchor, "speed": line.speed} | self._told,
        }
        write_settings(self.config, merged(merged(settings, self.scenario.settings), own))

    def set_speed(self, speed: float) -> None:
        """Change how fast lab time runs, for the machines and the bot alike."""
        self.clock.set_speed(speed)
        self.write_config()

    def kill_bot(self) -> None:
        """SIGKILL the bot; the session starts it again."""
        if self.child is not None:
            self.child.kill()

    def stop(self) -> None:
        """End the bot, then both halves."""
        if self.child is not None:
            self.child.stop()
        if self.pace is not None:
            self.pace.stop()
        for half in (self.workspace, self.estate):
            if half.served is not None:
                half.served.stop()
        self.estate.estate.stop()
        self.truth.close()
