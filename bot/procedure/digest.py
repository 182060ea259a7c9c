"""The digest: SHA-256 over everything a voter agrees to (DESIGN §6), and its differences in words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from state.words import Check, Command, Fact, Forecast, Package, Plan, Policy, Verdict, Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Everything a voter agrees to, gathered by the engine when a gate is prepared and again at consume."""

    nonce: str
    gate: str
    step: str
    attempt: int
    target: str
    commands: tuple[Command, ...]
    scripts: tuple[tuple[str, str], ...]  # (script file name, SHA-256)
    package: Package
    plan: Plan
    rules_version: str
    bot_version: str
    policy: Policy
    inventory: str  # fingerprint of inventory and declared packages
    waivers: tuple[Waiver, ...]
    forecast: Forecast
    checks: tuple[Check, ...]


def digest(agreed: Agreed) -> str:
    """64 hex digits; moving facts enter by verdict only, forecasts by category only.

    A check's sentence is left out as well: it may print a moving quantity, and it follows from rule, verdict and
    facts under one version of the bot and the table, which are in. The plan enters by its steps, locks and
    machines; its own checks were judged when it was made.
    """
    parts = {one.name: getattr(agreed, one.name) for one in fields(agreed)}
    parts["checks"] = [_check(check) for check in agreed.checks]
    parts["forecast"] = agreed.forecast.category
    parts["plan"] = _plan(agreed.plan)
    parts["policy"] = _sorted_policy(agreed.policy)
    return hashlib.sha256(canonical(parts)).hexdigest()


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no blanks, ASCII only, dataclasses by their fields."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(one) for key, one in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value


def _check(check: Check) -> dict[str, Any]:
    return {
        "rule": check.rule,
        "verdict": check.verdict,
        "waivable": check.waivable,
        "waived_by": sorted(check.waived_by),
        "facts": sorted((fact.machine, fact.name, fact.value) for fact in check.facts if not fact.moving),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    steps = [
        {
            "id": s.id,
            "kind": s.kind,
            "target": s.target,
            "cms": s.cms,
            "source": s.source,
            "to": s.to,
            "option": s.option,
            "role": s.role,
            "cluster": s.cluster,
            "rule": s.rule,
        }
        for s in plan.steps
    ]
    return {
        "cluster": plan.cluster,
        "package": plan.package,
        "options": plan.options,
        "steps": steps,
        "locks": plan.lock_set,
        "machines": plan.machine_set,
        "cms": plan.cms,
        "targets": plan.scr_targets,
        "made_at": plan.made_at,
    }


def _sorted_policy(policy: Policy) -> dict[str, Any]:
    """Lists whose order means nothing are sorted, so that a rewritten file is the same policy."""
    return {
        "requesters": sorted(policy.requesters),
        "approvers": sorted(policy.approvers),
        "persons": sorted(policy.persons),
        "quorum": policy.quorum,
        "approve": sorted(policy.approve),
        "reject": sorted(policy.reject),
    }


def differences(
    old_checks: tuple[Check, ...],
    new_checks: tuple[Check, ...],
    old_commands: tuple[Command, ...],
    new_commands: tuple[Command, ...],
) -> tuple[str, ...]:
    """What changed between a gate as opened and the facts of now, one sentence each."""
    said: list[str] = []
    before = {check.rule: check for check in old_checks}
    after = {check.rule: check for check in new_checks}
    for rule in dict.fromkeys((*before, *after)):
        said += _differ(rule, before.get(rule), after.get(rule))
    was, now = [one.text for one in old_commands], [one.text for one in new_commands]
    said += [f"This command is not needed any more: {text}" for text in was if text not in now]
    said += [f"This command is new: {text}" for text in now if text not in was]
    if not said and [(c.text, c.node, c.kind, c.guard) for c in old_commands] != [
        (c.text, c.node, c.kind, c.guard) for c in new_commands
    ]:
        said.append("The commands come in another order, or run in another way.")
    return tuple(dict.fromkeys(said))


def _differ(rule: str, old: Check | None, new: Check | None) -> list[str]:
    if old is None and new is not None:
        return [f"{rule} is judged now: {_verdict(new.verdict)}. {new.sentence}"]
    if new is None or old is None:
        return [f"{rule} is not judged any more."]
    if old.verdict is not new.verdict:
        return [f"{rule} was {_verdict(old.verdict)} and is {_verdict(new.verdict)} now: {new.sentence}"]
    was, now = _values(old.facts), _values(new.facts)
    return [
        f"{rule}: {name}{f' of {machine}' if machine else ''} was {was.get((machine, name), 'not there')}, "
        f"now {now.get((machine, name), 'not there')}."
        for machine, name in dict.fromkeys((*was, *now))
        if was.get((machine, name)) != now.get((machine, name))
    ]


def _values(facts: tuple[Fact, ...]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for fact in facts:
        if not fact.moving:
            key = (fact.machine, fact.name)
            found[key] = f"{found[key]}, {fact.value}" if key in found else fact.value
    return found


def _verdict(verdict: Verdict) -> str:
    return {"pass": "kept", "warn": "a warning", "block": "broken", "unknown": "unknown"}[verdict.value]
