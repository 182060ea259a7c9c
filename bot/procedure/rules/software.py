"""Rules about the software on the machine: PowerShell, policies, custom scripts, the runner task."""

from __future__ import annotations

from bot.procedure.facts import CustomScript, Unknown
from bot.procedure.rules.case import (
    Case,
    Finding,
    Rule,
    blocks,
    not_needed,
    passes,
    together,
    unknown,
    warns,
)
from state.words import Fact, StepKind

_INSTALL = frozenset({StepKind.INSTALL})
_HANDOFF = frozenset({StepKind.HANDOFF})
_NO_CRL = 0x200  # WTPF_IGNOREREVOKATION: State 0x23e00 has it, 0x23c00 has not
_CUSTOM = "CustomPatchInstallerActions.ps1"
_SCRIPTS = "%ProgramFiles%\\Microsoft\\Exchange Server\\Scripts\\Customization"  # unless Exchange is elsewhere
_SHOWN = 800  # characters of that script a check may print: a gate that does not fit into a message does not open
_CRL = "crl.microsoft.com"
_LONG = "An install then takes 40 to 60 minutes; do not stop it on silence."
_PROXY = (
    f"Let the machine's WinHTTP reach {_CRL} (`netsh winhttp show proxy`, on Windows Server 2003 `proxycfg`), "
    "or plan for the longer time."
)
_LAX = {"", "undefined", "bypass", "unrestricted", "remotesigned"}


