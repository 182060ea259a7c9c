"""What `run`, `worker`, `export` and `verify` refuse on the command line: the exit code and one plain sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from state.server import EmbeddedServer
from state.store import Store
from state.words import Realm
from tests.peers.conftest import Running, free_ports, rollup_bot

TOKENS = {"ROLLUP_SLACK_BOT_TOKEN": "xoxb-1", "ROLLUP_SLACK_APP_TOKEN": "xapp-1", "ROLLUP_WINRM_PASSWORD": "secret-9"}


def settings(**more: Any) -> dict[str, Any]:
    """A lab of one cluster of which nothing answers."""
    machines = {name: {"address": "http://127.0.0.1:9/wsman"} for name in ("EXN1", "EXN2")}
    return {
        "slack": {"channel": "C1", "base_url": "http://127.0.0.1:9/api/"},
        "people": {"requesters": ["U1"], "approvers": ["U2"]},
        "clusters": {"CLUSTER01": {"nodes": ["EXN1", "EXN2"]}},
        "machines": machines,
    } | more


def written(folder: Path, **more: Any) -> Path:
    path = folder / "rollup.toml"
    path.write_text(tomli_w.dumps(settings(redis={"dir": str(folder / "state")}) | more), encoding="utf-8")
    return path


def refused(*arguments: str | Path, env: dict[str, str] | None = None, code: int = 2) -> str:
    done = rollup_bot(*arguments, env=TOKENS if env is None else env)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-9" not in done.stderr
    (sentence,) = done.stderr.splitlines()
    return sentence


@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_practice_workspace_with_a_real_machine_is_refused(tmp_path: Path, command: str) -> None:
    real = {"EXN1": {"address": "http://127.0.0.1:9/wsman"}, "EXN2": {"address": "http://exn2.example.org:5985/wsman"}}
    said = refused(command, "--config", written(tmp_path, machines=real))
    assert "[slack] base_url points at a lab workspace, but the machines' addresses are production" in said
    assert "every machine is on loopback" in said
    assert not (tmp_path / "state").exists(), "nothing was begun"


def test_slack_itself_with_practice_machines_is_refused(tmp_path: Path) -> None:
    said = refused("run", "--config", written(tmp_path, slack={"channel": "C1"}))
    assert "[slack] base_url points at a production workspace, but the machines' addresses are lab" in said
    assert not (tmp_path / "state").exists()


def test_a_workspace_elsewhere_is_refused_even_with_practice_machines(tmp_path: Path) -> None:
    slack = {"channel": "C1", "base_url": "http://slack.example.org/api/"}
    assert "must be Slack's or on loopback" in refused("run", "--config", written(tmp_path, slack=slack))


def test_a_store_of_the_other_realm_is_refused(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "state" / "redis")
    server.start()
    try:
        Store(server.client()).realm(Realm.PRODUCTION)
        said = refused("run", "--config", written(tmp_path))
        assert "production" in said
        assert "lab" in said
    finally:
        server.stop()


@pytest.mark.parametrize("missing", ["ROLLUP_SLACK_BOT_TOKEN", "ROLLUP_SLACK_APP_TOKEN"])
def test_without_a_token_it_says_which_one_and_where_to_find_it(tmp_path: Path, missing: str) -> None:
    env = {name: value for name, value in TOKENS.items() if name != missing}
    said = refused("run", "--config", written(tmp_path), env=env)
    assert said == f"rollup-bot: {missing}: is not set; docs/slack.md says where to find it"


def test_a_token_that_slack_refuses_ends_it(tmp_path: Path, run_on: Callable[..., Running]) -> None:
    config = written(tmp_path)
    workspace = run_on("lab", "workspace", "--port", str(free_ports(1)), "--config", config)
    said = workspace.announced()
    told = refused("run", "--config", config, env=TOKENS | {"ROLLUP_SLACK_APP_TOKEN": said["app_token"]})
    assert told.endswith("ROLLUP_SLACK_BOT_TOKEN: Slack refuses it (invalid_auth)")


@pytest.mark.parametrize("command", [("run",), ("worker",), ("export", "CLUSTER01-1")])
def test_settings_that_are_not_there_or_not_right_are_refused_by_every_command(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = tmp_path / "rollup.toml"
    assert "cannot be read" in refused(*command, "--config", path)
    path.write_text("[slak]\n", encoding="utf-8")
    said = refused(*command, "--config", path)
    assert "slak" in said
    assert str(path) in said


def test_a_redis_that_does_not_answer_is_said_and_is_not_a_usage_error(tmp_path: Path) -> None:
    config = written(tmp_path, redis={"url": f"redis://127.0.0.1:{free_ports(1)}/0"})
    assert refused("export", "CLUSTER01-1", "--config", config, code=1).startswith("rollup-bot: ")


def test_an_unknown_campaign_cannot_be_exported_and_no_server_is_left_running(tmp_path: Path) -> None:
    assert "there is no campaign NOWHERE-1" in refused("export", "NOWHERE-1", "--config", written(tmp_path))
    assert EmbeddedServer(tmp_path / "state" / "redis").pid() is None


def test_a_file_that_is_not_there_cannot_be_verified(tmp_path: Path) -> None:
    assert "cannot be read" in refused("verify", tmp_path / "nothing")


def test_what_is_no_transcript_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"hello\n")
    assert refused("verify", path, code=1).startswith(f"{path}: not a whole transcript: ")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("rnu",), "Did you mean 'run'?"),
        (("lab", "--scenario", "scc-3-1", "estate"), "Options of 'estate' are given after its name."),
        (("lab", "--transcript", "t"), "--transcript is for --play."),
        (("lab", "estate", "--speed", "0"), "0.0 is not in the range"),
        (("lab", "workspace", "--port", "70000"), "70000 is not in the range"),
        (("verify",), "Missing argument 'FILE'."),
    ],
)
def test_a_mistyped_line_gets_its_usage(line: tuple[str, ...], says: str) -> None:
    done = rollup_bot(*line)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: rollup-bot")
    assert says in done.stderr


HELP = {
    (): ("run", "worker", "lab", "doctor", "export", "verify"),
    ("run",): ("--config", "--no-worker"),
    ("worker",): ("--config",),
    ("doctor",): ("--config",),
    ("export",): ("CAMPAIGN", "--config", "--output"),
    ("verify",): ("FILE", "--head"),
    ("lab",): ("estate", "workspace", "--scenario", "--port", "--play", "--speed", "--transcript", "--truth"),
    ("lab", "estate"): ("--scenario", "--port", "--speed", "--truth", "--config"),
    ("lab", "workspace"): ("--scenario", "--port", "--speed", "--truth", "--config"),
}


@pytest.mark.parametrize("command", HELP)
def test_help_is_short_and_names_everything_the_command_takes(command: tuple[str, ...]) -> None:
    done = rollup_bot(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) <= 32
    for word in HELP[command]:
        assert word in done.stdout
    assert "..." not in done.stdout.split("Commands:")[-1] or not command, "a cut sentence says nothing"
