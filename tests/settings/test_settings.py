"""rollup.toml is believed only when every key is known, every value possible, and the realm is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import SettingsError, check_realm, load, parse, secrets

GOOD = """
[slack]
channel = "C1"
[people]
requesters = ["UA"]
approvers = ["UB"]
[packages.KB4011325]
path = 'C:\\Rollups\\x.msp'
sha256 = "{sha}"
build = "8.3.517.0"
[clusters.CLUSTER01]
nodes = ["EXN1", "EXN2"]
[machines.EXN1]
address = "http://exn1.example.org:5985/wsman"
[machines.EXN2]
address = "http://exn2.example.org:5985/wsman"
""".format(sha="a" * 64)


def test_a_good_file_is_read_and_is_production() -> None:
    settings = parse(GOOD)
    assert settings.clusters["CLUSTER01"].nodes == ("EXN1", "EXN2")
    assert check_realm(settings) == "production"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("[slack]", "[slak]"), "slak"),
        (('channel = "C1"', 'chanel = "C1"'), "chanel"),
        (('requesters = ["UA"]', 'requesters = "UA"'), "requesters"),
        (('build = "8.3.517.0"', 'build = "SP3 RU23"'), "build"),
        (('nodes = ["EXN1", "EXN2"]', 'nodes = ["EXN1", "EXN3"]'), "EXN3"),
        (('channel = "C1"', ""), "channel"),
        (("http://exn1", "exn1"), "EXN1"),
        (("[people]", "[people]\nquorum = 0"), "quorum"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(change: tuple[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        parse(GOOD.replace(*change))


def test_a_foreign_workspace_is_refused_unless_every_machine_is_on_loopback() -> None:
    foreign = GOOD.replace("[slack]", '[slack]\nbase_url = "http://127.0.0.1:8765/api/"')
    with pytest.raises(SettingsError, match="loopback"):
        check_realm(parse(foreign))
    lab = foreign.replace("exn1.example.org", "127.0.0.1").replace("exn2.example.org", "127.0.0.1")
    assert check_realm(parse(lab)) == "lab"
    with pytest.raises(SettingsError):
        check_realm(parse(lab.replace("http://127.0.0.1:8765/api/", "http://10.0.0.5/api/")))


def test_practice_machines_are_refused_in_a_real_workspace() -> None:
    with pytest.raises(SettingsError):
        check_realm(parse(GOOD.replace("exn1.example.org", "127.0.0.1").replace("exn2.example.org", "127.0.0.1")))


def test_lab_time_is_refused_in_production() -> None:
    with pytest.raises(SettingsError, match="lab"):
        parse(GOOD + "[lab]\nstart = 1.0\nanchor = 1.0\nspeed = 10.0\n")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_secrets_come_from_variables_or_files_and_never_show(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-very-secret\n")
    found = secrets({"ROLLUP_SLACK_BOT_TOKEN_FILE": str(tmp_path / "token"), "ROLLUP_WINRM_PASSWORD": "hunter2"})
    assert found.slack_bot_token == "xoxb-very-secret"
    assert "secret" not in repr(found)
    assert "hunter2" not in repr(found)
    with pytest.raises(SettingsError, match="32"):
        secrets({"ROLLUP_HMAC_KEY": "short"})
    with pytest.raises(SettingsError) as refused:
        secrets({"ROLLUP_HMAC_KEY": "k", "ROLLUP_HMAC_KEY_FILE": "f"})
    assert "k'" not in str(refused.value)