def wmf_version(case: Case) -> Finding:
    """§9: WMF 3.0 breaks Exchange 2007 rollups (1603); 1.0 cannot run the probe."""
    found = []
    for name in case.subjects:
        version = case.said(name, lambda one: one.powershell)
        if isinstance(version, Unknown) or not version:
            why = version.why if isinstance(version, Unknown) else "it was not read"
            found.append(unknown(f"The PowerShell version of {name} is not known: {why}.", "Recheck."))
            continue
        fact = Fact(name="PowerShell", value=version, machine=name)
        major = version.split(".", 1)[0]
        if major != "2":
            new = major.isdigit() and int(major) > 2
            found.append(
                blocks(
                    f"{name} has PowerShell {version}; "
                    + ("rollups for Exchange 2007 fail under it with 1603." if new else "the bot needs 2.0."),
                    "Remove Windows Management Framework 3.0 or later there." if new else "Install WMF 2.0 (KB968930).",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    return together(found, "PowerShell 2.0 is on every machine to be patched.")


def exec_policy(case: Case) -> Finding:
    """§9: an execution policy from group policy overrides what the bot asks for."""
    found = []
    for name in case.subjects:
        policy = case.said(name, lambda one: one.machine_policy)
        if isinstance(policy, Unknown):
            found.append(unknown(f"The execution policy of {name} is not known: {policy.why}.", "Recheck."))
        elif policy.casefold() not in _LAX:
            found.append(
                warns(
                    f"Group policy sets the execution policy of {name} to {policy}: job scripts there must be signed.",
                    "Sign bot/estate/scripts, or exempt the job root.",
                    Fact(name="execution policy", value=policy, machine=name),
                )
            )
        else:
            found.append(passes("", Fact(name="execution policy", value=policy or "none by GPO", machine=name)))
    return together(found, "No group policy stops the bot's scripts.")


def crl_state(case: Case, name: str) -> str | Unknown:
    """ "" if nothing on that machine waits for the revocation list, else what an install there would meet."""
    machine = case.machine(name)
    if machine is None:
        return Unknown(case.silent(name))
    state = dict(machine.software).get("crl", "")
    if state.isdigit() and int(state) & _NO_CRL:
        return ""
    return case.surveyed(name, lambda one: one.crl)


def crl_reach(case: Case) -> Finding:
    """§5/§9: where the revocation list is out of reach an install takes 40 to 60 minutes and may hang services."""
    found = []
    for name in case.subjects:
        machine = case.machine(name)
        state = dict(machine.software).get("crl", "") if machine else ""
        asks = Fact(name="revocation check of SYSTEM", value=state or "default (on)", machine=name)
        said = crl_state(case, name)
        if isinstance(said, Unknown):
            found.append(warns(f"Whether {name} reaches {_CRL} could not be tried: {said.why}. {_LONG}", _PROXY))
            continue
        reach = Fact(name=_CRL, value="out of reach" if said else "in reach, or not asked for", machine=name)
        if said:
            found.append(
                warns(f"{name} checks certificates and does not reach {_CRL} ({said}). {_LONG}", _PROXY, asks, reach)
            )
        else:
            found.append(passes("", asks, reach))
    return together(found, "No install waits for the certificate revocation list.")


def custom_actions(case: Case) -> Finding:
    """§9: from SP2 on a rollup runs this script of the administrator's; its result cannot be seen."""
    found = []
    for name in case.subjects:
        script = case.said(name, lambda one: one.custom_actions)
        if isinstance(script, Unknown):
            found.append(unknown(f"Whether {name} has a {_CUSTOM} is not known: {script.why}.", "Recheck."))
            continue
        fact = Fact(name=_CUSTOM, value=script.sha256 if script else "absent", machine=name)
        found.append(_custom_script(name, script, fact) if script else passes("", fact))
    return together(found, "No custom patch script runs along.")


def _custom_script(name: str, script: CustomScript, fact: Fact) -> Finding:
    """The whole text where it can be shown; else its beginning, and where the rest is. The gate binds to the hash."""
    lines = " ⏎ ".join(line.strip() for line in script.text.splitlines() if line.strip())
    whole = len(lines) <= _SHOWN
    said = f"Its whole text: {lines}" if whole else f"It begins: {lines[:_SHOWN]}"
    rest = f' The rest is not shown here: type "{_SCRIPTS}\\{_CUSTOM}" on {name}.'
    return warns(
        f"{name} has a {_CUSTOM} (SHA-256 of its text {script.sha256[:12]}): the rollup runs it, unseen. {said}",
        f"Read it before you approve; if it changes, the gate is void.{'' if whole else rest}",
        fact,
    )


def runner_task(case: Case) -> Finding:
    """§9: a handoff runs through the task the Windows administrator registered on the receiving node."""
    if case.step is not None:
        names = [case.step.target]
    else:
        steps = case.plan.steps if case.plan else ()
        names = list(dict.fromkeys(step.target for step in steps if step.kind is StepKind.HANDOFF))
    found = []
    for name in names:
        there = case.said(name, lambda one: one.runner_ok)
        if isinstance(there, Unknown):
            found.append(unknown(f"Whether the runner task is on {name} is not known: {there.why}.", "Recheck."))
            continue
        fact = Fact(name="runner task", value="registered" if there else "absent", machine=name)
        if not there:
            found.append(
                blocks(
                    f"The runner task is not registered on {name}: the bot cannot move a mail server there.",
                    "Register rollup-bot-runner there under the named account (docs, runner task).",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    if not found:
        return not_needed("No mail server has to move.")
    return together(found, f"The runner task is registered on {', '.join(names)}.")


RULES = (
    Rule(
        id="WMF-VERSION",
        says="The machine has PowerShell 2.0, neither older nor newer.",
        source="facts/exchange.md §9: Exchange team, December 2012",
        sentences=("S3",),
        plan=True,
        gate=_INSTALL,
        needs=("the PowerShell engine's version",),
        stops="Rollups end with 1603 under WMF 3.0; the probe needs 2.0.",
        remedy="Remove WMF 3.0 or later; install WMF 2.0.",
        judge=wmf_version,
    ),
    Rule(
        id="RUNNER-TASK",
        says="The runner task is registered on the node that receives a mail server.",
        source="facts/exchange.md §9, Who runs what on a node",
        sentences=("S14",),
        plan=True,
        gate=_HANDOFF,
        needs=("the task rollup-bot-runner",),
        stops="The bot could not move the mail server.",
        remedy="Register the task.",
        judge=runner_task,
    ),
    Rule(
        id="EXEC-POLICY",
        says="No group policy stops the bot's scripts.",
        source="facts/exchange.md §9",
        plan=True,
        needs=("the machine's execution policy",),
        verdict="warn; a policy that could not be read stops",
        stops="It only warns.",
        remedy="Sign the scripts or exempt the job root.",
        judge=exec_policy,
    ),
    Rule(
        id="CRL-REACH",
        says="People know when an install may wait for the certificate revocation list.",
        source="facts/exchange.md §5 (kb 944752) and §9",
        plan=True,
        needs=("WinTrust State of SYSTEM", "an answer of crl.microsoft.com to the machine's WinHTTP"),
        verdict="warn",
        stops="It only warns; the forecast is longer.",
        remedy="Make crl.microsoft.com reachable for SYSTEM.",
        judge=crl_reach,
    ),
    Rule(
        id="CUSTOM-ACTIONS",
        says="A custom patch script that the rollup will run is shown.",
        source="facts/exchange.md §9: Exchange team 2010",
        plan=True,
        gate=_INSTALL,
        needs=("Scripts\\Customization\\CustomPatchInstallerActions.ps1",),
        verdict="warn; a script that could not be looked for stops",
        stops="It only warns; its text is shown and its SHA-256 is part of what is approved.",
        remedy="Read it.",
        judge=custom_actions,
    ),
)
