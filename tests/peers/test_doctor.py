"""`rollup-bot doctor` against a practice range that is well, and against several that are not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import redis
import tomli_w

from bot.lab.range import merged
from state.keys import Keys
from state.server import EmbeddedServer, find_binary
from state.store import Store
from state.words import Realm
from tests.peers.conftest import Running, free_ports, rollup_bot
from tests.peers.halves import Range, started
from tests.state.samples import Walk
from tests.waiting import until

pytestmark = pytest.mark.peer

LINE = re.compile(r"(ok|warn|FAIL|unknown) +([^:]+): (.+)")


def asked(both: Range, **env: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Its exit code, and level and text of each check by what it is about."""
    done = rollup_bot("doctor", "--config", both.config, env=both.secrets | env)
    assert done.stderr == ""
    for secret in both.secrets.values():
        assert secret not in done.stdout
    found = [LINE.fullmatch(line) for line in done.stdout.splitlines()]
    assert all(found), done.stdout
    return done.returncode, {match[2]: (match[1], match[3]) for match in found if match}


def failing(said: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {what: text for what, (level, text) in said.items() if level == "FAIL"}


def change(both: Range, **more: Any) -> None:
    both.config.write_text(tomli_w.dumps(merged(both.settings(), more)), encoding="utf-8")


@pytest.fixture
def both(tmp_path: Path, run_on: Callable[..., Running]) -> Range:
    return started(tmp_path, run_on, speed=60)


def test_a_range_that_is_well_is_well_in_every_line_and_is_left_as_it_was(both: Range, tmp_path: Path) -> None:
    before = both.settings()
    code, said = asked(both)
    assert failing(said) == {}
    assert code == 0
    assert {what for what, (level, _) in said.items() if level != "ok"} == set()
    for machine in ("EXN1", "EXN2", "SCR1"):
        assert said[machine] == ("ok", "answers; Windows 6.0, PowerShell 2.0")
        assert {f"{machine} {part}" for part in ("exchange", "job folder", "runner task", "clock", "package")} <= set(
            said
        )
    assert said["EXN1 exchange"] == ("ok", "cmdlets answer, may run CMS1")
    assert said["realm"] == ("ok", "lab")
    assert said["slack scopes"][0] == "ok"
    assert said["redis"][1].startswith("the first run will make an embedded one in ")
    assert not (tmp_path / "state").exists(), "it only looks"
    assert both.settings() == before
    assert not [t for t in both.truths() if t["did"] == "command_started"]


def test_with_a_store_it_asks_the_server_and_leaves_it_as_it_found_it(both: Range, tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "state" / "redis")
    server.start()
    Store(server.client()).realm(Realm.PRODUCTION)
    server.stop()
    code, said = asked(both)
    assert code == 1
    assert set(failing(said)) == {"store realm"}
    assert said["redis version"][1].startswith(("Valkey ", "Redis "))
    for what in ("role", "appendonly", "maxmemory-policy", "write", "disk", "clock"):
        assert said[f"redis {what}"][0] == "ok", said
    assert said["campaigns"] == ("ok", "none under way")
    assert EmbeddedServer(tmp_path / "state" / "redis").pid() is None, "what it started it stops"


def test_a_campaign_whose_snapshot_is_not_what_its_events_say_is_named(both: Range, tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "state" / "redis")
    server.start()
    store = Store(server.client())
    store.realm(Realm.LAB)
    sound, spoiled = Walk(store, "CLUSTER01").campaign, Walk(store, "CLUSTER02").campaign
    key = Keys().campaign(spoiled.id)
    with server.client() as client:
        snapshot = client.hget(key, "snap")
        assert snapshot is not None
        client.hset(key, "snap", snapshot.replace(b"CLUSTER02", b"CLUSTER03"))
    code, said = asked(both)  # the server is running: the doctor asks that one, and leaves it running
    assert server.pid() is not None
    server.stop()
    assert code == 1
    assert said[sound.id] == ("ok", "planning, event 1, snapshot equals its events")
    assert set(failing(said)) == {spoiled.id, "signing key"}
    assert "its snapshot is not what its events say" in said[spoiled.id][1]
    assert "is gone, and 2 campaign(s) were signed with it" in said["signing key"][1]


def test_without_a_second_hop_the_exchange_cmdlets_fail_and_it_says_what_to_do(
    tmp_path: Path, run_on: Callable[..., Running]
) -> None:
    text = files("bot.lab").joinpath("scenarios", "ccr.toml").read_text(encoding="utf-8")
    scenario = tmp_path / "delegated.toml"
    scenario.write_text(text.replace("[lab]\n", '[lab]\nsecond_hop = "delegated"\n', 1), encoding="utf-8")
    both = started(tmp_path, run_on, scenario=scenario, speed=60)
    code, said = asked(both)
    assert code == 1
    broken = failing(said)
    assert set(broken) == {"EXN1 exchange", "EXN2 exchange", "SCR1 exchange"}
    for text in broken.values():
        assert text.startswith("cmdlets do not answer: ")
        assert text.endswith(
            "Exchange cmdlets need a second hop: Kerberos with delegation, or CredSSP, in [winrm] transport "
            "(docs/configuration.md)."
        )
    assert said["EXN1"][0] == said["EXN1 job folder"][0] == said["EXN1 runner task"][0] == "ok"


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[str]:
    """A server whose administrator did not think of campaigns; its URL."""
    port = free_ports(1)
    with (tmp_path / "careless.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(str(find_binary()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *("--dir", str(tmp_path), "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    url = f"redis://127.0.0.1:{port}/0"
    until(lambda: _answers(url))
    yield url
    server.terminate()
    server.wait(60)


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_everything_that_is_not_as_it_must_be_has_a_line_of_its_own(both: Range, careless: str, tmp_path: Path) -> None:
    users = both.workspace["users"]
    change(
        both,
        redis={"url": careless, "replicas": 1, "dir": str(tmp_path / "state")},
        machines={"EXN2": {"address": f"http://127.0.0.1:{free_ports(1)}/wsman"}},
        clusters={"CLUSTER01": {"channel": "C0NOWHERE"}},
        packages={"KB4011325": {"sha256": "0" * 64}},
        people={"requesters": ["U0GONE"], "approvers": [users["Bob"]], "map": {"U0GONE": "bob"}},
        winrm={"runner_task": "somebody-elses-task"},
    )
    key = tmp_path / "state" / "signing.key"
    key.parent.mkdir()
    key.write_text("f" * 64, encoding="utf-8")
    key.chmod(0o644)
    code, said = asked(both)
    assert code == 1
    broken = failing(said)
    assert set(broken) == {
        *("people", "redis appendonly", "redis maxmemory-policy", "redis replicas", "signing key"),
        *("channel of CLUSTER01", "EXN2", "EXN1 runner task"),
        *("EXN1 package", "SCR1 package"),
    }
    assert "only 0 other person(s) may approve" in broken["people"]
    assert broken["signing key"].endswith(f"chmod 600 {key}")
    assert "allkeys-lru" in broken["redis maxmemory-policy"]
    assert "channel_not_found" in broken["channel of CLUSTER01"]
    assert "[machines.EXN2] address" in broken["EXN2"]
    assert said["person U0GONE"] == ("warn", "user_not_found. Take them out of [people], or mend the id.")
    assert said["redis access"][0] == "warn"
    assert said["redis disk"][0] == "unknown"
    assert said["SCR1 runner task"] == ("ok", "is not there, and not needed outside a cluster")


def test_a_wrong_password_and_missing_tokens_are_said_and_nothing_is_asked_with_them(both: Range) -> None:
    code, said = asked(
        both, ROLLUP_WINRM_PASSWORD="guessed", ROLLUP_SLACK_BOT_TOKEN="", ROLLUP_SLACK_APP_TOKEN="xoxb-1"
    )
    assert code == 1
    assert {"EXN1", "EXN2", "SCR1", "ROLLUP_SLACK_BOT_TOKEN", "ROLLUP_SLACK_APP_TOKEN"} == set(failing(said))
    assert said["slack"] == ("unknown", "was not asked: there is no token")
    assert "does not begin with xapp-" in said["ROLLUP_SLACK_APP_TOKEN"][1]


def test_settings_that_cannot_be_used_are_the_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rollup.toml"
    path.write_text("[slak]\n", encoding="utf-8")
    done = rollup_bot("doctor", "--config", path)
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"FAIL     settings: {path}")
    assert "slak" in line


def test_a_secret_in_a_file_that_others_may_read_is_pointed_at(tmp_path: Path) -> None:
    path, secret = tmp_path / "rollup.toml", tmp_path / "password"
    path.write_text("", encoding="utf-8")
    secret.write_text("x", encoding="utf-8")
    secret.chmod(0o644)
    done = rollup_bot(
        "doctor", "--config", path, env={"ROLLUP_WINRM_PASSWORD_FILE": str(secret), "HOME": str(tmp_path)}
    )
    assert done.returncode == 1
    assert f"warn     ROLLUP_WINRM_PASSWORD_FILE: {secret} may be read by others. chmod 600 {secret}" in done.stdout
