"""What can be judged without asking anybody: settings, people, realm, secrets, the signing key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.doctor.findings import Finding, fail, ok, unknown, warn
from bot.settings import Secrets, Settings, SettingsError, check_realm
from state import audit
from state.errors import KeyFileRefused

_NO_PASSWORD = ("kerberos", "certificate")  # tickets and keys come from elsewhere


def examine(path: Path, settings: Settings, secrets: Secrets, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The settings, the people in them, the realm, and every secret."""
    yield _settings(path, settings)
    yield _people(settings)
    try:
        yield ok("realm", check_realm(settings))
    except SettingsError as err:
        yield fail("realm", err.why)
    yield from _secrets(settings, secrets, environ)


def _settings(path: Path, settings: Settings) -> Finding:
    what = (
        f"{len(settings.clusters)} cluster(s), {len(settings.machines)} machine(s), {len(settings.packages)} package(s)"
    )
    if not settings.clusters:
        return fail("settings", f"{path} declares no cluster", "docs/configuration.md shows a first one.")
    if not settings.packages:
        return warn("settings", f"{path}: {what}", "Without [packages.KB…] no rollup can be planned.")
    return ok("settings", f"{path}: {what}")


def _people(settings: Settings) -> Finding:
    """Whether everybody who may ask has enough others who may approve."""
    people = settings.people
    if not people.requesters or not people.approvers:
        return fail("people", "nobody may ask, or nobody may approve", "List them in [people] by Slack user id.")
    person = {who: people.map.get(who, who) for who in (*people.requesters, *people.approvers)}
    for asking in people.requesters:
        others = {person[who] for who in people.approvers} - {person[asking]}
        if len(others) < people.quorum:
            return fail(
                "people",
                f"{asking} may ask, but only {len(others)} other person(s) may approve and {people.quorum} must",
                "Add approvers to [people].",
            )
    if unnamed := sorted(who for who in person if who not in people.map):
        return warn(
            "people",
            f"{', '.join(unnamed)} stand in no [people] map",
            "Somebody with two accounts could approve himself; give each person a name there.",
        )
    return ok(
        "people", f"{len(people.requesters)} may ask, {len(people.approvers)} may approve, quorum {people.quorum}"
    )


def _secrets(settings: Settings, secrets: Secrets, environ: Mapping[str, str]) -> Iterator[Finding]:
    for name, begins in (("slack_bot_token", "xoxb-"), ("slack_app_token", "xapp-")):
        variable, value = f"ROLLUP_{name.upper()}", getattr(secrets, name)
        if not value:
            yield fail(variable, "is not set", "docs/slack.md says where to find it.")
        elif not value.startswith(begins):
            yield fail(variable, f"does not begin with {begins}", "The two tokens may be mixed up: docs/slack.md.")
        else:
            yield ok(variable, "is set")
    if secrets.winrm_password:
        yield ok("ROLLUP_WINRM_PASSWORD", "is set")
    elif settings.winrm.transport in _NO_PASSWORD:
        yield ok("ROLLUP_WINRM_PASSWORD", f"is not needed for {settings.winrm.transport}")
    else:
        yield fail("ROLLUP_WINRM_PASSWORD", f"is not set, and {settings.winrm.transport} needs it", "Set it.")
    for variable in sorted(v for v in environ if v.startswith("ROLLUP_") and v.endswith("_FILE")):
        if Path(environ[variable]).stat().st_mode & 0o077:
            yield warn(variable, f"{environ[variable]} may be read by others", f"chmod 600 {environ[variable]}")


def signing_key(path: Path, secrets: Secrets, *, campaigns: int) -> Finding:
    """The key that signs gates and intents. `campaigns`: how many are under way and need it."""
    if secrets.hmac_key:
        return ok("signing key", "from ROLLUP_HMAC_KEY")
    if not os.path.lexists(path):
        if campaigns:
            return fail(
                "signing key", f"{path} is gone, and {campaigns} campaign(s) were signed with it", "Restore it."
            )
        return ok("signing key", f"{path} will be made at the first run")
    try:
        audit.key_file(path, make=False)
    except KeyFileRefused as err:
        return fail("signing key", str(err), f"chmod 600 {path}")
    except OSError as err:
        return unknown("signing key", str(err))
    return ok("signing key", f"{path}, readable by this user only")
