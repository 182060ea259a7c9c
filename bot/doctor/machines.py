"""Every machine, by the probe that a plan rests on: does it answer, may we, and could a job run there."""

from __future__ import annotations

from collections.abc import Iterator

from bot.doctor.findings import Finding, fail, ok, unknown, warn
from bot.procedure.facts import EstateFacts, MachineFacts, PackageFacts, Unknown
from state.words import Package

_SKEW_FAIL_S, _SKEW_WARN_S = 60.0, 5.0  # above the first, every rule on time says unknown
_DELEGATION = "Exchange cmdlets need a second hop: Kerberos with delegation, or CredSSP, in [winrm] transport (docs/configuration.md)."


def examine(facts: EstateFacts, package: Package | None) -> Iterator[Finding]:
    """What one reading of all machines says, machine by machine. `package`: the one that was looked for."""
    for machine in facts.machines:
        yield from _machine(machine, package)


def _machine(m: MachineFacts, wanted: Package | None) -> Iterator[Finding]:
    if not m.reached:
        yield fail(
            m.name,
            f"cannot be read: {m.why_not}",
            f"Check [machines.{m.name}] address, its WinRM service and the account.",
        )
        return
    yield ok(m.name, f"answers; Windows {_said(m.os_version)}, PowerShell {_said(m.powershell)}")
    yield from _powershell(m)
    yield _second_hop(m)
    yield _job_root(m)
    yield _runner(m)
    yield _clock(m)
    if wanted is not None:
        yield _package(m, wanted)


def _said(fact: object) -> str:
    return "unknown" if isinstance(fact, Unknown) else str(fact)


def _powershell(m: MachineFacts) -> Iterator[Finding]:
    what = f"{m.name} powershell"
    if isinstance(m.powershell, Unknown):
        yield unknown(what, m.powershell.why)
    elif m.powershell.startswith("1."):
        yield fail(what, m.powershell, "The scripts need Windows Management Framework 2.0.")
    elif not m.powershell.startswith("2."):
        yield warn(what, m.powershell, "Exchange 2007 supports 2.0; its snap-in may not load under a newer one.")
    if isinstance(m.machine_policy, str) and m.machine_policy in ("AllSigned", "Restricted"):
        yield fail(what, f"group policy sets {m.machine_policy}", "Unsigned job scripts cannot run: change the policy.")


def _second_hop(m: MachineFacts) -> Finding:
    what, why = f"{m.name} exchange", dict(m.missing)
    if "snapin" in why:
        return fail(what, f"the snap-in does not load: {why['snapin']}", "Install the Exchange management tools there.")
    if isinstance(m.cms, Unknown):
        return fail(what, f"cmdlets do not answer: {m.cms.why}", _DELEGATION)
    for cms in m.cms:
        if isinstance(cms.state, Unknown):
            return unknown(what, f"{cms.name}: {cms.state.why}", "Look at the Cluster service there.")
    names = ", ".join(cms.name for cms in m.cms)
    return ok(what, f"cmdlets answer{', may run ' + names if names else ''}")


def _job_root(m: MachineFacts) -> Finding:
    what, why = f"{m.name} job folder", dict(m.missing).get("root", "")
    if isinstance(m.job_root_ok, Unknown):
        return unknown(what, m.job_root_ok.why)
    if not m.job_root_ok:
        return fail(what, why or "is not as it must be", "The administrator makes it as in docs/runner-task.md.")
    return ok(what, "is there, for SYSTEM and Administrators only")


def _runner(m: MachineFacts) -> Finding:
    what = f"{m.name} runner task"
    if isinstance(m.runner_ok, Unknown):
        return unknown(what, m.runner_ok.why)
    if not m.runner_ok:
        if m.cluster is None:
            return ok(what, "is not there, and not needed outside a cluster")
        return fail(what, "is not registered: no handoff can run there", "docs/runner-task.md, once per node.")
    return ok(what, "is registered")


def _clock(m: MachineFacts) -> Finding:
    what = f"{m.name} clock"
    if isinstance(m.skew_s, Unknown):
        return unknown(what, m.skew_s.why)
    if abs(m.skew_s) > _SKEW_FAIL_S:
        return fail(what, f"{m.skew_s:+.0f} s off", "Over 60 s blocks every step: set it by NTP or the domain.")
    if abs(m.skew_s) > _SKEW_WARN_S:
        return warn(what, f"{m.skew_s:+.0f} s off", "Over 60 s blocks every step.")
    return ok(what, f"{m.skew_s:+.1f} s off")


def _package(m: MachineFacts, wanted: Package) -> Finding:
    """The newest declared package; a plan looks at the one it is asked for."""
    what = f"{m.name} package"
    if not isinstance(m.package, PackageFacts):
        return unknown(what, m.package.why)
    for fact in (m.package.present, m.package.sha256):
        if isinstance(fact, Unknown):
            return unknown(what, fact.why)
    if not m.package.present:
        return warn(what, f"{wanted.path} is not there", "Copy it before a plan that needs it.")
    if m.package.sha256 != wanted.sha256:
        return fail(
            what, f"{wanted.path} is not the file [packages.{wanted.kb}] declares", "Copy it again, compare its hash."
        )
    return ok(what, f"{wanted.path}, with the declared hash")
